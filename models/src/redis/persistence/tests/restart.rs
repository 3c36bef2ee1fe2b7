//! What a server finds when it starts again.

use super::*;

#[test]
fn keys_come_back_with_their_dates_and_scripts_do_not() {
    let mut bench = Bench::new(AppendFsync::Always);
    bench.done("SET lock mine PX 10000");
    bench.done("SET plain x");
    bench.done("HSET hash field 1");
    bench.done("EVAL \"redis.call('INCR', 'n'); return redis.call('INCR', 'n')\" 0");
    let script = bench.done("SCRIPT LOAD \"return 1\"");
    let digest = script.split_once("\\r\\n").expect("has a length").1.to_owned();
    bench.pass(4000);
    bench.restart();
    assert_eq!(bench.story(), [""; 0]);
    bench.pass(1);
    bench.give(Input::Timer(LOADED));
    let found = [
        "key-set: hash = field",
        "key-set: lock = mine until 10000",
        "key-set: n = 2",
        "key-set: plain = x",
    ];
    assert_eq!(bench.story(), found);
    assert_eq!(bench.done("PTTL lock"), ":5999");
    assert_eq!(bench.done("TTL plain"), ":-1");
    assert_eq!(bench.done("HGET hash field"), "$1\\r\\n1");
    assert!(bench.done(&format!("EVALSHA {digest} 0")).starts_with("-NOSCRIPT "));
}

#[test]
fn while_it_loads_a_server_says_so() {
    let mut bench = Bench::new(AppendFsync::EverySecond);
    bench.done("SET a 1");
    bench.restart();
    let loading = "to 1: -LOADING Redis is loading the dataset in memory";
    assert_eq!(bench.command(1, "GET a"), [loading]);
    assert_eq!(bench.command(1, "PING"), [loading]);
    assert_eq!(bench.command(1, "ECHO hello"), ["to 1: $5\\r\\nhello"]);
    assert_eq!(bench.command(1, "SELECT 0"), ["to 1: +OK"]);
    assert!(bench.command(1, "GET")[0].starts_with("to 1: -ERR wrong number of arguments"));
    bench.give(Input::Timer(LOADED));
    assert_eq!(bench.story(), ["key-set: a = 1"]);
    assert_eq!(bench.command(1, "GET a"), ["to 1: $1\\r\\n1"]);
}

#[test]
fn a_key_whose_time_was_over_while_the_server_was_down_is_found_and_expires() {
    let mut bench = Bench::new(AppendFsync::Always);
    bench.done("SET lock mine PX 1000");
    bench.done("PEXPIRE lock 500");
    bench.pass(2000);
    bench.restart();
    bench.give(Input::Timer(LOADED));
    assert_eq!(bench.story(), ["key-set: lock = mine until 500"]);
    assert_eq!(
        bench.command(1, "SET lock other NX")[..2],
        ["key-expired: lock", "key-set: lock = other"]
    );
    let [.., _multi, deletion, _set, _exec] = &bench.commands()[..] else { panic!("too short") };
    assert_eq!(*deletion, words("DEL lock"));
}

#[test]
fn a_process_names_the_database_anew() {
    let mut bench = Bench::new(AppendFsync::No);
    bench.done("SET a 1");
    bench.restart();
    bench.give(Input::Timer(LOADED));
    bench.done("SET a 2");
    assert_eq!(bench.commands(), ["SELECT 0", "SET a 1", "SELECT 0", "SET a 2"].map(words));
}

