//! Recipes: how the buyers lock, with their settings.

use std::time::Duration;

use fencepost_models::locks::curator::CuratorSettings;
use fencepost_models::locks::jvm::JvmLockSettings;
use fencepost_models::locks::redis::RedisLockSettings;
use fencepost_models::locks::redisson::RedissonSettings;
use fencepost_models::locks::redisson::multi::Needs;
use fencepost_models::locks::redlock::{AskNodes, RedlockSettings, ReleaseAfter};
use fencepost_models::locks::zookeeper::ZooKeeperLockSettings;
use fencepost_models::note::Name;

use super::Backend;
use crate::own::OwnRecipe;

/// Redisson's locks on several servers as one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedissonMulti {
    /// The lock on each of them.
    pub lock: RedissonSettings,
    /// How many have to be granted.
    pub needs: Needs,
}

/// How the buyers lock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recipe {
    /// Not at all: the race itself.
    None,
    /// Not at all either: the store's own conditional update.
    ConditionalUpdate,
    /// A lock in the memory of each process.
    Jvm(JvmLockSettings),
    /// `SET NX PX` with compare-and-delete.
    SetNx(RedisLockSettings),
    /// `SET NX PX` with a bare `DEL`.
    SetNxPlainDel(RedisLockSettings),
    /// `SETNX`, then `EXPIRE`, with compare-and-delete. The time to live is whole seconds.
    SetnxExpire(RedisLockSettings),
    /// Redisson's `RLock`: a hash that knows its holder, a watchdog, a channel that wakes who waits.
    Redisson(RedissonSettings),
    /// Redisson's `RFencedLock`: the same with a token.
    RedissonFenced(RedissonSettings),
    /// Redisson's `RedissonMultiLock` and `RedissonRedLock`: an `RLock` on each of several servers.
    RedissonMulti(RedissonMulti),
    /// RedLock: a majority of servers that know nothing of each other.
    Redlock(RedlockSettings),
    /// The recipe of ZooKeeper's documentation: an ephemeral sequential node, the lowest wins.
    ZooKeeper(ZooKeeperLockSettings),
    /// Curator's `InterProcessMutex`.
    Curator(CuratorSettings),
    /// Somebody's own: see [`crate::own`]. No scenario file has one.
    Own(OwnRecipe),
}

impl Recipe {
    /// Every recipe that a scenario file can name, as it is by default.
    pub fn all() -> [Self; 12] {
        let redis = RedisLockSettings::default;
        let redisson = RedissonSettings::default;
        [
            Self::None,
            Self::ConditionalUpdate,
            Self::Jvm(JvmLockSettings::default()),
            Self::SetNx(redis()),
            Self::SetNxPlainDel(redis()),
            Self::SetnxExpire(redis()),
            Self::Redisson(redisson()),
            Self::RedissonFenced(redisson()),
            Self::RedissonMulti(RedissonMulti::default()),
            Self::Redlock(RedlockSettings::default()),
            Self::ZooKeeper(ZooKeeperLockSettings::default()),
            Self::Curator(CuratorSettings::default()),
        ]
    }

