//! The watches that a client has left and that have not fired: it leaves them again when it comes back.
//!
//! Source: `ZKWatchManager` in `ZooKeeper.java` of 3.8.0; `ZooKeeper.java`, `DataWatchRegistration`,
//! `ExistsWatchRegistration`, `ChildWatchRegistration`.

use std::collections::BTreeSet;

use crate::zookeeper::protocol::{
    Answer, ErrorCode, EventKind, Op, Path, SetWatches, WatchedEvent, Zxid,
};

/// What is watched.
#[derive(Debug, Default)]
pub(super) struct Registered {
    data: BTreeSet<Path>,
    exist: BTreeSet<Path>,
    child: BTreeSet<Path>,
}

impl Registered {
    /// A request has been answered: a watch that it was to leave is there now.
    pub(super) fn answered(&mut self, op: &Op, result: &Result<Answer, ErrorCode>) {
        match (op, result) {
            (Op::Exists { path, watch: true }, Ok(_))
            | (Op::GetData { path, watch: true }, Ok(_)) => {
                self.data.insert(path.clone());
            }
            (Op::Exists { path, watch: true }, Err(ErrorCode::NoNode)) => {
                self.exist.insert(path.clone());
            }
            (Op::GetChildren { path, watch: true, .. }, Ok(_)) => {
                self.child.insert(path.clone());
            }
            _ => {}
        }
    }

    /// A watch has fired, and is gone. False for one that nobody has left. Source: `materialize`.
    pub(super) fn fired(&mut self, event: &WatchedEvent) -> bool {
        let path = &event.path;
        match event.kind {
            EventKind::NodeCreated | EventKind::NodeDataChanged => {
                let (data, exist) = (self.data.remove(path), self.exist.remove(path));
                data || exist
            }
            EventKind::NodeChildrenChanged => self.child.remove(path),
            EventKind::NodeDeleted => {
                let (data, exist) = (self.data.remove(path), self.exist.remove(path));
                self.child.remove(path) || data || exist
            }
        }
    }

    /// What to leave at another server; nothing when nothing is watched.
    pub(super) fn to_set(&self, last_zxid: Zxid) -> Option<SetWatches> {
        let paths = |set: &BTreeSet<Path>| set.iter().cloned().collect::<Vec<_>>();
        let is_empty = self.data.is_empty() && self.exist.is_empty() && self.child.is_empty();
        (!is_empty).then(|| SetWatches {
            relative_zxid: last_zxid,
            data: paths(&self.data),
            exist: paths(&self.exist),
            child: paths(&self.child),
        })
    }
}
