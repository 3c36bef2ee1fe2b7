//! How a Sentinel comes to know everybody.

use super::*;

#[test]
fn a_sentinel_told_of_the_master_alone_finds_the_replicas_and_the_other_sentinels() {
    let mut rig = group();
    for node in SENTINELS {
        assert_eq!(field(&mut rig, node, "num-slaves").as_deref(), Some("2"));
        assert_eq!(field(&mut rig, node, "num-other-sentinels").as_deref(), Some("2"));
        assert_eq!(field(&mut rig, node, "flags").as_deref(), Some("master"));
        let quorum = "OK 3 usable Sentinels. Quorum and failover authorization can be reached";
        assert_eq!(rig.ask(node, "SENTINEL CKQUORUM mymaster"), Some(Reply::Status(quorum.into())));
    }
}

#[test]
fn a_replica_that_comes_later_is_found() {
    let mut rig = group();
    start_server(&mut rig, 4, 0);
    rig.pass(20_000);
    assert_eq!(field(&mut rig, 11, "num-slaves").as_deref(), Some("3"));
    let found = "slave 10.0.0.4:6379 10.0.0.4 6379 @ mymaster 10.0.0.1 6379";
    assert!(events_of(&rig, "+slave").contains(&(11, found.to_owned())));
}

#[test]
fn nothing_happens_while_all_is_well() {
    let mut rig = group();
    rig.notes.clear();
    rig.pass(60_000);
    assert_eq!(SENTINELS.map(|node| events(&rig, node)), [[""; 0]; 3].map(Vec::from));
}
