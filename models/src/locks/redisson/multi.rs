//! `RedissonMultiLock` and `RedissonRedLock`: an `RLock` on each of several servers that know nothing of
//! each other, as one lock. All of them have to be granted, or a majority.
//!
//! * **Acquire**: the locks are asked for one after the other, each for as long as the whole try may take
//!   (`RedLock`: an equal share of that). A try takes a second and a half for each lock, and `lock()` tries
//!   until one succeeds.
//! * **One is not granted**: all that were are given back, and the try begins anew with the first. `RedLock`
//!   passes over as many as a majority can do without.
//! * **One does not answer**: it is given back, unheard, and counts as not granted.
//! * **Time is over**: all that were granted are given back.
//! * **A lease of the caller's own**: each lock is asked for with twice the try's time, and when all are
//!   there each is given the lease, by whoever holds it. Nobody looks at how much of it the asking has used
//!   up, and there is no allowance for clocks that drift. When one cannot be told, `lock()` throws, and
//!   what was granted stands until twice the try's time is over.
//! * **Otherwise** each of the locks has a watchdog of its own, which says nothing when its lock is gone:
//!   the others are renewed, and the holder goes on without a majority.
//! * **Release**: of a MultiLock the locks are left one after the other, and the first that throws is
//!   the last: the rest stay held, and renewed for as long as the process runs. RedLock leaves all of
//!   them at once, whatever comes of it, those too that it has not got.
//! * **The holder crashes**: each lock is free when its lease is over.
//!
//! There is no token.
//!
//! Source: `RedissonMultiLock` (`lockInterruptibly`, `tryLock`, `unlockInner`), `RedissonRedLock`
//! (`failedLocksLimit`, `calcLockWaitTime`, `unlock`).

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use super::RedissonSettings;
use super::commands::Failure;
use super::rlock::RLock;
use crate::locks::{Grant, Lock};
use crate::machine::NodeId;
use crate::note::{Name, ReleaseOutcome};
use crate::process::Host;

/// For how long a try waits for each lock. Source: `lockInterruptibly`: `locks.size() * 1500`.
const WAIT_FOR_EACH: Duration = Duration::from_millis(1_500);

/// How many of the locks have to be granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Needs {
    /// Every one: `RedissonMultiLock`.
    #[default]
    All,
    /// More than half: `RedissonRedLock`.
    Majority,
}

