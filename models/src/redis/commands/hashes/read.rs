//! Commands that read hashes. A missing key counts as a hash without fields.

use bytes::Bytes;

use crate::redis::commands::{attempt, bulk_or_nil, count, yes_or_no};
use crate::redis::engine::Data;
use crate::redis::keyspace::Hash;
use crate::redis::resp::Reply;

/// `HGET key field`
pub(crate) fn hget(data: &mut Data, arguments: &[Bytes]) -> Reply {
    read(data, arguments, |hash| bulk_or_nil(hash.get(&arguments[2]).cloned()))
}

/// `HMGET key field …`
pub(crate) fn hmget(data: &mut Data, arguments: &[Bytes]) -> Reply {
    read(data, arguments, |hash| {
        let values = arguments[2..].iter().map(|field| bulk_or_nil(hash.get(field).cloned()));
        Reply::Array(values.collect())
    })
}

/// `HGETALL key`: fields and values in turn.
pub(crate) fn hgetall(data: &mut Data, arguments: &[Bytes]) -> Reply {
    read(data, arguments, |hash| words(hash.iter().flat_map(|(field, value)| [field, value])))
}

/// `HKEYS key`
pub(crate) fn hkeys(data: &mut Data, arguments: &[Bytes]) -> Reply {
    read(data, arguments, |hash| words(hash.iter().map(|(field, _)| field)))
}

/// `HVALS key`
pub(crate) fn hvals(data: &mut Data, arguments: &[Bytes]) -> Reply {
    read(data, arguments, |hash| words(hash.iter().map(|(_, value)| value)))
}

/// `HEXISTS key field`
pub(crate) fn hexists(data: &mut Data, arguments: &[Bytes]) -> Reply {
    read(data, arguments, |hash| yes_or_no(hash.get(&arguments[2]).is_some()))
}

/// `HLEN key`
pub(crate) fn hlen(data: &mut Data, arguments: &[Bytes]) -> Reply {
    read(data, arguments, |hash| count(hash.len()))
}

/// `HSTRLEN key field`
pub(crate) fn hstrlen(data: &mut Data, arguments: &[Bytes]) -> Reply {
    read(data, arguments, |hash| count(hash.get(&arguments[2]).map_or(0, Bytes::len)))
}

fn read(data: &mut Data, arguments: &[Bytes], answer: impl FnOnce(&Hash) -> Reply) -> Reply {
    attempt(|| {
        let none = Hash::default();
        Ok(answer(data.read_hash(&arguments[1])?.unwrap_or(&none)))
    })
}

fn words<'a>(words: impl Iterator<Item = &'a Bytes>) -> Reply {
    Reply::Array(words.cloned().map(Reply::Bulk).collect())
}
