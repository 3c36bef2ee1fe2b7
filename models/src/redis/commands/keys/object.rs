//! `OBJECT`: how a key is stored. Source: `object.c`.

use bytes::Bytes;

use crate::redis::engine::Data;
use crate::redis::keyspace::{Encoding, Origin, Value};
use crate::redis::number::parse_i64;
use crate::redis::resp::Reply;

/// Answers about a key that is there, which does not count as a use of it.
fn about(data: &mut Data, key: &Bytes, answer: impl FnOnce(&Data) -> Option<Reply>) -> Reply {
    let is_there = data.is_there_silently(key);
    is_there.then(|| answer(data)).flatten().unwrap_or(Reply::Nil)
}

/// `OBJECT ENCODING key`
pub(crate) fn encoding(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let key = &arguments[2];
    about(data, key, |data| {
        let (value, origin) = (data.keyspace.get(key)?, data.keyspace.origin(key)?);
        let name = Encoding::of(value, origin).as_str();
        Some(Reply::Bulk(Bytes::from_static(name.as_bytes())))
    })
}

/// `OBJECT REFCOUNT key`: small numbers are there once for all keys, and for ever.
///
/// Source: `server.h`, `OBJ_SHARED_INTEGERS` and `OBJ_SHARED_REFCOUNT`.
pub(crate) fn refcount(data: &mut Data, arguments: &[Bytes]) -> Reply {
    const SHARED: std::ops::Range<i64> = 0..10_000;
    const FOR_EVER: i64 = i32::MAX as i64;
    let key = &arguments[2];
    about(data, key, |data| {
        let is_shared = match data.keyspace.get(key)? {
            Value::String(string) => {
                data.keyspace.origin(key) == Some(Origin::Given)
                    && parse_i64(string).is_some_and(|number| SHARED.contains(&number))
            }
            Value::Hash(_) => false,
        };
        Some(Reply::Int(if is_shared { FOR_EVER } else { 1 }))
    })
}

/// `OBJECT IDLETIME key`: in seconds.
pub(crate) fn idletime(data: &mut Data, arguments: &[Bytes]) -> Reply {
    const NOT_TRACKED: Reply = Reply::error(
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when \
         switching between policies at runtime LRU and LFU data will take some time to adjust.",
    );
    let key = &arguments[2];
    about(data, key, |data| {
        let usage = data.keyspace.usage(key)?;
        Some(match data.tracker.counts_uses() {
            true => NOT_TRACKED,
            false => Reply::Int(i64::from(data.tracker.idle_s(usage))),
        })
    })
}

/// `OBJECT FREQ key`
pub(crate) fn freq(data: &mut Data, arguments: &[Bytes]) -> Reply {
    const NOT_TRACKED: Reply = Reply::error(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that \
         when switching between policies at runtime LRU and LFU data will take some time to adjust.",
    );
    let key = &arguments[2];
    about(data, key, |data| {
        let usage = data.keyspace.usage(key)?;
        Some(match data.tracker.counts_uses() {
            true => Reply::Int(i64::from(data.tracker.frequency(usage))),
            false => NOT_TRACKED,
        })
    })
}

/// `OBJECT HELP`
pub(crate) fn help(_: &mut Data, _: &[Bytes]) -> Reply {
    const LINES: [&str; 13] = [
        "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ENCODING <key>",
        "    Return the kind of internal representation used in order to store the value",
        "    associated with a <key>.",
        "FREQ <key>",
        "    Return the access frequency index of the <key>. The returned integer is",
        "    proportional to the logarithm of the recent access frequency of the key.",
        "IDLETIME <key>",
        "    Return the idle time of the <key>, that is the approximated number of",
        "    seconds elapsed since the last access to the key.",
        "REFCOUNT <key>",
        "    Return the number of references of the value associated with the specified",
        "    <key>.",
    ];
    let end = ["HELP", "    Prints this help."];
    Reply::Array(LINES.into_iter().chain(end).map(Reply::status).collect())
}
