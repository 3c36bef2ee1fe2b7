//! Who carries out a command.

use bytes::Bytes;

use super::Rig;
use crate::machine::NodeId;
use crate::redis::cluster::slots::Redirect;
use crate::redis::cluster::{KeySpec, Query};
use crate::redis::resp::Reply;

const WRITE: Query = Query {
    writes: true,
    queue_writes: false,
    is_asking: false,
    is_readonly: false,
    is_migrate: false,
    is_shard_channel: false,
};

fn ask(rig: &Rig, place: usize, keys: &str, query: Query) -> Result<(), Redirect> {
    let host = &rig.hosts[place];
    let keys = keys.split(' ').filter(|key| !key.is_empty()).map(str::as_bytes);
    host.cluster.check(keys, query, &host.keys)
}

fn text(redirect: Result<(), Redirect>) -> String {
    match redirect.map_err(Redirect::reply) {
        Ok(()) => "here".to_owned(),
        Err(Reply::Error(text)) => String::from_utf8_lossy(&text).into_owned(),
        Err(other) => panic!("{other:?}"),
    }
}

/// As Redis 7.0.15 answers, but for the address. `foo` is the third master's, `bar` the first's.
#[test]
fn commands_go_to_the_master_of_their_keys() {
    let rig = Rig::new(1);
    for (keys, answer) in [
        ("bar", "here"),
        ("foo", "MOVED 12182 10.0.0.2:6379"),
        ("{bar}1 {bar}2", "here"),
        ("{a}1 {a}2", "MOVED 15495 10.0.0.2:6379"),
        ("a b", "CROSSSLOT Keys in request don't hash to the same slot"),
        ("", "here"),
    ] {
        assert_eq!(text(ask(&rig, 0, keys, WRITE)), answer, "{keys}");
    }
}

/// What a command's name says of its arguments decides.
#[test]
fn values_are_no_keys() {
    let rig = Rig::new(1);
    for (line, answer) in [
        ("mset {bar}1 foo {bar}2 lock", "here"),
        ("mset bar 1 foo 2", "CROSSSLOT Keys in request don't hash to the same slot"),
        ("eval script 1 bar foo", "here"),
        ("evalsha sha 1 foo bar", "MOVED 12182 10.0.0.2:6379"),
        ("publish foo bar", "here"),
    ] {
        let words: Vec<Bytes> =
            line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        let (name, _) = line.split_once(' ').expect("two words");
        let host = &rig.hosts[0];
        let answered = host.cluster.check(KeySpec::of(name).keys(&words), WRITE, &host.keys);
        assert_eq!(text(answered), answer, "{line}");
    }
}

#[test]
fn a_replica_serves_reads_to_those_who_say_that_they_only_read() {
    let rig = Rig::new(2);
    let readonly = Query { is_readonly: true, ..Query::default() };
    let moved = "MOVED 5061 10.0.0.0:6379";
    assert_eq!(text(ask(&rig, 3, "bar", Query::default())), moved);
    assert_eq!(text(ask(&rig, 3, "bar", readonly)), "here");
    assert_eq!(text(ask(&rig, 3, "bar", Query { writes: true, ..readonly })), moved);
    assert_eq!(text(ask(&rig, 3, "foo", readonly)), "MOVED 12182 10.0.0.2:6379");
}

#[test]
fn a_shards_channels_are_served_by_its_replicas_too_and_when_the_cluster_is_down() {
    let mut rig = Rig::new(3);
    let channel = Query { is_shard_channel: true, ..Query::default() };
    assert_eq!(text(ask(&rig, 3, "bar", channel)), "here");
    rig.cut(&[0]);
    rig.wait(20_000, |rig| !rig.cluster(0).is_ok).expect("down");
    assert_eq!(text(ask(&rig, 0, "bar", channel)), "here");
    assert_eq!(text(ask(&rig, 0, "bar", WRITE)), "CLUSTERDOWN The cluster is down");
}

#[test]
fn a_slot_that_nobody_serves_is_said_to_be_so() {
    let mut rig = Rig::of(1, 0, 4, |settings| settings.require_full_coverage = false);
    rig.run(3_000);
    assert_eq!(text(ask(&rig, 0, "bar", WRITE)), "here");
    assert_eq!(rig.command(0, "CLUSTER DELSLOTS 5061"), Reply::OK);
    assert_eq!(text(ask(&rig, 0, "bar", WRITE)), "CLUSTERDOWN Hash slot not served");
}

