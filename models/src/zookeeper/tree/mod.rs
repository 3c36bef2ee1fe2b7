//! The tree of znodes: what the log makes. The same transactions make the same tree on every server.
//!
//! Source: `DataTree.java`.

mod node;
pub(super) mod path;
mod snapshot;
#[cfg(test)]
mod tests;
mod watches;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

pub(super) use self::node::{Node, Persisted};
pub(super) use self::watches::{Notice, Watches};
use super::protocol::{ErrorCode, Path, SessionId, Stat, Zxid};
use super::txn::{Proposal, Txn};

/// All znodes, and the sessions that the log knows of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataTree {
    nodes: BTreeMap<Path, Node>,
    ephemerals: BTreeMap<SessionId, BTreeSet<Path>>,
    /// The sessions that have begun and not ended, with the milliseconds after which each is over.
    sessions: BTreeMap<SessionId, u32>,
    /// The last transaction that made it what it is: `lastProcessedZxid`.
    last_zxid: Zxid,
}

/// What a transaction did to a node, for those who watch it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// There is such a node now.
    Created(Path),
    /// There is none any longer.
    Deleted(Path),
    /// It holds something else.
    DataSet(Path),
}

/// What came of a transaction. Source: `DataTree.java`, `ProcessTxnResult`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing to tell.
    Done,
    /// A node was created.
    Created { path: Path, stat: Stat },
    /// A node's data were set.
    Set(Stat),
    /// Nothing was done.
    Failed(ErrorCode),
    /// Of each part.
    Multi(Vec<Outcome>),
}

impl Default for DataTree {
    /// A tree in which nothing has happened: four nodes that no transaction made.
    fn default() -> Self {
        let mut nodes = BTreeMap::new();
        for (path, children) in [
            ("/", &["zookeeper"][..]),
            ("/zookeeper", &["config", "quota"]),
            ("/zookeeper/config", &[]),
            ("/zookeeper/quota", &[]),
        ] {
            let children = children.iter().map(|name| Path::from(*name)).collect();
            nodes.insert(Path::from(path), Node { children, ..Node::default() });
        }
        Self {
            nodes,
            ephemerals: BTreeMap::new(),
            sessions: BTreeMap::new(),
            last_zxid: Zxid::default(),
        }
    }
}

impl DataTree {
    /// A node. The empty path is the root's as well. Source: `DataTree.java`, the constructor.
    pub(super) fn node(&self, path: &str) -> Option<&Node> {
        self.nodes.get(if path.is_empty() { "/" } else { path })
    }

    /// The last transaction that made it what it is.
    pub const fn last_zxid(&self) -> Zxid {
        self.last_zxid
    }

    /// An epoch begins, or a server has been given another's tree.
    pub(super) const fn set_last_zxid(&mut self, zxid: Zxid) {
        self.last_zxid = zxid;
    }

    pub(super) const fn sessions(&self) -> &BTreeMap<SessionId, u32> {
        &self.sessions
    }

    /// The nodes that end with a session.
    pub(super) fn ephemerals(&self, session: SessionId) -> BTreeSet<Path> {
        self.ephemerals.get(&session).cloned().unwrap_or_default()
    }

    /// Carries out a transaction, and adds what it changed to `changes`.
    ///
    /// Source: `DataTree.java`, `processTxn`.
    pub(super) fn apply(&mut self, proposal: &Proposal, changes: &mut Vec<Change>) -> Outcome {
        let outcome = self.carry_out(proposal, &proposal.txn, changes);
        self.last_zxid = self.last_zxid.max(proposal.zxid);
        outcome
    }

    fn carry_out(&mut self, proposal: &Proposal, txn: &Txn, changes: &mut Vec<Change>) -> Outcome {
        match txn {
            Txn::Create { path, data, ephemeral, parent_cversion } => {
                let owner = if *ephemeral { proposal.session } else { SessionId::NONE };
                let stat = Persisted::of_new(proposal.zxid, proposal.time_ms, owner);
                let node = Node { data: data.clone(), stat, children: BTreeSet::new() };
                match self.create(path, node, *parent_cversion) {
                    Ok(stat) => {
                        changes.push(Change::Created(path.clone()));
                        Outcome::Created { path: path.clone(), stat }
                    }
                    Err(error) => Outcome::Failed(error),
                }
            }
            Txn::Delete { path } => match self.delete(path, proposal.zxid) {
                Ok(()) => {
                    changes.push(Change::Deleted(path.clone()));
                    Outcome::Done
                }
                Err(error) => Outcome::Failed(error),
            },
            Txn::SetData { path, data, version } => {
                let Some(node) = self.nodes.get_mut(path) else {
                    return Outcome::Failed(ErrorCode::NoNode);
                };
                node.data = data.clone();
                node.stat.version = *version;
                node.stat.mzxid = proposal.zxid;
                node.stat.mtime_ms = proposal.time_ms;
                changes.push(Change::DataSet(path.clone()));
                Outcome::Set(node.stat())
            }
            Txn::Check { .. } => Outcome::Done,
            Txn::Error(error) => Outcome::Failed(*error),
            Txn::CreateSession { timeout_ms } => {
                self.sessions.insert(proposal.session, *timeout_ms);
                Outcome::Done
            }
            Txn::CloseSession { paths } => {
                self.close_session(proposal, paths, changes);
                Outcome::Done
            }
            Txn::Multi(txns) => Outcome::Multi(self.apply_all(proposal, txns, changes)),
        }
    }

