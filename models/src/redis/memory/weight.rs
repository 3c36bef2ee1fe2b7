//! What keys weigh, in bytes of memory.
//!
//! Computed as Redis 7.0.15 allocates, from Debian's package (jemalloc 5.3, 64 bits): each piece is
//! rounded up to a size class of jemalloc. Compared with `MEMORY USAGE` and with `used_memory` of a
//! real server that was filled key by key.

use bytes::Bytes;

use crate::redis::keyspace::{Databases, Encoding, Hash, Keyspace, Origin, Value};
use crate::redis::number::parse_i64;

/// What a Redis without keys and clients has taken: `used_memory_startup` of `INFO memory`.
pub(crate) const EMPTY_SERVER_BYTES: u64 = 876_176;

/// One entry of a hash table. Source: `dict.h`, `dictEntry`: three words, in a class of 32 bytes.
const ENTRY_BYTES: u64 = 32;
/// Source: `server.h`, `redisObject`.
const OBJECT_BYTES: u64 = 16;
/// Source: `dict.h`, `struct dict`: 56 bytes, in a class of 64.
const DICT_BYTES: u64 = 64;

/// What a server with these keys has taken, by a count of all of them. Clients are left out, about
/// 18 kB each.
pub(crate) fn used_bytes(databases: &Databases) -> u64 {
    let keys: u64 = databases.iter().map(keys_bytes).sum();
    bytes_besides_keys(databases) + keys
}

/// What all keys of a database weigh.
fn keys_bytes(keyspace: &Keyspace) -> u64 {
    let key_bytes = |key: &Bytes| {
        let value = keyspace.get(key)?;
        Some(key_bytes(key, value, keyspace.expiry(key).is_some()))
    };
    keyspace.keys().filter_map(key_bytes).sum()
}

/// What a server takes when it is empty, and what the two tables of keys of each database do.
pub(crate) fn bytes_besides_keys(databases: &Databases) -> u64 {
    let tables =
        |keyspace: &Keyspace| table_bytes(keyspace.len()) + table_bytes(keyspace.volatile_len());
    EMPTY_SERVER_BYTES + databases.iter().map(tables).sum::<u64>()
}

/// What a key weighs with its value; without its share of the table of keys, which
/// [`table_bytes`] gives.
pub(crate) fn key_bytes(key: &[u8], value: &Value, has_expiry: bool) -> u64 {
    let expiry = if has_expiry { ENTRY_BYTES } else { 0 };
    ENTRY_BYTES + string_bytes(key.len()) + value_bytes(value) + expiry
}

/// The table of a dictionary with so many entries: a word for each, and a power of two of them.
///
/// Source: `dict.c`, `_dictNextPower`, `DICT_HT_INITIAL_SIZE`. Here it shrinks as it grew; Redis
/// shrinks it when it is nearly empty.
pub(crate) fn table_bytes(entries: usize) -> u64 {
    const INITIAL_BUCKETS: usize = 4;
    const BUCKET_BYTES: u64 = 8;
    match entries {
        0 => 0,
        entries => entries.next_power_of_two().max(INITIAL_BUCKETS) as u64 * BUCKET_BYTES,
    }
}

/// What `MEMORY USAGE` says of a key: of a table by its first fields, so many of them. It counts some structures
/// without the rest of their size class. In a cluster Redis says 16 more.
///
/// Source: `object.c`, `memoryCommand` and `objectComputeSize`. Redis takes the fields in the order of its tables; and
/// what it has set aside for a string that was appended to, it counts too, as both tables of a hash that grows.
pub(crate) fn usage_bytes(key: &[u8], value: &Value, origin: Origin, samples: usize) -> u64 {
    /// Source: `dict.h`: the sizes of `dictEntry` and `dict`.
    const ENTRY: u64 = 24;
    const DICT: u64 = 56;
    let value = match value {
        Value::String(text) => text_bytes(text, Encoding::of(value, origin)),
        Value::Hash(hash) if hash.is_list() => OBJECT_BYTES + hash_bytes(hash),
        Value::Hash(hash) => {
            let weight = |(field, value): (&Bytes, &Bytes)| {
                string_bytes(field.len()) + string_bytes(value.len()) + ENTRY
            };
            let seen = samples.min(hash.len()) as u64;
            let sum: u64 = hash.iter().take(samples).map(weight).sum();
            let fields = sum * hash.len() as u64 / seen.max(1);
            OBJECT_BYTES + DICT + table_bytes(hash.len()) + fields
        }
    };
    string_bytes(key.len()) + ENTRY + value
}

fn value_bytes(value: &Value) -> u64 {
    match value {
        // The account of all keys does not know where each comes from.
        Value::String(text) => text_bytes(text, Encoding::of(value, Origin::Given)),
        Value::Hash(hash) => OBJECT_BYTES + hash_bytes(hash),
    }
}

/// What a string takes that is stored so.
fn text_bytes(text: &Bytes, encoding: Encoding) -> u64 {
    match encoding {
        Encoding::Int => OBJECT_BYTES,
        // The object, a header of three bytes, the text, a zero byte.
        Encoding::EmbeddedString => allocated(OBJECT_BYTES + 3 + text.len() as u64 + 1),
        _ => OBJECT_BYTES + string_bytes(text.len()),
    }
}

fn hash_bytes(hash: &Hash) -> u64 {
    let words = || hash.iter().flat_map(|(field, value)| [field, value]);
    if hash.is_list() {
        // Source: `listpack.c`, `LP_HDR_SIZE` and the byte that ends it.
        allocated(6 + words().map(|word| listpack_entry_bytes(word)).sum::<u64>() + 1)
    } else {
        let strings: u64 = words().map(|word| string_bytes(word.len())).sum();
        DICT_BYTES + table_bytes(hash.len()) + hash.len() as u64 * ENTRY_BYTES + strings
    }
}

