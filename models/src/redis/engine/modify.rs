//! How commands change keys. Whatever changes one counts the modification, tells who watches the key,
//! writes the change down and publishes the event; no command does so itself.

use bytes::Bytes;

use super::{Change, Data};
use crate::redis::events::EventClasses;
use crate::redis::keyspace::{Database, Hash, Item, Origin, Value};
use crate::redis::watched::Exchange;

impl Data {
    /// Sets a key to a string; its expiry stays as it is. `event` is what it is called.
    pub(crate) fn set_string(&mut self, key: &Bytes, value: Bytes, event: &'static str) {
        self.publish_if_new(key);
        let expires_at_ms = self.keyspace.set(key, Value::String(value.clone()), &self.tracker);
        self.modified(key, Change::Set { key: key.clone(), value, expires_at_ms });
        self.publish(EventClasses::STRING, event, key);
    }

    /// Sets a key to a string with a new expiry, or none.
    pub(crate) fn replace_string(&mut self, key: &Bytes, value: Bytes, expires_at_ms: Option<i64>) {
        self.publish_if_new(key);
        let string = Value::String(value.clone());
        self.keyspace.replace(key, string, expires_at_ms, &self.tracker);
        self.modified(key, Change::Set { key: key.clone(), value, expires_at_ms });
        self.publish(EventClasses::STRING, "set", key);
        if expires_at_ms.is_some() {
            self.publish(EventClasses::GENERIC, "expire", key);
        }
    }

    /// Makes a key hold a value that another server had, in place of what it holds.
    pub(crate) fn restore(&mut self, key: &Bytes, value: Value, expires_at_ms: Option<i64>) {
        if expires_at_ms.is_some_and(|at_ms| self.is_over(at_ms)) {
            self.delete(key);
            return;
        }
        self.keyspace.replace(key, value, expires_at_ms, &self.tracker);
        self.modified_as_it_is(key);
        self.publish(EventClasses::GENERIC, "restore", key);
    }

    /// The hash that a key holds, which is there.
    pub(crate) fn hash_mut(&mut self, key: &Bytes) -> Option<&mut Hash> {
        match self.keyspace.peek_mut(key) {
            Some(Value::Hash(hash)) => Some(hash),
            _ => None,
        }
    }

    /// Makes a hash without fields, for whoever is about to add one.
    pub(crate) fn add_hash(&mut self, key: &Bytes) {
        self.publish_if_new(key);
        self.keyspace.set(key, Value::Hash(Hash::default()), &self.tracker);
    }

    /// The hash that a key holds has been modified so many times; without fields it is no key.
    pub(crate) fn hash_modified(&mut self, key: &Bytes, times: usize, event: &'static str) {
        let is_empty = |value: &Value| matches!(value, Value::Hash(hash) if hash.is_empty());
        let is_gone = self.keyspace.get(key).is_some_and(is_empty);
        if is_gone {
            self.keyspace.remove(key);
            self.modified_so_often(key, times as u64, Change::Deleted { key: key.clone() });
        } else if let Some(change) = self.as_it_is(key) {
            self.modified_so_often(key, times as u64, change);
        }
        self.publish(EventClasses::HASH, event, key);
        if is_gone {
            self.publish(EventClasses::GENERIC, "del", key);
        }
    }

    /// Sets when a key expires.
    pub(crate) fn set_expiry(&mut self, key: &Bytes, at_ms: i64) {
        if self.keyspace.set_expiry(key, at_ms) {
            self.modified_as_it_is(key);
            self.publish(EventClasses::GENERIC, "expire", key);
        }
    }

    /// Takes a key's expiry away; false when it had none.
    pub(crate) fn persist(&mut self, key: &Bytes) -> bool {
        let had = self.keyspace.persist(key);
        if had {
            self.modified_as_it_is(key);
            self.publish(EventClasses::GENERIC, "persist", key);
        }
        had
    }

    /// Deletes a key on a client's behalf; false when it is not there.
    pub(crate) fn delete(&mut self, key: &Bytes) -> bool {
        let there = self.keyspace.remove(key);
        if there {
            self.modified(key, Change::Deleted { key: key.clone() });
            self.publish(EventClasses::GENERIC, "del", key);
        }
        there
    }

    /// Drops a key that is this server's no longer: nobody is told, as nobody has changed it. Source:
    /// `cluster.c`, `delKeysInSlot`.
    pub(crate) fn drop_key(&mut self, key: &Bytes) {
        if self.keyspace.remove(key) {
            self.changes.push(Change::Deleted { key: key.clone() });
        }
    }

    /// Gives a key another name, which belongs to none else from then on. It counts as one
    /// modification.
    pub(crate) fn rename(&mut self, from: &Bytes, to: &Bytes) {
        if let Some(item) = self.keyspace.take(from) {
            self.put(to, item);
            self.touch(from);
            self.changes.push(Change::Deleted { key: from.clone() });
            self.modified_as_it_is(to);
            self.publish(EventClasses::GENERIC, "rename_from", from);
            self.publish(EventClasses::GENERIC, "rename_to", to);
        }
    }

