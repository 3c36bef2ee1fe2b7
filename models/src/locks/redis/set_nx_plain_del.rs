//! `SET NX PX`, released with a bare `DEL`: the well-known mistake.
//!
//! It acquires as [`SetNx`] does, and does the same when an answer is lost or the lock expires while
//! it is held. The release removes whatever key is there: a holder whose lease has run out removes
//! the lock of whoever came after it, and a third one gets in. So does a release whose answer was
//! lost and which is tried again.
//!
//! Source: redis.io, `SET`, section "Patterns", says of the simplest lock "remove the lock just using
//! `DEL`" and then why not; Laravel's cache locks did so until they had an owner
//! (laravel/framework, issue 26213).

use std::sync::Arc;

use bytes::Bytes;

use super::RedisLockSettings;
use super::set_nx::SetNx;
use crate::locks::{Grant, Lock};
use crate::note::{Name, ReleaseOutcome};
use crate::process::Host;
use crate::redis::client::Address;

/// One client's `SET NX` lock that it releases with `DEL`.
pub struct SetNxPlainDel {
    lock: SetNx,
    delete: Arc<[Bytes]>,
}

impl SetNxPlainDel {
    /// A lock on the Redis at `address`.
    pub fn new(host: Host, address: impl Into<Address>, settings: RedisLockSettings) -> Self {
        let delete = [Bytes::from_static(b"DEL"), settings.key.as_bytes().clone()].into();
        Self { lock: SetNx::new(host, address, settings), delete }
    }
}

impl Lock for SetNxPlainDel {
    fn name(&self) -> Option<Name> {
        self.lock.name()
    }

    async fn acquire(&mut self) -> Grant {
        self.lock.acquire().await
    }

    async fn release(&mut self, _grant: Grant) -> ReleaseOutcome {
        let Self { lock, delete } = self;
        lock.contender.release_by(async |client| client.call(delete.clone()).await).await
    }
}
