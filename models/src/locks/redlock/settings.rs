//! What a RedLock client can be told.

use std::time::Duration;

use crate::named::named;
use crate::note::Name;

/// The settings of a RedLock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedlockSettings {
    /// The key, the same on every node.
    pub key: Name,
    /// How long a key lives.
    pub ttl: Duration,
    /// How long a node may take to be connected to and to answer.
    pub timeout: Duration,
    /// How the nodes are asked.
    pub ask: AskNodes,
    /// Until when they are waited for.
    pub wait: WaitFor,
    /// The clock that the time is taken on.
    pub clock: Clock,
    /// Of the time to live so many millionths are allowed for clocks that drift.
    pub drift_ppm: u32,
    /// So much is allowed beside that, whatever the time to live.
    pub drift_margin: Duration,
    /// A majority that took longer than it is valid is no grant.
    pub validity_check: bool,
    /// Between which two times the delay before the next try lies, at random.
    pub retry_delay: (Duration, Duration),
    /// How often the same value is tried before a new one is.
    pub tries: u32,
    /// When the keys of what failed are taken back.
    pub release_after: ReleaseAfter,
    /// How often a release that no majority has confirmed is tried again.
    pub release_retries: u32,
    /// The client extends the lease by itself while it holds the lock.
    pub extend: bool,
    /// How long before the end of its validity.
    pub extend_before: Duration,
    /// What is handed out as a fencing token.
    pub token: Tokens,
}

impl Default for RedlockSettings {
    fn default() -> Self {
        Self {
            key: Name::from_static("lock:stock"),
            // redsync, `redsync.go`, `NewMutex`: `expiry: 8 * time.Second`.
            ttl: Duration::from_secs(8),
            // redis.io, "The Redlock Algorithm", step 2: 5 to 50 ms for a lock of ten seconds.
            timeout: Duration::from_millis(50),
            ask: AskNodes::InParallel,
            wait: WaitFor::All,
            clock: Clock::Monotonic,
            // redsync, `NewMutex`: `driftFactor: 0.01`; node-redlock, `defaultSettings`, has the same.
            drift_ppm: 10_000,
            drift_margin: Duration::ZERO,
            validity_check: true,
            // redsync, `minRetryDelayMilliSec` and `maxRetryDelayMilliSec`.
            retry_delay: (Duration::from_millis(50), Duration::from_millis(250)),
            // redsync, `NewMutex`: `tries: 32`.
            tries: 32,
            release_after: ReleaseAfter::EachTry,
            release_retries: 0,
            extend: false,
            // node-redlock, `defaultSettings`: `automaticExtensionThreshold: 500`.
            extend_before: Duration::from_millis(500),
            token: Tokens::None,
        }
    }
}

impl RedlockSettings {
    /// What is allowed for clocks that drift.
    pub fn allowance(&self) -> Duration {
        let share = self.ttl.as_nanos().saturating_mul(u128::from(self.drift_ppm)) / 1_000_000;
        let share = Duration::from_nanos(u64::try_from(share).unwrap_or(u64::MAX));
        share.saturating_add(self.drift_margin)
    }

    /// node-redlock's own ways and defaults: `src/index.ts`, `defaultSettings`, `acquire`, `_execute`.
    #[must_use]
    pub fn as_node_redlock(self) -> Self {
        Self {
            wait: WaitFor::Majority,
            clock: Clock::Wall,
            drift_margin: Duration::from_millis(2),
            validity_check: false,
            retry_delay: (Duration::from_millis(100), Duration::from_millis(300)),
            tries: 11,
            release_after: ReleaseAfter::Tries,
            release_retries: 10,
            ..self
        }
    }
}

/// How nodes are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskNodes {
    /// All at once.
    InParallel,
    /// Each when the one before has answered, or has not in time.
    InTurn,
}

/// Until when nodes are waited for that are asked in parallel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// All have answered, or have not in time.
    All,
    /// It is clear what the majority says. The others are told all the same.
    Majority,
}

/// A host's clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// It never jumps.
    Monotonic,
    /// Somebody may set it. It is looked at from the moment at which nodes are asked until they have
    /// answered; what is left then is measured on the monotonic one.
    Wall,
}

/// When the keys of tries that failed are taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseAfter {
    /// After each one.
    EachTry,
    /// When there are no tries left.
    Tries,
}

/// What is handed out as a fencing token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokens {
    /// Nothing: RedLock has no number that grows.
    None,
    /// The random value, as a number.
    ValueAsToken,
}

named!(AskNodes: "in-parallel" => InParallel, "in-turn" => InTurn);
named!(WaitFor: "all" => All, "majority" => Majority);
named!(Clock: "monotonic" => Monotonic, "wall" => Wall);
named!(ReleaseAfter: "each-try" => EachTry, "tries" => Tries);
named!(Tokens: "none" => None, "value" => ValueAsToken);
