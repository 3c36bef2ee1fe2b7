//! Databases, events of keys, and what is done to keys though no command asks for it.

use super::Bench;

#[test]
fn each_client_has_a_database_of_its_own_choice() {
    let mut bench = Bench::new();
    assert_eq!(bench.send(1, "SET k zero"), "1:+OK");
    assert_eq!(bench.send(2, "SELECT 1"), "2:+OK");
    assert_eq!(bench.send(2, "GET k"), "2:nil");
    assert_eq!(bench.send(2, "SET k one"), "2:+OK");
    assert_eq!(bench.send(1, "GET k"), r#"1:"zero""#);
    assert_eq!(bench.send(2, "SELECT 16"), "2:-ERR DB index is out of range");
    assert_eq!(bench.send(2, "GET k"), r#"2:"one""#);
    assert!(bench.send(2, "CLIENT INFO").contains(" db=1 "));
    bench.send(1, "MULTI");
    bench.send(1, "SELECT 1");
    bench.send(1, "GET k");
    assert_eq!(bench.send(1, "EXEC"), r#"1:[+OK,"one"]"#);
    assert_eq!(bench.send(1, "GET k"), r#"1:"one""#, "it stays");
    bench.send(1, "EVAL \"return redis.call('SELECT', 5)\" 0");
    assert_eq!(bench.send(1, "GET k"), r#"1:"one""#, "a script has a choice of its own");
    assert_eq!(bench.send(1, "RESET"), "1:+RESET");
    assert_eq!(bench.send(1, "GET k"), r#"1:"zero""#);
    let keyspace = bench.send(1, "INFO keyspace");
    assert!(keyspace.contains("db0:keys=1") && keyspace.contains("db1:keys=1"), "{keyspace}");
    assert_eq!(bench.send(1, "FLUSHDB"), "1:+OK");
    assert_eq!(bench.send(2, "DBSIZE"), "2:1");
    assert_eq!(bench.send(1, "FLUSHALL"), "1:+OK");
    assert_eq!(bench.send(2, "DBSIZE"), "2:0");
}

#[test]
fn a_key_expires_in_whichever_database_it_is() {
    let mut bench = Bench::new();
    for database in [0, 7, 15] {
        bench.send(1, &format!("SELECT {database}"));
        bench.send(1, "SET k v PX 10");
        bench.send(1, "SET l v");
    }
    bench.pass(11);
    let wall = bench.clock().wall;
    bench.engine.expire_some(wall, &mut crate::random::Random::new(1, 1));
    assert_eq!(bench.engine.volatile_keys(), 0);
    for database in [0, 7, 15] {
        bench.send(1, &format!("SELECT {database}"));
        assert_eq!(bench.send(1, "DBSIZE"), "1:1");
    }
}

#[test]
fn watches_are_about_one_database_and_see_it_exchanged() {
    let mut bench = Bench::new();
    bench.send(1, "WATCH k");
    bench.send(2, "SELECT 1");
    bench.send(2, "SET k v");
    bench.send(1, "MULTI");
    assert_eq!(bench.send(1, "EXEC"), "1:[]", "another key of that name");
    bench.send(1, "WATCH k");
    bench.send(3, "WATCH other");
    assert_eq!(bench.send(2, "SWAPDB 0 1"), "2:+OK");
    bench.send(1, "MULTI");
    bench.send(3, "MULTI");
    assert_eq!(bench.send(1, "EXEC"), "1:nil-array");
    assert_eq!(bench.send(3, "EXEC"), "3:[]");
    assert_eq!(bench.send(1, "GET k"), r#"1:"v""#);
    bench.send(1, "WATCH k");
    assert_eq!(bench.send(3, "MOVE k 1"), "3:1");
    bench.send(1, "MULTI");
    assert_eq!(bench.send(1, "EXEC"), "1:nil-array");
    assert_eq!(bench.send(2, "GET k"), r#"2:"v""#);
}

#[test]
fn who_listens_for_events_hears_of_keys() {
    let mut bench = Bench::new();
    bench.send(2, "SUBSCRIBE __keyspace@0__:lock");
    bench.send(3, "PSUBSCRIBE __keyevent@*");
    assert_eq!(bench.send(1, "SET lock me PX 100"), "1:+OK", "nothing is told by default");
    bench.send(1, "CONFIG SET notify-keyspace-events KEA");
    let space = |event: &str| format!(r#"2:["message","__keyspace@0__:lock","{event}"]"#);
    let event = |event: &str, database: u32| {
        let channel = format!("__keyevent@{database}__:{event}");
        format!(r#"3:["pmessage","__keyevent@*","{channel}","lock"]"#)
    };
    let both = |what: &str| format!("{} {}", space(what), event(what, 0));
    let told = format!("{} {} 1:+OK", both("set"), both("expire"));
    assert_eq!(bench.send(1, "SET lock me PX 100"), told);
    assert_eq!(bench.send(1, "SET lock me NX"), "1:nil", "nothing has happened");
    assert_eq!(bench.send(1, "DEL lock"), format!("{} 1:1", both("del")));
    bench.send(1, "SET lock me PX 100");
    bench.pass(101);
    assert_eq!(bench.send(1, "GET lock"), format!("{} 1:nil", both("expired")));
    bench.send(1, "SELECT 2");
    assert_eq!(bench.send(1, "HSET lock me 1"), format!("{} 1:1", event("hset", 2)));
    bench.send(1, "CONFIG SET notify-keyspace-events Ex");
    assert_eq!(bench.send(1, "HDEL lock me"), "1:1");
    let refused = "1:-ERR CONFIG SET failed (possibly related to argument \
                   'notify-keyspace-events') - Invalid event class character. Use \
                   'Ag$lshzxeKEtmdn'.";
    assert_eq!(bench.send(1, "CONFIG SET notify-keyspace-events Exq"), refused);
}

#[test]
fn a_lower_limit_of_memory_is_kept_at_once() {
    let mut bench = Bench::new();
    bench.send(1, "SET a v");
    bench.send(1, "SELECT 9");
    bench.send(1, "SET b v");
    bench.send(1, "CONFIG SET maxmemory-policy allkeys-lru maxmemory 1000000000");
    bench.send(2, "PSUBSCRIBE __keyevent@*");
    bench.send(1, "CONFIG SET notify-keyspace-events Ee");
    assert_eq!(bench.send(1, "CONFIG SET hz 20"), "1:+OK", "there is room");
    let told = bench.send(1, "CONFIG SET maxmemory 1");
    let evicted = |key: &str, database: u32| {
        let channel = format!("__keyevent@{database}__:evicted");
        format!(r#"2:["pmessage","__keyevent@*","{channel}","{key}"]"#)
    };
    assert_eq!(told.matches("2:[").count(), 2, "{told}");
    assert!(told.contains(&evicted("a", 0)) && told.contains(&evicted("b", 9)), "{told}");
    assert!(bench.engine.data.keyspace.iter().all(crate::redis::keyspace::Keyspace::is_empty));
}

#[test]
fn how_a_key_was_used_is_told_as_the_policy_has_it() {
    let mut bench = Bench::new();
    bench.send(1, "SET k v");
    let idle = bench.send(1, "OBJECT FREQ k");
    assert!(idle.starts_with("1:-ERR An LFU maxmemory policy is not selected"), "{idle}");
    bench.send(1, "CONFIG SET maxmemory-policy volatile-lfu");
    bench.send(1, "SET new v");
    assert_eq!(bench.send(1, "OBJECT FREQ new"), "1:5");
    bench.send(1, "GET new");
    assert_eq!(bench.send(1, "OBJECT FREQ new"), "1:6", "the first step is certain");
    bench.pass(180_000);
    assert_eq!(bench.send(1, "OBJECT FREQ new"), "1:3");
    let counted = bench.send(1, "OBJECT IDLETIME new");
    assert!(counted.starts_with("1:-ERR An LFU maxmemory policy is selected"), "{counted}");
    bench.send(1, "SET number 5");
    assert_eq!(bench.send(1, "OBJECT REFCOUNT number"), "1:2147483647");
    bench.send(1, "CONFIG SET maxmemory 1gb");
    bench.send(1, "SET number 5");
    assert_eq!(bench.send(1, "OBJECT REFCOUNT number"), "1:1", "each key has its own");
    bench.send(1, "CONFIG SET maxmemory-policy volatile-ttl");
    bench.send(1, "SET number 5");
    assert_eq!(bench.send(1, "OBJECT REFCOUNT number"), "1:2147483647");
}

#[test]
fn a_script_that_may_not_write_reads() {
    let mut bench = Bench::new();
    bench.send(1, "SET k v");
    assert_eq!(bench.send(1, "EVAL_RO \"return redis.call('GET', KEYS[1])\" 1 k"), r#"1:"v""#);
    for call in ["'DEL', 'k'", "'PUBLISH', 'c', 'x'"] {
        let answer = bench.send(1, &format!("EVAL_RO \"return redis.call({call})\" 0"));
        let refused = "1:-ERR Write commands are not allowed from read-only scripts. script: ";
        assert!(answer.starts_with(refused), "{answer}");
    }
    assert_eq!(bench.send(1, "EVAL \"return redis.call('DEL', 'k')\" 0"), "1:1");
}

#[test]
fn who_says_nothing_for_too_long_is_hung_up_on() {
    let mut bench = Bench::new();
    bench.send(1, "CONFIG SET timeout 10");
    assert!(bench.sessions.need_cron());
    bench.send(2, "SUBSCRIBE c");
    bench.send(3, "WAIT 1 0");
    let cron = |bench: &mut Bench| {
        let clock = bench.clock();
        bench.sessions.close_idle(&mut bench.engine, clock);
        bench.pass(0)
    };
    bench.pass(5_000);
    bench.send(4, "PING");
    bench.pass(5_999);
    assert_eq!(cron(&mut bench), "", "ten seconds by the second");
    bench.pass(1);
    assert_eq!(cron(&mut bench), "1:closed", "who waits or listens may be silent");
    bench.pass(5_000);
    assert_eq!(cron(&mut bench), "4:closed");
}

#[test]
fn debug_is_refused_unless_it_was_allowed() {
    let mut bench = Bench::new();
    let refused = bench.send(1, "DEBUG SLEEP 1");
    assert!(refused.starts_with("1:-ERR DEBUG command not allowed. If the "), "{refused}");
    assert!(bench.sessions.take_sleep().is_zero());
}
