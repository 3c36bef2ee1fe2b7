//! What a script reaches that a client has sent to a node of a cluster.
//!
//! Source: Redis 7.0.15, `script.c`, `scriptVerifyClusterState`. That keys lie in one slot is asked of scripts with flags
//! (`#!lua`) alone, which the model has none of.

use bytes::Bytes;

use super::Query;
use super::redirect::Redirect;
use crate::redis::cluster::Cluster;
use crate::redis::cluster::turn::Keys;
use crate::redis::commands::{Command, Flags};
use crate::redis::resp::Reply;

/// The cluster, lent to the script for as long as it runs, and what its client has said before.
#[derive(Debug)]
pub(crate) struct Reach {
    /// The server's part in the cluster.
    pub(crate) cluster: Box<Cluster>,
    /// The client has sent `ASKING` just before.
    pub(crate) is_asking: bool,
    /// The client has sent `READONLY`.
    pub(crate) is_readonly: bool,
}

impl Reach {
    /// Why the script may not carry a command out: its keys are not this node's, whether or not the script has
    /// named them.
    pub(crate) fn refusal(
        &self,
        command: &Command,
        arguments: &[Bytes],
        stored: &dyn Keys,
    ) -> Option<Reply> {
        let query = Query {
            writes: command.flags.any_of(Flags::WRITE),
            is_asking: self.is_asking,
            is_readonly: self.is_readonly,
            ..Query::default()
        };
        let refused = self.cluster.check(command.keys.keys(arguments), query, stored).err()?;
        Some(match refused {
            Redirect::Down => {
                Reply::error("ERR Script attempted to execute a command while the cluster is down")
            }
            Redirect::DownForWrites => Reply::error(
                "ERR Script attempted to execute a write command while the cluster is down and readonly",
            ),
            _ => Reply::error("ERR Script attempted to access a non local key in a cluster node"),
        })
    }
}
