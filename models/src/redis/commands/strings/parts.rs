//! Commands on parts of strings.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::{STRING_MAX_BYTES, edit};
use crate::redis::commands::{attempt, count, integer};
use crate::redis::engine::Data;
use crate::redis::resp::Reply;

/// `APPEND key value`
pub(crate) fn append(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let (key, value) = (&arguments[1], &arguments[2]);
        let Some(old) = data.lookup_string(key)?.cloned() else {
            data.set_string(key, value.clone(), "append");
            return Ok(count(value.len()));
        };
        let length = checked_length(old.len(), value.len())?;
        edit(data, key, [&old[..], value].concat(), "append");
        Ok(count(length))
    })
}

/// `SETRANGE key offset value`: what lies before is filled up with zeros.
pub(crate) fn setrange(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let (key, value) = (&arguments[1], &arguments[3]);
        let offset = usize::try_from(integer(&arguments[2])?)
            .map_err(|_| Reply::error("ERR offset is out of range"))?;
        let old = data.lookup_string(key)?.cloned().unwrap_or_default();
        if value.is_empty() {
            return Ok(count(old.len()));
        }
        let end = checked_length(offset, value.len())?;
        let mut new = BytesMut::from(&old[..]);
        new.resize(end.max(old.len()), 0);
        new[offset..end].copy_from_slice(value);
        let length = new.len();
        edit(data, key, new, "setrange");
        Ok(count(length))
    })
}

/// The sum of two lengths, if a string may be so long. Source: `checkStringLength`.
fn checked_length(one: usize, other: usize) -> Result<usize, Reply> {
    one.checked_add(other)
        .filter(|length| *length <= STRING_MAX_BYTES)
        .ok_or(Reply::error("ERR string exceeds maximum allowed size (proto-max-bulk-len)"))
}

/// `GETRANGE key start end` and `SUBSTR`, its older name: both ends belong to it, and negative ones
/// are counted from the end.
pub(crate) fn getrange(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let (start, end) = (integer(&arguments[2])?, integer(&arguments[3])?);
        let string = data.read_string(&arguments[1])?.cloned().unwrap_or_default();
        Ok(Reply::Bulk(string.slice(range(string.len(), start, end))))
    })
}

fn range(length: usize, start: i64, end: i64) -> Range<usize> {
    let signed_length = i64::try_from(length).unwrap_or(i64::MAX);
    let from_start = |index: i64| if index < 0 { (index + signed_length).max(0) } else { index };
    let first = usize::try_from(from_start(start)).unwrap_or(usize::MAX);
    let after = usize::try_from(from_start(end)).unwrap_or(usize::MAX).saturating_add(1);
    // Both before the string and in the wrong order: not even its first byte.
    let is_reversed = start < 0 && end < 0 && start > end;
    if is_reversed || first >= after.min(length) { 0..0 } else { first..after.min(length) }
}
