//! Which connections watch which keys. It lies with the data, which tells it of every change.
//!
//! Source: `multi.c`, `watchForKey`, `touchWatchedKey`, `unwatchAllKeys`.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::machine::ConnectionId;

/// One connection that watches a key.
#[derive(Debug)]
struct Watcher {
    connection: ConnectionId,
    /// The key's time was over already when the watch began: that it goes is then no change.
    expired: bool,
}

/// The keys that are watched, and the connections whose transaction will fail.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    keys: BTreeMap<Bytes, Vec<Watcher>>,
    dirty: Vec<ConnectionId>,
}

impl Watched {
    /// Begins to watch a key for a connection, unless it does already.
    pub(crate) fn watch(&mut self, key: &Bytes, connection: ConnectionId, expired: bool) {
        let watchers = self.keys.entry(key.clone()).or_default();
        if watchers.iter().all(|watcher| watcher.connection != connection) {
            watchers.push(Watcher { connection, expired });
        }
    }

    /// True when nobody watches anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// A key has changed; `is_there` says whether there is one of that name now.
    pub(crate) fn touch(&mut self, key: &Bytes, is_there: bool) {
        let Some(watchers) = self.keys.get_mut(key) else {
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
        for connection in touched {
            self.unwatch(connection);
            self.dirty.push(connection);
        }
    }

    /// True when a watched key of the connection has changed.
    pub(crate) fn is_dirty(&self, connection: ConnectionId) -> bool {
        self.dirty.contains(&connection)
    }

    /// The keys that a connection watches, but for those whose time was over when it began.
    pub(crate) fn keys_of(&self, connection: ConnectionId) -> impl Iterator<Item = &Bytes> {
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
