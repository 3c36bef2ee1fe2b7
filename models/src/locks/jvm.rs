//! A lock inside one JVM: `java.util.concurrent.locks.ReentrantLock`, or `synchronized`, shared by the
//! threads of one process.
//!
//! * **Acquire**: a thread that finds the lock free takes it. Otherwise it queues and parks. By
//!   default the lock is unfair: a thread that comes just when the lock is given back takes it before
//!   the one that has been woken for it, which parks again. A fair lock lets nobody by.
//! * **Release**: by the thread that holds it; the first in the queue is woken, and takes a moment to
//!   run.
//! * **Reentrant**: a thread that holds it enters once more, and has to leave as often.
//! * **Lost answers, expiry**: there are none. A pause stops all threads of the process, so nobody
//!   acts while a holder stands still. A crash takes the lock with it, but nothing that was sent: a
//!   write under way for long arrives when the process runs again and its lock is somebody else's.
//! * **Another process** has a lock of its own, whatever name the two go by: both are held at once.
//! * **Token**: a counter in the same memory. Each process counts for itself, so two of them hand out
//!   equal tokens, and one that restarts begins anew. A store that checks tokens then lets pass what
//!   it should refuse, and refuses what it should let pass.
//!
//! Source: OpenJDK 21, `ReentrantLock` (`NonfairSync`, `FairSync`; the constructor without arguments
//! is `ReentrantLock(false)`) and `AbstractQueuedSynchronizer` (`acquire`, `release`, `signalNext`).

use std::cell::{RefCell, RefMut};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::{Grant, Lock, Origin};
use crate::note::{Name, ReleaseOutcome};
use crate::process::Host;

/// What a parked thread takes from the moment at which it is unparked until it runs. Measured with
/// two threads on an x86-64 Linux of two shared cores: 1.5 µs in the fastest of a hundred, 3 to 25 µs
/// in the median, 37 µs in the 95th.
const WAKE_UP: (Duration, Duration) = (Duration::from_micros(2), Duration::from_micros(40));

/// The settings of the recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JvmLockSettings {
    /// What the lock is called. Every process calls its own so: the shop means one lock.
    pub name: Name,
    /// Whether the longest-waiting thread comes first: `new ReentrantLock(true)`.
    pub fair: bool,
}

impl Default for JvmLockSettings {
    fn default() -> Self {
        // `ReentrantLock()` is `ReentrantLock(false)`.
        Self { name: Name::from_static("lock:stock"), fair: false }
    }
}

/// The lock object. Its threads share it: one in each process.
#[derive(Clone)]
pub struct JvmLock {
    settings: JvmLockSettings,
    state: Rc<RefCell<State>>,
}

/// The lock as one thread uses it.
pub struct JvmThread {
    host: Host,
    lock: JvmLock,
}

#[derive(Default)]
struct State {
    owner: Option<Owner>,
    /// How often it has been granted: the last fencing token.
    grants: u64,
    queue: VecDeque<Parked>,
    next_ticket: u64,
}

struct Owner {
    thread: u32,
    token: u64,
    /// How often it has entered and not left yet.
    depth: u64,
}

/// A thread in the queue.
struct Parked {
    ticket: u64,
    /// It may run, or would not have to park (`LockSupport`'s permit).
    may_run: bool,
    waker: Option<Waker>,
}

impl JvmLock {
    /// A lock that nobody holds, in the memory of one process.
    pub fn new(settings: JvmLockSettings) -> Self {
        Self { settings, state: Rc::default() }
    }

    /// The lock as the thread that this host handle belongs to uses it.
    pub fn of_thread(&self, host: Host) -> JvmThread {
        JvmThread { host, lock: self.clone() }
    }

    fn state(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }
}

impl State {
    /// Takes the lock, if nobody holds it.
    fn take(&mut self, thread: u32) -> Option<Grant> {
        if self.owner.is_some() {
            return None;
        }
        self.grants += 1;
        let token = self.grants;
        self.owner = Some(Owner { thread, token, depth: 1 });
        Some(Grant { origin: Origin::Memory, ..Grant::new(Some(token)) })
    }

    /// Enters once more, if that thread holds the lock.
    fn reenter(&mut self, thread: u32) -> Option<Grant> {
        let owner = self.owner.as_mut().filter(|owner| owner.thread == thread)?;
        owner.depth += 1;
        let grant = Grant::new(Some(owner.token));
        Some(Grant { origin: Origin::Memory, reentered: true, ..grant })
    }

    /// Leaves, as often as it has entered; the last time, the lock is free.
    fn leave(&mut self, thread: u32) -> ReleaseOutcome {
        let Some(owner) = self.owner.as_mut().filter(|owner| owner.thread == thread) else {
            // Java throws an `IllegalMonitorStateException`.
            return ReleaseOutcome::NotHeld;
        };
        owner.depth -= 1;
        if owner.depth == 0 {
            self.owner = None;
            self.unpark_first();
        }
        ReleaseOutcome::Removed
    }

    fn unpark_first(&mut self) {
        if let Some(first) = self.queue.front_mut() {
            first.may_run = true;
            if let Some(waker) = first.waker.take() {
                waker.wake();
            }
        }
    }
}

impl JvmThread {
    /// What a thread tries before it queues.
    fn try_at_once(&self) -> Option<Grant> {
        let mut state = self.lock.state();
        if let Some(grant) = state.reenter(self.host.thread()) {
            return Some(grant);
        }
        if self.lock.settings.fair && !state.queue.is_empty() {
            return None;
        }
        state.take(self.host.thread())
    }
}

impl Lock for JvmThread {
    fn name(&self) -> Option<Name> {
        Some(self.lock.settings.name.clone())
    }

    async fn acquire(&mut self) -> Grant {
        if let Some(grant) = self.try_at_once() {
            return grant;
        }
        let place = Place::at_the_end_of(&self.lock);
        loop {
            place.parked().await;
            self.host.work(WAKE_UP.0..=WAKE_UP.1).await;
            if let Some(grant) = self.lock.state().take(self.host.thread()) {
                return grant;
            }
        }
    }

    async fn release(&mut self, _grant: Grant) -> ReleaseOutcome {
        self.lock.state().leave(self.host.thread())
    }
}

/// A place in the queue; dropping it leaves the queue.
struct Place {
    lock: JvmLock,
    ticket: u64,
}

impl Place {
    fn at_the_end_of(lock: &JvmLock) -> Self {
        let mut state = lock.state();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.queue.push_back(Parked { ticket, may_run: false, waker: None });
        drop(state);
        Self { lock: lock.clone(), ticket }
    }

    /// Waits until it may run, and uses that up. Only the first in the queue ever may.
    async fn parked(&self) {
        poll_fn(|context| {
            let mut state = self.lock.state();
            let parked = state.queue.iter_mut().find(|parked| parked.ticket == self.ticket);
            let Some(parked) = parked.filter(|parked| !parked.may_run) else {
                return Poll::Ready(());
            };
            parked.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
        let mut state = self.lock.state();
        if let Some(parked) = state.queue.iter_mut().find(|one| one.ticket == self.ticket) {
            parked.may_run = false;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.lock.state();
        state.queue.retain(|parked| parked.ticket != self.ticket);
        // Whoever gives up may have been woken for the lock: the next one is, then.
        if state.owner.is_none() {
            state.unpark_first();
        }
    }
}

#[cfg(test)]
mod tests;
