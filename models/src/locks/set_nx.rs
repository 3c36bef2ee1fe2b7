//! `SET key value NX PX ttl`: the lock that the Redis documentation describes for one instance.
//!
//! * **Acquire**: a random value no other attempt has; set the key if it is not there, with an
//!   expiry; poll, with jitter, while somebody else's value is there. In the same script a counter
//!   is incremented and returned: the fencing token.
//! * **Release**: compare and delete, in a script: only the value that this holder set is removed.
//! * **No answer in time**: the attempt may have succeeded. The connection is dropped and the next
//!   attempt uses a new value, so a key that the lost attempt set stands until its TTL is over, as
//!   it does with most clients.
//! * **Expiry while held**: nobody tells the holder. This recipe does not look at the clock either;
//!   that is what makes a pause, or a write under way for long, dangerous.
//!
//! Source: redis.io, "Distributed Locks with Redis", section "Correct Implementation with a Single
//! Instance"; the shape of the client follows redis-py's `redis/lock.py`.

use std::slice::from_ref;
use std::time::Duration;

use bytes::Bytes;

use super::{Grant, Lock};
use crate::machine::NodeId;
use crate::note::{Name, ReleaseOutcome};
use crate::process::Host;
use crate::redis::client::{Client, Script, ScriptCall};
use crate::redis::resp::Reply;

/// Sets the key if it is not there, and counts the grants.
const ACQUIRE: &str = "\
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return redis.call('INCR', KEYS[2])
end
return false";

/// Deletes the key if it still holds this holder's value.
const RELEASE: &str = "\
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0";

/// The settings of the recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetNxSettings {
    /// The key.
    pub key: Name,
    /// How long a grant lasts.
    pub ttl: Duration,
    /// How long to wait before the next try.
    pub poll: Duration,
    /// At most so much is added to each wait, at random.
    pub poll_jitter: Duration,
    /// How long to wait for a connection or an answer.
    pub timeout: Duration,
}

impl Default for SetNxSettings {
    fn default() -> Self {
        Self {
            key: Name::from_static("lock:stock"),
            // redis.io, "Distributed Locks with Redis": `SET resource_name my_random_value NX PX 30000`.
            ttl: Duration::from_secs(30),
            // redis-py, `redis/lock.py`: `sleep: float = 0.1`.
            poll: Duration::from_millis(100),
            // node-redlock's README asks for a random addition so that pollers fall out of step.
            poll_jitter: Duration::from_millis(50),
            // Jedis, `Protocol.DEFAULT_TIMEOUT = 2000`.
            timeout: Duration::from_secs(2),
        }
    }
}

/// One client's `SET NX` lock.
pub struct SetNx {
    host: Host,
    client: Client,
    settings: SetNxSettings,
    key: Bytes,
    counter: Bytes,
    ttl_ms: Bytes,
    value: Bytes,
    acquire: Script,
    release: Script,
}

impl SetNx {
    /// A lock on the Redis at `server`.
    pub fn new(host: Host, server: NodeId, settings: SetNxSettings) -> Self {
        Self {
            client: Client::new(host.clone(), server, settings.timeout),
            key: settings.key.as_bytes().clone(),
            counter: Bytes::from(format!("{}:token", settings.key)),
            ttl_ms: Bytes::from(settings.ttl.as_millis().to_string()),
            value: Bytes::new(),
            acquire: Script::new(ACQUIRE),
            release: Script::new(RELEASE),
            host,
            settings,
        }
    }

    /// Twenty random bytes in hexadecimal, as the documentation proposes.
    fn fresh_value(&self) -> Bytes {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut value = [0; 40];
        for word in value.as_chunks_mut::<8>().0 {
            let bits = self.host.random(|random| random.bits()) as u32;
            for (place, digit) in word.iter_mut().enumerate() {
                *digit = DIGITS[(bits >> (28 - 4 * place)) as usize & 0xf];
            }
        }
        // With its count of references beside it, in one allocation.
        Bytes::from_owner(value)
    }

    /// The script that tries to acquire, with a fresh value.
    fn attempt(&mut self) -> ScriptCall {
        self.value = self.fresh_value();
        let keys = [self.key.clone(), self.counter.clone()];
        self.acquire.call(&keys, &[self.value.clone(), self.ttl_ms.clone()])
    }
}

impl Lock for SetNx {
    fn name(&self) -> Option<Name> {
        Some(self.settings.key.clone())
    }

    async fn acquire(&mut self) -> Grant {
        let mut attempt = self.attempt();
        loop {
            let asked_at = self.host.mono();
            match self.client.run(&attempt).await {
                Ok(Reply::Int(token)) => {
                    let lease_end = asked_at + self.settings.ttl;
                    return Grant::new(u64::try_from(token).ok()).valid_until(lease_end);
                }
                Ok(_) => {}
                // It may have happened: whatever holds that value now is nobody's.
                Err(_) => attempt = self.attempt(),
            }
            let settings = &self.settings;
            self.host.work(settings.poll..=settings.poll + settings.poll_jitter).await;
        }
    }

    async fn release(&mut self, _grant: Grant) -> ReleaseOutcome {
        let release = self.release.call(from_ref(&self.key), from_ref(&self.value));
        match self.client.run(&release).await {
            Ok(Reply::Int(1)) => ReleaseOutcome::Removed,
            Ok(_) => ReleaseOutcome::NotHeld,
            Err(_) => ReleaseOutcome::Unknown,
        }
    }
}
