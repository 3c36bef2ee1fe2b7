//! Commands that reckon with strings.

use bytes::Bytes;

use crate::redis::commands::{NOT_AN_INTEGER, WRONG_TYPE, attempt, float, integer};
use crate::redis::engine::Data;
use crate::redis::keyspace::{Origin, Value};
use crate::redis::number::{Decimal, LongDouble, parse_i64};
use crate::redis::resp::Reply;

/// `INCR key`
pub(crate) fn incr(data: &mut Data, arguments: &[Bytes]) -> Reply {
    add(data, &arguments[1], 1)
}

/// `DECR key`
pub(crate) fn decr(data: &mut Data, arguments: &[Bytes]) -> Reply {
    add(data, &arguments[1], -1)
}

/// `INCRBY key increment`
pub(crate) fn incrby(data: &mut Data, arguments: &[Bytes]) -> Reply {
    match integer(&arguments[2]) {
        Ok(increment) => add(data, &arguments[1], increment),
        Err(reply) => reply,
    }
}

/// `DECRBY key decrement`
pub(crate) fn decrby(data: &mut Data, arguments: &[Bytes]) -> Reply {
    match integer(&arguments[2]).map(i64::checked_neg) {
        Ok(Some(increment)) => add(data, &arguments[1], increment),
        Ok(None) => Reply::error("ERR decrement would overflow"),
        Err(reply) => reply,
    }
}

fn add(data: &mut Data, key: &Bytes, increment: i64) -> Reply {
    let old = match data.lookup(key) {
        None => 0,
        Some(Value::String(string)) => match parse_i64(string) {
            Some(old) => old,
            None => return NOT_AN_INTEGER,
        },
        Some(_) => return WRONG_TYPE,
    };
    let Some(new) = old.checked_add(increment) else {
        return Reply::error("ERR increment or decrement would overflow");
    };
    data.set_string(key, Decimal::new(new).to_bytes(), "incrby");
    Reply::Int(new)
}

/// `INCRBYFLOAT key increment`
pub(crate) fn incrbyfloat(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let key = &arguments[1];
        let old = match data.lookup_string(key)? {
            Some(old) => float(old)?,
            None => LongDouble::ZERO,
        };
        let new = old
            .checked_add(float(&arguments[2])?)
            .ok_or(Reply::error("ERR increment would produce NaN or Infinity"))?
            .to_bytes();
        data.set_string(key, new.clone(), "incrbyfloat");
        data.keyspace.set_origin(key, Origin::Printed);
        Ok(Reply::Bulk(new))
    })
}
