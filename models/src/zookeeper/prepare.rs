//! From a request to a transaction, as the leader makes it: every check is made here, once, against the tree as
//! it will be when all that was proposed before is carried out.
//!
//! Source: `PrepRequestProcessor.java`.

use std::collections::{BTreeMap, VecDeque};

use super::protocol::{CreateMode, ErrorCode, Op, Path, SessionId, Zxid};
use super::tree::{DataTree, Persisted, path};
use super::txn::Txn;

/// A node as a transaction that is not carried out yet will leave it. Source:
/// `ZooKeeperServer.java`, `ChangeRecord`.
#[derive(Clone, Debug)]
struct ChangeRecord {
    zxid: Zxid,
    path: Path,
    /// `None` when it will be gone.
    stat: Option<Persisted>,
    children: usize,
}

/// What has been proposed and not been carried out: `outstandingChanges`.
#[derive(Debug, Default)]
pub(super) struct Outstanding {
    changes: VecDeque<ChangeRecord>,
    /// The last of each path.
    by_path: BTreeMap<Path, ChangeRecord>,
}

/// Whose request it is, and what number it gets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) session: SessionId,
    /// Whether the session may ask for anything here.
    pub(super) standing: Result<(), ErrorCode>,
    pub(super) zxid: Zxid,
    pub(super) time_ms: u64,
}

impl Outstanding {
    /// The transaction that a request makes. One that is refused makes [`Txn::Error`].
    pub(super) fn prepare(&mut self, tree: &DataTree, request: &Request, op: &Op) -> Txn {
        let Op::Multi(parts) = op else {
            return self.part(tree, request, op).unwrap_or_else(Txn::Error);
        };
        let mut failed = false;
        let mut txns = Vec::with_capacity(parts.len());
        for part in parts {
            if failed {
                txns.push(Txn::Error(ErrorCode::RuntimeInconsistency));
                continue;
            }
            match self.part(tree, request, part) {
                Ok(txn) => txns.push(txn),
                Err(error) => {
                    failed = true;
                    self.roll_back(request.zxid);
                    txns.push(Txn::Error(error));
                }
            }
        }
        Txn::Multi(txns)
    }

    /// A session ends: its nodes are those that it has, less those that are to be deleted, and those that
    /// are to be created.
    pub(super) fn close_session(&mut self, tree: &DataTree, session: SessionId, zxid: Zxid) -> Txn {
        let mut paths = tree.ephemerals(session);
        for change in &self.changes {
            match change.stat {
                None => {
                    paths.remove(&change.path);
                }
                Some(stat) if stat.ephemeral_owner == session => {
                    paths.insert(change.path.clone());
                }
                Some(_) => {}
            }
        }
        for path in &paths {
            if let Some(mut parent) = path::parent(path).and_then(|at| self.find(tree, at)) {
                parent.stat = parent.stat.map(|stat| Persisted { pzxid: zxid, ..stat });
                parent.children = parent.children.saturating_sub(1);
                self.add(ChangeRecord { zxid, ..parent });
            }
            self.add(ChangeRecord { zxid, path: path.clone(), stat: None, children: 0 });
        }
        Txn::CloseSession { paths: paths.into_iter().collect() }
    }

    /// A transaction has been carried out: the tree is what it made of it.
    pub(super) fn applied(&mut self, zxid: Zxid) {
        while self.changes.front().is_some_and(|change| change.zxid <= zxid)
            && let Some(change) = self.changes.pop_front()
        {
            if self.by_path.get(&change.path).is_some_and(|last| last.zxid == change.zxid) {
                self.by_path.remove(&change.path);
            }
        }
    }

    /// Takes back what a part of a `multi` would have changed.
    fn roll_back(&mut self, zxid: Zxid) {
        while self.changes.back().is_some_and(|change| change.zxid == zxid) {
            self.changes.pop_back();
        }
        self.by_path =
            self.changes.iter().map(|change| (change.path.clone(), change.clone())).collect();
    }

    fn part(&mut self, tree: &DataTree, request: &Request, op: &Op) -> Result<Txn, ErrorCode> {
        request.standing?;
        match op {
            Op::Create { path, data, mode, .. } => {
                let (path, parent_cversion) = self.create(tree, request, path, *mode)?;
                let ephemeral = mode.ephemeral;
                Ok(Txn::Create { path, data: data.clone(), ephemeral, parent_cversion })
            }
            Op::Delete { path, version } => {
                self.delete(tree, request, path, *version)?;
                Ok(Txn::Delete { path: path.clone() })
            }
            Op::SetData { path, data, version } => {
                let (record, version) = self.versioned(tree, path, *version)?;
                let stat = record.stat.map(|stat| Persisted {
                    version,
                    mzxid: request.zxid,
                    mtime_ms: request.time_ms,
                    ..stat
                });
                self.add(ChangeRecord { zxid: request.zxid, stat, ..record });
                Ok(Txn::SetData { path: path.clone(), data: data.clone(), version })
            }
            Op::Check { path, version } => {
                self.versioned(tree, path, *version)?;
                Ok(Txn::Check { path: path.clone() })
            }
            // What else a client can put into a `multi` is none of these, and not understood.
            _ => Err(ErrorCode::BadArguments),
        }
    }

