//! A lock of somebody's own, as its author has written it: [`OwnLock`] is what it has to have, [`Own`] makes one
//! of the recipes of it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::standing::Standing;
use super::{Grant, Guarded, Lock, Lost};
use crate::note::{Name, Note, ReleaseOutcome};
use crate::process::Host;

/// A distributed lock of somebody's own.
///
/// It is made once for each client, and again when a client starts anew after a crash. A client uses it from one
/// task at a time, but for [`OwnLock::extend`], which runs beside its work.
#[expect(
    async_fn_in_trait,
    reason = "a simulation runs on one thread: no bound on the future is needed"
)]
pub trait OwnLock {
    /// What a client has between the two: the value that it wrote, a lease, nothing.
    type Guard;

    /// Waits until the lock is granted, however long that takes.
    async fn acquire(&self) -> Self::Guard;

    /// Gives the lock back, and says what came of it: whether it was still this client's, or that nobody knows. A
    /// `bool`, an `Option` of one, and a `Result` of one or of nothing, are [`into`](Into::into) this; `None` and errors are
    /// [`ReleaseOutcome::Unknown`].
    async fn release(&self, guard: &Self::Guard) -> ReleaseOutcome;

    /// The fencing token that came with it, for the store to check: a number that grows with every grant.
    fn token(&self, guard: &Self::Guard) -> Option<u64> {
        let _ = guard;
        None
    }

    /// Asked by a client right before it writes: am I still the holder? Whoever is told `Some(false)` does not write.
    /// `None` for a lock that nobody asks.
    async fn is_held(&self, guard: &Self::Guard) -> Option<bool> {
        let _ = guard;
        None
    }

    /// How often a lease is to be extended while its holder works; never without this.
    fn extends_every(&self) -> Option<Duration> {
        None
    }

    /// Extends the lease. False where it cannot be: then the holder stops what it does.
    async fn extend(&self, guard: &Self::Guard) -> bool {
        let _ = guard;
        true
    }
}

/// One of the recipes, made of an [`OwnLock`].
pub struct Own<L: OwnLock> {
    host: Host,
    name: Name,
    lock: Rc<L>,
    guard: Option<Rc<L::Guard>>,
    standing: Standing,
    /// How often the lock has been granted: what extends the lease of one grant does not touch the next.
    grants: Rc<Cell<u64>>,
}

impl<L: OwnLock + 'static> Own<L> {
    /// The lock of that name, as the client on this host uses it.
    pub fn new(host: Host, name: Name, lock: L) -> Self {
        let (standing, grants) = (Standing::default(), Rc::default());
        Self { host, name, lock: Rc::new(lock), guard: None, standing, grants }
    }

    /// Extends the lease for as long as the grant lasts.
    fn keep_extended(&self, every: Duration, guard: Rc<L::Guard>) {
        let (host, name, lock) = (self.host.clone(), self.name.clone(), Rc::clone(&self.lock));
        let (standing, grants, grant) =
            (self.standing.clone(), Rc::clone(&self.grants), self.grants.get());
        let extend = async move {
            loop {
                host.sleep(every).await;
                if grants.get() != grant {
                    return;
                }
                let is_extended = lock.extend(&guard).await;
                if grants.get() != grant {
                    return;
                }
                if !is_extended {
                    if standing.lose() {
                        let reason = "its lease could not be extended";
                        host.note(Note::LockLost { lock: name, hold: None, reason });
                    }
                    return;
                }
            }
        };
        self.host.spawn(extend);
    }
}

impl<L: OwnLock + 'static> Lock for Own<L>
where
    L::Guard: 'static,
{
    fn name(&self) -> Option<Name> {
        Some(self.name.clone())
    }

    async fn acquire(&mut self) -> Grant {
        let guard = Rc::new(self.lock.acquire().await);
        let token = self.lock.token(&guard);
        self.grants.set(self.grants.get() + 1);
        self.standing.grant();
        if let Some(every) = self.lock.extends_every() {
            self.keep_extended(every, Rc::clone(&guard));
        }
        self.guard = Some(guard);
        Grant::new(token)
    }

    async fn release(&mut self, _grant: Grant) -> ReleaseOutcome {
        self.grants.set(self.grants.get() + 1);
        self.standing.give_back();
        match self.guard.take() {
            Some(guard) => self.lock.release(&guard).await,
            None => ReleaseOutcome::Unknown,
        }
    }

    async fn is_held(&self, _grant: &Grant) -> Option<bool> {
        let guard = self.guard.as_ref()?;
        let is_held = self.lock.is_held(guard).await;
        if is_held == Some(false) && self.standing.lose() {
            let (lock, reason) = (self.name.clone(), "it asked, and is not the holder any more");
            self.host.note(Note::LockLost { lock, hold: None, reason });
        }
        is_held
    }

    fn lost(&self) -> Lost {
        self.standing.lost()
    }
}

/// Works under a lock, again and again: what somebody's own client does in the place of a buyer of the shop. `work` is
/// given the token of the grant; it is dropped when the lock is known to be lost, and `rest` is taken after each.
pub async fn work_under<L: Lock>(
    host: Host,
    lock: L,
    rest: (Duration, Duration),
    work: impl AsyncFn(Option<u64>),
) {
    let mut lock = Guarded::new(host.clone(), lock);
    loop {
        let held = lock.acquire().await;
        lock.lost().cuts(work(held.grant().token)).await;
        lock.release(held).await;
        host.work(rest.0..=rest.1).await;
    }
}

#[cfg(test)]
mod tests;
