//! Who is at the other end of a shop server's connections.

use super::protocol::ShopRequest;
use crate::machine::{ConnectionId, Input, NodeId};
use crate::message::Message;

/// A request, and where it came from.
pub(super) struct Asked {
    pub connection: ConnectionId,
    pub from: NodeId,
    pub request: ShopRequest,
}

/// The open connections.
#[derive(Default)]
pub(super) struct Peers {
    open: Vec<(ConnectionId, NodeId)>,
}

impl Peers {
    /// Follows what happens to the connections; a request, if the input brings one.
    pub fn follow(&mut self, input: Input<'_>) -> Option<Asked> {
        match input {
            Input::Accepted { connection, peer } => self.open.push((connection, peer)),
            Input::Closed { connection, .. } => self.open.retain(|(id, _)| *id != connection),
            Input::Message { connection, message: Message::Shop(request) } => {
                let (_, from) = *self.open.iter().find(|(id, _)| *id == connection)?;
                return Some(Asked { connection, from, request: *request });
            }
            _ => {}
        }
        None
    }
}
