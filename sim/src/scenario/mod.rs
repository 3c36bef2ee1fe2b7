//! A scenario: a shop, its buyers, a lock to protect it, and what goes wrong. Written in TOML
//! ([`Scenario::from_toml`]) or in Rust, run under a seed ([`Scenario::run`]).

mod backend;
mod build;
mod diagnostic;
mod file;
mod recipe;
#[cfg(test)]
mod tests;
mod toml;

use std::collections::BTreeSet;
use std::time::Duration;

use fencepost_faults::{Plan, RandomFaults};
use fencepost_models::locks::set_nx::SetNxSettings;
use fencepost_models::redis::server::RedisSettings;
use fencepost_models::shop::Fencing;
use fencepost_models::shop::buyer::BuyerSettings;

pub use self::backend::Backend;
pub use self::build::{Failure, Outcome};
pub use self::diagnostic::{InvalidScenario, Located, ScenarioError, render};
pub use self::file::MAX_FILE_BYTES;
pub use self::recipe::Recipe;
use crate::judge::ViolationKind;
use crate::world::{Latency, Limits};

/// One scenario. The fields are open: build one from [`Scenario::default`] and change what differs.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// How long messages take.
    pub network: NetworkSettings,
    /// What goes wrong, in every run.
    pub faults: Plan,
    /// What goes wrong besides, drawn anew under each seed.
    pub random_faults: Option<RandomFaults>,
    /// How far a run may go.
    pub limits: Limits,
    /// The kinds of violations that a run must show, exactly; `None` says nothing about them.
    pub expect: Option<BTreeSet<ViolationKind>>,
}

/// The shop: the node `store`, and the buyers `buyer-1`, `buyer-2`, …
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shop {
    /// How much there is to sell.
    pub stock: u64,
    /// How many buyers come.
    pub buyers: u16,
    /// What the store does with fencing tokens.
    pub fencing: Fencing,
    /// How the buyers behave.
    pub buyer: BuyerSettings,
}

impl Shop {
    /// At most so many buyers come: every pair of nodes has a link.
    pub const MAX_BUYERS: u16 = 1_000;
}

/// How long messages take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSettings {
    /// Of every link that has no latency of its own.
    pub latency: Latency,
    /// Links with a latency of their own, one way each, by the names of the nodes.
    pub links: Vec<LinkSettings>,
}

/// The latency of one link, one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSettings {
    /// From whom.
    pub from: String,
    /// To whom.
    pub to: String,
    /// How long messages take.
    pub latency: Latency,
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
            lock: Recipe::SetNx(SetNxSettings::default()),
            shop: Shop::default(),
            network: NetworkSettings::default(),
            faults: Plan::new(),
            random_faults: None,
            limits: Limits::default(),
            expect: None,
        }
    }
}

impl Default for Shop {
    fn default() -> Self {
        Self { stock: 1, buyers: 2, fencing: Fencing::Off, buyer: BuyerSettings::default() }
    }
}

impl Default for NetworkSettings {
    /// A few machines in one data centre: about half a millisecond, with a tail.
    fn default() -> Self {
        let (min, mean_rest) = (Duration::from_micros(200), Duration::from_micros(300));
        Self { latency: Latency::Exponential { min, mean_rest }, links: Vec::new() }
    }
}

impl Scenario {
    /// The same scenario with a change: `flash_sale().but(|s| s.shop.fencing = Fencing::Writes)`.
    #[must_use]
    pub fn but(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The names of all nodes, in the order of their numbers: the store, the backend's servers,
    /// the buyers.
    pub fn node_names(&self) -> Vec<String> {
        let servers = self.backend.as_ref().map(Backend::node_names).unwrap_or_default();
        let buyers = (1..=self.shop.buyers).map(|number| format!("buyer-{number}"));
        ["store".to_owned()].into_iter().chain(servers).chain(buyers).collect()
    }
}
