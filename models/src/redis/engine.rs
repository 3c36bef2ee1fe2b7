//! The engine: an argument vector and the time in, a reply out. No connection, no timer.
//!
//! ```
//! use bytes::Bytes;
//! use fencepost_models::redis::engine::Engine;
//! use fencepost_models::redis::resp::Reply;
//! use fencepost_models::time::Wall;
//!
//! let mut engine = Engine::default();
//! let set = ["SET", "lock", "mine", "NX", "PX", "10000"].map(Bytes::from);
//! assert_eq!(engine.execute(&set, Wall::from_nanos(0)), Reply::OK);
//! assert_eq!(engine.execute(&set, Wall::from_nanos(0)), Reply::Nil);
//! ```

use bytes::Bytes;

use super::channels::Channels;
use super::commands::{self, DataCommand, Flags, Handler};
use super::keyspace::{Keyspace, Value};
use super::memory::Memory;
use super::propagation::{Passed, Propagation, rewritten};
use super::resp::Reply;
use super::script::{Lrand48, ScriptCache};
use super::watched::Watched;
use crate::random::Random;
use crate::time::Wall;

/// A change to the keyspace. Whoever drives the engine writes it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A command has set a string key, or when one expires.
    Set {
        /// Which key.
        key: Bytes,
        /// Its value.
        value: Bytes,
        /// When it will expire: Unix milliseconds on this server's wall clock.
        expires_at_ms: Option<i64>,
    },
    /// A command has deleted a key.
    Deleted {
        /// Which key.
        key: Bytes,
    },
    /// A key's time was over, and it has been removed.
    Expired {
        /// Which key.
        key: Bytes,
    },
    /// A key had to make room for others.
    Evicted {
        /// Which key.
        key: Bytes,
    },
}

/// A Redis without its network: what one process keeps in memory.
#[derive(Debug, Default)]
pub struct Engine {
    /// What commands work on.
    pub(crate) data: Data,
    /// The scripts that this process knows.
    pub(crate) scripts: ScriptCache,
    /// What the keys weigh, where memory has a limit.
    pub(crate) memory: Option<Box<Memory>>,
}

impl Engine {
    /// Carries out one command at the time `wall` of the server's wall clock. There is no
    /// connection: a command that is about one is an error.
    pub fn execute(&mut self, arguments: &[Bytes], wall: Wall) -> Reply {
        self.data.wall = wall;
        let command = match commands::find(arguments) {
            Ok(command) => command,
            Err(reply) => return reply,
        };
        match command.handler {
            Handler::Data(run) => self.data.call(DataCommand { row: command, run }, arguments),
            Handler::Engine(run) => run(self, arguments),
            Handler::Session(_) => Reply::error("ERR this command needs a connection"),
        }
    }

    /// Makes room before a command, where memory has a limit; notes whether there is any. Nothing is
    /// evicted while clients are paused. Source: `evict.c`, `isSafeToPerformEvictions`.
    pub(crate) fn make_room(&mut self) {
        let Self { data, memory: Some(memory), .. } = self else {
            return;
        };
        let is_constant = data.is_loading || data.is_constant();
        data.is_out_of_memory = !is_constant && !memory.make_room(data);
        data.propagation.end_round();
    }

    /// Whoever drives the engine has carried out what a client asked for, be it a command, a script
    /// or a transaction: what it changed is to be passed on as one.
    pub(crate) fn end_unit(&mut self) {
        if let Some(memory) = &mut self.memory {
            memory.follow(&mut self.data);
        }
        if self.data.propagation.is_on() {
            self.data.propagation.end_unit();
        }
    }

