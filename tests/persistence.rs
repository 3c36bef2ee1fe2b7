//! What a Redis keeps on disk, and what that is worth to a lock when its process or its host dies,
//! its disk is slow, or it stops for a while.

use std::time::Duration;

use fencepost::claim::Claims as _;
use fencepost::judge::ViolationKind::TwoHolders;
use fencepost::scenario::{Backend, Recipe, Scenario};
use fencepost::world::history::Event;
use fencepost_faults::{Action, Fault, Start, Trigger};
use fencepost_models::locks::redis::RedisLockSettings;
use fencepost_models::redis::server::{AppendFsync, Persistence, RedisSettings};

const NONE: Persistence = Persistence::None;
const NO: Persistence = Persistence::Aof(AppendFsync::No);
const EVERY_SECOND: Persistence = Persistence::Aof(AppendFsync::EverySecond);
const ALWAYS: Persistence = Persistence::Aof(AppendFsync::Always);

const SECOND: Duration = Duration::from_secs(1);
const INSTANT: Duration = Duration::from_millis(1);

/// Two buyers who hold a lock of ten seconds for six: twice two seconds' work, and two more until
/// they give it back.
fn slow_buyers(persistence: Persistence) -> Scenario {
    Scenario::default().but(|s| {
        s.backend = Some(Backend::Redis(RedisSettings { persistence, ..RedisSettings::default() }));
        s.lock =
            Recipe::SetNx(RedisLockSettings { ttl: SECOND * 10, ..RedisLockSettings::default() });
        s.shop.stock = 2;
        s.shop.buyers = 2;
        s.shop.buyer.work = (SECOND * 2, SECOND * 2);
    })
}

/// Something that befalls Redis so long after a buyer has got the lock.
fn after_the_grant(after: Duration, length: Duration, action: Action) -> Fault {
    let granted = Trigger { node: None, event: "acquired".to_owned(), nth: 1, after };
    Fault { start: Start::When(granted), length: Some(length), action }
}

fn crash() -> Action {
    Action::Crash { node: "redis".to_owned() }
}

fn power_loss() -> Action {
    Action::PowerLoss { node: "redis".to_owned() }
}

fn slow_disk(by: Duration) -> Action {
    Action::SlowDisk { node: "redis".to_owned(), by }
}

/// Redis is away for a tenth of a second while the lock is held.
fn away(persistence: Persistence, after: Duration, action: Action) -> Scenario {
    slow_buyers(persistence)
        .but(|s| s.faults.push(after_the_grant(after, Duration::from_millis(100), action)))
}

#[test]
fn a_crash_takes_the_lock_from_a_redis_that_keeps_nothing() {
    away(NONE, INSTANT, crash()).sweep(0..100).must_find(TwoHolders);
}

#[test]
fn a_crash_takes_nothing_that_was_acknowledged_under_any_policy() {
    for policy in [NO, EVERY_SECOND, ALWAYS] {
        away(policy, INSTANT, crash()).sweep(0..100).must_never(TwoHolders);
    }
}

#[test]
fn a_power_loss_takes_what_was_not_synced() {
    for policy in [NO, EVERY_SECOND] {
        away(policy, INSTANT, power_loss()).sweep(0..100).must_find(TwoHolders);
    }
    away(NO, SECOND * 3, power_loss()).sweep(0..100).must_find(TwoHolders);
    away(EVERY_SECOND, SECOND * 3, power_loss()).sweep(0..100).must_never(TwoHolders);
    away(ALWAYS, INSTANT, power_loss()).sweep(0..100).must_never(TwoHolders);
}

#[test]
fn a_clock_that_was_set_back_keeps_everysec_from_syncing() {
    away(EVERY_SECOND, SECOND * 3, power_loss())
        .but(|s| {
            s.faults.push(Fault {
                start: Start::At(Duration::ZERO),
                length: None,
                action: Action::ClockJump { node: "redis".to_owned(), by_nanos: -60_000_000_000 },
            });
        })
        .sweep(0..100)
        .must_find(TwoHolders);
}

/// The fsync of the first grant hangs. Meanwhile the lock is given back and granted once more: those
/// writes wait for the fsync, their replies do not. After the crash Redis has the first grant again.
#[test]
fn while_an_fsync_hangs_a_crash_takes_what_was_acknowledged() {
    let mut crash = after_the_grant(INSTANT, Duration::from_millis(100), crash());
    if let Start::When(trigger) = &mut crash.start {
        trigger.nth = 2;
    }
    let scenario = slow_buyers(EVERY_SECOND).but(|s| {
        s.shop.stock = 4;
        s.faults.push(crash);
    });
    let hangs = after_the_grant(INSTANT, SECOND * 2, slow_disk(SECOND * 8));
    scenario.clone().but(|s| s.faults.push(hangs)).sweep(0..100).must_find(TwoHolders);
    scenario.sweep(0..100).must_never(TwoHolders);
}

/// The time to live runs while the grant waits for the disk, and the next grant does not wait.
#[test]
fn with_always_a_disk_that_hangs_for_a_moment_hands_one_lock_to_two_holders() {
    let scenario = |by: Duration| {
        slow_buyers(ALWAYS).but(|s| {
            let timeout = SECOND * 60;
            let ttl = SECOND * 4;
            s.lock =
                Recipe::SetNx(RedisLockSettings { ttl, timeout, ..RedisLockSettings::default() });
            let work = Duration::from_millis(1200);
            s.shop.buyer.work = (work, work);
            let length = Some(Duration::from_millis(500));
            let start = Start::At(Duration::ZERO);
            s.faults.push(Fault { start, length, action: slow_disk(by) });
        })
    };
    scenario(SECOND * 3).sweep(0..100).must_find(TwoHolders);
    scenario(Duration::from_millis(100)).sweep(0..100).must_never(TwoHolders);
}

/// What has come in while it was stopped is handled late, by the clock as it is then.
#[test]
fn a_redis_that_was_stopped_handles_what_waited_by_its_clock() {
    let stop = Action::Pause { node: "redis".to_owned() };
    let scenario = slow_buyers(NONE).but(|s| {
        let timeout = SECOND * 60;
        let ttl = SECOND * 10;
        s.lock = Recipe::SetNx(RedisLockSettings { ttl, timeout, ..RedisLockSettings::default() });
        s.shop.buyer.work = (SECOND * 30, SECOND * 30);
        s.faults.push(after_the_grant(INSTANT, SECOND * 20, stop));
    });
    for seed in 0..20 {
        let run = scenario.run(seed).unwrap().run;
        let history = &run.history;
        let resumed = history.records().iter().find(|record| record.event == Event::Resumed);
        let resumed = resumed.expect("it runs on").at;
        let notes = history.notes().filter(|(_, record, _)| record.at == resumed);
        let (causes, kinds): (Vec<_>, Vec<_>) =
            notes.map(|(_, record, note)| (record.cause, note.kind())).unzip();
        assert_eq!(kinds[..2], ["key-expired", "key-set"], "seed {seed}");
        let request = history.record(causes[1].unwrap()).unwrap();
        let Event::Delivered(message) = request.event else { panic!("{request:?}") };
        let sent_at = history.sent_at(history.message(message));
        assert!(resumed.saturating_since(sent_at) > SECOND * 19, "sent before the lock ran out");
    }
}
