//! What is written is what is read.

use std::collections::BTreeSet;
use std::time::Duration;

use fencepost_faults::{FaultKind, RandomFaults};
use fencepost_models::locks::set_nx::SetNxSettings;
use fencepost_models::note::Name;
use fencepost_models::random::Random;
use fencepost_models::redis::server::{MaxmemoryPolicy, Persistence, RedisSettings};
use fencepost_models::shop::Fencing;
use fencepost_models::shop::buyer::BuyerSettings;
use proptest::prelude::*;

use crate::judge::ViolationKind;
use crate::scenario::{Backend, LinkSettings, NetworkSettings, Recipe, Scenario, Shop};
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

fn backend() -> impl Strategy<Value = Backend> {
    let persistence = prop::sample::select(Persistence::ALL.map(|(_, it)| it).to_vec());
    let policy = prop::sample::select(MaxmemoryPolicy::ALL.map(|(_, it)| it).to_vec());
    let settings = (1..=500_u32, persistence, 0..=1_u64 << 40, policy, 1..=64_u32).prop_map(
        |(hz, persistence, maxmemory_bytes, maxmemory_policy, maxmemory_samples)| RedisSettings {
            hz,
            persistence,
            maxmemory_bytes,
            maxmemory_policy,
            maxmemory_samples,
        },
    );
    prop_oneof![Just(RedisSettings::default()), settings].prop_map(Backend::Redis)
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let set_nx = (milliseconds(), duration(), duration(), duration(), "\\PC{0,8}\\w\\PC{0,8}")
        .prop_map(|(ttl, poll, poll_jitter, timeout, key)| {
            let key = Name::from(key.as_str());
            Recipe::SetNx(SetNxSettings { key, ttl, poll, poll_jitter, timeout })
        });
    let default = Just(Recipe::SetNx(SetNxSettings::default()));
    prop_oneof![Just(Recipe::None), Just(Recipe::ConditionalUpdate), default, set_nx]
}

fn shop() -> impl Strategy<Value = Shop> {
    let fencing =
        prop::sample::select(vec![Fencing::Off, Fencing::Writes, Fencing::ReadsAndWrites]);
    let buyer = (range(), range(), duration())
        .prop_map(|(work, browse, store_timeout)| BuyerSettings { work, browse, store_timeout });
    let buyer = prop_oneof![Just(BuyerSettings::default()), buyer];
    (0..100_000_u64, 2..=20_u16, fencing, buyer).prop_map(|(stock, buyers, fencing, buyer)| Shop {
        stock,
        buyers,
        fencing,
        buyer,
    })
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
    let link = (latency(), any::<bool>()).prop_map(|(latency, back)| {
        let (from, to) = if back { ("store", "buyer-2") } else { ("buyer-1", "store") };
        LinkSettings { from: from.to_owned(), to: to.to_owned(), latency }
    });
    let latency = prop_oneof![Just(NetworkSettings::default().latency), latency()];
    (latency, proptest::collection::vec(link, 0..3))
        .prop_map(|(latency, links)| NetworkSettings { latency, links })
}

fn random_faults() -> impl Strategy<Value = RandomFaults> {
    (prop::sample::subsequence(FaultKind::ALL.to_vec(), 1..=11), 0..=100_u32)
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
        backend in prop::option::of(backend()),
        (lock, shop, network) in (recipe(), shop(), network()),
        (faults_seed, count) in (any::<u64>(), 0..8_u32),
        (random_faults, limits) in (prop::option::of(random_faults()), limits()),
        expect in prop::option::of(prop::sample::subsequence(ViolationKind::ALL.to_vec(), 0..=3)),
    ) -> Scenario {
        let fits = lock.fits(backend.as_ref());
        let backend = if fits { backend } else { Some(Backend::Redis(RedisSettings::default())) };
        let expect = expect.map(BTreeSet::from_iter);
        let duration = Duration::from_millis(duration);
        let mut scenario = Scenario {
            title, explain, seed, duration, backend, lock, shop, network,
            faults: Vec::new(), random_faults, limits, expect,
        };
        let some = RandomFaults { kinds: FaultKind::ALL.to_vec(), max: count };
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
