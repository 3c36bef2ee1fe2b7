//! What reaches a replica, when, and in what form.

use super::*;

#[test]
fn a_write_is_acknowledged_before_any_replica_has_it() {
    let mut rig = group(1);
    rig.cut(1, 2);
    assert_eq!(rig.ask(1, "SET lock mine NX PX 30000"), Some(Reply::OK));
    assert_eq!(rig.ask(2, "GET lock"), Some(Reply::Nil));
    rig.heal();
    rig.pass(10);
    assert_eq!(rig.ask(2, "GET lock"), text("mine"));
}

#[test]
fn scripts_come_as_what_they_did_and_times_as_dates() {
    let mut rig = group(1);
    let source = "return(redis.call('SET',KEYS[1],redis.call('INCR','n'),'PX',60000))";
    assert_eq!(rig.ask(1, &format!("EVAL {source} 1 lock")), Some(Reply::OK));
    rig.pass(10);
    assert_eq!(rig.ask(2, "GET lock"), text("1"));
    let [one, two] = [1, 2].map(|node| rig.ask(node, "PEXPIRETIME lock"));
    assert_eq!(one, two);
}

#[test]
fn a_key_past_its_time_is_gone_for_readers_but_not_before_the_master_says_so() {
    let mut rig = group(1);
    rig.ask(1, "SET lock mine PX 500");
    rig.pass(10);
    rig.cut(1, 2);
    rig.pass(2000);
    assert_eq!(rig.ask(2, "GET lock"), Some(Reply::Nil), "its time is over");
    assert_eq!(rig.ask(2, "DBSIZE"), Some(Reply::Int(1)), "it is still there");
    assert_eq!(rig.ask(1, "DBSIZE"), Some(Reply::Int(0)));
    rig.heal();
    rig.pass(10);
    assert_eq!(rig.ask(2, "DBSIZE"), Some(Reply::Int(0)));
}

#[test]
fn what_is_published_reaches_the_replicas_subscribers() {
    let mut rig = group(1);
    let listener = rig.client(2);
    rig.tell(listener, "SUBSCRIBE news");
    assert!(rig.hear(listener, 100).is_some());
    assert_eq!(rig.ask(1, "PUBLISH news hello"), Some(Reply::Int(0)));
    let bulk = |word: &'static str| Reply::Bulk(word.into());
    let message = Reply::Array(vec![bulk("message"), bulk("news"), bulk("hello")]);
    assert_eq!(rig.hear(listener, 100), Some(message));
}

#[test]
fn wait_counts_the_replicas_that_have_what_the_client_wrote() {
    let mut rig = group(2);
    let client = rig.client(1);
    rig.tell(client, "SET lock mine");
    assert_eq!(rig.hear(client, 100), Some(Reply::OK));
    rig.tell(client, "WAIT 2 1000");
    assert_eq!(rig.hear(client, 20), Some(Reply::Int(2)), "the replicas are asked at once");

    rig.cut(1, 3);
    rig.tell(client, "SET lock other");
    assert_eq!(rig.hear(client, 100), Some(Reply::OK));
    rig.tell(client, "WAIT 2 500");
    assert_eq!(rig.hear(client, 400), None);
    assert_eq!(rig.hear(client, 300), Some(Reply::Int(1)), "the time was over");
    rig.tell(client, "WAIT 1 500");
    assert_eq!(rig.hear(client, 20), Some(Reply::Int(1)));
}
