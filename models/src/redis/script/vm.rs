//! The VM of one OS thread, and what scripts can ask of the server.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use bytes::Bytes;
use mlua::chunk::ChunkMode;
use mlua::state::{GcIncParams, GcMode};
use mlua::{Function, HookTriggers, Lua, LuaOptions, StdLib, Table, Value, Variadic, VmState};

use super::Digest;
use super::convert::{c_string, error_table, lua_to_reply, status_table, with_code};
use super::library;
use super::runner::{Call, Plain, Ran};
use super::strings::Strings;
use crate::redis::engine::Data;
use crate::redis::number::Decimal;
use crate::redis::resp::Reply;

/// The name of a script's chunk. Source: `eval.c`, `luaCreateFunction`.
pub(super) const CHUNK_NAME: &str = "@user_script";
/// The name of the chunk that is ours: its frames are left out where errors say where they arose.
const PRELUDE_NAME: &str = "=redis";

/// After so many instructions Lua asks whether the script may go on.
const INSTRUCTIONS_PER_SLICE: u32 = 100_000;
/// A script ends after so many slices: ten million instructions, about a tenth of a second on a
/// real server. Redis itself never ends a script, it answers `BUSY` to others after
/// `busy-reply-threshold`, 5 s.
const SLICES_MAX: u32 = 100;

/// Lua allows 200 parameters; what has more than these passes tables.
const PARAMETERS_MAX: usize = 64;

/// So many scripts of a thread are run as plain ones, for the same reason as there are
/// [`RUNNERS_MAX`](super::runner::RUNNERS_MAX) of each. What comes later runs like any other.
const PLAIN_MAX: usize = 256;

/// So many compiled scripts are kept for a thread, and then none: whoever sends ever new ones, behind a real port,
/// must not fill the memory. The server has their sources, and each is compiled again when it is run.
pub(super) const SCRIPTS_MAX: usize = 4096;

/// The collector starts again when memory has grown to so much of what was left of it. Lua's own
/// 200 has it look through the sandbox, which never changes, every few hundred scripts.
const GC_PAUSE_PERCENT: i32 = 500;

thread_local! {
    static VM: Result<Vm, mlua::Error> = Vm::new();
}

/// Compiles a script, unless this thread's VM has it already.
///
/// # Errors
///
/// The reply to give when it does not compile.
pub(super) fn compile(digest: Digest, source: &Bytes) -> Result<Script, Reply> {
    with_vm(|vm| vm.script(digest, source))?
}

/// Runs a compiled script on the data.
pub(super) fn run(
    data: &mut Box<Data>,
    digest: Digest,
    script: &Script,
    keys: usize,
    arguments: &[Bytes],
) -> Reply {
    // The script's first write decides for its other ones, not for those of the next script.
    let is_out_of_memory = data.is_out_of_memory;
    let reply = with_vm(|vm| vm.run(data, digest, script, keys, arguments));
    data.is_out_of_memory = is_out_of_memory;
    reply.unwrap_or_else(|reply| reply)
}

fn with_vm<T>(work: impl FnOnce(&Vm) -> T) -> Result<T, Reply> {
    VM.with(|vm| vm.as_ref().map(work).map_err(broken))
}

/// How many compiled scripts this thread keeps.
#[cfg(test)]
pub(super) fn kept() -> usize {
    with_vm(|vm| vm.scripts.borrow().len()).expect("Lua runs")
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
    pub(super) data: Box<Data>,
    pub(super) strings: Strings,
    /// The numbered calls of a plain script.
    pub(super) calls: Rc<RefCell<Vec<Call>>>,
    /// The table for the first reply `OK` that a plain script gets; taken when it is used. It
    /// cannot be written to, and is the same in each run: to make one takes longer than the `SET`.
    pub(super) shared_ok: Option<Table>,
}

/// A compiled script.
#[derive(Clone)]
pub(super) struct Script {
    function: Function,
    /// The same once more, if it is plain.
    plain: Option<Rc<RefCell<Plain>>>,
}

/// How many `KEYS` and `ARGV` a script gets, when they are few enough to be parameters.
type Shape = Option<(usize, usize)>;

struct Vm {
    lua: Lua,
    /// Makes what runs a script with so many `KEYS` and `ARGV`.
    runner_for: Function,
    runners: RefCell<BTreeMap<Shape, Function>>,
    /// Gives a plain script what it refers to.
    plain_script: Function,
    /// Runs a plain script. With a function of Lua around it, as the other scripts have, the
    /// paused-holder run takes 2 % longer.
    xpcall: Function,
    /// What `xpcall` calls when the script fails.
    handle: Function,
    /// The globals of plain scripts.
    open: Table,
    /// See [`Running::shared_ok`].
    ok: Table,
    scripts: RefCell<BTreeMap<Digest, Script>>,
    running: Rc<RefCell<Running>>,
    slices: Rc<Cell<u32>>,
}

impl Vm {
    fn new() -> mlua::Result<Self> {
        let libraries = StdLib::STRING | StdLib::TABLE | StdLib::MATH;
        let lua = Lua::new_with(libraries, LuaOptions::new())?;
        lua.gc_set_mode(GcMode::Incremental(GcIncParams::default().pause(GC_PAUSE_PERCENT)));
        let running = Rc::new(RefCell::new(Running::default()));
        let host = library::host_functions(&lua, &running)?;
        let prelude = lua.load(include_str!("prelude.lua")).set_name(PRELUDE_NAME);
        let xpcall = lua.globals().get("xpcall")?;
        let handle = host.get("handle")?;
        let (environment, open, runner_for, plain_script): (Table, Table, Function, Function) =
            prelude.into_function()?.call(host)?;
        lua.set_globals(environment)?;
        let slices = Rc::new(Cell::new(0));
        let ok = status_table(&lua, b"OK")?;
        Ok(Self {
            lua,
            runner_for,
            runners: RefCell::default(),
            plain_script,
            xpcall,
            handle,
            open,
            ok,
            scripts: RefCell::default(),
            running,
            slices,
        })
    }

