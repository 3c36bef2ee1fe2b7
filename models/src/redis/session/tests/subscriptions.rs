//! Subscriptions, and replies that are switched off.

use super::super::ConnectionId;
use super::Bench;

#[test]
fn a_message_goes_to_subscribers_before_the_publisher_is_answered() {
    let mut bench = Bench::new();
    assert_eq!(bench.send(1, "SUBSCRIBE a b"), r#"1:["subscribe","a",1] 1:["subscribe","b",2]"#);
    assert_eq!(bench.send(2, "PSUBSCRIBE a*"), r#"2:["psubscribe","a*",1]"#);
    assert_eq!(bench.send(3, "SUBSCRIBE a"), r#"3:["subscribe","a",1]"#);
    let said = r#"1:["message","a","x"] 3:["message","a","x"] 2:["pmessage","a*","a","x"] 4:3"#;
    assert_eq!(bench.send(4, "PUBLISH a x"), said);
    assert_eq!(bench.send(4, "EVAL \"return redis.call('publish', 'a', 'x')\" 0"), said);
    assert_eq!(bench.send(4, "SPUBLISH a x"), "4:0", "shards are others");
    assert_eq!(bench.send(4, "PUBSUB CHANNELS"), r#"4:["a","b"]"#);
    assert_eq!(bench.send(4, "PUBSUB NUMSUB a c"), r#"4:["a",2,"c",0]"#);
    assert_eq!(bench.send(4, "PUBSUB NUMPAT"), "4:1");
    bench.sessions.close(ConnectionId(1), &mut bench.engine);
    assert_eq!(bench.send(4, "PUBLISH b x"), "4:0", "who is gone hears nothing");
    assert_eq!(bench.send(3, "UNSUBSCRIBE"), r#"3:["unsubscribe","a",0]"#);
    assert_eq!(bench.send(3, "UNSUBSCRIBE"), r#"3:["unsubscribe",nil,0]"#);
    assert_eq!(bench.send(3, "GET k"), "3:nil", "a client like any other again");
}

#[test]
fn a_subscriber_may_do_little_else() {
    let mut bench = Bench::new();
    bench.send(1, "SUBSCRIBE a");
    let refused = "1:-ERR Can't execute 'client|id': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING \
                   / QUIT / RESET are allowed in this context";
    assert_eq!(bench.send(1, "CLIENT ID"), refused);
    assert_eq!(bench.send(1, "PING"), r#"1:["pong",""]"#);
    assert_eq!(bench.send(1, "PING x"), r#"1:["pong","x"]"#);
    assert_eq!(bench.send(1, "RESET"), "1:+RESET");
    assert_eq!(bench.send(1, "PING"), "1:+PONG");
    assert_eq!(bench.send(2, "PUBLISH a x"), "2:0");
}

#[test]
fn a_subscription_inside_a_transaction_says_more_than_the_array_holds() {
    let mut bench = Bench::new();
    bench.send(1, "MULTI");
    bench.send(1, "SUBSCRIBE a b");
    bench.send(1, "PUBLISH a x");
    let said = r#"1:[["subscribe","a",1],["subscribe","b",2]] 1:["message","a","x"] 1:1"#;
    assert_eq!(bench.send(1, "EXEC"), said);
}

#[test]
fn replies_can_be_switched_off_but_messages_cannot() {
    let mut bench = Bench::new();
    assert_eq!(bench.send(1, "CLIENT REPLY SKIP"), "");
    assert_eq!(bench.send(1, "PING"), "");
    assert_eq!(bench.send(1, "PING"), "1:+PONG");
    assert_eq!(bench.send(1, "CLIENT REPLY OFF"), "");
    assert_eq!(bench.send(1, "PING"), "");
    assert_eq!(bench.send(1, "SUBSCRIBE a"), r#"1:["subscribe","a",1]"#);
    assert_eq!(bench.send(2, "PUBLISH a x"), r#"1:["message","a","x"] 2:1"#);
    bench.send(1, "UNSUBSCRIBE");
    assert_eq!(bench.send(1, "CLIENT REPLY ON"), "1:+OK");
}
