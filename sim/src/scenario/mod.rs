//! A scenario: a shop, its buyers, a lock to protect it, and what goes wrong. Written in TOML
//! ([`Scenario::from_toml`]) or in Rust, run under a seed ([`Scenario::run`]).
//!
//! ```
//! use std::time::Duration;
//! use fencepost::models::locks::redis::RedisLockSettings;
//! use fencepost::scenario::{FaultKind, Recipe, Scenario};
//!
//! let settings = RedisLockSettings { ttl: Duration::from_secs(2), ..Default::default() };
//! let sale = Scenario::default().but(|s| (s.lock, s.shop.buyers) = (Recipe::SetNx(settings), 3));
//! assert!(sale.run(1)?.verdict.violations.is_empty(), "nothing goes wrong yet");
//! assert_eq!(Scenario::from_toml("sale.toml", &sale.to_toml())?, sale);
//!
//! let in_bad_times = sale.under(&[FaultKind::Pause, FaultKind::Partition], 3);
//! let outcome = in_bad_times.run(1)?;
//! assert!(!outcome.plan.is_empty(), "what seed 1 draws");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A scenario is the same for every seed but in what is left to chance: how long messages and work take, who is elected,
//! and which faults are drawn.

mod backend;
mod build;
mod clients;
mod diagnostic;
mod file;
mod network;
mod recipe;
pub(crate) mod servers;
#[cfg(test)]
mod tests;
mod toml;

use std::collections::BTreeSet;
use std::time::Duration;

use fencepost_faults::Plan;
use fencepost_models::load::LoadSettings;
use fencepost_models::locks::redis::RedisLockSettings;
use fencepost_models::locks::redisson::RedissonSettings;
use fencepost_models::locks::redlock::Tokens;
use fencepost_models::machine::NodeId;
use fencepost_models::note::Name;
use fencepost_models::redis::server::RedisSettings;
use fencepost_models::shop::Orders;
use fencepost_models::shop::buyer::{BuyerSettings, LeaseCheck};

pub use fencepost_faults::{FaultKind, RandomFaults};
pub use fencepost_models::shop::Fencing;

pub use self::backend::{Backend, RedisCluster, RedisIndependent, RedisSentinel, ZooKeeper};
pub use self::build::{Failure, Outcome};
pub use self::diagnostic::{InvalidScenario, Located, ScenarioError, render};
pub use self::file::MAX_FILE_BYTES;
pub use self::network::{LinkSettings, NetworkSettings};
pub use self::recipe::{Recipe, RedissonMulti};
use crate::judge::{Invariant, JudgeSettings, LockHome, ViolationKind};
use crate::world::Limits;

/// One scenario. The fields are open: build one from [`Scenario::default`] and change what differs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scenario {
    /// What it shows, in one line.
    pub title: String,
    /// What happens, why, what cures it, where it is described.
    pub explain: String,
    /// The seed of [`Scenario::run`] where no other is asked for.
    pub seed: u64,
    /// How much time to simulate.
    pub duration: Duration,
    /// The servers that the lock lives on; `None` for recipes that need none.
    pub backend: Option<Backend>,
    /// The lock.
    pub lock: Recipe,
    /// What it protects, and who buys there.
    pub shop: Shop,
    /// Who else writes to the lock's server: the node `load`, where there is one.
    pub load: Option<LoadSettings>,
    /// How long messages take.
    pub network: NetworkSettings,
    /// What goes wrong, in every run.
    pub faults: Plan,
    /// What goes wrong besides, drawn anew under each seed.
    pub random_faults: Option<RandomFaults>,
    /// How far a run may go.
    pub limits: Limits,
    /// A lock is stuck when it is wanted and free for longer than that; `None` for what the lock's
    /// own lease suggests ([`Recipe::stuck_after`]).
    pub stuck_after: Option<Duration>,
    /// What must hold of every run besides: laws of somebody's own, in code. No scenario file has them.
    pub invariants: Vec<Invariant>,
    /// The kinds of violations that a run must show, exactly; `None` says nothing about them.
    pub expect: Option<BTreeSet<ViolationKind>>,
}

