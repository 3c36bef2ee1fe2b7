//! The engine beside a real Redis, and what the clock does to it.

use proptest::prelude::*;

use super::*;
use crate::machine::ConnectionId;
use crate::redis::commands::COMMANDS;
use crate::redis::keyspace::Database;
use crate::redis::resp::CommandDecoder;

/// When the conversations with a real Redis were recorded, to within a minute.
const RECORDED_MS: u64 = 1_795_597_700_000;

fn at_ms(millis: u64) -> Wall {
    Wall::from_nanos(millis * 1_000_000)
}

fn words(line: &str) -> Vec<Bytes> {
    let mut decoder = CommandDecoder::default();
    decoder.feed(line.as_bytes());
    decoder.feed(b"\n");
    decoder.next_command().expect("is well formed").expect("is complete")
}

fn run(engine: &mut Engine, now_ms: u64, line: &str) -> Reply {
    engine.execute(&words(line), at_ms(now_ms))
}

/// Replays a conversation with a Redis 7.0.15 (Debian's 5:7.0.15-1~deb12u10); lines that we answer otherwise, or that depend on the time of day, are left out. `>` is a command as
/// `redis-cli` would take it, the line after it the bytes of the reply, `!` a sleep in
/// milliseconds.
fn replay(conversation: &str) -> usize {
    let mut engine = Engine::default();
    let (mut now_ms, mut seen) = (RECORDED_MS, 0);
    let mut lines = conversation.lines();
    while let Some(line) = lines.next() {
        if let Some(sleep) = line.strip_prefix("! ") {
            now_ms += sleep.parse::<u64>().expect("is a number");
            continue;
        }
        let command = line.strip_prefix("> ").expect("a command");
        let expected = lines.next().expect("its reply");
        let mut bytes = Vec::new();
        run(&mut engine, now_ms, command).encode(&mut bytes);
        assert_eq!(bytes.escape_ascii().to_string(), expected, "reply to {command}");
        seen += 1;
    }
    seen
}

#[test]
fn commands_are_answered_as_redis_answers_them() {
    assert!(replay(include_str!("commands.recorded")) > 1000);
}

/// What `tests/against_redis` has written down; nothing in it hangs on the time of day.
#[test]
fn commands_on_keys_are_answered_as_redis_answers_them() {
    assert!(replay(include_str!("keyspace.recorded")) > 450);
}

#[test]
fn scripts_are_answered_as_redis_answers_them() {
    assert!(replay(include_str!("scripts.recorded")) > 250);
}

#[test]
fn a_key_lives_through_the_millisecond_at_which_it_expires() {
    let mut engine = Engine::default();
    run(&mut engine, 1000, "SET lock a PX 500");
    assert_eq!(run(&mut engine, 1500, "PTTL lock"), Reply::Int(0));
    assert_eq!(run(&mut engine, 1500, "SET lock b NX"), Reply::Nil);
    engine.take_changes();
    assert_eq!(run(&mut engine, 1501, "SET lock b NX PX 500"), Reply::OK);
    let key = Bytes::from_static(b"lock");
    let changes: Vec<Change> = engine.take_changes().collect();
    let value = Bytes::from_static(b"b");
    let set = Change::Set { key: key.clone(), value, expires_at_ms: Some(2001) };
    assert_eq!(changes, [Change::Expired { key }, set]);
}

#[test]
fn a_jump_of_the_wall_clock_ends_or_prolongs_a_key() {
    let mut engine = Engine::default();
    run(&mut engine, 100_000, "SET lock a PX 500");
    assert_eq!(run(&mut engine, 40_000, "PTTL lock"), Reply::Int(60_500));
    assert_eq!(run(&mut engine, 100_501, "EXISTS lock"), Reply::Int(0));
    assert_eq!(run(&mut engine, 40_000, "EXISTS lock"), Reply::Int(0), "gone is gone");
}

#[test]
fn the_active_cycle_goes_on_while_much_is_stale_and_leaves_the_rest() {
    let mut engine = Engine::default();
    for number in 0..200 {
        run(&mut engine, 0, &format!("SET short{number} x PX 100"));
        run(&mut engine, 0, &format!("SET long{number} x PX 100000"));
    }
    engine.take_changes();
    let mut random = Random::new(1, 1);
    engine.expire_some(at_ms(100), &mut random);
    assert_eq!(engine.volatile_keys(), 400, "nothing is due yet");
    engine.expire_some(at_ms(101), &mut random);
    let left = engine.volatile_keys() - 200;
    assert!(left < 60, "stops only when at most a tenth of a sample is stale: {left}");
    assert_eq!(engine.take_changes().count(), 200 - left);
    for _ in 0..100 {
        engine.expire_some(at_ms(101), &mut random);
    }
    assert_eq!(engine.volatile_keys(), 200);
}

