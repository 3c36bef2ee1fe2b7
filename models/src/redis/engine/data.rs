//! What commands work on: the keys, what stands beside them, and how keys are looked up.

use bytes::Bytes;

use super::{Change, OnlyDatabase};
use crate::random::Random;
use crate::redis::channels::Channels;
use crate::redis::cluster::Reach;
use crate::redis::commands::{self, DataCommand, Flags};
use crate::redis::events::EventClasses;
use crate::redis::keyspace::{Database, Databases, Hash, ListLimits, Value};
use crate::redis::propagation::{Consumers, Propagation, rewritten};
use crate::redis::replication::Standing;
use crate::redis::resp::Reply;
use crate::redis::script::Lrand48;
use crate::redis::unix_time;
use crate::redis::usage::Tracker;
use crate::redis::watched::Watched;
use crate::time::Wall;

/// What commands work on; a script gets it whole while it runs, hence its box.
#[derive(Debug, Default)]
pub struct Data {
    /// The keys of all databases; those of the selected one for whoever does not ask.
    pub(crate) keyspace: Databases,
    /// What is kept of when keys were used.
    pub(crate) tracker: Tracker,
    /// Which events of keys are published.
    pub(crate) events: EventClasses,
    /// How large a hash may be and still be a list.
    pub(crate) hash_limits: ListLimits,
    /// The generator behind `math.random` in scripts.
    pub(crate) lrand48: Lrand48,
    /// What commands draw that leave something to chance.
    pub(crate) random: Random,
    /// What the append-only file and the replicas are told.
    pub(crate) propagation: Propagation,
    /// The data are being read from a file: nothing expires, and a date that is over deletes
    /// nothing.
    pub(crate) is_loading: bool,
    /// Keys whose time is over wait for somebody who looks: `DEBUG SET-ACTIVE-EXPIRE 0`.
    pub(crate) is_active_expiry_off: bool,
    /// Memory was full when the client's command began, and nothing could be evicted.
    pub(crate) is_out_of_memory: bool,
    /// A script runs that may not write.
    pub(crate) is_read_only: bool,
    /// In a cluster, while a script runs: what it may reach.
    pub(crate) reach: Option<Reach>,
    /// Whether the server is a master or a replica, and what follows from that.
    pub(crate) standing: Standing,
    /// Who has subscribed to what.
    pub(crate) channels: Channels,
    /// Who watches which keys.
    pub(crate) watched: Watched,
    /// Up to this millisecond of the wall clock nothing expires: clients are paused.
    pub(crate) constant_until_ms: Option<i64>,
    /// How often keys were found that were to be read.
    pub(crate) lookups: Lookups,
    pub(super) changes: Vec<Change>,
    pub(super) dirty: u64,
    wall: Wall,
}

