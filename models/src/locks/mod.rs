//! The recipes: locks as their authors write them, in `async` Rust over a [`Host`].
//!
//! A recipe implements [`Lock`]. [`Guarded`] stands between it and its user and writes down what
//! the user *believes*: it holds the lock from the moment `acquire` returned until it calls
//! `release`, or until the recipe itself says that the lock is lost ([`Note::LockLost`]).
//!
//! Each time that `acquire` returns is a hold of its own, with a number: a [`Held`]. Dropping one
//! without a release is no release. The server goes on having the lock as this client's, but the
//! code that believed to hold it is gone, as after a timeout around the critical section: the
//! belief ends there ([`Note::Abandoned`]), and whoever is granted the lock later is not accused of
//! holding it beside nobody. So keep the [`Held`] for as long as you do what the lock protects.
//! Dropping an `acquire` that has not returned ends the wait in the same way ([`Note::GaveUp`]).

pub mod curator;
pub mod jvm;
pub mod none;
pub mod own;
pub mod redis;
pub mod redisson;
pub mod redlock;
pub(crate) mod standing;
pub mod zookeeper;

pub use self::standing::Lost;
use crate::machine::InputId;
use crate::note::{Name, Note, ReleaseOutcome};
use crate::process::Host;
use crate::time::Mono;

/// Every script that a recipe has a Redis carry out: a name for it, and its text.
pub fn scripts() -> impl Iterator<Item = (&'static str, &'static str)> {
    redis::SCRIPTS.into_iter().chain(redlock::SCRIPTS).chain(redisson::scripts::SCRIPTS)
}

/// What comes with a lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// A number that grows with every grant, for the store to check.
    pub token: Option<u64>,
    /// Until when the lease lasts, as far as the recipe knows, on the client's own monotonic clock:
    /// counted from before the request for it was sent, so that it ends no later than the server's,
    /// as long as the two clocks run alike. `None` for a lock without a lease. It is for the user
    /// to look at it; no recipe does.
    pub valid_until: Option<Mono>,
    /// The client held the lock already: a reentrant lock has counted one more, and nobody has
    /// granted anything. False for every lock that is not reentrant.
    pub reentered: bool,
    /// What granted it, for the order in which grants were made.
    pub origin: Origin,
}

/// What granted a lock. Grants are put into the order in which they were made, whenever their news
/// arrived, and a message may have been under way for long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The last message that the recipe took before it returned: most need say nothing else.
    #[default]
    LastMessage,
    /// An earlier message than that, by the input that brought it.
    Message(Option<InputId>),
    /// No message: the lock is in this process's own memory.
    Memory,
}

impl Grant {
    /// A new grant, with or without a token, without a lease.
    pub const fn new(token: Option<u64>) -> Self {
        Self { token, valid_until: None, reentered: false, origin: Origin::LastMessage }
    }

    /// The same grant, with a lease that lasts until then.
    #[must_use]
    pub const fn valid_until(self, end: Mono) -> Self {
        Self { valid_until: Some(end), ..self }
    }
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

    /// Until when the lease of a grant lasts, as far as the recipe knows by now: a recipe that extends
    /// leases by itself knows better than the grant did.
    fn valid_until(&self, grant: &Grant) -> Option<Mono> {
        grant.valid_until
    }

    /// Asked right before a write: is the lock still held? `None` for a lock that nobody asks. Where it is not, the
    /// recipe has said so in a [`Note::LockLost`].
    async fn is_held(&self, grant: &Grant) -> Option<bool> {
        let _ = grant;
        None
    }

    /// Comes to its end when the recipe knows that the lock is lost which it has granted last, if it finds
    /// out by itself: whoever listens stops what it does under the lock. It has said so in a
    /// [`Note::LockLost`].
    fn lost(&self) -> Lost {
        Lost::never()
    }
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
    ///
    /// The history also learns which message granted it: the last message that the recipe took
    /// before it returned, unless the grant names another [`Origin`].
    pub async fn acquire(&mut self) -> Held {
        let Some(lock) = self.lock.name() else {
            return Held { grant: self.lock.acquire().await, belief: None };
        };
        let thread = self.host.thread();
        self.host.note(Note::Acquiring { lock: lock.clone(), thread });
        let wait = Wait { host: &self.host, lock: &lock, thread };
        let (grant, last_message) = self.host.traced(self.lock.acquire()).await;
        let Grant { token, reentered, .. } = grant;
        let granted_by = match grant.origin {
            Origin::LastMessage => last_message,
            Origin::Message(message) => message,
            Origin::Memory => None,
        };
        wait.succeeded();
        let (hold, lock_name) = (self.host.number_hold(), lock.clone());
        let acquired =
            Note::Acquired { lock: lock_name, hold, thread, token, reentered, granted_by };
        self.host.note(acquired);
        Held { grant, belief: Some(Belief { host: self.host.clone(), lock, hold }) }
    }

    /// Until when the lease lasts, as far as the recipe knows by now.
    pub fn valid_until(&self, held: &Held) -> Option<Mono> {
        self.lock.valid_until(&held.grant)
    }

    /// Whether the lock is still held, for a lock that can be asked. See [`Lock::is_held`].
    pub async fn is_held(&self, held: &Held) -> Option<bool> {
        self.lock.is_held(&held.grant).await
    }

    /// Comes to its end when the recipe knows that the lock is lost. See [`Lock::lost`].
    pub fn lost(&self) -> Lost {
        self.lock.lost()
    }

    /// Gives the lock back; when this is called, the caller believes no longer that it holds it.
    pub async fn release(&mut self, mut held: Held) -> ReleaseOutcome {
        let grant = held.grant;
        let Some(Belief { host, lock, hold }) = held.belief.take() else {
            return self.lock.release(grant).await;
        };
        host.note(Note::Releasing { lock: lock.clone(), hold });
        let outcome = self.lock.release(grant).await;
        host.note(Note::Released { lock, outcome });
        outcome
    }
}

/// A client that waits for a lock; it has given up when this is dropped.
struct Wait<'a> {
    host: &'a Host,
    lock: &'a Name,
    thread: u32,
}

impl Wait<'_> {
    fn succeeded(self) {
        std::mem::forget(self);
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.host.note(Note::GaveUp { lock: self.lock.clone(), thread: self.thread });
    }
}

/// A lock that the caller believes to hold, for as long as this is there.
#[must_use = "the belief ends when this is dropped; the lock is not released by that"]
pub struct Held {
    grant: Grant,
    /// `None` when nothing is locked at all, or when it has been given back.
    belief: Option<Belief>,
}

impl Held {
    /// What came with the lock.
    pub const fn grant(&self) -> Grant {
        self.grant
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(Belief { host, lock, hold }) = self.belief.take() {
            host.note(Note::Abandoned { lock, hold });
        }
    }
}

struct Belief {
    host: Host,
    lock: Name,
    hold: u32,
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