/// The shop: the node `store`, the node `orders` where orders have a store of their own
/// ([`BuyerSettings::orders`]), and the buyers. Each buyer is a node, `buyer-1`, `buyer-2`, …, but on
/// [`Backend::Memory`], where they are threads.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shop {
    /// How much there is to sell.
    pub stock: u64,
    /// How many buyers come.
    pub buyers: u16,
    /// What the store does with fencing tokens.
    pub fencing: Fencing,
    /// Whether orders carry an id that the store knows them again by: an idempotency key. It matters
    /// when a buyer sends a request again ([`BuyerSettings::retries`]).
    pub order_id: bool,
    /// When the buyers come; `None` for as soon as the backend has settled
    /// ([`Backend::settles_after`]).
    pub opens: Option<Duration>,
    /// How the buyers behave.
    pub buyer: BuyerSettings,
}

impl Shop {
    /// At most so many buyers come: every pair of nodes has a link.
    pub const MAX_BUYERS: u16 = 1_000;

    /// Whether orders are recorded in a store of their own.
    pub const fn has_order_store(&self) -> bool {
        !matches!(self.buyer.orders, Orders::WithStock)
    }
}

impl Default for Scenario {
    /// Two buyers, one piece, one Redis, `set-nx`, no faults, a minute.
    fn default() -> Self {
        Self {
            title: "untitled".to_owned(),
            explain: String::new(),
            seed: 0,
            duration: Duration::from_secs(60),
            backend: Some(Backend::Redis(RedisSettings::default())),
            lock: Recipe::SetNx(RedisLockSettings::default()),
            shop: Shop::default(),
            load: None,
            network: NetworkSettings::default(),
            faults: Plan::new(),
            random_faults: None,
            limits: Limits::default(),
            stuck_after: None,
            invariants: Vec::new(),
            expect: None,
        }
    }
}

impl Default for Shop {
    fn default() -> Self {
        Self {
            stock: 1,
            buyers: 2,
            fencing: Fencing::Off,
            order_id: false,
            opens: None,
            buyer: BuyerSettings::default(),
        }
    }
}

