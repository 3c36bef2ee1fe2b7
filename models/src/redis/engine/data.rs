//! What commands work on.

use bytes::Bytes;

use super::Change;
use crate::random::Random;
use crate::redis::channels::Channels;
use crate::redis::commands::{self, DataCommand, Flags};
use crate::redis::keyspace::{Hash, Keyspace, Origin, Value};
use crate::redis::propagation::{Propagation, rewritten};
use crate::redis::resp::Reply;
use crate::redis::script::Lrand48;
use crate::redis::unix_time;
use crate::redis::watched::Watched;
use crate::time::Wall;

/// What commands work on; a script gets it whole while it runs, hence its box.
#[derive(Debug, Default)]
pub struct Data {
    /// The keys.
    pub(crate) keyspace: Keyspace,
    /// The generator behind `math.random` in scripts.
    pub(crate) lrand48: Lrand48,
    /// What commands draw that leave something to chance.
    pub(crate) random: Random,
    /// What the append-only file and the replicas are told.
    pub(crate) propagation: Propagation,
    /// The data are being read from a file: nothing expires, and a date that is over deletes
    /// nothing.
    pub(crate) is_loading: bool,
    /// Memory was full when the client's command began, and nothing could be evicted.
    pub(crate) is_out_of_memory: bool,
    /// Who has subscribed to what.
    pub(crate) channels: Channels,
    /// Who watches which keys.
    pub(crate) watched: Watched,
    /// Up to this millisecond of the wall clock nothing expires: clients are paused.
    pub(crate) constant_until_ms: Option<i64>,
    pub(super) changes: Vec<Change>,
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
        unix_time::millis(self.wall)
    }

    pub(super) fn set_wall(&mut self, wall: Wall) {
        self.wall = wall;
        self.keyspace.set_now(unix_time::seconds(wall));
    }

    /// Carries out a command, and passes on what it changed.
    pub(crate) fn call(&mut self, command: DataCommand, arguments: &[Bytes]) -> Reply {
        if !self.propagation.is_on() {
            return (command.run)(self, arguments);
        }
        let before = self.dirty();
        let reply = (command.run)(self, arguments);
        if self.propagation.take_forced() || self.dirty() != before {
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

    /// How many modifications commands have made; a command that changes nothing makes none. What
    /// expires or is evicted does not count.
    ///
    /// Source: `server.dirty`, whose change decides whether a command is passed on.
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

    /// A key has changed: whoever watches it hears of it. Source: `db.c`, `signalModifiedKey`.
    fn touch(&mut self, key: &Bytes) {
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
        let change = if self.keyspace.get(key).is_some_and(is_empty) {
            self.keyspace.remove(key);
            Change::Deleted { key: key.clone() }
        } else {
            Change::Touched { key: key.clone() }
        };
        self.modified_so_often(key, times as u64, change);
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

    /// Deletes every key. It is passed on even when there was none. Source: `db.c`,
    /// `flushallCommand`: `forceCommandPropagation`.
    pub(crate) fn delete_all(&mut self) {
        self.propagation.force();
        for key in self.keyspace.clear() {
            self.modified(&key, Change::Deleted { key: key.clone() });
        }
    }

    /// Writes down all keys as they are.
    pub(super) fn note_all(&mut self) {
        let all: Vec<Change> = self.keyspace.keys().filter_map(|key| self.as_it_is(key)).collect();
        self.changes.extend(all);
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
        if let Some(change) = self.as_it_is(key) {
            self.modified(key, change);
        }
    }

    /// What is to be written down of a key that is as it is.
    fn as_it_is(&self, key: &Bytes) -> Option<Change> {
        let key = key.clone();
        Some(match self.keyspace.get(&key)? {
            Value::String(value) => {
                let (value, expires_at_ms) = (value.clone(), self.keyspace.expiry(&key));
                Change::Set { key, value, expires_at_ms }
            }
            Value::Hash(_) => Change::Touched { key },
        })
    }

    /// A command has modified a key: the command will be passed on, whoever watches the key hears of
    /// it, and it is written down.
    fn modified(&mut self, key: &Bytes, change: Change) {
        self.modified_so_often(key, 1, change);
    }

    fn modified_so_often(&mut self, key: &Bytes, times: u64, change: Change) {
        self.dirty += times;
        self.touch(key);
        self.changes.push(change);
    }
}
