//! The VM of one OS thread, and what scripts can ask of the server.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use bytes::Bytes;
use mlua::chunk::ChunkMode;
use mlua::{
    Either, Function, HookTriggers, Lua, LuaOptions, LuaString, MultiValue, StdLib, Table, Value,
    Variadic, VmState,
};
use smallvec::SmallVec;

use super::Digest;
use super::convert::{c_string, error_table, lua_to_reply, reply_to_lua, truncated, with_code};
use crate::redis::commands::{NotForScripts, call_from_script};
use crate::redis::engine::Data;
use crate::redis::number::Decimal;
use crate::redis::resp::Reply;

/// The name of a script's chunk. Source: `eval.c`, `luaCreateFunction`.
const CHUNK_NAME: &str = "@user_script";
/// The name of the chunk that is ours: its frames are left out where errors say where they arose.
const PRELUDE_NAME: &str = "=redis";

/// After so many instructions Lua asks whether the script may go on.
const INSTRUCTIONS_PER_SLICE: u32 = 100_000;
/// A script ends after so many slices: ten million instructions, about a tenth of a second on a
/// real server. Redis itself never ends a script, it answers `BUSY` to others after
/// `busy-reply-threshold`, 5 s.
const SLICES_MAX: u32 = 100;

thread_local! {
    static VM: Result<Vm, mlua::Error> = Vm::new();
}

/// Compiles a script, unless this thread's VM has it already.
///
/// # Errors
///
/// The reply to give when it does not compile.
pub(super) fn compile(digest: Digest, source: &Bytes) -> Result<Function, Reply> {
    with_vm(|vm| vm.function(digest, source))?
}

/// Runs a compiled script on the data.
pub(super) fn run(
    data: &mut Data,
    digest: Digest,
    function: &Function,
    keys: usize,
    arguments: &[Bytes],
) -> Reply {
    with_vm(|vm| vm.run(data, digest, function, keys, arguments)).unwrap_or_else(|reply| reply)
}

fn with_vm<T>(work: impl FnOnce(&Vm) -> T) -> Result<T, Reply> {
    VM.with(|vm| vm.as_ref().map(work).map_err(broken))
}

/// The reply when Lua itself fails: no memory, or a fault of ours.
pub(super) fn broken(error: &mlua::Error) -> Reply {
    crate::redis::commands::error(format!("Error running script: {error}"))
}

/// An error that the server raises inside a script.
#[derive(Debug)]
enum Raised {
    /// An error table, with this text.
    Reply(Vec<u8>),
    /// A message, as Lua's own libraries raise.
    Message(String),
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply(text) => f.write_str(&String::from_utf8_lossy(text)),
            Self::Message(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Raised {}

/// The script has run for too long.
#[derive(Debug, thiserror::Error)]
#[error("Script killed after {} instructions", INSTRUCTIONS_PER_SLICE * SLICES_MAX)]
struct Killed;

/// What a running script can reach.
#[derive(Default)]
struct Running {
    data: Data,
    /// The arguments of the script: what it passes on is most often one of them.
    arguments: SmallVec<[Bytes; 8]>,
    words: Words,
    /// A table for the first reply `OK`; taken when it is used.
    spare: Option<Value>,
}

struct Vm {
    lua: Lua,
    run: Function,
    functions: RefCell<BTreeMap<Digest, Function>>,
    running: Rc<RefCell<Running>>,
    slices: Rc<Cell<u32>>,
}

impl Vm {
    fn new() -> mlua::Result<Self> {
        let libraries = StdLib::STRING | StdLib::TABLE | StdLib::MATH;
        let lua = Lua::new_with(libraries, LuaOptions::new())?;
        let running = Rc::new(RefCell::new(Running::default()));
        let host = host_functions(&lua, &running)?;
        let prelude = lua.load(include_str!("prelude.lua")).set_name(PRELUDE_NAME);
        let (globals, run): (Table, Function) = prelude.into_function()?.call(host)?;
        lua.set_globals(globals)?;
        let slices = Rc::new(Cell::new(0));
        Ok(Self { lua, run, functions: RefCell::default(), running, slices })
    }

    /// The compiled script.
    fn function(&self, digest: Digest, source: &Bytes) -> Result<Function, Reply> {
        if let Some(function) = self.functions.borrow().get(&digest) {
            return Ok(function.clone());
        }
        let chunk = self.lua.load(&source[..]).set_name(CHUNK_NAME).set_mode(ChunkMode::Text);
        let function = chunk.into_function().map_err(|error| {
            let text = match error {
                mlua::Error::SyntaxError { message, .. } => message,
                other => other.to_string(),
            };
            let text = [b"Error compiling script (new function): ", text.as_bytes()].concat();
            crate::redis::commands::error(text)
        })?;
        self.functions.borrow_mut().insert(digest, function.clone());
        Ok(function)
    }

    fn run(
        &self,
        data: &mut Data,
        digest: Digest,
        function: &Function,
        keys: usize,
        arguments: &[Bytes],
    ) -> Reply {
        {
            let mut running = self.running.borrow_mut();
            std::mem::swap(&mut running.data, data);
            running.arguments.extend(arguments.iter().cloned());
        }
        let reply = self.call(digest, function, keys, arguments);
        let mut running = self.running.borrow_mut();
        std::mem::swap(&mut running.data, data);
        running.arguments.clear();
        reply.unwrap_or_else(|error| broken(&error))
    }

    fn call(
        &self,
        digest: Digest,
        function: &Function,
        keys: usize,
        arguments: &[Bytes],
    ) -> mlua::Result<Reply> {
        let wants_spare = self.running.borrow().spare.is_none();
        let mut passed = Vec::with_capacity(arguments.len());
        for argument in arguments {
            passed.push(self.argument(argument)?);
        }
        self.start_counting()?;
        let (ok, result, spare): (bool, Value, Value) =
            self.run.call((function, wants_spare, keys, Variadic::from(passed)))?;
        if wants_spare {
            self.running.borrow_mut().spare = Some(spare);
        }
        Ok(match result {
            result if ok => lua_to_reply(&result),
            Value::Table(error) => failure(digest, &error)?,
            other => broken(&mlua::Error::runtime(format!("odd error: {other:?}"))),
        })
    }

    /// An argument on its way into Lua. What is valid UTF-8 takes mlua's shortest way.
    fn argument<'a>(&self, bytes: &'a [u8]) -> mlua::Result<Either<&'a str, LuaString>> {
        Ok(match std::str::from_utf8(bytes) {
            Ok(text) => Either::Left(text),
            Err(_) => Either::Right(self.lua.create_string(bytes)?),
        })
    }

