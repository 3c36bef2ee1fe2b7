//! A master and its replica beside real ones: the same replies, and a stream of the same length.

use bytes::Bytes;

use super::*;
use crate::redis::real::{self, Redis};

/// What is asked of the master (`1`) and of the replica (`2`); `!` is a sleep in milliseconds, `=`
/// compares how long the stream has become since the last one.
const STEPS: &str = "\
=
1 SET lock mine NX PX 60000
1 WAIT 1 1000
=
2 GET lock
2 SET lock other
2 DEL lock
2 EVAL return(redis.call('GET',KEYS[1])) 1 lock
2 EVAL return(redis.call('DEL',KEYS[1])) 1 lock
2 WAIT 1 10
1 PSYNC
1 REPLCONF
1 REPLCONF nonsense 1
1 REPLCONF listening-port x
2 REPLCONF listening-port 7000
1 EVAL redis.call('SET',KEYS[1],'a','PX',60000)return(redis.call('INCR',KEYS[2])) 2 a b
1 SELECT 3
1 SET other x
1 SELECT 0
1 PUBLISH channel message
1 EVAL return(redis.call('PUBLISH','c','m')) 0
1 MULTI
1 INCR b
1 HSET h f 1
1 PUBLISH channel message
1 EXEC
1 WAIT 1 1000
=
2 GET b
2 HGETALL h
2 SELECT 3
2 GET other
2 SELECT 0
1 SET short x PX 150
1 SET long x EX 100
1 SET gone x PX 1
1 EXPIRE long 200
1 FLUSHDB
1 SET short x PX 150
1 WAIT 1 1000
2 GET short
2 EXISTS short
! 400
2 GET short
2 EXISTS short
2 TTL short
1 GET short
1 WAIT 1 1000
2 DBSIZE
1 SCRIPT LOAD return(1)
1 INCRBYFLOAT number 0.5
1 GETDEL number
1 RENAME nothing x
1 WAIT 1 1000
=
1 CONFIG SET min-replicas-to-write 1
1 SET lock a
1 CONFIG SET min-replicas-to-write 2
1 SET lock a
1 EVAL return(redis.call('SET','a','b')) 0
1 EVAL return(redis.call('GET','a')) 0
1 MULTI
1 SET lock a
1 EXEC
1 MULTI
1 GET lock
1 EXEC
1 CONFIG SET min-replicas-to-write 0
2 CONFIG SET replica-serve-stale-data no
2 GET lock
2 REPLICAOF 10.0.0.77 6379
2 GET lock
2 EVAL return(1) 0
2 EVAL return(redis.call('GET','lock')) 0
2 MULTI
2 PING
2 EXEC
2 PING
2 REPLICAOF no one
2 SET lock b
2 GET lock
2 REPLICAOF x
2 REPLICAOF 10.0.0.77 x
2 WAIT 0 10
2 ROLE
";

const QUICK: ReplicationSettings = ReplicationSettings {
    priority: 100,
    min_replicas_to_write: 0,
    min_replicas_max_lag_s: 10,
    timeout_s: 60,
    // A ping would lengthen the stream at a time that is not the same.
    ping_period_s: 3600,
    backlog_bytes: 1 << 20,
    backlog_ttl_s: 3600,
    sync_delay_s: 0,
    read_only: true,
    serve_stale_data: true,
};

fn offset(info: &Reply) -> i64 {
    let Reply::Bulk(text) = info else { panic!("no text: {info:?}") };
    let text = String::from_utf8_lossy(text);
    let line = text.lines().find_map(|line| line.strip_prefix("master_repl_offset:"));
    line.and_then(|number| number.parse().ok()).expect("a number")
}

/// What depends on the moment is made the same.
fn normal(reply: Reply, line: &str) -> Reply {
    match reply {
        Reply::Array(mut items) if line == "ROLE" => {
            items.truncate(1);
            Reply::Array(items)
        }
        // The digest of a script that names itself in an error, or of one that is loaded.
        reply => reply,
    }
}

#[test]
#[ignore = "needs a redis-server 7.0.15 in the path, and a few seconds"]
fn replies_and_the_length_of_the_stream_are_rediss() {
    let arguments = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "3600"];
    let mut master = Redis::start(&arguments);
    let port = master.port().to_string();
    let mut replica =
        Redis::start(&[&arguments[..], &["--replicaof", "127.0.0.1", &port]].concat());
    let mut rig = group_with(1, QUICK);
    let clients = [rig.client(1), rig.client(2)];
    let is_up = |replica: &mut Redis| {
        let Reply::Bulk(text) = replica.call(&words("INFO replication")) else { return false };
        String::from_utf8_lossy(&text).contains("master_link_status:up")
    };
    (0..200).any(|_| {
        real::sleep(50);
        is_up(&mut replica)
    });
    let mut last = None;
    let mut compared = 0;
    for step in STEPS.lines() {
        if step == "=" {
            rig.tell(clients[0], "INFO replication");
            let model = offset(&rig.hear(clients[0], 100).expect("an answer"));
            let actual = offset(&master.call(&words("INFO replication")));
            // The one has sent a ping in the beginning that the other has not.
            let [model_before, actual_before] = last.unwrap_or([model, actual]);
            let (longer, expected) = (model - model_before, actual - actual_before);
            assert_eq!(longer, expected, "the stream, after {compared} steps");
            last = Some([model, actual]);
        } else if let Some(millis) = step.strip_prefix("! ") {
            let millis = millis.parse().expect("a number");
            real::sleep(millis);
            rig.pass(millis);
        } else {
            let (node, line) = step.split_once(' ').expect("a node and a command");
            let (redis, client) = match node {
                "1" => (&mut master, clients[0]),
                _ => (&mut replica, clients[1]),
            };
            rig.tell(client, line);
            let model = rig.hear(client, 3000).expect("an answer");
            let actual = redis.call(&words(line));
            assert_eq!(normal(model, line), normal(actual, line), "{step}");
            compared += 1;
        }
    }
    println!("{compared} replies compared");
}

fn words(line: &str) -> Vec<Bytes> {
    line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
}
