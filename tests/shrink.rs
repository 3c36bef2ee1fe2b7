//! A violating run shrinks to what it needs: from plans of ten faults, two or fewer in nine of ten cases.
//!
//! `cargo test --release -p fencepost-stories --test shrink -- --nocapture` prints how many are left of each.

use std::time::Duration;

use fencepost::claim::Claims as _;
use fencepost::judge::ViolationKind::{Oversell, TwoHolders};
use fencepost::scenario::{Backend, RedisCluster, RedisSentinel, Scenario};
use fencepost::shrink::Shrink;
use fencepost_faults::RandomFaults;
use fencepost_models::redis::cluster::ClusterSettings;
use fencepost_models::redis::server::RedisSettings;
use rayon::prelude::*;

/// So many cases on each backend.
const CASES: usize = 10;

/// A sale under that many faults of all kinds.
fn sale(backend: Backend) -> Scenario {
    const FAULTS: u32 = 10;
    Scenario::default().but(|s| {
        s.backend = Some(backend);
        s.shop.stock = 20;
        s.shop.buyers = 3;
        s.shop.buyer.work = (Duration::from_millis(100), Duration::from_secs(1));
        let kinds = s.stage().kinds();
        s.random_faults = Some(RandomFaults { kinds, max: FAULTS });
    })
}

fn backends() -> [Backend; 3] {
    let node_timeout = Duration::from_secs(5);
    let cluster = ClusterSettings { node_timeout, ..ClusterSettings::default() };
    [
        Backend::Redis(RedisSettings::default()),
        Backend::RedisSentinel(RedisSentinel {
            down_after: node_timeout,
            ..RedisSentinel::default()
        }),
        Backend::RedisCluster(RedisCluster { cluster, ..RedisCluster::default() }),
    ]
}

/// The first seeds under which exactly ten faults are drawn and something is violated.
fn cases(sale: &Scenario) -> Vec<u64> {
    let draws_ten = |seed: &u64| sale.plan(*seed).len() == 10;
    let violates = |seed: &u64| !sale.run(*seed).expect("runs").verdict.violations.is_empty();
    (0..).filter(draws_ten).filter(violates).take(CASES).collect()
}

#[test]
fn two_faults_or_fewer_are_left_of_ten() {
    let left: Vec<(String, usize, u32)> = backends()
        .into_par_iter()
        .flat_map(|backend| {
            let sale = sale(backend);
            cases(&sale).into_par_iter().map(move |seed| (sale.clone(), seed))
        })
        .map(|(sale, seed)| {
            let shrunk =
                Shrink::new(sale.clone(), seed).carry_out().expect("runs").expect("violates");
            assert_eq!(shrunk.faults_before, 10);
            let backend = sale.backend.map_or("none", |backend| backend.as_str());
            let what = format!("{backend}, seed {seed}, {}", shrunk.kind);
            (what, shrunk.scenario.faults.len(), shrunk.runs)
        })
        .collect();
    for (what, faults, runs) in &left {
        println!("{what}: {faults} left of 10, after {runs} runs");
    }
    let small = left.iter().filter(|(_, faults, _)| *faults <= 2).count();
    assert!(small * 10 >= left.len() * 9, "only {small} of {}: {left:?}", left.len());
}

#[test]
fn a_failover_alone_can_hand_one_lock_to_two_holders() {
    let [_, sentinels, _] = backends();
    let found = sale(sentinels).sweep(0..300).must_find(TwoHolders).shrunk_to(2);
    assert!(found.outcome.verdict.max_holders >= 2);
    assert_eq!(found.scenario.shop.buyers, 2, "it takes two");
}

#[test]
fn a_found_oversell_is_small_enough_to_read() {
    let [redis, ..] = backends();
    let found = sale(redis).sweep(0..300).must_find(Oversell).shrunk_to(2);
    insta::assert_snapshot!(found.timeline());
}
