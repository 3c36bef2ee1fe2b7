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

mod copy;
mod data;
mod modify;
mod only_database;

use std::sync::Arc;

use bytes::Bytes;

pub use self::data::Data;
pub(crate) use self::data::Lookups;
pub(crate) use self::only_database::OnlyDatabase;
use super::commands::{self, DataCommand, Handler};
use super::events::EventClasses;
use super::keyspace::{Database, Keyspace};
use super::memory::Memory;
use super::propagation::{Listeners, Passed};
use super::resp::Reply;
use super::script::ScriptCache;
use super::settings::RedisSettings;
use crate::random::Random;
use crate::time::Wall;

/// A change to the keyspace. Whoever drives the engine writes it down. A key goes by its name in
/// whatever database it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A command has set a key, a part of it, or when it expires.
    Set {
        /// Which key.
        key: Bytes,
        /// Its value; of a hash the names of its fields, parted by spaces.
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

impl Change {
    /// Which key has changed.
    pub(crate) const fn key(&self) -> &Bytes {
        match self {
            Self::Set { key, .. }
            | Self::Deleted { key }
            | Self::Expired { key }
            | Self::Evicted { key } => key,
        }
    }
}

/// A Redis without its network: what one process keeps in memory.
#[derive(Debug, Default)]
pub struct Engine {
    /// What commands work on.
    pub(crate) data: Box<Data>,
    /// The scripts that this process knows.
    pub(crate) scripts: ScriptCache,
    /// What the keys weigh, where memory has a limit.
    pub(crate) memory: Option<Box<Memory>>,
    /// The limit of memory is another one: keys may have to go though nobody asks for anything.
    pub(crate) is_eviction_due: bool,
}

impl Engine {
    /// An engine without keys that draws what is left to chance (`RANDOMKEY`) from `random`.
    pub fn new(random: Random) -> Self {
        let mut engine = Self::default();
        engine.data.random = random;
        engine
    }

    /// Carries out one command at the time `wall` of the server's wall clock. There is no
    /// connection: a command that is about one is an error.
    pub fn execute(&mut self, arguments: &[Bytes], wall: Wall) -> Reply {
        self.data.set_wall(wall);
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

    /// Takes over what the settings say about keys. Where memory had no limit and gets one, a number is
    /// drawn from `random`.
    pub(crate) fn apply(&mut self, settings: &RedisSettings, random: &mut Random) {
        self.data.tracker.set(settings);
        self.data.events = settings.notify_keyspace_events;
        self.data.hash_limits = settings.hash_limits;
        match &mut self.memory {
            _ if settings.maxmemory_bytes == 0 => {
                self.memory = None;
                self.data.is_out_of_memory = false;
                self.data.keyspace.iter_mut().for_each(Keyspace::ignore_events);
            }
            Some(memory) => memory.set(settings),
            None => self.memory = Some(Box::new(Memory::new(settings, &mut self.data, random))),
        }
    }

    /// Makes room before a command, where memory has a limit; notes whether there is any. Nothing is
    /// evicted while clients are paused. Source: `evict.c`, `isSafeToPerformEvictions`.
    pub(crate) fn make_room(&mut self) {
        if self.memory.is_some() {
            self.data.is_out_of_memory = !self.evict();
        }
    }

    /// Evicts keys until there is room; false when there is none in the end.
    fn evict(&mut self) -> bool {
        let Self { data, memory: Some(memory), .. } = self else {
            return true;
        };
        // A replica has what its master has. Source: `replica-ignore-maxmemory`, on by default.
        let is_constant = data.is_loading || data.is_constant() || data.standing.is_replica;
        let has_room = is_constant || memory.make_room(data);
        data.propagation.end_round();
        has_room
    }

    /// Makes room if the limit of memory is another one since the last time. Source: `evict.c`,
    /// `evictionTimeProc`.
    pub(crate) fn evict_if_due(&mut self, wall: Wall) {
        if std::mem::take(&mut self.is_eviction_due) {
            self.data.set_wall(wall);
            self.evict();
        }
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
    /// [`Propagation::set_listeners`](super::propagation::Propagation::set_listeners).
    pub(crate) fn take_propagated(&mut self) -> std::vec::Drain<'_, Passed> {
        self.data.propagation.take()
    }

    /// Sets the time at which the next commands are carried out.
    pub(crate) fn set_wall(&mut self, wall: Wall) {
        self.data.set_wall(wall);
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
        self.data.keyspace.select(Database::default());
        self.data.is_loading = false;
        self.end_unit();
        self.data.changes.clear();
        self.data.note_all();
        true
    }

    /// All keys, as the commands that set them. Source: `rdb.c`, `rdbSaveRio`, which leaves out nothing,
    /// expired keys included.
    pub(crate) fn copy(&self) -> Vec<Arc<[Bytes]>> {
        copy::commands(&self.data.keyspace)
    }

    /// Has other keys from now on: those that the commands set. What is the same is not written down.
    ///
    /// Nobody hears of it as an event. Source: `replication.c`, `readSyncBulkPayload`: `emptyData`, `rdbLoad`.
    pub(crate) fn replace_all(&mut self, commands: &[Arc<[Bytes]>], wall: Wall) {
        let before = self.data.all_as_they_are();
        let listeners = self.data.propagation.listeners();
        self.data.propagation.set_listeners(Listeners::default());
        self.data.set_wall(wall);
        self.data.delete_all();
        self.data.is_loading = true;
        let events = std::mem::replace(&mut self.data.events, EventClasses::NONE);
        for arguments in commands {
            // The reply has nobody to go to.
            self.execute(arguments, wall);
        }
        self.data.keyspace.select(Database::default());
        self.data.is_loading = false;
        self.data.events = events;
        self.data.propagation.set_listeners(listeners);
        self.end_unit();
        self.data.note_difference(&before);
    }

    /// How many modifications commands have made, as `INFO` shows under
    /// `rdb_changes_since_last_save`.
    pub fn dirty(&self) -> u64 {
        self.data.dirty()
    }

    /// How often keys that were to be read were there, and how often they were not, as `INFO` shows
    /// under `keyspace_hits` and `keyspace_misses`.
    pub fn hits_and_misses(&self) -> [u64; 2] {
        let Lookups { hits, misses } = self.data.lookups;
        [hits, misses]
    }

    /// How many keys have an expiry: while there are any, the active expiry cycle has work.
    pub fn volatile_keys(&self) -> usize {
        self.data.keyspace.iter().map(Keyspace::volatile_len).sum()
    }

    /// True when there are any.
    pub(crate) fn has_volatile_keys(&self) -> bool {
        self.data.keyspace.iter().any(|keyspace| keyspace.volatile_len() > 0)
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
        self.data.set_wall(wall);
        let is_off = self.data.is_active_expiry_off || self.data.standing.is_replica;
        if is_off || self.data.is_constant() {
            return;
        }
        for database in Database::all() {
            self.data.within(database, |data| {
                while data.keyspace.volatile_len() > 0 {
                    let sample = data.keyspace.sample_volatile(KEYS_PER_LOOP, random);
                    let stale = sample.iter().filter(|key| data.expire_if_due(key)).count();
                    if stale * 100 / sample.len() <= ACCEPTABLE_STALE_PERCENT {
                        return;
                    }
                }
            });
        }
        self.data.propagation.end_round();
    }
}

#[cfg(test)]
mod tests;
