//! What Redisson has the server do, each in one script.
//!
//! The lock is a hash with one field: who holds it, and how often he has entered it. Keys and arguments
//! stand in Redisson's order.

/// Enters a lock that nobody holds, or that this holder holds: nothing is answered. Somebody else's: for
/// how many milliseconds he has it yet.
///
/// KEYS: the lock. ARGV: the lease in milliseconds, the holder. Source: `RedissonLock.tryLockInnerAsync`.
pub(super) const LOCK: &str = "\
local is_free = redis.call('exists', KEYS[1]) == 0
if is_free or redis.call('hexists', KEYS[1], ARGV[2]) == 1 then
  redis.call('hincrby', KEYS[1], ARGV[2], 1)
  redis.call('pexpire', KEYS[1], ARGV[1])
  return nil
end
return redis.call('pttl', KEYS[1])";

/// The same with a token, which counts every entry: {-1, token}, or else {milliseconds, -1}.
///
/// KEYS: the lock, the counter. ARGV: as above. Source: `RedissonFencedLock.tryLockInnerAsync`.
pub(super) const LOCK_FENCED: &str = "\
local is_free = redis.call('exists', KEYS[1]) == 0
if is_free or redis.call('hexists', KEYS[1], ARGV[2]) == 1 then
  local token = redis.call('incr', KEYS[2])
  redis.call('hincrby', KEYS[1], ARGV[2], 1)
  redis.call('pexpire', KEYS[1], ARGV[1])
  return {-1, token}
end
return {redis.call('pttl', KEYS[1]), -1}";

/// Leaves the lock once: 1 when it is free now, 0 when the holder has to leave it once more, nothing when it
/// is not his. What it answers it also keeps for a while, under a name of this one request: when the
/// same request comes again, it is answered the same and nothing is left twice.
///
/// KEYS: the lock, the channel, the request's answer. ARGV: the message, the lease in milliseconds, the
/// holder, the command that publishes, for how many milliseconds the answer is kept. Source:
/// `RedissonLock.unlockInnerAsync`.
pub(super) const UNLOCK: &str = "\
local answer = redis.call('get', KEYS[3])
if answer ~= false then
  return tonumber(answer)
end
if redis.call('hexists', KEYS[1], ARGV[3]) == 0 then
  return nil
end
if redis.call('hincrby', KEYS[1], ARGV[3], -1) > 0 then
  redis.call('pexpire', KEYS[1], ARGV[2])
  redis.call('set', KEYS[3], 0, 'px', ARGV[5])
  return 0
end
redis.call('del', KEYS[1])
redis.call(ARGV[4], KEYS[2], ARGV[1])
redis.call('set', KEYS[3], 1, 'px', ARGV[5])
return 1";

/// Gives a lock its whole lease again, if it is still its holder's: {1}, or else {0}. Redisson's own does so
/// for up to a hundred locks at once; a buyer has one.
///
/// KEYS: the lock. ARGV: the lease in milliseconds, the holder. Source: `LockTask.buildChunk`.
pub(super) const RENEW: &str = "\
if redis.call('hexists', KEYS[1], ARGV[2]) == 1 then
  redis.call('pexpire', KEYS[1], ARGV[1])
  return {1}
end
return {0}";

/// Gives a lock that long from now on, whoever holds it: 1, or 0 when there is none.
///
/// KEYS: the lock. ARGV: milliseconds. Source: `RedissonExpirable.expireAsync`.
pub(super) const EXPIRE: &str = "return redis.call('pexpire', KEYS[1], ARGV[1])";

/// What is published when a lock becomes free. Source: `LockPubSub.UNLOCK_MESSAGE`.
pub(super) const UNLOCK_MESSAGE: &str = "0";

/// The scripts, each with a name for it.
pub(in crate::locks) const SCRIPTS: [(&str, &str); 5] = [
    ("redisson-lock", LOCK),
    ("redisson-lock-fenced", LOCK_FENCED),
    ("redisson-unlock", UNLOCK),
    ("redisson-renew", RENEW),
    ("redisson-expire", EXPIRE),
];
