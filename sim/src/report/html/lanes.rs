//! The lanes of the diagram, from the top: clients, servers, the store, whoever else is there.

use fencepost_models::machine::NodeId;
use serde::Serialize;

use crate::report::cast::Cast;
use crate::world::history::History;

/// A lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// Whose it is.
    pub node: NodeId,
    /// Which part the node plays.
    pub part: Part,
    /// The client's number, by which servers' lanes name it; 0 for the others.
    pub number: usize,
}

/// What a node is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Wants the lock.
    Client,
    /// Has it.
    Server,
    /// Is what the lock is for.
    Store,
    /// Sentinels, the orders' own store, the load, an operator.
    Other,
}

/// The lanes of a run.
pub fn lanes(history: &History, cast: &Cast) -> Vec<Lane> {
    let clients = cast.clients.iter().zip(1..).map(|(node, number)| (*node, Part::Client, number));
    let servers = cast.servers.iter().map(|node| (*node, Part::Server, 0));
    let store = cast.store.iter().map(|node| (*node, Part::Store, 0));
    let known: Vec<_> = clients.chain(servers).chain(store).collect();
    let all = (0..).map(NodeId).take(history.nodes.len());
    let others = all.filter(|node| !known.iter().any(|(known, ..)| known == node));
    let others: Vec<_> = others.map(|node| (node, Part::Other, 0)).collect();
    let lane = |(node, part, number)| Lane { node, part, number };
    known.into_iter().chain(others).map(lane).collect()
}
