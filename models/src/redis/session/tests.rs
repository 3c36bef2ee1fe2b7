//! What goes out to whom, for what came in and when.

use std::fmt::Write;
use std::sync::Arc;

use super::*;
use crate::machine::Files;
use crate::random::Random;
use crate::redis::resp::CommandDecoder;
use crate::time::Mono;

/// A server's connections, its data and its clock.
struct Bench {
    sessions: Sessions,
    engine: Engine,
    now_ms: u64,
}

impl Bench {
    fn new() -> Self {
        let boot = Boot {
            node: NodeId(3),
            incarnation: 0,
            random: Random::new(1, 1),
            files: Files::new(),
            clock: LocalClock::default(),
        };
        let sessions = Sessions::new(&boot, RedisSettings::default());
        let mut bench = Self { sessions, engine: Engine::default(), now_ms: 100_000 };
        for number in 1..=4 {
            let peer = Some(NodeId(10 + number));
            bench.sessions.open(ConnectionId(number.into()), peer, bench.clock());
        }
        bench
    }

    fn clock(&self) -> LocalClock {
        let nanos = self.now_ms * 1_000_000;
        LocalClock { wall: Wall::from_nanos(nanos), mono: Mono::from_nanos(nanos) }
    }

    /// What goes out when a client sends a line: one word for each thing, `2:+OK`.
    fn send(&mut self, connection: u32, line: &str) -> String {
        let mut decoder = CommandDecoder::default();
        decoder.feed(format!("{line}\n").as_bytes());
        let words = decoder.next_command().expect("well formed").expect("complete");
        let clock = self.clock();
        let arguments: Arc<[Bytes]> = words.into();
        self.sessions.receive(ConnectionId(connection), &arguments, &mut self.engine, clock);
        self.pass(0)
    }

    /// What goes out when time passes and the event loop comes round.
    fn pass(&mut self, millis: u64) -> String {
        self.now_ms += millis;
        let clock = self.clock();
        self.sessions.before_sleep(&mut self.engine, clock);
        let said: Vec<String> = self.sessions.take_output().map(shown).collect();
        said.join(" ")
    }
}

fn shown(item: Outgoing) -> String {
    match item {
        Outgoing::Reply { connection, reply } => format!("{}:{}", connection.0, text(&reply)),
        Outgoing::Close { connection } => format!("{}:closed", connection.0),
    }
}

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Status(status) => format!("+{}", String::from_utf8_lossy(status)),
        Reply::Error(error) => format!("-{}", String::from_utf8_lossy(error)),
        Reply::Int(number) => number.to_string(),
        Reply::Bulk(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
        Reply::Nil => "nil".to_owned(),
        Reply::NilArray => "nil-array".to_owned(),
        Reply::Array(replies) => {
            let mut shown = String::from("[");
            for (at, reply) in replies.iter().enumerate() {
                let _ = write!(shown, "{}{}", if at > 0 { "," } else { "" }, text(reply));
            }
            shown + "]"
        }
    }
}

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