/// How often keys that were to be read were there, until `CONFIG RESETSTAT`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lookups {
    /// Source: `server.stat_keyspace_hits`.
    pub(crate) hits: u64,
    /// Source: `server.stat_keyspace_misses`.
    pub(crate) misses: u64,
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
        self.tracker.set_now(wall);
    }

    /// Carries out a command, and passes on what it changed.
    pub(crate) fn call(&mut self, command: DataCommand, arguments: &[Bytes]) -> Reply {
        if !self.propagation.is_on() {
            return (command.run)(self, arguments);
        }
        let (before, database) = (self.dirty(), self.keyspace.selected());
        let reply = (command.run)(self, arguments);
        let is_changed = self.dirty() != before;
        let consumers = match self.propagation.take_forced() {
            _ if is_changed => Some(Consumers::All),
            forced => forced,
        };
        if let Some(consumers) = consumers {
            let name = command.row.full_name;
            let passed = rewritten(name, arguments, &reply, &self.keyspace);
            self.propagation.add(database, passed, consumers);
        }
        reply
    }

    /// Carries out a command for a script. Memory that was full when the script began refuses the
    /// script's first write, and no later one: a script is not stopped half-way.
    ///
    /// Source: `script.c`, `scriptVerifyWriteCommandAllow` and `scriptVerifyOOM`.
    pub(crate) fn call_for_script(&mut self, command: DataCommand, arguments: &[Bytes]) -> Reply {
        const MAY_WRITE: Flags = Flags::WRITE.and(Flags::MAY_REPLICATE);
        const READ_ONLY: Reply =
            Reply::error("ERR Write commands are not allowed from read-only scripts.");
        if self.is_read_only && command.row.flags.any_of(MAY_WRITE) {
            return READ_ONLY;
        }
        if !self.standing.is_free()
            && let Some(refusal) = self.standing.refuses_script(command.row.flags)
        {
            return refusal;
        }
        if self.is_out_of_memory {
            if command.row.flags.any_of(Flags::DENYOOM) {
                return commands::OUT_OF_MEMORY;
            }
            self.is_out_of_memory = !command.row.flags.any_of(Flags::WRITE);
        }
        if let Some(reach) = self.reach.take() {
            let refusal = reach.refusal(command.row, arguments, &OnlyDatabase(self));
            self.reach = Some(reach);
            if let Some(refusal) = refusal {
                return refusal;
            }
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

    /// Does something in a database that need not be the selected one.
    pub(crate) fn within<T>(&mut self, database: Database, act: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.keyspace.select(database);
        let result = act(self);
        self.keyspace.select(before);
        result
    }

    /// Removes a key whose time is over; true when it has.
    ///
    /// While clients are paused it counts as removed and stays. So it does on a replica, which waits for
    /// its master's `DEL`. Source: `db.c`, `expireIfNeeded` and `deleteExpiredKeyAndPropagate`.
    pub(crate) fn expire_if_due(&mut self, key: &Bytes) -> bool {
        let due = self.is_due(key);
        if due && !self.standing.is_replica {
            self.expire(key);
        }
        due
    }

    /// The same for a key that is to be changed: a replica that takes writes removes it itself. Source:
    /// `db.c`, `lookupKey`: `EXPIRE_FORCE_DELETE_EXPIRED`.
    fn expire_to_write(&mut self, key: &Bytes) -> bool {
        let due = self.is_due(key);
        if due && !self.standing.is_read_only {
            self.expire(key);
        }
        due
    }

    /// A key's time is over.
    fn expire(&mut self, key: &Bytes) {
        if !self.is_constant() {
            self.keyspace.remove(key);
            self.gone(key, Change::Expired { key: key.clone() });
            self.publish(EventClasses::EXPIRED, "expired", key);
        }
    }

    /// Removes a key of a database to make room.
    pub(crate) fn evict(&mut self, database: Database, key: &Bytes) {
        self.within(database, |data| {
            if data.keyspace.remove(key) {
                data.gone(key, Change::Evicted { key: key.clone() });
                data.publish(EventClasses::EVICTED, "evicted", key);
            }
        });
    }

    /// No command has removed the key.
    fn gone(&mut self, key: &Bytes, change: Change) {
        self.changes.push(change);
        self.propagation.add_deletion(self.keyspace.selected(), key);
        self.touch(key);
    }

    /// True when a date deletes the key that it is set for.
    ///
    /// Source: `expire.c`, `checkAlreadyExpired`: on a replica none does.
    pub(crate) fn is_over(&self, at_ms: i64) -> bool {
        at_ms <= self.now_ms() && !self.is_loading && !self.standing.is_replica
    }

    /// True when a key's time is over.
    ///
    /// A key lives through the millisecond at which it expires. Source: `db.c`, `keyIsExpired`:
    /// `now > when`; and nothing expires while the data are being loaded. Nor does it for what comes from
    /// the master, by whatever clock: `expireIfNeeded`.
    pub(crate) fn is_due(&self, key: &Bytes) -> bool {
        self.is_due_in(self.keyspace.selected(), key)
    }

    /// The same in any database.
    pub(crate) fn is_due_in(&self, database: Database, key: &Bytes) -> bool {
        let is_over = |at_ms| self.now_ms() > at_ms && !self.is_loading;
        self.keyspace.of(database).expiry(key).is_some_and(is_over) && !self.standing.obeys
    }

    /// True while nothing may expire. Source: `networking.c`,
    /// `checkClientPauseTimeoutAndReturnIfPaused`.
    pub(crate) fn is_constant(&self) -> bool {
        self.constant_until_ms.is_some_and(|until_ms| self.now_ms() <= until_ms)
    }

    /// A key has changed: whoever watches it hears of it. Source: `db.c`, `signalModifiedKey`.
    pub(super) fn touch(&mut self, key: &Bytes) {
        if !self.watched.is_empty() {
            let is_there = self.keyspace.get(key).is_some();
            self.watched.touch(self.keyspace.selected(), key, is_there);
        }
    }

    /// Publishes what has become of a key, if anybody is to hear of it.
    #[inline]
    pub(super) fn publish(&mut self, class: EventClasses, event: &'static str, key: &Bytes) {
        self.events.publish(class, event, key, self.keyspace.selected(), &mut self.channels);
    }

    /// The value of a key that is to be changed, unless its time is over.
    ///
    /// Source: `db.c`, `lookupKeyWrite`.
    pub(crate) fn lookup(&mut self, key: &Bytes) -> Option<&mut Value> {
        if self.expire_to_write(key) {
            return None;
        }
        self.keyspace.get_mut(key, &self.tracker, &mut self.random)
    }

    /// The value of a key that is to be read: that it is there is counted, and that it is not can be
    /// an event.
    ///
    /// Source: `db.c`, `lookupKeyRead`.
    pub(crate) fn read(&mut self, key: &Bytes) -> Option<&Value> {
        let is_over = self.expire_if_due(key);
        let database = self.keyspace.selected();
        let found = match is_over {
            true => None,
            false => self.keyspace.get_mut(key, &self.tracker, &mut self.random),
        };
        if found.is_some() {
            self.lookups.hits += 1;
        } else {
            self.lookups.misses += 1;
            let channels = &mut self.channels;
            self.events.publish(EventClasses::KEY_MISS, "keymiss", key, database, channels);
        }
        found.map(|value| &*value)
    }

    /// True when the key is there; nobody is said to have used it. Source: `LOOKUP_NOTOUCH`.
    pub(crate) fn is_there(&mut self, key: &Bytes) -> bool {
        let is_there = self.is_there_silently(key);
        if !is_there {
            self.publish(EventClasses::KEY_MISS, "keymiss", key);
        }
        is_there
    }

    /// The same, and it is no event when it is not. Source: `LOOKUP_NONOTIFY`.
    pub(crate) fn is_there_silently(&mut self, key: &Bytes) -> bool {
        let is_there = !self.expire_if_due(key) && self.keyspace.get(key).is_some();
        self.lookups.hits += u64::from(is_there);
        self.lookups.misses += u64::from(!is_there);
        is_there
    }

    /// The string that a key holds, to be changed.
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

    /// The string that a key holds, to be read.
    ///
    /// # Errors
    ///
    /// As [`Data::lookup_string`].
    pub(crate) fn read_string(&mut self, key: &Bytes) -> Result<Option<&Bytes>, Reply> {
        match self.read(key) {
            Some(Value::String(string)) => Ok(Some(string)),
            Some(_) => Err(commands::WRONG_TYPE),
            None => Ok(None),
        }
    }

    /// The hash that a key holds, to be changed.
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

    /// The hash that a key holds, to be read.
    ///
    /// # Errors
    ///
    /// As [`Data::lookup_hash`].
    pub(crate) fn read_hash(&mut self, key: &Bytes) -> Result<Option<&Hash>, Reply> {
        match self.read(key) {
            Some(Value::Hash(hash)) => Ok(Some(hash)),
            Some(_) => Err(commands::WRONG_TYPE),
            None => Ok(None),
        }
    }
}
