//! Backends of several servers: their files, what can be told to fail over, and where the locks are.

use std::time::Duration;

use fencepost_models::machine::NodeId;
use fencepost_models::note::Note;

use super::assert_same_lines;
use crate::judge::LockHome;
use crate::scenario::Scenario;

/// Every setting of `redis-sentinel`, and those of its clients.
pub const SENTINEL: &str = r#"title = "A master, two replicas, five Sentinels"
seed = 7
duration = "90s"

[backend]
kind = "redis-sentinel"
replicas = 3
sentinels = 5
quorum = 3
down_after = "5s"
failover_timeout = "60s"
parallel_syncs = 2
persistence = "aof-everysec"
min_replicas_to_write = 1
min_replicas_max_lag_s = 5
repl_timeout_s = 30
repl_ping_replica_period_s = 5
repl_diskless_sync_delay_s = 1
replica_serve_stale_data = false
repl_backlog_size = "2MiB"

[lock]
recipe = "set-nx"
ttl = "10s"
discovery = "listening"
check_role = true
wait_replicas = 1
wait_timeout = "500ms"

[shop]
stock = 1
buyers = 2
fencing = "off"
opens = "20s"

[[faults]]
kind = "failover"
when = { event = "acquired", node = "buyer-1" }
node = "sentinel-5"

[[faults]]
kind = "crash"
when = { event = "+odown", node = "sentinel-1", after = "10ms" }
node = "redis-4"
"#;

/// Every setting of `redis-cluster`.
pub const CLUSTER: &str = r#"title = "Two masters with two replicas each"
seed = 7
duration = "90s"

[backend]
kind = "redis-cluster"
masters = 2
replicas = 2
node_timeout = "5s"
require_full_coverage = false
allow_replica_migration = false
allow_reads_when_down = true
replica_no_failover = true
replica_validity_factor = 0
moves_slot_after = "20s"
min_replicas_to_write = 1

[lock]
recipe = "setnx-expire"
ttl = "10s"

[shop]
stock = 1
buyers = 2
fencing = "off"

[[faults]]
kind = "failover"
at = "30s"
node = "redis-3"

[[faults]]
kind = "pause"
when = { event = "election-won", node = "redis-6" }
for = "2s"
node = "redis-1"
"#;

/// Every setting of `redis-independent`.
pub const INDEPENDENT: &str = r#"title = "Three masters that know nothing of each other"
seed = 7
duration = "90s"

[backend]
kind = "redis-independent"
servers = 3
restart_delay = "12s"
persistence = "aof-always"

[lock]
recipe = "redlock"
ttl = "10s"
timeout = "40ms"
ask = "in-turn"
wait = "majority"
clock = "wall"
drift_ppm = 20000
drift_margin = "2ms"
validity_check = false
retry_delay = "100ms..300ms"
tries = 11
release_after = "tries"
release_retries = 10
extend = true
extend_before = "1s"
token = "value"
key = "lock:two"

[shop]
stock = 1
buyers = 2
fencing = "off"

[[faults]]
kind = "power-loss"
at = "30s"
for = "1s"
node = "redis-3"
"#;

#[test]
fn files_with_replicas_are_written_as_they_were_read() {
    for text in [SENTINEL, CLUSTER, INDEPENDENT] {
        assert_same_lines(&Scenario::from_toml("full.toml", text).unwrap().to_toml(), text);
    }
}

