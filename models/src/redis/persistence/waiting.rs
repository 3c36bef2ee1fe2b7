//! What comes while the thread for commands is blocked.

use std::cell::Cell;

use crate::machine::{CloseReason, ConnectionId, Effect, Input, InputId, NodeId, TimerId};
use crate::message::Message;

/// An input that waits. The kernel keeps it: bytes in a socket's buffer, a timer that is overdue.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    /// Its number, where inputs are numbered.
    pub(crate) id: Option<InputId>,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Accepted { connection: ConnectionId, peer: NodeId },
    Connected { connection: ConnectionId },
    Message { connection: ConnectionId, message: Message },
    Closed { connection: ConnectionId, reason: CloseReason },
    Timer(TimerId),
    Operator { message: Message },
}

impl Waiting {
    /// The input, if it is one that waits.
    pub(crate) fn new(id: Option<InputId>, input: Input<'_>) -> Option<Self> {
        let what = match input {
            Input::Accepted { connection, peer } => What::Accepted { connection, peer },
            Input::Connected { connection } => What::Connected { connection },
            Input::Message { connection, message } => {
                What::Message { connection, message: message.clone() }
            }
            Input::Closed { connection, reason } => What::Closed { connection, reason },
            Input::Timer(timer) => What::Timer(timer),
            Input::Operator { message } => What::Operator { message: message.clone() },
            Input::Started | Input::DiskDone(_) => return None,
        };
        Some(Self { id, what })
    }

    /// The input.
    pub(crate) const fn input(&self) -> Input<'_> {
        match &self.what {
            What::Accepted { connection, peer } => {
                Input::Accepted { connection: *connection, peer: *peer }
            }
            What::Connected { connection } => Input::Connected { connection: *connection },
            What::Message { connection, message } => {
                Input::Message { connection: *connection, message }
            }
            What::Closed { connection, reason } => {
                Input::Closed { connection: *connection, reason: *reason }
            }
            What::Timer(timer) => Input::Timer(*timer),
            What::Operator { message } => Input::Operator { message },
        }
    }

    /// True for a timer: Redis looks at its sockets first. Source: `ae.c`, `aeProcessEvents`.
    pub(crate) const fn is_timer(&self) -> bool {
        matches!(self.what, What::Timer(_))
    }
}

/// Takes what is sent out of an outbox, from a place on, and says of each what brought it about.
/// `first` is the input that is being handled there.
pub(crate) fn hold_back(
    outbox: &mut Vec<Effect>,
    from: usize,
    first: Option<InputId>,
    held_back: &mut Vec<Effect>,
) {
    let input = Cell::new(first);
    let is_sent = |effect: &mut Effect| {
        if let Effect::Because(earlier) = effect {
            input.set(Some(*earlier));
        }
        matches!(effect, Effect::Send { .. } | Effect::Close { .. })
    };
    let mut said = None;
    for effect in outbox.extract_if(from.., is_sent) {
        if input.get() != said {
            said = input.get();
            held_back.extend(said.map(Effect::Because));
        }
        held_back.push(effect);
    }
}
