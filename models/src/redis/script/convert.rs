//! Between Lua's values and Redis's replies. Source: `script_lua.c`, `redisProtocolToLuaType…`
//! and `luaReplyToRedisReply`.

use bytes::Bytes;
use mlua::{Lua, Table, Value};

use super::strings::Strings;
use crate::redis::resp::Reply;

/// How deep tables may lie in tables. Redis stops when Lua's stack is full, at some thousands.
const DEPTH_MAX: usize = 200;

/// What a script sees of a reply.
pub(super) fn reply_to_lua(lua: &Lua, strings: &mut Strings, reply: Reply) -> mlua::Result<Value> {
    Ok(match reply {
        Reply::Int(number) => Value::Integer(number),
        Reply::Bulk(bytes) | Reply::Verbatim(bytes) => {
            Value::String(strings.lua_string(lua, &bytes)?)
        }
        Reply::Nil | Reply::NilArray | Reply::Null => Value::Boolean(false),
        Reply::Status(text) => Value::Table(status_table(lua, &text)?),
        Reply::Error(text) => Value::Table(error_table(lua, &text)?),
        // A script is answered in RESP2.
        Reply::Array(replies) | Reply::Map(replies) | Reply::Push(replies) => {
            let table = lua.create_table_with_capacity(replies.len(), 0)?;
            for reply in replies {
                table.raw_push(reply_to_lua(lua, strings, reply)?)?;
            }
            Value::Table(table)
        }
    })
}

/// The table that stands for a status: its text in the field `ok`.
pub(super) fn status_table(lua: &Lua, text: &[u8]) -> mlua::Result<Table> {
    let table = lua.create_table_with_capacity(0, 1)?;
    table.raw_set("ok", lua.create_string(text)?)?;
    Ok(table)
}

/// The table that stands for an error: its text in the field `err`.
pub(super) fn error_table(lua: &Lua, text: &[u8]) -> mlua::Result<Table> {
    let table = lua.create_table_with_capacity(0, 4)?;
    table.raw_set("err", lua.create_string(text)?)?;
    Ok(table)
}

/// The text of an error with its code: `ERR` when it has none.
///
/// `text` is either a reply's text with a `-` before it, whose first word is the code, or a
/// message without a code. Source: `script_lua.c`, `luaPushErrorBuff`.
pub(super) fn with_code(text: &[u8]) -> Vec<u8> {
    let text = c_string(text);
    let (code, message) = match text.strip_prefix(b"-") {
        None => (&b"ERR"[..], text),
        Some(text) => match text.iter().position(|byte| *byte == b' ') {
            Some(space) => (&text[..space], &text[space + 1..]),
            None => (&b"ERR"[..], text),
        },
    };
    let is_break = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let start = message.iter().position(|byte| !is_break(byte)).unwrap_or(message.len());
    let end = message.iter().rposition(|byte| !is_break(byte)).map_or(start, |last| last + 1);
    [code, b" ", &message[start..end]].concat()
}

/// The bytes up to the first zero: where Redis hands a Lua string to C, it ends there.
pub(super) fn c_string(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == 0).next().unwrap_or(text)
}

/// The reply that a script's result makes.
pub(super) fn lua_to_reply(value: &Value) -> Reply {
    to_reply(value, 0).unwrap_or_else(|error| super::vm::broken(&error))
}

fn to_reply(value: &Value, depth: usize) -> mlua::Result<Reply> {
    if depth > DEPTH_MAX {
        return Ok(Reply::error("ERR reached lua stack limit"));
    }
    Ok(match value {
        Value::String(text) => Reply::Bulk(Bytes::copy_from_slice(&text.as_bytes())),
        Value::Boolean(true) => Reply::Int(1),
        Value::Integer(number) => Reply::Int(*number),
        Value::Number(number) => Reply::Int(truncated(*number)),
        Value::Table(table) => table_to_reply(table, depth)?,
        _ => Reply::Nil,
    })
}

fn table_to_reply(table: &Table, depth: usize) -> mlua::Result<Reply> {
    if let Value::String(text) = table.raw_get("err")? {
        return Ok(Reply::Error(one_line(&text.as_bytes())));
    }
    if let Value::String(text) = table.raw_get("ok")? {
        return Ok(Reply::Status(one_line(&text.as_bytes())));
    }
    let mut replies = Vec::new();
    for index in 1.. {
        match table.raw_get::<Value>(index)? {
            Value::Nil => break,
            value => replies.push(to_reply(&value, depth + 1)?),
        }
    }
    Ok(Reply::Array(replies))
}

/// A status or an error: a C string on one line.
fn one_line(text: &[u8]) -> Bytes {
    c_string(text)
        .iter()
        .map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte })
        .collect()
}

/// A number without its fraction. What does not fit becomes the smallest number, as on x86-64,
/// where C leaves the conversion undefined.
pub(super) fn truncated(number: f64) -> i64 {
    /// The first number that is too large, and the last that is not too small: ±2^63.
    const RANGE: std::ops::Range<f64> = -9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0;
    if RANGE.contains(&number) { number as i64 } else { i64::MIN }
}