impl Scenario {
    /// The same scenario with a change: `flash_sale().but(|s| s.shop.fencing = Fencing::Writes)`.
    #[must_use]
    pub fn but(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// When the buyers come.
    pub fn opens_after(&self) -> Duration {
        let settled = || self.backend.as_ref().map(Backend::settles_after).unwrap_or_default();
        self.shop.opens.unwrap_or_else(settled)
    }

    /// What the judge is told beside the history of a run.
    pub fn judge_settings(&self) -> JudgeSettings {
        let recovery = self.backend.as_ref().map(Backend::recovers_after).unwrap_or_default();
        let enough = || self.lock.stuck_after().saturating_add(recovery);
        let stuck_after = self.stuck_after.unwrap_or_else(enough);
        JudgeSettings { stuck_after, locks: self.lock_home(), invariants: self.invariants.clone() }
    }

    /// Where the locks are, by the numbers that the nodes have.
    fn lock_home(&self) -> LockHome {
        if let Some(Backend::Memory { .. }) = self.backend {
            return LockHome::Memory;
        }
        let servers = self.lock_server_names();
        let nodes = (0..).map(NodeId).zip(self.node_names());
        let servers = nodes.filter(|(_, name)| servers.contains(name)).map(|(node, _)| node);
        match self.backend {
            Some(Backend::RedisIndependent(_)) => LockHome::Majority(servers.collect()),
            _ => LockHome::Servers(servers.collect()),
        }
    }

    /// The same scenario under random faults: at most so many in each run, of these kinds, drawn anew under each
    /// seed. With no kinds at all, of every kind that can do something in it.
    ///
    /// ```
    /// use fencepost::scenario::{FaultKind, Scenario};
    ///
    /// let sale = Scenario::default().under(&[FaultKind::Pause, FaultKind::Crash], 2);
    /// assert_eq!(sale.run(1)?.plan.len().clamp(1, 2), sale.run(1)?.plan.len());
    /// assert!(Scenario::default().under(&[], 3).random_faults.is_some_and(|drawn| drawn.kinds.len() > 5));
    /// # Ok::<(), fencepost::scenario::Failure>(())
    /// ```
    #[must_use]
    pub fn under(self, kinds: &[FaultKind], max: u32) -> Self {
        let kinds = if kinds.is_empty() { self.stage().kinds() } else { kinds.to_vec() };
        self.but(|s| s.random_faults = Some(RandomFaults { kinds, max }))
    }

    /// Settings that cannot do what they are for, each in words: what they are about is not there.
    /// They are no errors, so that two scenarios may differ in a single word.
    ///
    /// ```
    /// use fencepost::scenario::{Recipe, Scenario};
    /// use fencepost::models::shop::Fencing;
    ///
    /// let fenced = Scenario::default().but(|s| s.shop.fencing = Fencing::Writes);
    /// assert!(fenced.misplaced_settings().is_empty());
    /// let race = fenced.but(|s| s.lock = Recipe::None);
    /// let said = "fencing: `none` gives no tokens, so the store refuses whatever it checks";
    /// assert_eq!(race.misplaced_settings(), [said]);
    /// ```
    pub fn misplaced_settings(&self) -> Vec<String> {
        let recipe = self.lock.as_str();
        let mut misplaced = Vec::new();
        let checks = self.shop.fencing != Fencing::Off;
        let counts = !matches!(&self.lock, Recipe::Redlock(lock) if lock.token != Tokens::None);
        if checks && counts && !self.lock.gives_tokens() {
            misplaced.push(match &self.lock {
                Recipe::ConditionalUpdate => {
                    format!("fencing: `{recipe}` gives no tokens, and needs none")
                }
                _ => format!(
                    "fencing: `{recipe}` gives no tokens, so the store refuses whatever it checks"
                ),
            });
        }
        if self.shop.buyer.lease_check != LeaseCheck::None {
            if !self.lock.knows_its_end() {
                misplaced
                    .push(format!("lease_check: `{recipe}` gives no lease whose end is known"));
            }
            if self.lock.redisson().is_some_and(|lock| lock.lease.is_none()) {
                misplaced
                    .push("lease_check: where a watchdog renews, nobody knows the end".to_owned());
            }
        }
        misplaced.extend(self.misplaced_of_redisson());
        if let Some(redis) = self.backend.as_ref().and_then(Backend::redis) {
            let (none, defaults) = (redis.maxmemory_bytes == 0, RedisSettings::default());
            if none && redis.maxmemory_policy != defaults.maxmemory_policy {
                misplaced.push("maxmemory_policy: there is no maxmemory".to_owned());
            }
            if none && redis.maxmemory_samples != defaults.maxmemory_samples {
                misplaced.push("maxmemory_samples: there is no maxmemory".to_owned());
            }
        }
        let no_sentinels = !matches!(&self.backend, Some(Backend::RedisSentinel(_)));
        if let Some(lock) = self.lock.redis() {
            let defaults = RedisLockSettings::default();
            let replicas = self.backend.as_ref().map_or(0, Backend::replicas);
            if lock.wait_replicas > u32::from(replicas) {
                misplaced.push(format!(
                    "wait_replicas: a master has {replicas} replicas, so no grant counts"
                ));
            }
            if no_sentinels && lock.discovery != defaults.discovery {
                misplaced.push("discovery: there are no Sentinels to listen to".to_owned());
            }
            if no_sentinels && lock.check_role {
                misplaced.push("check_role: nobody names a server that may be none".to_owned());
            }
        }
        if let Some(Backend::RedisCluster(cluster)) = &self.backend
            && cluster.moves_slot_after.is_some()
            && (cluster.masters == 1 || self.lock.key().is_none())
        {
            misplaced.push("moves_slot_after: there is no slot to move, or nowhere".to_owned());
        }
        misplaced
    }

    /// The same of Redisson's settings, and of what only a reentrant lock is for.
    fn misplaced_of_redisson(&self) -> Vec<String> {
        let mut misplaced = Vec::new();
        if self.shop.buyer.reenters && !self.lock.is_reentrant() {
            let recipe = self.lock.as_str();
            misplaced.push(match self.lock.is_lock() {
                true => format!(
                    "reenters: `{recipe}` is not reentrant, so a buyer waits for its own lease's end"
                ),
                false => format!("reenters: `{recipe}` is no lock that could be entered twice"),
            });
        }
        let Some(lock) = self.lock.redisson() else { return misplaced };
        let defaults = RedissonSettings::default();
        if lock.lease.is_some() && lock.watchdog_timeout != defaults.watchdog_timeout {
            misplaced.push("watchdog_timeout: a lock with a lease has no watchdog".to_owned());
        }
        if !matches!(&self.backend, Some(Backend::RedisSentinel(_) | Backend::RedisCluster(_))) {
            if lock.check_synced_slaves != defaults.check_synced_slaves {
                misplaced.push("check_synced_slaves: there are no replicas".to_owned());
            }
            if lock.slaves_sync_timeout != defaults.slaves_sync_timeout {
                misplaced.push("slaves_sync_timeout: there are no replicas".to_owned());
            }
        }
        misplaced
    }

    /// The names of all nodes, in the order of their numbers: the store, the store of the orders,
    /// the backend's servers, those that watch them, the nodes that the buyers are on, the load, the
    /// operator.
    pub fn node_names(&self) -> Vec<String> {
        let stores = ["store".to_owned()].into_iter().chain(self.orders_name());
        let (servers, watchers) = (self.lock_server_names(), self.watcher_names());
        let clients = self.client_names();
        let load = self.load.as_ref().map(|_| "load".to_owned());
        let operator = self.moves_slot().map(|_| "operator".to_owned());
        let others = load.into_iter().chain(operator);
        stores.chain(servers).chain(watchers).chain(clients).chain(others).collect()
    }

    /// The key whose slot an operator moves, and when, if one does.
    fn moves_slot(&self) -> Option<(&Name, Duration)> {
        let Some(Backend::RedisCluster(RedisCluster { moves_slot_after, .. })) = &self.backend
        else {
            return None;
        };
        Some((self.lock.key()?, (*moves_slot_after)?))
    }

    /// The name of the store of the orders, if there is one.
    fn orders_name(&self) -> Option<String> {
        self.shop.has_order_store().then(|| "orders".to_owned())
    }

    /// The names of the servers that the lock lives on.
    fn lock_server_names(&self) -> Vec<String> {
        self.backend.as_ref().map(Backend::server_names).unwrap_or_default()
    }

    /// The names of the servers that watch those.
    fn watcher_names(&self) -> Vec<String> {
        self.backend.as_ref().map(Backend::watcher_names).unwrap_or_default()
    }

    /// The names of the nodes that can be told to put a replica in its master's place.
    fn failover_targets(&self) -> Vec<String> {
        self.backend.as_ref().map(Backend::failover_targets).unwrap_or_default()
    }

    /// The names of the nodes that the buyers are on.
    fn client_names(&self) -> Vec<String> {
        let (kind, number) = match self.backend {
            Some(Backend::Memory { processes }) => ("jvm", processes),
            _ => ("buyer", self.shop.buyers),
        };
        (1..=number).map(|number| format!("{kind}-{number}")).collect()
    }
}