    /// The recipe's name in scenario files.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ConditionalUpdate => "conditional-update",
            Self::Jvm(_) => "jvm",
            Self::SetNx(_) => "set-nx",
            Self::SetNxPlainDel(_) => "set-nx-plain-del",
            Self::SetnxExpire(_) => "setnx-expire",
            Self::Redisson(_) => "redisson",
            Self::RedissonFenced(_) => "redisson-fenced",
            Self::RedissonMulti(_) => "redisson-multi",
            Self::Redlock(_) => "redlock",
            Self::ZooKeeper(_) => "zookeeper",
            Self::Curator(_) => "curator",
            Self::Own(_) => "own",
        }
    }

    /// The settings of a lock that polls one key of one Redis, if it is one.
    pub const fn redis(&self) -> Option<&RedisLockSettings> {
        match self {
            Self::SetNx(settings) | Self::SetNxPlainDel(settings) | Self::SetnxExpire(settings) => {
                Some(settings)
            }
            _ => None,
        }
    }

    /// The settings of a lock of Redisson's, if it is one.
    pub const fn redisson(&self) -> Option<&RedissonSettings> {
        match self {
            Self::Redisson(settings)
            | Self::RedissonFenced(settings)
            | Self::RedissonMulti(RedissonMulti { lock: settings, .. }) => Some(settings),
            _ => None,
        }
    }

    /// The key that the lock is on a Redis, if it is there.
    pub fn key(&self) -> Option<&Name> {
        if let Self::Own(own) = self {
            return Some(&own.name);
        }
        let redis = self.redis().map(|settings| &settings.key);
        redis.or_else(|| self.redisson().map(|settings| &settings.key))
    }

    /// Whether it gives tokens that grow with every grant.
    pub const fn gives_tokens(&self) -> bool {
        match self {
            Self::Redisson(_) | Self::RedissonMulti(_) | Self::Redlock(_) => false,
            Self::Own(own) => own.gives_tokens,
            recipe => recipe.is_lock(),
        }
    }

    /// Whether the client knows when its lease ends. A session's end is known to the servers alone.
    pub const fn knows_its_end(&self) -> bool {
        self.lease().is_some()
            && !matches!(self, Self::ZooKeeper(_) | Self::Curator(_) | Self::Own(_))
    }

    /// Whether a client that holds the lock may enter it once more. With any other it waits for itself,
    /// until its lease is over.
    pub const fn is_reentrant(&self) -> bool {
        matches!(self, Self::Jvm(_) | Self::Curator(_)) || self.redisson().is_some()
    }

    /// Whether it locks anything at all.
    pub const fn is_lock(&self) -> bool {
        !matches!(self, Self::None | Self::ConditionalUpdate)
    }

    /// How long a grant of the lock lasts unless it is renewed: a session's, as its client asks for it. `None` for
    /// what is no lock, and for a lock that nothing but its holder can end.
    pub const fn lease(&self) -> Option<Duration> {
        match self {
            Self::None | Self::ConditionalUpdate | Self::Jvm(_) => None,
            Self::SetNx(settings) | Self::SetNxPlainDel(settings) | Self::SetnxExpire(settings) => {
                Some(settings.ttl)
            }
            Self::Redisson(settings)
            | Self::RedissonFenced(settings)
            | Self::RedissonMulti(RedissonMulti { lock: settings, .. }) => Some(settings.lasts()),
            Self::Redlock(settings) => Some(settings.ttl),
            Self::ZooKeeper(settings) => Some(settings.session_timeout),
            Self::Curator(settings) => Some(settings.session_timeout),
            Self::Own(own) => own.lease,
        }
    }

    /// How long a client that waits may take, at most, from one look at the lock to the next where
    /// no fault is in the way: to connect, to be answered, to wait before it asks again. One of
    /// Redisson's sleeps for as long as the holder's lease was to last, which the lease itself stands for.
    fn round(&self) -> Duration {
        match self {
            Self::None | Self::ConditionalUpdate | Self::Jvm(_) => Duration::ZERO,
            Self::SetNx(settings) | Self::SetNxPlainDel(settings) | Self::SetnxExpire(settings) => {
                let polls = settings.poll.saturating_add(settings.poll_jitter);
                polls.saturating_add(settings.timeout.saturating_mul(2))
            }
            Self::Redisson(settings)
            | Self::RedissonFenced(settings)
            | Self::RedissonMulti(RedissonMulti { lock: settings, .. }) => redisson_round(settings),
            Self::Redlock(settings) => redlock_round(settings),
            Self::ZooKeeper(settings) => {
                settings.session_timeout.saturating_add(WRITE_LOCK_RETRIES)
            }
            Self::Curator(settings) => curator_round(settings),
            Self::Own(_) => OWN_ROUND,
        }
    }

    /// How long a sound lock may stay as it is when its holder has died and no fault is in the way:
    /// until the lease is over, and whoever waits has looked again.
    pub fn free_again_after(&self) -> Duration {
        self.lease().unwrap_or_default().saturating_add(self.round())
    }

    /// After how long a lock that is wanted and that nobody holds counts as stuck, unless the
    /// scenario says: two leases and two rounds of polling, rounded up to the next second, and no
    /// less than ten.
    ///
    /// A sound lock takes less. When the last fault is over and the last holder gone, the key may
    /// stand for one lease more; a request that was under way then may set it once again, for a
    /// client that has given up waiting for the answer; and whoever waits looks at the key a round
    /// after it is gone, at the latest.
    pub fn stuck_after(&self) -> Duration {
        const LEAST_SECONDS: u64 = 10;
        let enough = self.free_again_after().saturating_mul(2);
        Duration::from_secs(enough.as_secs().saturating_add(1).max(LEAST_SECONDS))
    }

    /// Whether the recipe can lock on that backend. What needs no lock server fits any.
    pub const fn fits(&self, backend: Option<&Backend>) -> bool {
        match self {
            Self::None | Self::ConditionalUpdate => true,
            Self::Jvm(_) => matches!(backend, Some(Backend::Memory { .. })),
            Self::SetNx(_)
            | Self::SetNxPlainDel(_)
            | Self::SetnxExpire(_)
            | Self::Redisson(_)
            | Self::RedissonFenced(_) => {
                matches!(
                    backend,
                    Some(Backend::Redis(_) | Backend::RedisSentinel(_) | Backend::RedisCluster(_))
                )
            }
            Self::Redlock(_) | Self::RedissonMulti(_) => {
                matches!(backend, Some(Backend::RedisIndependent(_)))
            }
            Self::ZooKeeper(_) | Self::Curator(_) => {
                matches!(backend, Some(Backend::ZooKeeper(_)))
            }
            // Whose threads would it lock out?
            Self::Own(_) => !matches!(backend, Some(Backend::Memory { .. })),
        }
    }
}

