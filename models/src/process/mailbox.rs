//! What a process and its futures share: the sockets with what has arrived on them, the
//! deadlines, and the outbox.

use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;

use super::task::{Wait, Waits};
use super::{BoxedFuture, EARLIEST_DEADLINE, Outside};
use crate::list::push;
use crate::machine::{Boot, CloseReason, ConnectionId, Context, Effect, Input, InputId, NodeId};
use crate::message::Message;
use crate::random::Random;
use crate::time::{LocalClock, Mono};

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Opening,
    Open,
    Closed(CloseReason),
}

#[derive(Debug)]
pub(super) struct Socket {
    pub connection: ConnectionId,
    pub stage: Stage,
    /// Each with the number of the input that brought it.
    pub inbox: VecDeque<(Message, Option<InputId>)>,
}

pub(super) struct Mailbox {
    pub node: NodeId,
    pub incarnation: u32,
    pub random: Random,
    pub clock: LocalClock,
    pub sockets: Vec<Socket>,
    pub accepted: VecDeque<(ConnectionId, NodeId)>,
    /// What brought the message that a future took last.
    pub taken: Option<InputId>,
    outbox: Vec<Effect>,
    next_connection: u32,
    next_hold: u32,
    threads: u32,
    deadlines: Vec<Mono>,
    armed: Option<Mono>,
    spawned: Vec<BoxedFuture>,
    /// What the future that is being polled waits for, where that is kept.
    pub waits: Box<Waits>,
    pub keeps_waits: bool,
    /// Set when the futures run on somebody else's executor.
    outside: Option<Rc<dyn Outside>>,
    wakers: Vec<Waker>,
}

impl Mailbox {
    pub fn new(boot: Boot) -> Self {
        Self {
            node: boot.node,
            incarnation: boot.incarnation,
            random: boot.random,
            clock: boot.clock,
            sockets: Vec::new(),
            accepted: VecDeque::new(),
            taken: None,
            outbox: Vec::new(),
            next_connection: 0,
            next_hold: 0,
            threads: 0,
            deadlines: Vec::new(),
            armed: None,
            spawned: Vec::new(),
            waits: Box::default(),
            keeps_waits: false,
            outside: None,
            wakers: Vec::new(),
        }
    }

    pub fn watched_from(mut self, outside: Rc<dyn Outside>) -> Self {
        self.outside = Some(outside);
        self
    }

    /// Takes an input and, for as long as the futures run, the context's outbox and counter.
    pub fn enter(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        self.accept(input, context);
        let (next_connection, outbox) = context.parts();
        self.next_connection = *next_connection;
        std::mem::swap(&mut self.outbox, outbox);
    }

    /// Gives the outbox and the counter back, with a timer for the earliest deadline.
    pub fn leave(&mut self, context: &mut Context<'_>) {
        self.arm();
        let (next_connection, outbox) = context.parts();
        *next_connection = self.next_connection;
        std::mem::swap(&mut self.outbox, outbox);
    }

    /// Moves the outbox out, for futures that fill it between two inputs.
    pub fn collect_into(&mut self, outbox: &mut Vec<Effect>) {
        self.arm();
        outbox.append(&mut self.outbox);
    }

    /// Lets an input be seen by the futures.
    pub fn accept(&mut self, input: Input<'_>, context: &Context<'_>) {
        self.clock = context.clock;
        match input {
            Input::Message { connection, message } => {
                if let Some(socket) = self.socket(connection) {
                    socket.inbox.push_back((message.clone(), context.input));
                }
            }
            Input::Timer(_) => self.armed = None,
            Input::Connected { connection } => {
                if let Some(socket) = self.socket(connection) {
                    socket.stage = Stage::Open;
                }
            }
            Input::Closed { connection, reason } => {
                if let Some(socket) = self.socket(connection) {
                    socket.stage = Stage::Closed(reason);
                }
            }
            Input::Accepted { connection, peer } => {
                self.sockets.push(Socket {
                    connection,
                    stage: Stage::Open,
                    inbox: VecDeque::new(),
                });
                self.accepted.push_back((connection, peer));
            }
            Input::Started | Input::DiskDone(_) | Input::Operator { .. } => {}
        }
    }

