//! Replicas that go to another master.

use super::Rig;

/// The first master has two replicas, the third loses its only one: after five seconds one of the two
/// goes there, the one whose name is smaller.
#[test]
fn a_replica_goes_to_a_master_that_has_lost_its_own() {
    let mut rig = Rig::of(3, 4, 1, |_| {});
    rig.run(6_000);
    let from_first = [3, 6];
    assert!(from_first.iter().all(|at| rig.hosts[*at].follows.map(|node| node.0) == Some(0)));
    rig.crash(5);
    rig.wait(20_000, |rig| rig.noted(0, "fail", 0).is_some()).expect("it fails");
    let failed_ms = rig.now_ms;
    let goer = from_first.into_iter().min_by_key(|at| rig.name(*at)).expect("two");
    let stayer = 9 - goer;
    rig.wait(20_000, |rig| rig.hosts[goer].follows.map(|node| node.0) == Some(2)).expect("it goes");
    let after_ms = rig.now_ms - failed_ms;
    assert!((5_000..=5_500).contains(&after_ms), "{after_ms}");
    rig.run(5_000);
    assert_eq!(rig.hosts[stayer].follows.map(|node| node.0), Some(0), "one stays");
    let name = rig.cluster(2).myself.name;
    assert!(rig.cluster(0).replicas(name).any(|node| node.address.unwrap().0 == goer as u16));
}

#[test]
fn it_does_not_go_where_that_is_switched_off_or_its_master_would_have_too_few() {
    for (allowed, barrier) in [(false, 1), (true, 2)] {
        let mut rig = Rig::of(3, 4, 2, |settings| {
            settings.allow_replica_migration = allowed;
            settings.migration_barrier = barrier;
        });
        rig.run(6_000);
        rig.crash(5);
        rig.run(30_000);
        for replica in [3, 6] {
            assert_eq!(rig.hosts[replica].follows.map(|node| node.0), Some(0));
        }
    }
}

/// A master that has given away its last slot follows the one that has it.
#[test]
fn a_master_without_slots_follows_whoever_took_the_last() {
    for (allowed, is_master) in [(true, false), (false, true)] {
        let mut rig = Rig::of(3, 0, 3, |settings| {
            settings.allow_replica_migration = allowed;
            let all = crate::redis::cluster::SlotSet::range(0..=16_382);
            settings.nodes[0].slots = crate::redis::cluster::SlotSet::range(16_383..=16_383);
            settings.nodes[1].slots = all;
            settings.nodes[2].slots = crate::redis::cluster::SlotSet::EMPTY;
        });
        rig.run(6_000);
        let (source, target) = (rig.name(0), rig.name(1));
        rig.command(1, &format!("CLUSTER SETSLOT 16383 IMPORTING {source}"));
        rig.command(0, &format!("CLUSTER SETSLOT 16383 MIGRATING {target}"));
        rig.command(1, &format!("CLUSTER SETSLOT 16383 NODE {target}"));
        rig.command(0, &format!("CLUSTER SETSLOT 16383 NODE {target}"));
        rig.run(1_000);
        assert_eq!(rig.is_master(0), is_master);
    }
}
