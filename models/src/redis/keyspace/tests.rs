//! The list of keys that expire beside the keys.

use proptest::prelude::*;

use super::*;

fn key(number: u8) -> Bytes {
    Bytes::from(vec![b'k', number])
}

proptest! {
    /// Against the plainest model there is: a map of expiries.
    #[test]
    fn the_list_of_keys_that_expire_is_always_right(
        steps in prop::collection::vec((0..6_u8, 0..6_u8, 0..100_i64), 0..60)
    ) {
        let mut keyspace = Keyspace::default();
        let mut model: BTreeMap<Bytes, Option<i64>> = BTreeMap::new();
        let (mut random, tracker) = (Random::new(1, 1), Tracker::default());
        for (what, number, at_ms) in steps {
            let key = key(number);
            match what {
                0 => {
                    let expiry = keyspace.set(&key, Value::default(), &tracker);
                    prop_assert_eq!(expiry, *model.entry(key).or_default());
                }
                1 => {
                    let there = keyspace.set_expiry(&key, at_ms);
                    prop_assert_eq!(there, model.contains_key(&key));
                    model.entry(key).and_modify(|expiry| *expiry = Some(at_ms));
                }
                2 => {
                    let had = model.get_mut(&key).and_then(Option::take).is_some();
                    prop_assert_eq!(keyspace.persist(&key), had);
                }
                3 => prop_assert_eq!(keyspace.remove(&key), model.remove(&key).is_some()),
                4 => {
                    let expires_at_ms = (at_ms % 2 == 0).then_some(at_ms);
                    keyspace.replace(&key, Value::default(), expires_at_ms, &tracker);
                    model.insert(key, expires_at_ms);
                }
                _ => {
                    let sample = keyspace.sample_volatile(usize::from(number), &mut random);
                    let mut distinct = sample.to_vec();
                    distinct.sort();
                    distinct.dedup();
                    prop_assert_eq!(distinct.len(), sample.len());
                }
            }
            let expiring = model.values().flatten().count();
            prop_assert_eq!(keyspace.volatile_len(), expiring);
            prop_assert_eq!(keyspace.len(), model.len());
            for (key, expiry) in &model {
                prop_assert_eq!(keyspace.expiry(key), *expiry);
            }
            let all = keyspace.clone().sample_volatile(99, &mut random);
            prop_assert!(all.iter().all(|key| model[key].is_some()));
            prop_assert_eq!(all.len(), expiring);
        }
    }
}