/// A slot that moves: the source serves the keys that it still has, the target those that it is asked
/// for with `ASKING`.
#[test]
fn a_slot_moves_key_by_key() {
    let mut rig = Rig::new(5);
    let (source, target) = (rig.name(0), rig.name(1));
    rig.hosts[0].keys.0.insert(Bytes::from("{bar}1"));
    rig.hosts[0].keys.0.insert(Bytes::from("{bar}2"));
    let command = |rig: &mut Rig, place, line: String| {
        assert_eq!(rig.command(place, &line), Reply::OK, "{line}");
    };
    command(&mut rig, 1, format!("CLUSTER SETSLOT 5061 IMPORTING {source}"));
    command(&mut rig, 0, format!("CLUSTER SETSLOT 5061 MIGRATING {target}"));
    let asking = Query { is_asking: true, ..WRITE };
    let ask_there = "ASK 5061 10.0.0.1:6379";
    let try_again = "TRYAGAIN Multiple keys request during rehashing of slot";
    assert_eq!(text(ask(&rig, 0, "{bar}1 {bar}2", WRITE)), "here");
    assert_eq!(text(ask(&rig, 0, "bar", WRITE)), ask_there, "a new key goes to the target");

    rig.hosts[0].keys.0.remove(&b"{bar}1"[..]);
    rig.hosts[1].keys.0.insert(Bytes::from("{bar}1"));
    assert_eq!(text(ask(&rig, 0, "{bar}1", WRITE)), ask_there);
    assert_eq!(text(ask(&rig, 0, "{bar}2", WRITE)), "here");
    assert_eq!(text(ask(&rig, 0, "{bar}1 {bar}2", WRITE)), try_again);
    assert_eq!(text(ask(&rig, 1, "{bar}1", WRITE)), "MOVED 5061 10.0.0.0:6379");
    assert_eq!(text(ask(&rig, 1, "{bar}1", asking)), "here");
    assert_eq!(text(ask(&rig, 1, "{bar}2", asking)), "here", "a single key may be new");
    assert_eq!(text(ask(&rig, 1, "{bar}1 {bar}2", asking)), try_again);
    let migrate = Query { is_migrate: true, ..WRITE };
    assert_eq!(text(ask(&rig, 0, "{bar}1", migrate)), "here", "it says itself what is not there");

    let early = rig.command(0, &format!("CLUSTER SETSLOT 5061 NODE {target}"));
    let text_early = "ERR Can't assign hashslot 5061 to a different node while I still hold keys \
                      for this hash slot.";
    assert_eq!(early, Reply::error(text_early));
    rig.hosts[0].keys.0.clear();
    rig.hosts[1].keys.0.insert(Bytes::from("{bar}2"));
    command(&mut rig, 1, format!("CLUSTER SETSLOT 5061 NODE {target}"));
    command(&mut rig, 0, format!("CLUSTER SETSLOT 5061 NODE {target}"));
    assert_eq!(text(ask(&rig, 1, "{bar}1 {bar}2", WRITE)), "here");
    assert_eq!(text(ask(&rig, 0, "{bar}1", WRITE)), "MOVED 5061 10.0.0.1:6379");
    rig.run(10);
    assert!((0..6).all(|place| rig.owner(5061, place) == Some(1)), "all are told at once");
    assert_eq!(rig.cluster(1).myself.config_epoch, 7, "under a new epoch");
}

/// A master that loses some slots, and not all, deletes the keys that it has in them.
#[test]
fn keys_of_lost_slots_are_deleted() {
    let mut rig = Rig::new(6);
    rig.hosts[0].keys.0.insert(Bytes::from("bar"));
    rig.hosts[0].keys.0.insert(Bytes::from("{}a-not-lost-1"));
    let name = rig.name(1);
    rig.cut(&[0]);
    rig.run(10);
    // On the other side the slot is given to another master.
    rig.command(1, &format!("CLUSTER SETSLOT 5061 IMPORTING {}", rig.name(0)));
    rig.command(1, &format!("CLUSTER SETSLOT 5061 NODE {name}"));
    rig.run(1_000);
    rig.heal();
    rig.wait(10_000, |rig| rig.owner(5061, 0) == Some(1)).expect("it learns");
    assert_eq!(rig.details(0, "slots-lost"), ["5061 to 10.0.0.1:6379"]);
    assert!(rig.is_master(0));
    assert!(!rig.hosts[0].keys.0.contains(&b"bar"[..]));
    assert_eq!(rig.hosts[0].keys.0.len(), 1);
    assert_eq!(
        ask(&rig, 0, "bar", WRITE),
        Err(Redirect::Moved { slot: 5061, to: Some(NodeId(1)) })
    );
}
