//! A tree as a file, and from one.
//!
//! Source: `FileSnap.java`, `SerializeUtils.java`, `serializeSnapshot`: the sessions, then the nodes, each
//! before its children.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{DataTree, Node, Persisted, path};
use crate::zookeeper::codec::{Reader, Writer};
use crate::zookeeper::protocol::{Path, SessionId, Zxid};

impl DataTree {
    /// All of it, and the last transaction that it holds.
    pub(in crate::zookeeper) fn to_bytes(&self) -> Bytes {
        let mut to = Writer::default();
        to.u64(self.last_zxid.0);
        to.count(self.sessions.len());
        for (session, timeout_ms) in &self.sessions {
            to.u64(session.0);
            to.u32(*timeout_ms);
        }
        to.count(self.nodes.len());
        for (path, node) in &self.nodes {
            to.path(path);
            write_node(node, &mut to);
        }
        to.finish()
    }

    /// `None` when the bytes are not a whole tree.
    pub(in crate::zookeeper) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let from = &mut Reader::new(bytes);
        let mut tree = Self { last_zxid: Zxid(from.u64()?), ..Self::default() };
        tree.nodes.clear();
        for _ in 0..from.count()? {
            tree.sessions.insert(SessionId(from.u64()?), from.u32()?);
        }
        for _ in 0..from.count()? {
            let path = from.path()?;
            tree.take_in(path, read_node(from)?)?;
        }
        Some(tree)
    }

    /// Takes in a node whose parent is there. `None` when it is not.
    fn take_in(&mut self, path: Path, node: Node) -> Option<()> {
        if &*path != "/" {
            let parent = self.nodes.get_mut(path::parent(&path)?)?;
            parent.children.insert(Path::from(path::name(&path)));
        }
        let owner = node.stat.ephemeral_owner;
        if owner != SessionId::NONE {
            self.ephemerals.entry(owner).or_default().insert(path.clone());
        }
        self.nodes.insert(path, node);
        Some(())
    }
}

fn write_node(node: &Node, to: &mut Writer) {
    to.data(&node.data);
    let stat = &node.stat;
    for zxid in [stat.czxid, stat.mzxid, stat.pzxid] {
        to.u64(zxid.0);
    }
    to.u64(stat.ctime_ms);
    to.u64(stat.mtime_ms);
    to.i32(stat.version);
    to.i32(stat.creations);
    to.u64(stat.ephemeral_owner.0);
}

fn read_node(from: &mut Reader<'_>) -> Option<Node> {
    let data = from.data()?;
    let stat = Persisted {
        czxid: Zxid(from.u64()?),
        mzxid: Zxid(from.u64()?),
        pzxid: Zxid(from.u64()?),
        ctime_ms: from.u64()?,
        mtime_ms: from.u64()?,
        version: from.i32()?,
        creations: from.i32()?,
        ephemeral_owner: SessionId(from.u64()?),
    };
    Some(Node { data, stat, children: BTreeSet::new() })
}
