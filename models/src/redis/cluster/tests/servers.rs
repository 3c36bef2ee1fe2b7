//! Whole servers in a cluster: what their clients see.

use std::time::Duration;

use crate::machine::NodeId;
use crate::process::Process;
use crate::redis::client::reshard::move_slot;
use crate::redis::cluster::ClusterSettings;
use crate::redis::resp::Reply;
use crate::redis::rig::Rig;
use crate::redis::server::{RedisSettings, Server};

const MASTERS: [u16; 3] = [1, 2, 3];
const REPLICAS: [u16; 3] = [4, 5, 6];

fn start(rig: &mut Rig, node: u16, incarnation: u32) {
    start_with(rig, (node, incarnation), |_| {});
}

fn start_with(
    rig: &mut Rig,
    (node, incarnation): (u16, u32),
    change: impl FnOnce(&mut ClusterSettings),
) {
    let [masters, replicas] = [MASTERS, REPLICAS].map(|nodes| nodes.map(NodeId));
    let mut cluster = ClusterSettings {
        node_timeout: Duration::from_secs(5),
        ..ClusterSettings::of(&masters, &replicas)
    };
    change(&mut cluster);
    let settings = RedisSettings::default();
    rig.start(node, incarnation, |boot| Box::new(Server::in_cluster(boot, settings, cluster)));
}

/// Six servers that have found each other and are in step. `foo` belongs to node 3, `bar` to 1.
fn cluster() -> Rig {
    let mut rig = Rig::new();
    for node in MASTERS.into_iter().chain(REPLICAS) {
        start(&mut rig, node, 0);
    }
    rig.pass(10_000);
    for node in REPLICAS {
        assert_eq!(rig.info(node, "master_link_status").as_deref(), Some("up"), "{node}");
    }
    rig
}

fn error(reply: Option<Reply>) -> String {
    match reply {
        Some(Reply::Error(text)) => String::from_utf8_lossy(&text).into_owned(),
        other => panic!("no error: {other:?}"),
    }
}

#[test]
fn keys_are_where_their_slot_is() {
    let mut rig = cluster();
    assert_eq!(rig.ask(3, "SET foo 1"), Some(Reply::OK));
    assert_eq!(error(rig.ask(1, "SET foo 1")), "MOVED 12182 10.0.0.3:6379");
    assert_eq!(
        error(rig.ask(3, "MGET foo bar")),
        "CROSSSLOT Keys in request don't hash to the same slot"
    );
    assert_eq!(rig.ask(3, "MSET {foo}a 1 {foo}b 2"), Some(Reply::OK));
    assert_eq!(error(rig.ask(3, "SELECT 1")), "ERR SELECT is not allowed in cluster mode");
    rig.pass(10);
    assert_eq!(error(rig.ask(6, "GET foo")), "MOVED 12182 10.0.0.3:6379");
    let reader = rig.client(6);
    rig.tell(reader, "READONLY");
    assert_eq!(rig.hear(reader, 10), Some(Reply::OK));
    rig.tell(reader, "GET foo");
    assert_eq!(rig.hear(reader, 10), Some(Reply::Bulk("1".into())));
}

#[test]
fn a_transaction_is_redirected_as_a_whole() {
    let mut rig = cluster();
    let client = rig.client(1);
    for line in ["MULTI", "SET foo 1", "EXEC"] {
        rig.tell(client, line);
    }
    let replies: Vec<_> = (0..3).map(|_| rig.hear(client, 10)).collect();
    assert_eq!(replies[0], Some(Reply::OK));
    assert_eq!(error(replies[1].clone()), "MOVED 12182 10.0.0.3:6379");
    assert!(error(replies[2].clone()).starts_with("EXECABORT"));
}

#[test]
fn the_replica_of_a_dead_master_takes_its_slots() {
    let mut rig = cluster();
    rig.ask(3, "SET foo 1");
    rig.pass(100);
    rig.kill(3);
    rig.pass(12_000);
    assert_eq!(rig.ask(6, "SET foo 2"), Some(Reply::OK));
    assert_eq!(error(rig.ask(1, "GET foo")), "MOVED 12182 10.0.0.6:6379");
    start(&mut rig, 3, 1);
    rig.pass(10_000);
    assert_eq!(rig.info(3, "role").as_deref(), Some("slave"));
    assert_eq!(rig.info(3, "master_link_status").as_deref(), Some("up"));
}

