//! Where a Redis is to be found.

use bytes::Bytes;

use crate::machine::NodeId;
use crate::redis::cluster::key_slot;

/// Where a Redis is to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// On a node, always.
    Server(NodeId),
    /// Where Sentinels say that the master of a name is.
    Sentinels {
        /// The Sentinels, in the order in which they are asked.
        nodes: Vec<NodeId>,
        /// What the master is called.
        master_name: Bytes,
    },
    /// Where the nodes of a cluster say that a key is.
    Cluster {
        /// The nodes that are asked, in that order.
        nodes: Vec<NodeId>,
    },
}

impl Address {
    /// The name of a key beside another one. In a cluster both have to lie in one slot, so that a script
    /// may use them: what stands in braces decides about it. Source: redis.io, "Redis cluster
    /// specification", "Hash tags".
    pub(crate) fn beside(&self, key: &str, suffix: &str) -> String {
        let plain = format!("{key}:{suffix}");
        if !matches!(self, Self::Cluster { .. }) {
            return plain;
        }
        // A key with a tag of its own needs none. One whose braces are no tag, and spoil one around it,
        // gets any that lies in its slot.
        let names = [format!("{{{key}}}:{suffix}"), plain.clone()];
        let others = (0_u32..).map(|tag| format!("{{{tag}}}:{key}:{suffix}"));
        let slot = key_slot(key.as_bytes());
        let mut names = names.into_iter().chain(others);
        names.find(|name| key_slot(name.as_bytes()) == slot).unwrap_or(plain)
    }
}

impl From<NodeId> for Address {
    fn from(node: NodeId) -> Self {
        Self::Server(node)
    }
}

/// How a client learns that there is a new master.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Discovery {
    /// It asks the Sentinels whenever it connects, and never before: redis-py.
    #[default]
    OnConnect,
    /// It listens at every Sentinel, and leaves the old master when it hears of a new one: Jedis.
    Listening,
    /// It asks a Sentinel once a second, and leaves the old master when it is told of a new one:
    /// Redisson.
    Scanning,
}

impl Discovery {
    /// All of them, with their names in scenario files.
    pub const ALL: [(&'static str, Self); 3] = [
        ("on-connect", Self::OnConnect),
        ("listening", Self::Listening),
        ("scanning", Self::Scanning),
    ];

    /// The name in scenario files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnConnect => "on-connect",
            Self::Listening => "listening",
            Self::Scanning => "scanning",
        }
    }
}