#[test]
fn expiries_and_deletions_are_reported() {
    let mut engine = Engine::default();
    let mut changes = |line: &str| {
        run(&mut engine, 1000, line);
        engine.take_changes().collect::<Vec<Change>>()
    };
    let key = Bytes::from_static(b"k");
    let set = |expires_at_ms| Change::Set {
        key: key.clone(),
        value: Bytes::from_static(b"v"),
        expires_at_ms,
    };
    assert_eq!(changes("SET k v"), [set(None)]);
    assert_eq!(changes("PEXPIRE k 10"), [set(Some(1010))]);
    assert_eq!(changes("PERSIST k"), [set(None)]);
    assert_eq!(changes("GET k"), []);
    assert_eq!(changes("EXPIRE k -1"), [Change::Deleted { key: key.clone() }]);
    assert_eq!(changes("DEL k"), []);
    changes("SET k v");
    assert_eq!(changes("FLUSHALL"), [Change::Deleted { key: key.clone() }]);
}

#[test]
fn modifications_are_counted_as_redis_counts_them() {
    let mut engine = Engine::default();
    let mut made = |line: &str| {
        let before = engine.dirty();
        run(&mut engine, 1000, line);
        engine.dirty() - before
    };
    for (line, modifications) in [
        ("HSET h a 1 b 2", 2),
        ("HSET h a 1 a 1", 2),
        ("HDEL h a none", 1),
        ("HINCRBY h b x", 0),
        ("PEXPIRE h 10000", 1),
        ("MSET s 1 t 2", 2),
        ("MSETNX s 1 u 2", 0),
        ("SETRANGE s 0 \"\"", 0),
        ("APPEND s \"\"", 1),
        ("GETEX s", 0),
        ("GETEX s PERSIST", 0),
        ("RENAME s t", 1),
        ("RENAME t t", 0),
        ("COPY t h REPLACE", 1),
        ("SET t 1 XX PX 10000", 1),
        ("SET t 1 NX", 0),
        ("HSET g a 1", 1),
        ("HDEL g a", 1),
        ("FLUSHALL", 2),
        ("FLUSHALL", 0),
    ] {
        assert_eq!(made(line), modifications, "{line}");
    }
}

#[test]
fn changed_hashes_renamed_and_copied_keys_are_reported() {
    let mut engine = Engine::default();
    let mut changes = |line: &str| {
        run(&mut engine, 1000, line);
        engine.take_changes().collect::<Vec<Change>>()
    };
    let name = |name: &'static str| Bytes::from_static(name.as_bytes());
    let deleted = |key| Change::Deleted { key: name(key) };
    let set_to = |key, value, expires_at_ms| Change::Set {
        key: name(key),
        value: name(value),
        expires_at_ms,
    };
    let set = |key, expires_at_ms| set_to(key, "v", expires_at_ms);
    assert_eq!(changes("HSET h a 1"), [set_to("h", "a", None)]);
    assert_eq!(changes("HINCRBY h a 1"), [set_to("h", "a", None)], "entered once more");
    assert_eq!(changes("PEXPIRE h 10"), [set_to("h", "a", Some(1010))]);
    assert_eq!(changes("COPY h i"), [set_to("i", "a", Some(1010))]);
    assert_eq!(changes("HSET i b 2"), [set_to("i", "a b", Some(1010))]);
    assert_eq!(changes("HDEL i a"), [set_to("i", "b", Some(1010))]);
    assert_eq!(changes("HDEL i b"), [deleted("i")]);
    changes("HSET j a 1 b 2 c 3 d 4 e 5 f 6 g 7 h 8");
    assert_eq!(changes("HSET j i 9"), [set_to("j", "a b c d e f g h ...", None)]);
    changes("DEL j");
    assert_eq!(changes("SET k v PX 10"), [set("k", Some(1010))]);
    assert_eq!(changes("RENAME k l"), [deleted("k"), set("l", Some(1010))]);
    assert_eq!(changes("RENAME l h"), [deleted("l"), set("h", Some(1010))]);
    assert_eq!(changes("PTTL h"), []);
    assert_eq!(run(&mut engine, 1011, "DBSIZE"), Reply::Int(1));
    assert_eq!(run(&mut engine, 1011, "RANDOMKEY"), Reply::Nil, "its time is over");
    assert_eq!(
        engine.take_changes().collect::<Vec<Change>>(),
        [Change::Expired { key: name("h") }]
    );
}

