//! Curator's mutex, on an ensemble whose leader fails and whose clients are cut off.

use std::time::Duration;

use super::contention::{contend, holder, holds, most_holders, outlast_a_leader, run, tokens};
use super::rig::Rig;
use crate::locks::Guarded;
use crate::locks::curator::{CuratorSettings, InterProcessMutex, OnReconnected, Reaction};
use crate::machine::NodeId;
use crate::note::Note;
use crate::random::Random;

/// Clients with such mutexes take the lock so many times each, and hold it for so long.
fn contend_with(rig: &mut Rig, times: u32, hold: Duration, settings: &CuratorSettings) {
    let settings = settings.clone();
    contend(rig, times, hold, move |host, servers| {
        InterProcessMutex::new(host, servers, settings.clone())
    });
}

fn settings(session_timeout: Duration) -> CuratorSettings {
    CuratorSettings { session_timeout, ..CuratorSettings::default() }
}

/// How many nodes have been created for the lock.
fn nodes_created(rig: &Rig) -> usize {
    let is_created = |note: &Note| match note {
        Note::ZnodeCreated { path, .. } => path.to_string().contains("lock-"),
        _ => false,
    };
    rig.notes.iter().filter(|(_, _, note)| is_created(note)).count()
}

/// Why locks were taken for lost.
fn losses(rig: &Rig) -> Vec<&'static str> {
    let reason = |note: &Note| match note {
        Note::LockLost { reason, .. } => Some(*reason),
        _ => None,
    };
    rig.notes.iter().filter_map(|(_, _, note)| reason(note)).collect()
}

#[test]
fn one_after_the_other_holds_the_mutex_under_growing_tokens() {
    let mut rig = Rig::of(3, 31, |_| {});
    rig.settle();
    contend_with(&mut rig, 5, Duration::from_millis(200), &CuratorSettings::default());
    run(&mut rig, 60_000);
    let tokens = tokens(&rig);
    assert_eq!((tokens.len(), most_holders(&rig), nodes_created(&rig)), (15, 1, 15));
    assert!(tokens.is_sorted_by(|one, next| one < next), "{tokens:x?}");
    // A hand-over takes a few messages and two fsyncs, and nobody polls.
    let time = rig.notes.last().unwrap().0 - rig.notes[0].0;
    assert!(time < 15 * 200 + 2500, "{time} ms");
}

#[test]
fn a_leader_that_crashes_costs_time_and_nothing_else() {
    for seed in 40..46 {
        outlast_a_leader(seed, 200_000, |rig| {
            contend_with(rig, 4, Duration::from_millis(700), &settings(Duration::from_secs(10)));
        });
    }
}

/// The holder is cut off: its session is over before it hears of it, and the next holds the lock. The client itself
/// gives its session up after as long a time as it lasts, counted from when its connection was suspended, which is two
/// thirds of that after the last word: too late.
#[test]
fn a_holder_that_waits_for_lost_is_one_of_two() {
    for (on_suspended, on_lost, holders) in [
        (Reaction::Stops, Reaction::Stops, 1),
        (Reaction::GoesOn, Reaction::Stops, 2),
        (Reaction::GoesOn, Reaction::GoesOn, 2),
    ] {
        let mut rig = Rig::of(3, 50, |_| {});
        rig.settle();
        let ten_seconds = settings(Duration::from_secs(10));
        let settings = CuratorSettings { on_suspended, on_lost, ..ten_seconds };
        contend_with(&mut rig, 1, Duration::from_secs(40), &settings);
        rig.pass(5000);
        let first = holder(&rig);
        rig.cut_off(first);
        rig.pass(15_000);
        assert_eq!(tokens(&rig).len(), 2, "the session is over, the next has it");
        assert_eq!(holds(&rig, first), on_suspended == Reaction::GoesOn);
        rig.pass(5000);
        assert_eq!(holds(&rig, first), on_lost == Reaction::GoesOn);
        rig.heal();
        run(&mut rig, 300_000);
        assert_eq!(most_holders(&rig), holders, "{on_suspended:?}, {on_lost:?}");
        let tokens = tokens(&rig);
        assert_eq!(tokens.len(), 3);
        assert!(tokens.is_sorted_by(|one, next| one < next), "they tell them apart: {tokens:x?}");
    }
}

#[test]
fn a_careless_holder_that_looks_for_its_node_knows_as_soon_as_it_is_back() {
    for (away_ms, reasons) in [(8000, &[][..]), (15_000, &["its node is gone"])] {
        let mut rig = Rig::of(3, 51, |_| {});
        rig.settle();
        let settings = CuratorSettings {
            on_suspended: Reaction::GoesOn,
            on_lost: Reaction::GoesOn,
            on_reconnected: OnReconnected::Checks,
            ..settings(Duration::from_secs(10))
        };
        contend_with(&mut rig, 1, Duration::from_secs(60), &settings);
        rig.pass(5000);
        let first = holder(&rig);
        rig.cut_off(first);
        rig.pass(away_ms);
        assert!(holds(&rig, first));
        rig.heal();
        rig.pass(4000);
        assert_eq!((holds(&rig, first), losses(&rig)), (reasons.is_empty(), reasons.to_vec()));
    }
}

/// A client that comes then, takes the lock so many times, holds it for so long, and rests for two seconds.
fn come(
    rig: &mut Rig,
    node: u16,
    at_s: u64,
    times: u32,
    hold: Duration,
    settings: CuratorSettings,
) {
    let servers: Vec<NodeId> = (1..=rig.servers()).map(NodeId).collect();
    rig.start_process(node, move |host| async move {
        host.sleep(Duration::from_secs(at_s)).await;
        let mutex = InterProcessMutex::new(host.clone(), &servers, settings);
        let mut lock = Guarded::new(host.clone(), mutex);
        for _ in 0..times {
            let held = lock.acquire().await;
            host.sleep(hold).await;
            lock.release(held).await;
            host.sleep(Duration::from_secs(2)).await;
        }
    });
}

