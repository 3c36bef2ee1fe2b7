//! Clients of a cluster. `bar` lies in slot 5061, `foo` in 12182, by the real server's `CLUSTER KEYSLOT`.

use super::*;
use crate::redis::cluster::key_slot;

const SLOTS: &str = "CLUSTER SLOTS";

fn rig() -> Rig {
    let nodes = vec![REDIS_1, REDIS_2, REDIS_3];
    Rig::new(Address::Cluster { nodes }, settings(Discovery::OnConnect))
}

/// A range of slots as `CLUSTER SLOTS` lists it.
fn range(first: i64, last: i64, master: NodeId) -> Reply {
    let master = vec![bulk(address::host(master)), Reply::Int(6379), bulk("0".repeat(40))];
    Reply::Array(vec![Reply::Int(first), Reply::Int(last), Reply::Array(master)])
}

/// Two masters: `redis-1` has `bar`, `redis-2` has `foo`.
fn slots() -> Reply {
    Reply::Array(vec![range(0, 8_191, REDIS_1), range(8_192, 16_383, REDIS_2)])
}

/// An error of one of the cluster's kinds: `MOVED 12182 10.0.0.3:6379`.
fn redirection(code: &str, slot: u16, to: NodeId) -> Reply {
    Reply::Error(Bytes::from(format!("{code} {slot} {}:6379", address::host(to))))
}

/// A client that has the table.
fn knowing() -> Rig {
    let mut rig = rig();
    rig.call("GET foo");
    rig.answer(REDIS_1, SLOTS, slots());
    rig.answer(REDIS_2, "GET foo", Reply::Nil);
    assert_eq!(rig.done(), ["redis-1: CLUSTER SLOTS", "redis-2: GET foo"]);
    assert_eq!(rig.results(), [Ok(Reply::Nil)]);
    rig
}

#[test]
fn a_command_goes_to_the_master_of_its_keys_slot() {
    let mut rig = knowing();
    for command in ["GET bar", "EVAL return 1 bar", "GET foo{bar}", "GET foo"] {
        rig.call(command);
        let node = if command == "GET foo" { REDIS_2 } else { REDIS_1 };
        rig.answer(node, command, Reply::Nil);
    }
    assert_eq!(rig.results().len(), 4);
    rig.done();
    rig.call("EVALSHA 0123 2 foo foo:token");
    assert_eq!(rig.done(), ["redis-2: EVALSHA 0123 2 foo foo:token"]);
}

#[test]
fn who_does_not_answer_is_passed_over_when_the_table_is_asked_for() {
    let mut rig = rig();
    rig.silent.insert(REDIS_1);
    rig.call("GET foo");
    rig.pass(TIMEOUT);
    rig.answer(REDIS_2, SLOTS, slots());
    rig.answer(REDIS_2, "GET foo", Reply::Nil);
    let asked = ["redis-1 is left", "redis-2: CLUSTER SLOTS", "redis-2: GET foo"];
    assert_eq!(rig.done(), asked);
}

#[test]
fn moved_corrects_the_table_for_one_slot() {
    let mut rig = knowing();
    rig.call("GET foo");
    rig.answer(REDIS_2, "GET foo", redirection("MOVED", 12_182, REDIS_3));
    rig.answer(REDIS_3, "GET foo", Reply::Nil);
    assert_eq!(rig.results(), [Ok(Reply::Nil)], "the caller does not notice");
    // The slots before it and after it, and the first and the last of the range.
    let slots = [(REDIS_3, "foo"), (REDIS_2, "k2526"), (REDIS_2, "k22775")];
    let ends = [(REDIS_2, "k3962"), (REDIS_2, "k10322"), (REDIS_1, "bar")];
    for (node, key) in slots.into_iter().chain(ends) {
        rig.done();
        rig.call(&format!("GET {key}"));
        assert_eq!(rig.done(), [format!("{}: GET {key}", name_of(node))]);
        rig.answer(node, &format!("GET {key}"), Reply::Nil);
    }
}

