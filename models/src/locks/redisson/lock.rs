//! `RLock`, the lock of `RedissonClient.getLock`: reentrant, without a token. What it does when, the
//! module above says.
//!
//! Source: `RedissonLock`, `RedissonBaseLock`.

use super::RedissonSettings;
use super::rlock::{Kind, RLock};
use crate::locks::{Grant, Lock};
use crate::note::{Name, ReleaseOutcome};
use crate::process::Host;
use crate::redis::client::Address;

/// One thread's `RLock`.
pub struct RedissonLock(RLock);

impl RedissonLock {
    /// A lock on the Redis at `address`.
    pub fn new(host: &Host, address: impl Into<Address>, settings: RedissonSettings) -> Self {
        Self(RLock::new(host, address.into(), settings, Kind::Plain))
    }
}

impl Lock for RedissonLock {
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
