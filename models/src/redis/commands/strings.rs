//! Commands on strings. Source: `t_string.c`.

use bytes::{Bytes, BytesMut};

use super::expiry::{Since, Unit, expire_at};
use super::{SYNTAX_ERROR, bulk_or_nil, count, integer, yes_or_no};
use crate::redis::engine::Data;
use crate::redis::keyspace::Value;
use crate::redis::number::{Decimal, parse_i64};
use crate::redis::resp::Reply;

/// `GET key`
pub(super) fn get(data: &mut Data, arguments: &[Bytes]) -> Reply {
    match data.lookup_string(&arguments[1]) {
        Ok(string) => bulk_or_nil(string.cloned()),
        Err(reply) => reply,
    }
}

/// `MGET key …`: a key that holds something else counts as missing.
pub(super) fn mget(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let value = |key| bulk_or_nil(data.lookup_string(key).ok().flatten().cloned());
    Reply::Array(arguments[1..].iter().map(value).collect())
}

/// `GETDEL key`
pub(super) fn getdel(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let reply = get(data, arguments);
    if matches!(reply, Reply::Bulk(_)) {
        data.delete(&arguments[1]);
    }
    reply
}

/// `GETSET key value`
pub(super) fn getset(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let reply = get(data, arguments);
    if !matches!(reply, Reply::Error(_)) {
        data.replace_string(&arguments[1], arguments[2].clone(), None);
    }
    reply
}

/// `STRLEN key`
pub(super) fn strlen(data: &mut Data, arguments: &[Bytes]) -> Reply {
    match data.lookup_string(&arguments[1]) {
        Ok(string) => count(string.map_or(0, |string| string.len())),
        Err(reply) => reply,
    }
}

/// What `SET` and `GETEX` may be told besides key and value.
#[derive(Default)]
struct Options<'a> {
    nx: bool,
    xx: bool,
    get: bool,
    keep_ttl: bool,
    persist: bool,
    expire: Option<(Since, Unit, &'a Bytes)>,
}

/// Which of the two commands the options belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Set,
    Get,
}

impl<'a> Options<'a> {
    /// Source: `t_string.c`, `parseExtendedStringArgumentsOrReply`. The same kind of expiry may
    /// be given twice, and the last one counts; different kinds may not be mixed.
    fn parse(arguments: &'a [Bytes], family: Family) -> Result<Self, Reply> {
        let mut options = Self::default();
        let mut rest = arguments;
        while let [option, after @ ..] = rest {
            rest = after;
            let is = |name: &[u8]| option.eq_ignore_ascii_case(name);
            if family == Family::Set && is(b"nx") && !options.xx {
                options.nx = true;
            } else if family == Family::Set && is(b"xx") && !options.nx {
                options.xx = true;
            } else if family == Family::Set && is(b"get") {
                options.get = true;
            } else if family == Family::Set && is(b"keepttl") && options.expire.is_none() {
                options.keep_ttl = true;
            } else if family == Family::Get && is(b"persist") && options.expire.is_none() {
                options.persist = true;
            } else {
                let kind = expire_option(option).ok_or(SYNTAX_ERROR)?;
                let [time, after @ ..] = rest else {
                    return Err(SYNTAX_ERROR);
                };
                let other = |(since, unit, _)| (since, unit) != kind;
                if options.keep_ttl || options.persist || options.expire.is_some_and(other) {
                    return Err(SYNTAX_ERROR);
                }
                options.expire = Some((kind.0, kind.1, time));
                rest = after;
            }
        }
        Ok(options)
    }

    /// When the key is to expire, in Unix milliseconds.
    fn expires_at_ms(&self, data: &Data, name: &str) -> Result<Option<i64>, Reply> {
        self.expire.map(|(since, unit, time)| expire_at(data, time, since, unit, name)).transpose()
    }
}

fn expire_option(option: &[u8]) -> Option<(Since, Unit)> {
    let is = |name: &[u8]| option.eq_ignore_ascii_case(name);
    if is(b"px") {
        Some((Since::Now, Unit::Millis))
    } else if is(b"ex") {
        Some((Since::Now, Unit::Seconds))
    } else if is(b"pxat") {
        Some((Since::Epoch, Unit::Millis))
    } else if is(b"exat") {
        Some((Since::Epoch, Unit::Seconds))
    } else {
        None
    }
}

/// `SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]`
pub(super) fn set(data: &mut Data, arguments: &[Bytes]) -> Reply {
    try_set(data, arguments).unwrap_or_else(|error| error)
}

