//! When somebody is taken to be down.

use super::*;

#[test]
fn one_that_does_not_answer_is_down_after_the_time_that_was_set() {
    let mut rig = group();
    rig.notes.clear();
    rig.kill(2);
    rig.pass(4900);
    assert_eq!(events_of(&rig, "+sdown"), []);
    rig.pass(1300);
    let down = "slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379".to_owned();
    let mut seen = events_of(&rig, "+sdown");
    seen.sort();
    assert_eq!(seen, SENTINELS.map(|node| (node, down.clone())));
    assert_eq!(events_of(&rig, "+odown"), [], "nobody is asked about a replica");
    start_server(&mut rig, 2, 1);
    rig.pass(3000);
    assert_eq!(events_of(&rig, "-sdown").len(), 3);
}

#[test]
fn one_sentinel_alone_finds_the_master_down_and_does_nothing() {
    let mut rig = group();
    rig.notes.clear();
    rig.cut(11, 1);
    rig.pass(30_000);
    assert!(events(&rig, 11).contains(&"+sdown"));
    assert_eq!(events_of(&rig, "+odown"), []);
    assert_eq!(events_of(&rig, "+try-failover"), []);
    assert_eq!(master_by(&mut rig, 11), Some(1));
    rig.heal();
    rig.pass(20_000);
    assert!(events(&rig, 11).contains(&"-sdown"));
}

#[test]
fn a_master_that_says_it_is_a_replica_is_down_in_the_end() {
    let mut rig = group();
    rig.notes.clear();
    rig.ask(1, "REPLICAOF 10.0.0.9 6379");
    // Ten seconds to the next INFO, then five and twice ten.
    rig.pass(24_000);
    assert_eq!(events_of(&rig, "+sdown"), []);
    rig.pass(15_000);
    assert!(events_of(&rig, "+sdown").iter().any(|(_, what)| what.starts_with("master ")));
    assert!(!events_of(&rig, "+switch-master").is_empty());
}
