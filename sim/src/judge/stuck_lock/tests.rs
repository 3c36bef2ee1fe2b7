//! Locks that are stuck, and locks that are not, or of which nobody can say.

use fencepost_faults::FaultKind;

use super::*;
use crate::judge::testing::{A, B, C, REDIS, STORE, Story, found_of_kind, verdict, verdict_where};
use crate::world::history::Event;

fn found(story: &Story) -> Vec<Violation> {
    found_of_kind(story, ViolationKind::StuckLock)
}

/// Whether a lock is found to be stuck in a story that runs for so long.
fn is_stuck(story: &mut Story, end_ms: u64) -> bool {
    !found(story.end_ms(end_ms)).is_empty()
}

/// `buyer-1` has the lock from 1 s to 2 s, `buyer-2` waits from 1.5 s on.
fn released() -> Story {
    let mut story = Story::new();
    story.at_ms(500).wait(A).at_ms(1_000).acquire(A, None).at_ms(1_500).wait(B);
    story.at_ms(2_000).release(A);
    story
}

#[test]
fn a_lock_that_nobody_holds_and_nobody_gets_is_stuck() {
    let mut story = released();
    story.at_ms(10_000).wait(C).at_ms(40_000).event(B, Event::TimerFired);
    let violations = found(story.end_ms(60_000));
    assert_eq!(violations.len(), 1);
    let Violation { at, record, nodes, detail, .. } = &violations[0];
    assert_eq!((at.as_millis(), &nodes[..]), (32_000, &[B, C][..]));
    assert_eq!(story.history.record(*record).map(|record| record.at.as_millis()), Some(40_000));
    insta::assert_snapshot!(detail, @"buyer-2, buyer-3 waited for lock:stock, and nobody got it in the 30s from 2.000s on, though nobody held it and no fault was in force; buyer-1 held it last, until 2.000s");
}

#[test]
fn a_run_that_has_no_time_to_show_a_stuck_lock_says_so() {
    let why = |story: &mut Story, end_ms| {
        let verdict = verdict(story.end_ms(end_ms));
        verdict.why_unjudged(ViolationKind::StuckLock).map(str::to_owned)
    };
    assert_eq!(why(&mut released(), 30_001), None);
    insta::assert_snapshot!(why(&mut released(), 30_000).unwrap(), @"that takes more than 30s without a fault; the longest such time was 30.000s");
    let mut story = released();
    let fault = story.faults(&[FaultKind::Pause])[0];
    story.at_ms(29_000).event(REDIS, Event::FaultBegan(fault));
    insta::assert_snapshot!(why(&mut story, 90_000).unwrap(), @"that takes more than 30s without a fault; the longest such time was 29.000s");
    assert_eq!(why(&mut Story::new(), 1_000), None, "there is no lock that could be stuck");
}

#[test]
fn the_bound_counts_from_the_end_of_the_hold_and_has_to_be_over() {
    assert!(!is_stuck(&mut released(), 32_000), "it might be granted just now");
    assert!(is_stuck(&mut released(), 32_001));
    let mut story = released();
    story.at_ms(32_000).acquire(B, None);
    assert!(!is_stuck(&mut story, 60_000));
    let mut story = released();
    story.at_ms(32_001).acquire(B, None);
    assert!(is_stuck(&mut story, 60_000), "that was too late");
}

#[test]
fn a_lock_that_nobody_wants_is_not_stuck() {
    let mut story = Story::new();
    story.at_ms(1).wait(A).at_ms(2).acquire(A, None).at_ms(3).release(A);
    assert!(!is_stuck(&mut story, 100_000));
    let mut story = released();
    story.at_ms(31_000).give_up(B).at_ms(40_000).wait(C);
    assert!(!is_stuck(&mut story, 70_000), "nobody waited for longer than the bound");
    assert!(is_stuck(&mut story, 70_001));
}

#[test]
fn waits_that_take_turns_are_one_wait() {
    let mut story = released();
    story.at_ms(20_000).wait(C).at_ms(25_000).give_up(B);
    assert!(is_stuck(&mut story, 32_001));
}

#[test]
fn who_believes_that_it_holds_the_lock_is_not_gone() {
    let mut story = Story::new();
    story.at_ms(1).wait(A).acquire(A, None).wait(B).at_ms(2).event(A, Event::Paused);
    assert!(!is_stuck(&mut story, 100_000));
}