#[test]
fn whoever_watches_hears_of_every_modified_key() {
    const KEYS: [&str; 4] = ["h", "i", "k", "none"];
    let mut engine = Engine::default();
    run(&mut engine, 1000, "SET k v PX 10");
    for (watcher, key) in (0..).zip(KEYS) {
        engine.data.watched.watch(
            Database::default(),
            &Bytes::from_static(key.as_bytes()),
            ConnectionId(watcher),
            false,
        );
    }
    let mut heard = |now_ms, line| -> Vec<&str> {
        run(&mut engine, now_ms, line);
        let has_heard = |watcher| engine.data.watched.is_dirty(ConnectionId(watcher));
        (0..).zip(KEYS).filter(|(watcher, _)| has_heard(*watcher)).map(|(_, key)| key).collect()
    };
    assert!(heard(1000, "GET k").is_empty());
    assert_eq!(heard(1000, "HSET h f v"), ["h"]);
    assert_eq!(heard(1000, "RENAME h i"), ["h", "i"]);
    assert_eq!(heard(1000, "DEL none"), ["h", "i"]);
    assert_eq!(heard(1011, "GET k"), ["h", "i", "k"]);
}

#[test]
fn a_key_is_idle_from_its_last_use_on() {
    let mut engine = Engine::default();
    run(&mut engine, 10_000, "SET k v");
    for (now_ms, line, expected) in [
        (15_999, "OBJECT IDLETIME k", 5),
        (16_000, "EXISTS k", 1),
        (17_000, "OBJECT IDLETIME k", 7),
        (18_000, "TOUCH k", 1),
        (20_000, "OBJECT IDLETIME k", 2),
        (5_000, "OBJECT IDLETIME k", 16_777_202),
    ] {
        assert_eq!(run(&mut engine, now_ms, line), Reply::Int(expected), "{now_ms}: {line}");
    }
}

#[test]
fn chance_is_the_servers_own() {
    let draws = |stream| {
        let mut engine = Engine::new(Random::new(1, stream));
        run(&mut engine, 0, "HSET h a 1 b 2 c 3 d 4");
        (0..20).map(|_| run(&mut engine, 0, "HRANDFIELD h")).collect::<Vec<Reply>>()
    };
    assert_eq!(draws(1), draws(1));
    assert_ne!(draws(1), draws(2));
}

#[test]
fn no_count_of_fields_fills_the_memory() {
    let mut engine = Engine::default();
    run(&mut engine, 0, "HSET h a 1");
    let reply = run(&mut engine, 0, "HRANDFIELD h -9223372036854775807");
    assert_eq!(reply, Reply::error("ERR value is out of range"));
}

/// Argument vectors that are nearly right: names of the table, few keys, numbers and options.
fn any_command() -> impl Strategy<Value = Vec<Bytes>> {
    let names: Vec<String> = COMMANDS.iter().map(|command| command.full_name.to_owned()).collect();
    let word = prop_oneof![
        3 => prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned),
        2 => any::<i64>().prop_map(|number| number.to_string()),
        2 => (-3..2000_i64).prop_map(|number| number.to_string()),
        2 => prop::sample::select(vec!["nx", "XX", "GET", "px", "EX", "PXAT", "keepttl", "gt"])
            .prop_map(str::to_owned),
        1 => prop::sample::select(vec!["return redis.call(unpack(ARGV))", "load", "0", "1"])
            .prop_map(str::to_owned),
    ];
    let word = prop_oneof![
        9 => word.prop_map(Bytes::from),
        1 => prop::collection::vec(any::<u8>(), 0..8).prop_map(Bytes::from),
    ];
    (prop::sample::select(names), prop::collection::vec(word, 0..7))
        .prop_map(|(name, words)| std::iter::once(Bytes::from(name)).chain(words).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_command_panics_and_two_engines_fed_the_same_agree(
        commands in prop::collection::vec((any_command(), 0..2000_u64), 0..40)
    ) {
        let (mut one, mut other) = (Engine::default(), Engine::default());
        for (command, now_ms) in commands {
            let now = at_ms(now_ms);
            prop_assert_eq!(one.execute(&command, now), other.execute(&command, now));
            let changes: Vec<Change> = one.take_changes().collect();
            prop_assert_eq!(changes, other.take_changes().collect::<Vec<Change>>());
            prop_assert_eq!(one.volatile_keys(), other.volatile_keys());
        }
    }
}
