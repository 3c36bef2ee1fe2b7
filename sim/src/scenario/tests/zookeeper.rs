//! Files of an ensemble and its locks: whole and bad, and what else depends on the backend.

use std::time::Duration;

use fencepost_models::machine::NodeId;

use super::assert_same_lines;
use crate::judge::LockHome;
use crate::scenario::{Backend, Scenario};

/// Every setting.
const FULL: &str = r#"title = "Five servers with short ticks"
seed = 7
duration = "90s"

[backend]
kind = "zookeeper"
servers = 5
tick = "500ms"
init_limit = 20
sync_limit = 4
logs_before_ack = true

[lock]
recipe = "zookeeper"
session_timeout = "6s"
watching = "parent"
on_disconnect = "ignores"
leftover = "reused"
token = "sequence"
path = "/locks/two"

[shop]
stock = 1
buyers = 2
fencing = "reads-and-writes"

[[faults]]
kind = "power-loss"
when = { event = "epoch-established", node = "zk-5" }
for = "2s"
node = "zk-5"
"#;

/// Every setting of `curator`.
const CURATOR: &str = r#"title = "Curator as nobody sets it"
seed = 7
duration = "90s"

[backend]
kind = "zookeeper"

[lock]
recipe = "curator"
session_timeout = "6s"
connection_timeout = "2s"
retry_base = "100ms"
max_retries = 29
protection = false
on_suspended = "goes-on"
on_lost = "goes-on"
on_reconnected = "checks"
token = "sequence"
path = "/locks/two"

[shop]
stock = 1
buyers = 2
fencing = "off"
"#;

fn scenario() -> Scenario {
    Scenario::from_toml("zookeeper.toml", FULL).unwrap()
}

#[test]
fn files_of_an_ensemble_are_written_as_they_were_read() {
    for text in [FULL, CURATOR] {
        assert_same_lines(&Scenario::from_toml("zookeeper.toml", text).unwrap().to_toml(), text);
    }
}

#[test]
fn what_is_bad_about_an_ensemble_is_told() {
    let bad = |from: &str, to: &str| super::bad("zookeeper.toml", FULL, from, to);
    let curator = |from: &str, to: &str| super::bad("curator.toml", CURATOR, from, to);
    let shown = [
        ("no server", bad("servers = 5", "servers = 0")),
        ("a server that is not there", bad("node = \"zk-5\"\n", "node = \"zk-6\"\n")),
        ("a tick that is no whole millisecond", bad("\"500ms\"", "\"1500us\"")),
        ("a tick of nothing", bad("\"500ms\"", "\"0s\"")),
        ("a limit of nothing", bad("init_limit = 20", "init_limit = 0")),
        ("a session longer than can be said", bad("\"6s\"", "\"600h\"")),
        ("the root, which is everybody's", bad("\"/locks/two\"", "\"/\"")),
        ("a path that is none", bad("\"/locks/two\"", "\"locks//two\"")),
        ("a node that nobody watches", bad("\"parent\"", "\"children\"")),
        ("no fate for a node", bad("\"reused\"", "\"kept\"")),
        ("a setting of Redis's", bad("sync_limit = 4", "hz = 10")),
        ("nobody to fail over", bad("\"power-loss\"", "\"failover\"")),
        ("a lock of Redis's", bad("recipe = \"zookeeper\"", "recipe = \"set-nx\"")),
        ("more retries than Curator makes", curator("max_retries = 29", "max_retries = 30")),
        ("no reaction", curator("on_lost = \"goes-on\"", "on_lost = \"exits\"")),
        ("a wait that Curator cannot say", curator("\"100ms\"", "\"100us\"")),
        ("a load of keys", bad("[shop]", "[load]\nkeys_per_second = 1\n\n[shop]")),
    ];
    insta::assert_snapshot!(super::titled(&shown));
}

#[test]
fn the_locks_are_where_the_ensemble_is() {
    assert_eq!(scenario().judge_settings().locks, LockHome::Servers((1..=5).map(NodeId).collect()));
}

/// Everybody waits for the leader, and for as many sessions as there may be.
#[test]
fn an_ensemble_is_given_time_to_elect_and_sessions_to_end() {
    let scenario = scenario();
    let backend = scenario.backend.as_ref().unwrap();
    assert!(matches!(backend, Backend::ZooKeeper(_)));
    assert_eq!(backend.settles_after(), Duration::from_secs(3));
    // 20 + 2 · 4 ticks, and the longest pause between two calls for votes.
    assert_eq!(backend.recovers_after(), Duration::from_secs(60 + 14));
    assert!(scenario.lock.stuck_after() > 2 * Duration::from_secs(6));
}