    /// Moves a key into another database, where there is none of that name. It counts as one
    /// modification.
    pub(crate) fn move_key(&mut self, key: &Bytes, target: Database) {
        if let Some(item) = self.keyspace.take(key) {
            self.within(target, |data| data.put(key, item));
            self.touch(key);
            self.within(target, |data| data.modified_as_it_is(key));
            self.publish(EventClasses::GENERIC, "move_from", key);
            self.within(target, |data| data.publish(EventClasses::GENERIC, "move_to", key));
        }
    }

    /// Makes one key hold what another one holds, with its expiry; the copy is new, and shares
    /// nothing. Source: `object.c`, `dupStringObject`.
    pub(crate) fn copy(&mut self, from: &Bytes, to: &Bytes, target: Database) {
        let keyspace = &self.keyspace;
        let (Some(value), Some(origin)) = (keyspace.get(from).cloned(), keyspace.origin(from))
        else {
            return;
        };
        let item = Item {
            value,
            expires_at_ms: keyspace.expiry(from),
            origin: if origin == Origin::Given { Origin::Own } else { origin },
            usage: self.tracker.fresh(),
        };
        self.within(target, |data| {
            data.put(to, item);
            data.modified_as_it_is(to);
            data.publish(EventClasses::GENERIC, "copy_to", to);
        });
    }

    /// Makes a key of what belonged to another one; whatever had the name is gone first, so that this
    /// one is new.
    fn put(&mut self, key: &Bytes, item: Item) {
        self.keyspace.remove(key);
        self.keyspace.put(key, item);
        self.publish(EventClasses::NEW, "new", key);
    }

    /// Deletes every key of the selected database.
    pub(crate) fn delete_all(&mut self) {
        for key in self.keyspace.clear() {
            self.modified(&key, Change::Deleted { key: key.clone() });
        }
    }

    /// Two databases change their numbers. Source: `db.c`, `dbSwapDatabases`.
    pub(crate) fn swap(&mut self, one: Database, other: Database) {
        self.dirty += 1;
        if one == other {
            return;
        }
        if !self.watched.is_empty() {
            for (before, after) in [(one, other), (other, one)] {
                let (now_ms, keyspace) = (self.now_ms(), &self.keyspace);
                let is_in = |database, key: &[u8]| keyspace.of(database).get(key).is_some();
                let expiry = |key: &[u8]| keyspace.of(after).expiry(key);
                self.watched.exchange(before, |key| Exchange {
                    was_there: is_in(before, key),
                    is_there: is_in(after, key),
                    is_over: expiry(key).is_some_and(|at_ms| now_ms > at_ms),
                });
            }
        }
        self.keyspace.swap(one, other);
    }

    /// Writes down all keys as they are.
    pub(super) fn note_all(&mut self) {
        let all = self.all_as_they_are();
        self.changes.extend(all.into_iter().flatten());
    }

    /// What there is in each database.
    pub(super) fn all_as_they_are(&mut self) -> Vec<Vec<Change>> {
        let of = |database| {
            self.within(database, |data| {
                data.keyspace.keys().filter_map(|key| data.as_it_is(key)).collect()
            })
        };
        Database::all().map(of).collect()
    }

    /// Notes what is other than it was in each database, in place of how that came about.
    pub(super) fn note_difference(&mut self, before: &[Vec<Change>]) {
        self.changes.clear();
        let after = self.all_as_they_are();
        for (before, after) in before.iter().zip(&after) {
            let has = |key: &Bytes| after.iter().any(|now| now.key() == key);
            let gone = before.iter().map(Change::key).filter(|key| !has(key));
            self.changes.extend(gone.map(|key| Change::Deleted { key: key.clone() }));
            self.changes.extend(after.iter().filter(|now| !before.contains(now)).cloned());
        }
    }

    /// There will be a key of that name: if there is none yet, it is new.
    #[inline]
    fn publish_if_new(&mut self, key: &Bytes) {
        if self.events.tell(EventClasses::NEW) && self.keyspace.get(key).is_none() {
            self.publish(EventClasses::NEW, "new", key);
        }
    }

    /// A command has modified a key, which now is as it is.
    fn modified_as_it_is(&mut self, key: &Bytes) {
        if let Some(change) = self.as_it_is(key) {
            self.modified(key, change);
        }
    }

    /// What is to be written down of a key that is as it is.
    fn as_it_is(&self, key: &Bytes) -> Option<Change> {
        let value = match self.keyspace.get(key)? {
            Value::String(value) => value.clone(),
            Value::Hash(hash) => names(hash),
        };
        Some(Change::Set { key: key.clone(), value, expires_at_ms: self.keyspace.expiry(key) })
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

/// What a hash is known by: the names of its fields, in their order. A lock that lives in a hash has
/// its owner for a field (Redisson's `RLock`), and how often he has entered it for its value.
fn names(hash: &Hash) -> Bytes {
    /// A lock has few; what has more is none, and is not worth a long line.
    const SHOWN_MAX: usize = 8;
    let mut names = hash.iter().map(|(name, _)| name);
    match (names.next(), hash.len()) {
        (Some(name), 1) => name.clone(),
        (first, length) => {
            let shown: Vec<&[u8]> =
                first.into_iter().chain(names).take(SHOWN_MAX).map(|name| &name[..]).collect();
            let more: &[u8] = if length > SHOWN_MAX { b" ..." } else { b"" };
            Bytes::from([&shown.join(&b' ')[..], more].concat())
        }
    }
}
