//! RESP2 and RESP3, the protocols between Redis and its clients: replies as values, and both directions as
//! bytes. In the simulated world a message is a value and none of the codecs runs; behind a real
//! port they do. Bytes in, values out, no socket: whoever owns one feeds it.
//!
//! ```
//! use fencepost_models::redis::resp::{CommandDecoder, Reply};
//!
//! let mut decoder = CommandDecoder::default();
//! decoder.feed(b"*2\r\n$3\r\nGET\r\n$5\r\nsto");
//! assert_eq!(decoder.next_command(), Ok(None));
//! decoder.feed(b"ck\r\n");
//! let command = decoder.next_command().expect("well formed").expect("complete");
//! assert_eq!(command, ["GET", "stock"]);
//!
//! let mut bytes = Vec::new();
//! Reply::Int(7).encode(&mut bytes);
//! assert_eq!(bytes, b":7\r\n");
//! ```
//!
//! Source: redis.io, "Redis serialization protocol specification"; limits and error texts from
//! Redis 7.0.15, `networking.c`.

mod commands;
mod inline;
mod replies;

pub(crate) use commands::encoded_len;
pub use commands::{CommandDecoder, encode_command};
pub use replies::ReplyDecoder;

use bytes::Bytes;
use serde::Serialize;

use super::number::Decimal;

/// What Redis answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Reply {
    /// A short text that is no data: `OK`, `PONG`.
    Status(Bytes),
    /// An error: its code, a space, its text, without the `-` of the wire.
    Error(Bytes),
    /// A number.
    Int(i64),
    /// A string of bytes.
    Bulk(Bytes),
    /// No string.
    Nil,
    /// No array.
    NilArray,
    /// Several replies.
    Array(Vec<Reply>),
    /// RESP3: nothing, of whatever kind.
    Null,
    /// RESP3: names and values in turn.
    Map(Vec<Reply>),
    /// RESP3: what is no answer.
    Push(Vec<Reply>),
    /// RESP3: a text for people, as it is.
    Verbatim(Bytes),
}

/// What is wrong with the bytes that came in. The text is the one that Redis sends before it
/// closes the connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Protocol error: {0}")]
pub struct ProtocolError(pub String);

impl Reply {
    /// `+OK`.
    pub const OK: Self = Self::Status(Bytes::from_static(b"OK"));

    /// A status known when fencepost was built.
    pub const fn status(text: &'static str) -> Self {
        Self::Status(Bytes::from_static(text.as_bytes()))
    }

    /// An error known when fencepost was built, with its code: `ERR syntax error`.
    pub const fn error(text: &'static str) -> Self {
        Self::Error(Bytes::from_static(text.as_bytes()))
    }

    /// Appends the reply as it goes over the wire.
    ///
    /// A line break inside a status or an error becomes a space: it would end the line, and with
    /// it the reply.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Status(text) => line(out, b'+', text),
            Self::Error(text) => line(out, b'-', text),
            Self::Int(number) => line(out, b':', Decimal::new(*number).as_bytes()),
            Self::Bulk(bytes) => bulk(out, bytes),
            Self::Nil => out.extend_from_slice(b"$-1\r\n"),
            Self::NilArray => out.extend_from_slice(b"*-1\r\n"),
            Self::Array(replies) => several(out, b'*', replies.len(), replies),
            Self::Null => out.extend_from_slice(b"_\r\n"),
            Self::Map(replies) => several(out, b'%', replies.len() / 2, replies),
            Self::Push(replies) => several(out, b'>', replies.len(), replies),
            Self::Verbatim(text) => {
                header(out, b'=', VERBATIM_TEXT.len() + text.len());
                out.extend_from_slice(VERBATIM_TEXT);
                out.extend_from_slice(text);
                out.extend_from_slice(b"\r\n");
            }
        }
    }
}

/// Before a verbatim string: that it is plain text.
const VERBATIM_TEXT: &[u8] = b"txt:";

/// So many replies.
fn several(out: &mut Vec<u8>, kind: u8, count: usize, replies: &[Reply]) {
    header(out, kind, count);
    replies.iter().for_each(|reply| reply.encode(out));
}

/// One line: its type, its text, its end.
fn line(out: &mut Vec<u8>, kind: u8, text: &[u8]) {
    out.push(kind);
    out.extend(text.iter().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte }));
    out.extend_from_slice(b"\r\n");
}

/// A line that says how long what follows is.
fn header(out: &mut Vec<u8>, kind: u8, length: usize) {
    // Each argument has one, and most lengths have one digit or two.
    let digit = |number: usize| b'0' + number as u8;
    match length {
        0..10 => out.extend_from_slice(&[kind, digit(length), b'\r', b'\n']),
        10..100 => {
            let [tens, ones] = [digit(length / 10), digit(length % 10)];
            out.extend_from_slice(&[kind, tens, ones, b'\r', b'\n']);
        }
        _ => line(out, kind, Decimal::new(i64::try_from(length).unwrap_or(i64::MAX)).as_bytes()),
    }
}

/// A bulk string.
fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    header(out, b'$', bytes.len());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