#[test]
fn after_several_moved_the_table_is_asked_for_anew() {
    let mut rig = knowing();
    for turn in 1..=5 {
        let (from, to) = if turn % 2 == 1 { (REDIS_2, REDIS_3) } else { (REDIS_3, REDIS_2) };
        rig.done();
        rig.call("GET foo");
        assert_eq!(rig.done(), [format!("{}: GET foo", name_of(from))]);
        rig.answer(from, "GET foo", redirection("MOVED", 12_182, to));
        if turn < 5 {
            rig.answer(to, "GET foo", Reply::Nil);
        }
    }
    assert_eq!(rig.done(), ["redis-1: CLUSTER SLOTS"]);
    rig.answer(REDIS_1, SLOTS, slots());
    assert_eq!(rig.done(), ["redis-2: GET foo"]);
}

#[test]
fn a_command_that_is_moved_in_circles_is_given_up() {
    let mut rig = knowing();
    rig.call("GET foo");
    let mut sent = 0;
    while rig.results().is_empty() {
        for line in rig.done() {
            match line.as_str() {
                "redis-1: CLUSTER SLOTS" => rig.answer(REDIS_1, SLOTS, slots()),
                "redis-2: GET foo" => {
                    rig.answer(REDIS_2, "GET foo", redirection("MOVED", 12_182, REDIS_3));
                }
                _ => rig.answer(REDIS_3, "GET foo", redirection("MOVED", 12_182, REDIS_2)),
            }
            sent += u32::from(line.ends_with("GET foo"));
        }
    }
    assert_eq!(sent, 16);
}

#[test]
fn ask_sends_one_command_elsewhere_and_leaves_the_table_as_it_is() {
    let mut rig = knowing();
    rig.call("GET foo");
    rig.answer(REDIS_2, "GET foo", redirection("ASK", 12_182, REDIS_3));
    rig.answer(REDIS_3, "ASKING", Reply::OK);
    rig.answer(REDIS_3, "GET foo", Reply::Int(1));
    assert_eq!(rig.results(), [Ok(Reply::Int(1))]);
    rig.call("GET foo");
    let asked = ["redis-2: GET foo", "redis-3: ASKING", "redis-3: GET foo", "redis-2: GET foo"];
    assert_eq!(rig.done(), asked);
}

#[test]
fn who_is_asked_in_vain_is_asked_last_who_has_the_slot() {
    let mut rig = knowing();
    rig.call("GET foo");
    rig.silent.insert(REDIS_1);
    rig.answer(REDIS_2, "GET foo", redirection("ASK", 12_182, REDIS_1));
    rig.pass(TIMEOUT);
    assert_eq!(rig.results(), [Err(CallError::TimedOut)]);
    rig.call("GET foo");
    let asked =
        ["redis-2: GET foo", "redis-1: ASKING", "redis-1 is left", "redis-2: CLUSTER SLOTS"];
    assert_eq!(rig.done(), asked);
}

#[test]
fn tryagain_is_obeyed_at_once_at_first_and_after_a_while_later() {
    let mut rig = knowing();
    rig.call("MGET foo foo");
    let refusal = || Reply::error("TRYAGAIN Multiple keys request during rehashing of slot");
    for _ in 0..8 {
        assert_eq!(rig.done(), ["redis-2: MGET foo foo"]);
        rig.answer(REDIS_2, "MGET foo foo", refusal());
    }
    for _ in 8..16 {
        assert_eq!(rig.done(), ["redis-2: MGET foo foo"]);
        rig.answer(REDIS_2, "MGET foo foo", refusal());
        assert_eq!(rig.done(), [""; 0]);
        rig.pass(Duration::from_millis(50));
    }
    assert_eq!(rig.results(), [Err(CallError::Refused)]);
}

