//! Pauses and waits.

use super::Bench;

#[test]
fn a_pause_holds_commands_back_until_its_time_is_over() {
    let mut bench = Bench::new();
    bench.send(1, "SET k v PX 150");
    assert_eq!(bench.send(1, "CLIENT PAUSE 100 WRITE"), "1:+OK");
    assert_eq!(bench.send(2, "GET k"), r#"2:"v""#);
    assert_eq!(bench.send(2, "SET k w"), "");
    assert_eq!(bench.send(2, "GET k"), "", "it is behind the other");
    assert_eq!(bench.send(3, "PUBLISH a x"), "", "may replicate");
    assert!(bench.sessions.need_cron());
    assert_eq!(bench.pass(100), "", "the last millisecond belongs to it");
    assert_eq!(bench.pass(1), r#"2:+OK 2:"w" 3:0"#);
    assert!(!bench.sessions.need_cron());
}

#[test]
fn a_pause_is_made_longer_and_stricter_and_can_be_ended() {
    let mut bench = Bench::new();
    bench.send(1, "CLIENT PAUSE 1000 WRITE");
    bench.send(1, "CLIENT PAUSE 10 ALL");
    assert_eq!(bench.send(2, "GET k"), "");
    assert_eq!(bench.pass(999), "", "the later end counts");
    assert_eq!(bench.pass(2), "2:nil");
    bench.send(1, "CLIENT PAUSE 1000 WRITE");
    bench.send(2, "SET k v");
    assert_eq!(bench.send(1, "CLIENT UNPAUSE"), "1:+OK 2:+OK");
    assert_eq!(bench.send(1, "CLIENT PAUSE 0"), "1:+OK");
    assert_eq!(bench.send(2, "GET k"), r#"2:"v""#);
}

#[test]
fn nothing_expires_during_a_pause_but_nobody_sees_it() {
    let mut bench = Bench::new();
    bench.send(1, "SET k v PX 10");
    bench.send(1, "CLIENT PAUSE 100 WRITE");
    bench.pass(50);
    assert_eq!(bench.send(1, "GET k"), "1:nil");
    assert_eq!(bench.send(1, "DBSIZE"), "1:1");
    bench.pass(51);
    assert_eq!(bench.send(1, "GET k"), "1:nil");
    assert_eq!(bench.send(1, "DBSIZE"), "1:0");
}

#[test]
fn a_transaction_with_a_write_is_held_back_as_a_whole() {
    let mut bench = Bench::new();
    bench.send(1, "MULTI");
    bench.send(1, "SET k v");
    bench.send(2, "MULTI");
    bench.send(2, "GET k");
    bench.send(3, "CLIENT PAUSE 100 WRITE");
    assert_eq!(bench.send(1, "EXEC"), "");
    assert_eq!(bench.send(2, "EXEC"), "2:[nil]");
    assert_eq!(bench.pass(101), "1:[+OK]");
}

#[test]
fn wait_without_replicas_waits_for_its_timeout() {
    let mut bench = Bench::new();
    assert_eq!(bench.send(1, "WAIT 0 100"), "1:0");
    assert_eq!(bench.send(1, "WAIT 1 -1"), "1:-ERR timeout is negative");
    assert_eq!(bench.send(1, "WAIT 1 100"), "");
    assert_eq!(bench.send(1, "PING"), "");
    assert_eq!(bench.send(2, "WAIT 1 50"), "");
    assert!(bench.sessions.need_cron());
    assert_eq!(bench.pass(100), "2:0");
    assert_eq!(bench.pass(1), "1:0 1:+PONG");
    assert_eq!(bench.send(1, "WAIT 1 0"), "");
    assert!(!bench.sessions.need_cron(), "for ever needs no clock");
    assert_eq!(bench.pass(1_000_000), "");
    let id = bench.sessions.list[0].id;
    assert_eq!(bench.send(2, &format!("CLIENT UNBLOCK {id}")), "1:0 2:1");
    bench.send(1, "WAIT 1 0");
    let unblocked = "1:-UNBLOCKED client unblocked via CLIENT UNBLOCK 2:1";
    assert_eq!(bench.send(2, &format!("CLIENT UNBLOCK {id} ERROR")), unblocked);
    assert_eq!(bench.send(2, &format!("CLIENT UNBLOCK {id}")), "2:0");
    bench.send(1, "MULTI");
    bench.send(1, "WAIT 1 0");
    assert_eq!(bench.send(1, "EXEC"), "1:[0]", "no transaction waits");
}
