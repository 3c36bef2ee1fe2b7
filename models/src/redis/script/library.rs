//! What scripts can ask of the server: the table `redis`, and the functions of Lua's own libraries
//! that Redis replaces.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use mlua::{Function, Lua, LuaString, MultiValue, Table, Value};
use smallvec::SmallVec;

use super::Digest;
use super::convert::{error_table, reply_to_lua, status_table, truncated, with_code};
use super::vm::{Raised, Running, convert, frame, handle};
use crate::redis::commands::{NotForScripts, find_for_script};
use crate::redis::number::Decimal;
use crate::redis::resp::Reply;

/// What the prelude gets: `redis`, and what it needs to build the rest.
pub(super) fn host_functions(lua: &Lua, running: &Rc<RefCell<Running>>) -> mlua::Result<Table> {
    let host = lua.create_table()?;
    host.set("redis", redis_library(lua, running)?)?;
    let state = running.clone();
    let call = move |lua: &Lua, number| numbered_call(lua, &mut state.borrow_mut(), number);
    host.set("numbered_call", lua.create_function(call)?)?;
    host.set("convert", lua.create_function(convert)?)?;
    host.set("handle", lua.create_function(handle)?)?;
    let tostring: Function = lua.globals().get("tostring")?;
    let named = move |lua: &Lua, name: Function| {
        let tostring = tostring.clone();
        lua.create_function(move |lua, arguments| to_string(lua, &tostring, &name, &arguments))
    };
    host.set("tostring", lua.create_function(named)?)?;
    let state = running.clone();
    let draw = move |lua: &Lua, bounds: MultiValue| random(lua, &state, &bounds);
    host.set("random", lua.create_function(draw)?)?;
    let state = running.clone();
    let seed = move |lua: &Lua, seed: MultiValue| {
        let seed = int_argument(lua, &seed, 0, "randomseed")?;
        state.borrow_mut().data.lrand48.seed(seed);
        Ok(())
    };
    host.set("randomseed", lua.create_function(seed)?)?;
    Ok(host)
}

/// The table `redis`. Source: `script_lua.c`, `luaRegisterRedisAPI`; `eval.c`, `scriptingInit`.
fn redis_library(lua: &Lua, running: &Rc<RefCell<Running>>) -> mlua::Result<Table> {
    let redis = lua.create_table()?;
    let format: Function = lua.globals().get::<Table>("string")?.get("format")?;
    for (name, raises) in [("call", true), ("pcall", false)] {
        let (running, format) = (running.clone(), format.clone());
        let call = move |lua: &Lua, arguments: MultiValue| {
            let running = &mut *running.borrow_mut();
            let answer = call_command(running, &format, &arguments)?;
            shown(lua, running, answer, raises)
        };
        redis.set(name, lua.create_function(call)?)?;
    }
    redis.set("sha1hex", lua.create_function(sha1hex)?)?;
    redis.set("error_reply", lua.create_function(error_reply)?)?;
    redis.set("status_reply", lua.create_function(status_reply)?)?;
    redis.set("log", lua.create_function(log)?)?;
    redis.set("setresp", lua.create_function(setresp)?)?;
    redis.set("set_repl", lua.create_function(set_repl)?)?;
    redis.set("acl_check_cmd", lua.create_function(acl_check_cmd)?)?;
    redis.set("replicate_commands", lua.create_function(|_, ()| Ok(true))?)?;
    redis.set("breakpoint", lua.create_function(|_, ()| Ok(false))?)?;
    redis.set("debug", lua.create_function(|_, _: MultiValue| Ok(()))?)?;
    for (name, number) in [
        ("LOG_DEBUG", 0),
        ("LOG_VERBOSE", 1),
        ("LOG_NOTICE", 2),
        ("LOG_WARNING", 3),
        ("REPL_NONE", 0),
        ("REPL_AOF", 1),
        ("REPL_SLAVE", 2),
        ("REPL_REPLICA", 2),
        ("REPL_ALL", 3),
        ("REDIS_VERSION_NUM", 0x0007_000F),
    ] {
        redis.set(name, number)?;
    }
    redis.set("REDIS_VERSION", "7.0.15")?;
    Ok(redis)
}

/// Carries out a numbered call: as `redis.call`.
fn numbered_call(lua: &Lua, running: &mut Running, number: usize) -> mlua::Result<Value> {
    let Running { data, calls, .. } = running;
    let calls = calls.borrow();
    // Numbers in Lua begin with 1, and only the text that was made with the calls has any.
    let answer = match number.checked_sub(1).and_then(|place| calls.get(place)) {
        Some(call) => {
            answer(call.handler.map(|command| data.call_for_script(command, &call.words)))
        }
        None => answer(Err(NotForScripts::Unknown)),
    };
    drop(calls);
    shown(lua, running, answer, true)
}

