//! Who does things at the same time as others: the threads of clients' processes.

use std::collections::{BTreeMap, BTreeSet};

use fencepost_models::machine::{ConnectionId, NodeId};
use fencepost_models::message::Message;
use fencepost_models::note::Note;
use fencepost_models::shop::ShopRequest;

use crate::world::history::History;

/// A thread of a node's process, or one that is known by its connection alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Thread(NodeId, u32),
    Connection(NodeId, ConnectionId),
}

impl Who {
    pub const fn node(self) -> NodeId {
        match self {
            Self::Thread(node, _) | Self::Connection(node, _) => node,
        }
    }
}

/// Who there is, and whose each connection to the shop is.
pub struct Threads {
    /// In their order: the place of each is its first process.
    pub all: Vec<Who>,
    connections: BTreeMap<ConnectionId, u32>,
    /// The nodes whose processes have more threads than one.
    many: BTreeSet<NodeId>,
}

impl Threads {
    pub fn of(history: &History) -> Self {
        let mut all = BTreeSet::new();
        let (mut orders, mut connections, mut many) =
            (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        for (_, record, note) in history.notes() {
            let thread = note.thread();
            if thread > 0 {
                many.insert(record.node);
            }
            match note {
                Note::Acquiring { .. } | Note::Acquired { .. } => {
                    all.insert(Who::Thread(record.node, thread));
                }
                Note::StockSeen { .. } => {
                    if let Some(message) = history.brought_by(record) {
                        connections.insert(history.message(message).connection, thread);
                    }
                }
                Note::OrderPlaced { order, .. }
                | Note::OrderRefused { order, .. }
                | Note::OrderUnknown { order, .. } => {
                    orders.insert((record.node, *order), thread);
                }
                _ => {}
            }
        }
        for sent in history.messages() {
            let Message::Shop(request) = sent.message else { continue };
            if let Some(thread) = order(request).and_then(|it| orders.get(&(sent.from, it))) {
                connections.insert(sent.connection, *thread);
            }
        }
        let mut threads = Self { all: Vec::new(), connections, many };
        for sent in
            history.messages().iter().filter(|sent| matches!(sent.message, Message::Shop(_)))
        {
            all.insert(threads.of_connection(sent.from, sent.connection));
        }
        threads.all.extend(all);
        threads
    }

    pub fn of_connection(&self, node: NodeId, connection: ConnectionId) -> Who {
        match self.connections.get(&connection) {
            Some(thread) => Who::Thread(node, *thread),
            None if self.many.contains(&node) => Who::Connection(node, connection),
            None => Who::Thread(node, 0),
        }
    }
}

const fn order(request: ShopRequest) -> Option<u64> {
    match request {
        ShopRequest::Write { order, .. }
        | ShopRequest::Take { order }
        | ShopRequest::Record { order } => Some(order),
        ShopRequest::Read { .. } => None,
    }
}
