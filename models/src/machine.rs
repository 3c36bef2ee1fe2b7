//! The contract between a model and whatever runs it.
//!
//! A [`Machine`] is a process of the simulated system without its operating system: it gets an
//! [`Input`] and its local time, and answers by putting [`Effect`]s into an outbox. It owns no
//! clock, no socket, no thread. What it is given when it starts ([`Boot`]) is all it has.
//!
//! ```
//! use fencepost_models::machine::{Context, Input, Machine};
//! use fencepost_models::message::Message;
//!
//! /// Sends back whatever it gets.
//! struct Echo;
//!
//! impl Machine for Echo {
//!     fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
//!         if let Input::Message { connection, message } = input {
//!             context.send(connection, message.clone());
//!         }
//!     }
//! }
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use crate::list::push;
use crate::message::Message;
use crate::note::Note;
use crate::random::Random;
use crate::time::{LocalClock, Mono};

/// A host of the simulated system, and the one process on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct NodeId(pub u16);

/// A connection between two nodes; both ends know it by the same number, which is never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ConnectionId(pub u32);

/// A timer of one machine; the machine chooses the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct TimerId(pub u32);

/// A disk request of one machine; the machine chooses the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct DiskToken(pub u32);

/// The number that whoever runs a machine gives to an input, so that what the machine writes down
/// can name it. It tells the machine nothing, but that a later input has a greater number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct InputId(pub u32);

/// Why a connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CloseReason {
    /// The peer closed it, or the peer's process ended: everything it had sent has arrived.
    ByPeer,
    /// It was reset: what was under way is lost.
    Reset,
    /// Nobody listens at the peer.
    Refused,
    /// The kernel gave up retransmitting.
    TimedOut,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByPeer => "closed by the peer",
            Self::Reset => "reset",
            Self::Refused => "refused",
            Self::TimedOut => "timed out",
        })
    }
}

/// What a machine is told.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// The process has started. Comes first, once.
    Started,
    /// A peer has opened a connection to this node.
    Accepted {
        /// The new connection.
        connection: ConnectionId,
        /// Who opened it.
        peer: NodeId,
    },
    /// A connection that this machine asked for is open.
    Connected {
        /// The connection that [`Context::connect`] named.
        connection: ConnectionId,
    },
    /// A message has arrived.
    Message {
        /// On which connection.
        connection: ConnectionId,
        /// What it says.
        message: &'a Message,
    },
    /// A connection is gone, other than by this machine's own [`Context::close`].
    Closed {
        /// Which one.
        connection: ConnectionId,
        /// Why.
        reason: CloseReason,
    },
    /// A timer's moment has come.
    Timer(TimerId),
    /// A disk request has been carried out.
    DiskDone(DiskToken),
    /// An operator at the host's console asks for something. Nobody waits for the answer.
    Operator {
        /// What for: what a client would send.
        message: &'a Message,
    },
}

/// What a machine asks of its host.
#[derive(Debug)]
pub enum Effect {
    /// Open a connection.
    Connect {
        /// Its number, from [`Context::connect`].
        connection: ConnectionId,
        /// To whom.
        peer: NodeId,
    },
    /// Write a message to a connection; lost without a word when it is not open.
    Send {
        /// On which connection.
        connection: ConnectionId,
        /// What to say.
        message: Message,
    },
    /// Close a connection; what was written before still goes out.
    Close {
        /// Which one.
        connection: ConnectionId,
    },
    /// Set a timer, in place of the one with the same number.
    SetTimer {
        /// Which one.
        timer: TimerId,
        /// When, on the host's monotonic clock.
        at: Mono,
    },
    /// Forget a timer.
    CancelTimer {
        /// Which one.
        timer: TimerId,
    },
    /// Do something with a file.
    Disk {
        /// What [`Input::DiskDone`] will name.
        token: DiskToken,
        /// What to do.
        operation: DiskOperation,
    },
    /// Write something down for the judge and the reader.
    Note(Note),
    /// Nothing: it says that an earlier input brought about what follows in the outbox, and not the
    /// one that is being handled. A machine that keeps inputs waiting says so when it comes to them.
    Because(InputId),
}

