//! A process driven by hand, for the tests of the recipes.

use crate::machine::{CloseReason, ConnectionId, Effect, Input, InputId, NodeId, TimerId};
use crate::message::Message;
use crate::note::Note;
use crate::process::Host;
use crate::process::testing::Driven;
use crate::redis::resp::Reply;
use crate::time::Mono;

/// A process with what it wrote down and sent.
pub struct Bench {
    driven: Driven,
    pub notes: Vec<Note>,
    /// What it has sent since it was last asked, each on its connection.
    sent: Vec<(ConnectionId, Message)>,
    /// The connection that it opened last.
    connection: ConnectionId,
}

impl Bench {
    /// A process that has started.
    pub fn new<F: Future<Output = ()> + 'static>(main: impl FnOnce(Host) -> F) -> Self {
        let driven = Driven::new(NodeId(1), main);
        let connection = ConnectionId(0);
        let mut bench = Self { driven, notes: Vec::new(), sent: Vec::new(), connection };
        bench.give(0, Input::Started);
        bench
    }

    pub fn give(&mut self, at_ms: u64, input: Input<'_>) -> InputId {
        let input_id = self.driven.next_input();
        self.driven.now = Mono::from_nanos(at_ms * 1_000_000);
        for effect in self.driven.handle(input) {
            match effect {
                Effect::Note(note) => self.notes.push(note),
                Effect::Send { connection, message } => self.sent.push((connection, message)),
                Effect::Connect { connection, .. } => self.connection = connection,
                _ => {}
            }
        }
        input_id
    }

    /// The connection that was asked for last is open.
    pub fn connected(&mut self, at_ms: u64) {
        self.give(at_ms, Input::Connected { connection: self.connection });
    }

    /// The connection that was opened last is reset.
    pub fn reset(&mut self, at_ms: u64) {
        let reason = CloseReason::Reset;
        self.give(at_ms, Input::Closed { connection: self.connection, reason });
    }

    pub fn message(&mut self, at_ms: u64, connection: u32, number: u64) -> InputId {
        let message = &Message::Number(number);
        self.give(at_ms, Input::Message { connection: ConnectionId(connection), message })
    }

    /// Redis answers on the connection that was opened last.
    pub fn reply(&mut self, at_ms: u64, reply: Reply) -> InputId {
        let (connection, message) = (self.connection, &Message::RedisReply(reply));
        self.give(at_ms, Input::Message { connection, message })
    }

    /// Redis answers on a connection, or says something unasked.
    pub fn reply_on(&mut self, at_ms: u64, connection: u32, reply: Reply) -> InputId {
        let (connection, message) = (ConnectionId(connection), &Message::RedisReply(reply));
        self.give(at_ms, Input::Message { connection, message })
    }

    pub fn time(&mut self, at_ms: u64) {
        self.give(at_ms, Input::Timer(TimerId(0)));
    }

    /// The Redis commands that were sent since this was last asked, as words; digests of scripts
    /// are left out.
    pub fn commands(&mut self) -> Vec<Vec<String>> {
        let sent = self.sent.drain(..).filter_map(|(_, message)| match message {
            Message::Redis(words) => Some(words),
            _ => None,
        });
        let words = |words: std::sync::Arc<[bytes::Bytes]>| {
            let words: Vec<String> =
                words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
            let is_script = words.first().is_some_and(|name| name == "EVALSHA");
            let is_digest = |place| is_script && place == 1;
            let words = words.into_iter().enumerate();
            words.filter(|(place, _)| !is_digest(*place)).map(|(_, word)| word).collect()
        };
        sent.map(words).collect()
    }
}
