//! Commands about keys, whatever they hold.

use bytes::Bytes;

use super::{SYNTAX_ERROR, count};
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

/// `TYPE key`
pub(super) fn type_of(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let key = &arguments[1];
    data.expire_if_due(key);
    Reply::status(data.keyspace.get(key).map_or("none", |value| value.type_name()))
}

/// `DBSIZE`: counts what has expired until somebody notices.
pub(super) fn dbsize(data: &mut Data, _: &[Bytes]) -> Reply {
    count(data.keyspace.len())
}

/// `FLUSHALL [ASYNC | SYNC]`
pub(super) fn flushall(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let valid = match &arguments[1..] {
        [] => true,
        [mode] => mode.eq_ignore_ascii_case(b"sync") || mode.eq_ignore_ascii_case(b"async"),
        _ => false,
    };
    if !valid {
        return SYNTAX_ERROR;
    }
    data.delete_all();
    Reply::OK
}