impl Needs {
    /// Both, with their names in scenario files.
    pub const ALL: [(&'static str, Self); 2] = [("all", Self::All), ("majority", Self::Majority)];

    /// How many of so many locks need not be granted.
    const fn spares(self, locks: usize) -> usize {
        match self {
            Self::All => 0,
            Self::Majority => locks - (locks / 2 + 1),
        }
    }
}

/// One thread's lock on several servers.
pub struct RedissonMultiLock {
    host: Host,
    settings: RedissonSettings,
    needs: Needs,
    locks: Vec<RLock>,
    /// How often this thread believes to hold all of it.
    entered: u32,
}

impl RedissonMultiLock {
    /// A lock on each of these servers, each with a Redisson object of its own.
    pub fn new(host: &Host, servers: &[NodeId], settings: RedissonSettings, needs: Needs) -> Self {
        let lock = |server: &NodeId| RLock::plain(host, *server, settings.clone());
        let locks = servers.iter().map(lock).collect();
        Self { host: host.clone(), settings, needs, locks, entered: 0 }
    }

    /// How long the next try may take, in whole milliseconds. Source: `lockInterruptibly`.
    fn time_for_a_try(&self) -> Duration {
        let base =
            WAIT_FOR_EACH.saturating_mul(u32::try_from(self.locks.len()).unwrap_or(u32::MAX));
        let Some(lease) = self.settings.lease else { return base };
        let (least, most) = if lease <= base { (lease / 2, lease) } else { (base, lease) };
        let (least, most) = (least.as_millis() as u64, most.as_millis() as u64);
        // `ThreadLocalRandom.nextLong` does not give its second bound.
        let most = most.saturating_sub(1).max(least);
        Duration::from_millis(self.host.random(|random| random.range(least..=most)))
    }

    /// A try: the grant of the lock that completed it, if it was in time. Source: `tryLock`.
    async fn try_lock(&mut self, wait: Duration) -> Result<Option<Grant>, Failure> {
        let end = self.host.wall() + wait;
        let number = self.locks.len();
        let wait_for_each = match self.needs {
            Needs::All => wait,
            Needs::Majority => share(wait, number),
        };
        let spares = self.needs.spares(number);
        let (mut to_spare, mut granted, mut place) = (spares, Vec::new(), 0);
        let mut last = None;
        while place < number {
            let left = end.saturating_since(self.host.wall());
            match self.ask(place, wait_for_each.min(left), wait).await {
                Some(grant) => {
                    granted.push(place);
                    last = Some(grant);
                    place += 1;
                }
                None if number - granted.len() == spares => break,
                None if to_spare > 0 => {
                    to_spare -= 1;
                    place += 1;
                }
                None => {
                    self.give_back(&std::mem::take(&mut granted)).await;
                    (to_spare, place) = (spares, 0);
                }
            }
            if self.host.wall() >= end {
                self.give_back(&granted).await;
                return Ok(None);
            }
        }
        let Some(grant) = last else { return Ok(None) };
        let grant = Grant { reentered: self.entered > 0, ..grant };
        let Some(lease) = self.settings.lease else { return Ok(Some(grant)) };
        let set_at = self.host.mono();
        let asked = self.locks.iter().enumerate().filter(|(place, _)| granted.contains(place));
        let all_are_told = Cell::new(Ok(()));
        let tell = async |lock: &RLock| {
            if let Err(failure) = lock.expire(lease).await {
                all_are_told.set(Err(failure));
            }
        };
        all(asked.map(|(_, lock)| tell(lock))).await;
        all_are_told.get().map(|()| Some(grant.valid_until(set_at + lease)))
    }

    /// Asks for one of the locks; one that does not answer is given back.
    async fn ask(&mut self, place: usize, wait: Duration, of_try: Duration) -> Option<Grant> {
        let lock = &mut self.locks[place];
        lock.ask_for(self.settings.lease.map(|_| of_try.saturating_mul(2)));
        match lock.try_lock(wait).await {
            Ok(grant) => grant,
            Err(Failure::NoAnswer) => {
                lock.leave_unheard().await;
                None
            }
            Err(_) => None,
        }
    }

    /// Gives some of the locks back, all at once, whatever comes of it. Source: `unlockInner`.
    async fn give_back(&mut self, places: &[usize]) {
        let locks = self.locks.iter_mut().enumerate();
        let some = locks.filter(|(place, _)| places.contains(place));
        // Whatever they throw is skipped.
        let release = async |lock: &mut RLock| {
            lock.give_back().await;
        };
        all(some.map(|(_, lock)| release(lock))).await;
    }
}

impl Lock for RedissonMultiLock {
    fn name(&self) -> Option<Name> {
        Some(self.settings.key.clone())
    }

    async fn acquire(&mut self) -> Grant {
        loop {
            let wait = self.time_for_a_try();
            match self.try_lock(wait).await {
                Ok(Some(grant)) => {
                    self.entered += 1;
                    return grant;
                }
                Ok(None) => {}
                Err(_) => self.host.sleep(self.settings.retry).await,
            }
        }
    }

    async fn release(&mut self, _grant: Grant) -> ReleaseOutcome {
        self.entered = self.entered.saturating_sub(1);
        if self.needs == Needs::Majority {
            let every: Vec<usize> = (0..self.locks.len()).collect();
            self.give_back(&every).await;
            // What the locks have thrown is not looked at.
            return ReleaseOutcome::Removed;
        }
        for lock in &mut self.locks {
            let outcome = lock.give_back().await;
            if outcome != ReleaseOutcome::Removed {
                return outcome;
            }
        }
        ReleaseOutcome::Removed
    }
}

/// Source: `RedissonRedLock.calcLockWaitTime`: `Math.max(remainTime / locks.size(), 1)`.
fn share(wait: Duration, locks: usize) -> Duration {
    let locks = u32::try_from(locks).unwrap_or(u32::MAX).max(1);
    Duration::from_millis((wait / locks).as_millis() as u64).max(Duration::from_millis(1))
}

/// Waits for several futures at once.
async fn all<F: Future<Output = ()>>(futures: impl Iterator<Item = F>) {
    let mut futures: Vec<Pin<Box<F>>> = futures.map(Box::pin).collect();
    poll_fn(|context| {
        futures.retain_mut(|one| one.as_mut().poll(context).is_pending());
        if futures.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
