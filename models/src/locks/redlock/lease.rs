//! A lease that is extended for as long as the lock is held.
//!
//! Some time before the validity is over, every node is asked for a new expiry. On a majority that gives a
//! new validity, counted as at the grant. Otherwise it is tried again until the validity is over: then the
//! client knows that it has lost the lock.
//!
//! Source: node-redlock, `src/index.ts`, `using`: `queue` and `extend`, and the signal that is aborted
//! where an extension fails.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

use super::nodes::{Nodes, Question, wake};
use super::{Began, RedlockSettings};
use crate::note::Note;
use crate::process::Host;
use crate::time::Mono;

/// A lease that is extended.
pub(super) struct Lease {
    until: Cell<Mono>,
    is_over: Cell<bool>,
    /// Wakes who extends it when it is over.
    waker: Cell<Option<Waker>>,
}

impl Lease {
    pub(super) const fn new(until: Mono) -> Self {
        Self { until: Cell::new(until), is_over: Cell::new(false), waker: Cell::new(None) }
    }

    /// Until when it lasts, as far as is known now.
    pub(super) fn until(&self) -> Mono {
        self.until.get()
    }

    /// The lock is given back: there is nothing to extend.
    pub(super) fn end(&self) {
        self.is_over.set(true);
        wake(&self.waker);
    }

    /// Goes on with a future until it is done or the lease is at its end; `None` there.
    async fn while_held<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        poll_fn(|context| {
            if self.is_over.get() {
                return Poll::Ready(None);
            }
            self.waker.set(Some(context.waker().clone()));
            future.as_mut().poll(context).map(Some)
        })
        .await
    }
}

/// Extends a lease until it is given back or lost.
pub(super) async fn keep(
    host: Host,
    nodes: Rc<Nodes>,
    settings: RedlockSettings,
    lease: Rc<Lease>,
    extend: Question,
) {
    let is_lost = lease.while_held(async {
        loop {
            let left = lease.until().saturating_since(host.mono());
            host.sleep(left.saturating_sub(settings.extend_before)).await;
            // An answer that is waited for does not make the lease last.
            let left = lease.until().saturating_since(host.mono());
            let extending = until_extended(&host, &nodes, &settings, &lease, &extend);
            if host.timeout(left, extending).await.is_err() {
                return;
            }
        }
    });
    if is_lost.await.is_some() {
        let reason = "its validity is over, and no majority has extended it";
        host.note(Note::LockLost { lock: settings.key, hold: None, reason });
    }
}

/// Asks until a majority has given it a new expiry and something of that is left.
async fn until_extended(
    host: &Host,
    nodes: &Nodes,
    settings: &RedlockSettings,
    lease: &Lease,
    extend: &Question,
) {
    loop {
        let began = Began::now(host);
        let votes = nodes.ask(extend).await;
        let left = settings.left(began, host);
        if votes.are_for() && !left.is_zero() {
            lease.until.set(host.mono() + left);
            return;
        }
        host.work(settings.retry_delay.0..=settings.retry_delay.1).await;
    }
}
