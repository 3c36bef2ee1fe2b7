use super::Rig;
use crate::redis::cluster::{Body, Order};
use crate::redis::resp::Reply;

/// Who has said what else than ping and pong, in order; to how many does not matter.
fn said(rig: &Rig, from: usize) -> Vec<(usize, &'static str)> {
    let mut said: Vec<_> = rig.said[from..]
        .iter()
        .filter_map(|(by, message)| match message.body {
            Body::Ping(_) | Body::Pong(_) => None,
            Body::ManualFailoverStart => Some((*by, "mfstart")),
            Body::FailoverAuthRequest => Some((*by, "request")),
            Body::FailoverAuthAck => Some((*by, "vote")),
            _ => Some((*by, "other")),
        })
        .collect();
    said.dedup();
    said
}

#[test]
fn a_manual_failover_pauses_the_master_and_loses_nothing() {
    let mut rig = Rig::new(1);
    let from = rig.said.len();
    rig.hosts[0].offset += 70;
    assert_eq!(rig.command(3, "CLUSTER FAILOVER"), Reply::OK);
    let took_ms = rig.wait(2_000, |rig| rig.is_master(3)).expect("it takes over");
    // Measured with Redis 7.0.15: about a millisecond from the pause to the promotion.
    assert!(took_ms <= 10, "{took_ms}");
    let all = said(&rig, from);
    assert_eq!(all[..2], [(3, "mfstart"), (3, "request")]);
    assert!(all.contains(&(0, "vote")), "the old master votes for its own end: {all:?}");
    assert_eq!(rig.hosts[3].offset, rig.hosts[0].offset);

    let paused_until_ms = rig.hosts[0].orders.iter().find_map(|order| match order {
        Order::PauseWrites { until_ms } => Some(*until_ms as u64),
        _ => None,
    });
    let paused_ms = rig.noted(0, "manual-failover", 0).expect("noted");
    assert_eq!(paused_until_ms, Some(paused_ms + 10_000));
    rig.wait(1_000, |rig| !rig.hosts[0].is_paused).expect("goes on, as a replica");
    assert!(!rig.is_master(0));
    assert_eq!(rig.hosts[0].follows.map(|node| node.0), Some(3));
}

/// The replica waits until it has all that its paused master has.
#[test]
fn a_replica_waits_for_the_data_of_its_paused_master() {
    let mut rig = Rig::new(2);
    rig.hosts[3].is_lagging = true;
    rig.hosts[0].offset += 70;
    assert_eq!(rig.command(3, "CLUSTER FAILOVER"), Reply::OK);
    rig.run(2_000);
    assert!(rig.hosts[0].is_paused && !rig.is_master(3));
    rig.hosts[3].is_lagging = false;
    rig.wait(200, |rig| rig.is_master(3)).expect("it takes over");
}

#[test]
fn a_manual_failover_is_given_up_after_five_seconds() {
    let mut rig = Rig::new(3);
    rig.hosts[3].is_lagging = true;
    rig.hosts[0].offset += 70;
    assert_eq!(rig.command(3, "CLUSTER FAILOVER"), Reply::OK);
    let start_ms = rig.now_ms;
    rig.wait(10_000, |rig| rig.hosts[0].is_paused).expect("paused");
    rig.wait(10_000, |rig| !rig.hosts[0].is_paused).expect("goes on");
    let took_ms = rig.now_ms - start_ms;
    assert!((5_000..=5_200).contains(&took_ms), "{took_ms}");
    rig.run(200);
    assert!(rig.noted(3, "manual-failover-timed-out", start_ms).is_some());
    rig.hosts[3].is_lagging = false;
    rig.run(20_000);
    assert!(rig.is_master(0) && !rig.is_master(3));
}

#[test]
fn a_forced_failover_needs_votes_and_no_master() {
    let mut rig = Rig::new(4);
    let from = rig.said.len();
    rig.crash(0);
    rig.run(10);
    let refused = rig.command(3, "CLUSTER FAILOVER");
    let text = "ERR Master is down or failed, please use CLUSTER FAILOVER FORCE";
    assert_eq!(refused, Reply::error(text));
    assert_eq!(rig.command(3, "CLUSTER FAILOVER FORCE"), Reply::OK);
    rig.wait(300, |rig| rig.is_master(3)).expect("it takes over");
    let mut all = said(&rig, from);
    all.sort_unstable();
    assert_eq!(all, [(1, "vote"), (2, "vote"), (3, "request")]);
}

/// Even with the minority: with a new epoch that nobody has agreed to.
#[test]
fn a_takeover_asks_nobody() {
    let mut rig = Rig::new(5);
    rig.cut(&[3]);
    rig.run(100);
    let from = rig.said.len();
    assert_eq!(rig.command(3, "CLUSTER FAILOVER TAKEOVER"), Reply::OK);
    assert!(rig.is_master(3));
    assert!(said(&rig, from).is_empty());
    assert_eq!(rig.cluster(3).myself.config_epoch, 7);
    assert!(rig.is_master(0), "two masters for the same slots, until they hear of each other");
    rig.heal();
    rig.wait(30_000, |rig| (0..6).all(|at| rig.owner(0, at) == Some(3))).expect("agreed");
    assert!(!rig.is_master(0));
}

/// A replica that won an election, lost its place, and is told again to take over within four node
/// timeouts takes the votes of its last election for those of the new one: it is a master under its
/// old epoch for a moment, beside the real one, and whatever is written there then is lost.
///
/// So does Redis 7.0.15: `CLUSTER FAILOVER` at A's replica B, at A, and at B again, a second and a
/// half apart. B logged "Failover election won" at once, without having asked, served the slots under
/// epoch 7 while A had them under 8, and was "reconfigured as a replica" 85 ms later.
#[test]
fn old_votes_are_counted_again() {
    let mut rig = Rig::new(6);
    assert_eq!(rig.command(3, "CLUSTER FAILOVER"), Reply::OK);
    rig.wait(1_000, |rig| rig.is_master(3) && !rig.is_master(0)).expect("there");
    // The new master has to know that this is its replica.
    let (old, new) = (rig.cluster(0).myself.name, rig.cluster(3).myself.name);
    let is_known =
        |rig: &Rig| rig.cluster(3).node(old).is_some_and(|node| node.master == Some(new));
    rig.wait(5_000, is_known).expect("it says so with its next ping");
    assert_eq!(rig.command(0, "CLUSTER FAILOVER"), Reply::OK);
    rig.wait(1_000, |rig| rig.is_master(0) && !rig.is_master(3)).expect("and back");
    let is_known =
        |rig: &Rig| rig.cluster(0).node(new).is_some_and(|node| node.master == Some(old));
    rig.wait(5_000, is_known).expect("the same");
    let (from, start_ms) = (rig.said.len(), rig.now_ms);
    assert_eq!(rig.command(3, "CLUSTER FAILOVER"), Reply::OK);
    rig.wait(1_000, |rig| rig.is_master(3)).expect("it believes that it has won");
    assert_eq!(said(&rig, from), [(3, "mfstart")], "nobody was asked");
    assert_eq!(rig.cluster(3).myself.config_epoch, 7);
    assert_eq!(rig.cluster(0).myself.config_epoch, 8);
    assert!(rig.is_master(0), "and this one has never stopped to be");
    rig.wait(5_000, |rig| !rig.is_master(3)).expect("it is told");
    assert!(rig.noted(3, "slots-lost", start_ms).is_some());
    assert!(rig.is_master(0));
}
