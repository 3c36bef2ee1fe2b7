//! How small violating runs become, and how long that takes: hunts whose seeds draw ten faults, and a hundred and more
//! runs of theirs that violate something. From random plans of ten faults two or fewer are to be left in nine of ten
//! cases, in under ten seconds each.
//!
//! ```text
//! cargo bench -p fencepost --bench shrinking
//! ```
//!
//! A case is a seed whose plan has exactly ten faults and whose run violates something; its first violation is kept,
//! and the story of it. As many cases as there are cores are shrunk at a time, and each is timed on its own.
#![allow(
    clippy::disallowed_methods,
    reason = "real time is what a benchmark measures; no simulation runs while it reads the clock"
)]
#![allow(clippy::float_arithmetic, reason = "shares to print: no run depends on them")]

use std::path::Path;
use std::time::{Duration, Instant};

use fencepost::scenario::{Recipe, Scenario};
use fencepost::shrink::{Shrink, Shrunk};
use fencepost_faults::{Fault, RandomFaults};
use fencepost_models::locks::redisson::RedissonSettings;
use rayon::prelude::*;

/// So many faults are in each plan.
const FAULTS: u32 = 10;

/// So many cases of each scenario.
const CASES: usize = 25;

/// A run is small that has so many faults or fewer.
const FEW: usize = 2;

/// What a case may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Which share of the cases is to be small.
const SHARE: f64 = 0.9;

/// A case, shrunk.
struct Case {
    seed: u64,
    shrunk: Shrunk,
    took: Duration,
}

fn main() {
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    let cases = if is_measured { CASES } else { 1 };
    println!(
        "| scenario | cases | {FEW} faults or fewer | most | runs, median | seconds, median | longest |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    let all: Vec<(&str, Vec<Case>)> =
        scenarios().map(|(name, scenario)| (name, shrink_all(&scenario, cases))).into();
    for (name, cases) in &all {
        row(name, cases);
    }
    let together: Vec<&Case> = all.iter().flat_map(|(_, cases)| cases).collect();
    row("all", together.iter().copied());
    for (name, cases) in &all {
        cases.iter().filter(|case| !is_small(case)).for_each(|case| tell(name, case));
    }
    if is_measured {
        let share =
            together.iter().filter(|case| is_small(case)).count() as f64 / together.len() as f64;
        let is_fast = together.iter().all(|case| case.took < LIMIT);
        println!(
            "\n{}",
            if share >= SHARE && is_fast { "reached" } else { "NOT REACHED on this machine" }
        );
    }
}

/// The hunts of the corpus, each under ten faults, and Redisson's lock beside them.
fn scenarios() -> [(&'static str, Scenario); 6] {
    let redisson =
        hunt("single-redis").but(|s| s.lock = Recipe::Redisson(RedissonSettings::default()));
    [
        ("one Redis, `set-nx`", hunt("single-redis")),
        ("Sentinel, `set-nx`", hunt("sentinel")),
        ("cluster, `set-nx`", hunt("cluster")),
        ("independent servers, `redlock`", hunt("redlock")),
        ("ensemble, `zookeeper`", hunt("zookeeper")),
        ("one Redis, `redisson`", redisson),
    ]
}

fn hunt(name: &str) -> Scenario {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("seeds/hunts/{name}.toml"));
    let scenario = Scenario::read(&file).unwrap_or_else(|error| panic!("{error}"));
    scenario.but(|s| {
        let random = s.random_faults.as_mut().expect("a hunt draws faults");
        *random = RandomFaults { max: FAULTS, ..random.clone() };
    })
}

/// Shrinks the first runs that are cases.
fn shrink_all(scenario: &Scenario, cases: usize) -> Vec<Case> {
    let draws_all = |seed: &u64| scenario.plan(*seed).len() == FAULTS as usize;
    let violates = |seed: &u64| {
        let outcome = scenario.run(*seed).unwrap_or_else(|failure| panic!("{failure}"));
        !outcome.verdict.violations.is_empty()
    };
    let seeds: Vec<u64> = (0..).filter(draws_all).filter(violates).take(cases).collect();
    let shrink = |seed: u64| {
        let start = Instant::now();
        let shrunk = Shrink::new(scenario.clone(), seed).carry_out();
        let shrunk = shrunk.unwrap_or_else(|failure| panic!("{failure}")).expect("it violates");
        Case { seed, shrunk, took: start.elapsed() }
    };
    seeds.into_par_iter().map(shrink).collect()
}

fn is_small(case: &Case) -> bool {
    case.shrunk.scenario.faults.len() <= FEW
}

fn row<'c>(name: &str, cases: impl IntoIterator<Item = &'c Case>) {
    let cases: Vec<&Case> = cases.into_iter().collect();
    let small = cases.iter().filter(|case| is_small(case)).count();
    let most = cases.iter().map(|case| case.shrunk.scenario.faults.len()).max().unwrap_or_default();
    let runs = middle(cases.iter().map(|case| case.shrunk.runs)).unwrap_or_default();
    let took = middle(cases.iter().map(|case| case.took)).unwrap_or_default().as_secs_f64();
    let longest = cases.iter().map(|case| case.took).max().unwrap_or_default().as_secs_f64();
    println!("| {name} | {} | {small} | {most} | {runs} | {took:.2} | {longest:.2} |", cases.len());
}

/// A case of which more is left.
fn tell(name: &str, case: &Case) {
    let Case { seed, shrunk, .. } = case;
    println!("\n{name}, seed {seed}, {} by {}:", shrunk.kind, shrunk.mechanism);
    for fault in &shrunk.scenario.faults {
        println!("  {}", Fault::to_string(fault));
    }
}

fn middle<T: Ord>(numbers: impl Iterator<Item = T>) -> Option<T> {
    let mut numbers: Vec<T> = numbers.collect();
    numbers.sort();
    let middle = numbers.len() / 2;
    numbers.into_iter().nth(middle)
}
