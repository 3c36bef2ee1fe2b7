//! The engine beside a real Redis, and what the clock does to it.

use proptest::prelude::*;

use super::*;
use crate::redis::commands::COMMANDS;
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
