//! How fast the world is, next to other hosts of the same work.
//!
//! ```text
//! cargo bench -p fencepost --bench world
//! ```
//!
//! The hosts take turns, round by round, so that a machine that slows down or speeds up on the
//! way does so for all of them; ratios are taken within a round. What is printed are medians of
//! the rounds. Everything runs on this one thread, without a log.
//!
//! fencepost's world has to keep a distance from each of the others ([`REQUIRED`]); the last table
//! says whether it does. Nothing fails by it: a figure of one run on a busy machine is no verdict.
//! A run's history takes over the memory of the run before, as it does in a hunt.
//!
//! Without `--bench`, which `cargo test --benches` does not pass, it only checks that each host
//! does its work.
#![allow(
    clippy::disallowed_methods,
    reason = "real time is what a benchmark measures; no simulation runs while it reads the clock"
)]
#![allow(clippy::float_arithmetic, reason = "rates and ratios to print: no run depends on them")]

mod peers;

use peers::{CLIENTS, Peer};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The hosts, in the order of the table's rows.
const HOSTS: &[Peer] = &[
    Peer { name: "fencepost: its world, history recorded", run: peers::fencepost_world::run },
    Peer { name: "turmoil 0.7, UDP", run: peers::turmoil_udp::run },
    Peer { name: "madsim 0.2, Endpoint", run: peers::madsim_endpoint::run },
    Peer { name: "bare event loop: the limit", run: peers::bare_heap::run },
];

/// The place of fencepost's own world among the [`HOSTS`].
const WORLD: usize = 0;

/// How many times as fast as another host, given by its place, the world has to be: at least half
/// as fast as the limit, though it records, injects and interposes; and so much faster than what
/// else there is that a hunt over ten thousand seeds is a matter of seconds.
const REQUIRED: &[(usize, f64)] = &[(1, 60.0), (2, 10.0), (3, 0.5)];

/// Requests with their replies in a run, of all clients together.
const PAIRS: u32 = 30_000;

/// How often each host has its turn, after one that does not count. Five would do on a machine
/// of one's own; on a shared one, where a host's rounds differ by half, the ratios need more.
const ROUNDS: u64 = 15;

/// How long a turn takes at least: short runs are repeated, each with the next seed.
const TURN: Duration = Duration::from_millis(250);

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        for host in HOSTS {
            (host.run)(0, u32::from(CLIENTS) * 100);
        }
        return;
    }

    let mut turns: Vec<Vec<Turn>> = HOSTS.iter().map(|_| Vec::new()).collect();
    for round in 0..=ROUNDS {
        for (host, turns) in HOSTS.iter().zip(&mut turns) {
            let turn = measure(host);
            if round > 0 {
                turns.push(turn);
            }
        }
    }
    print_rates(&turns);
    println!();
    print_ratios(&turns);
    println!();
    print_required(&turns);
}

/// What a host did in one turn.
struct Turn {
    pairs: u64,
    simulated: Duration,
    elapsed: Duration,
}

impl Turn {
    fn pairs_per_second(&self) -> f64 {
        self.pairs as f64 / self.elapsed.as_secs_f64()
    }

    fn simulated_per_second(&self) -> f64 {
        self.simulated.as_secs_f64() / self.elapsed.as_secs_f64()
    }

    /// In simulated milliseconds: tells whether two hosts did the same work.
    fn round_trip(&self) -> f64 {
        self.simulated.as_secs_f64() * 1e3 * f64::from(CLIENTS) / self.pairs as f64
    }
}

/// One turn of a host: seeds 0, 1, 2, … for as long as it takes.
fn measure(host: &Peer) -> Turn {
    let mut turn = Turn { pairs: 0, simulated: Duration::ZERO, elapsed: Duration::ZERO };
    let start = Instant::now();
    for seed in 0.. {
        let outcome = black_box((host.run)(black_box(seed), black_box(PAIRS)));
        turn.pairs += outcome.pairs_done;
        turn.simulated += outcome.simulated;
        turn.elapsed = start.elapsed();
        if turn.elapsed >= TURN {
            break;
        }
    }
    turn
}

/// A row for each host. The spread is that of its pairs per second, from the slowest round to
/// the fastest.
fn print_rates(turns: &[Vec<Turn>]) {
    println!(
        "| host | pairs per second | spread | simulated seconds per second | mean round trip |"
    );
    println!("|---|--:|--:|--:|--:|");
    for (host, turns) in HOSTS.iter().zip(turns) {
        let pairs = sorted(turns.iter().map(Turn::pairs_per_second));
        let simulated = sorted(turns.iter().map(Turn::simulated_per_second));
        let round_trip = sorted(turns.iter().map(Turn::round_trip));
        println!(
            "| {} | {} | {:.0} % | {} | {:.1} ms |",
            host.name,
            grouped(median(&pairs)),
            100.0 * (pairs[pairs.len() - 1] - pairs[0]) / median(&pairs),
            grouped(median(&simulated)),
            median(&round_trip),
        );
    }
}

/// Each host's pairs per second as a multiple of every other's, compared within each round.
fn print_ratios(turns: &[Vec<Turn>]) {
    print!("| pairs per second, row ÷ column |");
    for host in HOSTS {
        print!(" {} |", host.name);
    }
    println!("\n|---|{}", "--:|".repeat(HOSTS.len()));
    for (host, rows) in HOSTS.iter().zip(turns) {
        print!("| {} |", host.name);
        for columns in turns {
            print!(" {:.3} |", ratio(rows, columns));
        }
        println!();
    }
}

/// The ratios that the world must reach, and those that it did.
fn print_required(turns: &[Vec<Turn>]) {
    println!("| the world, next to | required | measured | |");
    println!("|---|--:|--:|---|");
    for &(place, required) in REQUIRED {
        let measured = ratio(&turns[WORLD], &turns[place]);
        let verdict = if measured >= required { "reached" } else { "MISSED" };
        println!("| {} | {required} x | {measured:.2} x | {verdict} |", HOSTS[place].name);
    }
}

/// The median of one host's pairs per second as a multiple of another's, round by round.
fn ratio(turns: &[Turn], others: &[Turn]) -> f64 {
    let rounds = turns.iter().zip(others);
    median(&sorted(rounds.map(|(one, other)| one.pairs_per_second() / other.pairs_per_second())))
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The middle of an odd number of sorted values, as [`ROUNDS`] is.
fn median(sorted: &[f64]) -> f64 {
    const { assert!(ROUNDS % 2 == 1, "an even number of rounds has no middle one") };
    sorted[sorted.len() / 2]
}

/// A number without decimals, its digits in groups of three.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
