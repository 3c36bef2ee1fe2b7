//! What goes out to whom, for what came in and when.

mod clients;
mod keyspace;
mod subscriptions;
mod transactions;
mod waiting;

use std::fmt::Write;
use std::sync::Arc;

use super::*;
use crate::machine::Files;
use crate::random::Random;
use crate::redis::resp::CommandDecoder;
use crate::time::{Mono, Wall};

/// A server's connections, its data and its clock.
struct Bench {
    sessions: Sessions,
    engine: Engine,
    now_ms: u64,
}

impl Bench {
    fn new() -> Self {
        let boot = Boot {
            node: NodeId(3),
            incarnation: 0,
            random: Random::new(1, 1),
            files: Files::new(),
            clock: LocalClock::default(),
        };
        let sessions = Sessions::new(&boot, RedisSettings::default());
        let mut bench = Self { sessions, engine: Engine::default(), now_ms: 100_000 };
        for number in 1..=4 {
            let peer = Some(NodeId(10 + number));
            bench.sessions.open(ConnectionId(number.into()), peer, bench.clock());
        }
        bench
    }

    fn clock(&self) -> LocalClock {
        let nanos = self.now_ms * 1_000_000;
        LocalClock { wall: Wall::from_nanos(nanos), mono: Mono::from_nanos(nanos) }
    }

    /// What goes out when a client sends a line: one word for each thing, `2:+OK`.
    fn send(&mut self, connection: u32, line: &str) -> String {
        let mut decoder = CommandDecoder::default();
        decoder.feed(format!("{line}\n").as_bytes());
        let words = decoder.next_command().expect("well formed").expect("complete");
        let clock = self.clock();
        let arguments: Arc<[Bytes]> = words.into();
        self.sessions.receive(ConnectionId(connection), &arguments, &mut self.engine, clock);
        self.pass(0)
    }

    /// What goes out when time passes and the event loop comes round.
    fn pass(&mut self, millis: u64) -> String {
        self.now_ms += millis;
        let clock = self.clock();
        self.sessions.before_sleep(&mut self.engine, clock);
        let said: Vec<String> = self.sessions.take_output().map(shown).collect();
        said.join(" ")
    }
}

fn shown(item: Outgoing) -> String {
    match item {
        Outgoing::Reply { connection, reply } => format!("{}:{}", connection.0, text(&reply)),
        Outgoing::Close { connection } => format!("{}:closed", connection.0),
    }
}

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Status(status) => format!("+{}", String::from_utf8_lossy(status)),
        Reply::Error(error) => format!("-{}", String::from_utf8_lossy(error)),
        Reply::Int(number) => number.to_string(),
        Reply::Bulk(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
        Reply::Nil => "nil".to_owned(),
        Reply::NilArray => "nil-array".to_owned(),
        Reply::Null => "null".to_owned(),
        Reply::Verbatim(bytes) => format!("={:?}", String::from_utf8_lossy(bytes)),
        Reply::Array(replies) => listed("", replies),
        Reply::Map(replies) => listed("%", replies),
        Reply::Push(replies) => listed(">", replies),
    }
}

fn listed(kind: &str, replies: &[Reply]) -> String {
    let mut shown = format!("{kind}[");
    for (at, reply) in replies.iter().enumerate() {
        let _ = write!(shown, "{}{}", if at > 0 { "," } else { "" }, text(reply));
    }
    shown + "]"
}
