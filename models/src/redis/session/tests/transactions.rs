//! Transactions and watches.

use super::super::ConnectionId;
use super::Bench;

#[test]
fn a_transaction_answers_all_at_once_and_goes_on_after_an_error() {
    let mut bench = Bench::new();
    assert_eq!(bench.send(1, "EXEC"), "1:-ERR EXEC without MULTI");
    assert_eq!(bench.send(1, "DISCARD"), "1:-ERR DISCARD without MULTI");
    assert_eq!(bench.send(1, "MULTI"), "1:+OK");
    assert_eq!(bench.send(1, "MULTI"), "1:-ERR MULTI calls can not be nested");
    assert_eq!(bench.send(1, "WATCH k"), "1:-ERR WATCH inside MULTI is not allowed");
    assert_eq!(bench.send(1, "SET k v"), "1:+QUEUED");
    assert_eq!(bench.send(1, "HSET k f v"), "1:+QUEUED");
    assert_eq!(bench.send(1, "EVAL \"return redis.call('get', KEYS[1])\" 1 k"), "1:+QUEUED");
    assert_eq!(bench.send(2, "GET k"), "2:nil", "nothing has happened yet");
    let wrong = "-WRONGTYPE Operation against a key holding the wrong kind of value";
    assert_eq!(bench.send(1, "EXEC"), format!("1:[+OK,{wrong},\"v\"]"));
    assert_eq!(bench.send(1, "EXEC"), "1:-ERR EXEC without MULTI");
}

#[test]
fn a_command_that_cannot_be_queued_spoils_the_transaction() {
    let mut bench = Bench::new();
    for wrong in ["GET", "NOSUCH x", "CLIENT NOSUCH"] {
        bench.send(1, "MULTI");
        bench.send(1, "SET k v");
        assert!(bench.send(1, wrong).starts_with("1:-ERR"));
        assert_eq!(bench.send(1, "SET k w"), "1:+QUEUED");
        let aborted = "1:-EXECABORT Transaction discarded because of previous errors.";
        assert_eq!(bench.send(1, "EXEC"), aborted);
        assert_eq!(bench.send(1, "GET k"), "1:nil");
    }
    bench.send(1, "MULTI");
    let aborted = "1:-EXECABORT Transaction discarded because of: wrong number of arguments for \
                   'exec' command";
    assert_eq!(bench.send(1, "EXEC now"), aborted);
    assert_eq!(bench.send(1, "EXEC"), "1:-ERR EXEC without MULTI", "it is over");
    bench.send(1, "MULTI");
    bench.send(1, "SET k v");
    assert_eq!(bench.send(1, "DISCARD"), "1:+OK");
    assert_eq!(bench.send(1, "GET k"), "1:nil");
}

/// `WATCH k`, something else, and then whether the transaction was carried out.
fn survives(before: &[&str], wait_ms: u64, meanwhile: &str) -> bool {
    let mut bench = Bench::new();
    before.iter().for_each(|line| drop(bench.send(2, line)));
    bench.send(1, "WATCH k");
    bench.pass(wait_ms);
    bench.send(2, meanwhile);
    bench.send(1, "MULTI");
    bench.send(1, "PING");
    match &bench.send(1, "EXEC")[..] {
        "1:[+PONG]" => true,
        "1:nil-array" => false,
        other => panic!("odd reply {other}"),
    }
}

#[test]
fn what_changes_a_watched_key_makes_exec_do_nothing() {
    for meanwhile in [
        "SET k v",
        "DEL k",
        "PEXPIRE k 100000",
        "PERSIST k",
        "FLUSHALL",
        "APPEND k x",
        "EVAL \"return redis.call('del', KEYS[1])\" 1 k",
    ] {
        assert!(!survives(&["SET k v EX 1000"], 0, meanwhile), "{meanwhile}");
    }
    for meanwhile in ["HSET k g v", "HSET k f v", "HDEL k f", "HINCRBY k n 1"] {
        assert!(!survives(&["HSET k f v h v"], 0, meanwhile), "{meanwhile}");
    }
    for meanwhile in ["GET k", "SET k v NX", "SET other v", "HDEL k", "DEL other", "PTTL k"] {
        assert!(survives(&["SET k v EX 1000"], 0, meanwhile), "{meanwhile}");
    }
    assert!(survives(&[], 0, "FLUSHALL"), "a key that is not there cannot go");
    assert!(survives(&["HSET k f v"], 0, "HDEL k g"));
}

#[test]
fn a_watched_key_that_expires_is_a_change_and_one_that_had_expired_is_none() {
    assert!(!survives(&["SET k v PX 10"], 11, "PING"), "nobody has looked at it");
    assert!(!survives(&["SET k v PX 10"], 11, "GET k"));
    assert!(survives(&["SET k v PX 10"], 10, "PING"), "it lives through its last millisecond");
    let mut bench = Bench::new();
    bench.send(2, "SET k v PX 10");
    bench.pass(11);
    bench.send(1, "WATCH k");
    bench.send(2, "GET k");
    bench.send(1, "MULTI");
    assert_eq!(bench.send(1, "EXEC"), "1:[]", "that it went is no change");
    bench.send(2, "SET k v PX 10");
    bench.pass(11);
    bench.send(1, "WATCH k");
    bench.send(2, "SET k w");
    bench.send(1, "MULTI");
    assert_eq!(bench.send(1, "EXEC"), "1:nil-array", "that it came back is one");
}

#[test]
fn watches_end_with_exec_discard_unwatch_reset_and_the_connection() {
    for end in ["UNWATCH", "RESET"] {
        let mut bench = Bench::new();
        bench.send(1, "WATCH k");
        bench.send(2, "SET k v");
        bench.send(1, end);
        bench.send(1, "MULTI");
        assert_eq!(bench.send(1, "EXEC"), "1:[]", "{end}");
    }
    let mut bench = Bench::new();
    bench.send(1, "WATCH k");
    bench.send(1, "MULTI");
    bench.send(1, "DISCARD");
    bench.send(1, "WATCH l");
    bench.send(2, "SET k v");
    bench.send(1, "MULTI");
    assert_eq!(bench.send(1, "EXEC"), "1:[]");
    bench.send(1, "WATCH k");
    bench.sessions.close(ConnectionId(1), &mut bench.engine);
    assert!(bench.engine.data.watched.is_empty());
}

#[test]
fn a_transaction_that_switches_replies_off_is_answered_by_what_comes_later() {
    let mut bench = Bench::new();
    bench.send(1, "MULTI");
    bench.send(1, "CLIENT REPLY OFF");
    bench.send(1, "PING");
    assert_eq!(bench.send(1, "EXEC"), "");
    assert_eq!(bench.send(1, "CLIENT REPLY ON"), "", "the first of two");
    assert_eq!(bench.send(1, "ECHO x"), r#"1:[+OK,"x"]"#);
    assert_eq!(bench.send(1, "PING"), "1:+PONG");
}