#[test]
fn clients_are_named_listed_and_killed() {
    let mut bench = Bench::new();
    assert_eq!(bench.send(1, "CLIENT GETNAME"), "1:nil");
    assert_eq!(bench.send(1, "CLIENT SETNAME buyer"), "1:+OK");
    assert!(bench.send(1, "CLIENT SETNAME \"a b\"").starts_with("1:-ERR Client names cannot"));
    assert_eq!(bench.send(1, "CLIENT GETNAME"), r#"1:"buyer""#);
    bench.send(2, "SUBSCRIBE a");
    bench.pass(5000);
    let list = bench.send(3, "CLIENT LIST TYPE PUBSUB");
    assert!(list.contains("id=4 addr=10.0.0.12:32770 laddr=10.0.0.3:6379 fd=9 name= age=5 idle=5"));
    assert!(list.contains(" flags=P db=0 sub=1 psub=0 ssub=0 multi=-1 "), "{list}");
    assert!(!list.contains("name=buyer"));
    assert_eq!(bench.send(3, "CLIENT KILL TYPE pubsub"), "3:1 2:closed");
    assert_eq!(bench.send(3, "PUBLISH a x"), "3:0");
    assert_eq!(bench.send(3, "CLIENT KILL 10.0.0.11:32769"), "3:+OK 1:closed");
    assert_eq!(bench.send(3, "CLIENT KILL 10.0.0.11:32769"), "3:-ERR No such client");
    assert_eq!(bench.send(3, "CLIENT KILL ID 5"), "3:0", "not itself, by default");
    assert_eq!(bench.send(3, "CLIENT KILL ID 5 SKIPME no"), "3:1 3:closed");
    assert_eq!(bench.send(4, "QUIT"), "4:+OK 4:closed");
    assert!(bench.sessions.list.is_empty());
}

#[test]
fn who_is_killed_in_the_same_breath_hears_nothing_more() {
    let mut bench = Bench::new();
    bench.send(1, "SUBSCRIBE a");
    bench.send(2, "MULTI");
    bench.send(2, "PUBLISH a x");
    bench.send(2, "CLIENT KILL TYPE pubsub");
    bench.send(2, "PUBLISH a y");
    assert_eq!(bench.send(2, "EXEC"), "2:[1,1,0] 1:closed");
}

#[test]
fn who_wants_no_answer_to_quit_is_closed_by_the_next_message() {
    let mut bench = Bench::new();
    bench.send(1, "SUBSCRIBE a");
    bench.send(1, "RESET");
    bench.send(1, "CLIENT REPLY OFF");
    bench.send(1, "SUBSCRIBE a");
    assert_eq!(bench.send(1, "QUIT"), "");
    assert_eq!(bench.send(1, "UNSUBSCRIBE a"), "", "nobody listens any more");
    assert_eq!(bench.send(2, "PUBLISH a x"), "2:1 1:closed");
    assert_eq!(bench.send(2, "PUBLISH a x"), "2:0");
}

#[test]
fn a_browser_is_hung_up_on() {
    let mut bench = Bench::new();
    assert_eq!(bench.send(1, "POST / HTTP/1.1"), "1:closed");
    assert_eq!(bench.send(2, "Host: localhost"), "2:closed");
}

#[test]
fn parameters_are_read_and_set() {
    let mut bench = Bench::new();
    assert_eq!(bench.send(1, "CONFIG GET hz save"), r#"1:["hz","10","save",""]"#);
    let memory = r#"1:["maxmemory","0","maxmemory-policy","noeviction","maxmemory-samples","5"]"#;
    assert_eq!(bench.send(1, "CONFIG GET MAXmem*"), memory);
    assert_eq!(bench.send(1, "CONFIG SET hz 1000"), "1:+OK");
    assert_eq!(bench.sessions.settings().hz, 500);
    for (set, why) in [
        ("hz x", "'hz') - argument couldn't be parsed into an integer"),
        ("hz 5 hz 6", "'hz') - duplicate parameter"),
        ("databases 2", "'databases') - can't set immutable config"),
        ("maxmemory 1kx", "'maxmemory') - argument must be a memory value"),
        ("maxmemory 1kb", "'maxmemory') - fencepost does not model this: it can only be 0"),
    ] {
        let failed = format!("1:-ERR CONFIG SET failed (possibly related to argument {why}");
        assert_eq!(bench.send(1, &format!("CONFIG SET {set}")), failed);
    }
    let unknown = "1:-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'";
    assert_eq!(bench.send(1, "CONFIG SET hz 7 nosuch 1"), unknown);
    assert_eq!(bench.sessions.settings().hz, 500, "all or none");
}

#[test]
fn info_has_sections_and_counts() {
    let mut bench = Bench::new();
    bench.send(1, "SET k v PX 1000");
    bench.send(1, "NOSUCH");
    let all = bench.send(1, "INFO");
    for line in
        ["redis_version:7.0.15", "connected_clients:4", "role:master", "db0:keys=1,expires=1"]
    {
        assert!(all.contains(line), "{line}");
    }
    assert!(all.contains("total_error_replies:1"));
    assert_eq!(all.matches("# ").count(), 11);
    let some = bench.send(1, "INFO Keyspace REPLICATION nosuch");
    assert_eq!(some.matches("# ").count(), 2);
    bench.send(1, "CONFIG RESETSTAT");
    assert!(bench.send(1, "INFO stats").contains("total_error_replies:0"));
}

#[test]
fn clients_are_greeted_in_resp2_alone() {
    let mut bench = Bench::new();
    let hello = bench.send(1, "HELLO 2 SETNAME buyer");
    assert!(hello.starts_with(r#"1:["server","redis","version","7.0.15","proto",2,"id",3,"#));
    assert_eq!(bench.send(1, "CLIENT GETNAME"), r#"1:"buyer""#);
    assert_eq!(bench.send(1, "HELLO 3"), "1:-NOPROTO unsupported protocol version");
    assert_eq!(bench.send(1, "HELLO 2 X"), "1:-ERR Syntax error in HELLO option 'X'");
    assert_eq!(bench.send(1, "AUTH default x"), "1:+OK");
    assert!(bench.send(1, "AUTH eve x").starts_with("1:-WRONGPASS"));
    assert!(bench.send(1, "AUTH x").starts_with("1:-ERR AUTH <password> called without"));
    assert_eq!(bench.send(1, "ROLE"), r#"1:["master",0,[]]"#);
    let unknown = "1:-ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.";
    assert_eq!(bench.send(1, "CLIENT SETINFO lib-name x"), unknown);
}
