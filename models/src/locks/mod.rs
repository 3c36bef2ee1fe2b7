//! The recipes: locks as their authors write them, in `async` Rust over a [`Host`].
//!
//! A recipe implements [`Lock`]. [`Guarded`] stands between it and its user and writes down what
//! the user *believes*: it holds the lock from the moment `acquire` returned until it calls
//! `release`, or until the recipe itself says that the lock is lost ([`Note::LockLost`]).

pub mod none;
pub mod set_nx;

use crate::note::{Name, Note, ReleaseOutcome};
use crate::process::Host;

/// What comes with a lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// A number that grows with every grant, for the store to check.
    pub token: Option<u64>,
}

/// A distributed lock as its user sees it.
#[expect(async_fn_in_trait, reason = "recipes run on one thread: no bound on the future is needed")]
pub trait Lock {
    /// The lock's name; `None` when nothing is locked at all, and nothing can be held.
    fn name(&self) -> Option<Name>;

    /// Waits until the lock is granted.
    async fn acquire(&mut self) -> Grant;

    /// Gives the lock back.
    async fn release(&mut self, grant: Grant) -> ReleaseOutcome;
}

/// A lock whose user's beliefs are written down.
pub struct Guarded<L> {
    host: Host,
    lock: L,
}

impl<L: Lock> Guarded<L> {
    /// Watches a lock on behalf of the process on this host.
    pub fn new(host: Host, lock: L) -> Self {
        Self { host, lock }
    }

    /// Waits for the lock; when this returns, the caller believes that it holds it.
    pub async fn acquire(&mut self) -> Grant {
        let Some(lock) = self.lock.name() else {
            return self.lock.acquire().await;
        };
        self.host.note(Note::Acquiring { lock: lock.clone() });
        let grant = self.lock.acquire().await;
        self.host.note(Note::Acquired { lock, token: grant.token });
        grant
    }

    /// Gives the lock back; when this is called, the caller believes no longer that it holds it.
    pub async fn release(&mut self, grant: Grant) -> ReleaseOutcome {
        let Some(lock) = self.lock.name() else {
            return self.lock.release(grant).await;
        };
        self.host.note(Note::Releasing { lock: lock.clone() });
        let outcome = self.lock.release(grant).await;
        self.host.note(Note::Released { lock, outcome });
        outcome
    }
}
