//! What a master makes of a request for its vote.

use super::Rig;
use crate::redis::cluster::{Body, BusMessage, Flags, NodeName};

/// A request of the replica 3, as it would send it after its master has failed.
fn request(rig: &Rig) -> BusMessage {
    let replica = rig.cluster(3);
    BusMessage {
        sender: replica.myself.name,
        current_epoch: replica.current_epoch + 1,
        config_epoch: 1,
        offset: 100,
        slots: rig.cluster(0).myself.slots.clone(),
        master: replica.myself.master,
        flags: Flags::REPLICA,
        is_ok: true,
        is_paused: false,
        force_ack: false,
        body: Body::FailoverAuthRequest,
    }
}

/// A cluster whose first master has failed, before its replica has asked for votes.
fn bereaved(seed: u64) -> Rig {
    let mut rig = Rig::of(3, 3, seed, |settings| settings.replica_no_failover = true);
    rig.run(6_000);
    rig.crash(0);
    rig.wait(20_000, |rig| rig.noted(1, "fail", 0).is_some()).expect("it fails");
    rig.run(100);
    rig
}

fn answer(rig: &mut Rig, place: usize, request: &BusMessage) -> Result<(), String> {
    let refused = rig.details(place, "vote-refused").len();
    let said = rig.said.len();
    rig.deliver(3, place, request.clone());
    let is_vote = |by: usize, body: &Body| by == place && *body == Body::FailoverAuthAck;
    let is_given = rig.said[said..].iter().any(|(by, message)| is_vote(*by, &message.body));
    let why = rig.details(place, "vote-refused").get(refused).map(|text| (*text).to_owned());
    match why {
        Some(why) => Err(why.trim_start_matches("to 10.0.0.3:6379: ").to_owned()),
        None if is_given => Ok(()),
        None => Err(String::new()),
    }
}

#[test]
fn a_vote_is_given_once_in_an_epoch() {
    let mut rig = bereaved(1);
    let first = request(&rig);
    assert_eq!(answer(&mut rig, 1, &first), Ok(()));
    assert_eq!(rig.cluster(1).current_epoch, first.current_epoch);
    assert_eq!(answer(&mut rig, 1, &first), Err("has voted in this epoch".to_owned()));
    let second = BusMessage { current_epoch: first.current_epoch + 1, ..first };
    assert_eq!(
        answer(&mut rig, 1, &second),
        Err("has voted about its master lately".to_owned()),
        "not again for twice the node timeout"
    );
    rig.run(10_100);
    assert_eq!(answer(&mut rig, 1, &second), Ok(()));
}

#[test]
fn a_vote_is_on_disk_before_it_is_sent() {
    let mut rig = bereaved(2);
    let request = request(&rig);
    assert_eq!(answer(&mut rig, 1, &request), Ok(()));
    let voted = format!("lastVoteEpoch {}", request.current_epoch);
    assert!(rig.file(1).contains(&voted), "{}", rig.file(1));
    rig.crash(1);
    rig.restart(1, true);
    assert_eq!(rig.cluster(1).last_vote_epoch, request.current_epoch);
    rig.run(3_000);
    assert_eq!(answer(&mut rig, 1, &request), Err("has voted in this epoch".to_owned()));
}

#[test]
fn an_old_epoch_is_refused() {
    let mut rig = bereaved(3);
    let old = BusMessage { current_epoch: rig.cluster(1).current_epoch - 1, ..request(&rig) };
    assert_eq!(answer(&mut rig, 1, &old), Err("an epoch that is over".to_owned()));
}

#[test]
fn a_master_that_works_is_not_replaced_unless_by_hand() {
    let mut rig = Rig::new(4);
    let request = request(&rig);
    assert_eq!(answer(&mut rig, 1, &request), Err("its master works".to_owned()));
    let forced = BusMessage { force_ack: true, ..request };
    assert_eq!(answer(&mut rig, 1, &forced), Ok(()));
}

#[test]
fn a_claim_that_is_out_of_date_is_refused() {
    let mut rig = bereaved(5);
    let old = BusMessage { slots: rig.cluster(2).myself.slots.clone(), ..request(&rig) };
    assert_eq!(
        answer(&mut rig, 1, &old),
        Err("claims slots that somebody has under a newer epoch".to_owned())
    );
}

#[test]
fn only_masters_with_slots_vote_and_only_replicas_are_voted_for() {
    let mut rig = bereaved(6);
    let request = request(&rig);
    assert_eq!(answer(&mut rig, 4, &request), Err(String::new()), "a replica says nothing");
    let unknown = BusMessage { sender: NodeName::of(crate::machine::NodeId(99)), ..request };
    rig.run(100);
    let said = rig.said.len();
    rig.deliver_from_stranger(1, unknown);
    assert!(!rig.said[said..].iter().any(|(_, message)| message.body == Body::FailoverAuthAck));
}

/// Two replicas, of different masters, are elected in the same epoch, though each master votes once:
/// whoever has been elected votes at once, and in the same epoch in which the master that it has
/// replaced may have voted too. Redis resolves the collision of their epochs afterwards.
///
/// Redis 7.0.15 does the same in the same story, its six nodes in network namespaces of their own: both
/// logged "configEpoch set to 7 after successful failover", the first to win "Failover auth granted"
/// to the other one, and that one two seconds later "configEpoch collision".
#[test]
fn two_may_be_elected_in_one_epoch_for_different_slots() {
    let mut rig = Rig::new(7);
    rig.cut(&[1, 3]);
    rig.command(3, "CLUSTER FAILOVER FORCE");
    rig.run(300);
    assert_eq!(rig.details(1, "vote-given"), ["to 10.0.0.3:6379 for epoch 7"]);
    rig.command(4, "CLUSTER FAILOVER FORCE");
    rig.wait(300, |rig| rig.is_master(4)).expect("with the votes of 0 and 2");
    rig.heal();
    rig.wait(300, |rig| rig.is_master(3))
        .expect("with the votes of 1 and 4, which has replaced it");
    assert_eq!(rig.details(4, "vote-given"), ["to 10.0.0.3:6379 for epoch 7"]);
    assert_eq!(rig.details(3, "election-won"), rig.details(4, "election-won"));
    rig.run(10_000);
    let epochs = [3, 4].map(|place| rig.cluster(place).myself.config_epoch);
    assert_ne!(epochs[0], epochs[1], "resolved");
    assert!((0..6).all(|at| rig.owner(0, at) == Some(3) && rig.owner(5_461, at) == Some(4)));
}
