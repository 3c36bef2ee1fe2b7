//! The file beside the one that a real Redis writes.

use super::*;

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
    let mut redis = real::Redis::start();
    for step in steps() {
        match step {
            Step::Sleep { millis } => real::sleep(millis),
            Step::Command { line, added } => {
                if line.contains("@s+") {
                    real::wait_for_the_first_half_of_a_second();
                }
                redis.send(&at(real::now_ms(), line));
                assert_added(line, &redis.added(), real::now_ms(), &added);
            }
        }
    }
}

/// A Redis that runs beside the tests.
mod real {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::path::PathBuf;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use bytes::Bytes;

    use crate::redis::resp::{ReplyDecoder, encode_command};

    const PORT: u16 = 7983;

    pub(super) struct Redis {
        process: Child,
        folder: PathBuf,
        connection: TcpStream,
        seen_bytes: usize,
    }

    impl Redis {
        pub(super) fn start() -> Self {
            let folder = std::env::temp_dir().join(format!("fencepost-aof-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            let port = PORT.to_string();
            let mut process = Command::new("redis-server")
                .args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "yes"])
                // With `everysec` a write is put off while the file is being synced.
                .args(["--appendfsync", "no", "--enable-debug-command", "yes", "--dir"])
                .arg(&folder)
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let connect = |_| {
                sleep(20);
                TcpStream::connect(("127.0.0.1", PORT)).ok()
            };
            let Some(connection) = (0..100).find_map(connect) else {
                process.kill().unwrap();
                panic!("redis-server does not answer");
            };
            let mut redis = Self { process, folder, connection, seen_bytes: 0 };
            // Only who asks for a key shall make it expire.
            redis.send(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"].map(Bytes::from));
            redis
        }

        /// Sends a command and waits for its reply.
        pub(super) fn send(&mut self, command: &[Bytes]) {
            let mut bytes = Vec::new();
            encode_command(command, &mut bytes);
            self.connection.write_all(&bytes).unwrap();
            let (mut decoder, mut chunk) = (ReplyDecoder::default(), [0; 4096]);
            while decoder.next_reply().unwrap().is_none() {
                let length = self.connection.read(&mut chunk).unwrap();
                decoder.feed(&chunk[..length]);
            }
        }

        /// What was added to the file since this was last called.
        pub(super) fn added(&mut self) -> Vec<u8> {
            let file = std::fs::read(self.folder.join("appendonlydir").join(super::AOF_FILE));
            let file = file.unwrap();
            let added = file[self.seen_bytes..].to_vec();
            self.seen_bytes = file.len();
            added
        }
    }

    impl Drop for Redis {
        fn drop(&mut self) {
            let _ = self.process.kill();
            let _ = self.process.wait();
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    /// A date in whole seconds lies up to a second before what it is counted from: later in the second
    /// it would be rounded down.
    pub(super) fn wait_for_the_first_half_of_a_second() {
        let passed_ms = now_ms() % 1000;
        if passed_ms > 400 {
            sleep(1000 - passed_ms);
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a real server lives in real time")]
    pub(super) fn sleep(millis: u64) {
        std::thread::sleep(Duration::from_millis(millis));
    }

    #[expect(clippy::disallowed_methods, reason = "a real server lives in real time")]
    pub(super) fn now_ms() -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        since.as_millis() as u64
    }
}
