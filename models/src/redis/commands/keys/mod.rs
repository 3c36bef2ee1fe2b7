//! Commands about keys, whatever they hold. Source: `db.c`.

mod memory;
mod object;
mod restore;
mod scan;

pub(super) use memory::{memory_help, memory_usage};
pub(super) use object::{encoding, freq, help, idletime, refcount};
pub(crate) use restore::dump;
pub(super) use restore::restore;
pub(super) use scan::{hscan, keys, randomkey, scan};

use bytes::Bytes;

use super::{SYNTAX_ERROR, attempt, count, database, is_option, yes_or_no};
use crate::redis::engine::Data;
use crate::redis::keyspace::{Database, Value};
use crate::redis::propagation::Consumers;
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
    count(arguments[1..].iter().filter(|key| data.read(key).is_some()).count())
}

/// `TYPE key`
pub(super) fn type_of(data: &mut Data, arguments: &[Bytes]) -> Reply {
    Reply::status(type_name(data, &arguments[1]))
}

/// The name of the type of what a key holds.
fn type_name(data: &mut Data, key: &Bytes) -> &'static str {
    match data.is_there(key) {
        true => data.keyspace.get(key).map_or("none", Value::type_name),
        false => "none",
    }
}

/// `DBSIZE`: counts what has expired until somebody notices.
pub(super) fn dbsize(data: &mut Data, _: &[Bytes]) -> Reply {
    count(data.keyspace.len())
}

/// `FLUSHALL [ASYNC | SYNC]`
pub(super) fn flushall(data: &mut Data, arguments: &[Bytes]) -> Reply {
    flush(data, arguments, |data| {
        for database in Database::all() {
            data.within(database, Data::delete_all);
        }
    })
}

/// `FLUSHDB [ASYNC | SYNC]`
pub(super) fn flushdb(data: &mut Data, arguments: &[Bytes]) -> Reply {
    flush(data, arguments, Data::delete_all)
}

/// It is passed on even when there was no key. Source: `db.c`, `flushallCommand`:
/// `forceCommandPropagation`.
fn flush(data: &mut Data, arguments: &[Bytes], delete: impl FnOnce(&mut Data)) -> Reply {
    let valid = match &arguments[1..] {
        [] => true,
        [mode] => is_option(mode, "sync") || is_option(mode, "async"),
        _ => false,
    };
    if !valid {
        return SYNTAX_ERROR;
    }
    data.propagation.force(Consumers::All);
    delete(data);
    Reply::OK
}

/// `RENAME key newkey`: replaces the one that has the name.
pub(super) fn rename(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let (from, to) = (&arguments[1], &arguments[2]);
    if data.lookup(from).is_none() {
        return NO_SUCH_KEY;
    }
    if from != to {
        data.lookup(to);
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

/// `MOVE key index`: does nothing when the name is taken there.
pub(super) fn move_to(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let (key, target) = (&arguments[1], database(&arguments[2])?);
        if target == data.keyspace.selected() {
            return Err(SAME_OBJECT);
        }
        let is_there = |data: &mut Data| data.lookup(key).is_some();
        let can = is_there(data) && !data.within(target, is_there);
        if can {
            data.move_key(key, target);
        }
        Ok(yes_or_no(can))
    })
}

/// Source: `server.c`, `createSharedObjects`, `shared.sameobjecterr`.
const SAME_OBJECT: Reply = Reply::error("ERR source and destination objects are the same");

/// `COPY source destination [DB index] [REPLACE]`
pub(super) fn copy(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let (from, to) = (&arguments[1], &arguments[2]);
        let (mut replace, mut target) = (false, data.keyspace.selected());
        let mut rest = &arguments[3..];
        while let [option, after @ ..] = rest {
            rest = after;
            if is_option(option, "replace") {
                replace = true;
            } else if let ([index, after @ ..], true) = (after, is_option(option, "db")) {
                target = database(index)?;
                rest = after;
            } else {
                return Err(SYNTAX_ERROR);
            }
        }
        if from == to && target == data.keyspace.selected() {
            return Err(SAME_OBJECT);
        }
        let is_taken = |data: &mut Data| data.within(target, |data| data.lookup(to).is_some());
        let can = data.read(from).is_some() && (!is_taken(data) || replace);
        if can {
            data.copy(from, to, target);
        }
        Ok(yes_or_no(can))
    })
}
