mod bad_files;
mod laws;
mod mutations;
mod plans;
mod redisson;
mod replicas;
mod zookeeper;

use fencepost_models::machine::NodeId;
use fencepost_models::shop::Orders;

use super::{Backend, Scenario, render};
use crate::judge::LockHome;

/// One of everything.
pub const FULL: &str = r#"title = "Everything at once"
explain = """
A pause outlives the lock, and a partition keeps the news away.
See "Fencing" in the documentation."""
seed = 7
duration = "90s"

[backend]
kind = "redis"

[lock]
recipe = "set-nx"
ttl = "10s"
poll = "200ms"
key = "lock:flash-sale"

[shop]
stock = 3
buyers = 4
fencing = "writes"
order_id = true
orders = "after-stock"
work = "200us..5ms"
browse = "10ms"
store_timeout = "5s"
retries = 3
lease_check = "before-write"

[load]
keys_per_second = 200
value_bytes = 4096

[network]
latency = { min = "1ms", max = "3ms" }

[[network.links]]
from = "buyer-1"
to = "store"
latency = { min = "200us", mean_rest = "2ms" }

[[faults]]
kind = "pause"
when = { event = "acquired", node = "buyer-1", nth = 2, after = "10ms" }
for = "15s"
node = "buyer-1"

[[faults]]
kind = "partition"
at = "2s"
for = "1500ms"
between = ["buyer-1", "buyer-2"]
and = ["redis"]

[[faults]]
kind = "one-way-partition"
at = "0s"
from = ["redis"]

[[faults]]
kind = "hold-message"
when = { event = "stock-seen" }
for = "20s"
from = "buyer-2"
to = "store"
message = "write"

[[faults]]
kind = "clock-jump"
at = "5s"
node = "redis"
by = "-5s"

[random_faults]
kinds = ["pause", "crash", "partition"]
max = 6

[limits]
events = 5000000
simulated = "3600s"
memory = "512MiB"

[judge]
stuck_after = "45s"

[expect]
violations = ["two-holders", "oversell"]
"#;

#[test]
fn a_file_is_written_as_it_was_read() {
    let scenario = Scenario::from_toml("full.toml", FULL).unwrap();
    assert_same_lines(&scenario.to_toml(), FULL);
}

#[test]
fn the_file_of_the_design_is_read() {
    let text = r#"
        title = "The lock that no replica had"
        explain = "One paragraph: what happens, why, what cures it, where it is described."
        seed = 7
        duration = "60s"

        [backend]
        kind = "redis"

        [lock]
        recipe = "set-nx"
        ttl = "10s"

        [shop]
        stock = 1
        buyers = 2
        fencing = "off"

        [[faults]]
        kind = "pause"
        at = "2s"
        for = "15s"
        node = "buyer-1"

        [random_faults]
        kinds = ["pause", "crash", "partition"]
        max = 6

        [expect]
        violations = ["oversell", "two-holders"]
    "#;
    insta::assert_debug_snapshot!(Scenario::from_toml("design.toml", text).unwrap());
}

/// What is said of a file in which something is replaced.
fn bad(file: &str, text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    let error = Scenario::from_toml(file, &text.replace(from, to)).unwrap_err();
    render(&error, false, 100)
}

/// What is said in each case, one below the other.
fn titled(cases: &[(&str, String)]) -> String {
    let shown = cases.iter().map(|(title, said)| format!("──── {title}\n{said}"));
    shown.collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn assert_same_lines(left: &str, right: &str) {
    for (left, right) in left.lines().zip(right.lines()) {
        assert_eq!(left, right);
    }
    assert_eq!(left, right);
}

#[test]
fn the_judge_is_told_where_the_locks_are() {
    let locks = |change: fn(&mut Scenario)| Scenario::default().but(change).judge_settings().locks;
    assert_eq!(locks(|_| {}), LockHome::Servers(vec![NodeId(1)]));
    let two_stores = locks(|s| s.shop.buyer.orders = Orders::AfterStock);
    assert_eq!(two_stores, LockHome::Servers(vec![NodeId(2)]), "the orders' store comes first");
    assert_eq!(locks(|s| s.backend = None), LockHome::Servers(vec![]));
    assert_eq!(locks(|s| s.backend = Some(Backend::Memory { processes: 2 })), LockHome::Memory);
}