#[test]
fn a_master_that_is_cut_off_goes_on_for_more_than_a_node_timeout() {
    let mut rig = cluster();
    for node in [1, 2, 4, 5, 6] {
        rig.cut(3, node);
    }
    rig.pass(4900);
    assert_eq!(rig.ask(3, "SET foo old"), Some(Reply::OK), "it cannot know yet");
    rig.pass(6000);
    let refusal = error(rig.ask(3, "SET foo old"));
    assert_eq!(refusal, "CLUSTERDOWN The cluster is down");
    assert_eq!(rig.ask(6, "SET foo new"), Some(Reply::OK));
    rig.heal();
    rig.pass(15_000);
    assert_eq!(error(rig.ask(3, "GET foo")), "MOVED 12182 10.0.0.6:6379");
}

#[test]
fn a_manual_failover_loses_nothing() {
    let mut rig = cluster();
    rig.ask(3, "SET foo 1");
    assert_eq!(rig.ask(6, "CLUSTER FAILOVER"), Some(Reply::OK));
    rig.pass(2000);
    assert_eq!(rig.ask(6, "GET foo"), Some(Reply::Bulk("1".into())));
    assert_eq!(error(rig.ask(3, "GET foo")), "MOVED 12182 10.0.0.6:6379");
    rig.pass(3000);
    assert_eq!(rig.info(3, "role").as_deref(), Some("slave"));
}

/// The master's `PING` for its replicas would move the offset that the replica waits for.
#[test]
fn a_manual_failover_waits_for_a_replica_and_not_for_pings() {
    let mut rig = cluster();
    rig.ask(3, "SET foo 1");
    rig.cut(3, 6);
    rig.pass(500);
    assert_eq!(rig.ask(6, "CLUSTER FAILOVER"), Some(Reply::OK));
    let before = rig.info(3, "master_repl_offset");
    rig.heal();
    rig.pass(4_000);
    assert_eq!(rig.ask(6, "GET foo"), Some(Reply::Bulk("1".into())), "{before:?}");
}

/// With `cluster-allow-reads-when-down` scripts begin, since they might only read.
#[test]
fn a_script_writes_nothing_while_the_cluster_is_down() {
    let mut rig = Rig::new();
    for node in MASTERS.into_iter().chain(REPLICAS) {
        start_with(&mut rig, (node, 0), |settings| settings.allow_reads_when_down = true);
    }
    rig.pass(10_000);
    let write = "EVAL return(redis.call('SET',KEYS[1],ARGV[1])) 1 foo";
    assert_eq!(rig.ask(3, &format!("{write} old")), Some(Reply::OK));
    for node in [1, 2, 4, 5, 6] {
        rig.cut(3, node);
    }
    rig.pass(12_000);
    assert!(error(rig.ask(3, "SET foo new")).starts_with("CLUSTERDOWN"));
    let refusal = error(rig.ask(3, &format!("{write} new")));
    assert!(
        refusal.contains("a write command while the cluster is down and readonly"),
        "{refusal}"
    );
    let read = "EVAL return(redis.call('GET',KEYS[1])) 1 foo";
    assert_eq!(rig.ask(3, read), Some(Reply::Bulk("old".into())));
    rig.heal();
    rig.pass(15_000);
    assert_eq!(rig.ask(6, &format!("{write} newer")), Some(Reply::OK));
}

