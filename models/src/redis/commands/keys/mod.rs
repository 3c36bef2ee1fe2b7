//! Commands about keys, whatever they hold. Source: `db.c`.

mod object;
mod scan;

pub(super) use object::{encoding, freq, help, idletime, refcount};
pub(super) use scan::{hscan, keys, randomkey, scan};

use bytes::Bytes;

use super::{INT_RANGE, SYNTAX_ERROR, attempt, count, integer_in, is_option, yes_or_no};
use crate::redis::engine::Data;
use crate::redis::resp::Reply;

/// `DEL key …` and `UNLINK key …`, which differ in who frees the memory.
pub(super) fn del(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let deleted = arguments[1..].iter().filter(|key| {
        data.expire_if_due(key);
        data.delete(key)
    });
    count(deleted.count())
}

/// `EXISTS key …`: a key that is named twice counts twice.
pub(super) fn exists(data: &mut Data, arguments: &[Bytes]) -> Reply {
    count(arguments[1..].iter().filter(|key| data.is_there(key)).count())
}

/// `TOUCH key …`: the same, and the keys count as used.
pub(super) fn touch(data: &mut Data, arguments: &[Bytes]) -> Reply {
    count(arguments[1..].iter().filter(|key| data.lookup(key).is_some()).count())
}

/// `TYPE key`
pub(super) fn type_of(data: &mut Data, arguments: &[Bytes]) -> Reply {
    Reply::status(type_name(data, &arguments[1]))
}

/// The name of the type of what a key holds.
fn type_name(data: &mut Data, key: &Bytes) -> &'static str {
    data.expire_if_due(key);
    data.keyspace.get(key).map_or("none", |value| value.type_name())
}

/// `DBSIZE`: counts what has expired until somebody notices.
pub(super) fn dbsize(data: &mut Data, _: &[Bytes]) -> Reply {
    count(data.keyspace.len())
}

/// `FLUSHALL [ASYNC | SYNC]` and `FLUSHDB`, which is the same where there is one database.
pub(super) fn flush(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let valid = match &arguments[1..] {
        [] => true,
        [mode] => is_option(mode, "sync") || is_option(mode, "async"),
        _ => false,
    };
    if !valid {
        return SYNTAX_ERROR;
    }
    data.delete_all();
    Reply::OK
}

/// `RENAME key newkey`: replaces the one that has the name.
pub(super) fn rename(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let (from, to) = (&arguments[1], &arguments[2]);
    if data.lookup(from).is_none() {
        return NO_SUCH_KEY;
    }
    if from != to {
        data.expire_if_due(to);
        data.rename(from, to);
    }
    Reply::OK
}

/// `RENAMENX key newkey`: does nothing when the name is taken.
pub(super) fn renamenx(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let (from, to) = (&arguments[1], &arguments[2]);
    if data.lookup(from).is_none() {
        return NO_SUCH_KEY;
    }
    let free = from != to && data.lookup(to).is_none();
    if free {
        data.rename(from, to);
    }
    yes_or_no(free)
}

const NO_SUCH_KEY: Reply = Reply::error("ERR no such key");

/// `COPY source destination [DB index] [REPLACE]`: there is one database.
pub(super) fn copy(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let (from, to) = (&arguments[1], &arguments[2]);
        let mut replace = false;
        let mut rest = &arguments[3..];
        while let [option, after @ ..] = rest {
            rest = after;
            if is_option(option, "replace") {
                replace = true;
            } else if let ([index, after @ ..], true) = (after, is_option(option, "db")) {
                if integer_in(index, INT_RANGE)? != 0 {
                    return Err(Reply::error("ERR DB index is out of range"));
                }
                rest = after;
            } else {
                return Err(SYNTAX_ERROR);
            }
        }
        if from == to {
            return Err(Reply::error("ERR source and destination objects are the same"));
        }
        let can = data.lookup(from).is_some() && (data.lookup(to).is_none() || replace);
        if can {
            data.copy(from, to);
        }
        Ok(yes_or_no(can))
    })
}
