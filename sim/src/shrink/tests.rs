use std::time::Duration;

use fencepost_faults::{Action, Fault, FaultKind, RandomFaults, Start};

use super::*;
use crate::judge::ViolationKind::{Oversell, StuckLock, TwoHolders};
use crate::scenario::Recipe;

/// A lock on one Redis, under up to ten faults of these kinds.
fn hunted(kinds: &[FaultKind]) -> Scenario {
    Scenario::default().but(|s| {
        s.shop.stock = 30;
        s.shop.buyers = 4;
        s.random_faults = Some(RandomFaults { kinds: kinds.to_vec(), max: 10 });
    })
}

/// The first seeds that show two holders under that many faults or more.
fn violating(scenario: &Scenario, faults: usize) -> impl Iterator<Item = u64> {
    (0..).filter(move |seed| {
        scenario.plan(*seed).len() >= faults
            && scenario.run(*seed).unwrap().verdict.first(TwoHolders).is_some()
    })
}

#[test]
fn what_is_left_shows_it_and_everything_in_it_is_needed() {
    let scenario = hunted(&[FaultKind::Pause, FaultKind::Delay, FaultKind::ClockJump]);
    let seed = violating(&scenario, 5).next().unwrap();
    let shrunk = Shrink::new(scenario, seed).kind(TwoHolders).carry_out().unwrap().unwrap();
    let Shrunk { scenario, outcome, faults_before, .. } = shrunk;
    assert!(faults_before >= 5);
    assert_eq!((scenario.seed, scenario.random_faults.is_none()), (seed, true));
    assert_eq!(scenario.shop.buyers, 2);
    assert_eq!(scenario.run(seed).unwrap().run.history.digest(), outcome.run.history.digest());
    assert!(scenario.is_met_by(&outcome.verdict), "it expects what it shows");
    for place in 0..scenario.faults.len() {
        let without = scenario.clone().but(|s| drop(s.faults.remove(place)));
        let verdict = without.run(seed).unwrap().verdict;
        assert!(verdict.first(TwoHolders).is_none(), "fault {place} is not needed");
    }
}

#[test]
fn the_file_of_a_shrunken_run_is_the_same_scenario() {
    let scenario = hunted(&[FaultKind::Pause, FaultKind::Crash]);
    let seed = violating(&scenario, 3).next().unwrap();
    let shrunk = Shrink::new(scenario, seed).carry_out().unwrap().unwrap().scenario;
    assert_eq!(Scenario::from_toml("shrunk.toml", &shrunk.to_toml()).unwrap(), shrunk);
}

#[test]
fn it_shrinks_to_the_same_each_time_and_to_something_else_under_another_seed() {
    let scenario = hunted(&[FaultKind::Pause, FaultKind::PowerLoss]);
    let shrink = |seed| Shrink::new(scenario.clone(), seed).carry_out().unwrap().unwrap().scenario;
    let seeds: Vec<u64> = violating(&scenario, 2).take(2).collect();
    assert_eq!(shrink(seeds[0]), shrink(seeds[0]));
    assert_ne!(shrink(seeds[0]), shrink(seeds[1]));
}

#[test]
fn the_kind_that_is_asked_for_is_kept() {
    let race = Scenario::default().but(|s| {
        (s.lock, s.backend) = (Recipe::None, None);
        s.shop.stock = 20;
    });
    let shrunk = Shrink::new(race.clone(), 0).kind(Oversell).carry_out().unwrap().unwrap();
    assert_eq!((shrunk.kind, shrunk.scenario.faults.len()), (Oversell, 0));
    assert!(Shrink::new(race, 0).kind(StuckLock).carry_out().unwrap().is_none());
}

#[test]
fn it_stops_when_it_has_run_enough() {
    let scenario = hunted(&[FaultKind::Pause]);
    let seed = violating(&scenario, 3).next().unwrap();
    let shrunk = Shrink::new(scenario, seed).most_runs(4).carry_out().unwrap().unwrap();
    assert_eq!(shrunk.runs, 4);
    assert!(shrunk.outcome.verdict.first(shrunk.kind).is_some());
}

#[test]
fn a_scenario_that_cannot_be_run_is_an_error() {
    let start = Start::At(Duration::ZERO);
    let action = Action::Pause { node: "nobody".to_owned() };
    let scenario =
        Scenario::default().but(|s| s.faults = vec![Fault { start, length: None, action }]);
    assert!(Shrink::new(scenario, 0).carry_out().is_err());
}
