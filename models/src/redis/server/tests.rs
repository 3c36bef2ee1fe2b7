//! The server as a machine: what it answers, writes down and sets timers for.

use bytes::Bytes;

use super::*;
use crate::machine::{ConnectionId, Effect, Files, NodeId};
use crate::redis::resp::{CommandDecoder, Reply};
use crate::time::{LocalClock, Mono, Wall};

const CLIENT: ConnectionId = ConnectionId(1);

/// A server, and the two clocks of its host.
struct Bench {
    server: Server,
    wall_ms: u64,
    mono_ms: u64,
}

impl Bench {
    fn new() -> Self {
        Self::with(RedisSettings::default())
    }

    fn with(settings: RedisSettings) -> Self {
        let boot = Boot {
            node: NodeId(0),
            incarnation: 0,
            random: Random::new(1, 1),
            files: Files::new(),
            clock: LocalClock::default(),
        };
        Self { server: Server::new(boot, settings), wall_ms: 100_000, mono_ms: 0 }
    }

    fn pass(&mut self, millis: u64) {
        self.wall_ms += millis;
        self.mono_ms += millis;
    }

    fn give(&mut self, input: Input<'_>) -> Vec<Effect> {
        let clock = LocalClock {
            wall: Wall::from_nanos(self.wall_ms * 1_000_000),
            mono: Mono::from_nanos(self.mono_ms * 1_000_000),
        };
        let (mut outbox, mut next_connection) = (Vec::new(), 9);
        self.server.handle(input, &mut Context::new(clock, &mut next_connection, &mut outbox));
        outbox
    }

    fn command(&mut self, line: &str) -> Vec<Effect> {
        let words = line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes()));
        let message = Message::Redis(words.collect());
        self.give(Input::Message { connection: CLIENT, message: &message })
    }

    fn tick(&mut self) -> Vec<Effect> {
        self.give(Input::Timer(Cron::TIMER))
    }
}

fn notes(effects: &[Effect]) -> Vec<&'static str> {
    let note = |effect: &Effect| match effect {
        Effect::Note(note) => Some(note.kind()),
        _ => None,
    };
    effects.iter().filter_map(note).collect()
}

fn timer_ms(effects: &[Effect]) -> Option<u64> {
    effects.iter().find_map(|effect| match effect {
        Effect::SetTimer { at, .. } => Some(at.as_millis()),
        _ => None,
    })
}

fn reply(effects: &[Effect]) -> Option<&Reply> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send { connection: CLIENT, message: Message::RedisReply(reply) } => Some(reply),
        _ => None,
    })
}

#[test]
fn a_command_is_answered_on_its_connection_and_its_changes_are_noted() {
    let mut bench = Bench::new();
    let effects = bench.command("SET lock mine NX");
    assert_eq!(reply(&effects), Some(&Reply::OK));
    assert_eq!(notes(&effects), ["key-set"]);
    assert_eq!(timer_ms(&effects), None, "nothing expires, so nothing is to be done");
    assert_eq!(notes(&bench.command("DEL lock")), ["key-deleted"]);
    assert!(bench.give(Input::Started).is_empty());
    let empty = Message::Redis([].into());
    assert!(bench.give(Input::Message { connection: CLIENT, message: &empty }).is_empty());
    let foreign = Message::Number(1);
    let effects = bench.give(Input::Message { connection: CLIENT, message: &foreign });
    assert!(matches!(effects[..], [Effect::Close { connection: CLIENT }]));
}

#[test]
fn of_a_long_value_the_head_is_noted() {
    let mut bench = Bench::new();
    let mut noted = |line: &str| {
        bench.command(line).into_iter().find_map(|effect| match effect {
            Effect::Note(Note::KeySet { value, .. }) => Some(value.as_bytes().clone()),
            _ => None,
        })
    };
    let value = "v".repeat(1024);
    assert_eq!(noted(&format!("SET k {value}")).unwrap(), value.as_bytes());
    assert_eq!(noted("APPEND k w").unwrap(), value.as_bytes());
    let bits = noted("SETBIT k 4294967295 1").unwrap();
    assert_eq!(bits, value.as_bytes());
    // Nothing of the long string is kept with it.
    assert!(bits.try_into_mut().is_ok());
}