#[test]
fn keys_come_back_into_their_databases() {
    let mut bench = Bench::new(AppendFsync::No);
    bench.done("SET a zero");
    bench.done("SELECT 3");
    bench.done("SET a three");
    bench.done("MOVE a 4");
    bench.done("SET b three");
    bench.done("SWAPDB 3 15");
    bench.restart();
    bench.give(Input::Timer(LOADED));
    let found = ["key-set: a = zero", "key-set: a = three", "key-set: b = three"];
    assert_eq!(bench.story(), found);
    assert_eq!(bench.done("GET a"), "$4\\r\\nzero", "who connects is in the first");
    assert!(bench.done("INFO keyspace").ends_with(
        "db0:keys=1,expires=0,avg_ttl=0\\r\\n\
         db4:keys=1,expires=0,avg_ttl=0\\r\\n\
         db15:keys=1,expires=0,avg_ttl=0"
    ));
}

#[test]
fn a_torn_end_is_cut_off() {
    let mut bench = Bench::new(AppendFsync::Always);
    bench.done("SET a 1");
    let whole = bench.file.len();
    bench.done("SET a 2");
    bench.file.truncate(whole + 5);
    bench.restart();
    bench.give(Input::Timer(LOADED));
    assert_eq!(bench.story(), [format!("replace by {whole} bytes"), "key-set: a = 1".to_owned()]);
    bench.under_way.clear();
    assert_eq!(bench.done("GET a"), "$1\\r\\n1");
}

#[test]
fn a_server_that_cannot_read_its_file_is_gone() {
    for bad in [&b"no such file"[..], b"*1\r\n$6\r\nFROBNI\r\n"] {
        let mut bench = Bench::new(AppendFsync::Always);
        bench.file = bad.to_vec();
        bench.restart();
        bench.give(Input::Timer(LOADED));
        assert_eq!(bench.command(1, "PING"), ["close 1"]);
        bench.give(Input::Accepted { connection: ConnectionId(2), peer: NodeId(2) });
        assert_eq!(bench.story(), ["close 2"]);
    }
}

#[test]
fn a_key_that_is_evicted_is_deleted_in_the_file_and_weighs_the_same_when_it_is_found() {
    let full = RedisSettings {
        maxmemory_bytes: 876_176 + 32 + 100,
        maxmemory_policy: MaxmemoryPolicy::AllKeysLru,
        ..RedisSettings::default()
    };
    let mut bench = Bench::with(AppendFsync::No, full);
    bench.done("SET a 1");
    bench.pass(2000);
    bench.done("SET b 1");
    bench.restart();
    bench.give(Input::Timer(LOADED));
    assert_eq!(bench.story(), ["key-set: a = 1", "key-set: b = 1"], "both are found");
    let story = bench.command(1, "GET b");
    assert!(story[0].starts_with("key-evicted: "), "{story:?}");
    let last = bench.commands().pop().expect("a command");
    assert_eq!(last, words(&story[0].replace("key-evicted:", "DEL")));
}

#[test]
fn keys_that_expire_on_a_walk_are_deleted_one_by_one() {
    let mut bench = Bench::new(AppendFsync::No);
    bench.done("SET a 1 PX 10");
    bench.done("SET b 1 PX 10");
    bench.pass(100);
    bench.done("SCAN 0");
    let mut deletions = bench.commands().split_off(3);
    deletions.sort();
    assert_eq!(deletions, ["DEL a", "DEL b"].map(words), "no transaction");
    bench.done("SET a 1 PX 10");
    bench.done("SET b 1 PX 10");
    bench.pass(100);
    bench.done("MULTI");
    bench.done("SCAN 0");
    bench.done("EXEC");
    assert_eq!(bench.commands().last(), Some(&words("EXEC")), "but for one who asks for it");
}

#[test]
fn a_key_that_expires_unasked_is_deleted_in_the_file() {
    let mut bench = Bench::new(AppendFsync::No);
    bench.done("SET a 1 PX 10");
    bench.done("SET b 1 PX 10");
    bench.pass(100);
    let story = bench.tick();
    assert!(story.contains(&"key-expired: a".to_owned()) && story.len() == 3, "{story:?}");
    let mut deletions = bench.commands().split_off(3);
    deletions.sort();
    assert_eq!(deletions, ["DEL a", "DEL b"].map(words), "no transaction");
}
