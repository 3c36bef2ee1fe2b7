//! A whole Redis, and a stranger who sends it bytes: nothing that can be said makes it panic, and every reply can be
//! read by a client.

#![no_main]

use bytes::Bytes;
use fencepost_models::machine::{
    Boot, ConnectionId, Context, Effect, Files, Input, Machine, NodeId, TimerId,
};
use fencepost_models::message::Message;
use fencepost_models::random::Random;
use fencepost_models::redis::resp::{CommandDecoder, ReplyDecoder};
use fencepost_models::redis::server::{RedisSettings, Server};
use fencepost_models::time::{LocalClock, Mono, Wall};
use libfuzzer_sys::fuzz_target;

const STRANGERS: u32 = 2;

fuzz_target!(|bytes: &[u8]| {
    let mut redis = Redis::new();
    let mut decoder = CommandDecoder::default();
    decoder.feed(bytes);
    let mut turn = 0;
    while let Ok(Some(command)) = decoder.next_command() {
        // Each speaks in turn, and a while passes.
        redis.ask(ConnectionId(turn % STRANGERS), command);
        redis.pass(20);
        turn += 1;
    }
    redis.pass(2_000);
});

struct Redis {
    server: Server,
    now_ms: u64,
    timers: Vec<(TimerId, Mono)>,
    next_connection: u32,
    open: Vec<ConnectionId>,
}

impl Redis {
    fn new() -> Self {
        let now_ms = 1_800_000_000_000;
        let random = Random::new(1, 1);
        let boot = Boot {
            node: NodeId(0),
            incarnation: 0,
            random,
            files: Files::new(),
            clock: at(now_ms),
        };
        let settings = RedisSettings { enable_debug_command: true, ..RedisSettings::default() };
        let open = (0..STRANGERS).map(ConnectionId).collect();
        let server = Server::new(boot, settings);
        let mut redis =
            Self { server, now_ms, timers: Vec::new(), next_connection: STRANGERS, open };
        redis.give(Input::Started);
        for connection in redis.open.clone() {
            redis.give(Input::Accepted { connection, peer: NodeId(1) });
        }
        redis
    }

    fn ask(&mut self, connection: ConnectionId, command: Vec<Bytes>) {
        if self.open.contains(&connection) {
            let message = Message::Redis(command.into());
            self.give(Input::Message { connection, message: &message });
        }
    }

    fn pass(&mut self, millis: u64) {
        let end = self.now_ms + millis;
        while let Some(place) = self.first_due(at(end).mono) {
            let (timer, due) = self.timers.swap_remove(place);
            self.now_ms = self.now_ms.max(due.as_nanos() / 1_000_000);
            self.give(Input::Timer(timer));
        }
        self.now_ms = end;
    }

    fn first_due(&self, end: Mono) -> Option<usize> {
        let due = self.timers.iter().enumerate().filter(|(_, (_, at))| *at <= end);
        due.min_by_key(|(_, (timer, at))| (*at, *timer)).map(|(place, _)| place)
    }

    fn give(&mut self, input: Input<'_>) {
        let mut outbox = Vec::new();
        let mut context = Context::new(at(self.now_ms), &mut self.next_connection, &mut outbox);
        self.server.handle(input, &mut context);
        for effect in outbox {
            match effect {
                Effect::Send { message: Message::RedisReply(reply), .. } => {
                    let (mut bytes, mut decoder) = (Vec::new(), ReplyDecoder::default());
                    reply.encode(&mut bytes);
                    decoder.feed(&bytes);
                    decoder.next_reply().expect("is well formed").expect("is whole");
                    assert_eq!(decoder.next_reply(), Ok(None));
                }
                Effect::Close { connection } => self.open.retain(|open| *open != connection),
                Effect::SetTimer { timer, at } => {
                    self.timers.retain(|(other, _)| *other != timer);
                    self.timers.push((timer, at));
                }
                _ => {}
            }
        }
    }
}

fn at(now_ms: u64) -> LocalClock {
    let nanos = now_ms * 1_000_000;
    LocalClock { wall: Wall::from_nanos(nanos), mono: Mono::from_nanos(nanos) }
}