/// What a script sees of a reply; an error is raised, or given as a table.
fn shown(
    lua: &Lua,
    running: &mut Running,
    answer: Result<Reply, Vec<u8>>,
    raises: bool,
) -> mlua::Result<Value> {
    match answer {
        Ok(Reply::Status(status)) if status == "OK" => match running.shared_ok.take() {
            Some(table) => Ok(Value::Table(table)),
            None => status_table(lua, b"OK").map(Value::Table),
        },
        Ok(reply) => reply_to_lua(lua, &mut running.strings, reply),
        Err(text) if raises => Err(mlua::Error::external(Raised::Reply(text))),
        Err(text) => reply_error(lua, &text).map(Value::Table),
    }
}

/// Carries out the command that a script called; the inner error is the text of the error reply.
fn call_command(
    running: &mut Running,
    format: &Function,
    arguments: &MultiValue,
) -> mlua::Result<Result<Reply, Vec<u8>>> {
    if arguments.is_empty() {
        let text = b"Please specify at least one argument for this redis lib call";
        return Ok(Err(with_code(text)));
    }
    let mut command: SmallVec<[Bytes; 8]> = SmallVec::new();
    for argument in arguments {
        command.push(match argument {
            Value::String(text) => running.strings.bytes(text),
            Value::Integer(number) if number.unsigned_abs() < 100_000_000_000_000_000 => {
                Decimal::new(*number).to_bytes()
            }
            Value::Integer(_) | Value::Number(_) => {
                // Source: `script_lua.c`, `luaArgsToRedisArgv`.
                let text: LuaString = format.call(("%.17g", argument))?;
                Bytes::copy_from_slice(&text.as_bytes())
            }
            _ => return Ok(answer(Err(NotForScripts::Arguments))),
        });
    }
    let found = find_for_script(&command);
    Ok(answer(found.map(|found| running.data.call_for_script(found, &command))))
}

/// The reply, or the text of the error.
fn answer(reply: Result<Reply, NotForScripts>) -> Result<Reply, Vec<u8>> {
    match reply {
        Ok(Reply::Error(text)) => Err(with_code(&[b"-", &text[..]].concat())),
        Ok(reply) => Ok(reply),
        Err(why) => Err(with_code(match why {
            NotForScripts::Arguments => {
                b"Lua redis lib command arguments must be strings or integers"
            }
            NotForScripts::Unknown => b"Unknown Redis command called from script",
            NotForScripts::Arity => b"Wrong number of args calling Redis command from script",
            NotForScripts::Forbidden => b"This Redis command is not allowed from script",
        })),
    }
}

/// The error table that `redis.pcall` gives. The second field tells Redis not to count the error
/// twice; a script can see it.
pub(super) fn reply_error(lua: &Lua, text: &[u8]) -> mlua::Result<Table> {
    let table = error_table(lua, text)?;
    table.raw_set("ignore_error_stats_update", true)?;
    Ok(table)
}

/// `tostring`: what has an address gets a name that is the same in every run.
fn to_string(
    lua: &Lua,
    tostring: &Function,
    name: &Function,
    arguments: &MultiValue,
) -> mlua::Result<Value> {
    match arguments.front() {
        None => Err(bad_argument(lua, 0, "tostring", "value expected")),
        Some(value @ Value::String(_)) => Ok(value.clone()),
        Some(value @ (Value::Nil | Value::Boolean(_) | Value::Integer(_) | Value::Number(_))) => {
            tostring.call(value)
        }
        Some(value) => name.call(value),
    }
}

/// `math.random`. Source: `script_lua.c`, `redis_math_random`.
#[expect(
    clippy::float_arithmetic,
    reason = "Lua's numbers are floating; division, multiplication and floor are exact in IEEE 754"
)]
fn random(lua: &Lua, running: &RefCell<Running>, bounds: &MultiValue) -> mlua::Result<f64> {
    /// Source: `rand.h`, `REDIS_LRAND48_MAX`.
    const MAX: i32 = i32::MAX;
    let drawn = running.borrow_mut().data.lrand48.next() % MAX;
    let part = f64::from(drawn) / f64::from(MAX);
    let (low, high) = match bounds.len() {
        0 => return Ok(part),
        1 => (1, int_argument(lua, bounds, 0, "random")?),
        2 => (int_argument(lua, bounds, 0, "random")?, int_argument(lua, bounds, 1, "random")?),
        _ => return Err(message(lua, "wrong number of arguments")),
    };
    if low > high {
        return Err(bad_argument(lua, bounds.len() - 1, "random", "interval is empty"));
    }
    let width = high.wrapping_sub(low).wrapping_add(1);
    Ok((part * f64::from(width)).floor() + f64::from(low))
}

/// An argument as C's `int`. Source: `lauxlib.c`, `luaL_checkint`: the fraction and the upper
/// bits are cut off.
fn int_argument(lua: &Lua, arguments: &MultiValue, at: usize, name: &str) -> mlua::Result<i32> {
    let value = arguments.get(at).cloned();
    match lua.coerce_number(value.clone().unwrap_or(Value::Nil))? {
        Some(number) => Ok(truncated(number) as i32),
        None => {
            let got = value.map_or("no value", |value| value.type_name());
            Err(bad_argument(lua, at, name, &format!("number expected, got {got}")))
        }
    }
}

