//! Laws: what holds of every run. A few seeds each, so that they are tried with every change;
//! `FENCEPOST_SEEDS=0..100000 cargo test --release -p fencepost-stories --test laws` is the long suite.

use std::time::Duration;

use fencepost::claim::Claims as _;
use fencepost::judge::ViolationKind::{self, Oversell};
use fencepost::scenario::{Backend, Outcome, Recipe, Scenario};
use fencepost_faults::{FaultKind, RandomFaults};
use fencepost_models::locks::redis::RedisLockSettings;
use fencepost_models::note::Note;
use fencepost_models::redis::server::{AppendFsync, Persistence, RedisSettings};
use fencepost_models::shop::Fencing;

const FENCING_MODES: [Fencing; 3] = [Fencing::Off, Fencing::Writes, Fencing::ReadsAndWrites];

/// Three buyers who contend for three pieces, on the first backend that the recipe needs.
fn sale(lock: Recipe) -> Scenario {
    Scenario::default().but(|s| {
        s.title = format!("A sale under {}", lock.as_str());
        s.backend = Backend::all().into_iter().find(|one| lock.is_lock() && lock.fits(Some(one)));
        s.lock = lock;
        s.shop.stock = 3;
        s.shop.buyers = 3;
        s.duration = Duration::from_secs(5);
    })
}

/// A sale that goes on for a minute or so, in which up to six faults of any kind happen. A Redis has
/// its data on disk.
fn sale_in_bad_times(lock: Recipe) -> Scenario {
    sale(lock).but(|s| {
        s.title.push_str(", in bad times");
        s.duration = Duration::from_secs(60);
        s.shop.stock = 60;
        s.shop.buyer.work = (Duration::from_millis(50), Duration::from_millis(400));
        s.shop.buyer.store_timeout = Duration::from_secs(3);
        if let Recipe::SetNx(lock) | Recipe::SetNxPlainDel(lock) | Recipe::SetnxExpire(lock) =
            &mut s.lock
        {
            lock.ttl = Duration::from_secs(5);
        }
        let mut kinds = s.stage().kinds();
        match &mut s.backend {
            Some(Backend::Redis(settings)) => {
                settings.persistence = Persistence::Aof(AppendFsync::EverySecond);
            }
            // Nobody else has a disk that could be slow.
            _ => kinds.retain(|kind| *kind != FaultKind::SlowDisk),
        }
        s.random_faults = Some(RandomFaults { kinds, max: 6 });
    })
}

fn redis_with(persistence: Persistence) -> Backend {
    Backend::Redis(RedisSettings { persistence, ..RedisSettings::default() })
}

#[test]
fn while_nothing_goes_wrong_every_lock_sells_what_there_is_and_no_more() {
    for lock in Recipe::all().into_iter().filter(|lock| *lock != Recipe::None) {
        // Nothing but a lock gives tokens to check.
        for fencing in
            FENCING_MODES.into_iter().filter(|mode| lock.gives_tokens() || *mode == Fencing::Off)
        {
            let scenario = sale(lock.clone()).but(|s| s.shop.fencing = fencing);
            scenario.sweep(0..100).must_hold("a sale without a fault is right", |outcome| {
                let books = outcome.verdict.books;
                match (outcome.verdict.violations.first(), books.sold, books.fenced_off) {
                    (None, 3, 0) => Ok(()),
                    (Some(violation), ..) => Err(violation.detail.clone()),
                    (None, sold, fenced) => Err(format!("{sold} sold, {fenced} fenced off")),
                }
            });
        }
    }
}

/// All that keeps a shop from overselling under a lock: tokens that never go back, for the server
/// forgets nothing; and a store that checks them on reads and on writes.
fn sound_sale() -> Scenario {
    sale_in_bad_times(Recipe::SetNx(RedisLockSettings::default())).but(|s| {
        s.backend = Some(redis_with(Persistence::Aof(AppendFsync::Always)));
        s.shop.fencing = Fencing::ReadsAndWrites;
    })
}

