//! The shrinker, on a fault that was planted: no real server is needed.

use bytes::Bytes;
use fencepost_models::random::Random;
use fencepost_models::redis::engine::Engine;
use fencepost_models::redis::resp::Reply;
use fencepost_models::time::Wall;

use crate::shrink::shrink;
use crate::{generate, words};

/// An engine, and one that loses the expiry of a key with each `APPEND`.
fn a_faulty_engine_differs(commands: &[Vec<Bytes>]) -> bool {
    let (mut sound, mut faulty) = (Engine::default(), Engine::default());
    let now = Wall::from_nanos(1_700_000_000_000_000_000);
    commands.iter().any(|command| {
        let expected = sound.execute(command, now);
        let given = faulty.execute(command, now);
        if command[0] == "APPEND" && matches!(given, Reply::Int(_)) {
            faulty.execute(&[Bytes::from("PERSIST"), command[1].clone()], now);
        }
        expected != given && command[0] == "PTTL"
    })
}

#[test]
fn a_planted_difference_is_shrunk_to_what_it_takes() {
    let mut random = Random::new(3, 0);
    let mut commands: Vec<Vec<Bytes>> = Vec::new();
    // What is drawn has other keys, so that what is planted decides.
    for planted in ["SET lease v PX 5000", "APPEND lease x", "PTTL lease"] {
        let drawn = std::iter::repeat_with(|| generate::command(&mut random));
        let is_harmless = |command: &Vec<Bytes>| !is_in_the_way(command);
        commands.extend(drawn.filter(is_harmless).take(200));
        commands.push(words(planted));
    }
    assert!(a_faulty_engine_differs(&commands));
    let shrunk = shrink(&commands, a_faulty_engine_differs);
    assert_eq!(
        shrunk,
        ["SET lease v PX 5000", "APPEND lease x", "PTTL lease"].map(words),
        "neither more nor less"
    );
}

/// True for what would show the fault by itself, or take away or hide what is planted.
fn is_in_the_way(command: &[Bytes]) -> bool {
    let name = command[0].to_ascii_uppercase();
    let names: [&[u8]; 6] = [b"APPEND", b"PTTL", b"FLUSHALL", b"FLUSHDB", b"SELECT", b"SWAPDB"];
    names.contains(&&name[..])
}

#[test]
fn what_needs_everything_stays_whole() {
    let all: Vec<u8> = (0..7).collect();
    assert_eq!(shrink(&all, |part| part.len() == 7), all);
    assert_eq!(shrink(&all, |part| part.contains(&5)), [5]);
    assert!(shrink(&all, |_| true).is_empty());
}
