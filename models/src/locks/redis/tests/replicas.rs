//! What the locks make of replicas: grants that have to be acknowledged, and servers that refuse.

use super::*;
use crate::redis::address;
use crate::redis::client::Address;

fn waiting() -> RedisLockSettings {
    RedisLockSettings { wait_replicas: 1, ..settings() }
}

/// A grant that the master has made: the attempt's value, and the message that said so.
fn granted_by_master(bench: &mut Bench) -> (String, crate::machine::InputId) {
    bench.connected(1);
    let value = set_nx_value(&only(bench));
    let grant = bench.reply(5, Reply::Int(7));
    assert_eq!(only(bench), ["WAIT", "1", "1000"]);
    assert_eq!(token(bench), None, "it does not count yet");
    (value, grant)
}

#[test]
fn a_grant_counts_once_enough_replicas_have_it() {
    for replicas in [1, 2] {
        let mut bench = client(|host| SetNx::new(host, SERVER, waiting()));
        let (_, grant) = granted_by_master(&mut bench);
        bench.reply(600, Reply::Int(replicas));
        assert_eq!(token(&bench), Some(7));
        assert_eq!(granted_by(&bench), Some(grant), "the master has granted it, not the replicas");
        assert_eq!(lease_end_ms(&bench), "Some(10000)", "the wait is part of the lease");
    }
}

#[test]
fn a_grant_that_too_few_replicas_have_is_taken_back_and_tried_again() {
    let mut bench = client(|host| SetNx::new(host, SERVER, waiting()));
    let (value, _) = granted_by_master(&mut bench);
    bench.reply(1_005, Reply::Int(0));
    assert_eq!(release_value(&only(&mut bench)), value);
    bench.reply(1_006, Reply::Int(1));
    bench.time(1_105);
    assert_eq!(bench.commands(), [[""; 0]; 0], "it waits for its poll");
    bench.time(1_106);
    assert_ne!(set_nx_value(&only(&mut bench)), value);
    bench.reply(1_107, Reply::Int(8));
    assert_eq!(only(&mut bench), ["WAIT", "1", "1000"]);
    bench.reply(1_108, Reply::Int(1));
    assert_eq!(token(&bench), Some(8));
    assert_eq!(lease_end_ms(&bench), "Some(11106)", "from before the attempt that counts");
}

#[test]
fn a_grant_whose_replicas_are_not_known_is_taken_back_over_a_new_connection() {
    let mut bench = client(|host| SetNx::new(host, SERVER, waiting()));
    let (value, _) = granted_by_master(&mut bench);
    bench.reset(6);
    assert_eq!(bench.commands(), [[""; 0]; 0], "the new one is not open yet");
    bench.connected(7);
    assert_eq!(release_value(&only(&mut bench)), value, "there is nothing to wait for on it");
    bench.reply(8, Reply::Int(1));
    assert_eq!(token(&bench), None);
}

#[test]
fn plain_del_takes_back_its_own_alone() {
    let mut bench = client(|host| SetNxPlainDel::new(host, SERVER, waiting()));
    let (value, _) = granted_by_master(&mut bench);
    bench.reply(1_005, Reply::Int(0));
    assert_eq!(release_value(&only(&mut bench)), value);
}

#[test]
fn setnx_expire_waits_for_replicas_after_the_last_of_its_three_commands() {
    let mut bench = client(|host| SetnxExpire::new(host, SERVER, waiting()));
    bench.connected(1);
    let value = setnx_value(&only(&mut bench));
    let grant = bench.reply(2, Reply::Int(1));
    bench.time(3);
    bench.reply(4, Reply::Int(1));
    bench.time(5);
    bench.commands();
    bench.reply(6, Reply::Int(9));
    assert_eq!(only(&mut bench), ["WAIT", "1", "1000"]);
    bench.reply(7, Reply::Int(0));
    assert_eq!(release_value(&only(&mut bench)), value);
    bench.reply(8, Reply::Int(1));
    assert_eq!(token(&bench), None);
    bench.time(108);
    assert_ne!(setnx_value(&only(&mut bench)), value);
    let granted_later = granted_by(&bench);
    assert_ne!(granted_later, Some(grant));
}

/// What servers say that will not, or cannot, carry a command out.
const REFUSALS: [&str; 8] = [
    "READONLY You can't write against a read only replica.",
    "LOADING Redis is loading the dataset in memory",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "NOREPLICAS Not enough good replicas to write.",
    "CLUSTERDOWN The cluster is down",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "MISCONF Errors writing to the AOF file: No space left on device",
    "OOM command not allowed when used memory > 'maxmemory'.",
];

/// What a client sends after it was refused what it had asked for first.
fn after_refusal<L: Lock + 'static>(text: &'static str, make: fn(Host) -> L) -> Vec<String> {
    let mut bench = client(make);
    bench.connected(1);
    only(&mut bench);
    bench.reply(2, Reply::error(text));
    assert!(!bench.notes.iter().any(|note| matches!(note, Note::Acquired { .. })), "{text}");
    assert_eq!(bench.commands(), [[""; 0]; 0], "it waits for its poll");
    bench.time(102);
    only(&mut bench)
}

#[test]
fn nobody_believes_to_have_what_was_refused() {
    for text in REFUSALS {
        let set_nx = after_refusal(text, |host| SetNx::new(host, SERVER, settings()));
        set_nx_value(&set_nx);
        let plain_del = after_refusal(text, |host| SetNxPlainDel::new(host, SERVER, settings()));
        set_nx_value(&plain_del);
        let expire = after_refusal(text, |host| SetnxExpire::new(host, SERVER, settings()));
        setnx_value(&expire);
    }
}

#[test]
fn in_a_cluster_the_token_lies_beside_the_lock() {
    let address = Address::Cluster { nodes: vec![SERVER] };
    let mut bench = client(|host| SetNx::new(host, address, settings()));
    bench.connected(1);
    assert_eq!(only(&mut bench), ["CLUSTER", "SLOTS"]);
    let ip = Reply::Bulk(Bytes::from(address::host(SERVER)));
    let range = vec![Reply::Int(0), Reply::Int(16_383), Reply::Array(vec![ip, Reply::Int(6379)])];
    bench.reply(2, Reply::Array(vec![Reply::Array(range)]));
    let keys = ["EVALSHA", "2", "lock:stock", "{lock:stock}:token", "10000"];
    value_of(&only(&mut bench), 4, &keys);
}
