#![doc = include_str!("../README.md")]

use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{RedisResult, Script};

/// A lock in Redis as one writes it first: `SET` with `NX` and `PX`, and `DEL` to give it back.
#[derive(Clone, Debug)]
pub struct NaiveLock<C> {
    redis: C,
    key: String,
    lease: Duration,
}

impl<C: ConnectionLike + Clone> NaiveLock<C> {
    /// The lock of that name, granted for so long at a time.
    pub fn new(redis: C, key: &str, lease: Duration) -> Self {
        Self { redis, key: key.to_owned(), lease }
    }

    /// Takes the lock, if nobody has it.
    ///
    /// # Errors
    ///
    /// The connection's.
    pub async fn try_acquire(&self, me: &str) -> RedisResult<bool> {
        let mut set = redis::cmd("SET");
        set.arg(&self.key).arg(me).arg("NX").arg("PX").arg(self.lease.as_millis() as u64);
        let granted: Option<String> = set.query_async(&mut self.redis.clone()).await?;
        Ok(granted.is_some())
    }

    /// Gives the lock back.
    ///
    /// # Errors
    ///
    /// The connection's.
    pub async fn release(&self) -> RedisResult<()> {
        redis::cmd("DEL").arg(&self.key).query_async(&mut self.redis.clone()).await
    }
}

/// The same lock, mended: it counts its grants, and removes nothing that is not its own.
#[derive(Clone, Debug)]
pub struct FencedLock<C> {
    redis: C,
    key: String,
    lease: Duration,
}

const ACQUIRE: &str = r"
    if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
        return redis.call('INCR', KEYS[2])
    end
    return false";

const RELEASE: &str = r"
    if redis.call('GET', KEYS[1]) == ARGV[1] then
        return redis.call('DEL', KEYS[1])
    end
    return 0";

impl<C: ConnectionLike + Clone> FencedLock<C> {
    /// The lock of that name, granted for so long at a time.
    pub fn new(redis: C, key: &str, lease: Duration) -> Self {
        Self { redis, key: key.to_owned(), lease }
    }

    /// Takes the lock, if nobody has it: the token that belongs to this grant. `me` must be new each time.
    ///
    /// # Errors
    ///
    /// The connection's.
    pub async fn try_acquire(&self, me: &str) -> RedisResult<Option<u64>> {
        let script = Script::new(ACQUIRE);
        let mut call = script.key(&self.key);
        call.key(format!("{}:token", self.key)).arg(me).arg(self.lease.as_millis() as u64);
        call.invoke_async(&mut self.redis.clone()).await
    }

    /// Gives the lock back; false when it was not one's own any more.
    ///
    /// # Errors
    ///
    /// The connection's.
    pub async fn release(&self, me: &str) -> RedisResult<bool> {
        let script = Script::new(RELEASE);
        script.key(&self.key).arg(me).invoke_async(&mut self.redis.clone()).await
    }
}
