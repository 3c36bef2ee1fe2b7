//! Who carries out a command that names keys.
//!
//! Source: `cluster.c`, `getNodeByQuery`, `clusterRedirectClient`.

use bytes::Bytes;

use super::key_slot;
use crate::machine::NodeId;
use crate::redis::address::{host, redis_port};
use crate::redis::cluster::Cluster;
use crate::redis::cluster::turn::Keys;
use crate::redis::resp::Reply;

/// What is asked, besides the keys.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Query {
    /// The command may write (`CMD_WRITE`).
    pub(crate) writes: bool,
    /// A command of the transaction that it carries out may. A cluster that is down does not ask for that.
    pub(crate) queue_writes: bool,
    /// The client has sent `ASKING` just before, or the command implies it (`RESTORE-ASKING`).
    pub(crate) is_asking: bool,
    /// The client has sent `READONLY`.
    pub(crate) is_readonly: bool,
    /// The command is `MIGRATE`.
    pub(crate) is_migrate: bool,
    /// The command is `SSUBSCRIBE`, `SUNSUBSCRIBE` or `SPUBLISH`, whose keys are channels.
    pub(crate) is_shard_channel: bool,
}

/// Why a node does not carry a command out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Redirect {
    /// The keys lie in different slots.
    CrossSlot,
    /// Some keys have moved already and some have not: later all will be in one place.
    TryAgain,
    /// For this once another node has to be asked.
    Ask {
        /// The slot.
        slot: u16,
        /// The other node.
        to: Option<NodeId>,
    },
    /// Another node serves the slot.
    Moved {
        /// The slot.
        slot: u16,
        /// The other node.
        to: Option<NodeId>,
    },
    /// The cluster is down.
    Down,
    /// The cluster is down, and reads alone are allowed.
    DownForWrites,
    /// Nobody serves the slot.
    Unbound,
}

impl Cluster {
    /// Whether this node carries out a command that names `keys`: those of all its commands, for an
    /// `EXEC`. Without keys it does.
    ///
    /// # Errors
    ///
    /// Who carries it out instead, or why nobody does.
    pub(crate) fn check<'a>(
        &self,
        mut keys: impl Iterator<Item = &'a [u8]>,
        query: Query,
        stored: &dyn Keys,
    ) -> Result<(), Redirect> {
        let Some(first) = keys.next() else { return Ok(()) };
        let slot = key_slot(first);
        let owner = self.owner(slot).ok_or(Redirect::Unbound)?;
        let is_mine = owner.name == self.myself.name;
        let leaves_for = self.migrating.get(&slot).filter(|_| is_mine);
        let is_coming = leaves_for.is_none() && self.importing.contains_key(&slot);
        let is_open = (leaves_for.is_some() || is_coming) && !query.is_shard_channel;

        let (mut has_several, mut missing, mut present) = (false, 0, 0);
        let mut count = |key: &[u8]| {
            if is_open && stored.contains(key) {
                present += 1;
            } else if is_open {
                missing += 1;
            }
        };
        count(first);
        for key in keys {
            if key != first {
                if key_slot(key) != slot {
                    return Err(Redirect::CrossSlot);
                }
                has_several = true;
            }
            count(key);
        }

        self.check_state(query)?;
        if query.is_migrate && (leaves_for.is_some() || is_coming) {
            return Ok(());
        }
        if let Some(target) = leaves_for
            && missing > 0
        {
            let to = self.node(*target).and_then(|node| node.address);
            return Err(if present > 0 { Redirect::TryAgain } else { Redirect::Ask { slot, to } });
        }
        if is_coming && query.is_asking {
            return if has_several && missing > 0 { Err(Redirect::TryAgain) } else { Ok(()) };
        }
        let is_read_here = (query.is_readonly || query.is_shard_channel)
            && !(query.writes || query.queue_writes)
            && self.myself.is_replica()
            && self.myself.master == Some(owner.name);
        if is_mine || is_read_here {
            Ok(())
        } else {
            Err(Redirect::Moved { slot, to: owner.address })
        }
    }

    /// What a cluster that is down still carries out. Messages to shard channels are:
    /// `cluster-allow-pubsubshard-when-down` is on by default.
    fn check_state(&self, query: Query) -> Result<(), Redirect> {
        if self.is_ok || query.is_shard_channel {
            Ok(())
        } else if !self.settings.allow_reads_when_down {
            Err(Redirect::Down)
        } else if query.writes {
            Err(Redirect::DownForWrites)
        } else {
            Ok(())
        }
    }
}

impl Redirect {
    /// What the client is answered.
    pub(crate) fn reply(self) -> Reply {
        match self {
            Self::CrossSlot => {
                Reply::error("CROSSSLOT Keys in request don't hash to the same slot")
            }
            Self::TryAgain => {
                Reply::error("TRYAGAIN Multiple keys request during rehashing of slot")
            }
            Self::Ask { slot, to } => redirection("ASK", slot, to),
            Self::Moved { slot, to } => redirection("MOVED", slot, to),
            Self::Down => Reply::error("CLUSTERDOWN The cluster is down"),
            Self::DownForWrites => {
                Reply::error("CLUSTERDOWN The cluster is down and only accepts read commands")
            }
            Self::Unbound => Reply::error("CLUSTERDOWN Hash slot not served"),
        }
    }
}

/// A node whose address is not known is shown as Redis shows it: no host, port 0.
fn redirection(word: &str, slot: u16, to: Option<NodeId>) -> Reply {
    let (host, port) = to.map_or_else(|| (String::new(), 0), |node| (host(node), redis_port(node)));
    Reply::Error(Bytes::from(format!("{word} {slot} {host}:{port}")))
}
