//! `RFencedLock`, the lock of `RedissonClient.getFencedLock`: an `RLock` that gives a token with every
//! grant.
//!
//! * **The token** is a counter beside the lock, incremented in the script that enters it, so that tokens
//!   come in the order of the grants. A thread that enters the lock once more gets a new one. The
//!   counter has no expiry, and is gone with the server that forgets it: after a failover it may
//!   begin anew, behind tokens that a store has seen.
//! * **No replica has the grant**: unlike the plain lock, this one throws at once and takes nothing back.
//!   What it has entered stands until its lease is over, and is entered twice by the next try.
//! * **All else** is as with the plain lock.
//!
//! Source: `RedissonFencedLock`: `lockAndGetToken`, `tryAcquireAsync`, `tryLockInnerAsync`.

use super::RedissonSettings;
use super::rlock::{Kind, RLock};
use crate::locks::{Grant, Lock};
use crate::note::{Name, ReleaseOutcome};
use crate::process::Host;
use crate::redis::client::Address;

/// One thread's `RFencedLock`.
pub struct RedissonFencedLock(RLock);

impl RedissonFencedLock {
    /// A lock on the Redis at `address`.
    pub fn new(host: &Host, address: impl Into<Address>, settings: RedissonSettings) -> Self {
        Self(RLock::new(host, address.into(), settings, Kind::Fenced))
    }
}

impl Lock for RedissonFencedLock {
    fn name(&self) -> Option<Name> {
        Some(self.0.name())
    }

    async fn acquire(&mut self) -> Grant {
        self.0.acquire().await
    }

    async fn release(&mut self, _grant: Grant) -> ReleaseOutcome {
        self.0.release().await
    }
}
