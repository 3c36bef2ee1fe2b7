//! What is written is what is read.

mod recipes;

use std::collections::BTreeSet;
use std::time::Duration;

use fencepost_faults::{FaultKind, RandomFaults};
use fencepost_models::load::LoadSettings;
use fencepost_models::note::Name;
use fencepost_models::random::Random;
use fencepost_models::redis::cluster::ClusterSettings;
use fencepost_models::redis::server::{
    EventClasses, MaxmemoryPolicy, Persistence, RedisSettings, ReplicationSettings,
};
use fencepost_models::shop::buyer::{BuyerSettings, LeaseCheck};
use fencepost_models::shop::{Fencing, Orders};
use proptest::prelude::*;

use self::recipes::recipe;
use crate::judge::ViolationKind;
use crate::scenario::{
    Backend, LinkSettings, NetworkSettings, Recipe, RedisCluster, RedisIndependent, RedisSentinel,
    Scenario, Shop, ZooKeeper,
};
use crate::world::{Latency, Limits};

fn duration() -> impl Strategy<Value = Duration> {
    let unit = prop::sample::select(vec![1, 1_000, 1_000_000, 1_000_000_000, 3_600_000_000_000]);
    (1..10_000_u64, unit).prop_map(|(count, unit)| Duration::from_nanos(count * unit))
}

fn milliseconds() -> impl Strategy<Value = Duration> {
    (1..1_000_000_u64).prop_map(Duration::from_millis)
}

fn range() -> impl Strategy<Value = (Duration, Duration)> {
    (duration(), duration()).prop_map(|(one, other)| (one.min(other), one.max(other)))
}

fn redis() -> impl Strategy<Value = RedisSettings> {
    let persistence = prop::sample::select(Persistence::ALL.map(|(_, it)| it).to_vec());
    let policy = prop::sample::select(MaxmemoryPolicy::ALL.map(|(_, it)| it).to_vec());
    let int = i32::MAX.cast_unsigned();
    let memory = (0..=1_u64 << 40, policy, 1..=int);
    let others = ("[Ag$lshzxeKEtmdn]{0,6}", 0..=int, any::<bool>());
    let settings = (1..=500_u32, persistence, memory, others).prop_map(
        |(hz, persistence, memory, (letters, timeout_s, enable_debug_command))| RedisSettings {
            hz,
            persistence,
            maxmemory_bytes: memory.0,
            maxmemory_policy: memory.1,
            maxmemory_samples: memory.2,
            notify_keyspace_events: EventClasses::parse(&letters).expect("are classes"),
            timeout_s,
            enable_debug_command,
            ..RedisSettings::default()
        },
    );
    prop_oneof![Just(RedisSettings::default()), settings]
}

fn name() -> impl Strategy<Value = Name> {
    "\\PC{0,8}\\w\\PC{0,8}".prop_map(|name| Name::from(name.as_str()))
}

/// A backend that the recipe fits, with no more processes than buyers.
fn backend_for(lock: &Recipe, redis: RedisSettings, choice: usize, buyers: u16) -> Option<Backend> {
    let processes = 1 + u16::try_from(choice).unwrap_or(0) % buyers;
    let group = RedisSentinel {
        redis: RedisSettings {
            replication: ReplicationSettings {
                sync_delay_s: 7,
                min_replicas_to_write: 2,
                read_only: false,
                ..redis.replication
            },
            ..redis
        },
        replicas: 1 + processes,
        sentinels: processes,
        quorum: 1,
        down_after: Duration::from_millis(1 + choice as u64),
        ..RedisSentinel::default()
    };
    let cluster = RedisCluster {
        masters: 1 + processes,
        replicas: 2,
        cluster: ClusterSettings {
            node_timeout: Duration::from_millis(1 + choice as u64),
            require_full_coverage: false,
            replica_validity_factor: 3,
            ..ClusterSettings::default()
        },
        redis: group.redis,
        moves_slot_after: Some(Duration::from_secs(choice as u64)),
    };
    let independent = RedisIndependent {
        redis,
        servers: 1 + processes,
        restart_delay: Duration::from_secs(choice as u64),
    };
    let ensemble = ZooKeeper {
        servers: 1 + processes,
        tick: Duration::from_millis(1 + choice as u64),
        init_limit: 1 + u32::from(processes),
        sync_limit: 1 + choice as u32,
        logs_before_ack: choice.is_multiple_of(2),
    };
    let mut all = vec![
        None,
        Some(Backend::ZooKeeper(ensemble)),
        Some(Backend::RedisIndependent(independent)),
        Some(Backend::RedisCluster(cluster)),
        Some(Backend::Redis(redis)),
        Some(Backend::RedisSentinel(group)),
        Some(Backend::Memory { processes }),
    ];
    all.retain(|backend| lock.fits(backend.as_ref()));
    all.swap_remove(choice % all.len())
}

fn shop() -> impl Strategy<Value = Shop> {
    let fencing =
        prop::sample::select(vec![Fencing::Off, Fencing::Writes, Fencing::ReadsAndWrites]);
    let buyer = prop_oneof![Just(BuyerSettings::default()), buyer()];
    let opens = prop::option::of(duration());
    (0..100_000_u64, 2..=20_u16, fencing, any::<bool>(), opens, buyer).prop_map(
        |(stock, buyers, fencing, order_id, opens, buyer)| Shop {
            stock,
            buyers,
            fencing,
            order_id,
            opens,
            buyer,
        },
    )
}

