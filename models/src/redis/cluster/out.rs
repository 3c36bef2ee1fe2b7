//! What goes out of a node: it is kept until the server sends it, at the end of the turn.

use super::{Cluster, NodeName};
use crate::machine::{ConnectionId, Context, DiskOperation, DiskToken};
use crate::message::Message;
use crate::note::Note;

/// What is to go out.
#[derive(Debug)]
pub(super) enum Out {
    Send { connection: ConnectionId, message: Message },
    Close { connection: ConnectionId },
    Connect { to: NodeName },
    Disk { token: DiskToken, operation: DiskOperation },
    Note(Note),
}

impl Cluster {
    /// Hands out what has come up since the last time, in its order.
    pub(crate) fn flush(&mut self, context: &mut Context<'_>) {
        for out in std::mem::take(&mut self.out) {
            match out {
                Out::Send { connection, message } => context.send(connection, message),
                Out::Close { connection } => context.close(connection),
                Out::Connect { to } => self.connect(to, context),
                Out::Disk { token, operation } => context.disk(token, operation),
                Out::Note(note) => context.note(note),
            }
        }
    }

    pub(super) fn note(&mut self, event: &'static str, detail: impl Into<String>) {
        self.out.push(Out::Note(Note::Cluster { event, detail: detail.into() }));
    }
}