fn try_set(data: &mut Data, arguments: &[Bytes]) -> Result<Reply, Reply> {
    let options = Options::parse(&arguments[3..], Family::Set)?;
    let expires_at_ms = options.expires_at_ms(data, "set")?;
    let key = &arguments[1];
    let old = if options.get { Some(data.lookup_string(key)?.cloned()) } else { None };
    let there = data.lookup(key).is_some();
    let refused = options.nx && there || options.xx && !there;
    if !refused {
        let value = arguments[2].clone();
        if options.keep_ttl {
            data.set_string(key, value);
        } else {
            data.replace_string(key, value, expires_at_ms);
        }
    }
    Ok(match old {
        Some(old) => bulk_or_nil(old),
        None if refused => Reply::Nil,
        None => Reply::OK,
    })
}

/// `SETNX key value`
pub(super) fn setnx(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let free = data.lookup(&arguments[1]).is_none();
    if free {
        data.replace_string(&arguments[1], arguments[2].clone(), None);
    }
    yes_or_no(free)
}

/// `SETEX key seconds value`
pub(super) fn setex(data: &mut Data, arguments: &[Bytes]) -> Reply {
    set_expiring(data, arguments, Unit::Seconds, "setex")
}

/// `PSETEX key milliseconds value`
pub(super) fn psetex(data: &mut Data, arguments: &[Bytes]) -> Reply {
    set_expiring(data, arguments, Unit::Millis, "psetex")
}

fn set_expiring(data: &mut Data, arguments: &[Bytes], unit: Unit, name: &str) -> Reply {
    match expire_at(data, &arguments[2], Since::Now, unit, name) {
        Ok(at_ms) => {
            data.expire_if_due(&arguments[1]);
            data.replace_string(&arguments[1], arguments[3].clone(), Some(at_ms));
            Reply::OK
        }
        Err(reply) => reply,
    }
}

/// `GETEX key [PERSIST | EX s | PX ms | EXAT s | PXAT ms]`
pub(super) fn getex(data: &mut Data, arguments: &[Bytes]) -> Reply {
    try_getex(data, arguments).unwrap_or_else(|error| error)
}

fn try_getex(data: &mut Data, arguments: &[Bytes]) -> Result<Reply, Reply> {
    let options = Options::parse(&arguments[2..], Family::Get)?;
    let key = &arguments[1];
    let Some(value) = data.lookup_string(key)?.cloned() else {
        return Ok(Reply::Nil);
    };
    match options.expires_at_ms(data, "getex")? {
        // A time to live is never over at once, only a date can be.
        Some(at_ms) if data.is_over(at_ms) => {
            data.delete(key);
        }
        Some(at_ms) => data.set_expiry(key, at_ms),
        None if options.persist => {
            data.persist(key);
        }
        None => {}
    }
    Ok(Reply::Bulk(value))
}

/// `APPEND key value`
pub(super) fn append(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let (key, value) = (&arguments[1], &arguments[2]);
    let longer = match data.lookup_string(key) {
        Ok(None) => value.clone(),
        Ok(Some(old)) if old.len() + value.len() > STRING_MAX_BYTES => {
            return Reply::error("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
        }
        Ok(Some(old)) => {
            let mut longer = BytesMut::with_capacity(old.len() + value.len());
            longer.extend_from_slice(old);
            longer.extend_from_slice(value);
            longer.freeze()
        }
        Err(reply) => return reply,
    };
    let length = longer.len();
    data.set_string(key, longer);
    count(length)
}

/// The longest string. Source: `config.c`, `proto-max-bulk-len`, 512 MB.
const STRING_MAX_BYTES: usize = 512 * 1024 * 1024;

/// `INCR key`
pub(super) fn incr(data: &mut Data, arguments: &[Bytes]) -> Reply {
    add(data, &arguments[1], 1)
}

/// `DECR key`
pub(super) fn decr(data: &mut Data, arguments: &[Bytes]) -> Reply {
    add(data, &arguments[1], -1)
}

/// `INCRBY key increment`
pub(super) fn incrby(data: &mut Data, arguments: &[Bytes]) -> Reply {
    match integer(&arguments[2]) {
        Ok(increment) => add(data, &arguments[1], increment),
        Err(reply) => reply,
    }
}

/// `DECRBY key decrement`
pub(super) fn decrby(data: &mut Data, arguments: &[Bytes]) -> Reply {
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
            None => return super::NOT_AN_INTEGER,
        },
        Some(_) => return super::WRONG_TYPE,
    };
    let Some(new) = old.checked_add(increment) else {
        return Reply::error("ERR increment or decrement would overflow");
    };
    data.set_string(key, Decimal::new(new).to_bytes());
    Reply::Int(new)
}
