//! A failover from end to end.

use super::*;

/// A step of the failover as the one that leads it tells it.
const STEPS: [&str; 12] = [
    "+try-failover",
    "+vote-for-leader",
    "+elected-leader",
    "+failover-state-select-slave",
    "+selected-slave",
    "+failover-state-send-slaveof-noone",
    "+failover-state-wait-promotion",
    "+promoted-slave",
    "+failover-state-reconf-slaves",
    "+slave-reconf-sent",
    "+failover-end",
    "+switch-master",
];

#[test]
fn the_master_dies_and_a_replica_takes_its_place() {
    let mut rig = group();
    rig.ask(1, "SET lock mine");
    rig.pass(100);
    rig.notes.clear();
    rig.kill(1);
    rig.pass(25_000);
    let [leader] = &events_of(&rig, "+elected-leader")[..] else { panic!("one is elected") };
    let told = events(&rig, leader.0);
    let mut rest = told.iter();
    for step in STEPS {
        assert!(rest.any(|event| *event == step), "{step} in {told:?}");
    }
    let masters = SENTINELS.map(|node| master_by(&mut rig, node));
    let new = masters[0].expect("a master");
    assert!(new != 1 && masters == [Some(new); 3], "{masters:?}");
    assert_eq!(rig.info(new, "role").as_deref(), Some("master"));
    assert_eq!(rig.info(5 - new, "master_link_status").as_deref(), Some("up"));
    assert_eq!(rig.ask(new, "GET lock"), Some(Reply::Bulk("mine".into())));
    let learnt = events_of(&rig, "+config-update-from");
    assert_eq!(learnt.len(), 2, "the others learn of it from the leader's hello: {learnt:?}");
}

#[test]
fn the_old_master_comes_back_as_one_and_is_made_a_replica() {
    let mut rig = group();
    rig.kill(1);
    rig.pass(25_000);
    start_server(&mut rig, 1, 1);
    rig.pass(1000);
    assert_eq!(rig.info(1, "role").as_deref(), Some("master"), "nobody has told it yet");
    assert_eq!(rig.ask(1, "SET lock other"), Some(Reply::OK), "two masters take writes");
    rig.pass(30_000);
    assert_eq!(rig.info(1, "role").as_deref(), Some("slave"));
    assert!(!events_of(&rig, "+convert-to-slave").is_empty());
    rig.pass(10_000);
    assert_eq!(rig.ask(1, "GET lock"), Some(Reply::Nil), "what it took alone is gone");
}

#[test]
fn a_master_that_was_cut_off_goes_on_until_it_is_reached() {
    let mut rig = group();
    for node in SERVERS.into_iter().chain(SENTINELS).filter(|node| *node != 1) {
        rig.cut(1, node);
    }
    rig.pass(25_000);
    let new = master_by(&mut rig, 12).expect("a master");
    assert_ne!(new, 1);
    assert_eq!(rig.ask(1, "SET lock mine NX"), Some(Reply::OK));
    assert_eq!(rig.ask(new, "SET lock other NX"), Some(Reply::OK), "one lock, two holders");
    rig.heal();
    rig.pass(60_000);
    assert_eq!(rig.info(1, "role").as_deref(), Some("slave"));
}

#[test]
fn the_replica_with_most_of_the_stream_is_chosen() {
    let mut rig = group();
    rig.cut(1, 2);
    rig.ask(1, "SET lock mine");
    rig.pass(12_000);
    rig.kill(1);
    rig.heal();
    rig.pass(25_000);
    assert_eq!(master_by(&mut rig, 11), Some(3));
}

#[test]
fn a_replica_of_priority_zero_is_never_chosen() {
    let mut rig = group();
    for node in [2, 3] {
        rig.ask(node, "CONFIG SET replica-priority 0");
    }
    rig.pass(12_000);
    rig.kill(1);
    rig.pass(25_000);
    assert!(!events_of(&rig, "-failover-abort-no-good-slave").is_empty());
    assert_eq!(events_of(&rig, "+switch-master"), []);
    assert_eq!(
        rig.ask(11, "SENTINEL FAILOVER mymaster"),
        Some(Reply::error("NOGOODSLAVE No suitable replica to promote"))
    );
}

#[test]
fn a_failover_by_command_needs_nobodys_vote_and_loses_the_old_masters_clients() {
    let mut rig = group();
    rig.notes.clear();
    let client = rig.client(1);
    assert_eq!(rig.ask(11, "SENTINEL FAILOVER mymaster"), Some(Reply::OK));
    let again = rig.ask(11, "SENTINEL FAILOVER mymaster");
    assert_eq!(again, Some(Reply::error("INPROG Failover already in progress")));
    rig.pass(10_000);
    let new = master_by(&mut rig, 11).expect("a master");
    assert_ne!(new, 1);
    // The old master is up: it is one of those who are told to follow.
    rig.pass(30_000);
    assert_eq!(rig.info(1, "role").as_deref(), Some("slave"));
    assert!(!rig.is_open(client), "it was hung up on, so that it asks who the master is");
}

#[test]
fn without_a_majority_of_sentinels_nobody_is_elected() {
    let mut rig = group();
    rig.kill(12);
    rig.kill(13);
    rig.notes.clear();
    rig.kill(1);
    rig.pass(40_000);
    assert_eq!(events_of(&rig, "+odown"), [], "the quorum is two");
    assert_eq!(events_of(&rig, "+elected-leader"), []);
}

/// A replica that is told to follow the new master and does not is told once more, and not waited for.
#[test]
fn a_failover_does_not_wait_for_a_replica_that_does_not_follow() {
    let mut rig = Rig::new();
    for node in SERVERS {
        start_server(&mut rig, node, 0);
    }
    rig.pass(8_000);
    for node in SENTINELS {
        let settings = SentinelSettings {
            down_after: Duration::from_secs(30),
            parallel_syncs: 2,
            ..settings()
        };
        rig.start(node, 0, |boot| Box::new(Sentinel::new(boot, settings)));
    }
    rig.pass(15_000);
    rig.ask(11, "SENTINEL FAILOVER mymaster");
    while events_of(&rig, "+slave-reconf-sent").is_empty() {
        rig.pass(1);
    }
    let told = events_of(&rig, "+slave-reconf-sent")[0].1.clone();
    let slow = SERVERS.into_iter().find(|node| told.starts_with(&format!("slave 10.0.0.{node}:")));
    let slow = slow.expect("a replica");
    for sentinel in SENTINELS {
        rig.cut(slow, sentinel);
    }
    rig.pass(14_000);
    let ended = events_of(&rig, "+failover-end");
    assert_eq!(
        (ended.len(), events_of(&rig, "-slave-reconf-sent-timeout").len()),
        (1, 1),
        "{ended:?}"
    );
}