    /// All of them, or none when one has failed. What came before that one would have been carried out;
    /// what comes after was not looked at, as the leader has already said.
    fn apply_all(
        &mut self,
        proposal: &Proposal,
        txns: &[Txn],
        changes: &mut Vec<Change>,
    ) -> Vec<Outcome> {
        if txns.iter().any(|txn| matches!(txn, Txn::Error(_))) {
            let failed = |txn: &Txn| match txn {
                Txn::Error(error) => Outcome::Failed(*error),
                _ => Outcome::Failed(ErrorCode::Ok),
            };
            return txns.iter().map(failed).collect();
        }
        txns.iter().map(|txn| self.carry_out(proposal, txn, changes)).collect()
    }

    /// Source: `DataTree.java`, `createNode`.
    fn create(&mut self, path: &Path, node: Node, creations: i32) -> Result<Stat, ErrorCode> {
        let parent = path::parent(path).and_then(|parent| self.nodes.get_mut(parent));
        let parent = parent.ok_or(ErrorCode::NoNode)?;
        if !parent.children.insert(Path::from(path::name(path))) {
            return Err(ErrorCode::NodeExists);
        }
        if creations > parent.stat.creations {
            parent.stat.creations = creations;
            parent.stat.pzxid = node.stat.czxid;
        }
        let owner = node.stat.ephemeral_owner;
        if owner != SessionId::NONE {
            self.ephemerals.entry(owner).or_default().insert(path.clone());
        }
        let stat = node.stat();
        self.nodes.insert(path.clone(), node);
        Ok(stat)
    }

    /// Source: `DataTree.java`, `deleteNode`.
    fn delete(&mut self, path: &str, zxid: Zxid) -> Result<(), ErrorCode> {
        let parent = path::parent(path).and_then(|parent| self.nodes.get_mut(parent));
        let parent = parent.ok_or(ErrorCode::NoNode)?;
        parent.children.remove(path::name(path));
        parent.stat.pzxid = parent.stat.pzxid.max(zxid);
        let node = self.nodes.remove(path).ok_or(ErrorCode::NoNode)?;
        let owner = node.stat.ephemeral_owner;
        if let Some(of_session) = self.ephemerals.get_mut(&owner) {
            of_session.remove(path);
            if of_session.is_empty() {
                self.ephemerals.remove(&owner);
            }
        }
        Ok(())
    }

    /// The nodes of the session go: those that the transaction names, and any that it does not.
    ///
    /// Source: `DataTree.java`, `killSession`; `ZKDatabase.java`, `processTxn`.
    fn close_session(&mut self, proposal: &Proposal, paths: &[Path], changes: &mut Vec<Change>) {
        self.sessions.remove(&proposal.session);
        let known = self.ephemerals.remove(&proposal.session).unwrap_or_default();
        let unnamed = known.into_iter().filter(|path| !paths.contains(path));
        for path in paths.iter().cloned().chain(unnamed) {
            if self.delete(&path, proposal.zxid).is_ok() {
                changes.push(Change::Deleted(path));
            }
        }
    }

    /// What a node holds, with its stat.
    pub(super) fn data(&self, path: &str) -> Result<(Bytes, Stat), ErrorCode> {
        let node = self.node(path).ok_or(ErrorCode::NoNode)?;
        Ok((node.data.clone(), node.stat()))
    }

    /// A node's stat.
    pub(super) fn stat(&self, path: &str) -> Result<Stat, ErrorCode> {
        self.node(path).map(Node::stat).ok_or(ErrorCode::NoNode)
    }

    /// The names of a node's children, and its stat.
    pub(super) fn children(&self, path: &str) -> Result<(Vec<Path>, Stat), ErrorCode> {
        let node = self.node(path).ok_or(ErrorCode::NoNode)?;
        Ok((node.children.iter().cloned().collect(), node.stat()))
    }
}
