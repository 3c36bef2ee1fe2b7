//! `SET key value NX PX ttl`: the lock that the Redis documentation describes for one instance.
//!
//! * **Acquire**: a random value no other attempt has; set the key if it is not there, with an
//!   expiry. In the same script a counter is incremented and returned: the fencing token, in the
//!   order of the grants.
//! * **Release**: compare and delete, in a script: only the value that this holder set is removed.
//! * **No answer in time**: the attempt may have succeeded. The next one uses a new value, so a key
//!   that the lost attempt set stands until its TTL is over.
//! * **Expiry while held**: nobody tells the holder. This recipe does not look at the clock either;
//!   that is what makes a pause, or a write under way for long, dangerous.
//!
//! Source: redis.io, "Distributed Locks with Redis", section "Correct Implementation with a Single
//! Instance"; the shape of the client follows redis-py's `redis/lock.py`.

use bytes::Bytes;

use super::{Contender, RedisLockSettings};
use crate::locks::{Grant, Lock, Origin};
use crate::note::{Name, ReleaseOutcome};
use crate::process::Host;
use crate::redis::client::{Address, Script, ScriptCall};
use crate::redis::resp::Reply;

/// Sets the key if it is not there, and counts the grants.
pub(super) const ACQUIRE: &str = "\
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return redis.call('INCR', KEYS[2])
end
return false";

/// One client's `SET NX` lock.
pub struct SetNx {
    pub(super) contender: Contender,
    ttl_ms: Bytes,
    acquire: Script,
}

impl SetNx {
    /// A lock on the Redis at `address`.
    pub fn new(host: Host, address: impl Into<Address>, settings: RedisLockSettings) -> Self {
        Self {
            ttl_ms: Bytes::from(settings.ttl.as_millis().to_string()),
            contender: Contender::new(host, address.into(), settings),
            acquire: Script::new(ACQUIRE),
        }
    }

    /// The script that tries to acquire, with a new value.
    fn attempt(&mut self) -> ScriptCall {
        let contender = &mut self.contender;
        contender.renew_value();
        let keys = [contender.key.clone(), contender.counter.clone()];
        self.acquire.call(keys, [contender.value.clone(), self.ttl_ms.clone()])
    }
}

impl Lock for SetNx {
    fn name(&self) -> Option<Name> {
        Some(self.contender.name())
    }

    async fn acquire(&mut self) -> Grant {
        let mut attempt = self.attempt();
        loop {
            let asked_at = self.contender.host.mono();
            match self.contender.client.run(&attempt).await {
                Ok(Reply::Int(token)) => {
                    let origin = Origin::Message(self.contender.host.last_taken());
                    if self.contender.is_replicated().await {
                        let lease_end = asked_at + self.contender.settings.ttl;
                        let grant = Grant::new(u64::try_from(token).ok()).valid_until(lease_end);
                        return Grant { origin, ..grant };
                    }
                    self.contender.delete_if_own().await;
                    attempt = self.attempt();
                }
                Ok(_) => {}
                // It may have happened: whatever holds that value now is nobody's.
                Err(_) => attempt = self.attempt(),
            }
            self.contender.wait().await;
        }
    }

    async fn release(&mut self, _grant: Grant) -> ReleaseOutcome {
        self.contender.delete_if_own().await
    }
}
