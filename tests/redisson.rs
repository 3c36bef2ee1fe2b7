//! Laws of Redisson's locks. A few seeds each;
//! `FENCEPOST_SEEDS=0..20000 cargo test --release -p fencepost-stories --test redisson` is the long suite.

use std::collections::BTreeMap;
use std::time::Duration;

use fencepost::claim::Claims as _;
use fencepost::judge::ViolationKind::{ForeignRelease, Oversell, StuckLock, TwoHolders};
use fencepost::scenario::{Backend, Outcome, Recipe, RedisCluster, RedisSentinel, Scenario};
use fencepost::world::history::Event;
use fencepost_faults::{Action, Fault, FaultKind, RandomFaults, Start, Trigger};
use fencepost_models::locks::redisson::RedissonSettings;
use fencepost_models::machine::NodeId;
use fencepost_models::note::{Name, Note, ReleaseOutcome};
use fencepost_models::redis::server::{AppendFsync, Persistence, RedisSettings};
use fencepost_models::shop::Fencing;
use fencepost_stories::sale;

const LOCK: Name = Name::from_static("lock:stock");

fn recipes() -> [Recipe; 2] {
    let settings = RedissonSettings::default;
    [Recipe::Redisson(settings()), Recipe::RedissonFenced(settings())]
}

fn backends() -> [Backend; 3] {
    [
        Backend::Redis(RedisSettings::default()),
        Backend::RedisSentinel(RedisSentinel::default()),
        Backend::RedisCluster(RedisCluster::default()),
    ]
}

/// The sale ended with all sold, nothing wrong, every lock given back by its holder, and none left.
fn is_right(outcome: &Outcome) -> Result<(), String> {
    if let Some(violation) = outcome.verdict.violations.first() {
        return Err(violation.detail.clone());
    }
    if outcome.verdict.books.sold != 3 {
        return Err(format!("{} sold", outcome.verdict.books.sold));
    }
    let mut has = BTreeMap::new();
    for (_, record, note) in outcome.run.history.notes() {
        match note {
            Note::KeySet { key, .. } if *key == LOCK => {
                has.insert(record.node, true);
            }
            Note::KeyDeleted { key } if *key == LOCK => {
                has.insert(record.node, false);
            }
            Note::KeyExpired { key } if *key == LOCK => return Err("it expired".to_owned()),
            Note::Released { outcome, .. } if *outcome != ReleaseOutcome::Removed => {
                return Err(format!("{outcome:?}"));
            }
            _ => {}
        }
    }
    match has.values().any(|has| *has) {
        true => Err("the lock was entered more often than it was left".to_owned()),
        false => Ok(()),
    }
}

#[test]
fn without_a_fault_all_is_sold_once_and_what_is_entered_is_left() {
    for lock in recipes() {
        for backend in backends() {
            for reenters in [false, true] {
                let scenario = sale(lock.clone(), backend.clone());
                let scenario = scenario.but(|s| s.shop.buyer.reenters = reenters);
                scenario.sweep(0..20).must_hold("a quiet sale is right", is_right);
            }
        }
    }
}

/// buyer-1's process is gone when it has got the lock for the second time; all work for longer than a lease.
fn long_work(lock: Recipe) -> Scenario {
    sale(lock, Backend::Redis(RedisSettings::default())).but(|s| {
        s.duration = Duration::from_secs(600);
        s.shop.stock = 6;
        s.shop.buyer.work = (Duration::from_secs(5), Duration::from_secs(45));
        let node = "buyer-1".to_owned();
        let (event, nth, after) = ("acquired".to_owned(), 2, Duration::from_secs(3));
        s.faults.push(Fault {
            start: Start::When(Trigger { node: Some(node.clone()), event, nth, after }),
            length: None,
            action: Action::Crash { node },
        });
    })
}

/// Whenever the lock expires nobody is left who believes that he holds it.
fn expires_for_nobody(outcome: &Outcome) -> Result<(), String> {
    let history = &outcome.run.history;
    let mut holders: BTreeMap<NodeId, u32> = BTreeMap::new();
    for record in history.records() {
        match record.event {
            Event::Crashed | Event::PowerLost => {
                holders.remove(&record.node);
            }
            Event::Noted(note) => match history.note(note) {
                Note::Acquired { .. } => *holders.entry(record.node).or_default() += 1,
                Note::Releasing { .. } => {
                    let holds = holders.entry(record.node).or_default();
                    *holds = holds.saturating_sub(1);
                }
                Note::KeyExpired { key } if *key == LOCK => {
                    if let Some((node, _)) = holders.iter().find(|(_, holds)| **holds > 0) {
                        return Err(format!("{} held it at {}", history.name(*node), record.at));
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    Ok(())
}

#[test]
fn a_lock_that_a_watchdog_holds_never_expires_while_its_process_runs_and_its_redis_answers() {
    for lock in recipes() {
        let scenario = long_work(lock);
        scenario.clone().sweep(0..40).must_hold("it expires for nobody", expires_for_nobody);
        scenario.clone().sweep(0..40).must_never(TwoHolders);
        scenario.sweep(0..40).must_never(StuckLock);
    }
}

#[test]
fn without_a_watchdog_the_same_work_lasts_longer_than_the_lock() {
    let lease = Some(Duration::from_secs(10));
    let lock = Recipe::Redisson(RedissonSettings { lease, ..RedissonSettings::default() });
    long_work(lock).but(|s| s.faults.clear()).sweep(0..40).must_find(TwoHolders);
}

/// A sale of a minute and a half with up to six faults of these kinds.
fn in_bad_times(lock: Recipe, backend: Backend) -> Scenario {
    sale(lock, backend).but(|s| {
        s.title.push_str(", in bad times");
        s.duration = Duration::from_secs(90);
        s.shop.stock = 1_000;
        s.shop.buyer.work = (Duration::from_millis(50), Duration::from_millis(400));
        s.shop.buyer.store_timeout = Duration::from_secs(3);
        let mut kinds = s.stage().kinds();
        kinds.retain(|kind| *kind != FaultKind::SlowDisk);
        s.random_faults = Some(RandomFaults { kinds, max: 6 });
    })
}

#[test]
fn whatever_goes_wrong_nobody_removes_what_is_somebody_elses() {
    for lock in recipes() {
        for backend in backends() {
            in_bad_times(lock.clone(), backend).sweep(0..60).must_never(ForeignRelease);
        }
    }
}

#[test]
fn a_token_that_is_never_forgotten_and_checked_on_reads_and_writes_lets_no_fault_oversell() {
    let persistence = Persistence::Aof(AppendFsync::Always);
    let backend = Backend::Redis(RedisSettings { persistence, ..RedisSettings::default() });
    let scenario = in_bad_times(Recipe::RedissonFenced(RedissonSettings::default()), backend);
    scenario.but(|s| s.shop.fencing = Fencing::ReadsAndWrites).sweep(0..200).must_never(Oversell);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for lock in recipes() {
        for backend in backends() {
            let scenario = in_bad_times(lock.clone(), backend);
            let digest = |seed| scenario.record(seed).expect("runs").history.digest().to_string();
            for seed in 0..4 {
                assert_eq!(digest(seed), digest(seed), "{}, seed {seed}", scenario.title);
            }
            assert_ne!(digest(0), digest(1));
        }
    }
}
