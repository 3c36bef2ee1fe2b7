//! Any recipe there can be.

use std::time::Duration;

use fencepost_models::locks::curator::{CuratorSettings, OnReconnected, Reaction};
use fencepost_models::locks::jvm::JvmLockSettings;
use fencepost_models::locks::redis::RedisLockSettings;
use fencepost_models::locks::redisson::RedissonSettings;
use fencepost_models::locks::redisson::multi::Needs;
use fencepost_models::locks::redlock::{
    AskNodes, Clock, RedlockSettings, ReleaseAfter, Tokens, WaitFor,
};
use fencepost_models::locks::zookeeper::{
    Leftover, OnDisconnect, Token, Watching, ZooKeeperLockSettings,
};
use fencepost_models::note::Name;
use fencepost_models::redis::client::Discovery;
use proptest::prelude::*;

use super::{duration, milliseconds, name, range};
use crate::scenario::{Recipe, RedissonMulti};

pub fn recipe() -> impl Strategy<Value = Recipe> {
    let defaults = prop::sample::select(Recipe::all().to_vec());
    let jvm = (name(), any::<bool>())
        .prop_map(|(name, fair)| Recipe::Jvm(JvmLockSettings { name, fair }));
    let set_nx = redis_lock(milliseconds()).prop_map(Recipe::SetNx);
    let plain_del = redis_lock(milliseconds()).prop_map(Recipe::SetNxPlainDel);
    let expire = redis_lock((1..1_000_000_u64).prop_map(Duration::from_secs));
    let expire = expire.prop_map(Recipe::SetnxExpire);
    let redisson = redisson_lock().prop_map(Recipe::Redisson);
    let fenced = redisson_lock().prop_map(Recipe::RedissonFenced);
    let multi = (redisson_lock(), any::<bool>()).prop_map(|(lock, all)| {
        let needs = if all { Needs::All } else { Needs::Majority };
        Recipe::RedissonMulti(RedissonMulti { lock, needs })
    });
    let redlock = redlock().prop_map(Recipe::Redlock);
    let zookeeper = zookeeper().prop_map(Recipe::ZooKeeper);
    let curator = curator().prop_map(Recipe::Curator);
    let redis = prop_oneof![set_nx, plain_del, expire, redisson, fenced, multi, redlock];
    prop_oneof![2 => defaults, 1 => jvm, 7 => redis, 1 => zookeeper, 1 => curator]
}

fn redisson_lock() -> impl Strategy<Value = RedissonSettings> {
    let leases = (prop::option::of(milliseconds()), milliseconds());
    (name(), leases, any::<bool>(), milliseconds(), duration(), duration()).prop_map(
        |(key, leases, check_synced_slaves, slaves_sync_timeout, timeout, retry)| {
            RedissonSettings {
                key,
                lease: leases.0,
                watchdog_timeout: leases.1,
                check_synced_slaves,
                slaves_sync_timeout,
                timeout,
                retry,
            }
        },
    )
}

fn redlock() -> impl Strategy<Value = RedlockSettings> {
    let times = (milliseconds(), duration(), 0..=1_000_000_u32, duration(), range());
    let counts = (1..=1_000_u32, 0..=1_000_u32, any::<bool>(), any::<bool>(), duration());
    let ways = (
        any_of(AskNodes::ALL),
        any_of(WaitFor::ALL),
        any_of(Clock::ALL),
        any_of(ReleaseAfter::ALL),
        any_of(Tokens::ALL),
    );
    (name(), times, counts, ways).prop_map(|(key, times, counts, ways)| {
        let (ttl, timeout, drift_ppm, drift_margin, retry_delay) = times;
        let (tries, release_retries, validity_check, extend, extend_before) = counts;
        let (ask, wait, clock, release_after, token) = ways;
        let extend = extend && ttl >= extend_before + Duration::from_millis(100);
        RedlockSettings {
            key,
            ttl,
            timeout,
            ask,
            wait,
            clock,
            drift_ppm,
            drift_margin,
            validity_check,
            retry_delay,
            tries,
            release_after,
            release_retries,
            extend,
            extend_before,
            token,
        }
    })
}

fn redis_lock(ttl: impl Strategy<Value = Duration>) -> impl Strategy<Value = RedisLockSettings> {
    let discovery = prop::sample::select(Discovery::ALL.map(|(_, it)| it).to_vec());
    let client = (discovery, any::<bool>(), 0..=1_000_u32, milliseconds());
    (name(), ttl, duration(), duration(), duration(), 0..=1_000_u32, client).prop_map(
        |(key, ttl, poll, poll_jitter, timeout, release_retries, client)| RedisLockSettings {
            key,
            ttl,
            poll,
            poll_jitter,
            // A client is to wait for its replicas no longer than for any answer.
            timeout: timeout.max(client.3 + Duration::from_millis(1)),
            release_retries,
            discovery: client.0,
            check_role: client.1,
            wait_replicas: client.2,
            wait_timeout: client.3,
        },
    )
}

fn zookeeper() -> impl Strategy<Value = ZooKeeperLockSettings> {
    let ways = (
        any_of(Watching::ALL),
        any_of(OnDisconnect::ALL),
        any_of(Leftover::ALL),
        any_of(Token::ALL),
    );
    ("(/[a-z]{1,8}){1,3}", milliseconds(), ways).prop_map(|(path, session_timeout, ways)| {
        let (watching, on_disconnect, leftover, token) = ways;
        ZooKeeperLockSettings {
            path: Name::from(path.as_str()),
            session_timeout,
            watching,
            on_disconnect,
            leftover,
            token,
        }
    })
}

fn curator() -> impl Strategy<Value = CuratorSettings> {
    let times = (milliseconds(), milliseconds(), milliseconds(), 0..=29_u32);
    let ways = (
        any::<bool>(),
        any_of(Reaction::ALL),
        any_of(Reaction::ALL),
        any_of(OnReconnected::ALL),
        any_of(Token::ALL),
    );
    ("(/[a-z]{1,8}){1,3}", times, ways).prop_map(|(path, times, ways)| {
        let (session_timeout, connection_timeout, retry_base, max_retries) = times;
        let (protection, on_suspended, on_lost, on_reconnected, token) = ways;
        CuratorSettings {
            path: Name::from(path.as_str()),
            session_timeout,
            connection_timeout,
            retry_base,
            max_retries,
            protection,
            on_suspended,
            on_lost,
            on_reconnected,
            token,
        }
    })
}

fn any_of<T: Copy + std::fmt::Debug + 'static>(
    all: &[(&'static str, T)],
) -> impl Strategy<Value = T> + use<T> {
    prop::sample::select(all.iter().map(|(_, one)| *one).collect::<Vec<T>>())
}