/// Source: `lauxlib.c`, `luaL_argerror`.
fn bad_argument(lua: &Lua, at: usize, name: &str, why: &str) -> mlua::Error {
    message(lua, &format!("bad argument #{} to '{name}' ({why})", at + 1))
}

/// An error message with the place in the script that called. Source: `lauxlib.c`, `luaL_error`.
fn message(lua: &Lua, text: &str) -> mlua::Error {
    let place = match frame(lua, 1) {
        Some((source, line)) if line > 0 => format!("{}:{line}: ", source.trim_start_matches('@')),
        _ => String::new(),
    };
    mlua::Error::external(Raised::Message(format!("{place}{text}")))
}

fn sha1hex(_: &Lua, arguments: MultiValue) -> mlua::Result<String> {
    match (arguments.len(), arguments.front()) {
        (1, Some(Value::String(text))) => Ok(Digest::of(&text.as_bytes()).to_string()),
        (1, Some(number @ (Value::Integer(_) | Value::Number(_)))) => {
            Ok(Digest::of(number.to_string()?.as_bytes()).to_string())
        }
        // What is no string has no bytes.
        (1, _) => Ok(Digest::of(b"").to_string()),
        _ => Err(raised(b"wrong number of arguments")),
    }
}

/// An error to raise, from a text without a code.
fn raised(text: &[u8]) -> mlua::Error {
    mlua::Error::external(Raised::Reply(with_code(text)))
}

fn error_reply(lua: &Lua, arguments: MultiValue) -> mlua::Result<Table> {
    let (1, Some(Value::String(text))) = (arguments.len(), arguments.front()) else {
        return error_table(lua, &with_code(b"wrong number or type of arguments"));
    };
    let text = text.as_bytes();
    let dashed = if text.starts_with(b"-") { text.to_vec() } else { [b"-", &text[..]].concat() };
    error_table(lua, &with_code(&dashed))
}

fn status_reply(lua: &Lua, arguments: MultiValue) -> mlua::Result<Table> {
    let (1, Some(text @ Value::String(_))) = (arguments.len(), arguments.front()) else {
        return error_table(lua, &with_code(b"wrong number or type of arguments"));
    };
    let table = lua.create_table_with_capacity(0, 1)?;
    table.raw_set("ok", text)?;
    Ok(table)
}

/// `redis.log`: there is no log, but what would be an error is one.
fn log(lua: &Lua, arguments: MultiValue) -> mlua::Result<()> {
    if arguments.len() < 2 {
        return Err(raised(b"redis.log() requires two arguments or more."));
    }
    let level = arguments.front().cloned().unwrap_or(Value::Nil);
    match lua.coerce_number(level)? {
        None => Err(raised(b"First argument must be a number (log level).")),
        Some(level) if (0..=3).contains(&(level as i64)) => Ok(()),
        Some(_) => Err(raised(b"Invalid debug level.")),
    }
}

/// `redis.setresp`: replies come as RESP2 has them, and the client speaks nothing else.
fn setresp(lua: &Lua, arguments: MultiValue) -> mlua::Result<()> {
    let (1, Some(version)) = (arguments.len(), arguments.front()) else {
        return Err(raised(b"redis.setresp() requires one argument."));
    };
    match lua.coerce_number(version.clone())?.map(truncated) {
        Some(2) => Ok(()),
        Some(3) => Err(raised(b"RESP3 is not modelled.")),
        _ => Err(raised(b"RESP version must be 2 or 3.")),
    }
}

/// `redis.set_repl`: nothing is replicated yet, but what would be an error is one.
fn set_repl(lua: &Lua, arguments: MultiValue) -> mlua::Result<()> {
    let (1, Some(flags)) = (arguments.len(), arguments.front()) else {
        return Err(raised(b"redis.set_repl() requires two arguments."));
    };
    match lua.coerce_number(flags.clone())?.map_or(0, truncated) {
        0..=3 => Ok(()),
        _ => Err(raised(
            b"Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
        )),
    }
}

/// `redis.acl_check_cmd`: there are no users, so whoever asks may.
fn acl_check_cmd(_: &Lua, arguments: MultiValue) -> mlua::Result<bool> {
    let words: Vec<Bytes> = arguments
        .iter()
        .filter_map(|word| word.as_string().map(|text| Bytes::copy_from_slice(&text.as_bytes())))
        .collect();
    if arguments.is_empty() {
        return Err(raised(b"Please specify at least one argument for this redis lib call"));
    }
    if words.len() < arguments.len() {
        return Err(raised(b"Lua redis lib command arguments must be strings or integers"));
    }
    if crate::redis::commands::is_known(&words) {
        Ok(true)
    } else {
        Err(raised(b"Invalid command passed to redis.acl_check_cmd()"))
    }
}
