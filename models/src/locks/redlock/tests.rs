//! RedLock clients among real servers' models on a small network: a message takes a millisecond.

use std::time::Duration;

use super::*;
use crate::locks::Guarded;
use crate::note::Note;
use crate::process::Process;
use crate::redis::resp::Reply;
use crate::redis::rig::Rig;
use crate::redis::server::{RedisSettings, Server};

/// The client's node; the servers are nodes 1 to 5.
const BUYER: u16 = 10;

fn five_servers() -> Rig {
    let mut rig = Rig::new();
    for node in 1..=5 {
        rig.start(node, 0, |boot| Box::new(Server::new(boot, RedisSettings::default())));
    }
    rig
}

/// A client that takes the lock, writes down how long that took and until when its lease lasts, in
/// milliseconds from its start, and gives the lock back after a while.
fn start(rig: &mut Rig, settings: RedlockSettings, hold_ms: u64) {
    let main = move |host: Host| async move {
        let servers: Vec<NodeId> = (1..=5).map(NodeId).collect();
        let mut lock = Guarded::new(host.clone(), Redlock::new(host.clone(), &servers, settings));
        let start = host.mono();
        let held = lock.acquire().await;
        let millis = |at: Mono| at.saturating_since(start).as_millis();
        let until = held.grant().valid_until.map(millis);
        host.note(Note::Remark { text: format!("{} {until:?}", millis(host.mono())) });
        host.sleep(Duration::from_millis(hold_ms)).await;
        lock.release(held).await;
    };
    rig.start(BUYER, 0, move |boot| Box::new(Process::new(boot, main)));
}

/// What the client has written down.
fn notes(rig: &Rig) -> Vec<&Note> {
    rig.notes.iter().filter(|(node, _)| *node == NodeId(BUYER)).map(|(_, note)| note).collect()
}

fn kinds(rig: &Rig) -> Vec<&'static str> {
    notes(rig).into_iter().map(Note::kind).collect()
}

/// When it got the lock, and until when it is valid.
fn granted(rig: &Rig) -> Option<&str> {
    notes(rig).into_iter().find_map(|note| match note {
        Note::Remark { text } => Some(text.as_str()),
        _ => None,
    })
}

fn outcome(rig: &Rig) -> Option<ReleaseOutcome> {
    notes(rig).into_iter().find_map(|note| match note {
        Note::Released { outcome, .. } => Some(*outcome),
        _ => None,
    })
}

/// The lock's values on the servers.
fn values(rig: &mut Rig) -> Vec<Option<String>> {
    let value = |reply| match reply {
        Some(Reply::Bulk(value)) => Some(String::from_utf8_lossy(&value).into_owned()),
        _ => None,
    };
    (1..=5).map(|node| value(rig.ask(node, "GET lock:stock"))).collect()
}

/// On how many servers there is a value that nobody else has set.
fn own(rig: &mut Rig) -> usize {
    values(rig).iter().flatten().filter(|value| *value != "another").count()
}

fn take(rig: &mut Rig, nodes: &[u16]) {
    for node in nodes {
        assert_eq!(rig.ask(*node, "SET lock:stock another"), Some(Reply::OK));
    }
}

fn cut(rig: &mut Rig, nodes: &[u16]) {
    nodes.iter().for_each(|node| rig.cut(BUYER, *node));
}

fn settings() -> RedlockSettings {
    RedlockSettings::default()
}

#[test]
fn all_are_asked_to_set_one_value_and_to_delete_it() {
    let mut rig = five_servers();
    start(&mut rig, settings(), 1_000);
    rig.pass(20);
    assert_eq!(granted(&rig), Some("4 Some(7920)"), "8 s from before it asked, less 1 %");
    let set = values(&mut rig);
    let value = set[0].clone().expect("it is set");
    assert_eq!((value.len(), set), (40, vec![Some(value.clone()); 5]));
    rig.pass(1_020);
    assert_eq!((own(&mut rig), outcome(&rig)), (0, Some(ReleaseOutcome::Removed)));
    let token = notes(&rig).into_iter().find_map(|note| match note {
        Note::Acquired { token, .. } => Some(*token),
        _ => None,
    });
    assert_eq!(token, Some(None), "there is no token");
}

#[test]
fn a_majority_is_enough_and_what_others_have_stays_theirs() {
    let mut rig = five_servers();
    take(&mut rig, &[4, 5]);
    start(&mut rig, settings(), 1_000);
    rig.pass(20);
    assert!(granted(&rig).is_some());
    rig.pass(1_020);
    let another = Some("another".to_owned());
    assert_eq!(values(&mut rig), [None, None, None, another.clone(), another]);
    assert_eq!(outcome(&rig), Some(ReleaseOutcome::Removed));
}

