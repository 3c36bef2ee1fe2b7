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

use super::commands::{self, Handler};
use super::keyspace::{Hash, Keyspace, Origin, Value};
use super::resp::Reply;
use super::script::{Lrand48, ScriptCache};
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
    /// A command has changed what another kind of key holds, or when it expires.
    Touched {
        /// Which key.
        key: Bytes,
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
}

/// A Redis without its network: what one process keeps in memory.
#[derive(Debug, Default)]
pub struct Engine {
    /// What commands work on.
    pub(crate) data: Data,
    /// The scripts that this process knows.
    pub(crate) scripts: ScriptCache,
}

impl Engine {
    /// An engine without keys that draws what is left to chance (`RANDOMKEY`) from `random`.
    pub fn new(random: Random) -> Self {
        Self { data: Data { random, ..Data::default() }, scripts: ScriptCache::default() }
    }

    /// Carries out one command at the time `wall` of the server's wall clock.
    pub fn execute(&mut self, arguments: &[Bytes], wall: Wall) -> Reply {
        self.data.set_wall(wall);
        let command = match commands::find(arguments) {
            Ok(command) => command,
            Err(reply) => return reply,
        };
        match command.handler {
            Handler::Data(run) => run(&mut self.data, arguments),
            Handler::Engine(run) => run(self, arguments),
        }
    }