/// As the recorded case `a script that reaches for a key that it did not name`, and what it may reach: keys of this
/// node in whatever slots, and those of a slot that is being moved here, if the client has asked for that.
#[test]
fn a_script_reaches_the_keys_of_its_node_alone() {
    let mut rig = cluster();
    let reach = |key: &str| format!("EVAL return(redis.call('SET','{key}',ARGV[1])) 0 mine");
    for (node, key) in [(3, "foo"), (3, "{a}1"), (1, "bar")] {
        assert_eq!(rig.ask(node, &reach(key)), Some(Reply::OK), "{key} at {node}");
    }
    const NOT_HERE: &str = "ERR Script attempted to access a non local key in a cluster node";
    for (node, key) in [(3, "bar"), (1, "foo")] {
        let refusal = error(rig.ask(node, &reach(key)));
        assert!(refusal.starts_with(NOT_HERE), "{key} at {node}: {refusal}");
    }
    assert_eq!(rig.ask(1, "GET bar"), Some(Reply::Bulk("mine".into())));
    let from = id(&mut rig, 3);
    rig.ask(1, &format!("CLUSTER SETSLOT 12182 IMPORTING {from}"));
    let client = rig.client(1);
    rig.tell(client, "ASKING");
    rig.tell(client, &reach("foo"));
    rig.tell(client, &reach("foo"));
    let replies: Vec<_> = (0..3).map(|_| rig.hear(client, 10)).collect();
    assert_eq!(replies[1], Some(Reply::OK));
    assert!(error(replies[2].clone()).starts_with(NOT_HERE));
}

#[test]
fn asking_counts_for_one_command_whatever_comes_of_it() {
    let mut rig = cluster();
    let from = id(&mut rig, 3);
    rig.ask(1, &format!("CLUSTER SETSLOT 12182 IMPORTING {from}"));
    let client = rig.client(1);
    for line in ["ASKING", "MGET foo {foo}b", "SET foo mine NX", "ASKING", "NONSENSE", "GET foo"] {
        rig.tell(client, line);
    }
    let replies: Vec<_> = (0..6).map(|_| rig.hear(client, 10)).collect();
    assert!(error(replies[1].clone()).starts_with("TRYAGAIN"));
    for refused in [2, 5] {
        assert_eq!(error(replies[refused].clone()), "MOVED 12182 10.0.0.3:6379");
    }
}

#[test]
fn what_a_script_publishes_is_heard_once_at_every_node() {
    let mut rig = cluster();
    let listeners = [1, 3, 6].map(|node| rig.client(node));
    for listener in listeners {
        rig.tell(listener, "SUBSCRIBE news");
        rig.hear(listener, 10).expect("confirmed");
    }
    rig.ask(3, "EVAL return(redis.call('PUBLISH','news',KEYS[1])) 1 foo");
    for listener in listeners {
        assert!(rig.hear(listener, 10).is_some(), "once");
        assert_eq!(rig.hear(listener, 10), None, "and not again");
    }
}

#[test]
fn what_its_time_has_come_for_while_the_source_connects_does_not_go() {
    let mut rig = cluster();
    rig.ask(3, "SET foo 1 PX 1500");
    rig.ask(3, "SET {foo}b 2 PX 60000");
    let (from, to) = (id(&mut rig, 3), id(&mut rig, 1));
    rig.ask(1, &format!("CLUSTER SETSLOT 12182 IMPORTING {from}"));
    rig.ask(3, &format!("CLUSTER SETSLOT 12182 MIGRATING {to}"));
    rig.cut(1, 3);
    let mover = rig.client(3);
    rig.pass(2);
    rig.tell(mover, "MIGRATE 10.0.0.1 6379  0 10000 KEYS foo {foo}b");
    rig.pass(2_000);
    rig.heal();
    assert_eq!(rig.hear(mover, 10_000), Some(Reply::OK));
    let client = rig.client(1);
    for line in ["ASKING", "EXISTS foo", "ASKING", "PTTL {foo}b"] {
        rig.tell(client, line);
    }
    let replies: Vec<_> = (0..4).map(|_| rig.hear(client, 10)).collect();
    assert_eq!(replies[1], Some(Reply::Int(0)), "it is over, and not made new there");
    let Some(Reply::Int(left_ms)) = replies[3] else { panic!("{replies:?}") };
    assert!(left_ms < 58_100, "the time on the way counts: {left_ms}");
}

#[test]
fn a_message_reaches_subscribers_at_every_node() {
    let mut rig = cluster();
    let listener = rig.client(2);
    rig.tell(listener, "SUBSCRIBE news");
    assert!(rig.hear(listener, 10).is_some());
    rig.ask(5, "PUBLISH news hello");
    let bulk = |word: &'static str| Reply::Bulk(word.into());
    let message = Reply::Array(vec![bulk("message"), bulk("news"), bulk("hello")]);
    assert_eq!(rig.hear(listener, 10), Some(message));
}