#[test]
fn a_minority_is_taken_back_at_once_and_tried_again_later() {
    let mut rig = five_servers();
    take(&mut rig, &[3, 4, 5]);
    start(&mut rig, settings(), 1_000);
    rig.pass(10);
    assert_eq!((own(&mut rig), granted(&rig)), (0, None));
    let deleted = |rig: &Rig| {
        rig.notes.iter().filter(|(_, note)| matches!(note, Note::KeyDeleted { .. })).count()
    };
    assert_eq!(deleted(&rig), 2);
    rig.pass(1_000);
    assert!(deleted(&rig) >= 6, "it tries every 50 to 250 ms");
    for node in [3, 4, 5] {
        rig.ask(node, "DEL lock:stock");
    }
    rig.pass(260);
    assert!(granted(&rig).is_some());
}

#[test]
fn a_node_that_says_nothing_costs_its_timeout_and_is_no_vote() {
    let mut rig = five_servers();
    cut(&mut rig, &[4, 5]);
    start(&mut rig, settings(), 10);
    rig.pass(100);
    assert_eq!(granted(&rig), Some("50 Some(7920)"), "validity counts from before it asked");
    let mut rig = five_servers();
    cut(&mut rig, &[3, 4, 5]);
    start(&mut rig, settings(), 10);
    rig.pass(5_000);
    assert_eq!(granted(&rig), None);
    assert!(own(&mut rig) <= 2);
}

#[test]
fn who_waits_for_a_majority_alone_does_not_wait_for_the_slow_ones() {
    let mut rig = five_servers();
    cut(&mut rig, &[4, 5]);
    start(&mut rig, RedlockSettings { wait: WaitFor::Majority, ..settings() }, 200);
    rig.pass(100);
    assert_eq!(granted(&rig), Some("4 Some(7920)"));
    rig.pass(200);
    assert_eq!((own(&mut rig), outcome(&rig)), (0, Some(ReleaseOutcome::Removed)));
}

#[test]
fn nodes_asked_in_turn_take_as_long_as_all_of_them() {
    let mut rig = five_servers();
    cut(&mut rig, &[2]);
    start(&mut rig, RedlockSettings { ask: AskNodes::InTurn, ..settings() }, 10);
    rig.pass(100);
    assert_eq!(granted(&rig), Some("66 Some(7920)"), "4 ms each, and a timeout");
}

#[test]
fn a_majority_that_took_longer_than_the_time_to_live_is_none() {
    let short = RedlockSettings { ttl: Duration::from_millis(2), ..settings() };
    let mut rig = five_servers();
    start(&mut rig, short.clone(), 10);
    rig.pass(2_000);
    assert_eq!(granted(&rig), None);
    let mut rig = five_servers();
    start(&mut rig, RedlockSettings { validity_check: false, ..short }, 10);
    rig.pass(100);
    assert_eq!(granted(&rig), Some("4 Some(4)"), "it is over when it is granted");
}

#[test]
fn a_wall_clock_that_is_set_ahead_meanwhile_leaves_no_validity_and_a_monotonic_one_is_not_set() {
    for (clock, tries) in [(Clock::Monotonic, 1), (Clock::Wall, 2)] {
        let mut rig = five_servers();
        start(&mut rig, RedlockSettings { clock, ..settings() }, 10_000);
        rig.pass(1);
        rig.jump(BUYER, 10_000);
        rig.pass(1_000);
        let set = rig.notes.iter().filter(|(_, note)| matches!(note, Note::KeySet { .. })).count();
        assert_eq!((set, granted(&rig).is_some()), (5 * tries, true), "{clock:?}");
    }
}

#[test]
fn a_wall_clock_that_is_set_back_meanwhile_makes_the_lease_too_long() {
    let mut rig = five_servers();
    start(&mut rig, RedlockSettings { clock: Clock::Wall, ..settings() }, 10);
    rig.pass(1);
    rig.jump(BUYER, -10_000);
    rig.pass(100);
    assert_eq!(granted(&rig), Some("4 Some(17920)"), "ten seconds longer than any key");
}

#[test]
fn what_is_over_when_it_is_given_back_was_not_held_and_what_is_not_answered_is_unknown() {
    let mut rig = five_servers();
    start(&mut rig, settings(), 9_000);
    rig.pass(9_100);
    assert_eq!(outcome(&rig), Some(ReleaseOutcome::NotHeld));
    let mut rig = five_servers();
    start(&mut rig, settings(), 500);
    rig.pass(100);
    cut(&mut rig, &[1, 2, 3]);
    rig.pass(600);
    assert_eq!((outcome(&rig), own(&mut rig)), (Some(ReleaseOutcome::Unknown), 3));
    rig.pass(8_000);
    assert_eq!(own(&mut rig), 0, "they expire by themselves");
}

