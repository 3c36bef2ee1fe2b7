use std::collections::BTreeMap;

use bytes::Bytes;

use super::Rig;
use super::rig::START_MS;
use crate::machine::{Boot, NodeId};
use crate::random::Random;
use crate::redis::cluster::{BadConf, CONF_FILE, Cluster, ClusterSettings};
use crate::redis::resp::Reply;
use crate::time::{LocalClock, Mono, Wall};

fn load(file: &str) -> Result<Cluster, BadConf> {
    let mut boot = Boot {
        node: NodeId(0),
        incarnation: 1,
        random: Random::new(1, 1),
        files: BTreeMap::from([(CONF_FILE, Bytes::from(file.to_owned()))]),
        clock: LocalClock {
            wall: Wall::from_nanos(START_MS * 1_000_000),
            mono: Mono::from_nanos(0),
        },
    };
    Cluster::new(&mut boot, ClusterSettings::default())
}

#[test]
fn a_file_is_read_as_it_is_written() {
    let mut rig = Rig::new(1);
    rig.command(0, &format!("CLUSTER SETSLOT 7 MIGRATING {}", rig.name(1)));
    rig.command(0, &format!("CLUSTER SETSLOT 16383 IMPORTING {}", rig.name(2)));
    rig.crash(5);
    rig.wait(20_000, |rig| rig.noted(0, "fail", 0).is_some()).expect("it fails");
    rig.run(10);
    let file = rig.file(0);
    let read = load(&file).expect("a good file");
    let cluster = rig.cluster(0);
    assert_eq!(read.myself.name, cluster.myself.name);
    assert_eq!(read.myself.slots, cluster.myself.slots);
    assert_eq!((read.current_epoch, read.myself.config_epoch), (6, 1));
    assert_eq!((&read.migrating, &read.importing), (&cluster.migrating, &cluster.importing));
    for (name, node) in &cluster.others {
        let other = read.others.get(name).expect("known");
        assert_eq!(
            (other.flags, other.address, other.master),
            (node.flags, node.address, node.master)
        );
        assert_eq!(other.slots, node.slots);
        // A replica's own epoch says nothing: it claims no slots.
        assert_eq!(other.config_epoch, if node.is_master() { node.config_epoch } else { 0 });
    }
    assert!(file.ends_with("vars currentEpoch 6 lastVoteEpoch 0\n"), "{file}");
    assert!(file.contains(&format!(" 0-5460 [7->-{}] [16383-<-{}]\n", rig.name(1), rig.name(2))));
}

/// A file of Redis 7.0.15, with the addresses that nodes have here.
#[test]
fn a_file_of_the_real_server_is_read() {
    let file = "\
de4413f9d172cd7acb27b8bbb319d55648058adc 10.0.0.5:6379@16379 slave 6c394f228fe8aa365d8c3145c73998aa3f63755a 0 1795727599197 2 connected
6c394f228fe8aa365d8c3145c73998aa3f63755a 10.0.0.2:6379@16379 master - 0 1795727600101 2 connected 5461-10922
85124d13be90e215c2535e2648f75c9ac9b85ac3 10.0.0.1:6379@16379 myself,master - 0 1795727599096 1 connected 0-5460
44bc14176c0b87d529a4ded07918d2f16d63afff 10.0.0.3:6379@16379 master,fail? - 1795727599096 1795727600000 3 connected 10923-16383
vars currentEpoch 6 lastVoteEpoch 5
";
    let read = load(file).expect("a good file");
    assert_eq!(read.myself.name.to_string(), "85124d13be90e215c2535e2648f75c9ac9b85ac3");
    assert_eq!((read.current_epoch, read.last_vote_epoch, read.others.len()), (6, 5, 3));
    assert_eq!(read.owner(16_000).map(|node| node.flags.to_string()), Some("master,fail?".into()));
}