    /// Counts instructions from zero: where a runaway script ends must not depend on what ran
    /// before it.
    fn start_counting(&self) -> mlua::Result<()> {
        self.slices.set(0);
        let slices = self.slices.clone();
        let triggers = HookTriggers::new().every_nth_instruction(INSTRUCTIONS_PER_SLICE);
        self.lua.set_global_hook(triggers, move |_, _| {
            slices.set(slices.get() + 1);
            if slices.get() < SLICES_MAX {
                Ok(VmState::Continue)
            } else {
                Err(mlua::Error::external(Killed))
            }
        })
    }
}

/// The reply to a script that failed: the error's text, the script, the line.
///
/// Source: `script_lua.c`, `luaCallFunction` and `luaExtractErrorInformation`.
fn failure(digest: Digest, error: &Table) -> mlua::Result<Reply> {
    let field = |name: &str| -> mlua::Result<Option<Vec<u8>>> {
        Ok(match error.raw_get(name)? {
            Value::String(text) => Some(c_string(&text.as_bytes()).to_vec()),
            Value::Integer(number) => Some(Decimal::new(number).as_bytes().to_vec()),
            _ => None,
        })
    };
    let mut text = field("err")?.unwrap_or_else(|| b"ERR unknown error".to_vec());
    if let (Some(source), Some(line)) = (field("source")?, field("line")?) {
        let digest = digest.to_hex();
        text.extend([&b" script: "[..], &digest, b", on ", &source, b":", &line, b"."].concat());
    }
    Ok(Reply::Error(Bytes::from(text)))
}

