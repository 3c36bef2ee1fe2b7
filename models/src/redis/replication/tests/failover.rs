//! A replica is made a master, and the others follow it.

use super::*;
use crate::note::Note;

#[test]
fn a_promoted_replica_goes_on_with_the_history_under_a_new_name() {
    let mut rig = group(2);
    rig.ask(1, "SET lock mine");
    rig.pass(10);
    let before = rig.info(2, "master_replid");
    rig.kill(1);
    assert_eq!(rig.ask(2, "REPLICAOF NO ONE"), Some(Reply::OK));
    assert_eq!(rig.ask(3, "REPLICAOF 10.0.0.2 6379"), Some(Reply::OK));
    rig.pass(3000);
    assert_eq!(rig.info(2, "master_replid2"), before);
    assert_ne!(rig.info(2, "master_replid"), before);
    assert_eq!(rig.info(3, "master_replid"), rig.info(2, "master_replid"));
    let full = |note: &Note| matches!(note, Note::Synced { full: true, .. });
    assert_eq!(rig.notes.iter().filter(|(_, note)| full(note)).count(), 2, "only the first copies");
    assert_eq!(rig.ask(2, "SET lock other"), Some(Reply::OK));
    rig.pass(10);
    assert_eq!(rig.ask(3, "GET lock"), text("other"));
}

#[test]
fn what_an_old_master_took_alone_is_lost_when_it_follows() {
    let mut rig = group(1);
    rig.cut(1, 2);
    assert_eq!(rig.ask(1, "SET lock mine"), Some(Reply::OK));
    assert_eq!(rig.ask(2, "REPLICAOF NO ONE"), Some(Reply::OK));
    assert_eq!(rig.ask(2, "SET lock other"), Some(Reply::OK));
    rig.heal();
    rig.pass(10);
    assert_eq!(rig.ask(1, "GET lock"), text("mine"), "two masters, two holders");
    assert_eq!(rig.ask(1, "REPLICAOF 10.0.0.2 6379"), Some(Reply::OK));
    rig.pass(8000);
    assert_eq!(rig.ask(1, "GET lock"), text("other"));
}

#[test]
fn an_old_master_that_has_nothing_of_its_own_needs_no_copy() {
    let mut rig = group(1);
    rig.ask(1, "SET lock mine");
    rig.pass(1500);
    rig.ask(2, "REPLICAOF NO ONE");
    rig.pass(10);
    rig.notes.clear();
    rig.ask(1, "REPLICAOF 10.0.0.2 6379");
    rig.pass(2000);
    let synced = rig.notes.iter().find_map(|(_, note)| match note {
        Note::Synced { full, .. } => Some(*full),
        _ => None,
    });
    assert_eq!(synced, Some(false));
}

#[test]
fn a_server_remembers_whom_it_follows_only_if_it_wrote_that_down() {
    for (rewrites, role) in [(true, "master"), (false, "slave")] {
        let mut rig = group(1);
        rig.kill(1);
        rig.ask(2, "REPLICAOF NO ONE");
        if rewrites {
            assert_eq!(rig.ask(2, "CONFIG REWRITE"), Some(Reply::OK));
        }
        rig.kill(2);
        restart(&mut rig, 2, 1, Some(1), ReplicationSettings::default());
        rig.pass(100);
        assert_eq!(rig.info(2, "role").as_deref(), Some(role));
    }
}

#[test]
fn clients_that_wait_for_replicas_are_turned_away_when_their_server_becomes_one() {
    let mut rig = group(1);
    let client = rig.client(1);
    rig.tell(client, "WAIT 5 0");
    rig.pass(100);
    rig.ask(1, "REPLICAOF 10.0.0.2 6379");
    let reply = rig.hear(client, 10);
    assert!(
        matches!(reply, Some(Reply::Error(text)) if text.starts_with(b"UNBLOCKED force unblock"))
    );
}