/// What can be done with a file. A write goes to the kernel's page cache and survives the
/// process; only a [`DiskOperation::Sync`] makes it survive the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskOperation {
    /// Append bytes (`write(2)` on a file opened with `O_APPEND`).
    Append {
        /// The file's name; it is created when it is not there.
        file: &'static str,
        /// What to append.
        bytes: Bytes,
    },
    /// Replace the whole content, as `write` to a new file and `rename` do.
    Replace {
        /// The file's name.
        file: &'static str,
        /// The new content.
        bytes: Bytes,
    },
    /// Make what was written so far survive a power loss (`fsync(2)`).
    Sync {
        /// The file's name.
        file: &'static str,
    },
}

/// The files that a process finds when it starts.
pub type Files = BTreeMap<&'static str, Bytes>;

/// What a process is given when it starts.
#[derive(Debug)]
pub struct Boot {
    /// The node it runs on.
    pub node: NodeId,
    /// 0 at the first start, one more at each restart.
    pub incarnation: u32,
    /// Its own stream of random numbers, another one at each restart.
    pub random: Random,
    /// The files as they have survived.
    pub files: Files,
    /// The clocks at the moment of the start.
    pub clock: LocalClock,
}

/// A process of the simulated system, without its operating system.
pub trait Machine {
    /// Takes one input; what it does about it goes into the context's outbox.
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>);

    /// Whether it looks at its sockets before its clock when it goes on after a pause: what has come in the
    /// meantime is handed over before the timers that are overdue. An event loop over `epoll` does so, a
    /// runtime with threads need not.
    fn takes_sockets_first(&self) -> bool {
        false
    }
}

/// Where a machine leaves its effects, and what it may know while it handles an input.
#[derive(Debug)]
pub struct Context<'a> {
    /// The host's clocks.
    pub clock: LocalClock,
    /// The input's number, where inputs are numbered.
    pub input: Option<InputId>,
    next_connection: &'a mut u32,
    outbox: &'a mut Vec<Effect>,
}

impl<'a> Context<'a> {
    /// A context over an outbox. `next_connection` is the number of the next connection.
    pub fn new(
        clock: LocalClock,
        next_connection: &'a mut u32,
        outbox: &'a mut Vec<Effect>,
    ) -> Self {
        Self { clock, input: None, next_connection, outbox }
    }

    /// Opens a connection to a peer; [`Input::Connected`] or [`Input::Closed`] will follow.
    pub fn connect(&mut self, peer: NodeId) -> ConnectionId {
        let connection = ConnectionId(*self.next_connection);
        *self.next_connection += 1;
        self.outbox.push(Effect::Connect { connection, peer });
        connection
    }

    /// Writes a message to a connection.
    #[inline]
    pub fn send(&mut self, connection: ConnectionId, message: Message) {
        push(self.outbox, Effect::Send { connection, message });
    }

    /// Closes a connection.
    pub fn close(&mut self, connection: ConnectionId) {
        self.outbox.push(Effect::Close { connection });
    }

    /// Sets a timer that comes after `delay` on the host's monotonic clock.
    pub fn set_timer(&mut self, timer: TimerId, delay: Duration) {
        self.set_timer_at(timer, self.clock.mono + delay);
    }

    /// Sets a timer to a reading of the host's monotonic clock.
    #[inline]
    pub fn set_timer_at(&mut self, timer: TimerId, at: Mono) {
        push(self.outbox, Effect::SetTimer { timer, at });
    }

    /// Forgets a timer.
    pub fn cancel_timer(&mut self, timer: TimerId) {
        self.outbox.push(Effect::CancelTimer { timer });
    }

    /// Asks for a disk operation.
    pub fn disk(&mut self, token: DiskToken, operation: DiskOperation) {
        self.outbox.push(Effect::Disk { token, operation });
    }

    /// Writes something down.
    #[inline]
    pub fn note(&mut self, note: Note) {
        push(self.outbox, Effect::Note(note));
    }

    /// Says that an earlier input, the [`Context::input`] of its time, brought about what follows.
    pub fn because(&mut self, input: Option<InputId>) {
        self.input = input;
        self.outbox.extend(input.map(Effect::Because));
    }

    /// Gives the whole outbox and connection counter to code that fills them itself
    /// ([`crate::process::Process`] does, while its futures run).
    pub(crate) fn parts(&mut self) -> (&mut u32, &mut Vec<Effect>) {
        (self.next_connection, self.outbox)
    }
}