#[test]
fn server_cron_runs_on_its_grid_while_something_expires() {
    let mut bench = Bench::new();
    bench.pass(130);
    let effects = bench.command("SET lock mine PX 150");
    assert_eq!(timer_ms(&effects), Some(201), "1 ms after the start and every 100 ms");
    assert_eq!(timer_ms(&bench.command("SET other x PX 150")), None, "it is set already");
    bench.pass(71);
    let effects = bench.tick();
    assert_eq!((notes(&effects).len(), timer_ms(&effects)), (0, Some(301)));
    bench.pass(100);
    let effects = bench.tick();
    assert_eq!(notes(&effects), ["key-expired", "key-expired"]);
    assert_eq!(timer_ms(&effects), None, "an idle server costs nothing");
    bench.pass(1000);
    assert_eq!(timer_ms(&bench.command("SET lock mine PX 1")), Some(1401));
}

#[test]
fn after_a_pause_the_grid_begins_anew() {
    let mut bench = Bench::new();
    assert_eq!(timer_ms(&bench.command("SET lock mine PX 10000")), Some(1));
    bench.pass(777);
    assert_eq!(timer_ms(&bench.tick()), Some(877));
}

#[test]
fn another_hz_counts_from_the_next_run_on_though_that_is_left_out() {
    let mut bench = Bench::new();
    bench.command("CONFIG SET hz 1");
    bench.pass(130);
    bench.command("CONFIG SET hz 10");
    bench.pass(700);
    assert_eq!(timer_ms(&bench.command("SET lock mine PX 50")), Some(1001), "1 ms, then a second");
    bench.pass(171);
    assert_eq!(timer_ms(&bench.command("SET other x PX 500")), None);
    assert_eq!(timer_ms(&bench.tick()), Some(1101));
}

#[test]
fn a_clock_set_back_keeps_a_lock_alive() {
    let mut bench = Bench::new();
    bench.command("SET lock mine PX 100");
    bench.pass(101);
    bench.wall_ms -= 60_000;
    assert!(notes(&bench.tick()).is_empty());
    assert_eq!(reply(&bench.command("EXISTS lock")), Some(&Reply::Int(1)));
    bench.wall_ms += 60_000;
    assert_eq!(notes(&bench.tick()), ["key-expired"]);
}

#[test]
fn a_restart_begins_with_nothing() {
    let mut bench = Bench::new();
    bench.command("SET lock mine");
    bench = Bench::new();
    assert_eq!(reply(&bench.command("EXISTS lock")), Some(&Reply::Int(0)));
}

/// What a Redis 7.0.15 with `maxmemory 1` answered, on one connection.
const WITHOUT_MEMORY: [(&str, &str); 16] = [
    ("SET a 1", "-OOM command not allowed when used memory > 'maxmemory'."),
    ("GET a", "$-1"),
    ("DEL a", ":0"),
    ("PING", "+PONG"),
    (
        "EVAL \"return redis.call('SET','a','b')\" 0",
        "-OOM command not allowed when used memory > 'maxmemory'. script: \
         0a9f75e991483d02789696e4c90d26c10395863e, on @user_script:1.",
    ),
    (
        "EVAL \"return redis.pcall('SET','a','b')\" 0",
        "-OOM command not allowed when used memory > 'maxmemory'.",
    ),
    ("EVAL \"redis.call('DEL','a'); return redis.call('SET','a','b')\" 0", "+OK"),
    ("EVAL \"return redis.call('GET','a')\" 0", "$1\\r\\nb"),
    ("MULTI", "+OK"),
    ("GET a", "-OOM command not allowed when used memory > 'maxmemory'."),
    ("EXEC", "-EXECABORT Transaction discarded because of previous errors."),
    ("MULTI", "+OK"),
    ("DISCARD", "+OK"),
    ("EXPIRE a 10", ":1"),
    ("HSET h f 1", "-OOM command not allowed when used memory > 'maxmemory'."),
    ("SET", "-ERR wrong number of arguments for 'set' command"),
];

