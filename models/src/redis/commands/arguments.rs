//! How arguments are read, and what is answered when one cannot be.

use std::ops::RangeInclusive;

use super::error;
use crate::redis::keyspace::Database;
use crate::redis::number::{LongDouble, parse_i64};
use crate::redis::resp::Reply;

pub(super) const NOT_AN_INTEGER: Reply =
    Reply::error("ERR value is not an integer or out of range");

/// The numbers that C's `int` holds.
pub(super) const INT_RANGE: RangeInclusive<i64> = i32::MIN as i64..=i32::MAX as i64;

/// Reads an argument as an integer.
pub(crate) fn integer(argument: &[u8]) -> Result<i64, Reply> {
    parse_i64(argument).ok_or(NOT_AN_INTEGER)
}

/// Reads an argument as an integer that lies in a range.
///
/// Source: `object.c`, `getRangeLongFromObjectOrReply`.
pub(super) fn integer_in(argument: &[u8], range: RangeInclusive<i64>) -> Result<i64, Reply> {
    let number = integer(argument)?;
    if range.contains(&number) {
        return Ok(number);
    }
    let (least, most) = range.into_inner();
    Err(error(format!("value is out of range, value must between {least} and {most}")))
}

/// Reads the number of a database. Source: `object.c`, `getIntFromObjectOrReply`; `db.c`, `selectDb`.
///
/// # Errors
///
/// The reply to give when it is no number, or there is no such database.
pub(super) fn database(argument: &[u8]) -> Result<Database, Reply> {
    let number = integer_in(argument, INT_RANGE)?;
    Database::new(number).ok_or(Reply::error("ERR DB index is out of range"))
}

/// Reads an argument, or what a key holds, as a fraction.
pub(super) fn float(argument: &[u8]) -> Result<LongDouble, Reply> {
    LongDouble::parse(argument).ok_or(Reply::error("ERR value is not a valid float"))
}

/// True when an argument is an option of this name, in letters of either case and only up to a zero
/// byte: Redis compares C strings.
pub(crate) fn is_option(argument: &[u8], name: &str) -> bool {
    printed(argument, usize::MAX).eq_ignore_ascii_case(name.as_bytes())
}

/// At most `most` bytes of an argument, and only up to a zero byte: Redis prints a C string.
pub(crate) fn printed(argument: &[u8], most: usize) -> &[u8] {
    let end = argument.iter().position(|byte| *byte == 0).unwrap_or(argument.len());
    &argument[..end.min(most)]
}
