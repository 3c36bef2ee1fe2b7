//! A smaller cast, and a shorter play: fewer buyers and servers, less to sell, less time.

use std::time::Duration;

use super::Smallest;
use crate::scenario::{Backend, Scenario};

/// Makes everything as small as it can be.
pub fn smaller(smallest: &mut Smallest) -> bool {
    let is_without_load = smallest.scenario.load.is_some() && {
        let scenario = smallest.scenario.clone().but(|s| s.load = None);
        smallest.try_out(scenario)
    };
    NUMBERS.iter().fold(is_without_load, |is_smaller, number| number.shrink(smallest) || is_smaller)
}

/// A number of a scenario.
struct Number {
    /// No less than that: with fewer it would be something else.
    least: u64,
    get: fn(&Scenario) -> u64,
    set: fn(&mut Scenario, u64),
}

const NUMBERS: [Number; 8] = [
    Number {
        least: 1,
        get: |scenario| scenario.duration.as_secs(),
        set: |scenario, seconds| scenario.duration = Duration::from_secs(seconds),
    },
    Number {
        least: 1,
        get: |scenario| u64::from(scenario.shop.buyers),
        set: |scenario, buyers| {
            scenario.shop.buyers = small(buyers);
            if let Some(Backend::Memory { processes }) = &mut scenario.backend {
                *processes = (*processes).min(small(buyers));
            }
        },
    },
    Number {
        least: 1,
        get: |scenario| match &scenario.backend {
            Some(Backend::RedisSentinel(group)) => u64::from(group.sentinels),
            _ => 0,
        },
        set: |scenario, sentinels| {
            if let Some(Backend::RedisSentinel(group)) = &mut scenario.backend {
                group.sentinels = small(sentinels);
                group.quorum = group.quorum.min(u32::from(group.sentinels));
            }
        },
    },
    Number {
        least: 1,
        get: |scenario| {
            scenario.backend.as_ref().map_or(0, |backend| u64::from(backend.replicas()))
        },
        set: |scenario, replicas| match &mut scenario.backend {
            Some(Backend::RedisSentinel(group)) => group.replicas = small(replicas),
            Some(Backend::RedisCluster(cluster)) => cluster.replicas = small(replicas),
            _ => {}
        },
    },
    Number {
        least: 1,
        get: |scenario| match &scenario.backend {
            Some(Backend::RedisCluster(cluster)) => u64::from(cluster.masters),
            _ => 0,
        },
        set: |scenario, masters| {
            if let Some(Backend::RedisCluster(cluster)) = &mut scenario.backend {
                cluster.masters = small(masters);
            }
        },
    },
    Number {
        // The least of which some may be down, and a majority is left.
        least: 3,
        get: |scenario| match &scenario.backend {
            Some(Backend::RedisIndependent(group)) => u64::from(group.servers),
            Some(Backend::ZooKeeper(ensemble)) => u64::from(ensemble.servers),
            _ => 0,
        },
        set: |scenario, servers| match &mut scenario.backend {
            Some(Backend::RedisIndependent(group)) => group.servers = small(servers),
            Some(Backend::ZooKeeper(ensemble)) => ensemble.servers = small(servers),
            _ => {}
        },
    },
    Number {
        least: 1,
        get: |scenario| match &scenario.backend {
            Some(Backend::Memory { processes }) => u64::from(*processes),
            _ => 0,
        },
        set: |scenario, number| {
            if let Some(Backend::Memory { processes }) = &mut scenario.backend {
                *processes = small(number);
            }
        },
    },
    Number {
        least: 1,
        get: |scenario| scenario.shop.stock,
        set: |scenario, stock| scenario.shop.stock = stock,
    },
];

/// What is tried first is smaller than what it replaces.
fn small(number: u64) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

impl Number {
    /// Tries smaller numbers, the smallest first, in steps that get wider.
    fn shrink(&self, smallest: &mut Smallest) -> bool {
        let now = (self.get)(&smallest.scenario);
        let numbers = (0_u32..20).flat_map(|power| {
            [1, 2, 3, 4, 5, 6, 8].map(|step| 10_u64.pow(power).saturating_mul(step))
        });
        let mut smaller =
            numbers.skip_while(|number| *number < self.least).take_while(|number| *number < now);
        smaller.any(|number| {
            let scenario = smallest.scenario.clone().but(|s| (self.set)(s, number));
            smallest.try_out(scenario)
        })
    }
}