#[test]
fn a_server_without_memory_refuses_what_redis_refuses() {
    let mut bench = Bench::with(RedisSettings { maxmemory_bytes: 1, ..RedisSettings::default() });
    for (line, expected) in WITHOUT_MEMORY {
        let mut decoder = CommandDecoder::default();
        decoder.feed(line.as_bytes());
        decoder.feed(b"\n");
        let words = decoder.next_command().expect("is well formed").expect("is complete");
        let message = Message::Redis(words.into());
        let effects = bench.give(Input::Message { connection: CLIENT, message: &message });
        let mut bytes = Vec::new();
        reply(&effects).expect("a reply").encode(&mut bytes);
        assert_eq!(bytes.trim_ascii_end().escape_ascii().to_string().replace("\\'", "'"), expected);
    }
}

#[test]
fn keys_are_evicted_before_the_next_command() {
    // Room for one key besides what an empty server takes.
    let mut bench = Bench::with(RedisSettings {
        maxmemory_bytes: 876_176 + 32 + 100,
        maxmemory_policy: MaxmemoryPolicy::AllKeysRandom,
        ..RedisSettings::default()
    });
    bench.command("SET a 1");
    assert_eq!(notes(&bench.command("SET b 1")), ["key-set"]);
    assert_eq!(notes(&bench.command("GET c")), ["key-evicted"]);
    assert_eq!(reply(&bench.command("DBSIZE")), Some(&Reply::Int(1)));
}

#[test]
fn who_waits_is_looked_for_by_server_cron_at_the_latest() {
    let mut bench = Bench::new();
    bench.pass(130);
    let effects = bench.command("CLIENT PAUSE 150");
    assert_eq!((reply(&effects), timer_ms(&effects)), (Some(&Reply::OK), Some(201)));
    let effects = bench.command("SET lock mine");
    assert!(effects.is_empty(), "held back, and nothing is written down");
    bench.pass(71);
    assert_eq!(timer_ms(&bench.tick()), Some(301));
    bench.pass(100);
    let effects = bench.tick();
    assert_eq!((reply(&effects), notes(&effects)), (Some(&Reply::OK), vec!["key-set"]));
    assert_eq!(timer_ms(&effects), None);
}

#[test]
fn whoever_has_subscribed_is_sent_what_is_published_until_its_connection_is_gone() {
    const OTHER: ConnectionId = ConnectionId(2);
    let mut bench = Bench::new();
    let subscribe = Message::Redis(["SUBSCRIBE", "c"].map(Bytes::from).into());
    bench.give(Input::Accepted { connection: OTHER, peer: NodeId(7) });
    bench.give(Input::Message { connection: OTHER, message: &subscribe });
    let effects = bench.command("PUBLISH c x");
    assert!(matches!(effects[0], Effect::Send { connection: OTHER, .. }));
    assert_eq!(reply(&effects), Some(&Reply::Int(1)));
    let reason = crate::machine::CloseReason::Reset;
    bench.give(Input::Closed { connection: OTHER, reason });
    assert_eq!(reply(&bench.command("PUBLISH c x")), Some(&Reply::Int(0)));
}

#[test]
fn who_listens_is_told_of_keys_that_expire_though_nobody_asks_for_them() {
    let settings = RedisSettings {
        notify_keyspace_events: EventClasses::parse("Ex").expect("are classes"),
        ..RedisSettings::default()
    };
    let mut bench = Bench::with(settings);
    const OTHER: ConnectionId = ConnectionId(2);
    let subscribe = ["SUBSCRIBE", "__keyevent@0__:expired"].map(Bytes::from);
    let subscribe = Message::Redis(subscribe.into());
    bench.give(Input::Message { connection: OTHER, message: &subscribe });
    bench.pass(130);
    bench.command("SET lock mine PX 50");
    bench.pass(71);
    let effects = bench.tick();
    assert_eq!(notes(&effects), ["key-expired"]);
    let told = ["message", "__keyevent@0__:expired", "lock"].map(|it| Reply::Bulk(it.into()));
    let told = Message::RedisReply(Reply::Array(told.into()));
    let is_told = |effect: &Effect| matches!(effect, Effect::Send { connection: OTHER, message } if *message == told);
    assert!(effects.iter().any(is_told), "{effects:?}");
}