#[test]
fn what_is_bad_about_replicas_is_told() {
    let bad = |text: &str, from: &str, to: &str| super::bad("replicas.toml", text, from, to);
    let fault = |kind: &str, node: &str| format!("\"{kind}\"\nat = \"1s\"\nnode = \"{node}\"");
    let redis = "title = \"x\"\nbackend.kind = \"redis\"\nlock.recipe = \"set-nx\"\n";
    let redis = format!("{redis}[[faults]]\nkind = {}", fault("pause", "redis"));
    let shown = [
        ("a server that no Sentinel is", bad(SENTINEL, "\"sentinel-5\"", "\"redis-1\"")),
        ("a Sentinel too many", bad(SENTINEL, "\"sentinel-5\"", "\"sentinel-6\"")),
        ("a master of a cluster", bad(CLUSTER, "\"redis-3\"", "\"redis-2\"")),
        ("a cluster without replicas", bad(CLUSTER, "replicas = 2", "replicas = 0")),
        ("one Redis", bad(&redis, "\"pause\"", "\"failover\"")),
        ("a failover that lasts", bad(CLUSTER, "at = \"30s\"", "at = \"30s\"\nfor = \"1s\"")),
        ("a quorum of more than there are", bad(SENTINEL, "quorum = 3", "quorum = 6")),
        ("nobody to take over", bad(SENTINEL, "replicas = 3", "replicas = 0")),
        ("no time to be down", bad(SENTINEL, "down_after = \"5s\"", "down_after = \"0s\"")),
        ("a backlog of nothing", bad(SENTINEL, "\"2MiB\"", "\"1KiB\"")),
        ("a setting of the other one", bad(CLUSTER, "masters = 2", "masters = 2\nquorum = 2")),
        ("a slot that moves at no time", bad(CLUSTER, "\"20s\"", "20")),
        (
            "a wait longer than any",
            bad(CLUSTER, "ttl = \"10s\"", "wait_replicas = 1\nwait_timeout = \"2s\""),
        ),
        ("a server that is not there", bad(INDEPENDENT, "\"redis-3\"", "\"redis-4\"")),
        ("no server at all", bad(INDEPENDENT, "servers = 3", "servers = 0")),
        ("a delay that is none", bad(INDEPENDENT, "\"12s\"", "\"long\"")),
        ("a lease too short to extend", bad(INDEPENDENT, "ttl = \"10s\"", "ttl = \"1s\"")),
        ("a share above all", bad(INDEPENDENT, "20000", "1000001")),
        ("a clock of nobody's", bad(INDEPENDENT, "\"wall\"", "\"atomic\"")),
        ("RedLock on one server", bad(&redis, "\"set-nx\"", "\"redlock\"")),
        ("nobody to fail over", bad(INDEPENDENT, "\"power-loss\"", "\"failover\"")),
        ("a way of discovery", bad(SENTINEL, "\"listening\"", "\"polling\"")),
    ];
    insta::assert_snapshot!(super::titled(&shown));
}

#[test]
fn the_locks_are_on_the_servers_and_not_on_those_that_watch_them() {
    let home = |text| Scenario::from_toml("full.toml", text).unwrap().judge_settings().locks;
    assert_eq!(home(SENTINEL), LockHome::Servers((1..=4).map(NodeId).collect()));
    assert_eq!(home(CLUSTER), LockHome::Servers((1..=6).map(NodeId).collect()));
    assert_eq!(home(INDEPENDENT), LockHome::Majority((1..=3).map(NodeId).collect()));
}

#[test]
fn faults_know_who_can_be_told_to_fail_over() {
    let stage = |text| Scenario::from_toml("full.toml", text).unwrap().stage();
    let (sentinel, cluster) = (stage(SENTINEL), stage(CLUSTER));
    let names = |kind, numbers: std::ops::RangeInclusive<u16>| -> Vec<String> {
        numbers.map(|number| format!("{kind}-{number}")).collect()
    };
    assert_eq!(sentinel.failover_targets, names("sentinel", 1..=5));
    assert_eq!(sentinel.watchers, names("sentinel", 1..=5));
    assert_eq!(sentinel.servers, names("redis", 1..=4));
    assert_eq!(cluster.failover_targets, names("redis", 3..=6));
    assert!(cluster.watchers.is_empty());
    assert_eq!(cluster.servers, names("redis", 1..=6));
}

/// A server that was down for a second stays away for its delay, and is there again.
#[test]
fn a_delayed_restart_is_waited_for() {
    let scenario = Scenario::from_toml("full.toml", INDEPENDENT).unwrap();
    let outcome = scenario.run(7).unwrap();
    let notes = outcome.run.history.notes();
    let said = notes.filter_map(|(_, record, note)| match note {
        Note::Remark { text } => Some(format!("{} {text}", record.at)),
        _ => None,
    });
    let expected = ["31.000s waits for 12000 ms before it starts Redis", "43.000s starts Redis"];
    assert_eq!(said.collect::<Vec<_>>(), expected);
    let bound = scenario.judge_settings().stuck_after - scenario.lock.stuck_after();
    assert_eq!(bound, Duration::from_secs(12), "the delay is waited for");
}
