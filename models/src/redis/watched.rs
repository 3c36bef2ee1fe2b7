//! Which connections watch which keys. It lies with the data, which tells it of every change.
//!
//! Source: `multi.c`, `watchForKey`, `touchWatchedKey`, `unwatchAllKeys`.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::keyspace::Database;
use crate::machine::ConnectionId;

/// One connection that watches a key.
#[derive(Debug)]
struct Watcher {
    connection: ConnectionId,
    /// The key's time was over already when the watch began: that it goes is then no change.
    expired: bool,
}

/// What becomes of a name when one database takes the place of another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange {
    /// There was a key of that name.
    pub(crate) was_there: bool,
    /// There will be one.
    pub(crate) is_there: bool,
    /// Its time will be over.
    pub(crate) is_over: bool,
}

/// The keys that are watched, and the connections whose transaction will fail.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    keys: BTreeMap<(Database, Bytes), Vec<Watcher>>,
    dirty: Vec<ConnectionId>,
}

impl Watched {
    /// Begins to watch a key of a database for a connection, unless it does already.
    pub(crate) fn watch(
        &mut self,
        database: Database,
        key: &Bytes,
        connection: ConnectionId,
        expired: bool,
    ) {
        let watchers = self.keys.entry((database, key.clone())).or_default();
        if watchers.iter().all(|watcher| watcher.connection != connection) {
            watchers.push(Watcher { connection, expired });
        }
    }

    /// True when nobody watches anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// A key has changed; `is_there` says whether there is one of that name now.
    pub(crate) fn touch(&mut self, database: Database, key: &Bytes, is_there: bool) {
        let Some(watchers) = self.keys.get_mut(&(database, key.clone())) else {
            return;
        };
        let mut touched = Vec::new();
        for watcher in watchers {
            if !watcher.expired {
                touched.push(watcher.connection);
            } else if !is_there {
                watcher.expired = false;
            }
        }
        self.changed_for(touched);
    }

    /// A database is about to hold the keys of another one; `exchange` says of a key what that means.
    ///
    /// Source: `multi.c`, `touchAllWatchedKeysInDb`.
    pub(crate) fn exchange(&mut self, database: Database, exchange: impl Fn(&[u8]) -> Exchange) {
        let mut touched = Vec::new();
        for ((_, key), watchers) in self.keys.iter_mut().filter(|((one, _), _)| *one == database) {
            let Exchange { was_there, is_there, is_over } = exchange(key);
            if !was_there && !is_there {
                continue;
            }
            for watcher in watchers {
                match watcher.expired {
                    true if !is_there => watcher.expired = false,
                    true if is_over => {}
                    false if !was_there && is_over => watcher.expired = true,
                    _ => touched.push(watcher.connection),
                }
            }
        }
        self.changed_for(touched);
    }

    /// The transactions of these connections will fail.
    fn changed_for(&mut self, connections: Vec<ConnectionId>) {
        for connection in connections {
            self.unwatch(connection);
            if !self.is_dirty(connection) {
                self.dirty.push(connection);
            }
        }
    }

    /// True when a watched key of the connection has changed.
    pub(crate) fn is_dirty(&self, connection: ConnectionId) -> bool {
        self.dirty.contains(&connection)
    }

    /// The keys that a connection watches, but for those whose time was over when it began.
    pub(crate) fn keys_of(
        &self,
        connection: ConnectionId,
    ) -> impl Iterator<Item = &(Database, Bytes)> {
        let watches = move |watcher: &Watcher| watcher.connection == connection && !watcher.expired;
        self.keys.iter().filter(move |(_, all)| all.iter().any(watches)).map(|(key, _)| key)
    }

    /// Ends all watches of a connection and forgets what has changed.
    pub(crate) fn forget(&mut self, connection: ConnectionId) {
        self.unwatch(connection);
        self.dirty.retain(|other| *other != connection);
    }

    fn unwatch(&mut self, connection: ConnectionId) {
        self.keys.retain(|_, watchers| {
            watchers.retain(|watcher| watcher.connection != connection);
            !watchers.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WATCHER: ConnectionId = ConnectionId(1);

    /// Whether the transaction will fail, and whether the key counts as expired from then on.
    fn after(expired: bool, [was_there, is_there, is_over]: [bool; 3]) -> (bool, bool) {
        let (database, key) = (Database::default(), Bytes::from_static(b"k"));
        let mut watched = Watched::default();
        watched.watch(database, &key, WATCHER, expired);
        watched.exchange(database, |_| Exchange { was_there, is_there, is_over });
        let watchers = watched.keys.get(&(database, key));
        let expired = watchers.is_some_and(|all| all.iter().any(|watcher| watcher.expired));
        (watched.is_dirty(WATCHER), expired)
    }

    #[test]
    fn an_exchange_of_databases_is_a_change_unless_the_key_is_gone_before_and_after() {
        let (yes, no) = (true, false);
        for (expired, [was_there, is_there, is_over], dirty, expired_after) in [
            (no, [no, no, no], no, no),
            (no, [yes, no, no], yes, no),
            (no, [no, yes, no], yes, no),
            (no, [yes, yes, no], yes, no),
            (no, [yes, yes, yes], yes, no),
            (no, [no, yes, yes], no, yes),
            (yes, [yes, no, no], no, no),
            (yes, [yes, yes, yes], no, yes),
            (yes, [yes, yes, no], yes, no),
        ] {
            let seen = after(expired, [was_there, is_there, is_over]);
            let case = (expired, was_there, is_there, is_over);
            assert_eq!(seen, (dirty, expired_after), "{case:?}");
        }
    }

    #[test]
    fn an_exchange_of_other_databases_is_none() {
        let mut watched = Watched::default();
        watched.watch(Database::default(), &Bytes::from_static(b"k"), WATCHER, false);
        let other = Database::default().next();
        let exchange = Exchange { was_there: true, is_there: false, is_over: false };
        watched.exchange(other, |_| exchange);
        assert!(!watched.is_dirty(WATCHER));
    }
}
