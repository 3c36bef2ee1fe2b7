//! How a replica comes to have what its master has.

use super::*;
use crate::note::Note;

#[test]
fn a_replica_is_copied_to_after_the_delay_for_others() {
    let mut rig = Rig::new();
    start(&mut rig, 1, None, ReplicationSettings::default());
    start(&mut rig, 2, Some(1), ReplicationSettings::default());
    rig.pass(10);
    rig.ask(1, "SET lock mine PX 60000");
    rig.pass(2000);
    assert_eq!(rig.info(2, "master_link_status").as_deref(), Some("down"));
    let waiting = "ip=10.0.0.2,port=6379,state=wait_bgsave,offset=0,lag=0";
    assert_eq!(rig.info(1, "slave0").as_deref(), Some(waiting));
    rig.pass(5000);
    assert_eq!(rig.info(2, "master_link_status").as_deref(), Some("up"));
    assert_eq!(rig.ask(2, "GET lock"), text("mine"));
    let line = rig.info(1, "slave0").expect("a replica");
    assert!(line.starts_with("ip=10.0.0.2,port=6379,state=online,offset="), "{line}");
}

#[test]
fn replicas_share_a_copy_and_a_history() {
    let mut rig = group(2);
    let [one, two, three] = [1, 2, 3].map(|node| rig.info(node, "master_replid"));
    assert!(one.is_some() && one == two && two == three);
    let [one, two, three] = [1, 2, 3].map(|node| rig.info(node, "master_repl_offset"));
    assert!(one.is_some() && one == two && two == three, "{one:?} {two:?} {three:?}");
}

#[test]
fn a_replica_that_was_cut_off_goes_on_where_it_was() {
    let mut rig = group(1);
    rig.cut(1, 2);
    for number in 0..50 {
        rig.ask(1, &format!("SET key{number} x"));
    }
    // Both sides give up after a minute.
    rig.pass(65_000);
    assert_eq!(rig.info(2, "master_link_status").as_deref(), Some("down"));
    assert_eq!(rig.info(1, "connected_slaves").as_deref(), Some("0"));
    assert_eq!(rig.ask(2, "GET key49"), Some(Reply::Nil));
    rig.notes.clear();
    rig.heal();
    rig.pass(3000);
    assert_eq!(rig.ask(2, "GET key49"), text("x"));
    let synced = rig.notes.iter().filter_map(|(node, note)| match note {
        Note::Synced { full, .. } => Some((node.0, *full)),
        _ => None,
    });
    assert_eq!(synced.collect::<Vec<_>>(), [(2, false)], "no copy was needed");
}

#[test]
fn whoever_has_missed_more_than_the_backlog_holds_gets_a_copy() {
    let mut rig =
        group_with(1, ReplicationSettings { backlog_bytes: 16 << 10, ..Default::default() });
    rig.cut(1, 2);
    let value = "v".repeat(1000);
    for number in 0..20 {
        rig.ask(1, &format!("SET key{number} {value}"));
    }
    rig.ask(1, "DEL key3");
    rig.pass(65_000);
    rig.notes.clear();
    rig.heal();
    rig.pass(8000);
    assert!(rig.notes.iter().any(|(_, note)| matches!(note, Note::Synced { full: true, .. })));
    assert_eq!(rig.ask(2, "DBSIZE"), Some(Reply::Int(19)));
    let set = |note: &Note| matches!(note, Note::KeySet { .. });
    let told = rig.notes.iter().filter(|(node, note)| node.0 == 2 && set(note)).count();
    assert_eq!(told, 19, "what it had not is written down");
}

#[test]
fn a_replicas_replica_has_the_same_stream() {
    let mut rig = group(1);
    start(&mut rig, 3, Some(2), ReplicationSettings::default());
    rig.pass(8000);
    rig.ask(1, "SET lock mine");
    rig.pass(100);
    assert_eq!(rig.ask(3, "GET lock"), text("mine"));
    let [one, three] = [1, 3].map(|node| rig.info(node, "master_repl_offset"));
    assert_eq!(one, three);
}

#[test]
fn a_replica_refuses_replicas_while_it_has_no_master() {
    let mut rig = Rig::new();
    start(&mut rig, 2, Some(1), ReplicationSettings::default());
    rig.pass(100);
    let refusal = "NOMASTERLINK Can't SYNC while not connected with my master";
    assert_eq!(rig.ask(2, "PSYNC ? -1"), Some(Reply::error(refusal)));
}

/// The master waits five seconds for others that may want the same copy, and says meanwhile that it is there.
#[test]
fn whoever_waits_for_a_copy_does_not_give_up_its_master() {
    let settings = ReplicationSettings { timeout_s: 3, ping_period_s: 1, ..Default::default() };
    let mut rig = Rig::new();
    start(&mut rig, 1, None, settings);
    start(&mut rig, 2, Some(1), settings);
    rig.pass(8_000);
    assert_eq!(rig.info(2, "master_link_status").as_deref(), Some("up"));
    let synced = rig.notes.iter().filter(|(_, note)| matches!(note, Note::Synced { .. }));
    assert_eq!(synced.count(), 1);
}

#[test]
fn a_copy_is_no_event_and_a_replica_says_that_it_is_one() {
    let mut rig = Rig::new();
    let settings = ReplicationSettings::default();
    start(&mut rig, 1, None, settings);
    rig.ask(1, "SET lock mine PX 60000");
    start(&mut rig, 2, Some(1), settings);
    rig.pass(10);
    let listener = rig.client(2);
    rig.ask(2, "CONFIG SET notify-keyspace-events KEA");
    rig.tell(listener, "PSUBSCRIBE *");
    rig.hear(listener, 10).expect("confirmed");
    rig.pass(8_000);
    assert_eq!(rig.ask(2, "GET lock"), text("mine"));
    assert_eq!(rig.hear(listener, 10), None, "nobody has changed anything");
    let hello = format!("{:?}", rig.ask(2, "HELLO 2"));
    assert!(hello.contains("replica") && hello.contains("standalone"), "{hello}");
}

/// A refused command writes nothing that could be waited for.
#[test]
fn a_wait_is_for_what_the_connection_itself_has_written() {
    let mut rig = group(1);
    let (writer, other) = (rig.client(1), rig.client(1));
    rig.tell(writer, "SET a 1");
    rig.hear(writer, 10).expect("OK");
    rig.pass(1_500);
    rig.cut(1, 2);
    rig.tell(other, "SET b 2");
    rig.hear(other, 10).expect("OK");
    rig.tell(writer, "NONSENSE");
    rig.hear(writer, 10).expect("an error");
    rig.tell(writer, "WAIT 1 100");
    assert_eq!(rig.hear(writer, 500), Some(Reply::Int(1)), "the replica has what it wrote");
    rig.tell(other, "WAIT 1 100");
    assert_eq!(rig.hear(other, 500), Some(Reply::Int(0)));
}
