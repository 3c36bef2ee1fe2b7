//! The VM of one OS thread, and what scripts can ask of the server.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use bytes::Bytes;
use mlua::chunk::ChunkMode;
use mlua::{
    Either, Function, HookTriggers, Lua, LuaOptions, LuaString, StdLib, Table, Value, Variadic,
    VmState,
};
use smallvec::SmallVec;

use super::Digest;
use super::convert::{c_string, error_table, lua_to_reply, with_code};
use super::library;
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
pub(super) enum Raised {
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
pub(super) struct Running {
    pub(super) data: Data,
    /// The arguments of the script: what it passes on is most often one of them.
    arguments: SmallVec<[Bytes; 8]>,
    words: Words,
    /// A table for the first reply `OK`; taken when it is used.
    pub(super) spare: Option<Value>,
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
        let host = library::host_functions(&lua, &running)?;
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

/// What a script sees of an error that Rust raised, and whether it is the end of the script.
pub(super) fn convert(lua: &Lua, error: Value) -> mlua::Result<(Value, bool)> {
    let Value::Error(error) = error else {
        return Ok((error, false));
    };
    match error.downcast_ref() {
        Some(Raised::Reply(text)) => {
            return Ok((Value::Table(library::reply_error(lua, text)?), false));
        }
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
pub(super) fn handle(lua: &Lua, error: Value) -> mlua::Result<Table> {
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
pub(super) fn frame(lua: &Lua, level: usize) -> Option<(String, i64)> {
    lua.inspect_stack(level, |debug| {
        let source = debug.source().source;
        let line = debug.current_line().and_then(|line| i64::try_from(line).ok());
        (source.map(|source| source.into_owned()).unwrap_or_default(), line.unwrap_or(-1))
    })
}

impl Running {
    /// The bytes as a string of ours, without a copy when one is at hand.
    pub(super) fn bytes(&mut self, text: &[u8]) -> Bytes {
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
