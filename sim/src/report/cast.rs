//! Who plays which part in a run: the clients of the lock, the servers that it lives on, the store.
//! The orders' own store, the load, the operator and Sentinels have no part of their own, and no lane.

use std::collections::BTreeSet;

use fencepost_models::machine::NodeId;
use fencepost_models::note::{Name, Note};

use crate::world::history::History;
use crate::znodes::Sessions;

/// The parts, as the nodes' names and their own notes tell them.
#[derive(Clone, Debug, Default)]
pub struct Cast {
    /// The nodes where somebody buys, or writes down what only a client does.
    pub clients: Vec<NodeId>,
    /// Whoever is none of the others: the servers that the lock lives on.
    pub servers: Vec<NodeId>,
    /// Who sells.
    pub store: Option<NodeId>,
    /// The locks that clients have waited for. A key of that name is the lock.
    pub locks: BTreeSet<Name>,
    /// Whose each session of an ensemble is.
    pub sessions: Sessions,
    /// The clients are threads of the nodes' processes.
    pub has_threads: bool,
}

impl Cast {
    /// The parts in a history.
    pub fn of(history: &History) -> Self {
        let is_client = |name: &str| name.starts_with("buyer-") || name.starts_with("jvm-");
        let mut clients: BTreeSet<NodeId> = named(history, is_client);
        let mut store = named(history, |name| name == "store").first().copied();
        let mut extras = named(history, |name| matches!(name, "orders" | "load" | "operator"));
        let (mut locks, mut has_threads) = (BTreeSet::new(), false);
        for (_, record, note) in history.notes() {
            match note {
                Note::Acquiring { lock, .. } | Note::Acquired { lock, .. } => {
                    clients.insert(record.node);
                    has_threads |= matches!(note, Note::Acquiring { thread: 1.., .. });
                    if !locks.contains(lock) {
                        locks.insert(lock.clone());
                    }
                }
                Note::StockSeen { .. } | Note::OrderPlaced { .. } | Note::SoldOut { .. } => {
                    clients.insert(record.node);
                }
                Note::Sentinel { .. } => {
                    extras.insert(record.node);
                }
                Note::StockInitial { .. } => store = Some(record.node),
                _ => {}
            }
        }
        let mut servers = named(history, |_| true);
        servers.retain(|node| {
            !clients.contains(node) && !extras.contains(node) && Some(*node) != store
        });
        Self {
            clients: clients.into_iter().collect(),
            servers: servers.into_iter().collect(),
            store,
            locks,
            sessions: Sessions::of(history),
            has_threads,
        }
    }
}

fn named(history: &History, is_one: impl Fn(&str) -> bool) -> BTreeSet<NodeId> {
    let nodes = (0..).map(NodeId).zip(&history.nodes);
    nodes.filter(|(_, name)| is_one(name)).map(|(node, _)| node).collect()
}
