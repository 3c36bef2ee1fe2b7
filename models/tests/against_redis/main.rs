//! The engine beside a real Redis 7.0.15: the same commands to both, the same replies from both.
//!
//! Needs `redis-server` on the `PATH`, so it only runs when it is asked for:
//! `cargo test -p fencepost-models --test against_redis -- --ignored --nocapture`.
//! `FENCEPOST_SEED` and `FENCEPOST_COMMANDS` choose what is generated and how much of it; without them it is ten
//! seeds of 10,000 commands each. Commands that show a difference are shrunk to the fewest that do.

mod compare;
mod generate;
mod planted;
#[path = "../beside/process.rs"]
mod process;
mod real;
#[path = "../beside/setting.rs"]
mod setting;
#[path = "../beside/shrink.rs"]
mod shrink;

use bytes::Bytes;
use fencepost_models::random::Random;
use fencepost_models::redis::resp::{CommandDecoder, Reply};

use self::compare::Pair;
use self::real::Real;
use self::setting::setting;
use self::shrink::shrink;

/// The conversation that the engine's own tests replay.
const RECORDING: &str = "src/redis/engine/keyspace.recorded";

fn words(line: &str) -> Vec<Bytes> {
    let mut decoder = CommandDecoder::default();
    decoder.feed(line.as_bytes());
    decoder.feed(b"\n");
    decoder.next_command().expect("is well formed").expect("is complete")
}

/// Ten seeds, or the one of `FENCEPOST_SEED`. What differs is shrunk to the fewest commands that still do.
#[test]
#[ignore = "needs redis-server"]
fn generated_commands_are_answered_alike() {
    let seeds = match setting("FENCEPOST_SEED", 0) {
        0 => 1..11,
        seed => seed..seed + 1,
    };
    for seed in seeds {
        let mut random = Random::new(seed, 0);
        let mut pair = Pair::new(Real::start());
        let mut sent = Vec::new();
        for _ in 0..setting("FENCEPOST_COMMANDS", 10_000) {
            sent.push(generate::command(&mut random));
            pair.send(sent.last().expect("was just sent"));
            if pair.has_differed() {
                println!("seed {seed}: shrinking {} commands", sent.len());
                let fewest = shrink(&sent, |commands| replayed(commands).has_differed());
                replayed(&fewest)
                    .report(&format!("seed {seed}, {} commands: {fewest:?}", fewest.len()));
                break;
            }
        }
        pair.report(&format!("seed {seed}"));
    }
}

/// The same commands once more, to servers that have just been started.
fn replayed(commands: &[Vec<Bytes>]) -> Pair {
    let mut pair = Pair::new(Real::start());
    commands.iter().for_each(|command| pair.send(command));
    pair
}

/// With `FENCEPOST_RECORD` set, the replies are written down anew.
#[test]
#[ignore = "needs redis-server"]
fn the_recording_is_what_redis_says() {
    let mut real = Real::start();
    let old = std::fs::read_to_string(RECORDING).expect("is there");
    let mut new = String::new();
    for line in old.lines().filter(|line| line.starts_with("> ")) {
        let mut bytes = Vec::new();
        real.call(&words(&line[2..])).encode(&mut bytes);
        new.push_str(&format!("{line}\n{}\n", bytes.escape_ascii()));
    }
    if std::env::var_os("FENCEPOST_RECORD").is_some() {
        std::fs::write(RECORDING, new).expect("can be written");
    } else {
        assert_eq!(old, new);
    }
}

/// Hash tables are walked through in an order of our own, so only what comes in the end is compared.
#[test]
#[ignore = "needs redis-server"]
fn a_walk_through_a_table_gives_all_of_it_and_nothing_else() {
    let mut pair = Pair::new(Real::start());
    for number in 0..1000 {
        pair.send(&words(&format!("SET key:{number} {number} EX 100000")));
        pair.send(&words(&format!("HSET h field:{number} {number}")));
    }
    for walk in ["SCAN", "HSCAN h"] {
        for options in ["", "COUNT 1", "COUNT 700", "MATCH *:1?* COUNT 50"] {
            let [mut ours, mut real] =
                pair.walk(|cursor| words(&format!("{walk} {cursor} {options}")));
            for side in [&mut ours, &mut real] {
                side.sort();
                side.dedup();
            }
            assert!(ours.len() > 90);
            assert_eq!(ours, real, "{walk} {options}");
        }
    }
    pair.report("walks");
}

/// What a reply is made of, and nothing of how.
fn leaves(reply: &Reply) -> Vec<Bytes> {
    match reply {
        Reply::Array(parts) => parts.iter().flat_map(leaves).collect(),
        Reply::Bulk(bytes) => vec![bytes.clone()],
        _ => Vec::new(),
    }
}