#[test]
fn a_file_that_is_none_is_refused() {
    let name = "85124d13be90e215c2535e2648f75c9ac9b85ac3";
    for (file, line) in [
        ("vars currentEpoch 6 lastVoteEpoch 0\n".to_owned(), 0),
        ("vars currentEpoch\n".to_owned(), 1),
        (format!("{name} 10.0.0.1:6379@16379 myself,king - 0 0 1 connected\n"), 1),
        (format!("{name} 10.0.0.1:6379@16379 myself,master - 0 0\n"), 1),
        (format!("{name} 10.0.0.1:6379@16379 myself,master - 0 0 1 connected 5-20000\n"), 1),
        (format!("\n{name} 10.0.0.1:6379@16379 myself,master - 0 0 1 connected [5-?-x]\n"), 2),
        ("x".to_owned(), 1),
    ] {
        assert_eq!(load(&file).err(), Some(BadConf { line }), "{file}");
    }
}

/// A master that starts serves nothing for two seconds, a replica at once.
#[test]
fn a_master_that_starts_waits_before_it_serves() {
    let mut rig = Rig::new(2);
    rig.crash(0);
    rig.restart(0, false);
    let waited_ms = rig.wait(10_000, |rig| rig.cluster(0).is_ok).expect("it serves");
    assert!((2_000..=2_200).contains(&waited_ms), "{waited_ms}");
    rig.crash(3);
    rig.restart(3, false);
    let waited_ms = rig.wait(10_000, |rig| rig.cluster(3).is_ok).expect("it serves");
    assert!(waited_ms <= 200, "{waited_ms}");
}

/// What a new node knows from the start is on disk at once.
#[test]
fn a_new_node_writes_its_file() {
    let rig = Rig::of(3, 3, 3, |_| {});
    let file = rig.file(3);
    let master = rig.name(0);
    assert!(file.contains(&format!(
        "{} 10.0.0.3:6379@16379 myself,slave {master} 0 {START_MS} 1 connected\n",
        rig.name(3)
    )));
    assert!(file.contains(&format!(
        "{master} 10.0.0.0:6379@16379 master - 0 {START_MS} 1 disconnected 0-5460\n"
    )));
}

/// A replica that has been promoted knows it after a power loss.
#[test]
fn a_promotion_survives_a_power_loss() {
    let mut rig = Rig::new(4);
    assert_eq!(rig.command(3, "CLUSTER FAILOVER"), Reply::OK);
    rig.wait(1_000, |rig| rig.is_master(3)).expect("it takes over");
    rig.crash(3);
    rig.restart(3, true);
    assert!(rig.is_master(3));
    assert_eq!(rig.cluster(3).myself.config_epoch, 7);
    assert_eq!(rig.cluster(3).myself.slots.to_string(), "0-5460");
}

/// Keys that are found at the start are somebody's.
#[test]
fn keys_of_slots_that_nobody_serves_are_taken_over() {
    let mut rig = Rig::of(2, 0, 5, |settings| {
        settings.nodes[0].slots = crate::redis::cluster::SlotSet::range(0..=100);
        settings.nodes[1].slots = crate::redis::cluster::SlotSet::range(101..=8_000);
    });
    for key in ["foo", "bar"] {
        rig.hosts[0].keys.0.insert(Bytes::from(key));
    }
    rig.verify_keys(0);
    assert_eq!(rig.cluster(0).myself.slots.to_string(), "0-100 12182", "nobody served it");
    let importing: Vec<u16> = rig.cluster(0).importing.keys().copied().collect();
    assert_eq!(importing, [5061], "somebody else does");
}

/// Until the disk is done, the process does nothing else.
#[test]
fn a_node_waits_for_its_disk() {
    let mut rig = Rig::of(3, 3, 6, |_| {});
    rig.hold_disk(0);
    assert!(!rig.cluster(0).is_blocking());
    assert_eq!(rig.command(0, "CLUSTER SAVECONFIG"), Reply::OK);
    let tokens = rig.held_disk(0);
    assert_eq!(tokens.len(), 2, "a write and an fsync");
    let cluster = &mut rig.hosts[0].cluster;
    assert!(cluster.is_blocking());
    assert!(!cluster.disk_done(crate::machine::DiskToken(0)), "somebody else's");
    for (token, is_blocking) in tokens.into_iter().zip([true, false]) {
        assert!(cluster.disk_done(token));
        assert_eq!(cluster.is_blocking(), is_blocking);
    }
}