#[test]
fn two_holds_have_to_end_both() {
    let mut story = Story::new();
    story.at_ms(1).acquire(A, None).acquire(A, None).wait(B).at_ms(1_000).release(A);
    story.at_ms(10_000).release(A);
    assert!(!is_stuck(&mut story, 40_000));
    assert!(is_stuck(&mut story, 40_001));
}

#[test]
fn what_was_told_is_told_once_and_again_after_the_lock_has_moved() {
    let mut story = released();
    story.at_ms(40_000).wait(C).at_ms(80_000).give_up(C);
    assert_eq!(found(story.end_ms(100_000)).len(), 1);
    story.at_ms(100_000).acquire(B, None).at_ms(101_000).wait(C).release(B);
    let at: Vec<u64> = found(story.end_ms(140_000)).iter().map(|one| one.at.as_millis()).collect();
    assert_eq!(at, [32_000, 131_000]);
}

#[test]
fn each_lock_is_stuck_for_itself() {
    let mut story = released();
    story.acquire_named(A, "other", None).at_ms(40_000).acquire_named(B, "other", None);
    assert!(is_stuck(&mut story, 50_000));
}

#[test]
fn a_lock_that_nobody_ever_got_is_stuck_too() {
    let mut story = Story::new();
    story.wait(A);
    let violations = found(story.end_ms(30_001));
    insta::assert_snapshot!(violations[0].detail, @"buyer-1 waited for lock:stock, and nobody got it in the 30s from 0.000s on, though nobody held it and no fault was in force; nobody had held it before");
}

#[test]
fn the_time_counts_from_the_end_of_the_last_fault() {
    let mut story = released();
    let faults = story.faults(&[FaultKind::Partition, FaultKind::Pause]);
    story.at_ms(3_000).event(A, Event::FaultBegan(faults[0]));
    story.at_ms(4_000).event(REDIS, Event::FaultBegan(faults[1]));
    story.at_ms(15_000).event(A, Event::FaultEnded(faults[0]));
    story.at_ms(20_000).event(REDIS, Event::FaultEnded(faults[1]));
    assert!(!is_stuck(&mut story, 50_000));
    let violations = found(story.end_ms(50_001));
    assert_eq!(violations[0].at.as_millis(), 50_000);
}

#[test]
fn what_a_fault_has_slowed_is_waited_for() {
    let mut story = released();
    let fault = story.faults(&[FaultKind::SlowDisk])[0];
    story.at_ms(3_000).event(REDIS, Event::FaultBegan(fault));
    story.at_ms(4_000).event(REDIS, Event::FaultEnded(fault));
    assert!(is_stuck(&mut story, 34_001), "nothing is slow any more");
    story.history.slow_until(fault, SimTime::after(Duration::from_secs(24)));
    assert!(!is_stuck(&mut story, 54_000));
    assert!(is_stuck(&mut story, 54_001));
}

#[test]
fn what_never_heals_leaves_no_verdict() {
    let is_instant =
        |kind: &&FaultKind| matches!(kind, FaultKind::DropConnection | FaultKind::Failover);
    let lasting = FaultKind::ALL.iter().filter(|kind| !is_instant(kind));
    for kind in lasting {
        let mut story = released();
        let faults = story.faults(&[*kind]);
        story.at_ms(3_000).event(REDIS, Event::FaultBegan(faults[0]));
        assert!(!is_stuck(&mut story, 100_000), "{kind:?}");
    }
}

#[test]
fn a_fault_after_the_bound_is_too_late_to_excuse_anything() {
    let mut story = released();
    let faults = story.faults(&[FaultKind::Partition]);
    story.at_ms(33_000).event(REDIS, Event::FaultBegan(faults[0]));
    assert!(is_stuck(&mut story, 34_000));
}

#[test]
fn a_connection_that_is_dropped_is_over_at_once_but_begins_the_time_anew() {
    let mut story = released();
    let faults = story.faults(&[FaultKind::DropConnection]);
    story.at_ms(20_000).event(REDIS, Event::FaultBegan(faults[0]));
    assert!(!is_stuck(&mut story, 50_000));
    assert!(is_stuck(&mut story, 50_001));
}

