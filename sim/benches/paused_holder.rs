//! How fast the paused-holder scenario runs: a Redis with Lua, three buyers and the store, 60
//! simulated seconds. Once with its history recorded, as the world leaves it, and once judged too.
//!
//! ```text
//! cargo bench -p fencepost --bench paused_holder
//! ```
//!
//! It is the corpus's own scenario but for the stock, which is large enough to keep the buyers
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

/// What is asked for with the history recorded, in delivered messages a second.
const REQUIRED: f64 = 2e6;

/// Does something once under a seed, and says how many messages were delivered.
type Host = fn(&Scenario, u64) -> u64;

/// What is measured, in the order of the table's rows.
const HOSTS: [(&str, Host); 3] = [
    ("the scenario, history recorded", |scenario, seed| {
        scenario.record(seed).unwrap_or_else(|failure| panic!("{failure}")).history.delivered()
    }),
    ("the scenario, history recorded and judged", |scenario, seed| {
        scenario.run(seed).unwrap_or_else(|failure| panic!("{failure}")).run.history.delivered()
    }),
    ("bare event loop: requests with their replies, each two messages", |_, seed| {
        2 * peers::bare_heap::run(seed, 30_000).pairs_done
    }),
];

/// The place of the bare event loop among the [`HOSTS`].
const BARE: usize = 2;

fn main() {
    let scenario = scenario();
    if !std::env::args().any(|argument| argument == "--bench") {
        for (_, run) in HOSTS {
            assert!(run(&scenario, 1) > 1_000, "the buyers keep buying");
        }
        return;
    }
    // The hosts take turns: a machine that slows down does so for all of them.
    let rounds: Vec<[f64; 3]> =
        (0..=ROUNDS).map(|_| HOSTS.map(|(_, run)| rate(&scenario, run))).skip(1).collect();
    println!("| paused holder, 3 buyers | messages per second | spread | ÷ bare loop |");
    println!("|---|--:|--:|--:|");
    for (place, (name, _)) in HOSTS.iter().enumerate() {
        let rates = sorted(rounds.iter().map(|round| round[place]));
        let ratios = sorted(rounds.iter().map(|round| round[place] / round[BARE]));
        let (median, spread) = (middle(&rates), rates[ROUNDS - 1] / rates[0] - 1.0);
        println!("| {name} | {median:.0} | {:.0} % | {:.3} |", spread * 100.0, middle(&ratios));
    }
    let recorded = middle(&sorted(rounds.iter().map(|round| round[0])));
    let reached = if recorded >= REQUIRED { "reached" } else { "NOT REACHED on this machine" };
    println!(
        "\nhistory recorded: {recorded:.0} messages per second; required {REQUIRED:.0}: {reached}"
    );
}

fn scenario() -> Scenario {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../seeds/paused-holder.toml");
    let scenario = Scenario::read(&file).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((scenario.shop.buyers, scenario.duration), (3, Duration::from_secs(60)));
    scenario.but(|s| s.shop.stock = 1_000_000)
}

/// Messages per second, over seeds 0, 1, 2, … for one turn.
fn rate(scenario: &Scenario, run: Host) -> f64 {
    let start = Instant::now();
    let mut messages = 0;
    for seed in 0.. {
        messages += black_box(run(black_box(scenario), seed));
        if start.elapsed() >= TURN {
            break;
        }
    }
    messages as f64 / start.elapsed().as_secs_f64()
}

fn sorted(rates: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut rates: Vec<f64> = rates.collect();
    rates.sort_by(f64::total_cmp);
    rates
}

fn middle(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}
