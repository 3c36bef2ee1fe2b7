//! Which keys go, and what is refused.

use proptest::prelude::*;

use super::*;
use crate::redis::engine::{Change, Engine};
use crate::time::Wall;

/// An engine whose memory has a limit.
struct Bench {
    engine: Engine,
    memory: Memory,
    now_s: u64,
}

impl Bench {
    /// Room for so many bytes besides what an empty server takes.
    fn new(room_bytes: u64, policy: MaxmemoryPolicy) -> Self {
        let settings = RedisSettings {
            maxmemory_bytes: EMPTY_SERVER_BYTES + room_bytes,
            maxmemory_policy: policy,
            ..RedisSettings::default()
        };
        let mut engine = Engine::default();
        engine.data.tracker.set(&settings);
        let memory = Memory::new(&settings, &mut engine.data, &mut Random::new(1, 1));
        Self { engine, memory, now_s: 1_000_000 }
    }

    fn now(&self) -> Wall {
        Wall::from_nanos(self.now_s * 1_000_000_000)
    }

    fn run(&mut self, line: &str) {
        let now = self.now();
        let words: Vec<_> =
            line.split(' ').map(|it| Bytes::copy_from_slice(it.as_bytes())).collect();
        self.engine.execute(&words, now);
        self.memory.follow(&mut self.engine.data);
    }

    fn make_room(&mut self) -> bool {
        self.engine.set_wall(self.now());
        self.memory.make_room(&mut self.engine.data)
    }

    /// Makes room; gives what had to go.
    fn evicted(&mut self) -> Vec<String> {
        self.engine.take_changes();
        assert!(self.make_room());
        let evicted = self.engine.take_changes().map(|change| match change {
            Change::Evicted { key } => String::from_utf8_lossy(&key).into_owned(),
            other => panic!("{other:?}"),
        });
        evicted.collect()
    }
}

/// Ten keys of 102 bytes, in tables of 128, where there is room for nine.
const ROOM_FOR_NINE: u64 = 9 * 112 + 128;

fn fill(bench: &mut Bench, ending: &str) {
    for number in 0..10 {
        bench.run(&format!("SET key:{number} {}{ending}", "v".repeat(40)));
        bench.now_s += 1;
    }
}

#[test]
fn the_key_that_was_used_least_lately_goes() {
    let mut bench = Bench::new(ROOM_FOR_NINE, MaxmemoryPolicy::AllKeysLru);
    // All are sampled, so that the choice is exact.
    bench.memory.samples = 10;
    fill(&mut bench, "");
    bench.run("GET key:0");
    assert_eq!(bench.evicted(), ["key:1"]);
    assert_eq!(bench.evicted(), [""; 0], "there is room");
    bench.run("TTL key:2");
    bench.run("EXISTS key:2");
    bench.run("TYPE key:2");
    bench.run("SET new vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv");
    assert_eq!(bench.evicted(), ["key:2"], "to ask about a key is not to use it");
}

#[test]
fn the_key_that_was_used_least_often_goes() {
    let mut bench = Bench::new(ROOM_FOR_NINE, MaxmemoryPolicy::AllKeysLfu);
    bench.memory.samples = 10;
    fill(&mut bench, "");
    for number in [0, 1, 2, 3, 4, 6, 7, 8, 9] {
        (0..50).for_each(|_| bench.run(&format!("GET key:{number}")));
    }
    assert_eq!(bench.evicted(), ["key:5"]);
}

#[test]
fn the_key_that_expires_first_goes() {
    let mut bench = Bench::new(ROOM_FOR_NINE, MaxmemoryPolicy::VolatileTtl);
    bench.memory.samples = 10;
    fill(&mut bench, "");
    bench.run("EXPIRE key:3 500");
    bench.run("EXPIRE key:7 400");
    assert_eq!(bench.evicted()[0], "key:7");
}

#[test]
fn a_policy_for_keys_that_expire_leaves_the_others_alone() {
    use MaxmemoryPolicy::{VolatileLfu, VolatileLru, VolatileRandom, VolatileTtl};
    for policy in [VolatileLru, VolatileLfu, VolatileRandom, VolatileTtl] {
        let mut bench = Bench::new(ROOM_FOR_NINE, policy);
        fill(&mut bench, "");
        assert!(!bench.make_room(), "{policy:?}");
        bench.run("EXPIRE key:4 500");
        assert_eq!(bench.evicted(), ["key:4"], "{policy:?}");
    }
}