    pub fn socket(&mut self, connection: ConnectionId) -> Option<&mut Socket> {
        self.sockets.iter_mut().find(|socket| socket.connection == connection)
    }

    pub fn connect(&mut self, peer: NodeId) -> ConnectionId {
        let connection = match &self.outside {
            Some(outside) => outside.next_connection(),
            None => {
                self.next_connection += 1;
                ConnectionId(self.next_connection - 1)
            }
        };
        self.sockets.push(Socket { connection, stage: Stage::Opening, inbox: VecDeque::new() });
        self.effect(Effect::Connect { connection, peer });
        connection
    }

    /// Takes the next message that has arrived on a connection.
    pub fn take(&mut self, connection: ConnectionId) -> Option<Message> {
        let (message, input) = self.socket(connection)?.inbox.pop_front()?;
        self.taken = input.or(self.taken);
        Some(message)
    }

    /// The number of the process's next hold of a lock.
    pub fn number_hold(&mut self) -> u32 {
        self.next_hold += 1;
        self.next_hold - 1
    }

    /// The number of the process's next thread; its `main` is number 0.
    pub fn number_thread(&mut self) -> u32 {
        self.threads += 1;
        self.threads
    }

    pub fn close(&mut self, connection: ConnectionId) {
        let Some(place) = self.sockets.iter().position(|socket| socket.connection == connection)
        else {
            return;
        };
        let socket = self.sockets.swap_remove(place);
        if !matches!(socket.stage, Stage::Closed(_)) {
            self.effect(Effect::Close { connection });
        }
    }

    #[inline]
    pub fn effect(&mut self, effect: Effect) {
        push(&mut self.outbox, effect);
        if let Some(outside) = &self.outside {
            outside.has_effects();
        }
    }

    /// The clocks: those of the input in hand, or the outside's where futures run between inputs.
    pub fn local_clock(&self) -> LocalClock {
        self.outside.as_ref().map_or(self.clock, |outside| outside.clock())
    }

    pub fn add_deadline(&mut self, deadline: Mono) {
        self.deadlines.push(deadline);
        if let Some(outside) = &self.outside {
            outside.has_effects();
        }
    }

    pub fn remove_deadline(&mut self, deadline: Mono) {
        if let Some(place) = self.deadlines.iter().position(|&one| one == deadline) {
            self.deadlines.swap_remove(place);
        }
    }

    /// Keeps a timer set to the earliest deadline, or to an earlier moment: an answer in time
    /// does not cost a timer event then, and the timer moves on when it fires.
    fn arm(&mut self) {
        let Some(earliest) = self.deadlines.iter().copied().min() else {
            return;
        };
        if self.armed.is_none_or(|armed| earliest < armed) {
            self.armed = Some(earliest);
            push(&mut self.outbox, Effect::SetTimer { timer: EARLIEST_DEADLINE, at: earliest });
        }
    }

    pub fn spawn(&mut self, future: BoxedFuture) {
        match &self.outside {
            Some(outside) => outside.spawn(future),
            None => self.spawned.push(future),
        }
    }

    pub const fn has_spawned(&self) -> bool {
        !self.spawned.is_empty()
    }

    pub fn take_spawned(&mut self) -> Vec<BoxedFuture> {
        std::mem::take(&mut self.spawned)
    }

    /// Remembers what the future that is being polled waits for.
    #[inline]
    pub fn wait(&mut self, wait: Wait, waker: &Waker) {
        if self.keeps_waits {
            self.waits.add(wait);
        } else if self.outside.is_some() {
            self.wait_outside(waker);
        }
    }

    /// An executor outside wakes it at the next input, whatever that is: once, however often it is polled
    /// before.
    #[cold]
    fn wait_outside(&mut self, waker: &Waker) {
        if !self.wakers.iter().any(|one| one.will_wake(waker)) {
            self.wakers.push(waker.clone());
        }
    }

    pub fn take_wakers(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.wakers)
    }
}
