//! The VM of one OS thread, and what scripts can ask of the server.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use bytes::Bytes;
use mlua::chunk::ChunkMode;
use mlua::{Function, HookTriggers, Lua, LuaOptions, MultiValue, StdLib, Table, Value, VmState};
use smallvec::SmallVec;

use super::Digest;
use super::convert::{c_string, error_table, lua_to_reply, reply_to_lua, with_code};
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

/// The longest string that `string.rep` makes. Source: `config.c`, `proto-max-bulk-len`.
const STRING_MAX_BYTES: u32 = 512 * 1024 * 1024;

thread_local! {
    static VM: Result<Vm, mlua::Error> = Vm::new();
}

/// Compiles a script, unless this thread's VM has it already.
///
/// # Errors
///
/// The reply to give when it does not compile.
pub(super) fn compile(digest: Digest, source: &Bytes) -> Result<(), Reply> {
    with_vm(|vm| vm.function(digest, source).map(|_| ()))?
}

/// Runs a script on the data.
pub(super) fn run(
    data: &mut Data,
    digest: Digest,
    source: &Bytes,
    keys: usize,
    arguments: &[Bytes],
) -> Reply {
    let run = |vm: &Vm| {
        let function = vm.function(digest, source)?;
        Ok(vm.run(data, digest, &function, keys, arguments))
    };
    with_vm(run).flatten().unwrap_or_else(|reply| reply)
}

fn with_vm<T>(work: impl FnOnce(&Vm) -> T) -> Result<T, Reply> {
    VM.with(|vm| vm.as_ref().map(work).map_err(broken))
}

/// The reply when Lua itself fails: no memory, or a fault of ours.
pub(super) fn broken(error: &mlua::Error) -> Reply {
    crate::redis::commands::error(format!("Error running script: {error}"))
}

/// An error that the server raises inside a script: its text, with its code.
#[derive(Debug)]
struct Raised(Vec<u8>);

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
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
        let (keys, arguments) = arguments.split_at(keys.min(arguments.len()));
        let (keys, arguments) = (self.list(keys)?, self.list(arguments)?);
        self.start_counting()?;
        let (ok, result): (bool, Value) = self.run.call((function, keys, arguments))?;
        Ok(match result {
            result if ok => lua_to_reply(&result),
            Value::Table(error) => failure(digest, &error)?,
            other => broken(&mlua::Error::runtime(format!("odd error: {other:?}"))),
        })
    }

    fn list(&self, items: &[Bytes]) -> mlua::Result<Table> {
        let list = self.lua.create_table_with_capacity(items.len(), 0)?;
        for item in items {
            list.raw_push(self.lua.create_string(item)?)?;
        }
        Ok(list)
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
    host.set("string_max_bytes", STRING_MAX_BYTES)?;
    host.set("convert", lua.create_function(convert)?)?;
    host.set("handle", lua.create_function(handle)?)?;
    let state = running.clone();
    host.set(
        "lrand48",
        lua.create_function(move |_, ()| Ok(state.borrow_mut().data.lrand48.next()))?,
    )?;
    let state = running.clone();
    let seed = move |_: &Lua, seed: Value| {
        let seed = seed.as_integer().unwrap_or_default();
        state.borrow_mut().data.lrand48.seed(seed);
        Ok(())
    };
    host.set("srand48", lua.create_function(seed)?)?;
    Ok(host)
}

/// The table `redis`. Source: `script_lua.c`, `luaRegisterRedisAPI`; `eval.c`, `scriptingInit`.
fn redis_library(lua: &Lua, running: &Rc<RefCell<Running>>) -> mlua::Result<Table> {
    let redis = lua.create_table()?;
    let format: Function = lua.globals().get::<Table>("string")?.get("format")?;
    for (name, raises) in [("call", true), ("pcall", false)] {
        let (running, format) = (running.clone(), format.clone());
        let call = move |lua: &Lua, arguments: MultiValue| match call_command(
            &running, &format, &arguments,
        )? {
            Ok(reply) => reply_to_lua(lua, reply),
            Err(text) if raises => Err(mlua::Error::external(Raised(text))),
            Err(text) => reply_error(lua, &text).map(Value::Table),
        };
        redis.set(name, lua.create_function(call)?)?;
    }
    redis.set("sha1hex", lua.create_function(sha1hex)?)?;
    redis.set("error_reply", lua.create_function(error_reply)?)?;
    redis.set("status_reply", lua.create_function(status_reply)?)?;
    redis.set("log", lua.create_function(log)?)?;
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
                let text: mlua::LuaString = format.call(("%.17g", argument))?;
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
    mlua::Error::external(Raised(with_code(text)))
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

/// What a script sees of an error that Rust raised, and whether it is the end of the script.
fn convert(lua: &Lua, error: Value) -> mlua::Result<(Value, bool)> {
    let Value::Error(error) = error else {
        return Ok((error, false));
    };
    if let Some(Raised(text)) = error.downcast_ref() {
        return Ok((Value::Table(reply_error(lua, text)?), false));
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