/// A header, the word, and how long both are, to be read backwards.
///
/// Source: `listpack.c`, `lpEncodeGetType` and `lpEncodeBacklen`.
fn listpack_entry_bytes(word: &[u8]) -> u64 {
    let encoded = match parse_i64(word) {
        Some(0..=127) => 1,
        Some(-4096..=4095) => 2,
        Some(-32_768..=32_767) => 3,
        Some(-8_388_608..=8_388_607) => 4,
        Some(-2_147_483_648..=2_147_483_647) => 5,
        Some(_) => 9,
        None if word.len() < 64 => 1 + word.len() as u64,
        None if word.len() < 4096 => 2 + word.len() as u64,
        None => 5 + word.len() as u64,
    };
    let length_bytes = match encoded {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    };
    encoded + length_bytes
}

/// A string of its own: a header, the text, a zero byte. Source: `sds.c`, `sdsReqType`.
fn string_bytes(length: usize) -> u64 {
    let header = match length {
        0 => 3,
        1..32 => 1,
        32..256 => 3,
        256..65_536 => 5,
        65_536..4_294_967_296 => 9,
        _ => 17,
    };
    allocated(header + length as u64 + 1)
}

/// The size class that an allocation falls into: 8, multiples of 16 up to 128, then four to each
/// doubling. Source: jemalloc's manual, "Size classes", for a quantum of 16 bytes.
fn allocated(bytes: u64) -> u64 {
    match bytes {
        0..=8 => 8,
        9..=128 => bytes.next_multiple_of(16),
        _ => {
            // Steps of a quarter of the power of two below.
            let power = 1 << (bytes - 1).ilog2();
            bytes.next_multiple_of(power / 4)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `MEMORY USAGE` counts 24 bytes for an entry that takes 32.
    const ENTRY_MISCOUNT: u64 = 8;

    fn string(key_length: usize, value: &str) -> u64 {
        let value = Value::String(Bytes::copy_from_slice(value.as_bytes()));
        key_bytes(&vec![b'k'; key_length], &value, false) - ENTRY_MISCOUNT
    }

    #[test]
    fn strings_weigh_what_memory_usage_says() {
        let recorded = [
            (1, 0, 64),
            (1, 10, 64),
            (1, 20, 80),
            (1, 32, 96),
            (1, 44, 96),
            (1, 45, 112),
            (1, 64, 128),
            (1, 100, 160),
            (1, 200, 272),
            (1, 500, 560),
            (1, 1000, 1072),
            (1, 5000, 5168),
            (5, 5, 64),
            (8, 5, 72),
            (16, 20, 104),
            (24, 64, 152),
            (31, 100, 200),
            (32, 0, 104),
            (40, 1000, 1112),
            (64, 45, 184),
            (100, 5000, 5272),
        ];
        for (key, value, bytes) in recorded {
            assert_eq!(string(key, &"v".repeat(value)), bytes, "key of {key}, value of {value}");
        }
        assert_eq!((string(1, "1"), string(1, "123456789012")), (48, 48), "a number");
    }

    #[test]
    fn the_same_digits_weigh_by_where_they_come_from() {
        let ten = Value::String(Bytes::from_static(b"10"));
        let weigh = |origin| usage_bytes(b"f", &ten, origin, 5);
        // Recorded: `SET f 10`, `INCRBYFLOAT f 10`, `SETBIT f 7 0` of what was there.
        let all = [Origin::Given, Origin::Printed, Origin::Edited];
        assert_eq!(all.map(weigh), [48, 64, 56]);
    }

    fn hash(
        fields: usize,
        field: impl Fn(usize) -> String,
        value: impl Fn(usize) -> String,
    ) -> u64 {
        let pairs = (0..fields).map(|at| (Bytes::from(field(at)), Bytes::from(value(at))));
        key_bytes(b"h", &Value::Hash(pairs.collect()), false) - ENTRY_MISCOUNT
    }

    #[test]
    fn hashes_weigh_what_memory_usage_says() {
        let recorded =
            [(1, 80), (2, 80), (5, 128), (10, 176), (100, 1328), (129, 1840), (200, 2608)];
        for (fields, bytes) in recorded {
            let seen = hash(fields, |at| format!("f{at:03}"), |at| format!("v{at:03}"));
            assert_eq!(seen, bytes, "{fields} fields");
        }
        assert_eq!(hash(1, |_| "f".to_owned(), |_| "v".repeat(64)), 128);
        // As a table, where `MEMORY USAGE` counts 24 bytes for 32 and 56 for 64 once more.
        assert_eq!(hash(1, |_| "f".to_owned(), |_| "v".repeat(65)) - 16, 248);
        assert_eq!(hash(1, |_| "f".to_owned(), |_| "v".repeat(100)) - 16, 280);
    }

    #[test]
    fn many_keys_weigh_what_used_memory_says() {
        let used = |keys: usize, has_expiry: bool| {
            let value = Value::String(Bytes::from("v".repeat(20)));
            let tables = table_bytes(keys) + if has_expiry { table_bytes(keys) } else { 0 };
            keys as u64 * key_bytes(b"key:000001", &value, has_expiry) + tables
        };
        for (keys, bytes) in [(1, 128), (2, 224), (4, 416), (64, 6656), (4096, 425_984)] {
            assert_eq!(used(keys, false), bytes, "{keys} keys");
        }
        for (keys, bytes) in [(1, 192), (2, 320), (4, 576), (64, 9216), (4096, 589_824)] {
            assert_eq!(used(keys, true), bytes, "{keys} keys that expire");
        }
    }
}