/// How long somebody's own lock may take from one look to the next: nobody knows, and this is long.
const OWN_ROUND: Duration = Duration::from_secs(30);

/// For how long `WriteLock` sleeps between two attempts at most, and how long a client takes to come back to a
/// server. It notices that one is silent before its session is over.
const WRITE_LOCK_RETRIES: Duration = Duration::from_secs(10);

/// A round of Curator's: a session that is given up begins anew, and every try of a call waits for a connection, up to
/// its timeout, and longer before each.
fn curator_round(settings: &CuratorSettings) -> Duration {
    let tries = settings.max_retries.saturating_add(1);
    let waits = (1..=settings.max_retries.min(29)).map(|retry| {
        settings.retry_base.saturating_mul(1_u32.checked_shl(retry).unwrap_or(u32::MAX))
    });
    let waits = waits.fold(Duration::ZERO, Duration::saturating_add);
    let calls = settings.connection_timeout.saturating_mul(tries).saturating_add(waits);
    settings.session_timeout.saturating_add(calls)
}

/// A round of one of Redisson's: a try that gets no answer is made five times, with two seconds between
/// them at most.
fn redisson_round(settings: &RedissonSettings) -> Duration {
    const PAUSE: Duration = Duration::from_secs(2);
    let sync = settings.slaves_sync_timeout;
    let attempt = settings.timeout.saturating_mul(2).saturating_add(sync);
    let attempts = attempt.saturating_add(PAUSE).saturating_mul(5);
    attempts.saturating_add(settings.retry)
}

/// A round of RedLock: the nodes are asked, and asked to take it back, and the delay passes; as often as
/// it may be tried before the keys of a minority are taken back.
fn redlock_round(settings: &RedlockSettings) -> Duration {
    /// More servers than anybody asks one after the other.
    const IN_TURN: u32 = 9;
    let nodes = if settings.ask == AskNodes::InTurn { IN_TURN } else { 1 };
    let asking = settings.timeout.saturating_mul(2 * nodes);
    let tries = if settings.release_after == ReleaseAfter::Tries { settings.tries } else { 1 };
    asking.saturating_add(settings.retry_delay.1).saturating_mul(tries)
}
