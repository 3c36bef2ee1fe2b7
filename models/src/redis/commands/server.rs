//! Commands about the server and the connection.

use bytes::Bytes;

use super::{INT_RANGE, integer_in, wrong_arity};
use crate::redis::engine::Data;
use crate::redis::number::Decimal;
use crate::redis::resp::Reply;

/// `PING [message]`
pub(super) fn ping(_: &mut Data, arguments: &[Bytes]) -> Reply {
    match arguments {
        [_] => Reply::status("PONG"),
        [_, message] => Reply::Bulk(message.clone()),
        _ => wrong_arity("ping"),
    }
}

/// `ECHO message`
pub(super) fn echo(_: &mut Data, arguments: &[Bytes]) -> Reply {
    Reply::Bulk(arguments[1].clone())
}

/// `SELECT index`: there is one database.
pub(super) fn select(_: &mut Data, arguments: &[Bytes]) -> Reply {
    match integer_in(&arguments[1], INT_RANGE) {
        Ok(0) => Reply::OK,
        Ok(_) => Reply::error("ERR DB index is out of range"),
        Err(reply) => reply,
    }
}

/// `TIME`: seconds and microseconds on the server's wall clock.
pub(super) fn time(data: &mut Data, _: &[Bytes]) -> Reply {
    let micros = data.wall().as_nanos() / 1000;
    let part = |number: u64| {
        Reply::Bulk(Decimal::new(i64::try_from(number).unwrap_or(i64::MAX)).to_bytes())
    };
    Reply::Array(vec![part(micros / 1_000_000), part(micros % 1_000_000)])
}