/// What the prelude gets: `redis`, and what it needs to build the rest.
fn host_functions(lua: &Lua, running: &Rc<RefCell<Running>>) -> mlua::Result<Table> {
    let host = lua.create_table()?;
    host.set("redis", redis_library(lua, running)?)?;
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
            let text = match call_command(&running, &format, &arguments)? {
                Ok(Reply::Status(status)) if status == "OK" => {
                    let spare = running.borrow_mut().spare.take();
                    return spare.map_or_else(|| reply_to_lua(lua, Reply::OK), Ok);
                }
                Ok(reply) => return reply_to_lua(lua, reply),
                Err(text) => text,
            };
            if raises {
                return Err(mlua::Error::external(Raised::Reply(text)));
            }
            reply_error(lua, &text).map(Value::Table)
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

/// Carries out the command that a script called; the inner error is the text of the error reply.
fn call_command(
    running: &RefCell<Running>,
    format: &Function,
    arguments: &MultiValue,
) -> mlua::Result<Result<Reply, Vec<u8>>> {
    if arguments.is_empty() {
        let text = b"Please specify at least one argument for this redis lib call";
        return Ok(Err(with_code(text)));
    }
    let running = &mut *running.borrow_mut();
    let mut command: SmallVec<[Bytes; 8]> = SmallVec::new();
    for argument in arguments {
        command.push(match argument {
            Value::String(text) => running.bytes(&text.as_bytes()),
            Value::Integer(number) if number.unsigned_abs() < 100_000_000_000_000_000 => {
                Decimal::new(*number).to_bytes()
            }
            Value::Integer(_) | Value::Number(_) => {
                // Source: `script_lua.c`, `luaArgsToRedisArgv`.
                let text: LuaString = format.call(("%.17g", argument))?;
                Bytes::copy_from_slice(&text.as_bytes())
            }
            _ => {
                let text = b"Lua redis lib command arguments must be strings or integers";
                return Ok(Err(with_code(text)));
            }
        });
    }
    Ok(match call_from_script(&mut running.data, &command) {
        Ok(Reply::Error(text)) => Err(with_code(&[b"-", &text[..]].concat())),
        Ok(reply) => Ok(reply),
        Err(why) => Err(with_code(match why {
            NotForScripts::Unknown => b"Unknown Redis command called from script",
            NotForScripts::Arity => b"Wrong number of args calling Redis command from script",
            NotForScripts::Forbidden => b"This Redis command is not allowed from script",
        })),
    })
}

/// The error table that `redis.pcall` gives. The second field tells Redis not to count the error
/// twice; a script can see it.
fn reply_error(lua: &Lua, text: &[u8]) -> mlua::Result<Table> {
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

/// What a script sees of an error that Rust raised, and whether it is the end of the script.
fn convert(lua: &Lua, error: Value) -> mlua::Result<(Value, bool)> {
    let Value::Error(error) = error else {
        return Ok((error, false));
    };
    match error.downcast_ref() {
        Some(Raised::Reply(text)) => return Ok((Value::Table(reply_error(lua, text)?), false)),
        Some(Raised::Message(text)) => return Ok((Value::String(lua.create_string(text)?), false)),
        None => {}
    }
    let killed = error.downcast_ref::<Killed>().is_some();
    let text = if killed { Killed.to_string() } else { error.to_string() };
    Ok((Value::Table(error_table(lua, &with_code(text.as_bytes()))?), killed))
}

/// Turns what a script has failed with into an error table that says where.
///
/// Source: `eval.c`, `scriptingInit`, the function `__redis__err__handler`: the function that
/// raised the error, or its caller when that is a C function.
fn handle(lua: &Lua, error: Value) -> mlua::Result<Table> {
    let table = match convert(lua, error)?.0 {
        Value::Table(table) => table,
        Value::String(text) => error_table(lua, &[b"ERR ", &text.as_bytes()[..]].concat())?,
        other => error_table(lua, format!("ERR {}", other.to_string()?).as_bytes())?,
    };
    let mut level = 1;
    if frame(lua, level).is_some_and(|(source, _)| source == "=[C]") {
        level += 1;
    }
    while frame(lua, level).is_some_and(|(source, _)| source == PRELUDE_NAME) {
        level += 1;
    }
    if let Some((source, line)) = frame(lua, level) {
        table.set("source", source)?;
        table.set("line", line)?;
    }
    Ok(table)
}

/// The chunk and the line of the function at a level of the stack.
fn frame(lua: &Lua, level: usize) -> Option<(String, i64)> {
    lua.inspect_stack(level, |debug| {
        let source = debug.source().source;
        let line = debug.current_line().and_then(|line| i64::try_from(line).ok());
        (source.map(|source| source.into_owned()).unwrap_or_default(), line.unwrap_or(-1))
    })
}

impl Running {
    /// The bytes as a string of ours, without a copy when one is at hand.
    fn bytes(&mut self, text: &[u8]) -> Bytes {
        match self.arguments.iter().find(|argument| *argument == text) {
            Some(argument) => argument.clone(),
            None => self.words.bytes(text),
        }
    }
}

/// Words that scripts pass again and again (`SET`, `NX`). Redis keeps the like in
/// `lua_args_cached_objects`. What it holds never shows: it only saves copies.
#[derive(Default)]
struct Words {
    slots: [Bytes; Self::SLOTS],
}

impl Words {
    const SLOTS: usize = 32;
    const WORD_MAX_BYTES: usize = 16;

    fn bytes(&mut self, text: &[u8]) -> Bytes {
        let [first, .., last] = text else {
            return Bytes::copy_from_slice(text);
        };
        if text.len() > Self::WORD_MAX_BYTES {
            return Bytes::copy_from_slice(text);
        }
        let mix = usize::from(*first) * 7 + usize::from(*last) * 3 + text.len();
        let slot = &mut self.slots[mix % Self::SLOTS];
        if slot != text {
            *slot = Bytes::copy_from_slice(text);
        }
        slot.clone()
    }
}