    /// The path that the node gets, and how many children its parent has had with it. Source:
    /// `pRequest2TxnCreate`.
    fn create(
        &mut self,
        tree: &DataTree,
        request: &Request,
        path: &Path,
        mode: CreateMode,
    ) -> Result<(Path, i32), ErrorCode> {
        let parent = path::parent(path).ok_or(ErrorCode::BadArguments)?;
        let parent = self.find(tree, parent).ok_or(ErrorCode::NoNode)?;
        let parent_stat = parent.stat.ok_or(ErrorCode::NoNode)?;
        let path = if mode.sequential {
            Path::from(format!("{path}{:010}", parent_stat.creations))
        } else {
            path.clone()
        };
        if !path::is_valid(&path) {
            return Err(ErrorCode::BadArguments);
        }
        if self.find(tree, &path).is_some() {
            return Err(ErrorCode::NodeExists);
        }
        if parent_stat.ephemeral_owner != SessionId::NONE {
            return Err(ErrorCode::NoChildrenForEphemerals);
        }
        let zxid = request.zxid;
        let creations = parent_stat.creations.wrapping_add(1);
        let owner = if mode.ephemeral { request.session } else { SessionId::NONE };
        self.add(ChangeRecord {
            zxid,
            stat: Some(Persisted { creations, pzxid: zxid, ..parent_stat }),
            children: parent.children + 1,
            ..parent
        });
        let stat = Some(Persisted::of_new(zxid, request.time_ms, owner));
        self.add(ChangeRecord { zxid, path: path.clone(), stat, children: 0 });
        Ok((path, creations))
    }

    fn delete(
        &mut self,
        tree: &DataTree,
        request: &Request,
        path: &Path,
        version: i32,
    ) -> Result<(), ErrorCode> {
        let parent = path::parent(path).filter(|_| !path::is_special(path) && !path.contains('\0'));
        let parent = self.find(tree, parent.ok_or(ErrorCode::BadArguments)?);
        let parent = parent.ok_or(ErrorCode::NoNode)?;
        let record = self.find(tree, path).ok_or(ErrorCode::NoNode)?;
        next_version(&record, version)?;
        if record.children > 0 {
            return Err(ErrorCode::NotEmpty);
        }
        let zxid = request.zxid;
        self.add(ChangeRecord {
            zxid,
            stat: parent.stat.map(|stat| Persisted { pzxid: zxid, ..stat }),
            children: parent.children.saturating_sub(1),
            ..parent
        });
        self.add(ChangeRecord { zxid, stat: None, ..record });
        Ok(())
    }

    /// A node that is there and has that version, and its next version.
    fn versioned(
        &self,
        tree: &DataTree,
        path: &Path,
        version: i32,
    ) -> Result<(ChangeRecord, i32), ErrorCode> {
        if !path::is_valid(path) {
            return Err(ErrorCode::BadArguments);
        }
        let record = self.find(tree, path).ok_or(ErrorCode::NoNode)?;
        let next = next_version(&record, version)?;
        Ok((record, next))
    }

    /// A node as it will be, if it will be there. Source: `getRecordForPath`.
    fn find(&self, tree: &DataTree, path: &str) -> Option<ChangeRecord> {
        if let Some(change) = self.by_path.get(path) {
            return change.stat.is_some().then(|| change.clone());
        }
        let node = tree.node(path)?;
        let (stat, children) = (Some(node.stat), node.children.len());
        Some(ChangeRecord { zxid: Zxid::default(), path: Path::from(path), stat, children })
    }

    fn add(&mut self, change: ChangeRecord) {
        self.by_path.insert(change.path.clone(), change.clone());
        self.changes.push_back(change);
    }
}

/// Source: `checkAndIncVersion`.
fn next_version(record: &ChangeRecord, expected: i32) -> Result<i32, ErrorCode> {
    let current = record.stat.map_or(0, |stat| stat.version);
    if expected != -1 && expected != current {
        return Err(ErrorCode::BadVersion);
    }
    Ok(current.wrapping_add(1))
}