#[test]
fn a_release_that_is_tried_again_reaches_who_is_back() {
    let mut rig = five_servers();
    start(&mut rig, RedlockSettings { release_retries: 10, ..settings() }, 500);
    rig.pass(100);
    cut(&mut rig, &[1, 2, 3, 4]);
    rig.pass(600);
    rig.heal();
    rig.pass(400);
    assert_eq!((outcome(&rig), own(&mut rig)), (Some(ReleaseOutcome::Removed), 0));
}

#[test]
fn keys_that_are_kept_between_tries_are_in_ones_own_way() {
    for (release_after, is_granted) in [(ReleaseAfter::EachTry, true), (ReleaseAfter::Tries, false)]
    {
        let mut rig = five_servers();
        take(&mut rig, &[3, 4, 5]);
        start(&mut rig, RedlockSettings { release_after, ..settings() }, 10_000);
        rig.pass(40);
        for node in [3, 4] {
            rig.ask(node, "DEL lock:stock");
        }
        rig.pass(1_000);
        assert_eq!(granted(&rig).is_some(), is_granted, "{release_after:?}");
    }
}

#[test]
fn a_lease_that_is_extended_lasts_as_long_as_it_is_held() {
    let mut rig = five_servers();
    start(&mut rig, RedlockSettings { extend: true, ..settings() }, 30_000);
    rig.pass(29_000);
    assert_eq!(own(&mut rig), 5);
    rig.pass(2_000);
    assert_eq!((own(&mut rig), outcome(&rig)), (0, Some(ReleaseOutcome::Removed)));
    rig.pass(20_000);
    assert_eq!(kinds(&rig), ["acquiring", "acquired", "remark", "releasing", "released"]);
    let mut rig = five_servers();
    start(&mut rig, settings(), 30_000);
    rig.pass(29_000);
    assert_eq!(own(&mut rig), 0, "nobody extends it by default");
}

#[test]
fn a_lease_that_no_majority_extends_is_known_to_be_lost_when_it_is_over() {
    let mut rig = five_servers();
    start(&mut rig, RedlockSettings { extend: true, ..settings() }, 30_000);
    rig.pass(1_000);
    cut(&mut rig, &[1, 2, 3]);
    rig.pass(6_919);
    assert_eq!(kinds(&rig), ["acquiring", "acquired", "remark"]);
    rig.pass(2);
    assert_eq!(kinds(&rig).last(), Some(&"lock-lost"), "after 7920 ms, to the millisecond");
}

#[test]
fn when_a_lock_is_dropped_its_connections_are_closed_at_once() {
    let mut rig = five_servers();
    let main = |host: Host| async move {
        let servers: Vec<NodeId> = (1..=5).map(NodeId).collect();
        let mut lock = Redlock::new(host.clone(), &servers, settings());
        lock.acquire().await;
        drop(lock);
        host.sleep(Duration::from_secs(60)).await;
    };
    rig.start(BUYER, 0, move |boot| Box::new(Process::new(boot, main)));
    rig.pass(100);
    for server in 1..=5 {
        // Who asks is a client, too.
        assert_eq!(rig.info(server, "connected_clients").as_deref(), Some("1"));
    }
}

#[test]
fn the_value_can_pass_for_a_token_and_is_any_number() {
    let mut rig = five_servers();
    start(&mut rig, RedlockSettings { token: Tokens::ValueAsToken, ..settings() }, 10_000);
    rig.pass(100);
    let value = values(&mut rig)[0].clone().expect("it is set");
    let token = u64::from_str_radix(&value[..16], 16).ok();
    assert!(
        notes(&rig)
            .into_iter()
            .any(|note| matches!(note, Note::Acquired { token: one, .. } if *one == token))
    );
}

#[test]
fn names_are_listed_as_they_are_written() {
    assert!(AskNodes::ALL.iter().all(|(name, it)| *name == it.as_str()));
    assert!(WaitFor::ALL.iter().all(|(name, it)| *name == it.as_str()));
    assert!(Clock::ALL.iter().all(|(name, it)| *name == it.as_str()));
    assert!(ReleaseAfter::ALL.iter().all(|(name, it)| *name == it.as_str()));
    assert!(Tokens::ALL.iter().all(|(name, it)| *name == it.as_str()));
    let node = settings().as_node_redlock();
    assert_eq!(node.allowance(), Duration::from_millis(82), "1 % of 8 s, and 2 ms");
}
