//! Whom a server refuses what.

use super::*;

const READ_ONLY: Reply = Reply::error("READONLY You can't write against a read only replica.");
const NO_REPLICAS: Reply = Reply::error("NOREPLICAS Not enough good replicas to write.");

#[test]
fn a_replica_takes_no_writes_and_its_scripts_none_either() {
    let mut rig = group(1);
    assert_eq!(rig.ask(2, "SET lock mine"), Some(READ_ONLY));
    let Some(Reply::Error(text)) = rig.ask(2, "EVAL return(redis.call('SET','a','b')) 0") else {
        panic!("a script wrote to a replica");
    };
    assert!(text.starts_with(b"READONLY You can't write against a read only replica. script: "));
    assert_eq!(rig.ask(2, "GET lock"), Some(Reply::Nil));
    let on_replica = rig.ask(2, "WAIT 1 100");
    assert!(matches!(on_replica, Some(Reply::Error(text)) if text.starts_with(b"ERR WAIT cannot")));
}

#[test]
fn a_master_without_enough_replicas_in_step_takes_no_writes() {
    let settings = ReplicationSettings { min_replicas_to_write: 1, ..Default::default() };
    let mut rig = Rig::new();
    start(&mut rig, 1, None, settings);
    rig.pass(100);
    assert_eq!(rig.ask(1, "SET lock mine"), Some(NO_REPLICAS));
    start(&mut rig, 2, Some(1), settings);
    rig.pass(8000);
    assert_eq!(rig.ask(1, "SET lock mine"), Some(Reply::OK));
    rig.cut(1, 2);
    rig.pass(9000);
    assert_eq!(rig.ask(1, "SET lock other"), Some(Reply::OK), "it was heard of lately enough");
    rig.pass(3000);
    assert_eq!(rig.ask(1, "SET lock third"), Some(NO_REPLICAS));
    assert_eq!(rig.ask(1, "GET lock"), text("other"));
}

#[test]
fn a_replica_that_has_lost_its_master_may_be_told_not_to_answer() {
    let mut rig =
        group_with(1, ReplicationSettings { serve_stale_data: false, ..Default::default() });
    rig.ask(1, "SET lock mine");
    rig.pass(10);
    assert_eq!(rig.ask(2, "GET lock"), text("mine"));
    rig.kill(1);
    rig.pass(100);
    let text = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
    assert_eq!(rig.ask(2, "GET lock"), Some(Reply::error(text)));
    assert_eq!(rig.info(2, "role").as_deref(), Some("slave"), "INFO is answered");
}
