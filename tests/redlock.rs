//! RedLock: what it keeps its promise under, and what it does not. A few hundred seeds each;
//! `FENCEPOST_SEEDS=0..100000 cargo test --release -p fencepost-stories --test redlock` is the long suite.

use std::time::Duration;

use fencepost::claim::Claims as _;
use fencepost::judge::ViolationKind::{Oversell, TokenRegression, TwoHolders};
use fencepost::scenario::{Backend, Recipe, RedisIndependent, Scenario};
use fencepost_faults::{FaultKind, RandomFaults};
use fencepost_models::locks::redlock::{AskNodes, RedlockSettings, Tokens, WaitFor};
use fencepost_models::redis::server::{AppendFsync, Persistence, RedisSettings};
use fencepost_models::shop::Fencing;
use fencepost_models::shop::buyer::LeaseCheck;

/// What RedLock is made for: processes and hosts that fail, and networks. Clocks are good, and nobody
/// stops.
const PROMISED: [FaultKind; 7] = [
    FaultKind::Crash,
    FaultKind::PowerLoss,
    FaultKind::Partition,
    FaultKind::OneWayPartition,
    FaultKind::Delay,
    FaultKind::HoldMessage,
    FaultKind::DropConnection,
];

/// Five servers that sync each vote, and three buyers who do nothing beyond their validity.
fn sale(servers: u16, persistence: Persistence) -> Scenario {
    let redis = RedisSettings { persistence, ..RedisSettings::default() };
    Scenario::default().but(|s| {
        s.title = format!("A sale under RedLock on {servers} servers");
        let masters = RedisIndependent { redis, servers, ..RedisIndependent::default() };
        s.backend = Some(Backend::RedisIndependent(masters));
        s.lock = Recipe::Redlock(RedlockSettings {
            ttl: Duration::from_secs(5),
            tries: 1,
            ..RedlockSettings::default()
        });
        s.shop.stock = 60;
        s.shop.buyers = 3;
        s.shop.buyer.work = (Duration::from_millis(50), Duration::from_millis(400));
        s.shop.buyer.store_timeout = Duration::from_secs(3);
        s.shop.buyer.lease_check = LeaseCheck::Throughout;
    })
}

fn synced(servers: u16) -> Scenario {
    sale(servers, Persistence::Aof(AppendFsync::Always))
}

fn with_faults(sale: Scenario, kinds: &[FaultKind]) -> Scenario {
    sale.but(|s| s.random_faults = Some(RandomFaults { kinds: kinds.to_vec(), max: 6 }))
}

fn redlock(scenario: &mut Scenario) -> &mut RedlockSettings {
    match &mut scenario.lock {
        Recipe::Redlock(settings) => settings,
        other => panic!("{other:?}"),
    }
}

#[test]
fn good_clocks_and_synced_votes_never_have_two_holders() {
    for servers in [3, 5, 7] {
        with_faults(synced(servers), &PROMISED).sweep(0..200).must_never(TwoHolders);
    }
}

#[test]
fn nor_do_they_however_the_nodes_are_asked_and_with_leases_that_are_extended() {
    let ways: [fn(&mut RedlockSettings); 3] = [
        |lock| lock.ask = AskNodes::InTurn,
        |lock| lock.wait = WaitFor::Majority,
        |lock| lock.extend = true,
    ];
    for way in ways {
        let sale = synced(5).but(|s| way(redlock(s)));
        with_faults(sale, &PROMISED).sweep(0..100).must_never(TwoHolders);
    }
}

#[test]
fn while_nothing_goes_wrong_nothing_is_wrong() {
    synced(5).sweep(0..100).must_hold("a sale without a fault is right", |outcome| {
        match outcome.verdict.violations.first() {
            Some(violation) => Err(violation.detail.clone()),
            None if outcome.verdict.books.sold < 10 => {
                Err(format!("only {} sold", outcome.verdict.books.sold))
            }
            None => Ok(()),
        }
    });
}

#[test]
fn a_clock_that_jumps_makes_two_majorities() {
    let kinds = [FaultKind::ClockJump, FaultKind::Partition];
    with_faults(synced(5), &kinds).sweep(0..2_000).must_find(TwoHolders);
    with_faults(synced(5), &[FaultKind::ClockJump]).sweep(0..2_000).must_find(TwoHolders);
}

#[test]
fn votes_that_a_restart_forgets_are_given_twice_and_a_delayed_restart_forgets_none() {
    let kinds = [FaultKind::Crash, FaultKind::PowerLoss, FaultKind::Partition];
    let forgets = || with_faults(sale(3, Persistence::None), &kinds);
    forgets().sweep(0..2_000).must_find(TwoHolders);
    let delayed = |s: &mut Scenario| match &mut s.backend {
        Some(Backend::RedisIndependent(masters)) => masters.restart_delay = Duration::from_secs(6),
        other => panic!("{other:?}"),
    };
    forgets().but(delayed).sweep(0..300).must_never(TwoHolders);
}

#[test]
fn a_pause_finds_the_holder_who_does_not_look() {
    let pauses = || with_faults(synced(5), &[FaultKind::Pause]);
    pauses().but(|s| s.shop.buyer.lease_check = LeaseCheck::None).sweep(0..300).must_find(Oversell);
    pauses().sweep(0..300).must_find(TwoHolders);
}

#[test]
fn a_random_value_as_a_token_goes_back_without_any_fault() {
    let values = |s: &mut Scenario| {
        redlock(s).token = Tokens::ValueAsToken;
        s.shop.fencing = Fencing::ReadsAndWrites;
    };
    synced(5).but(values).sweep(0..20).must_find(TokenRegression);
    synced(5).sweep(0..20).must_never(TokenRegression);
}

#[test]
fn a_store_without_power_makes_a_holder_wait_for_longer_than_its_lease() {
    let sale = |lease_check| {
        with_faults(synced(5), &[FaultKind::PowerLoss]).but(|s| {
            s.shop.buyer.store_timeout = Duration::from_secs(10);
            s.shop.buyer.lease_check = lease_check;
        })
    };
    let found = sale(LeaseCheck::None).sweep(0..200).must_find(TwoHolders).shrunk_to(1);
    let left = found.scenario.faults.first().map(ToString::to_string);
    assert!(left.is_some_and(|fault| fault.starts_with("power-loss store")), "not a lock server");
    sale(LeaseCheck::Throughout).sweep(0..200).must_never(TwoHolders);
}