#[test]
fn a_client_that_crashed_is_gone_and_a_server_that_crashed_has_not_healed() {
    for (node, stuck) in [(A, true), (REDIS, false)] {
        for (kind, event) in
            [(FaultKind::Crash, Event::Crashed), (FaultKind::PowerLoss, Event::PowerLost)]
        {
            let mut story = Story::new();
            let faults = story.faults(&[kind]);
            story.at_ms(1).wait(A).acquire(A, None).wait(B);
            story.at_ms(1_000).event(node, Event::FaultBegan(faults[0])).event(node, event);
            story.release(A);
            assert_eq!(is_stuck(&mut story, 31_001), stuck, "{kind:?}");
        }
    }
}

#[test]
fn who_is_no_server_of_the_lock_and_stays_down_excuses_nothing() {
    // The store, and a third buyer that never wanted the lock: it may as well be a load.
    for node in [STORE, C] {
        let mut story = released();
        let fault = story.faults(&[FaultKind::Crash])[0];
        story.at_ms(3_000).event(node, Event::FaultBegan(fault)).event(node, Event::Crashed);
        assert!(is_stuck(&mut story, 33_001));
    }
}

#[test]
fn in_memory_each_process_has_a_lock_of_its_own() {
    let mut story = released();
    for turn in 0..20 {
        story.at_ms(3_000 + turn * 3_000).wait(A).acquire(A, None).release(A);
    }
    story.end_ms(63_000);
    assert_eq!(found(&story), [], "on a server somebody else got it");
    let in_memory = verdict_where(&story, LockHome::Memory);
    let stuck = in_memory.first(ViolationKind::StuckLock).expect("B never gets its own");
    assert_eq!((stuck.at.as_millis(), &stuck.nodes[..]), (31_500, &[B][..]));
    insta::assert_snapshot!(stuck.detail, @"buyer-2 waited for its own lock:stock, and nobody got it in the 30s from 1.500s on, though nobody held it and no fault was in force; nobody had held it before");
}

#[test]
fn in_memory_another_process_that_holds_keeps_nobody_from_its_lock() {
    let mut story = Story::new();
    story.at_ms(1).wait(A).acquire(A, None).wait(B);
    story.end_ms(60_000);
    assert_eq!(found(&story), []);
    let in_memory = verdict_where(&story, LockHome::Memory);
    assert_eq!(in_memory.first(ViolationKind::StuckLock).map(|one| &one.nodes[..]), Some(&[B][..]));
}

#[test]
fn who_crashes_waits_no_longer_and_what_was_stuck_before_is_told() {
    let mut story = Story::new();
    let faults = story.faults(&[FaultKind::Crash, FaultKind::Crash]);
    story.at_ms(1).wait(A).acquire(A, None).wait(B);
    story.at_ms(1_000).event(A, Event::FaultBegan(faults[0])).event(A, Event::Crashed);
    story.at_ms(20_000).event(B, Event::FaultBegan(faults[1])).event(B, Event::Crashed);
    assert!(!is_stuck(&mut story, 100_000));

    let mut story = Story::new();
    let faults = story.faults(&[FaultKind::Crash, FaultKind::Crash]);
    story.at_ms(1).wait(A).acquire(A, None).wait(B);
    story.at_ms(1_000).event(A, Event::FaultBegan(faults[0])).event(A, Event::Crashed);
    story.at_ms(40_000).event(B, Event::FaultBegan(faults[1])).event(B, Event::Crashed);
    let violations = found(story.end_ms(100_000));
    assert_eq!((violations.len(), &violations[0].nodes[..]), (1, &[B][..]));
    insta::assert_snapshot!(violations[0].detail, @"buyer-2 waited for lock:stock, and nobody got it in the 30s from 1.000s on, though nobody held it and no fault was in force; buyer-1 held it last, until 1.000s");
}

#[test]
fn who_waits_again_after_a_restart_begins_a_wait_of_its_own() {
    let mut story = Story::new();
    let faults = story.faults(&[FaultKind::Crash]);
    story.at_ms(1).wait(A).acquire(A, None);
    story.at_ms(1_000).event(A, Event::FaultBegan(faults[0])).event(A, Event::Crashed);
    story.at_ms(2_000).event(A, Event::FaultEnded(faults[0]));
    story.event(A, Event::Started { incarnation: 1 }).at_ms(2_001).wait(A);
    assert!(!is_stuck(&mut story, 32_001));
    assert!(is_stuck(&mut story, 32_002));
}