/// The name that a node calls itself by.
fn id(rig: &mut Rig, node: u16) -> String {
    match rig.ask(node, "CLUSTER MYID") {
        Some(Reply::Bulk(text)) => String::from_utf8_lossy(&text).into_owned(),
        other => panic!("no name: {other:?}"),
    }
}

#[test]
fn a_slot_moves_with_its_keys_and_their_time_to_live() {
    let mut rig = cluster();
    rig.ask(3, "SET foo 1 PX 60000");
    rig.ask(3, "HSET {foo}h f v");
    let (from, to) = (id(&mut rig, 3), id(&mut rig, 1));
    assert_eq!(rig.ask(1, &format!("CLUSTER SETSLOT 12182 IMPORTING {from}")), Some(Reply::OK));
    assert_eq!(rig.ask(3, &format!("CLUSTER SETSLOT 12182 MIGRATING {to}")), Some(Reply::OK));
    assert_eq!(rig.ask(3, "GET foo"), Some(Reply::Bulk("1".into())), "what is there is answered");
    assert_eq!(error(rig.ask(3, "GET {foo}new")), "ASK 12182 10.0.0.1:6379");
    assert_eq!(rig.ask(3, "MIGRATE 10.0.0.1 6379 foo 0 1000"), Some(Reply::OK));
    assert_eq!(error(rig.ask(3, "GET foo")), "ASK 12182 10.0.0.1:6379");
    assert!(error(rig.ask(3, "MGET foo {foo}h")).starts_with("TRYAGAIN"), "one is here, one there");
    let client = rig.client(1);
    rig.tell(client, "GET foo");
    assert_eq!(error(rig.hear(client, 10)), "MOVED 12182 10.0.0.3:6379");
    rig.tell(client, "ASKING");
    rig.tell(client, "GET foo");
    assert_eq!(rig.hear(client, 10), Some(Reply::OK));
    assert_eq!(rig.hear(client, 10), Some(Reply::Bulk("1".into())));
    let all = rig.ask(3, "MIGRATE 10.0.0.1 6379 {foo}h 0 1000");
    assert_eq!(all, Some(Reply::OK));
    assert_eq!(rig.ask(3, "MIGRATE 10.0.0.1 6379 foo 0 1000"), Some(Reply::status("NOKEY")));
    for node in [1, 3] {
        assert_eq!(rig.ask(node, &format!("CLUSTER SETSLOT 12182 NODE {to}")), Some(Reply::OK));
    }
    rig.pass(1000);
    assert_eq!(error(rig.ask(2, "GET foo")), "MOVED 12182 10.0.0.1:6379");
    let Some(Reply::Int(left_ms)) = rig.ask(1, "PTTL foo") else { panic!("no time to live") };
    assert!((50_000..60_000).contains(&left_ms), "{left_ms}");
    let replica = rig.client(4);
    rig.tell(replica, "READONLY");
    rig.tell(replica, "HGET {foo}h f");
    assert_eq!(rig.hear(replica, 10), Some(Reply::OK));
    assert_eq!(rig.hear(replica, 10), Some(Reply::Bulk("v".into())));
}

#[test]
fn a_target_that_does_not_answer_holds_up_the_whole_source() {
    let mut rig = cluster();
    rig.ask(3, "SET foo 1");
    let (from, to) = (id(&mut rig, 3), id(&mut rig, 1));
    rig.ask(1, &format!("CLUSTER SETSLOT 12182 IMPORTING {from}"));
    rig.ask(3, &format!("CLUSTER SETSLOT 12182 MIGRATING {to}"));
    rig.cut(1, 3);
    let (mover, other) = (rig.client(3), rig.client(3));
    rig.pass(2);
    rig.tell(mover, "MIGRATE 10.0.0.1 6379 foo 0 500");
    rig.pass(5);
    rig.tell(other, "PING");
    assert_eq!(rig.hear(other, 900), None, "its only thread waits: to connect, and to write");
    assert_eq!(error(rig.hear(mover, 200)), "IOERR error or timeout writing to target instance");
    assert_eq!(rig.hear(other, 10), Some(Reply::status("PONG")));
    assert_eq!(rig.ask(3, "GET foo"), Some(Reply::Bulk("1".into())), "the key stays");
}