fn buyer() -> impl Strategy<Value = BuyerSettings> {
    let checks = prop::sample::select(vec![
        LeaseCheck::None,
        LeaseCheck::BeforeWrite,
        LeaseCheck::Throughout,
    ]);
    let orders =
        prop::sample::select(vec![Orders::WithStock, Orders::AfterStock, Orders::BeforeStock]);
    (range(), range(), duration(), 0..=1_000_u32, checks, orders, any::<bool>()).prop_map(
        |(work, browse, store_timeout, retries, lease_check, orders, reenters)| BuyerSettings {
            work,
            browse,
            store_timeout,
            retries,
            lease_check,
            orders,
            reenters,
        },
    )
}

fn load() -> impl Strategy<Value = Option<LoadSettings>> {
    let load = (1..=100_000_u32, 0..=16_u32 << 20)
        .prop_map(|(keys_per_second, value_bytes)| LoadSettings { keys_per_second, value_bytes });
    prop::option::of(load)
}

fn latency() -> impl Strategy<Value = Latency> {
    prop_oneof![
        duration().prop_map(Latency::Fixed),
        range().prop_map(|(min, max)| Latency::Uniform { min, max }),
        (duration(), duration())
            .prop_map(|(min, mean_rest)| Latency::Exponential { min, mean_rest }),
        (range(), range(), 1..u64::MAX >> 1).prop_map(
            |((min, max), (spike_min, spike_max), one_in)| {
                Latency::Spiky { min, max, spike_min, spike_max, one_in }
            }
        ),
    ]
}

fn network() -> impl Strategy<Value = NetworkSettings> {
    // The nodes that buyers are on depend on the backend: they get their names at the end.
    let link = (latency(), any::<bool>()).prop_map(|(latency, back)| {
        let (from, to) = if back { ("store", "") } else { ("", "store") };
        LinkSettings { from: from.to_owned(), to: to.to_owned(), latency }
    });
    let latency = prop_oneof![Just(NetworkSettings::default().latency), latency()];
    (latency, proptest::collection::vec(link, 0..3))
        .prop_map(|(latency, links)| NetworkSettings { latency, links })
}

fn random_faults() -> impl Strategy<Value = RandomFaults> {
    (prop::sample::subsequence(FaultKind::ALL.to_vec(), 1..=12), 0..=100_u32)
        .prop_map(|(kinds, max)| RandomFaults { kinds, max })
}

fn limits() -> impl Strategy<Value = Limits> {
    let limits = (1..1_000_000_000_u64, 20..1_000_000_u64, 1_u64 << 20..1 << 34).prop_map(
        |(events, simulated, memory)| Limits {
            events,
            simulated: Duration::from_secs(simulated),
            memory,
        },
    );
    prop_oneof![Just(Limits::default()), limits]
}

prop_compose! {
    fn scenario()(
        (title, explain, seed) in ("[^\\p{Cc}]{0,20}x", any::<String>(), any::<u64>()),
        duration in 1..20_000_u64,
        (redis, choice) in (redis(), 0..10_usize),
        (lock, shop, load, network) in (recipe(), shop(), load(), network()),
        (faults_seed, count) in (any::<u64>(), 0..8_u32),
        (random_faults, limits) in (prop::option::of(random_faults()), limits()),
        stuck_after in prop::option::of(milliseconds()),
        expect in prop::option::of(prop::sample::subsequence(ViolationKind::ALL.to_vec(), 0..=6)),
    ) -> Scenario {
        let backend = backend_for(&lock, redis, choice, shop.buyers);
        let load = load.filter(|_| backend.as_ref().is_some_and(Backend::takes_load));
        let mut expect: Option<BTreeSet<_>> = expect.map(BTreeSet::from_iter);
        let duration = Duration::from_millis(duration);
        let stuck_after = stuck_after.filter(|bound| *bound >= lock.free_again_after());
        let recovery = backend.as_ref().map(Backend::recovers_after).unwrap_or_default();
        if stuck_after.unwrap_or_else(|| lock.stuck_after() + recovery) >= duration
            && let Some(kinds) = &mut expect
        {
            kinds.remove(&ViolationKind::StuckLock);
        }
        let mut scenario = Scenario {
            title, explain, seed, duration, backend, lock, shop, load, network,
            faults: Vec::new(), random_faults, limits, stuck_after, invariants: Vec::new(), expect,
        };
        let some = RandomFaults { kinds: FaultKind::ALL.to_vec(), max: count };
        let client = scenario.client_names().swap_remove(0);
        for link in &mut scenario.network.links {
            let place = if link.from.is_empty() { &mut link.from } else { &mut link.to };
            place.clone_from(&client);
        }
        scenario.faults = some.draw(&mut Random::new(faults_seed, 0), &scenario.stage());
        scenario
    }
}

proptest! {
    #[test]
    fn a_scenario_survives_toml(scenario in scenario()) {
        let text = scenario.to_toml();
        match Scenario::from_toml("law.toml", &text) {
            Ok(read) => prop_assert_eq!(read, scenario, "{}", text),
            Err(error) => prop_assert!(false, "{:#?}\n{}", error.problems(), text),
        }
    }
}
