//! Values on their way from one server to another: `RESTORE`, and what `MIGRATE` sends.
//!
//! A value is written as a command that would make it, in the protocol; Redis has a binary format of its
//! own with a checksum (`DUMP`). Source: `cluster.c`, `restoreCommand`, `migrateCommand`.

use bytes::Bytes;

use crate::redis::commands::{SYNTAX_ERROR, integer, is_option};
use crate::redis::engine::Data;
use crate::redis::keyspace::{Hash, ListLimits, Value};
use crate::redis::resp::{CommandDecoder, Reply, encode_command};

const BUSY: Reply = Reply::error("BUSYKEY Target key name already exists.");
const BAD_FORMAT: Reply = Reply::error("ERR Bad data format");

/// A value as it is sent.
pub(crate) fn dump(value: &Value) -> Bytes {
    let words: Vec<Bytes> = match value {
        Value::String(value) => vec![Bytes::from_static(b"string"), value.clone()],
        Value::Hash(hash) => {
            let fields = hash.iter().flat_map(|(field, value)| [field.clone(), value.clone()]);
            std::iter::once(Bytes::from_static(b"hash")).chain(fields).collect()
        }
    };
    let mut bytes = Vec::new();
    encode_command(&words, &mut bytes);
    bytes.into()
}

fn load(payload: &[u8], limits: ListLimits) -> Option<Value> {
    let mut decoder = CommandDecoder::default();
    decoder.feed(payload);
    let words = decoder.next_command().ok()??;
    match &words[..] {
        [kind, value] if &kind[..] == b"string" => Some(Value::String(value.clone())),
        [kind, fields @ ..] if &kind[..] == b"hash" && !fields.is_empty() => {
            let (pairs, []) = fields.as_chunks::<2>() else { return None };
            let mut hash = Hash::default();
            for [field, value] in pairs {
                hash.insert(field.clone(), value.clone(), limits);
            }
            Some(Value::Hash(hash))
        }
        _ => None,
    }
}

/// `RESTORE key ttl value [REPLACE] [ABSTTL]`, and `RESTORE-ASKING`, which a server in a cluster takes
/// for a slot that is on its way to it.
pub(in crate::redis::commands) fn restore(data: &mut Data, arguments: &[Bytes]) -> Reply {
    match try_restore(data, arguments) {
        Ok(()) => Reply::OK,
        Err(error) => error,
    }
}

fn try_restore(data: &mut Data, arguments: &[Bytes]) -> Result<(), Reply> {
    let [_, key, ttl_ms, payload, options @ ..] = arguments else { return Err(SYNTAX_ERROR) };
    let is_given = |name| options.iter().any(|option| is_option(option, name));
    let known = |option: &Bytes| is_option(option, "replace") || is_option(option, "absttl");
    if !options.iter().all(known) {
        return Err(SYNTAX_ERROR);
    }
    if !is_given("replace") && data.lookup(key).is_some() {
        return Err(BUSY);
    }
    let ttl_ms = integer(ttl_ms)?;
    if ttl_ms < 0 {
        return Err(Reply::error("ERR Invalid TTL value, must be >= 0"));
    }
    let value = load(payload, data.hash_limits).ok_or(BAD_FORMAT)?;
    let at_ms = match ttl_ms {
        0 => None,
        ttl_ms if is_given("absttl") => Some(ttl_ms),
        ttl_ms => Some(data.now_ms().saturating_add(ttl_ms)),
    };
    data.restore(key, value, at_ms);
    Ok(())
}