#[test]
fn tokens_that_never_go_back_and_are_checked_on_reads_and_writes_let_no_fault_oversell() {
    sound_sale().sweep(0..400).must_never(Oversell);
}

#[test]
fn any_of_the_three_conditions_left_out_lets_some_fault_oversell() {
    sound_sale().but(|s| s.shop.fencing = Fencing::Off).sweep(0..2_000).must_find(Oversell);
    sound_sale().but(|s| s.shop.fencing = Fencing::Writes).sweep(0..2_000).must_find(Oversell);
    let forgets = redis_with(Persistence::None);
    sound_sale().but(|s| s.backend = Some(forgets)).sweep(0..2_000).must_find(Oversell);
}

/// Counted from the stores' notes, apart from the judge's own books.
fn stock_is_conserved(outcome: &Outcome) -> Result<(), String> {
    let (mut initial, mut left, mut sold) = (0, 0, 0);
    for (_, _, note) in outcome.run.history.notes() {
        match note {
            Note::StockInitial { stock } => (initial, left) = (*stock, *stock),
            Note::WriteTaken { after, .. } => (left, sold) = (*after, sold + 1),
            _ => {}
        }
    }
    // A lost update may be made good again by chance: books that balance accuse nobody wrongly.
    if initial == left + sold || outcome.verdict.kinds().contains(&Oversell) {
        Ok(())
    } else {
        Err(format!("{initial} are not {left} left and {sold} sold"))
    }
}

#[test]
fn stock_is_conserved_wherever_nothing_is_oversold() {
    let unfenced = Recipe::all().into_iter().map(|lock| (lock, Fencing::Off));
    let set_nx = || Recipe::SetNx(RedisLockSettings::default());
    let fenced = [(set_nx(), Fencing::Writes), (set_nx(), Fencing::ReadsAndWrites)];
    for (lock, fencing) in unfenced.chain(fenced) {
        sale_in_bad_times(lock)
            .but(|s| s.shop.fencing = fencing)
            .sweep(0..100)
            .must_hold("stock is conserved", stock_is_conserved);
    }
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    for lock in Recipe::all() {
        let scenario = sale_in_bad_times(lock);
        // A run has its own thread the second time: nothing of the first may be left there.
        let again = |seed| std::thread::scope(|s| s.spawn(|| scenario.run(seed)).join());
        let digests = std::sync::Mutex::new(std::collections::BTreeMap::new());
        scenario.clone().sweep(0..100).must_hold("a run is its seed's alone", |outcome| {
            let (seed, digest) = (outcome.run.seed, outcome.run.history.digest());
            let second = again(seed).map_err(|_| "the second run panicked".to_owned())?;
            let second = second.map_err(|failure| failure.to_string())?.run.history.digest();
            if second != digest {
                return Err(format!("{digest} the first time, {second} the second"));
            }
            // Where everybody was dead before anything was drawn, two seeds have one history.
            if outcome.run.history.delivered() == 0 {
                return Ok(());
            }
            let other =
                digests.lock().map_err(|error| error.to_string())?.insert(digest.to_string(), seed);
            other.map_or(Ok(()), |other| Err(format!("seed {other} has the same digest, {digest}")))
        });
    }
}

#[test]
fn every_kind_of_violation_has_a_fault_that_brings_it_about() {
    let redis = RedisLockSettings::default;
    let kinds = [
        (ViolationKind::TwoHolders, Recipe::SetNx(redis())),
        (ViolationKind::Oversell, Recipe::SetNx(redis())),
        (ViolationKind::StaleWrite, Recipe::SetNx(redis())),
        (ViolationKind::TokenRegression, Recipe::SetNx(redis())),
        (ViolationKind::ForeignRelease, Recipe::SetNxPlainDel(redis())),
        (ViolationKind::StuckLock, Recipe::SetnxExpire(redis())),
    ];
    assert_eq!(kinds.each_ref().map(|(kind, _)| *kind), ViolationKind::ALL);
    for (kind, lock) in kinds {
        sale_in_bad_times(lock).sweep(0..2_000).must_find(kind);
    }
}