    /// The compiled script.
    fn script(&self, digest: Digest, source: &Bytes) -> Result<Script, Reply> {
        if let Some(script) = self.scripts.borrow().get(&digest) {
            return Ok(script.clone());
        }
        let script = self.new_script(source).map_err(|error| {
            let text = match error {
                mlua::Error::SyntaxError { message, .. } => message,
                other => other.to_string(),
            };
            let text = [b"Error compiling script (new function): ", text.as_bytes()].concat();
            crate::redis::commands::error(text)
        })?;
        let mut scripts = self.scripts.borrow_mut();
        if scripts.len() >= SCRIPTS_MAX {
            scripts.clear();
        }
        scripts.insert(digest, script.clone());
        Ok(script)
    }

    fn new_script(&self, source: &Bytes) -> mlua::Result<Script> {
        let chunk = self.lua.load(&source[..]).set_name(CHUNK_NAME).set_mode(ChunkMode::Text);
        let function = chunk.into_function()?;
        let has_room = self.scripts.borrow().len() < PLAIN_MAX;
        let plain = has_room.then(|| Plain::new(&self.lua, &self.open, source)).flatten();
        Ok(Script { function, plain: plain.map(|plain| Rc::new(RefCell::new(plain))) })
    }

    fn run(
        &self,
        data: &mut Box<Data>,
        digest: Digest,
        script: &Script,
        keys: usize,
        arguments: &[Bytes],
    ) -> Reply {
        std::mem::swap(&mut self.running.borrow_mut().data, data);
        let reply = self.call(digest, script, keys, arguments);
        std::mem::swap(&mut self.running.borrow_mut().data, data);
        reply.unwrap_or_else(|error| broken(&error))
    }

    fn call(
        &self,
        digest: Digest,
        script: &Script,
        keys: usize,
        arguments: &[Bytes],
    ) -> mlua::Result<Reply> {
        let ran = match &script.plain {
            Some(plain) => self.run_plain(&mut plain.borrow_mut(), keys, arguments)?,
            None => None,
        };
        let (ok, result) = match ran {
            Some(ran) => ran,
            None => self.run_sandboxed(&script.function, keys, arguments)?,
        };
        Ok(match result {
            result if ok => lua_to_reply(&result),
            Value::Table(error) => failure(digest, &error)?,
            other => broken(&mlua::Error::runtime(format!("odd error: {other:?}"))),
        })
    }

    /// A plain script has too few instructions to be counted from zero: if the hook of another one
    /// is still there, it must only not count on. `None` when it has to be run like any other.
    fn run_plain(
        &self,
        plain: &mut Plain,
        keys: usize,
        arguments: &[Bytes],
    ) -> mlua::Result<Option<Ran>> {
        if arguments.len() > PARAMETERS_MAX {
            return Ok(None);
        }
        let mut running = self.running.borrow_mut();
        let (strings, make) = (&mut running.strings, &self.plain_script);
        let Some(runner) = plain.runner(&self.lua, strings, make, keys, arguments)? else {
            return Ok(None);
        };
        running.shared_ok.get_or_insert_with(|| self.ok.clone());
        running.calls = runner.calls.clone();
        drop(running);
        self.slices.set(0);
        self.xpcall.call((&runner.script, &self.handle)).map(Some)
    }

    fn run_sandboxed(
        &self,
        function: &Function,
        keys: usize,
        arguments: &[Bytes],
    ) -> mlua::Result<Ran> {
        self.running.borrow_mut().shared_ok = None;
        let shape = (arguments.len() <= PARAMETERS_MAX).then(|| (keys, arguments.len() - keys));
        let runner = self.runner(shape)?;
        if shape.is_none() {
            let (keys, others) = arguments.split_at(keys);
            let (keys, others) = (self.table(keys)?, self.table(others)?);
            self.start_counting()?;
            return runner.call((function, keys, others));
        }
        let mut passed = Vec::with_capacity(arguments.len());
        for argument in arguments {
            passed.push(self.running.borrow_mut().strings.lua_string(&self.lua, argument)?);
        }
        self.start_counting()?;
        runner.call((function, Variadic::from(passed)))
    }

    fn table(&self, list: &[Bytes]) -> mlua::Result<Table> {
        let table = self.lua.create_table_with_capacity(list.len(), 0)?;
        for bytes in list {
            table.raw_push(self.lua.create_string(bytes)?)?;
        }
        Ok(table)
    }

    /// What runs a script with so many `KEYS` and `ARGV`, or with two tables.
    fn runner(&self, shape: Shape) -> mlua::Result<Function> {
        if let Some(runner) = self.runners.borrow().get(&shape) {
            return Ok(runner.clone());
        }
        let runner: Function = match shape {
            Some(lengths) => self.runner_for.call(lengths)?,
            None => self.runner_for.call(())?,
        };
        self.runners.borrow_mut().insert(shape, runner.clone());
        Ok(runner)
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