/// A client takes the lock twice. Its second node is created, but it does not hear of that before its connection is
/// lost. Another client comes later.
fn lose_a_creation(protection: bool) -> Rig {
    let mut rig = Rig::of(3, 60, |_| {});
    rig.settle();
    let settings = CuratorSettings { protection, ..settings(Duration::from_secs(20)) };
    let hold = Duration::from_millis(100);
    come(&mut rig, 101, 0, 2, hold, settings.clone());
    come(&mut rig, 102, 25, 1, hold, settings);
    rig.pass(1500);
    assert_eq!((tokens(&rig).len(), nodes_created(&rig)), (1, 1));
    rig.deafen(101);
    rig.pass(3000);
    assert_eq!((tokens(&rig).len(), nodes_created(&rig)), (1, 2));
    // It gives the connection up after two thirds of its session.
    rig.pass(12_000);
    rig.heal();
    rig.pass(10_000);
    rig
}

#[test]
fn a_creation_whose_answer_is_lost_costs_nothing_with_protection() {
    let mut rig = lose_a_creation(true);
    run(&mut rig, 20_000);
    let tokens = tokens(&rig);
    assert_eq!((tokens.len(), nodes_created(&rig), most_holders(&rig)), (3, 3, 1));
    assert!(tokens.is_sorted_by(|one, next| one < next), "{tokens:x?}");
}

#[test]
fn without_protection_it_locks_everybody_out_for_as_long_as_its_makers_session_lives() {
    let mut rig = lose_a_creation(false);
    rig.pass(300_000);
    // The orphan, its maker's next, and the other client's.
    assert_eq!((tokens(&rig).len(), nodes_created(&rig)), (1, 4));
    rig.cut_off(101);
    rig.pass(30_000);
    assert_eq!(tokens(&rig).len(), 2, "the other client holds the lock");
    rig.heal();
    run(&mut rig, 60_000);
    let tokens = tokens(&rig);
    assert_eq!((tokens.len(), most_holders(&rig)), (3, 1));
    assert!(tokens.is_sorted_by(|one, next| one < next), "{tokens:x?}");
}

/// Who waits hears nothing of the servers, which hear it: it gives its session up, and they do not. Back in a new
/// session, it finds its node where it was, holds the lock by it, and is told nothing when the old session ends.
#[test]
fn a_careful_holder_is_one_of_two_by_a_node_of_the_session_that_it_gave_up() {
    let mut rig = Rig::of(3, 61, |_| {});
    rig.settle();
    let settings = settings(Duration::from_secs(6));
    for (node, at_s) in [(101, 0), (102, 1), (103, 2)] {
        come(&mut rig, node, at_s, 1, Duration::from_secs(12), settings.clone());
    }
    rig.pass(3000);
    rig.deafen(102);
    // Suspended after 4 s, lost after 6 s more. Meanwhile the first client gives the lock back.
    rig.pass(10_500);
    assert!(!holds(&rig, 101));
    rig.heal();
    rig.pass(2000);
    assert!(holds(&rig, 102));
    assert_eq!(nodes_created(&rig), 3, "it has not queued up again");
    rig.pass(8000);
    assert!(holds(&rig, 102) && holds(&rig, 103));
    assert_eq!(losses(&rig), [""; 0]);
    let tokens = tokens(&rig);
    assert_eq!(tokens.len(), 3);
    assert!(tokens.is_sorted_by(|one, next| one < next), "they tell them apart: {tokens:x?}");
}

/// Servers crash and come back, clients are cut off, and do not hear what servers answer.
fn misfortunes(rig: &mut Rig, random: &mut Random) {
    for _ in 0..20 {
        rig.pass(random.range(500..=6000));
        let server = *random.choice(&[1, 2, 3]).unwrap();
        let client = *random.choice(&[101, 102, 103]).unwrap();
        match random.below(6) {
            0 if (1..=3).all(|server| rig.is_up(server)) => rig.crash(server),
            1 | 2 => rig.cut_off(client),
            3 => rig.deafen(client),
            4 => rig.heal(),
            _ => start_all(rig),
        }
    }
    rig.heal();
    start_all(rig);
}

fn start_all(rig: &mut Rig) {
    let down: Vec<u16> = (1..=rig.servers()).filter(|server| !rig.is_up(*server)).collect();
    down.into_iter().for_each(|server| rig.start(server));
}

/// Whatever happens, and whatever the holders make of it: no two grants have one token, and a later one has a greater.
#[test]
fn tokens_grow_with_every_grant_whatever_happens() {
    let (mut grants, mut two_holders) = (0, 0);
    for seed in 0..60 {
        let mut rig = Rig::of(3, 1000 + seed, |_| {});
        rig.settle();
        let reaction = if seed % 2 == 0 { Reaction::Stops } else { Reaction::GoesOn };
        let settings = CuratorSettings {
            on_suspended: reaction,
            on_lost: reaction,
            ..settings(Duration::from_secs(6))
        };
        contend_with(&mut rig, 6, Duration::from_secs(3), &settings);
        misfortunes(&mut rig, &mut Random::new(seed, 78));
        run(&mut rig, 200_000);
        let tokens = tokens(&rig);
        assert!(tokens.is_sorted_by(|one, next| one < next), "seed {seed}: {tokens:x?}");
        grants += tokens.len();
        two_holders += usize::from(most_holders(&rig) > 1);
    }
    assert_eq!(grants, 60 * 18);
    assert!(two_holders > 0, "it was not put to the test");
}
