//! How plain scripts are run.
//!
//! A plain script ([`is_plain`]) cannot write to `KEYS` and `ARGV`. So it keeps them from one run
//! to the next, and only what has changed is passed: keys and times never do, and the client's
//! value does for one call of three. What the script has in numbered calls alone
//! ([`number_calls`]) is not passed to Lua at all.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use mlua::chunk::ChunkMode;
use mlua::{Function, Lua, Table, Value};

use super::plain::is_plain;
use super::sites::{NUMBERED_CALL, Word, number_calls};
use super::strings::Strings;
use super::vm::CHUNK_NAME;
use crate::redis::commands::{DataCommand, NotForScripts, find_for_script};

/// How many shapes of one plain script are kept: it is mostly called with as many keys and
/// arguments each time, and mlua has room for some 8,000 objects, of which each takes up to three.
pub(super) const RUNNERS_MAX: usize = 4;

/// A plain script.
pub(super) struct Plain {
    /// Makes the script's function from all that it refers to.
    make: Function,
    calls: Vec<Vec<Word>>,
    reads_keys: bool,
    reads_arguments: bool,
    /// One for each number of keys and arguments that it was called with.
    runners: Vec<Runner>,
}

/// A plain script with so many `KEYS` and `ARGV`.
pub(super) struct Runner {
    keys: usize,
    /// What was passed last: first the keys, then the others.
    passed: Vec<Bytes>,
    /// `KEYS` and `ARGV`, where the script reads them.
    tables: [Option<Table>; 2],
    pub(super) calls: Rc<RefCell<Vec<Call>>>,
    /// The script, to be called without arguments.
    pub(super) script: Function,
}

/// A numbered call.
pub(super) struct Call {
    /// The command.
    pub(super) words: Vec<Bytes>,
    /// Which of the words are passed to the script: their places among what is passed and here.
    passed: Vec<(usize, usize)>,
    /// What carries it out.
    pub(super) handler: Result<DataCommand, NotForScripts>,
}

impl Plain {
    /// The script, if it is plain. `globals` are those that it sees.
    pub(super) fn new(lua: &Lua, globals: &Table, source: &[u8]) -> Option<Self> {
        if !is_plain(source) {
            return None;
        }
        let (text, calls) = number_calls(source);
        // As upvalues they are reached sooner than as globals. All on the first line, so that
        // the script's lines keep their numbers; on a line of its own what ends the function,
        // so that no comment hides it.
        let head = format!("local redis, {NUMBERED_CALL}, KEYS, ARGV = ... return function() ");
        let chunk = [head.as_bytes(), &text, b"\nend"].concat();
        let chunk = lua.load(&chunk[..]).set_name(CHUNK_NAME).set_mode(ChunkMode::Text);
        // What compiles alone and not like this (a script with `...`) is run like any other.
        let make = chunk.into_function().ok()?;
        make.set_environment(globals.clone()).ok()?;
        let reads = |name: &[u8]| text.windows(name.len()).any(|window| window == name);
        Some(Self {
            make,
            calls,
            reads_keys: reads(b"KEYS"),
            reads_arguments: reads(b"ARGV"),
            runners: Vec::new(),
        })
    }

    /// What runs the script with these `KEYS` and `ARGV`, which are passed to it; `None` when it
    /// was called with too many different numbers of them. `plain_script` is the prelude's.
    pub(super) fn runner(
        &mut self,
        lua: &Lua,
        strings: &mut Strings,
        plain_script: &Function,
        keys: usize,
        arguments: &[Bytes],
    ) -> mlua::Result<Option<&mut Runner>> {
        let is_it = |one: &Runner| one.keys == keys && one.passed.len() == arguments.len();
        let place = match self.runners.iter().position(is_it) {
            Some(place) => {
                self.runners[place].pass(lua, strings, arguments)?;
                place
            }
            None if self.runners.len() == RUNNERS_MAX => return Ok(None),
            None => {
                let runner = self.new_runner(lua, strings, plain_script, keys, arguments)?;
                self.runners.push(runner);
                self.runners.len() - 1
            }
        };
        Ok(Some(&mut self.runners[place]))
    }

    fn new_runner(
        &self,
        lua: &Lua,
        strings: &mut Strings,
        plain_script: &Function,
        keys: usize,
        arguments: &[Bytes],
    ) -> mlua::Result<Runner> {
        let table = |wanted: bool| wanted.then(|| lua.create_table()).transpose();
        let tables = [table(self.reads_keys)?, table(self.reads_arguments)?];
        let script = plain_script.call((&self.make, tables[0].clone(), tables[1].clone()))?;
        let calls = self.calls.iter().map(|words| Call::new(words, keys, arguments));
        let calls = Rc::new(RefCell::new(calls.collect()));
        let runner = Runner { keys, passed: arguments.to_vec(), tables, calls, script };
        for (place, argument) in arguments.iter().enumerate() {
            runner.show(lua, strings, place, argument)?;
        }
        Ok(runner)
    }
}

impl Runner {
    /// Passes what has changed since the last run.
    fn pass(&mut self, lua: &Lua, strings: &mut Strings, arguments: &[Bytes]) -> mlua::Result<()> {
        for (place, argument) in arguments.iter().enumerate() {
            if self.passed[place] != *argument {
                self.show(lua, strings, place, argument)?;
                self.calls.borrow_mut().iter_mut().for_each(|call| call.pass(place, argument));
                self.passed[place] = argument.clone();
            }
        }
        Ok(())
    }

    /// Writes an argument where the script reads it, if it does.
    fn show(
        &self,
        lua: &Lua,
        strings: &mut Strings,
        place: usize,
        argument: &Bytes,
    ) -> mlua::Result<()> {
        let [keys, others] = &self.tables;
        let (table, index) = match place.checked_sub(self.keys) {
            None => (keys, place + 1),
            Some(other) => (others, other + 1),
        };
        match table {
            Some(table) => table.raw_set(index, strings.lua_string(lua, argument)?),
            None => Ok(()),
        }
    }
}

impl Call {
    fn new(words: &[Word], keys: usize, arguments: &[Bytes]) -> Self {
        let place_of = |word: &Word| match word {
            Word::Text(_) => None,
            Word::Key(number) => number.checked_sub(1).filter(|place| *place < keys),
            Word::Argument(number) => number.checked_sub(1).map(|place| keys + place),
        };
        let mut call =
            Self { words: Vec::new(), passed: Vec::new(), handler: Err(NotForScripts::Arguments) };
        for (at, word) in words.iter().enumerate() {
            let place = place_of(word);
            let bytes = match word {
                Word::Text(text) => Some(text),
                _ => place.and_then(|place| arguments.get(place)),
            };
            // One that is missing is `nil`.
            let Some(bytes) = bytes else {
                return call;
            };
            call.words.push(bytes.clone());
            call.passed.extend(place.map(|place| (place, at)));
        }
        call.handler = find_for_script(&call.words);
        call
    }

    fn pass(&mut self, place: usize, argument: &Bytes) {
        for (from, at) in &self.passed {
            if *from == place {
                self.words[*at] = argument.clone();
                // Only a name can change what carries it out, and a subcommand's.
                if *at <= 1 && !matches!(self.handler, Err(NotForScripts::Arguments)) {
                    self.handler = find_for_script(&self.words);
                }
            }
        }
    }
}

/// What a run gives: whether it went well, and the result or the error.
pub(super) type Ran = (bool, Value);
