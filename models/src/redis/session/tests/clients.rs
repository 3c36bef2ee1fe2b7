//! Clients, parameters, facts.

use std::sync::Arc;

use bytes::Bytes;

use super::Bench;
use crate::machine::ConnectionId;

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
        ("appendonly yes", "'appendonly') - fencepost does not model this: it can only be no"),
        (
            "appendfsync no",
            "'appendfsync') - fencepost does not model this: it can only be everysec",
        ),
    ] {
        let failed = format!("1:-ERR CONFIG SET failed (possibly related to argument {why}");
        assert_eq!(bench.send(1, &format!("CONFIG SET {set}")), failed);
    }
    let unknown = "1:-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'";
    assert_eq!(bench.send(1, "CONFIG SET hz 7 nosuch 1"), unknown);
    assert_eq!(bench.sessions.settings().hz, 500, "all or none");
}

#[test]
fn memory_is_limited_and_freed_while_the_server_runs() {
    let mut bench = Bench::new();
    bench.send(1, "SET old 1");
    bench.send(1, "HSET new f 1");
    // The two weigh 56 and 72 bytes, their table 32: there is room for one of them.
    let limit = crate::redis::memory::EMPTY_SERVER_BYTES + 150;
    assert_eq!(bench.send(1, &format!("CONFIG SET maxmemory {limit}")), "1:+OK");
    let full = "1:-OOM command not allowed when used memory > 'maxmemory'.";
    assert_eq!(bench.send(1, "INCR old"), full);
    assert_eq!(bench.send(1, "DBSIZE"), "1:2");
    bench.send(1, "CONFIG SET maxmemory-policy allkeys-random maxmemory-samples 7");
    assert_eq!(bench.send(1, "DBSIZE"), "1:1", "the keys that were there before are known");
    let info = bench.send(1, "INFO memory");
    assert!(info.contains(&format!("maxmemory:{limit}")), "{info}");
    assert!(info.contains("maxmemory_policy:allkeys-random"), "{info}");
    bench.send(1, "CONFIG SET maxmemory 1 maxmemory-policy noeviction");
    assert_eq!(bench.send(1, "SET a 1"), full);
    assert_eq!(bench.send(1, "CONFIG SET maxmemory 0"), "1:+OK");
    assert_eq!(bench.send(1, "SET a 1"), "1:+OK");
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
    assert!(all.contains("rdb_changes_since_last_save:1"));
    assert!(all.contains("used_memory:876344") && all.contains("used_memory_human:855.80K"));
    assert_eq!(all.matches("# ").count(), 11);
    let some = bench.send(1, "INFO Keyspace REPLICATION nosuch");
    assert_eq!(some.matches("# ").count(), 2);
    bench.send(1, "CONFIG RESETSTAT");
    assert!(bench.send(1, "INFO stats").contains("total_error_replies:0"));
}

