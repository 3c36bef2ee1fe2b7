//! Locks by the recipe, on an ensemble whose leader fails and whose clients are cut off.

use std::time::Duration;

use super::contention::{contend, holder, holds, most_holders, outlast_a_leader, run, tokens};
use super::rig::Rig;
use crate::locks::zookeeper::{OnDisconnect, Watching, WriteLock, ZooKeeperLockSettings};

/// Clients with such locks take the lock so many times each, and hold it for so long.
fn contend_with(rig: &mut Rig, times: u32, hold: Duration, settings: &ZooKeeperLockSettings) {
    let settings = settings.clone();
    contend(rig, times, hold, move |host, servers| WriteLock::new(host, servers, settings.clone()));
}

fn settings() -> ZooKeeperLockSettings {
    // Two ticks, the least that a server grants.
    let session_timeout = Duration::from_secs(4);
    ZooKeeperLockSettings { session_timeout, ..ZooKeeperLockSettings::default() }
}

#[test]
fn one_after_the_other_holds_the_lock_under_growing_tokens() {
    for (seed, watching) in [(31, Watching::Predecessor), (32, Watching::Parent)] {
        let mut rig = Rig::of(3, seed, |_| {});
        rig.settle();
        let settings = ZooKeeperLockSettings { watching, ..settings() };
        contend_with(&mut rig, 5, Duration::from_millis(200), &settings);
        run(&mut rig, 60_000);
        let tokens = tokens(&rig);
        assert_eq!((tokens.len(), most_holders(&rig)), (15, 1));
        assert!(tokens.is_sorted_by(|one, next| one < next), "{tokens:x?}");
        // A hand-over takes a few messages and two fsyncs, and nobody polls.
        let time = rig.notes.last().unwrap().0 - rig.notes[0].0;
        assert!(time < 15 * 200 + 2500, "{time} ms");
    }
}

#[test]
fn a_leader_that_crashes_costs_time_and_nothing_else() {
    for seed in 40..46 {
        outlast_a_leader(seed, 120_000, |rig| {
            contend_with(rig, 4, Duration::from_millis(700), &settings());
        });
    }
}

/// The holder is cut off: its session is over before it hears of it, and the next holds the lock. Whether there
/// are two holders is up to what it makes of being disconnected.
#[test]
fn a_holder_that_ignores_that_it_is_disconnected_is_one_of_two() {
    for (on_disconnect, holders) in [(OnDisconnect::GivesUp, 1), (OnDisconnect::Ignores, 2)] {
        let mut rig = Rig::of(3, 50, |_| {});
        rig.settle();
        let settings = ZooKeeperLockSettings { on_disconnect, ..settings() };
        contend_with(&mut rig, 1, Duration::from_secs(30), &settings);
        rig.pass(5000);
        let first = holder(&rig);
        rig.cut_off(first);
        rig.pass(12_000);
        assert_eq!(
            tokens(&rig).len(),
            2,
            "{on_disconnect:?}: the session is over, the next has it"
        );
        assert_eq!(holds(&rig, first), on_disconnect == OnDisconnect::Ignores);
        rig.heal();
        run(&mut rig, 200_000);
        assert_eq!(most_holders(&rig), holders, "{on_disconnect:?}");
        let tokens = tokens(&rig);
        assert_eq!(tokens.len(), 3);
        assert!(
            tokens.is_sorted_by(|one, next| one < next),
            "a token tells them apart: {tokens:x?}"
        );
    }
}
