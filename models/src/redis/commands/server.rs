//! Commands about the server and the connection.

use bytes::Bytes;

use super::{INT_RANGE, attempt, database, integer_in, wrong_arity};
use crate::redis::engine::Data;
use crate::redis::keyspace::Database;
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

/// `SELECT index`
pub(super) fn select(data: &mut Data, arguments: &[Bytes]) -> Reply {
    match database(&arguments[1]) {
        Ok(database) => {
            data.keyspace.select(database);
            Reply::OK
        }
        Err(reply) => reply,
    }
}

/// `SWAPDB index index`: two databases change their numbers. Source: `db.c`, `swapdbCommand`.
pub(super) fn swapdb(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let number = |argument, error: &'static str| {
            integer_in(argument, INT_RANGE).map_err(|_| Reply::error(error))
        };
        let one = number(&arguments[1], "ERR invalid first DB index")?;
        let other = number(&arguments[2], "ERR invalid second DB index")?;
        let (Some(one), Some(other)) = (Database::new(one), Database::new(other)) else {
            return Err(Reply::error("ERR DB index is out of range"));
        };
        data.swap(one, other);
        Ok(Reply::OK)
    })
}

/// `TIME`: seconds and microseconds on the server's wall clock.
pub(super) fn time(data: &mut Data, _: &[Bytes]) -> Reply {
    let micros = data.wall().as_nanos() / 1000;
    let part = |number: u64| {
        Reply::Bulk(Decimal::new(i64::try_from(number).unwrap_or(i64::MAX)).to_bytes())
    };
    Reply::Array(vec![part(micros / 1_000_000), part(micros % 1_000_000)])
}