#[test]
fn clients_are_greeted() {
    let mut bench = Bench::new();
    let hello = bench.send(1, "HELLO 2 SETNAME buyer");
    assert!(hello.starts_with(r#"1:["server","redis","version","7.0.15","proto",2,"id",3,"#));
    assert_eq!(bench.send(1, "CLIENT GETNAME"), r#"1:"buyer""#);
    assert_eq!(bench.send(1, "HELLO 4"), "1:-NOPROTO unsupported protocol version");
    assert_eq!(bench.send(1, "HELLO 2 X"), "1:-ERR Syntax error in HELLO option 'X'");
    assert_eq!(bench.send(1, "AUTH default x"), "1:+OK");
    assert!(bench.send(1, "AUTH eve x").starts_with("1:-WRONGPASS"));
    assert!(bench.send(1, "AUTH x").starts_with("1:-ERR AUTH <password> called without"));
    assert_eq!(bench.send(1, "ROLE"), r#"1:["master",0,[]]"#);
    let unknown = "1:-ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.";
    assert_eq!(bench.send(1, "CLIENT SETINFO lib-name x"), unknown);
}

#[test]
fn who_asks_for_resp3_is_answered_in_it() {
    let mut bench = Bench::new();
    let hello = bench.send(1, "HELLO 3");
    assert!(hello.starts_with(r#"1:%["server","redis","version","7.0.15","proto",3,"id",3,"#));
    assert_eq!(bench.send(1, "GET nosuch"), "1:null");
    bench.send(1, "HSET h f v");
    assert_eq!(bench.send(1, "HGETALL h"), r#"1:%["f","v"]"#);
    assert_eq!(bench.send(1, "HRANDFIELD h 1 WITHVALUES"), r#"1:[["f","v"]]"#);
    assert_eq!(bench.send(1, "CONFIG GET hz"), r#"1:%["hz","10"]"#);
    assert_eq!(bench.send(1, "EVAL 'return {false, 1}' 0"), "1:[null,1]");
    assert_eq!(
        bench.send(1, "EVAL 'return redis.call(\"hgetall\", KEYS[1])' 1 h"),
        r#"1:["f","v"]"#
    );
    assert!(bench.send(1, "INFO server").starts_with("1:=\""));
    assert!(bench.send(2, "CLIENT LIST ID 3").contains("resp=3"));
    bench.send(1, "MULTI");
    bench.send(1, "HGETALL h");
    bench.send(1, "GET nosuch");
    assert_eq!(bench.send(1, "EXEC"), r#"1:[%["f","v"],null]"#);
    assert_eq!(bench.send(2, "HGETALL h"), r#"2:["f","v"]"#);
    assert_eq!(bench.send(1, "RESET"), "1:+RESET");
    assert_eq!(bench.send(1, "GET nosuch"), "1:nil");
}

#[test]
fn who_speaks_resp3_is_pushed_messages_and_may_go_on_asking() {
    let mut bench = Bench::new();
    bench.send(1, "HELLO 3");
    assert_eq!(bench.send(1, "SUBSCRIBE c"), r#"1:>["subscribe","c",1]"#);
    assert_eq!(bench.send(1, "PING"), "1:+PONG");
    assert_eq!(bench.send(1, "GET nosuch"), "1:null");
    let published = bench.send(2, "PUBLISH c m");
    assert!(published.contains(r#"1:>["message","c","m"]"#), "{published}");
    assert_eq!(bench.send(1, "UNSUBSCRIBE"), r#"1:>["unsubscribe","c",0]"#);
    assert_eq!(bench.send(1, "UNSUBSCRIBE"), r#"1:>["unsubscribe",null,0]"#);
}

#[test]
fn what_is_no_command_is_answered_after_all_before_it_and_hung_up_on() {
    let mut bench = Bench::new();
    let ping: Arc<[Bytes]> = [Bytes::from_static(b"PING")].into();
    let clock = bench.clock();
    bench.sessions.receive(ConnectionId(1), &ping, &mut bench.engine, clock);
    let error = Bytes::from_static(b"ERR Protocol error: invalid bulk length");
    bench.sessions.refuse_protocol(ConnectionId(1), &error, &mut bench.engine, clock);
    bench.sessions.receive(ConnectionId(1), &ping, &mut bench.engine, clock);
    assert_eq!(bench.pass(0), "1:+PONG 1:-ERR Protocol error: invalid bulk length 1:closed");
}

#[test]
fn a_client_of_a_cluster_learns_which_arguments_are_keys() {
    let mut bench = Bench::new();
    let get = r#"["get",2,[+readonly],1,1,1,[],[],[],[]]"#;
    assert_eq!(bench.send(1, "COMMAND INFO get nosuch"), format!("1:[{get},nil-array]"));
    assert!(bench.send(1, "COMMAND").contains(get));
    assert!(bench.send(1, "COMMAND INFO eval").contains("+movablekeys],0,0,0"));
    assert_eq!(bench.send(1, "COMMAND GETKEYS EVAL x 2 a b c"), r#"1:["a","b"]"#);
    assert_eq!(bench.send(1, "COMMAND GETKEYS MSET a 1 b 2"), r#"1:["a","b"]"#);
    assert_eq!(bench.send(1, "COMMAND GETKEYS EVAL x 0"), "1:[]");
    for (asked, refusal) in [
        ("GETKEYS NOSUCH a", "ERR Invalid command specified"),
        ("GETKEYS PING a", "ERR The command has no key arguments"),
        ("GETKEYS GET a b", "ERR Invalid number of arguments specified for command"),
        ("NOSUCH", "ERR unknown subcommand 'NOSUCH'. Try COMMAND HELP."),
    ] {
        assert_eq!(bench.send(1, &format!("COMMAND {asked}")), format!("1:-{refusal}"));
    }
}

#[test]
fn a_server_without_functions_has_none_to_list_or_to_delete() {
    let mut bench = Bench::new();
    for (asked, answer) in [
        ("FLUSH", "+OK"),
        ("FLUSH async", "+OK"),
        ("FLUSH soon", "-ERR FUNCTION FLUSH only supports SYNC|ASYNC option"),
        (
            "FLUSH sync now",
            "-ERR unknown subcommand or wrong number of arguments for 'FLUSH'. Try FUNCTION HELP.",
        ),
        ("LIST", "[]"),
        ("LIST WITHCODE LIBRARYNAME *", "[]"),
        ("LIST LIBRARYNAME", "-ERR library name argument was not given"),
        ("LIST WITHCODE WITHCODE", "-ERR Unknown argument WITHCODE"),
    ] {
        assert_eq!(bench.send(1, &format!("FUNCTION {asked}")), format!("1:{answer}"));
    }
}
