//! A process driven by hand, for the tests of the recipes.

use crate::machine::{
    Boot, CloseReason, ConnectionId, Context, Effect, Files, Input, InputId, Machine, NodeId,
    TimerId,
};
use crate::message::Message;
use crate::note::Note;
use crate::process::{Host, Process};
use crate::random::Random;
use crate::redis::resp::Reply;
use crate::time::{LocalClock, Mono, Wall};

/// A process with its inputs numbered, and with what it wrote down and sent.
pub struct Bench {
    process: Process,
    pub notes: Vec<Note>,
    /// What it has sent since it was last asked, each on its connection.
    sent: Vec<(ConnectionId, Message)>,
    /// The connection that it opened last.
    connection: ConnectionId,
    inputs: u32,
    next_connection: u32,
}

impl Bench {
    /// A process that has started.
    pub fn new<F: Future<Output = ()> + 'static>(main: impl FnOnce(Host) -> F) -> Self {
        let boot = Boot {
            node: NodeId(1),
            incarnation: 0,
            random: Random::new(1, 1),
            files: Files::new(),
            clock: LocalClock::default(),
        };
        let mut bench = Self {
            process: Process::new(boot, main),
            notes: Vec::new(),
            sent: Vec::new(),
            connection: ConnectionId(0),
            inputs: 0,
            next_connection: 0,
        };
        bench.give(0, Input::Started);
        bench
    }

    pub fn give(&mut self, at_ms: u64, input: Input<'_>) -> InputId {
        let nanos = at_ms * 1_000_000;
        let clock = LocalClock { wall: Wall::from_nanos(nanos), mono: Mono::from_nanos(nanos) };
        let mut outbox = Vec::new();
        let mut context = Context::new(clock, &mut self.next_connection, &mut outbox);
        let input_id = InputId(self.inputs);
        context.input = Some(input_id);
        self.inputs += 1;
        self.process.handle(input, &mut context);
        for effect in outbox {
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
