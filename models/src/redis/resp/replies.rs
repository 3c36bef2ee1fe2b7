//! Replies: from the server to the client.

use bytes::{Buf, Bytes, BytesMut};

use super::commands::BULK_MAX_BYTES;
use super::{ProtocolError, Reply, VERBATIM_TEXT};
use crate::redis::number::parse_i64;

/// How deep arrays may lie in arrays. hiredis, `read.h`, allows 9 in its own reader.
const DEPTH_MAX: usize = 128;

/// Takes bytes as they come in and gives the replies that they make up.
#[derive(Debug, Default)]
pub struct ReplyDecoder {
    buffer: BytesMut,
}

/// Why there is no reply: the rest is missing, or it is none.
enum Stop {
    Incomplete,
    Wrong(ProtocolError),
}

impl ReplyDecoder {
    /// Takes what came in.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next reply; `None` when it has not come in whole.
    ///
    /// # Errors
    ///
    /// What came in is no reply. Nothing that follows can be understood: the connection has to
    /// be closed.
    pub fn next_reply(&mut self) -> Result<Option<Reply>, ProtocolError> {
        let mut rest = &self.buffer[..];
        match take_reply(&mut rest, 0) {
            Ok(reply) => {
                let taken = self.buffer.len() - rest.len();
                self.buffer.advance(taken);
                Ok(Some(reply))
            }
            Err(Stop::Incomplete) => Ok(None),
            Err(Stop::Wrong(error)) => Err(error),
        }
    }
}

fn take_reply(rest: &mut &[u8], depth: usize) -> Result<Reply, Stop> {
    if depth > DEPTH_MAX {
        return Err(wrong("replies nested too deeply"));
    }
    let line = take_line(rest)?;
    let Some((kind, text)) = line.split_first() else {
        return Err(wrong("empty line"));
    };
    match kind {
        b'+' => Ok(Reply::Status(Bytes::copy_from_slice(text))),
        b'-' => Ok(Reply::Error(Bytes::copy_from_slice(text))),
        b':' => number(text).map(Reply::Int),
        b'$' => match number(text)? {
            -1 => Ok(Reply::Nil),
            length if length > BULK_MAX_BYTES => Err(wrong("bulk string too long")),
            length => take_bulk(rest, length),
        },
        b'*' => match number(text)? {
            -1 => Ok(Reply::NilArray),
            length => take_several(rest, length, depth).map(Reply::Array),
        },
        b'_' => Ok(Reply::Null),
        b'%' => take_several(rest, number(text)?.saturating_mul(2), depth).map(Reply::Map),
        b'>' => take_several(rest, number(text)?, depth).map(Reply::Push),
        b'=' => {
            let Reply::Bulk(bytes) = take_bulk(rest, number(text)?)? else {
                return Err(wrong("no verbatim string"));
            };
            let text = bytes.strip_prefix(VERBATIM_TEXT);
            text.map(|text| Reply::Verbatim(bytes.slice_ref(text)))
                .ok_or_else(|| wrong("a verbatim string of another format than text"))
        }
        other => Err(Stop::Wrong(ProtocolError(format!(
            "unknown reply type '{}'",
            char::from(*other).escape_default()
        )))),
    }
}

fn take_bulk(rest: &mut &[u8], length: i64) -> Result<Reply, Stop> {
    let length = usize::try_from(length).map_err(|_| wrong("negative length"))?;
    let Some((bytes, after)) = rest.split_at_checked(length) else {
        return Err(Stop::Incomplete);
    };
    match after {
        [b'\r', b'\n', after @ ..] => {
            *rest = after;
            Ok(Reply::Bulk(Bytes::copy_from_slice(bytes)))
        }
        [] | [b'\r'] => Err(Stop::Incomplete),
        _ => Err(wrong("bulk string without its end")),
    }
}

/// Several replies. No room is made for what is only announced: each element is at least four bytes that came in.
fn take_several(rest: &mut &[u8], length: i64, depth: usize) -> Result<Vec<Reply>, Stop> {
    if length < 0 {
        return Err(wrong("negative length"));
    }
    let mut replies = Vec::new();
    for _ in 0..length {
        replies.push(take_reply(rest, depth + 1)?);
    }
    Ok(replies)
}

fn take_line<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Stop> {
    let end = rest.windows(2).position(|pair| pair == b"\r\n").ok_or(Stop::Incomplete)?;
    let line = &rest[..end];
    *rest = &rest[end + 2..];
    Ok(line)
}

fn number(text: &[u8]) -> Result<i64, Stop> {
    parse_i64(text).ok_or_else(|| wrong("invalid number"))
}

fn wrong(text: &str) -> Stop {
    Stop::Wrong(ProtocolError(text.to_owned()))
}
