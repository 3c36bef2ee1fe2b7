//! How fast scenarios run: three buyers, 60 simulated seconds, their locks on one Redis or on a group of
//! servers under random faults. Once with the history recorded, as the world leaves it, and once judged too.
//!
//! ```text
//! cargo bench -p fencepost --bench scenarios
//! ```
//!
//! They are the project's own files but for the stock, which is large enough to keep the buyers
//! buying for the whole minute; with one piece the run is over after 200 messages, and what would
//! be measured is how fast a world is built.
//!
//! A rate depends on the machine and on who else is busy on it. So the bare event loop of the other
//! benchmark has its turn in each round, and the ratio to it is printed beside the rate.
#![allow(
    clippy::disallowed_methods,
    reason = "real time is what a benchmark measures; no simulation runs while it reads the clock"
)]
#![allow(clippy::float_arithmetic, reason = "rates to print: no run depends on them")]

#[allow(dead_code, reason = "of the other hosts, only the limit is measured here")]
mod peers;

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use fencepost::scenario::Scenario;

/// How many turns are measured, after one that does not count.
const ROUNDS: usize = 15;

/// How long a turn takes at least.
const TURN: Duration = Duration::from_millis(250);

/// A scenario, where it lies, and what is asked for with the history recorded, in delivered messages a second.
struct Figure {
    name: &'static str,
    file: &'static str,
    required: f64,
}

const FIGURES: [Figure; 4] = [
    Figure { name: "one Redis, a paused holder", file: "paused-holder.toml", required: 2e6 },
    Figure {
        name: "1 master, 2 replicas, 3 Sentinels, random faults",
        file: "hunts/sentinel.toml",
        required: 1.5e6,
    },
    Figure {
        name: "5 independent servers, RedLock, random faults",
        file: "hunts/redlock.toml",
        required: 1.5e6,
    },
    Figure {
        name: "an ensemble of 3 servers, random faults",
        file: "hunts/zookeeper.toml",
        required: 1.5e6,
    },
];

/// How a scenario is run.
#[derive(Clone, Copy)]
enum How {
    Recorded,
    Judged,
}

fn main() {
    let scenarios = FIGURES.each_ref().map(|figure| scenario(figure.file));
    if !std::env::args().any(|argument| argument == "--bench") {
        for scenario in &scenarios {
            assert!(run(scenario, How::Judged, 1) > 1_000, "the buyers keep buying");
        }
        return;
    }
    // The hosts take turns: a machine that slows down does so for all of them.
    let turns = || {
        let bare = rate(|_| 2 * peers::bare_heap::run(1, 30_000).pairs_done);
        let rates = scenarios.each_ref().map(|scenario| {
            [How::Recorded, How::Judged].map(|how| rate(|seed| run(scenario, how, seed)))
        });
        (bare, rates)
    };
    let rounds: Vec<_> = (0..=ROUNDS).map(|_| turns()).skip(1).collect();
    let bare = middle(rounds.iter().map(|(bare, _)| *bare));
    println!("the bare event loop of this run: {bare:.0} messages per second\n");
    println!("| scenario | recorded | spread | ÷ bare loop | judged too | required, recorded | |");
    println!("|---|--:|--:|--:|--:|--:|---|");
    for (place, Figure { name, required, .. }) in FIGURES.iter().enumerate() {
        let of = |how: usize| rounds.iter().map(move |(_, rates)| rates[place][how]);
        let (recorded, judged) = (middle(of(0)), middle(of(1)));
        let ratio = middle(rounds.iter().map(|(bare, rates)| rates[place][0] / bare));
        let spread = (of(0).fold(0.0, f64::max) / of(0).fold(f64::MAX, f64::min) - 1.0) * 100.0;
        let verdict = if recorded >= *required { "reached" } else { "NOT REACHED on this machine" };
        println!(
            "| {name} | {recorded:.0} | {spread:.0} % | {ratio:.3} | {judged:.0} | {required:.0} | {verdict} |"
        );
    }
}

fn scenario(file: &str) -> Scenario {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(file);
    let scenario = Scenario::read(&file).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((scenario.shop.buyers, scenario.duration), (3, Duration::from_secs(60)));
    scenario.but(|s| s.shop.stock = 1_000_000)
}

/// Runs a scenario under a seed, and says how many messages were delivered.
fn run(scenario: &Scenario, how: How, seed: u64) -> u64 {
    let history = match how {
        How::Recorded => scenario.record(seed).map(|run| run.history.delivered()),
        How::Judged => scenario.run(seed).map(|outcome| outcome.run.history.delivered()),
    };
    history.unwrap_or_else(|failure| panic!("{failure}"))
}

/// Messages per second, over seeds 0, 1, 2, … for one turn.
fn rate(run: impl Fn(u64) -> u64) -> f64 {
    let start = Instant::now();
    let mut messages = 0;
    for seed in 0.. {
        messages += black_box(run(black_box(seed)));
        if start.elapsed() >= TURN {
            break;
        }
    }
    messages as f64 / start.elapsed().as_secs_f64()
}

fn middle(rates: impl Iterator<Item = f64>) -> f64 {
    let mut rates: Vec<f64> = rates.collect();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
