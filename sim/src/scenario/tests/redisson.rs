//! Files of Redisson's locks: whole, bad, and with settings that have no effect.

use fencepost_models::locks::redisson::multi::Needs;

use super::assert_same_lines;
use crate::scenario::{Backend, Recipe, Scenario};

/// Every setting of `redisson` and of `redisson-fenced`.
const LOCK: &str = r#"title = "Redisson as nobody sets it"
seed = 7
duration = "90s"

[backend]
kind = "redis-sentinel"

[lock]
recipe = "redisson"
watchdog_timeout = "15s"
check_synced_slaves = false
slaves_sync_timeout = "500ms"
timeout = "2s"
retry = "1s"
key = "lock:two"

[shop]
stock = 1
buyers = 2
fencing = "off"
reenters = true
"#;

/// Every other setting of `redisson-multi`.
const MULTI: &str = r#"title = "Three locks as one"
seed = 7
duration = "90s"

[backend]
kind = "redis-independent"
servers = 3

[lock]
recipe = "redisson-multi"
lease = "20s"
needs = "majority"

[shop]
stock = 1
buyers = 2
fencing = "off"
"#;

fn scenario(text: &str) -> Scenario {
    Scenario::from_toml("redisson.toml", text).unwrap()
}

#[test]
fn files_of_redisson_are_written_as_they_were_read() {
    let fenced = LOCK.replace("\"redisson\"", "\"redisson-fenced\"");
    for text in [LOCK, &fenced, MULTI] {
        assert_same_lines(&scenario(text).to_toml(), text);
    }
    let Recipe::RedissonMulti(multi) = scenario(MULTI).lock else { panic!("not read") };
    assert_eq!((multi.needs, multi.lock.lasts().as_secs()), (Needs::Majority, 20));
}

#[test]
fn what_is_bad_about_redisson_is_told() {
    let bad = |text: &str, from: &str, to: &str| super::bad("redisson.toml", text, from, to);
    let cases = [
        ("a lease in microseconds", bad(MULTI, "\"20s\"", "\"1500us\"")),
        ("no time to live", bad(LOCK, "watchdog_timeout", "ttl")),
        ("a number that is none", bad(MULTI, "\"majority\"", "\"most\"")),
        ("needs of a single lock", bad(LOCK, "retry = \"1s\"", "needs = \"all\"")),
        ("several locks on one server", bad(MULTI, "redis-independent\"\nservers = 3", "redis\"")),
        ("a lock on servers apart", bad(MULTI, "redisson-multi\"\nlease", "redisson\"\nlease")),
    ];
    insta::assert_snapshot!(super::titled(&cases));
}

#[test]
fn settings_without_an_effect_are_named() {
    assert_eq!(scenario(LOCK).misplaced_settings(), [""; 0]);
    let on_one = scenario(LOCK).but(|s| s.backend = Backend::all().into_iter().next());
    assert_eq!(
        on_one.misplaced_settings(),
        [
            "check_synced_slaves: there are no replicas",
            "slaves_sync_timeout: there are no replicas",
        ]
    );
    let leased = LOCK.replace("watchdog_timeout", "lease = \"9s\"\nwatchdog_timeout");
    let said = ["watchdog_timeout: a lock with a lease has no watchdog"];
    assert_eq!(scenario(&leased).misplaced_settings(), said);
    let fenced =
        LOCK.replace("fencing = \"off\"", "fencing = \"writes\"\nlease_check = \"before-write\"");
    assert_eq!(
        scenario(&fenced).misplaced_settings(),
        [
            "fencing: `redisson` gives no tokens, so the store refuses whatever it checks",
            "lease_check: where a watchdog renews, nobody knows the end",
        ]
    );
    let plain = Scenario::default().but(|s| s.shop.buyer.reenters = true);
    let said = ["reenters: `set-nx` is not reentrant, so a buyer waits for its own lease's end"];
    assert_eq!(plain.misplaced_settings(), said);
}
