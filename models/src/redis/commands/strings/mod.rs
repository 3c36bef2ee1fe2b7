//! Commands on strings. Source: `t_string.c`.

mod bits;
mod counters;
mod lcs;
mod options;
mod parts;
mod set;

pub(super) use bits::{getbit, setbit};
pub(super) use counters::{decr, decrby, incr, incrby, incrbyfloat};
pub(super) use lcs::lcs;
pub(super) use parts::{append, getrange, setrange};
pub(super) use set::{getdel, getex, getset, mset, msetnx, psetex, set, setex, setnx};

use bytes::Bytes;

use super::{bulk_or_nil, count};
use crate::redis::engine::Data;
use crate::redis::keyspace::Origin;
use crate::redis::resp::Reply;

/// The longest string. Source: `config.c`, `proto-max-bulk-len`, 512 MB.
const STRING_MAX_BYTES: usize = 512 * 1024 * 1024;

/// `GET key`
pub(super) fn get(data: &mut Data, arguments: &[Bytes]) -> Reply {
    match data.read_string(&arguments[1]) {
        Ok(string) => bulk_or_nil(string.cloned()),
        Err(reply) => reply,
    }
}

/// `MGET key …`: a key that holds something else counts as missing.
pub(super) fn mget(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let value = |key| bulk_or_nil(data.read_string(key).ok().flatten().cloned());
    Reply::Array(arguments[1..].iter().map(value).collect())
}

/// `STRLEN key`
pub(super) fn strlen(data: &mut Data, arguments: &[Bytes]) -> Reply {
    match data.read_string(&arguments[1]) {
        Ok(string) => count(string.map_or(0, |string| string.len())),
        Err(reply) => reply,
    }
}

/// Sets a key to a string of which a part has been changed.
fn edit(data: &mut Data, key: &Bytes, new: impl Into<Bytes>, event: &'static str) {
    data.set_string(key, new.into(), event);
    data.keyspace.set_origin(key, Origin::Edited);
}
