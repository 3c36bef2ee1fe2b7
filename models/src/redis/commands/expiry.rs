//! Commands about when keys expire. Source: `expire.c`.

use bytes::Bytes;

use super::{attempt, error, integer, invalid_expire_time, is_option, printed, yes_or_no};
use crate::redis::engine::Data;
use crate::redis::resp::Reply;

/// How a command counts time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// In seconds.
    Seconds,
    /// In milliseconds.
    Millis,
}

/// From when a command counts time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// From now.
    Now,
    /// From the Unix epoch.
    Epoch,
}

/// `EXPIRE key seconds [NX | XX | GT | LT]`
pub(super) fn expire(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| expire_generic(data, arguments, Since::Now, Unit::Seconds, "expire"))
}

/// `PEXPIRE key milliseconds [NX | XX | GT | LT]`
pub(super) fn pexpire(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| expire_generic(data, arguments, Since::Now, Unit::Millis, "pexpire"))
}

/// `EXPIREAT key unix-seconds [NX | XX | GT | LT]`
pub(super) fn expireat(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| expire_generic(data, arguments, Since::Epoch, Unit::Seconds, "expireat"))
}

/// `PEXPIREAT key unix-milliseconds [NX | XX | GT | LT]`
pub(super) fn pexpireat(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| expire_generic(data, arguments, Since::Epoch, Unit::Millis, "pexpireat"))
}

/// On which condition the expiry is set.
#[derive(Default)]
struct Conditions {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
}

impl Conditions {
    fn parse(options: &[Bytes]) -> Result<Self, Reply> {
        let mut conditions = Self::default();
        for option in options {
            let is = |name| is_option(option, name);
            if is("nx") {
                conditions.nx = true;
            } else if is("xx") {
                conditions.xx = true;
            } else if is("gt") {
                conditions.gt = true;
            } else if is("lt") {
                conditions.lt = true;
            } else {
                let option = printed(option, usize::MAX);
                return Err(error([b"Unsupported option ", option].concat()));
            }
        }
        if conditions.nx && (conditions.xx || conditions.gt || conditions.lt) {
            return Err(Reply::error(
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ));
        }
        if conditions.gt && conditions.lt {
            return Err(Reply::error("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(conditions)
    }

    /// True when the key's expiry may become `new`. No expiry is later than every other.
    fn hold(&self, current: Option<i64>, new: i64) -> bool {
        !(self.nx && current.is_some()
            || self.xx && current.is_none()
            || self.gt && current.is_none_or(|current| new <= current)
            || self.lt && current.is_some_and(|current| new >= current))
    }
}

fn expire_generic(
    data: &mut Data,
    arguments: &[Bytes],
    since: Since,
    unit: Unit,
    name: &str,
) -> Result<Reply, Reply> {
    let conditions = Conditions::parse(&arguments[3..])?;
    let (key, mut at_ms) = (&arguments[1], integer(&arguments[2])?);
    if unit == Unit::Seconds {
        at_ms = at_ms.checked_mul(1000).ok_or_else(|| invalid_expire_time(name))?;
    }
    if since == Since::Now {
        at_ms = at_ms.checked_add(data.now_ms()).ok_or_else(|| invalid_expire_time(name))?;
    }
    if data.lookup(key).is_none() || !conditions.hold(data.keyspace.expiry(key), at_ms) {
        return Ok(yes_or_no(false));
    }
    if data.is_over(at_ms) {
        data.delete(key);
    } else {
        data.set_expiry(key, at_ms);
    }
    Ok(yes_or_no(true))
}

/// Reads a positive time to expire at, as `SET` and `GETEX` take it: Unix milliseconds.
///
/// Source: `t_string.c`, `getExpireMillisecondsOrReply`.
pub(super) fn expire_at(
    data: &Data,
    argument: &[u8],
    since: Since,
    unit: Unit,
    name: &str,
) -> Result<i64, Reply> {
    let number = integer(argument)?;
    let millis = match unit {
        Unit::Seconds => number.checked_mul(1000),
        Unit::Millis => Some(number),
    };
    let base = match since {
        Since::Now => data.now_ms(),
        Since::Epoch => 0,
    };
    millis
        .filter(|millis| *millis > 0)
        .and_then(|millis| millis.checked_add(base))
        .ok_or_else(|| invalid_expire_time(name))
}

/// `TTL key`
pub(super) fn ttl(data: &mut Data, arguments: &[Bytes]) -> Reply {
    ttl_generic(data, &arguments[1], Since::Now, Unit::Seconds)
}

/// `PTTL key`
pub(super) fn pttl(data: &mut Data, arguments: &[Bytes]) -> Reply {
    ttl_generic(data, &arguments[1], Since::Now, Unit::Millis)
}

/// `EXPIRETIME key`
pub(super) fn expiretime(data: &mut Data, arguments: &[Bytes]) -> Reply {
    ttl_generic(data, &arguments[1], Since::Epoch, Unit::Seconds)
}

/// `PEXPIRETIME key`
pub(super) fn pexpiretime(data: &mut Data, arguments: &[Bytes]) -> Reply {
    ttl_generic(data, &arguments[1], Since::Epoch, Unit::Millis)
}

/// −2 when there is no such key, −1 when it has no expiry. Seconds are rounded to the nearest.
fn ttl_generic(data: &mut Data, key: &Bytes, since: Since, unit: Unit) -> Reply {
    const NO_KEY: Reply = Reply::Int(-2);
    const NO_EXPIRY: Reply = Reply::Int(-1);
    if !data.is_there(key) {
        return NO_KEY;
    }
    let Some(at_ms) = data.keyspace.expiry(key) else {
        return NO_EXPIRY;
    };
    let millis = match since {
        Since::Now => at_ms.saturating_sub(data.now_ms()).max(0),
        Since::Epoch => at_ms,
    };
    Reply::Int(match unit {
        Unit::Seconds => millis / 1000 + i64::from(millis % 1000 >= 500),
        Unit::Millis => millis,
    })
}

/// `PERSIST key`
pub(super) fn persist(data: &mut Data, arguments: &[Bytes]) -> Reply {
    yes_or_no(data.lookup(&arguments[1]).is_some() && data.persist(&arguments[1]))
}
