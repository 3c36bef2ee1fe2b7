//! `SETNX key value`, then `EXPIRE key seconds`: the lock from before Redis 2.6.12, whose `SET` can
//! do both at once. It lives on in libraries and tutorials.
//!
//! * **Acquire**: set the key if it is not there; between two commands the client's code takes a
//!   little time; give the key an expiry; count the grant. The three are not one: a client that
//!   stops after the first leaves a key that never expires, and nobody gets the lock any more.
//! * **Token**: `INCR` is the last of the three, a request of its own. Two grants that overlap, as
//!   after a pause in the middle, may count in another order than that in which they were made: the
//!   older holder then has the greater token, and the store lets it pass.
//! * **Release**: compare and delete, in a script.
//! * **No answer in time, or an error**: to any of the three, the attempt is over. The idiom does not look
//!   whether its own value is there: a lost `SETNX` may have left a key without an expiry. Nor does
//!   it look at what `EXPIRE` answers: a key that is gone by then leaves a holder without a lock.
//! * **Expiry while held**: nobody tells the holder.
//!
//! Source: laravel/framework 5.8, `Illuminate/Cache/RedisLock.php`: `acquire` is `setnx` with the
//! owner's value, then `expire`; `release` is the compare-and-delete script. Before 5.8 the value was
//! 1 and the release a `DEL`, as in most tutorials; that is what `set-nx-plain-del` is about. The lock
//! without an expiry was reported from production (issue 31166), and 6.x went over to `SET NX EX`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{Contender, RedisLockSettings};
use crate::locks::{Grant, Lock, Origin};
use crate::note::{Name, ReleaseOutcome};
use crate::process::Host;
use crate::redis::client::{Address, CallError, unless_refused};
use crate::redis::resp::Reply;

/// What the client's code takes between two commands: a few calls deep in an interpreted language.
const BETWEEN_COMMANDS: (Duration, Duration) =
    (Duration::from_micros(20), Duration::from_micros(200));

/// One client's `SETNX` and `EXPIRE` lock. `EXPIRE` takes whole seconds: a time to live is rounded up.
pub struct SetnxExpire {
    contender: Contender,
    ttl: Duration,
    expire: Arc<[Bytes]>,
    count: Arc<[Bytes]>,
}

impl SetnxExpire {
    /// A lock on the Redis at `address`.
    pub fn new(host: Host, address: impl Into<Address>, settings: RedisLockSettings) -> Self {
        let rest = u64::from(settings.ttl.subsec_nanos() > 0);
        let seconds = settings.ttl.as_secs().saturating_add(rest);
        let contender = Contender::new(host, address.into(), settings);
        let key = contender.key.clone();
        Self {
            ttl: Duration::from_secs(seconds),
            expire: [Bytes::from_static(b"EXPIRE"), key, Bytes::from(seconds.to_string())].into(),
            count: [Bytes::from_static(b"INCR"), contender.counter.clone()].into(),
            contender,
        }
    }

    /// One attempt: a grant, or `None` when the key is somebody else's.
    async fn attempt(&mut self) -> Result<Option<Grant>, CallError> {
        let Contender { key, value, .. } = &self.contender;
        let set = [Bytes::from_static(b"SETNX"), key.clone(), value.clone()].into();
        if self.call(set).await? != Reply::Int(1) {
            return Ok(None);
        }
        let origin = Origin::Message(self.contender.host.last_taken());
        self.work().await;
        let asked_at = self.contender.host.mono();
        self.call(self.expire.clone()).await?;
        self.work().await;
        let token = match self.call(self.count.clone()).await? {
            Reply::Int(token) => u64::try_from(token).ok(),
            _ => None,
        };
        let grant = Grant::new(token).valid_until(asked_at + self.ttl);
        Ok(Some(Grant { origin, ..grant }))
    }

    async fn call(&mut self, command: Arc<[Bytes]>) -> Result<Reply, CallError> {
        unless_refused(self.contender.client.call(command).await)
    }

    async fn work(&self) {
        self.contender.host.work(BETWEEN_COMMANDS.0..=BETWEEN_COMMANDS.1).await;
    }
}

impl Lock for SetnxExpire {
    fn name(&self) -> Option<Name> {
        Some(self.contender.name())
    }

    async fn acquire(&mut self) -> Grant {
        self.contender.renew_value();
        loop {
            match self.attempt().await {
                Ok(Some(grant)) if self.contender.is_replicated().await => return grant,
                Ok(Some(_)) => {
                    self.contender.delete_if_own().await;
                    self.contender.renew_value();
                }
                Ok(None) => {}
                // Whatever it has set by then is nobody's.
                Err(_) => self.contender.renew_value(),
            }
            self.contender.wait().await;
        }
    }

    async fn release(&mut self, _grant: Grant) -> ReleaseOutcome {
        self.contender.delete_if_own().await
    }
}
