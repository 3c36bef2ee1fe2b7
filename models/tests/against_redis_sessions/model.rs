//! The model behind the same connections.

use bytes::Bytes;
use fencepost_models::machine::{
    Boot, ConnectionId, Context, Effect, Files, Input, Machine, NodeId, TimerId,
};
use fencepost_models::message::Message;
use fencepost_models::random::Random;
use fencepost_models::redis::resp::{Reply, ReplyDecoder};
use fencepost_models::redis::server::{RedisSettings, Server};
use fencepost_models::time::{LocalClock, Mono, Wall};

use crate::real::Received;

/// When the model's run begins: any time will do, since what is compared does not show it.
const START_MS: u64 = 1_800_000_000_000;

/// The server, its clock, its timers, and what its clients have received.
pub struct Model {
    server: Server,
    now_ms: u64,
    timers: Vec<(TimerId, Mono)>,
    /// The connection behind each number; a new one gets the next number of all.
    connections: Vec<ConnectionId>,
    next_connection: u32,
    received: Vec<Received>,
    paused: bool,
}

impl Model {
    pub fn new() -> Self {
        let boot = Boot {
            node: NodeId(0),
            incarnation: 0,
            random: Random::new(1, 1),
            files: Files::new(),
            clock: clock(START_MS),
        };
        Self {
            server: Server::new(
                boot,
                RedisSettings { enable_debug_command: true, ..RedisSettings::default() },
            ),
            now_ms: START_MS,
            timers: Vec::new(),
            connections: Vec::new(),
            next_connection: 0,
            received: Vec::new(),
            paused: false,
        }
    }

    pub fn connect(&mut self, at: usize) {
        let connection = ConnectionId(self.next_connection);
        self.next_connection += 1;
        if at == self.connections.len() {
            self.connections.push(connection);
            self.received.push(Received::default());
        } else {
            self.connections[at] = connection;
        }
        self.give(Input::Accepted { connection, peer: NodeId(1) });
        // As the real side does.
        self.send(at, &["CLIENT".to_owned(), "ID".to_owned()]);
        self.received[at] = Received::default();
    }

    pub fn known(&self, what: &str, at: usize) -> String {
        let connection = self.connections[at].0;
        match what {
            "id" => (connection + 3).to_string(),
            _ => format!("10.0.0.1:{}", 32_768 + connection),
        }
    }

    pub fn send(&mut self, at: usize, words: &[String]) {
        let first = |word: &str| words.first().is_some_and(|name| name.eq_ignore_ascii_case(word));
        if first("CLIENT") && words.len() > 2 {
            let all = words.last().is_some_and(|mode| mode.eq_ignore_ascii_case("all"));
            self.paused |= words[1].eq_ignore_ascii_case("pause") && all;
        }
        let message = Message::Redis(words.iter().cloned().map(Bytes::from).collect());
        self.give(Input::Message { connection: self.connections[at], message: &message });
    }

    /// True when even a `PING` would have to wait.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Time passes; timers come when their moment is there.
    pub fn pass(&mut self, millis: u64) {
        for _ in 0..millis {
            self.now_ms += 1;
            let now = clock(self.now_ms).mono;
            while let Some(place) = self.timers.iter().position(|(_, at)| *at <= now) {
                let (timer, _) = self.timers.swap_remove(place);
                self.give(Input::Timer(timer));
            }
        }
        self.paused = false;
    }

    /// Lets time pass until the server has slept enough: the real one sleeps by itself.
    pub fn pass_until_awake(&mut self) {
        /// The timer of `DEBUG SLEEP`.
        const AWAKE: TimerId = TimerId(2);
        while self.timers.iter().any(|(timer, _)| *timer == AWAKE) {
            self.pass(1);
        }
    }

    /// What each connection has received since this was last asked.
    pub fn received(&mut self) -> Vec<Received> {
        let fresh = self.received.iter().map(|_| Received::default()).collect();
        std::mem::replace(&mut self.received, fresh)
    }

    fn give(&mut self, input: Input<'_>) {
        let mut outbox = Vec::new();
        let mut context = Context::new(clock(self.now_ms), &mut self.next_connection, &mut outbox);
        self.server.handle(input, &mut context);
        for effect in outbox {
            match effect {
                Effect::Send { connection, message: Message::RedisReply(reply) } => {
                    let received = self.receiver(connection);
                    reply.encode(&mut received.bytes);
                    received.messages += 1;
                    check_that_clients_read(&reply);
                }
                Effect::Close { connection } => self.receiver(connection).closed = true,
                Effect::SetTimer { timer, at } => {
                    self.timers.retain(|(other, _)| *other != timer);
                    self.timers.push((timer, at));
                }
                _ => {}
            }
        }
    }

    fn receiver(&mut self, connection: ConnectionId) -> &mut Received {
        let place = self.connections.iter().position(|other| *other == connection);
        &mut self.received[place.expect("the server answers only who is connected")]
    }
}

/// One message is one reply on the wire, neither more nor less.
fn check_that_clients_read(reply: &Reply) {
    let (mut bytes, mut decoder) = (Vec::new(), ReplyDecoder::default());
    reply.encode(&mut bytes);
    decoder.feed(&bytes);
    assert_eq!(decoder.next_reply(), Ok(Some(reply.clone())));
}

fn clock(now_ms: u64) -> LocalClock {
    let nanos = now_ms * 1_000_000;
    LocalClock { wall: Wall::from_nanos(nanos), mono: Mono::from_nanos(nanos) }
}
