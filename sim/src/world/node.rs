//! One node: a host with its clocks and its disk, and the process on it.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

use fencepost_models::machine::{
    Boot, CloseReason, ConnectionId, DiskToken, Machine, NodeId, TimerId,
};

use fencepost_models::message::Message;

use super::clock::NodeClock;
use super::disk::Disk;
use super::foreign::ForeignBody;
use super::history::{FaultId, MessageId, RecordId};
use super::network::Handover;
use super::queue::Turn;
use super::timers::Timers;

/// Makes the process of a node, at its first start and at each restart.
pub type Spawn = Box<dyn FnMut(Boot) -> Box<dyn Machine>>;

/// What runs on a node.
pub enum Body {
    /// A machine that the loop runs itself.
    Machine(Spawn),
    /// Futures on madsim's executor.
    Foreign(ForeignBody),
}

/// An input on its way to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending {
    Started {
        cause: Option<RecordId>,
    },
    Accepted {
        connection: ConnectionId,
        peer: NodeId,
    },
    Connected {
        connection: ConnectionId,
    },
    Message {
        connection: ConnectionId,
        message: MessageId,
    },
    Closed {
        connection: ConnectionId,
        reason: CloseReason,
    },
    Timer {
        timer: TimerId,
        turn: Turn,
    },
    DiskDone {
        token: DiskToken,
    },
    /// What is said is the node's [`Node::failover`].
    Operator {
        fault: FaultId,
        cause: RecordId,
    },
}

impl From<Handover> for Pending {
    fn from(handover: Handover) -> Self {
        match handover {
            Handover::Accepted { connection, peer } => Self::Accepted { connection, peer },
            Handover::Connected { connection } => Self::Connected { connection },
            Handover::Message { connection, message } => Self::Message { connection, message },
            Handover::Closed { connection, reason } => Self::Closed { connection, reason },
        }
    }
}

pub struct Node {
    pub body: Body,
    /// The running process; `None` while it is down.
    pub machine: Option<Box<dyn Machine>>,
    pub incarnation: u32,
    /// It takes connections.
    pub listens: bool,
    /// The faults that pause the process at present.
    pub pauses: Vec<FaultId>,
    /// The faults that keep the process, or the host, down at present.
    pub down: Vec<FaultId>,
    /// The faults that slow its disk at present.
    pub slow_disks: Vec<FaultId>,
    /// The faults for which its clocks show something else.
    pub clock_faults: Vec<FaultId>,
    /// What an operator says here to have a replica take its master's place.
    pub failover: Option<Message>,
    /// What came while the process was paused.
    pub backlog: VecDeque<Pending>,
    pub clock: Rc<Cell<NodeClock>>,
    pub disk: Disk,
    pub timers: Timers,
}

impl Node {
    pub fn new(body: Body, listens: bool, clock: NodeClock) -> Self {
        Self {
            body,
            machine: None,
            incarnation: 0,
            listens,
            pauses: Vec::new(),
            down: Vec::new(),
            slow_disks: Vec::new(),
            clock_faults: Vec::new(),
            failover: None,
            backlog: VecDeque::new(),
            clock: Rc::new(Cell::new(clock)),
            disk: Disk::default(),
            timers: Timers::default(),
        }
    }

    /// Its process runs on an executor beside the loop, where what its tasks wait for and when they
    /// look at a clock cannot be seen.
    pub fn is_foreign(&self) -> bool {
        matches!(self.body, Body::Foreign(_))
    }

    pub fn is_paused(&self) -> bool {
        !self.pauses.is_empty()
    }

    /// Takes out of the backlog what concerns a connection: its process has closed it. Returns
    /// the messages among that.
    pub fn forget(&mut self, closed: ConnectionId) -> Vec<MessageId> {
        let mut unread = Vec::new();
        self.backlog.retain(|pending| match *pending {
            Pending::Message { connection, message } if connection == closed => {
                unread.push(message);
                false
            }
            Pending::Connected { connection } | Pending::Closed { connection, .. } => {
                connection != closed
            }
            _ => true,
        });
        unread
    }

    /// The process is gone, and with it all that it had not read and all its timers.
    pub fn end_process(&mut self) -> VecDeque<Pending> {
        self.machine = None;
        self.timers = Timers::default();
        self.pauses.clear();
        std::mem::take(&mut self.backlog)
    }
}
