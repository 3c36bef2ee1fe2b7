//! Every anomaly of the corpus is found from random seeds too: not only where somebody has put the
//! one fault that brings it about, but by drawing plans until it comes up.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use fencepost::hunt::wilson;
use fencepost::judge::ViolationKind;
use fencepost::scenario::{Backend, Scenario};
use fencepost_faults::{FaultKind, RandomFaults};
use fencepost_models::redis::server::Persistence;
use fencepost_stories::corpus;
use rayon::prelude::*;

/// So many seeds are looked at, and one of them has to show the anomaly.
const SEEDS: u64 = 2_000;

/// What is searched for with faults of its own kinds alone, and with [`RARE_FAULTS`] of them: a clock
/// that is wrong for a while, and right again after a holder has died in that very while; and then
/// nothing more, so that it can be seen that nobody gets the lock. And a master that dies while it is
/// cut off from its replicas, of all nodes that could be. Of all servers of an ensemble the one that the holder
/// is connected to, cut off with it; or that of who waits, whom the leader reaches late.
const RARE: [&str; 5] = [
    "clock-that-was-ahead",
    "curator-kept-place",
    "sentinel-killed-cut",
    "zookeeper-minority-ignores",
    "zookeeper-stale-grant",
];
const RARE_FAULTS: u32 = 3;

/// What is not searched for, as two faults have to meet that seldom do: a leader that dies while one of those who wait
/// is cut off, and a cut that ends between two ends of one session; a write of one hold that is late for as long as
/// the next hold of the same client takes to read, and a release that goes wrong between them.
const TOO_RARE: [(&str, ViolationKind); 2] = [
    ("curator-kept-place", ViolationKind::TwoHolders),
    ("zookeeper-reused-node", ViolationKind::Oversell),
];

/// A scenario of the corpus that shows violations, with faults drawn at random in the place of its
/// own.
struct Search {
    name: String,
    scenario: Scenario,
    /// The kinds of its own faults. A run counts in which each of them has fired: with another
    /// fault behind it, it would be another anomaly.
    faults: BTreeSet<FaultKind>,
    wanted: BTreeSet<ViolationKind>,
}

/// How far a search goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    UntilFound,
    All,
}

/// The seeds that show one kind of violation.
#[derive(Default)]
struct Found {
    first: Option<u64>,
    count: u64,
}

fn searches() -> Vec<Search> {
    corpus().into_iter().filter_map(|(name, own)| search(name, own)).collect()
}

fn search(name: String, own: Scenario) -> Option<Search> {
    let mut wanted = own.expect.clone().filter(|kinds| !kinds.is_empty())?;
    wanted.retain(|kind| !TOO_RARE.contains(&(name.as_str(), *kind)));
    let faults: BTreeSet<FaultKind> = own.faults.iter().map(|fault| fault.kind()).collect();
    let is_rare = RARE.contains(&name.as_str());
    let scenario = own.but(|s| {
        s.faults.clear();
        // One mix for all; but what has no disk has none that could be slow.
        let has_disk = matches!(
            &s.backend,
            Some(Backend::Redis(redis)) if redis.persistence != Persistence::None
        );
        let mut kinds = s.stage().kinds();
        kinds.retain(|kind| has_disk || *kind != FaultKind::SlowDisk);
        kinds.retain(|kind| !is_rare || faults.contains(kind));
        s.random_faults = Some(RandomFaults { kinds, max: if is_rare { RARE_FAULTS } else { 6 } });
    });
    Some(Search { name, scenario, faults, wanted })
}

impl Search {
    /// Runs the seeds, all of them or until each kind has come up; what it found, in the order of
    /// the kinds.
    fn run(&self, extent: Extent) -> Vec<Found> {
        let mut found: Vec<Found> = self.wanted.iter().map(|_| Found::default()).collect();
        for seed in 0..SEEDS {
            if extent == Extent::UntilFound && found.iter().all(|one| one.first.is_some()) {
                break;
            }
            let outcome = self.scenario.run(seed).unwrap_or_else(|failure| panic!("{failure}"));
            let fired = outcome.run.faults.iter().filter(|one| one.fired);
            let fired: BTreeSet<FaultKind> = fired.map(|one| one.fault.kind()).collect();
            if !fired.is_superset(&self.faults) {
                continue;
            }
            let shown = outcome.verdict.kinds();
            for (kind, found) in self.wanted.iter().zip(&mut found) {
                if shown.contains(kind) {
                    found.first.get_or_insert(seed);
                    found.count += 1;
                }
            }
        }
        found
    }
}

/// Searches on every core; the results in the order of the searches.
fn run_all(searches: &[Search], extent: Extent) -> Vec<(&Search, Vec<Found>)> {
    searches.par_iter().map(|search| (search, search.run(extent))).collect()
}

#[test]
fn each_anomaly_of_the_corpus_comes_up_under_random_faults() {
    let searches = searches();
    assert!(searches.len() >= 10, "only {} scenarios show violations", searches.len());
    let mut table = format!("{:30} {:17} {:>10}\n", "scenario", "violation", "first seed");
    let mut missed = Vec::new();
    for (search, found) in run_all(&searches, Extent::UntilFound) {
        let name = &search.name;
        for (kind, found) in search.wanted.iter().zip(found) {
            match found.first {
                Some(first) => writeln!(table, "{name:30} {kind:17} {first:>10}").expect("text"),
                None => missed.push(format!("{name}: {kind}")),
            }
        }
    }
    assert!(missed.is_empty(), "not found below seed {SEEDS}: {missed:#?}\n{table}");
    insta::assert_snapshot!(table);
}

/// `cargo test --release -p fencepost-stories --test found -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes: prints how often each anomaly comes up"]
fn how_often_each_anomaly_of_the_corpus_comes_up() {
    println!("{:30} {:17} {:>10}  seeds         rate, 95 %", "scenario", "violation", "first seed");
    for (search, found) in run_all(&searches(), Extent::All) {
        for (kind, Found { first, count }) in search.wanted.iter().zip(found) {
            let first = first.map_or("-".to_owned(), |it| it.to_string());
            let rate = wilson(count, SEEDS);
            let row = format!("{:30} {kind:17} {first:>10}  {count:>5}", search.name);
            println!("{row} of {SEEDS} {:.4} to {:.4}", rate.low, rate.high);
        }
    }
}
