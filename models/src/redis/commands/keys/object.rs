//! `OBJECT`: how a key is stored. Source: `object.c`, `objectCommand`.

use bytes::Bytes;

use crate::redis::engine::Data;
use crate::redis::keyspace::{Origin, Value};
use crate::redis::number::parse_i64;
use crate::redis::resp::Reply;

/// The longest string that lies in one piece with its object. Source: `object.c`,
/// `OBJ_ENCODING_EMBSTR_SIZE_LIMIT`.
const EMBEDDED_MAX_BYTES: usize = 44;

/// `OBJECT ENCODING key`
pub(crate) fn encoding(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let key = &arguments[2];
    data.expire_if_due(key);
    let name = match data.keyspace.get(key) {
        None => return Reply::Nil,
        Some(Value::Hash(hash)) if hash.is_list() => "listpack",
        Some(Value::Hash(_)) => "hashtable",
        Some(Value::String(string)) => match data.keyspace.origin(key) {
            Some(Origin::Given | Origin::Copied) if parse_i64(string).is_some() => "int",
            Some(Origin::Edited) => "raw",
            _ if string.len() <= EMBEDDED_MAX_BYTES => "embstr",
            _ => "raw",
        },
    };
    Reply::Bulk(Bytes::from_static(name.as_bytes()))
}

/// `OBJECT REFCOUNT key`: small numbers are there once for all keys, and for ever.
///
/// Source: `server.h`, `OBJ_SHARED_INTEGERS` and `OBJ_SHARED_REFCOUNT`; not so while `maxmemory`
/// is set with a policy that has to know when each key was used.
pub(crate) fn refcount(data: &mut Data, arguments: &[Bytes]) -> Reply {
    const SHARED: std::ops::Range<i64> = 0..10_000;
    const FOR_EVER: i64 = i32::MAX as i64;
    let key = &arguments[2];
    data.expire_if_due(key);
    match data.keyspace.get(key) {
        None => Reply::Nil,
        Some(Value::String(string))
            if data.keyspace.origin(key) == Some(Origin::Given)
                && parse_i64(string).is_some_and(|number| SHARED.contains(&number)) =>
        {
            Reply::Int(FOR_EVER)
        }
        Some(_) => Reply::Int(1),
    }
}

/// `OBJECT IDLETIME key`: in seconds. A number that all keys share would have been used when any of
/// them was; here each key counts for itself.
pub(crate) fn idletime(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let key = &arguments[2];
    data.expire_if_due(key);
    data.keyspace.idle_s(key).map_or(Reply::Nil, |idle_s| Reply::Int(i64::from(idle_s)))
}

/// `OBJECT FREQ key`: counted under no policy that is modelled.
pub(crate) fn freq(data: &mut Data, arguments: &[Bytes]) -> Reply {
    if !data.is_there(&arguments[2]) {
        return Reply::Nil;
    }
    Reply::error(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note \
         that when switching between policies at runtime LRU and LFU data will take some time to \
         adjust.",
    )
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