    /// What has changed since this was last called, in order.
    pub fn take_changes(&mut self) -> std::vec::Drain<'_, Change> {
        self.data.changes.drain(..)
    }

    /// How many modifications commands have made; a command that changes nothing makes none. What
    /// expires does not count.
    ///
    /// Source: `server.dirty`, whose change decides whether a command goes to the append-only file
    /// and to the replicas.
    pub fn dirty(&self) -> u64 {
        self.data.dirty
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
        self.data.set_wall(wall);
        loop {
            let sample = self.data.keyspace.sample_volatile(KEYS_PER_LOOP, random);
            if sample.is_empty() {
                return;
            }
            let stale = sample.iter().filter(|key| self.data.expire_if_due(key)).count();
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
    /// What commands draw that leave something to chance.
    pub(crate) random: Random,
    /// True while somebody wants to know which keys are modified.
    pub(crate) watching: bool,
    /// The keys that were modified while somebody wanted to know.
    pub(crate) touched: Vec<Bytes>,
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

    fn set_wall(&mut self, wall: Wall) {
        self.wall = wall;
        self.keyspace.set_now(wall.as_millis() / 1000);
    }

    /// Removes a key whose time is over; true when it has.
    ///
    /// A key lives through the millisecond at which it expires. Source: `db.c`, `keyIsExpired`:
    /// `now > when`.
    pub(crate) fn expire_if_due(&mut self, key: &Bytes) -> bool {
        let due = self.is_due(key);
        if due {
            self.keyspace.remove(key);
            self.changes.push(Change::Expired { key: key.clone() });
            self.touch(key);
        }
        due
    }

    /// True when a key's time is over.
    pub(crate) fn is_due(&self, key: &Bytes) -> bool {
        self.keyspace.expiry(key).is_some_and(|at_ms| self.now_ms() > at_ms)
    }

    /// True when a date deletes the key that it is set for.
    ///
    /// Source: `expire.c`, `checkAlreadyExpired`.
    pub(crate) fn is_over(&self, at_ms: i64) -> bool {
        at_ms <= self.now_ms()
    }

    /// True when the key is there; nobody is said to have used it. Source: `LOOKUP_NOTOUCH`.
    pub(crate) fn is_there(&mut self, key: &Bytes) -> bool {
        !self.expire_if_due(key) && self.keyspace.get(key).is_some()
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

    /// The hash that a key holds.
    ///
    /// # Errors
    ///
    /// The reply to give when the key holds something else.
    pub(crate) fn lookup_hash(&mut self, key: &Bytes) -> Result<Option<&mut Hash>, Reply> {
        match self.lookup(key) {
            Some(Value::Hash(hash)) => Ok(Some(hash)),
            Some(_) => Err(commands::WRONG_TYPE),
            None => Ok(None),
        }
    }

    /// A key has been modified: whoever watches it wants to know. Source: `db.c`,
    /// `signalModifiedKey`.
    pub(crate) fn touch(&mut self, key: &Bytes) {
        if self.watching {
            self.touched.push(key.clone());
        }
    }

    /// Sets a key to a string; its expiry stays as it is.
    pub(crate) fn set_string(&mut self, key: &Bytes, value: Bytes) {
        let expires_at_ms = self.keyspace.set(key, Value::String(value.clone()));
        self.modified(key, Change::Set { key: key.clone(), value, expires_at_ms });
    }

    /// Sets a key to a string with a new expiry, or none.
    pub(crate) fn replace_string(&mut self, key: &Bytes, value: Bytes, expires_at_ms: Option<i64>) {
        self.keyspace.replace(key, Value::String(value.clone()), expires_at_ms);
        self.modified(key, Change::Set { key: key.clone(), value, expires_at_ms });
    }

    /// The hash that a key holds has been modified so many times; without fields it is no key.
    pub(crate) fn hash_modified(&mut self, key: &Bytes, times: usize) {
        let is_empty = |value: &Value| matches!(value, Value::Hash(hash) if hash.is_empty());
        let key = key.clone();
        self.dirty += times as u64;
        self.touch(&key);
        self.changes.push(if self.keyspace.get(&key).is_some_and(is_empty) {
            self.keyspace.remove(&key);
            Change::Deleted { key }
        } else {
            Change::Touched { key }
        });
    }

    /// Sets when a key expires.
    pub(crate) fn set_expiry(&mut self, key: &Bytes, at_ms: i64) {
        if self.keyspace.set_expiry(key, at_ms) {
            self.modified_as_it_is(key);
        }
    }

    /// Takes a key's expiry away; false when it had none.
    pub(crate) fn persist(&mut self, key: &Bytes) -> bool {
        let had = self.keyspace.persist(key);
        if had {
            self.modified_as_it_is(key);
        }
        had
    }

    /// Deletes a key on a client's behalf; false when it is not there.
    pub(crate) fn delete(&mut self, key: &Bytes) -> bool {
        let there = self.keyspace.remove(key);
        if there {
            self.modified(key, Change::Deleted { key: key.clone() });
        }
        there
    }

    /// Gives a key another name, which belongs to none else from then on. It counts as one
    /// modification.
    pub(crate) fn rename(&mut self, from: &Bytes, to: &Bytes) {
        if self.duplicate(from, to) {
            self.keyspace.remove(from);
            self.touch(from);
            self.changes.push(Change::Deleted { key: from.clone() });
            self.modified_as_it_is(to);
        }
    }

    /// Makes one key hold what another one holds, with its expiry.
    pub(crate) fn copy(&mut self, from: &Bytes, to: &Bytes) {
        if self.duplicate(from, to) {
            if self.keyspace.origin(to) == Some(Origin::Given) {
                self.keyspace.set_origin(to, Origin::Copied);
            }
            self.modified_as_it_is(to);
        }
    }

    /// Deletes every key.
    pub(crate) fn delete_all(&mut self) {
        for key in self.keyspace.clear() {
            self.modified(&key, Change::Deleted { key: key.clone() });
        }
    }

    fn duplicate(&mut self, from: &Bytes, to: &Bytes) -> bool {
        let Some(value) = self.keyspace.get(from).cloned() else {
            return false;
        };
        let (origin, expires_at_ms) = (self.keyspace.origin(from), self.keyspace.expiry(from));
        self.keyspace.replace(to, value, expires_at_ms);
        if let Some(origin) = origin {
            self.keyspace.set_origin(to, origin);
        }
        true
    }

    /// A command has modified a key, which now is as it is.
    fn modified_as_it_is(&mut self, key: &Bytes) {
        let expires_at_ms = self.keyspace.expiry(key);
        let key_of = || key.clone();
        match self.keyspace.get(key) {
            Some(Value::String(value)) => {
                let value = value.clone();
                self.modified(key, Change::Set { key: key_of(), value, expires_at_ms });
            }
            Some(Value::Hash(_)) => self.modified(key, Change::Touched { key: key_of() }),
            None => {}
        }
    }

    /// A command has modified a key.
    fn modified(&mut self, key: &Bytes, change: Change) {
        self.dirty += 1;
        self.touch(key);
        self.changes.push(change);
    }
}

#[cfg(test)]
mod tests;
