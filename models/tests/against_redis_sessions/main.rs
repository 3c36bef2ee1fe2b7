//! Several connections to a real Redis and to the model, in lockstep: after each command, what each
//! connection has received is compared byte by byte.
//!
//! Needs `redis-server` 7.0 on the path, so it is ignored by default:
//! `cargo test -p fencepost-models --test against_redis_sessions -- --ignored --nocapture`.
//! `FENCEPOST_SEEDS=400` makes it 100,000 generated commands. A story that shows a difference is shrunk to the
//! fewest lines that do.

mod both;
mod generated;
mod listed;
mod listed_events;
mod listed_greetings;
mod listed_keyspace;
mod model;
#[path = "../beside/process.rs"]
mod process;
mod real;
#[path = "../beside/setting.rs"]
mod setting;
#[path = "../beside/shrink.rs"]
mod shrink;

use both::Both;
use setting::setting;
use shrink::shrink;

/// What the generator draws from: change it to look elsewhere.
const SEEDS: u64 = 60;
const STEPS_PER_SEED: usize = 250;

#[test]
#[ignore = "starts a real redis-server"]
fn every_connection_hears_what_redis_would_tell_it() {
    let mut both = Both::start();
    let listed = [
        listed::STORIES,
        listed_greetings::STORIES,
        listed_keyspace::STORIES,
        listed_events::STORIES,
    ];
    for story in listed.into_iter().flatten() {
        both.begin(story.lines().next().unwrap_or_default());
        story.lines().skip(1).for_each(|line| both.step(line.trim()));
        assert!(both.difference().is_none(), "{}", both.difference().unwrap_or_default());
    }
    let listed = both.compared();
    for seed in seeds() {
        both.begin(&format!("seed {seed}"));
        let steps = drawn(seed);
        steps.iter().flatten().for_each(|line| both.step(line));
        if both.difference().is_some() {
            // Two servers cannot have one port.
            drop(both);
            let fewest = shrink(&steps, |steps| told(seed, steps).is_some());
            panic!(
                "{}",
                told(seed, &fewest).unwrap_or_else(|| "it does not come again".to_owned())
            );
        }
        generated::Generator::last_lines().iter().for_each(|line| both.step(line));
    }
    let all = both.compared();
    println!("{listed} listed and {} generated commands compared", all - listed);
    assert!(all - listed > 10_000 && both.messages() > 20_000);
}

/// `FENCEPOST_SEEDS` of them, from 0 on.
fn seeds() -> std::ops::Range<u64> {
    0..setting("FENCEPOST_SEEDS", SEEDS)
}

/// The lines of a story, those together that must not be parted: nobody is to be unblocked while there is a
/// pause, since a real server crashes of it.
fn drawn(seed: u64) -> Vec<Vec<String>> {
    let mut generator = generated::Generator::new(seed);
    let mut steps: Vec<Vec<String>> = Vec::new();
    for _ in 0..STEPS_PER_SEED {
        let line = generator.next_line();
        match steps.last_mut() {
            Some(step) if line.contains("CLIENT UNBLOCK") => step.push(line),
            _ => steps.push(vec![line]),
        }
    }
    steps
}

/// Tells a story to servers that have just been started; where they go apart.
fn told(seed: u64, steps: &[Vec<String>]) -> Option<String> {
    let mut both = Both::start();
    both.begin(&format!("seed {seed}, shrunk"));
    steps.iter().flatten().for_each(|line| both.step(line));
    both.difference().map(str::to_owned)
}