    /// What is to be passed on since this was last called; nothing before
    /// [`Propagation::turn_on`].
    pub(crate) fn take_propagated(&mut self) -> std::vec::Drain<'_, Passed> {
        self.data.propagation.take()
    }

    /// Sets the time at which the next commands are carried out.
    pub(crate) fn set_wall(&mut self, wall: Wall) {
        self.data.wall = wall;
    }

    /// What has changed since this was last called, in order.
    pub fn take_changes(&mut self) -> std::vec::Drain<'_, Change> {
        self.data.changes.drain(..)
    }

    /// Carries out what was read from a file, and notes the keys that it leaves. False when there is
    /// a command among it that does not exist: Redis would not go on with that.
    ///
    /// Source: `aof.c`, `loadSingleAppendOnlyFile`.
    pub(crate) fn load(&mut self, commands: &[Vec<Bytes>], wall: Wall) -> bool {
        self.data.is_loading = true;
        for arguments in commands {
            if !commands::is_known(arguments) {
                return false;
            }
            // The reply has nobody to go to.
            self.execute(arguments, wall);
        }
        self.data.is_loading = false;
        self.end_unit();
        self.data.changes.clear();
        let keys: Vec<Bytes> = self.data.keyspace.keys().cloned().collect();
        keys.iter().for_each(|key| self.data.note_set(key));
        true
    }

    /// How many keys have an expiry: while there are any, the active expiry cycle has work.
    pub fn volatile_keys(&self) -> usize {
        self.data.keyspace.volatile_len()
    }

    /// Removes keys whose time is over though nobody asks for them, as `serverCron` does.
    ///
    /// Takes a sample of the keys that have an expiry, and another one for as long as many of
    /// the sample were stale. Two things are left out: real Redis stops after a quarter of its
    /// time slice (here commands cost no time), and it waits when its hash table is nearly empty.
    ///
    /// Source: `expire.c`, `activeExpireCycle`. It walks along the buckets of a hash table with
    /// a random seed, which is a sample in a random order.
    pub fn expire_some(&mut self, wall: Wall, random: &mut Random) {
        /// Source: `ACTIVE_EXPIRE_CYCLE_KEYS_PER_LOOP`.
        const KEYS_PER_LOOP: usize = 20;
        /// Source: `ACTIVE_EXPIRE_CYCLE_ACCEPTABLE_STALE`.
        const ACCEPTABLE_STALE_PERCENT: usize = 10;
        self.data.wall = wall;
        if self.data.is_constant() {
            return;
        }
        loop {
            let sample = self.data.keyspace.sample_volatile(KEYS_PER_LOOP, random);
            if sample.is_empty() {
                return;
            }
            let stale = sample.iter().filter(|key| self.data.expire_if_due(key)).count();
            self.data.propagation.end_round();
            if stale * 100 / sample.len() <= ACCEPTABLE_STALE_PERCENT {
                return;
            }
        }
    }
}

/// What commands work on; a script borrows it whole while it runs.
#[derive(Debug, Default)]
pub struct Data {
    /// The keys.
    pub(crate) keyspace: Keyspace,
    /// The generator behind `math.random` in scripts.
    pub(crate) lrand48: Lrand48,
    /// What the append-only file and the replicas are told.
    pub(crate) propagation: Propagation,
    /// The data are being read from a file: nothing expires, and a date that is over deletes
    /// nothing.
    pub(crate) is_loading: bool,
    /// Memory was full when the client's command began, and nothing could be evicted.
    pub(crate) is_out_of_memory: bool,
    /// Who has subscribed to what.
    pub(crate) channels: Box<Channels>,
    /// Who watches which keys.
    pub(crate) watched: Box<Watched>,
    /// Up to this millisecond of the wall clock nothing expires: clients are paused.
    pub(crate) constant_until_ms: Option<i64>,
    changes: Vec<Change>,
    dirty: u64,
    wall: Wall,
}

impl Data {
    /// The server's wall clock.
    pub(crate) fn wall(&self) -> Wall {
        self.wall
    }

    /// The server's wall clock in Unix milliseconds.
    pub(crate) fn now_ms(&self) -> i64 {
        i64::try_from(self.wall.as_millis()).unwrap_or(i64::MAX)
    }

    /// Carries out a command, and passes on what it changed.
    pub(crate) fn call(&mut self, command: DataCommand, arguments: &[Bytes]) -> Reply {
        if !self.propagation.is_on() {
            return (command.run)(self, arguments);
        }
        let before = self.dirty();
        let reply = (command.run)(self, arguments);
        if self.dirty() != before {
            let name = command.row.full_name;
            self.propagation.add(rewritten(name, arguments, &reply, &self.keyspace));
        }
        reply
    }

    /// Carries out a command for a script. Memory that was full when the script began refuses the
    /// script's first write, and no later one: a script is not stopped half-way.
    ///
    /// Source: `script.c`, `scriptVerifyOOM`.
    pub(crate) fn call_for_script(&mut self, command: DataCommand, arguments: &[Bytes]) -> Reply {
        if self.is_out_of_memory {
            if command.row.flags.any_of(Flags::DENYOOM) {
                return commands::OUT_OF_MEMORY;
            }
            self.is_out_of_memory = !command.row.flags.any_of(Flags::WRITE);
        }
        self.call(command, arguments)
    }

    /// How many changes commands have made. What expires or is evicted does not count. Source:
    /// `server.dirty`.
    pub(crate) fn dirty(&self) -> u64 {
        self.dirty
    }

    /// Removes a key whose time is over; true when it has.
    ///
    /// While clients are paused it counts as removed and stays. Source: `db.c`, `expireIfNeeded`.
    pub(crate) fn expire_if_due(&mut self, key: &Bytes) -> bool {
        let due = self.is_due(key);
        if due && !self.is_constant() {
            self.keyspace.remove(key);
            self.changes.push(Change::Expired { key: key.clone() });
            self.propagation.add_deletion(key);
            self.touch(key);
        }
        due
    }

