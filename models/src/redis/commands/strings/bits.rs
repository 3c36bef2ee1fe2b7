//! Commands on single bits of strings. Source: `bitops.c`.

use bytes::{Bytes, BytesMut};

use super::{STRING_MAX_BYTES, edit};
use crate::redis::commands::{attempt, integer, yes_or_no};
use crate::redis::engine::Data;
use crate::redis::keyspace::Origin;
use crate::redis::resp::Reply;

/// `SETBIT key offset 0|1`: what the bit was. The string is filled up with zeros to where the bit is; where nothing
/// becomes other than it was, nothing has been modified, though the string is no number any more.
pub(crate) fn setbit(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let (key, (place, mask)) = (&arguments[1], bit(&arguments[2])?);
        let is_on = match integer(&arguments[3]) {
            Ok(value @ (0 | 1)) => value == 1,
            _ => return Err(Reply::error("ERR bit is not an integer or out of range")),
        };
        let old = data.lookup_string(key)?.cloned();
        let mut new = BytesMut::from(old.as_deref().unwrap_or_default());
        new.resize(new.len().max(place + 1), 0);
        let was_on = new[place] & mask != 0;
        new[place] = if is_on { new[place] | mask } else { new[place] & !mask };
        if old.as_deref() == Some(&new[..]) {
            data.keyspace.set_origin(key, Origin::Edited);
        } else {
            edit(data, key, new, "setbit");
        }
        Ok(yes_or_no(was_on))
    })
}

/// `GETBIT key offset`: beyond the string's end all bits are 0.
pub(crate) fn getbit(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let (place, mask) = bit(&arguments[2])?;
        let string = data.read_string(&arguments[1])?;
        let byte = string.and_then(|string| string.get(place));
        Ok(yes_or_no(byte.is_some_and(|byte| byte & mask != 0)))
    })
}

/// In which byte a bit is, and which of its bits: the first is the highest. Source: `getBitOffsetFromArgument`.
fn bit(offset: &Bytes) -> Result<(usize, u8), Reply> {
    const NO_OFFSET: Reply = Reply::error("ERR bit offset is not an integer or out of range");
    let offset = usize::try_from(integer(offset).map_err(|_| NO_OFFSET)?).map_err(|_| NO_OFFSET)?;
    let (place, bit) = (offset / 8, offset % 8);
    if place < STRING_MAX_BYTES { Ok((place, 0x80 >> bit)) } else { Err(NO_OFFSET) }
}
