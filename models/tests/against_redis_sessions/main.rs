//! Several connections to a real Redis and to the model, in lockstep: after each command, what each
//! connection has received is compared byte by byte.
//!
//! Needs `redis-server` 7.0 on the path, so it is ignored by default:
//! `cargo test -p fencepost-models --test against_redis_sessions -- --ignored --nocapture`.
//! `FENCEPOST_SEEDS=400` makes it 100,000 generated commands. A story that shows a difference is shrunk to the
//! fewest lines that do. Pauses are in real time here, so that on a busy machine a story may end otherwise by chance:
//! one that never does so again is told, and may be one of fifty.

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

/// How often a story that has ended otherwise is told again.
const TRIES: usize = 3;

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
    let mut by_chance = 0;
    for seed in seeds() {
        both.begin(&format!("seed {seed}"));
        let steps = drawn(seed);
        steps.iter().flatten().for_each(|line| both.step(line));
        if let Some(difference) = both.difference().map(str::to_owned) {
            both = both.interrupted_by(|| {
                let never_again = (0..TRIES).all(|_| told(seed, &steps).is_none());
                assert!(never_again, "{}", fewest(seed, &steps));
            });
            println!("once, and in {TRIES} more tries not again:\n{difference}");
            by_chance += 1;
            continue;
        }
        generated::Generator::last_lines().iter().for_each(|line| both.step(line));
    }
    let all = both.compared();
    println!("{listed} listed and {} generated commands compared", all - listed);
    assert!(all - listed > 10_000 && both.messages() > 20_000);
    assert!(by_chance * 50 <= seeds().end, "{by_chance} stories ended otherwise by chance");
}

/// What a story shows, told with the fewest lines that do.
fn fewest(seed: u64, steps: &[Vec<String>]) -> String {
    let fewest = shrink(steps, |steps| told(seed, steps).is_some());
    told(seed, &fewest).unwrap_or_else(|| format!("seed {seed}, sometimes: {fewest:?}"))
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
