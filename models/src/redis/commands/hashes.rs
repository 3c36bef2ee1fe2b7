//! Commands on hashes. Source: `t_hash.c`.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{WRONG_TYPE, bulk_or_nil, count, integer, wrong_arity, yes_or_no};
use crate::redis::engine::Data;
use crate::redis::keyspace::Value;
use crate::redis::number::{Decimal, parse_i64};
use crate::redis::resp::Reply;

type Hash = BTreeMap<Bytes, Bytes>;

/// The hash that a key holds.
fn lookup_hash<'a>(data: &'a mut Data, key: &Bytes) -> Result<Option<&'a mut Hash>, Reply> {
    match data.lookup(key) {
        Some(Value::Hash(hash)) => Ok(Some(hash)),
        Some(_) => Err(WRONG_TYPE),
        None => Ok(None),
    }
}

/// The hash that a key holds, made when there is none.
fn hash_to_write<'a>(data: &'a mut Data, key: &Bytes) -> Result<&'a mut Hash, Reply> {
    if data.lookup(key).is_none() {
        data.keyspace.set(key, Value::Hash(Hash::new()));
    }
    lookup_hash(data, key)?.ok_or(WRONG_TYPE)
}

/// `HSET key field value …`: counts the fields that are new.
pub(super) fn hset(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let (pairs, rest) = arguments[2..].as_chunks::<2>();
    if !rest.is_empty() {
        return wrong_arity("hset");
    }
    match hash_to_write(data, &arguments[1]) {
        Ok(hash) => {
            let new = pairs
                .iter()
                .filter(|[field, value]| hash.insert(field.clone(), value.clone()).is_none());
            let new = count(new.count());
            data.touch(&arguments[1]);
            new
        }
        Err(reply) => reply,
    }
}

/// `HGET key field`
pub(super) fn hget(data: &mut Data, arguments: &[Bytes]) -> Reply {
    match lookup_hash(data, &arguments[1]) {
        Ok(hash) => bulk_or_nil(hash.and_then(|hash| hash.get(&arguments[2]).cloned())),
        Err(reply) => reply,
    }
}

/// `HGETALL key`: fields and values in turn.
pub(super) fn hgetall(data: &mut Data, arguments: &[Bytes]) -> Reply {
    match lookup_hash(data, &arguments[1]) {
        Ok(hash) => {
            let pairs = hash.into_iter().flat_map(|hash| hash.iter());
            let words = pairs.flat_map(|(field, value)| [field.clone(), value.clone()]);
            Reply::Array(words.map(Reply::Bulk).collect())
        }
        Err(reply) => reply,
    }
}

/// `HEXISTS key field`
pub(super) fn hexists(data: &mut Data, arguments: &[Bytes]) -> Reply {
    match lookup_hash(data, &arguments[1]) {
        Ok(hash) => yes_or_no(hash.is_some_and(|hash| hash.contains_key(&arguments[2]))),
        Err(reply) => reply,
    }
}

/// `HLEN key`
pub(super) fn hlen(data: &mut Data, arguments: &[Bytes]) -> Reply {
    match lookup_hash(data, &arguments[1]) {
        Ok(hash) => count(hash.map_or(0, |hash| hash.len())),
        Err(reply) => reply,
    }
}

/// `HDEL key field …`: a hash without fields is no key.
pub(super) fn hdel(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let key = &arguments[1];
    let hash = match lookup_hash(data, key) {
        Ok(Some(hash)) => hash,
        Ok(None) => return count(0),
        Err(reply) => return reply,
    };
    let removed = arguments[2..].iter().filter(|field| hash.remove(*field).is_some()).count();
    if hash.is_empty() {
        data.delete(key);
    } else if removed > 0 {
        data.touch(key);
    }
    count(removed)
}

/// `HINCRBY key field increment`
pub(super) fn hincrby(data: &mut Data, arguments: &[Bytes]) -> Reply {
    try_hincrby(data, arguments).unwrap_or_else(|error| error)
}

fn try_hincrby(data: &mut Data, arguments: &[Bytes]) -> Result<Reply, Reply> {
    let (key, field, increment) = (&arguments[1], &arguments[2], integer(&arguments[3])?);
    let old = match lookup_hash(data, key)?.and_then(|hash| hash.get(field)) {
        Some(old) => parse_i64(old).ok_or(Reply::error("ERR hash value is not an integer"))?,
        None => 0,
    };
    let new = old
        .checked_add(increment)
        .ok_or(Reply::error("ERR increment or decrement would overflow"))?;
    hash_to_write(data, key)?.insert(field.clone(), Decimal::new(new).to_bytes());
    data.touch(key);
    Ok(Reply::Int(new))
}
