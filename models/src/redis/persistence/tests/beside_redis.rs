//! The file beside the one that a real Redis writes.

use super::*;
use crate::redis::real::{self, Redis};

/// A conversation with a Redis 7.0.15 that keeps an append-only file (`appendonly yes`). `>` is a
/// command, the lines after it what it added to the file; `!` is a sleep in milliseconds. `@+1000`
/// is the time in a second, in Unix milliseconds, to the nearest second; `@s+1` the same in seconds.
const RECORDED: &str = include_str!("../file.recorded");

enum Step {
    Sleep { millis: u64 },
    Command { line: &'static str, added: Vec<&'static str> },
}

fn steps() -> Vec<Step> {
    let mut steps = Vec::new();
    for line in RECORDED.lines() {
        if let Some(millis) = line.strip_prefix("! ") {
            steps.push(Step::Sleep { millis: millis.parse().expect("is a number") });
        } else if let Some(line) = line.strip_prefix("> ") {
            steps.push(Step::Command { line, added: Vec::new() });
        } else if let Some(Step::Command { added, .. }) = steps.last_mut() {
            added.push(line);
        }
    }
    steps
}

/// The words of a command as they are sent at this time.
fn at(now_ms: u64, line: &str) -> Vec<Bytes> {
    let dated = |word: Bytes| {
        let text = std::str::from_utf8(&word).expect("is text");
        let date = |prefix: &str, unit: u64| {
            let after: u64 = text.strip_prefix(prefix)?.parse().ok()?;
            Some(Bytes::from((now_ms / unit + after).to_string()))
        };
        date("@s+", 1000).or_else(|| date("@+", 1)).unwrap_or(word)
    };
    words(line).into_iter().map(dated).collect()
}

/// The words of a command in the file, as they are recorded.
fn undated(now_ms: u64, command: Vec<Bytes>) -> Vec<Bytes> {
    let undated = |word: Bytes| match std::str::from_utf8(&word).map(str::parse::<u64>) {
        Ok(Ok(date_ms)) if word.len() == now_ms.to_string().len() => {
            Bytes::from(format!("@+{}", (date_ms.saturating_sub(now_ms) + 500) / 1000 * 1000))
        }
        _ => word,
    };
    command.into_iter().map(undated).collect()
}

fn assert_added(line: &str, file: &[u8], now_ms: u64, added: &[&str]) {
    let mut decoder = CommandDecoder::default();
    decoder.feed(file);
    let next = || decoder.next_command().expect("is well formed");
    let commands: Vec<_> = std::iter::from_fn(next).map(|it| undated(now_ms, it)).collect();
    let expected: Vec<_> = added.iter().map(|line| words(line)).collect();
    assert_eq!(commands, expected, "what {line} adds");
    assert_eq!(decoder.unread_bytes(), 0);
}

#[test]
fn the_file_is_the_one_that_redis_writes() {
    let (mut bench, mut commands) = (Bench::new(AppendFsync::No), 0);
    for step in steps() {
        match step {
            Step::Sleep { millis } => bench.pass(millis),
            Step::Command { line, added } => {
                let before = bench.file.len();
                let message = Message::Redis(at(bench.wall_ms, line).into());
                bench.give(Input::Message { connection: ConnectionId(1), message: &message });
                while !bench.under_way.is_empty() {
                    bench.disk();
                }
                assert_added(line, &bench.file[before..], bench.wall_ms, &added);
                commands += 1;
            }
        }
    }
    assert!(commands > 150);
}

/// The same against a real server, so that the recording can be believed.
#[test]
#[ignore = "needs a redis-server 7.0.15 in the path, and a second"]
fn a_real_redis_writes_what_was_recorded() {
    // With `everysec` a write is put off while the file is being synced.
    let mut redis = Redis::start(&[
        "--appendonly",
        "yes",
        "--appendfsync",
        "no",
        "--enable-debug-command",
        "yes",
    ]);
    // Only who asks for a key shall make it expire.
    redis.call(&words("DEBUG SET-ACTIVE-EXPIRE 0"));
    let mut seen_bytes = 0;
    for step in steps() {
        match step {
            Step::Sleep { millis } => real::sleep(millis),
            Step::Command { line, added } => {
                if line.contains("@s+") {
                    wait_for_the_first_half_of_a_second();
                }
                redis.call(&at(real::now_ms(), line));
                let file = redis.folder().join("appendonlydir").join(AOF_FILE);
                let file = std::fs::read(file).expect("is there");
                assert_added(line, &file[seen_bytes..], real::now_ms(), &added);
                seen_bytes = file.len();
            }
        }
    }
}

/// A date in whole seconds lies up to a second before what it is counted from: later in the second
/// it would be rounded down.
fn wait_for_the_first_half_of_a_second() {
    let passed_ms = real::now_ms() % 1000;
    if passed_ms > 400 {
        real::sleep(1000 - passed_ms);
    }
}