#[test]
fn any_key_may_go() {
    let mut first = Vec::new();
    for seed in 0..40 {
        let mut bench = Bench::new(ROOM_FOR_NINE, MaxmemoryPolicy::AllKeysRandom);
        bench.memory.random = Random::new(seed, 1);
        fill(&mut bench, "");
        first.extend(bench.evicted());
    }
    first.sort();
    first.dedup();
    assert!(first.len() > 7, "{first:?}");
}

#[test]
fn the_worst_key_of_all_databases_goes() {
    let mut bench = Bench::new(ROOM_FOR_NINE - 32 - 128, MaxmemoryPolicy::AllKeysLru);
    bench.memory.samples = 10;
    for number in 0..10 {
        bench.run(&format!("SELECT {}", number % 3));
        bench.run(&format!("SET key:{number} {}", "v".repeat(40)));
        bench.now_s += 1;
    }
    let evicted = bench.evicted();
    let oldest: Vec<String> = (0..evicted.len()).map(|number| format!("key:{number}")).collect();
    assert!(evicted == oldest && evicted.len() > 1, "{evicted:?}");
}

#[test]
fn where_any_key_will_do_each_database_gives_one_in_turn() {
    let mut bench = Bench::new(0, MaxmemoryPolicy::AllKeysRandom);
    for database in [0, 4, 15] {
        bench.run(&format!("SELECT {database}"));
        bench.run(&format!("SET a{database} v"));
        bench.run(&format!("SET b{database} v"));
    }
    let databases: Vec<String> = bench.evicted().into_iter().map(|key| key[1..].into()).collect();
    // The first is the one after the first: `next_db` is counted up before it is looked at.
    assert_eq!(databases, ["4", "15", "0", "4", "15", "0"]);
}

#[test]
fn nothing_goes_without_a_policy_or_without_need() {
    let mut bench = Bench::new(ROOM_FOR_NINE, MaxmemoryPolicy::NoEviction);
    fill(&mut bench, "");
    assert!(!bench.make_room());
    bench.run("DEL key:0");
    assert!(bench.make_room());
    assert_eq!(bench.engine.data.keyspace.len(), 9);
}

proptest! {
    /// However the keys came to be as they are, the sum is that of a fresh count.
    #[test]
    fn the_sum_is_always_right(
        steps in prop::collection::vec((0..11_usize, 0..4_u8, 0..120_usize), 0..80)
    ) {
        let mut bench = Bench::new(1 << 30, MaxmemoryPolicy::AllKeysLfu);
        for (what, key, length) in steps {
            let value = "v".repeat(length + 1);
            bench.run(&match what {
                0 => format!("SET {key} {value}"),
                1 => format!("SET {key} {value} PX {}", length + 1),
                2 => format!("APPEND {key} {value}"),
                3 => format!("HSET h{key} f{length} {value}"),
                4 => format!("HDEL h{key} f{length}"),
                5 => format!("PERSIST {key}"),
                6 => format!("DEL {key} h{key}"),
                7 if length == 0 => "FLUSHALL".to_owned(),
                7 if length == 1 => "FLUSHDB".to_owned(),
                8 => format!("SELECT {key}"),
                9 => format!("MOVE {key} {}", length % 3),
                10 => format!("SWAPDB {key} {}", length % 4),
                _ => format!("GETDEL {key}"),
            });
            bench.now_s += length as u64 % 3;
        }
        let data = &bench.engine.data;
        prop_assert_eq!(bench.memory.used_bytes(data), used_bytes(&data.keyspace));
        for database in Database::all() {
            let ledger = &mut bench.memory.ledgers[database.place()];
            let mut sample = ledger.sample(99, &mut Random::new(1, 1)).to_vec();
            sample.sort();
            let keys = data.keyspace.of(database).keys();
            prop_assert!(sample.iter().eq(keys), "each key once");
        }
    }
}
