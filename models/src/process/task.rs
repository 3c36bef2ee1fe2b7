//! One future of a process, and what it waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as TaskContext, Poll, Wake, Waker};

use super::{BoxedFuture, Host};
use crate::machine::{ConnectionId, Input};
use crate::time::Mono;

/// What a future waits for at its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// That something comes over a connection, or about it.
    Connection(ConnectionId),
    /// A reading of the monotonic clock.
    Until(Mono),
    /// Whatever comes, to see for itself whether that changes anything.
    Anything,
}

/// All that a future waits for at its host, as it has said when it was polled last.
#[derive(Debug, Default)]
pub(super) struct Waits {
    connections: Vec<ConnectionId>,
    /// The first of those moments.
    until: Option<Mono>,
    anything: bool,
}

impl Waits {
    pub(super) fn add(&mut self, wait: Wait) {
        match wait {
            Wait::Connection(connection) => self.connections.push(connection),
            Wait::Until(moment) => {
                self.until = Some(self.until.map_or(moment, |until| until.min(moment)));
            }
            Wait::Anything => self.anything = true,
        }
    }

    fn clear(&mut self) {
        self.connections.clear();
        self.until = None;
        self.anything = false;
    }

    const fn is_empty(&self) -> bool {
        self.connections.is_empty() && self.until.is_none()
    }

    /// Whether an input, or the moment at which it comes, is among that.
    fn are_met_by(&self, input: Input<'_>, now: Mono) -> bool {
        if self.until.is_some_and(|until| until <= now) {
            return true;
        }
        match input {
            Input::Message { connection, .. }
            | Input::Connected { connection }
            | Input::Closed { connection, .. } => self.connections.contains(&connection),
            _ => false,
        }
    }
}

/// A future of a process. To poll one for nothing goes through all that it has called, and a process
/// may have many: so only those are polled whose turn it can be.
pub(super) struct Task {
    future: BoxedFuture,
    /// In a box, since they go to the mailbox and back with each poll.
    waits: Box<Waits>,
    woken: Arc<Woken>,
    /// Sets `woken`.
    waker: Waker,
}

/// Whether a future is to be polled.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Task {
    /// A future that has not been polled yet.
    pub(super) fn new(future: BoxedFuture) -> Self {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        Self { future, waits: Box::default(), woken, waker }
    }

    /// Something has come in.
    pub(super) fn hear(&self, input: Input<'_>, now: Mono) {
        if self.waits.are_met_by(input, now) {
            self.wake();
        }
    }

    pub(super) fn wake(&self) {
        self.woken.wake_by_ref();
    }

    pub(super) fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::Relaxed)
    }

    /// Whether it is to be polled in the round that is under way.
    pub(super) fn is_due(&self) -> bool {
        self.is_woken() || self.waits.anything
    }

    /// Whether it waits for nothing at its host, and nobody can wake it: then it sees for itself.
    fn says_nothing(&self) -> bool {
        const OWN: usize = 2;
        self.waits.is_empty() && Arc::strong_count(&self.woken) == OWN
    }

    /// Polls it, and keeps what it waits for, unless it is alone.
    pub(super) fn poll(&mut self, host: &Host, is_alone: bool) -> Poll<()> {
        let Self { future, woken, waker, .. } = self;
        woken.0.store(false, Ordering::Relaxed);
        let mut poll = || future.as_mut().poll(&mut TaskContext::from_waker(waker));
        if is_alone {
            return poll();
        }
        self.waits.clear();
        std::mem::swap(&mut self.waits, &mut host.mailbox().waits);
        let poll = poll();
        std::mem::swap(&mut self.waits, &mut host.mailbox().waits);
        self.waits.anything |= self.says_nothing();
        poll
    }
}