#[test]
fn clusterdown_ends_the_call_after_a_while_and_the_table_is_asked_for_anew() {
    let mut rig = knowing();
    rig.call("GET foo");
    rig.answer(REDIS_2, "GET foo", Reply::error("CLUSTERDOWN The cluster is down"));
    assert_eq!(rig.results(), []);
    rig.pass(Duration::from_millis(250));
    assert_eq!(rig.results(), [Err(CallError::Refused)]);
    rig.call("GET foo");
    assert_eq!(rig.done(), ["redis-2: GET foo", "redis-1: CLUSTER SLOTS"]);
}

#[test]
fn another_error_is_an_answer() {
    let mut rig = knowing();
    for text in ["LOADING Redis is loading", "NOREPLICAS Not enough good replicas to write."] {
        rig.call("GET foo");
        rig.answer(REDIS_2, "GET foo", Reply::error(text));
        assert_eq!(rig.results(), [Ok(Reply::error(text))]);
    }
    assert_eq!(rig.done(), ["redis-2: GET foo", "redis-2: GET foo"], "the table is as it was");
}

#[test]
fn after_a_broken_connection_the_others_are_asked_first_who_has_the_slot() {
    let mut rig = knowing();
    rig.call("GET bar");
    rig.lose(REDIS_1);
    assert_eq!(rig.results(), [Err(CallError::Closed(CloseReason::Reset))], "it is not sent again");
    rig.call("GET bar");
    let promoted = vec![range(0, 8_191, REDIS_3), range(8_192, 16_383, REDIS_2)];
    rig.answer(REDIS_2, SLOTS, Reply::Array(promoted));
    let asked = ["redis-1: GET bar", "redis-2: CLUSTER SLOTS", "redis-3: GET bar"];
    assert_eq!(rig.done(), asked);
}

#[test]
fn a_slot_that_nobody_has_is_asked_for_each_time() {
    let mut rig = rig();
    for _ in 0..2 {
        rig.call("GET foo");
        rig.answer(REDIS_1, SLOTS, Reply::Array(vec![range(0, 8_191, REDIS_1)]));
        assert_eq!(rig.results(), [Err(CallError::NotConnected)]);
    }
    rig.call("GET foo");
    rig.answer(REDIS_1, SLOTS, slots());
    rig.answer(REDIS_2, "GET foo", Reply::Nil);
    assert_eq!(rig.results(), [Ok(Reply::Nil)]);
}

#[test]
fn what_is_about_a_connection_goes_where_the_last_command_went() {
    let mut rig = knowing();
    rig.call("SET foo 1");
    rig.answer(REDIS_2, "SET foo 1", redirection("MOVED", 12_182, REDIS_3));
    rig.answer(REDIS_3, "SET foo 1", Reply::OK);
    rig.done();
    rig.call_on_same("WAIT 1 100");
    assert_eq!(rig.done(), ["redis-3: WAIT 1 100"]);
    rig.lose(REDIS_3);
    rig.call_on_same("WAIT 1 100");
    let lost = Err(CallError::Closed(CloseReason::Reset));
    assert_eq!(rig.results(), [Ok(Reply::OK), lost, Err(CallError::NotConnected)]);
    assert_eq!(rig.done(), [""; 0]);
}

#[test]
fn what_stands_beside_a_key_lies_in_its_slot() {
    let address = Address::Cluster { nodes: vec![REDIS_1] };
    let names = [
        ("lock:stock", "{lock:stock}:token"),
        ("{shop}:lock", "{shop}:lock:token"),
        ("open{brace", "{open{brace}:token"),
        ("empty{}tag", ""),
        ("closed}brace", ""),
        ("}", ""),
    ];
    for (key, name) in names {
        let beside = address.beside(key, "token");
        assert_eq!(key_slot(beside.as_bytes()), key_slot(key.as_bytes()), "{beside}");
        assert!(beside.ends_with(":token") && beside != key);
        assert!(name.is_empty() || beside == name, "{beside}");
    }
    assert_eq!(Address::Server(REDIS_1).beside("lock:stock", "token"), "lock:stock:token");
}
