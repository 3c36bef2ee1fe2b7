//! Commands that set, replace or delete a whole string, or when it expires.

use bytes::Bytes;

use super::get;
use super::options::{Family, Options};
use crate::redis::commands::expiry::{Since, Unit, expire_at};
use crate::redis::commands::{attempt, bulk_or_nil, wrong_arity, yes_or_no};
use crate::redis::engine::Data;
use crate::redis::resp::Reply;

/// `SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]`
pub(crate) fn set(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let options = Options::parse(&arguments[3..], Family::Set)?;
        let expires_at_ms = options.expires_at_ms(data, "set")?;
        let key = &arguments[1];
        let old = if options.get { Some(data.read_string(key)?.cloned()) } else { None };
        let there = data.lookup(key).is_some();
        let refused = options.nx && there || options.xx && !there;
        if !refused {
            let value = arguments[2].clone();
            if options.keep_ttl {
                data.set_string(key, value, "set");
            } else {
                data.replace_string(key, value, expires_at_ms);
            }
        }
        Ok(match old {
            Some(old) => bulk_or_nil(old),
            None if refused => Reply::Nil,
            None => Reply::OK,
        })
    })
}

/// `SETNX key value`
pub(crate) fn setnx(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let free = data.lookup(&arguments[1]).is_none();
    if free {
        data.replace_string(&arguments[1], arguments[2].clone(), None);
    }
    yes_or_no(free)
}

/// `SETEX key seconds value`
pub(crate) fn setex(data: &mut Data, arguments: &[Bytes]) -> Reply {
    set_expiring(data, arguments, Unit::Seconds, "setex")
}

/// `PSETEX key milliseconds value`
pub(crate) fn psetex(data: &mut Data, arguments: &[Bytes]) -> Reply {
    set_expiring(data, arguments, Unit::Millis, "psetex")
}

fn set_expiring(data: &mut Data, arguments: &[Bytes], unit: Unit, name: &str) -> Reply {
    match expire_at(data, &arguments[2], Since::Now, unit, name) {
        Ok(at_ms) => {
            data.lookup(&arguments[1]);
            data.replace_string(&arguments[1], arguments[3].clone(), Some(at_ms));
            Reply::OK
        }
        Err(reply) => reply,
    }
}

/// `MSET key value …`
pub(crate) fn mset(data: &mut Data, arguments: &[Bytes]) -> Reply {
    match pairs(arguments, "mset") {
        Ok(pairs) => {
            set_all(data, pairs);
            Reply::OK
        }
        Err(reply) => reply,
    }
}

/// `MSETNX key value …`: sets all of them, or none when one is there.
pub(crate) fn msetnx(data: &mut Data, arguments: &[Bytes]) -> Reply {
    match pairs(arguments, "msetnx") {
        Ok(pairs) => {
            let free = pairs.iter().all(|[key, _]| data.lookup(key).is_none());
            if free {
                set_all(data, pairs);
            }
            yes_or_no(free)
        }
        Err(reply) => reply,
    }
}

fn pairs<'a>(arguments: &'a [Bytes], name: &str) -> Result<&'a [[Bytes; 2]], Reply> {
    match arguments[1..].as_chunks() {
        (pairs, []) => Ok(pairs),
        _ => Err(wrong_arity(name)),
    }
}

fn set_all(data: &mut Data, pairs: &[[Bytes; 2]]) {
    for [key, value] in pairs {
        data.lookup(key);
        data.replace_string(key, value.clone(), None);
    }
}

/// `GETDEL key`
pub(crate) fn getdel(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let reply = get(data, arguments);
    if matches!(reply, Reply::Bulk(_)) {
        data.delete(&arguments[1]);
    }
    reply
}

/// `GETSET key value`
pub(crate) fn getset(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let reply = get(data, arguments);
    if !matches!(reply, Reply::Error(_)) {
        data.lookup(&arguments[1]);
        data.replace_string(&arguments[1], arguments[2].clone(), None);
    }
    reply
}

/// `GETEX key [PERSIST | EX s | PX ms | EXAT s | PXAT ms]`
pub(crate) fn getex(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let options = Options::parse(&arguments[2..], Family::Get)?;
        let key = &arguments[1];
        let Some(value) = data.read_string(key)?.cloned() else {
            return Ok(Reply::Nil);
        };
        match options.expires_at_ms(data, "getex")? {
            Some(at_ms) if options.is_date() && data.is_over(at_ms) => {
                data.delete(key);
            }
            Some(at_ms) => data.set_expiry(key, at_ms),
            None if options.persist => {
                data.persist(key);
            }
            None => {}
        }
        Ok(Reply::Bulk(value))
    })
}