/// `foo` goes from node 3 to node 1, which is the next master, as `redis-cli --cluster reshard` moves it.
#[test]
fn an_operator_moves_a_slot_and_everybody_knows_it_then() {
    let mut rig = cluster();
    assert_eq!(rig.ask(3, "SET foo 1 PX 60000"), Some(Reply::OK));
    assert_eq!(rig.ask(3, "SET {foo}b 2"), Some(Reply::OK));
    let nodes = MASTERS.map(NodeId).to_vec();
    let operator = |host| move_slot(host, nodes, "foo".into(), Duration::from_secs(1));
    rig.start(9, 0, |boot| Box::new(Process::new(boot, operator)));
    rig.pass(900);
    assert_eq!(rig.ask(3, "GET foo"), Some(Reply::Bulk("1".into())));
    rig.pass(200);
    for node in [2, 3] {
        assert_eq!(error(rig.ask(node, "GET foo")), "MOVED 12182 10.0.0.1:6379");
    }
    assert_eq!(rig.ask(1, "MGET foo {foo}b").map(|reply| format!("{reply:?}")), {
        let both = Reply::Array(vec![Reply::Bulk("1".into()), Reply::Bulk("2".into())]);
        Some(format!("{both:?}"))
    });
    let Some(Reply::Int(left_ms)) = rig.ask(1, "PTTL foo") else { panic!("no time to live") };
    assert!((57_000..60_000).contains(&left_ms), "{left_ms}");
    rig.pass(10);
    assert_eq!(error(rig.ask(4, "GET foo")), "MOVED 12182 10.0.0.1:6379");
}

/// While the tool is dead between the first key and the last: a lock whose counter is elsewhere.
#[test]
fn a_script_on_two_keys_has_to_come_again_while_its_slot_is_open() {
    let mut rig = cluster();
    let names = [1, 3].map(|node| id(&mut rig, node));
    assert_eq!(rig.ask(3, "SET {foo}:token 1"), Some(Reply::OK));
    assert_eq!(
        rig.ask(1, &format!("CLUSTER SETSLOT 12182 IMPORTING {}", names[1])),
        Some(Reply::OK)
    );
    assert_eq!(
        rig.ask(3, &format!("CLUSTER SETSLOT 12182 MIGRATING {}", names[0])),
        Some(Reply::OK)
    );
    let again = "TRYAGAIN Multiple keys request during rehashing of slot";
    assert_eq!(error(rig.ask(3, "MGET foo {foo}:token")), again);
    let client = rig.client(1);
    rig.tell(client, "ASKING");
    rig.tell(client, "MGET foo {foo}:token");
    assert_eq!(rig.hear(client, 10), Some(Reply::OK));
    assert_eq!(rig.hear(client, 10).map(|reply| error(Some(reply))).as_deref(), Some(again));
}

#[test]
fn who_listens_to_a_lost_slots_channel_is_told_so_in_its_own_protocol() {
    let mut rig = cluster();
    let [plain, newer] = [rig.client(3), rig.client(3)];
    rig.tell(newer, "HELLO 3");
    assert!(matches!(rig.hear(newer, 10), Some(Reply::Map(_))));
    for client in [plain, newer] {
        rig.tell(client, "SSUBSCRIBE foo");
        assert!(rig.hear(client, 10).is_some());
    }
    let target = id(&mut rig, 1);
    for node in [1, 3] {
        let moved = format!("CLUSTER SETSLOT 12182 NODE {target}");
        assert_eq!(rig.ask(node, &moved), Some(Reply::OK));
    }
    let told = [plain, newer].map(|client| rig.hear(client, 100));
    assert!(matches!(&told[0], Some(Reply::Array(words)) if words.len() == 3), "{told:?}");
    assert!(matches!(&told[1], Some(Reply::Push(words)) if words.len() == 3), "{told:?}");
}
