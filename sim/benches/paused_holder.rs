//! How fast the paused-holder scenario runs: a Redis with Lua, three buyers and the store, 60
//! simulated seconds, the history recorded and judged.
//!
//! ```text
//! cargo bench -p fencepost --bench paused_holder
//! ```
//!
//! It is the corpus's own scenario but for the stock, which is large enough to keep the buyers
//! buying for the whole minute; with one piece the run is over after 200 messages, and what would
//! be measured is how fast a world is built.
#![allow(
    clippy::disallowed_methods,
    reason = "real time is what a benchmark measures; no simulation runs while it reads the clock"
)]
#![allow(clippy::float_arithmetic, reason = "rates to print: no run depends on them")]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use fencepost::scenario::{Outcome, Scenario};

/// How many turns are measured, after one that does not count.
const ROUNDS: usize = 15;

/// How long a turn takes at least.
const TURN: Duration = Duration::from_millis(250);

/// What the benchmark is asked for, in delivered messages a second.
const REQUIRED: f64 = 2e6;

fn main() {
    let scenario = scenario();
    if !std::env::args().any(|argument| argument == "--bench") {
        let outcome = run(&scenario, 1);
        assert!(outcome.run.history.delivered() > 1_000, "the buyers keep buying");
        return;
    }
    let mut rates: Vec<(f64, f64)> = (0..=ROUNDS).map(|_| measure(&scenario)).skip(1).collect();
    rates.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (messages, simulated) = rates[rates.len() / 2];
    println!(
        "paused holder, {} buyers: {messages:.0} messages delivered per second (from {:.0} to \
         {:.0} in {ROUNDS} rounds), {simulated:.0} simulated seconds per second; required: {REQUIRED:.0}",
        scenario.shop.buyers,
        rates[0].0,
        rates[rates.len() - 1].0,
    );
}

fn scenario() -> Scenario {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../seeds/paused-holder.toml");
    let scenario = Scenario::read(&file).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((scenario.shop.buyers, scenario.duration), (3, Duration::from_secs(60)));
    scenario.but(|s| s.shop.stock = 1_000_000)
}

fn run(scenario: &Scenario, seed: u64) -> Outcome {
    scenario.run(seed).unwrap_or_else(|failure| panic!("{failure}"))
}

/// Messages and simulated seconds per second, over seeds 0, 1, 2, … for one turn.
fn measure(scenario: &Scenario) -> (f64, f64) {
    let (mut messages, mut simulated) = (0, Duration::ZERO);
    let start = Instant::now();
    for seed in 0.. {
        let outcome = black_box(run(black_box(scenario), seed));
        messages += outcome.run.history.delivered();
        simulated += outcome.run.simulated;
        if start.elapsed() >= TURN {
            break;
        }
    }
    let elapsed = start.elapsed().as_secs_f64();
    (messages as f64 / elapsed, simulated.as_secs_f64() / elapsed)
}
