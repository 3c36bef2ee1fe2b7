//! Who has subscribed to what. It lies with the data, since scripts publish too.
//!
//! Source: `pubsub.c`. Redis keeps all three in hash tables; where it would go through one of them,
//! here it is in the order of the names.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::glob::{self, Case};
use super::resp::Reply;
use crate::machine::ConnectionId;

/// What can be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A channel by its name.
    Channel,
    /// All channels whose name fits a pattern.
    Pattern,
    /// A channel of one shard of a cluster.
    Shard,
}

/// Connections in the order in which they subscribed.
type Subscribers = BTreeMap<Bytes, Vec<ConnectionId>>;

/// A message for subscribers at other nodes of a cluster.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) channel: Bytes,
    pub(crate) message: Bytes,
    /// It is for the nodes of the channel's shard alone.
    pub(crate) is_sharded: bool,
}

/// All subscriptions of a server, and what was published since it was last asked for.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    subscribers: [Subscribers; 3],
    published: Vec<(ConnectionId, Reply)>,
    /// In a cluster: what its other nodes have still to be told.
    for_nodes: Option<Vec<Published>>,
}

impl Channels {
    /// What is published from now on is for the other nodes of a cluster too.
    pub(crate) fn join_cluster(&mut self) {
        self.for_nodes.get_or_insert_default();
    }

    /// A client has published something; false when there are no other nodes to be told.
    pub(crate) fn tell_nodes(&mut self, published: Published) -> bool {
        self.for_nodes.as_mut().map(|list| list.push(published)).is_some()
    }

    /// What the other nodes are to be told since this was last called.
    pub(crate) fn take_for_nodes(&mut self) -> Vec<Published> {
        self.for_nodes.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Who has subscribed to what is of one kind.
    pub(crate) fn of(&self, kind: Kind) -> &Subscribers {
        &self.subscribers[kind as usize]
    }

    /// Adds a subscription that is not there yet.
    pub(crate) fn subscribe(&mut self, kind: Kind, name: &Bytes, connection: ConnectionId) {
        self.subscribers[kind as usize].entry(name.clone()).or_default().push(connection);
    }

    /// Takes a subscription away.
    pub(crate) fn unsubscribe(&mut self, kind: Kind, name: &Bytes, connection: ConnectionId) {
        let subscribers = &mut self.subscribers[kind as usize];
        if let Some(connections) = subscribers.get_mut(name) {
            connections.retain(|other| *other != connection);
            if connections.is_empty() {
                subscribers.remove(name);
            }
        }
    }

    /// Sends a message to all who have subscribed to a channel, then to those whose pattern it fits;
    /// gives how often it was sent.
    pub(crate) fn publish(&mut self, channel: &Bytes, message: &Bytes) -> usize {
        let [by_name, by_pattern, _] = &self.subscribers;
        let before = self.published.len();
        for connection in by_name.get(channel).into_iter().flatten() {
            let push = [Bytes::from_static(b"message"), channel.clone(), message.clone()];
            self.published.push((*connection, bulks(push)));
        }
        let fitting =
            by_pattern.iter().filter(|(pattern, _)| glob::fits(pattern, channel, Case::Sensitive));
        for (pattern, connections) in fitting {
            for connection in connections {
                let word = Bytes::from_static(b"pmessage");
                let push = [word, pattern.clone(), channel.clone(), message.clone()];
                self.published.push((*connection, bulks(push)));
            }
        }
        self.published.len() - before
    }

    /// The same for a channel of a shard, which no pattern fits.
    pub(crate) fn publish_to_shard(&mut self, channel: &Bytes, message: &Bytes) -> usize {
        let connections = self.subscribers[Kind::Shard as usize].get(channel);
        let before = self.published.len();
        for connection in connections.into_iter().flatten() {
            let push = [Bytes::from_static(b"smessage"), channel.clone(), message.clone()];
            self.published.push((*connection, bulks(push)));
        }
        self.published.len() - before
    }

    /// True when something was published since [`Channels::take_published`].
    pub(crate) fn has_published(&self) -> bool {
        !self.published.is_empty()
    }

    /// What was published since this was last called: to whom, and what.
    pub(crate) fn take_published(&mut self) -> Vec<(ConnectionId, Reply)> {
        std::mem::take(&mut self.published)
    }
}

fn bulks<const N: usize>(words: [Bytes; N]) -> Reply {
    Reply::Array(words.into_iter().map(Reply::Bulk).collect())
}
