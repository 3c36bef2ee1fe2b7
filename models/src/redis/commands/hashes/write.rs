//! Commands that change hashes.

use bytes::Bytes;

use crate::redis::commands::{WRONG_TYPE, attempt, count, float, integer, wrong_arity, yes_or_no};
use crate::redis::engine::Data;
use crate::redis::keyspace::Hash;
use crate::redis::number::{Decimal, LongDouble, parse_i64};
use crate::redis::resp::Reply;

/// `HSET key field value …`: counts the fields that are new.
pub(crate) fn hset(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| Ok(count(set_all(data, arguments, "hset")?)))
}

/// `HMSET key field value …`: the older command.
pub(crate) fn hmset(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| set_all(data, arguments, "hmset").map(|_| Reply::OK))
}

/// Sets fields; gives how many of them are new.
fn set_all(data: &mut Data, arguments: &[Bytes], name: &str) -> Result<usize, Reply> {
    let (pairs, rest) = arguments[2..].as_chunks::<2>();
    if !rest.is_empty() {
        return Err(wrong_arity(name));
    }
    let limits = data.hash_limits;
    let hash = hash_to_write(data, &arguments[1])?;
    let is_new = |[field, value]: &&[Bytes; 2]| hash.insert(field.clone(), value.clone(), limits);
    let new = pairs.iter().filter(is_new).count();
    data.hash_modified(&arguments[1], pairs.len(), "hset");
    Ok(new)
}

/// `HSETNX key field value`
pub(crate) fn hsetnx(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let [_, key, field, value] = arguments else {
            return Err(wrong_arity("hsetnx"));
        };
        let limits = data.hash_limits;
        let hash = hash_to_write(data, key)?;
        let free = hash.get(field).is_none();
        if free {
            hash.insert(field.clone(), value.clone(), limits);
            data.hash_modified(key, 1, "hset");
        }
        Ok(yes_or_no(free))
    })
}

/// `HDEL key field …`
pub(crate) fn hdel(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let Some(hash) = data.lookup_hash(&arguments[1])? else {
            return Ok(count(0));
        };
        let removed = arguments[2..].iter().filter(|field| hash.remove(field)).count();
        if removed > 0 {
            data.hash_modified(&arguments[1], removed, "hdel");
        }
        Ok(count(removed))
    })
}

/// `HINCRBY key field increment`
pub(crate) fn hincrby(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let (key, field, increment) = (&arguments[1], &arguments[2], integer(&arguments[3])?);
        let limits = data.hash_limits;
        let hash = hash_to_write(data, key)?;
        let old = match hash.get(field) {
            Some(old) => parse_i64(old).ok_or(Reply::error("ERR hash value is not an integer"))?,
            None => 0,
        };
        let new = old
            .checked_add(increment)
            .ok_or(Reply::error("ERR increment or decrement would overflow"))?;
        hash.insert(field.clone(), Decimal::new(new).to_bytes(), limits);
        data.hash_modified(key, 1, "hincrby");
        Ok(Reply::Int(new))
    })
}

/// `HINCRBYFLOAT key field increment`
pub(crate) fn hincrbyfloat(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let (key, field, increment) = (&arguments[1], &arguments[2], float(&arguments[3])?);
        if !increment.is_finite() {
            return Err(Reply::error("ERR value is NaN or Infinity"));
        }
        let limits = data.hash_limits;
        let hash = hash_to_write(data, key)?;
        let old = match hash.get(field) {
            Some(old) => {
                LongDouble::parse(old).ok_or(Reply::error("ERR hash value is not a float"))?
            }
            None => LongDouble::ZERO,
        };
        let new = old
            .checked_add(increment)
            .ok_or(Reply::error("ERR increment would produce NaN or Infinity"))?
            .to_bytes();
        hash.insert(field.clone(), new.clone(), limits);
        data.hash_modified(key, 1, "hincrbyfloat");
        Ok(Reply::Bulk(new))
    })
}

/// The hash that a key holds, made when there is none: nothing can go wrong then, and whoever asks for
/// it adds a field. Source: `t_hash.c`, `hashTypeLookupWriteOrCreate`.
fn hash_to_write<'a>(data: &'a mut Data, key: &Bytes) -> Result<&'a mut Hash, Reply> {
    if data.lookup(key).is_none() {
        data.add_hash(key);
    }
    data.hash_mut(key).ok_or(WRONG_TYPE)
}
