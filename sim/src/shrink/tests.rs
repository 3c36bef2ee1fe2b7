use std::time::Duration;

use fencepost_faults::{Action, Fault, FaultKind, RandomFaults, Start, Trigger};
use fencepost_models::locks::redis::RedisLockSettings;
use fencepost_models::locks::redlock::RedlockSettings;
use fencepost_models::locks::zookeeper::ZooKeeperLockSettings;

use super::*;
use crate::judge::ViolationKind::{Oversell, StuckLock, TwoHolders};
use crate::scenario::{Backend, Recipe, RedisIndependent, ZooKeeper};

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
    assert_eq!((scenario.random_faults.is_none(), scenario.shop.buyers), (true, 2));
    let again = scenario.run(scenario.seed).unwrap().run;
    assert_eq!(again.history.digest(), outcome.run.history.digest());
    assert!(scenario.is_met_by(&outcome.verdict), "it expects what it shows");
    for place in 0..scenario.faults.len() {
        let without = scenario.clone().but(|s| drop(s.faults.remove(place)));
        let verdict = without.run(without.seed).unwrap().verdict;
        assert!(verdict.first(TwoHolders).is_none(), "fault {place} is not needed");
    }
}

#[test]
fn a_fault_that_another_seed_can_do_without_goes_and_the_seed_with_it() {
    // Under some seeds the work takes longer than the lease; where it does not, a pause makes it.
    let ttl = Duration::from_secs(10);
    let slow = Scenario::default().but(|s| {
        s.lock = Recipe::SetNx(RedisLockSettings { ttl, ..RedisLockSettings::default() });
        s.shop.buyer.work = (Duration::from_secs(1), Duration::from_secs(5));
        s.faults = vec![Fault {
            start: Start::At(Duration::from_millis(100)),
            length: Some(Duration::from_secs(30)),
            action: Action::Pause { node: "buyer-1".to_owned() },
        }];
    });
    let shows = |scenario: &Scenario, seed: u64| {
        scenario.run(seed).unwrap().verdict.first(TwoHolders).is_some()
    };
    let quiet = slow.clone().but(|s| s.faults.clear());
    let seed = (0..).find(|seed| !shows(&quiet, *seed) && shows(&slow, *seed)).unwrap();
    let shrunk = shrunk_from(&slow, seed).unwrap();
    assert_eq!(shrunk.scenario.faults.len(), 0);
    assert!(shrunk.scenario.seed > seed, "the seed of the file is its own");
    let replayed = Scenario::from_toml("shrunk.toml", &shrunk.scenario.to_toml()).unwrap();
    assert!(shows(&replayed, replayed.seed));
}

fn shrunk_from(scenario: &Scenario, seed: u64) -> Option<Shrunk> {
    Shrink::new(scenario.clone(), seed).kind(TwoHolders).carry_out().unwrap()
}

#[test]
fn of_more_servers_three_are_left() {
    let seven = |backend: Backend, lock: Recipe| {
        let asleep = Trigger {
            node: Some("buyer-1".to_owned()),
            event: "acquired".to_owned(),
            nth: 1,
            after: Duration::ZERO,
        };
        let action = Action::Pause { node: "buyer-1".to_owned() };
        let length = Some(Duration::from_secs(60));
        Scenario::default().but(|s| {
            s.duration = Duration::from_secs(120);
            (s.backend, s.lock) = (Some(backend), lock);
            s.shop.stock = 20;
            s.faults = vec![Fault { start: Start::When(asleep), length, action }];
        })
    };
    let independent = RedisIndependent { servers: 7, ..RedisIndependent::default() };
    let ensemble = ZooKeeper { servers: 7, ..ZooKeeper::default() };
    let redlock = Recipe::Redlock(RedlockSettings::default());
    let zookeeper = Recipe::ZooKeeper(ZooKeeperLockSettings::default());
    for scenario in [
        seven(Backend::RedisIndependent(independent), redlock),
        seven(Backend::ZooKeeper(ensemble), zookeeper),
    ] {
        let shrunk = shrunk_from(&scenario, 1).expect("it sleeps through its lease");
        let servers = shrunk.scenario.backend.as_ref().map(|one| one.server_names().len());
        assert_eq!((servers, shrunk.scenario.faults.len()), (Some(3), 1));
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