    /// Removes a key to make room.
    pub(crate) fn evict(&mut self, key: &Bytes) {
        if self.keyspace.remove(key) {
            self.changes.push(Change::Evicted { key: key.clone() });
            self.propagation.add_deletion(key);
            self.touch(key);
        }
    }

    /// True when a date deletes the key that it is set for.
    ///
    /// Source: `expire.c`, `checkAlreadyExpired`.
    pub(crate) fn is_over(&self, at_ms: i64) -> bool {
        at_ms <= self.now_ms() && !self.is_loading
    }

    /// True when the key is there; nobody is said to have used it. Source: `LOOKUP_NOTOUCH`.
    pub(crate) fn is_there(&mut self, key: &Bytes) -> bool {
        !self.expire_if_due(key) && self.keyspace.get(key).is_some()
    }

    /// True when a key's time is over.
    ///
    /// A key lives through the millisecond at which it expires. Source: `db.c`, `keyIsExpired`:
    /// `now > when`; and nothing expires while the data are being loaded.
    pub(crate) fn is_due(&self, key: &Bytes) -> bool {
        let is_over = |at_ms| self.now_ms() > at_ms && !self.is_loading;
        self.keyspace.expiry(key).is_some_and(is_over)
    }

    /// True while nothing may expire. Source: `networking.c`,
    /// `checkClientPauseTimeoutAndReturnIfPaused`.
    pub(crate) fn is_constant(&self) -> bool {
        self.constant_until_ms.is_some_and(|until_ms| self.now_ms() <= until_ms)
    }

    /// A command has changed a key: it will be passed on, and whoever watches the key hears of it.
    pub(crate) fn modified(&mut self, key: &Bytes) {
        self.dirty += 1;
        self.touch(key);
    }

    /// A key has changed: whoever watches it hears of it. Source: `db.c`, `signalModifiedKey`.
    pub(crate) fn touch(&mut self, key: &Bytes) {
        if !self.watched.is_empty() {
            self.watched.touch(key, self.keyspace.get(key).is_some());
        }
    }

    /// The value of a key, unless its time is over.
    pub(crate) fn lookup(&mut self, key: &Bytes) -> Option<&mut Value> {
        if self.expire_if_due(key) {
            return None;
        }
        self.keyspace.get_mut(key)
    }

    /// The string that a key holds.
    ///
    /// # Errors
    ///
    /// The reply to give when the key holds something else.
    pub(crate) fn lookup_string(&mut self, key: &Bytes) -> Result<Option<&mut Bytes>, Reply> {
        match self.lookup(key) {
            Some(Value::String(string)) => Ok(Some(string)),
            Some(_) => Err(commands::WRONG_TYPE),
            None => Ok(None),
        }
    }

    /// Sets a key to a string; its expiry stays as it is.
    pub(crate) fn set_string(&mut self, key: &Bytes, value: Bytes) {
        let expires_at_ms = self.keyspace.set(key, Value::String(value.clone()));
        self.changes.push(Change::Set { key: key.clone(), value, expires_at_ms });
        self.modified(key);
    }

    /// Sets a key to a string with a new expiry, or none.
    pub(crate) fn replace_string(&mut self, key: &Bytes, value: Bytes, expires_at_ms: Option<i64>) {
        self.keyspace.replace(key, Value::String(value.clone()), expires_at_ms);
        self.changes.push(Change::Set { key: key.clone(), value, expires_at_ms });
        self.modified(key);
    }

    /// Sets when a key expires.
    pub(crate) fn set_expiry(&mut self, key: &Bytes, at_ms: i64) {
        if self.keyspace.set_expiry(key, at_ms) {
            self.note_set(key);
            self.modified(key);
        }
    }

    /// Takes a key's expiry away; false when it had none.
    pub(crate) fn persist(&mut self, key: &Bytes) -> bool {
        let had = self.keyspace.persist(key);
        if had {
            self.note_set(key);
            self.modified(key);
        }
        had
    }

    /// Deletes a key on a client's behalf; false when it is not there.
    pub(crate) fn delete(&mut self, key: &Bytes) -> bool {
        let there = self.keyspace.remove(key);
        if there {
            self.changes.push(Change::Deleted { key: key.clone() });
            self.modified(key);
        }
        there
    }

    /// Deletes every key. It is passed on even when there was none. Source: `db.c`,
    /// `flushallCommand`.
    pub(crate) fn delete_all(&mut self) {
        self.dirty += 1;
        for key in self.keyspace.clear() {
            self.touch(&key);
            self.changes.push(Change::Deleted { key });
        }
    }

    /// Writes down what a key holds.
    fn note_set(&mut self, key: &Bytes) {
        if let Some(Value::String(value)) = self.keyspace.get(key) {
            let (value, expires_at_ms) = (value.clone(), self.keyspace.expiry(key));
            self.changes.push(Change::Set { key: key.clone(), value, expires_at_ms });
        }
    }
}

#[cfg(test)]
mod tests;
