//! One-shot watches, and whom they tell what.
//!
//! A watch belongs to a connection, not to a session: a client that comes back leaves its watches anew.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, DataTree, path};
use crate::machine::ConnectionId;
use crate::zookeeper::protocol::{EventKind, Path, SetWatches, WatchedEvent};

/// Who watches what, by path. Source: `WatchManager.java`.
#[derive(Debug, Default)]
struct Manager {
    watchers: BTreeMap<Path, BTreeSet<ConnectionId>>,
}

impl Manager {
    fn add(&mut self, path: &Path, watcher: ConnectionId) {
        self.watchers.entry(path.clone()).or_default().insert(watcher);
    }

    fn trigger(&mut self, path: &str) -> BTreeSet<ConnectionId> {
        self.watchers.remove(path).unwrap_or_default()
    }

    fn forget(&mut self, watcher: ConnectionId) {
        self.watchers.retain(|_, watchers| {
            watchers.remove(&watcher);
            !watchers.is_empty()
        });
    }
}

/// An event and whom it is for.
pub(in crate::zookeeper) type Notice = (ConnectionId, WatchedEvent);

/// All watches that a server's clients have left with it.
#[derive(Debug, Default)]
pub(in crate::zookeeper) struct Watches {
    data: Manager,
    child: Manager,
}

impl Watches {
    /// Watches a node's data, its end, and its beginning where it is not there.
    pub(in crate::zookeeper) fn watch_data(&mut self, path: &Path, watcher: ConnectionId) {
        self.data.add(path, watcher);
    }

    /// Watches a node's children, and its end.
    pub(in crate::zookeeper) fn watch_children(&mut self, path: &Path, watcher: ConnectionId) {
        self.child.add(path, watcher);
    }

    /// The connection is gone.
    pub(in crate::zookeeper) fn forget(&mut self, watcher: ConnectionId) {
        self.data.forget(watcher);
        self.child.forget(watcher);
    }

    /// Something has changed: who is to be told, in the order in which they are. Whoever watches both the
    /// data and the children of a node that goes is told once.
    ///
    /// Source: `DataTree.java`, `createNode`, `deleteNode`, `setData`.
    pub(in crate::zookeeper) fn fire(&mut self, change: &Change, to: &mut Vec<Notice>) {
        match change {
            Change::Created(path) => {
                tell(self.data.trigger(path), EventKind::NodeCreated, path, to);
                self.fire_parent(path, to);
            }
            Change::Deleted(path) => {
                let told = self.data.trigger(path);
                let others = &self.child.trigger(path) - &told;
                tell(told, EventKind::NodeDeleted, path, to);
                tell(others, EventKind::NodeDeleted, path, to);
                self.fire_parent(path, to);
            }
            Change::DataSet(path) => {
                tell(self.data.trigger(path), EventKind::NodeDataChanged, path, to);
            }
        }
    }

    fn fire_parent(&mut self, path: &str, to: &mut Vec<Notice>) {
        let Some(parent) = path::parent(path) else { return };
        let watchers = self.child.trigger(parent);
        // Mostly nobody watches: then there is no path to make.
        if !watchers.is_empty() {
            tell(watchers, EventKind::NodeChildrenChanged, &Path::from(parent), to);
        }
    }

    /// A client comes back: what it has missed fires at once, the rest is watched again.
    ///
    /// Source: `DataTree.java`, `setWatches`.
    pub(in crate::zookeeper) fn set(
        &mut self,
        watches: &SetWatches,
        tree: &DataTree,
        watcher: ConnectionId,
        to: &mut Vec<Notice>,
    ) {
        let mut event =
            |kind, path: &Path| to.push((watcher, WatchedEvent { kind, path: path.clone() }));
        for path in &watches.data {
            match tree.node(path) {
                None => event(EventKind::NodeDeleted, path),
                Some(node) if node.stat.mzxid > watches.relative_zxid => {
                    event(EventKind::NodeDataChanged, path);
                }
                Some(_) => self.data.add(path, watcher),
            }
        }
        for path in &watches.exist {
            match tree.node(path) {
                Some(_) => event(EventKind::NodeCreated, path),
                None => self.data.add(path, watcher),
            }
        }
        for path in &watches.child {
            match tree.node(path) {
                None => event(EventKind::NodeDeleted, path),
                Some(node) if node.stat.pzxid > watches.relative_zxid => {
                    event(EventKind::NodeChildrenChanged, path);
                }
                Some(_) => self.child.add(path, watcher),
            }
        }
    }
}

fn tell(watchers: BTreeSet<ConnectionId>, kind: EventKind, path: &Path, to: &mut Vec<Notice>) {
    to.extend(watchers.into_iter().map(|one| (one, WatchedEvent { kind, path: path.clone() })));
}
