//! Locks on one key of one Redis. They differ in how the key is set and how it is removed; what
//! they share is here: the settings, the value that marks a holder, the polling, the release.
//!
//! Each of them gets a fencing token from a counter beside the key, `KEY:token`, and polls, with
//! jitter, while somebody else's value stands.
//!
//! **No answer** means that a call is over for the caller, as an exception is in the clients: the
//! connection is dropped, and after one more wait as between two polls the next attempt opens a new
//! one. There is no other back-off: a refused connection is tried again as often as a lock that is
//! taken. Each attempt after a lost answer uses a new value, as callers of redis-py and Laravel do,
//! whose locks make one up for each `acquire`. What the lost attempt has set stands until it
//! expires, and is nobody's.
//!
//! **Replicas** need not have a grant that their master has made. With `wait_replicas` a client asks for
//! it (`WAIT`) after each grant; where there are too few, it takes the grant back and tries again.
//!
//! **An error** for an answer, as from a Redis that loads its file or has no memory left, says nothing
//! about whose the lock is: a release counts it as no answer.

pub mod set_nx;
pub mod set_nx_plain_del;
pub mod setnx_expire;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;

use crate::note::{Name, ReleaseOutcome};
use crate::process::Host;
use crate::redis::client::{
    Address, CallError, Client, ClientSettings, Discovery, Script, unless_refused,
};
use crate::redis::resp::Reply;

/// The settings of a lock on one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisLockSettings {
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
    /// How often a release that got no answer, or an error for one, is tried again.
    pub release_retries: u32,
    /// How the client learns that there is a new master, where Sentinels know it.
    pub discovery: Discovery,
    /// The client asks a server for its role before it uses it, where Sentinels have named it.
    pub check_role: bool,
    /// So many replicas have to acknowledge a grant before it counts (`WAIT`); 0 for none.
    pub wait_replicas: u32,
    /// How long they are waited for. It has to be shorter than `timeout`.
    pub wait_timeout: Duration,
}

impl Default for RedisLockSettings {
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
            // redis-py before 6.0, `connection.py`: `Retry(NoBackoff(), 0)`; Jedis's single
            // connection tries nothing again either. redis-py 6.0 sends a command up to three times more.
            release_retries: 0,
            discovery: Discovery::OnConnect,
            check_role: false,
            wait_replicas: 0,
            // Redisson, `ReadMode` and `BaseMasterSlaveServersConfig`: `slavesSyncTimeout = 1000`.
            wait_timeout: Duration::from_secs(1),
        }
    }
}

/// A value that no other attempt has: twenty random bytes in hexadecimal, as the documentation proposes.
pub(crate) fn random_value(host: &Host) -> Bytes {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut value = [0; 40];
    for word in value.as_chunks_mut::<8>().0 {
        let bits = host.random(|random| random.bits()) as u32;
        for (place, digit) in word.iter_mut().enumerate() {
            *digit = DIGITS[(bits >> (28 - 4 * place)) as usize & 0xf];
        }
    }
    // With its count of references beside it, in one allocation.
    Bytes::from_owner(value)
}

/// Deletes the key if it still holds this holder's value.
const DELETE_IF_OWN: &str = "\
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0";

/// The scripts, each with a name for it.
pub(super) const SCRIPTS: [(&str, &str); 2] =
    [("set-nx-acquire", set_nx::ACQUIRE), ("set-nx-release", DELETE_IF_OWN)];

/// One client that contends for a key.
struct Contender {
    host: Host,
    client: Client,
    settings: RedisLockSettings,
    key: Bytes,
    counter: Bytes,
    /// What marks this client's present attempt, and its hold.
    value: Bytes,
    delete_if_own: Script,
}

impl Contender {
    fn new(host: Host, address: Address, settings: RedisLockSettings) -> Self {
        let counter = Bytes::from(address.beside(&settings.key.to_string(), "token"));
        let client = ClientSettings {
            timeout: settings.timeout,
            discovery: settings.discovery,
            checks_role: settings.check_role,
        };
        Self {
            client: Client::new(host.clone(), address, client),
            key: settings.key.as_bytes().clone(),
            counter,
            value: Bytes::new(),
            delete_if_own: Script::new(DELETE_IF_OWN),
            host,
            settings,
        }
    }

    fn name(&self) -> Name {
        self.settings.key.clone()
    }

    /// Makes up a value that no other attempt has.
    fn renew_value(&mut self) {
        self.value = random_value(&self.host);
    }

    /// Whether enough replicas have what was written last, as [`RedisLockSettings::wait_replicas`]
    /// wants it. What they have can be lost all the same: none of them need be the next master, and what
    /// they have in memory a restart takes. Source: redis.io, `WAIT`, "Consistency and WAIT".
    async fn is_replicated(&mut self) -> bool {
        let wanted = self.settings.wait_replicas;
        if wanted == 0 {
            return true;
        }
        let timeout_ms = self.settings.wait_timeout.as_millis().to_string();
        let words = ["WAIT".to_owned(), wanted.to_string(), timeout_ms].map(Bytes::from);
        // On another connection nothing has been written, and every replica has that.
        let reply = self.client.call_on_same(words.into()).await;
        matches!(reply, Ok(Reply::Int(replicas)) if replicas >= i64::from(wanted))
    }

    /// Waits until the next try.
    async fn wait(&self) {
        let settings = &self.settings;
        self.host.work(settings.poll..=settings.poll + settings.poll_jitter).await;
    }

    /// Compare and delete: removes the key only while it holds this holder's value.
    async fn delete_if_own(&mut self) -> ReleaseOutcome {
        let delete = self.delete_if_own.call([self.key.clone()], [self.value.clone()]);
        self.release_by(async |client| client.run(&delete).await).await
    }

    /// Gives the lock back by a command that answers how many keys it has removed.
    async fn release_by(
        &mut self,
        mut remove: impl AsyncFnMut(&mut Client) -> Result<Reply, CallError>,
    ) -> ReleaseOutcome {
        for retries_left in (0..=self.settings.release_retries).rev() {
            match unless_refused(remove(&mut self.client).await) {
                Ok(Reply::Int(1)) => return ReleaseOutcome::Removed,
                Ok(_) => return ReleaseOutcome::NotHeld,
                Err(_) if retries_left > 0 => self.wait().await,
                Err(_) => {}
            }
        }
        ReleaseOutcome::Unknown
    }
}
