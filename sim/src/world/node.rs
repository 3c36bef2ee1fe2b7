//! One node: a host with its clocks and its disk, and the process on it.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

use fencepost_models::machine::{
    Boot, CloseReason, ConnectionId, DiskToken, Machine, NodeId, TimerId,
};
use fencepost_models::time::Mono;

use super::clock::NodeClock;
use super::disk::Disk;
use super::foreign::ForeignBody;
use super::history::{FaultId, MessageId, RecordId};
use super::network::Handover;

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
    Started { cause: Option<RecordId> },
    Accepted { connection: ConnectionId, peer: NodeId },
    Connected { connection: ConnectionId },
    Message { connection: ConnectionId, message: MessageId },
    Closed { connection: ConnectionId, reason: CloseReason },
    Timer { timer: TimerId, generation: u32 },
    DiskDone { token: DiskToken },
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

/// A timer that a machine has set.
struct Timer {
    id: TimerId,
    at: Mono,
    generation: u32,
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
    /// What came while the process was paused.
    pub backlog: VecDeque<Pending>,
    pub clock: Rc<Cell<NodeClock>>,
    pub disk: Disk,
    timers: Vec<Timer>,
    generation: u32,
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
            backlog: VecDeque::new(),
            clock: Rc::new(Cell::new(clock)),
            disk: Disk::default(),
            timers: Vec::new(),
            generation: 0,
        }
    }

    pub fn is_paused(&self) -> bool {
        !self.pauses.is_empty()
    }

    /// Sets a timer, in place of the one with the same number. Returns its generation: an event
    /// in the queue with an older one is about a timer that is no more.
    pub fn set_timer(&mut self, id: TimerId, at: Mono) -> u32 {
        self.generation = self.generation.wrapping_add(1);
        let timer = Timer { id, at, generation: self.generation };
        match self.timers.iter_mut().find(|timer| timer.id == id) {
            Some(old) => *old = timer,
            None => self.timers.push(timer),
        }
        self.generation
    }

    pub fn cancel_timer(&mut self, id: TimerId) {
        self.timers.retain(|timer| timer.id != id);
    }

    pub fn is_set(&self, id: TimerId, generation: u32) -> bool {
        self.timers.iter().any(|timer| timer.id == id && timer.generation == generation)
    }

    /// Sets every timer anew: the clock's rate has changed, so they are due at another time.
    pub fn reset_timers(&mut self) -> Vec<(TimerId, Mono, u32)> {
        let set: Vec<_> = self.timers.iter().map(|timer| (timer.id, timer.at)).collect();
        set.into_iter().map(|(id, at)| (id, at, self.set_timer(id, at))).collect()
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
        self.timers.clear();
        self.pauses.clear();
        std::mem::take(&mut self.backlog)
    }
}
