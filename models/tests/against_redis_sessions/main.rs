//! Several connections to a real Redis and to the model, in lockstep: after each command, what each
//! connection has received is compared byte by byte.
//!
//! Needs `redis-server` 7.0 on the path, so it is ignored by default:
//! `cargo test -p fencepost-models --test against_redis_sessions -- --ignored --nocapture`.

mod both;
mod generated;
mod listed;
mod listed_events;
mod listed_greetings;
mod listed_keyspace;
mod model;
mod real;

use both::Both;

/// What the generator draws from: change it to look elsewhere.
const SEEDS: std::ops::Range<u64> = 0..60;
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
    }
    let listed = both.compared();
    for seed in SEEDS {
        both.begin(&format!("seed {seed}"));
        let mut generator = generated::Generator::new(seed);
        for _ in 0..STEPS_PER_SEED {
            both.step(&generator.next_line());
        }
        generated::Generator::last_lines().iter().for_each(|line| both.step(line));
    }
    let all = both.compared();
    println!("{listed} listed and {} generated commands compared", all - listed);
    assert!(all - listed > 10_000 && both.messages() > 20_000);
}
