//! From a scenario and a seed to a world, and from the world's run to a verdict.

use std::any::Any;
use std::cell::RefCell;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use fencepost_faults::{Plan, Stage};
use fencepost_models::load::set_keys;
use fencepost_models::locks::redis::RedisLockSettings;
use fencepost_models::machine::NodeId;
use fencepost_models::process::Process;
use fencepost_models::random::{OtherFuture, Random};
use fencepost_models::redis::client::Address;
use fencepost_models::redis::client::reshard::move_slot;
use fencepost_models::shop::buyer::ShopAddress;
use fencepost_models::shop::ids::OrderIds;
use fencepost_models::shop::orders::OrderStore;
use fencepost_models::shop::store::{Books, Store, StoreSettings};

use super::servers::{Servers, add_servers};
use super::{Backend, LinkSettings, Recipe, Scenario, Shop};
use crate::hunt::quiet;
use crate::judge::{Verdict, judge};
use crate::own::{Node, OwnRecipe};
use crate::world::history::RecordId;
use crate::world::{Fork, LinkId, Purpose, Run, RunError, World};

/// A run with what the judge says of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The plan that the world carried out: the scenario's own faults, then those that were drawn.
    pub plan: Plan,
    /// The run.
    pub run: Run,
    /// What the judge says.
    pub verdict: Verdict,
}

/// Why a scenario could not be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The recipe cannot lock on the backend.
    #[error("the recipe `{recipe}` cannot lock on {backend}")]
    Unfit {
        /// The recipe.
        recipe: &'static str,
        /// The backend, in words.
        backend: String,
    },
    /// There are no buyers, or too many.
    #[error("{buyers} buyers: accepted are 1 to {}", Shop::MAX_BUYERS)]
    Buyers {
        /// How many.
        buyers: u16,
    },
    /// There is a load, and no Redis that it could be on.
    #[error("there is a load, but no Redis that it could be on")]
    LoadWithoutBackend,
    /// There are no processes for the buyers to be threads of, or more of them than buyers.
    #[error("{buyers} buyers in {processes} processes: accepted are 1 to {buyers} processes")]
    Processes {
        /// How many processes.
        processes: u16,
        /// How many buyers.
        buyers: u16,
    },
    /// A link names a node that is not there.
    #[error("there is no node `{node}` (there are: {known})")]
    UnknownNode {
        /// The name.
        node: String,
        /// The names that there are.
        known: String,
    },
    /// An invariant of somebody's own cannot be called that.
    #[error("the invariant `{name}` cannot be called that: {reason}")]
    Invariant {
        /// The name.
        name: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// The world did not run to its end.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A model, or a user's own code, panicked.
    #[error("panic under seed {seed}: {message}")]
    Panicked {
        /// The seed that does it again.
        seed: u64,
        /// What the panic said.
        message: String,
    },
}

impl Scenario {
    /// Runs the scenario under a seed and judges the run.
    ///
    /// # Errors
    ///
    /// The scenario does not fit together, its run reached a limit, or something panicked.
    pub fn run(&self, seed: u64) -> Result<Outcome, Failure> {
        self.attempt(seed, || {
            let (world, plan) = self.world(seed)?;
            let run = world.run(self.duration)?;
            let verdict = judge(&run.history, &self.judge_settings());
            Ok(Outcome { plan, run, verdict })
        })
    }

    /// Runs the scenario under a seed, and judges nothing: the history is all that comes of it.
    ///
    /// # Errors
    ///
    /// As [`Scenario::run`].
    pub fn record(&self, seed: u64) -> Result<Run, Failure> {
        self.attempt(seed, || Ok(self.world(seed)?.0.run(self.duration)?))
    }

    /// Runs the scenario under a seed up to a record of its history, and goes on from there under the draws of
    /// another future: with other latencies and other work, and with other faults, where they are drawn. Faults
    /// of the scenario's own stay. The plan of what comes of it holds those that were drawn for the seed, and
    /// then those that were drawn for the future and do not begin before the point.
    ///
    /// # Errors
    ///
    /// As [`Scenario::run`].
    pub fn run_otherwise(
        &self,
        seed: u64,
        at: RecordId,
        future: NonZeroU64,
    ) -> Result<Outcome, Failure> {
        self.attempt(seed, || {
            let (mut world, _) = self.world(seed)?;
            let drawn = {
                let _future = OtherFuture::begin(future);
                self.plan(seed).split_off(self.faults.len())
            };
            world.fork(Fork { at, future, kept_faults: self.faults.len(), drawn });
            let run = world.run(self.duration)?;
            let verdict = judge(&run.history, &self.judge_settings());
            let plan = run.faults.iter().map(|outcome| outcome.fault.clone()).collect();
            Ok(Outcome { plan, run, verdict })
        })
    }

    /// What an attempt gives, or that it panicked. Somebody's own code has a thread of its own for each run: the
    /// standard library's hash maps are gone through in an order that depends on how many the thread has had before.
    fn attempt<T: Send>(
        &self,
        seed: u64,
        attempt: impl FnOnce() -> Result<T, Failure> + Send,
    ) -> Result<T, Failure> {
        if !self.has_own_code() {
            return or_panicked(seed, attempt);
        }
        quiet::apart(|| or_panicked(seed, attempt)).unwrap_or_else(|panic| {
            Err(Failure::Panicked { seed, message: message_of(panic.as_ref()) })
        })
    }

    /// Whether some of it is somebody's own code.
    pub(crate) const fn has_own_code(&self) -> bool {
        matches!(self.lock, Recipe::Own(_))
            || matches!(self.backend, Some(Backend::Own(_)))
            || !self.invariants.is_empty()
    }

    /// Whether a run shows exactly the violations that the scenario expects; none, where it does
    /// not say.
    pub fn is_met_by(&self, verdict: &Verdict) -> bool {
        match &self.expect {
            Some(kinds) => verdict.kinds() == *kinds,
            None => verdict.violations.is_empty(),
        }
    }

    /// The faults of a run under a seed: the scenario's own, then those that are drawn. They are
    /// drawn from a stream of their own, and from nothing but the nodes' names, the duration and
    /// the lock: no other change of the scenario changes them.
    pub fn plan(&self, seed: u64) -> Plan {
        let mut plan = self.faults.clone();
        if let Some(random) = &self.random_faults {
            let mut choices = Random::new(seed, Purpose::Faults.stream(0, 0));
            plan.extend(random.draw(&mut choices, &self.stage()));
        }
        plan
    }

    /// What faults can hit, and when it matters.
    pub fn stage(&self) -> Stage {
        let taken = if self.shop.has_order_store() { "stock-written" } else { "write-taken" };
        let (buyer_events, mut server_events) = match &self.lock {
            Recipe::None => (vec!["stock-seen", "order-placed"], vec![taken]),
            Recipe::ConditionalUpdate => (vec!["order-placed"], vec![taken]),
            Recipe::Jvm(_) => (vec!["acquired", "stock-seen", "releasing"], vec![taken]),
            Recipe::SetNx(_)
            | Recipe::SetNxPlainDel(_)
            | Recipe::SetnxExpire(_)
            | Recipe::Redisson(_)
            | Recipe::RedissonFenced(_)
            | Recipe::RedissonMulti(_)
            | Recipe::Redlock(_) => (vec!["acquired", "stock-seen", "releasing"], vec!["key-set"]),
            Recipe::ZooKeeper(_) | Recipe::Curator(_) => (
                vec!["acquired", "stock-seen", "releasing"],
                vec!["znode-created", "znode-deleted"],
            ),
            Recipe::Own(_) => (
                vec!["acquired", "stock-seen", "releasing"],
                match &self.backend {
                    None | Some(Backend::Memory { .. }) => vec![taken],
                    Some(Backend::ZooKeeper(_)) => vec!["znode-created", "znode-deleted"],
                    Some(Backend::Own(_)) => vec!["key-set", "remark"],
                    Some(_) => vec!["key-set"],
                },
            ),
        };
        match &self.backend {
            Some(Backend::RedisSentinel(_)) => {
                server_events.extend(["+odown", "+elected-leader", "promoted", "+switch-master"]);
            }
            Some(Backend::RedisCluster(_)) => {
                server_events.extend(["fail", "election-won", "promoted", "cluster-down"]);
            }
            Some(Backend::ZooKeeper(_)) => {
                server_events.extend([
                    "elected",
                    "epoch-established",
                    "follows",
                    "session-expired",
                ]);
            }
            _ => {}
        }
        // Where no lease can run out, faults last as long as where the default one does.
        let ttl = self.lock.lease().unwrap_or(RedisLockSettings::default().ttl);
        Stage {
            store: "store".to_owned(),
            orders: self.orders_name(),
            servers: self.lock_server_names(),
            watchers: self.watcher_names(),
            failover_targets: self.failover_targets(),
            buyers: self.client_names(),
            buyer_events,
            server_events,
            duration: self.duration,
            ttl,
            grain: Duration::from_millis(1),
        }
    }

    /// The world of this scenario under a seed, and the plan that it will carry out.
    fn world(&self, seed: u64) -> Result<(World, Plan), Failure> {
        self.check()?;
        let mut world = World::new(seed, self.network.latency);
        let shop = self.add_shop(&mut world);
        let servers = self.backend.as_ref().and_then(|backend| add_servers(&mut world, backend));
        let address = servers.as_ref().map(|servers| servers.address.clone());
        for client in self.clients() {
            // A recipe that needs servers fits a backend with some alone.
            let nobody = || Servers { nodes: Vec::new(), address: shop.store.into() };
            let servers = servers.clone().unwrap_or_else(nobody);
            let name = client.name.clone();
            if let Recipe::Own(own) = &self.lock {
                self.add_own(&mut world, &name, own.clone(), shop, servers.nodes.into());
                continue;
            }
            world.add_client(&name, move |boot| client.start(boot, shop, &servers));
        }
        if let Some(load) = &self.load {
            let takes_load = self.backend.as_ref().is_some_and(Backend::takes_load);
            let servers = servers.filter(|_| takes_load);
            let server = servers.and_then(|servers| servers.nodes.first().copied());
            let server = server.ok_or(Failure::LoadWithoutBackend)?;
            let load = load.clone();
            world.add_client("load", move |boot| {
                let load = load.clone();
                Process::new(boot, move |host| set_keys(host, server, load))
            });
        }
        if let (Some((key, after)), Some(Address::Cluster { nodes })) = (self.moves_slot(), address)
        {
            let key = key.clone();
            world.add_client("operator", move |boot| {
                let (nodes, key) = (nodes.clone(), key.clone());
                Process::new(boot, move |host| move_slot(host, nodes, key, after))
            });
        }
        for link in &self.network.links {
            world.set_latency(self.link(link)?, link.latency);
        }
        let plan = self.plan(seed);
        world.inject(plan.clone());
        world.set_limits(self.limits);
        Ok((world, plan))
    }

    /// A buyer whose lock is somebody's own code: it runs on madsim's executor, beside the loop.
    fn add_own(
        &self,
        world: &mut World,
        name: &str,
        own: OwnRecipe,
        shop: ShopAddress,
        servers: Rc<[NodeId]>,
    ) {
        let names: Rc<[String]> = self.node_names().into();
        let (opens_after, settings) = (self.opens_after(), self.shop.buyer.clone());
        world.add_foreign(name, move |host| {
            let node = Node::new(host.clone(), Rc::clone(&names), Rc::clone(&servers));
            let buys = own.start(node, shop, settings.clone());
            async move {
                if !opens_after.is_zero() && host.incarnation() == 0 {
                    host.sleep(opens_after).await;
                }
                buys.await;
            }
        });
    }

    fn add_shop(&self, world: &mut World) -> ShopAddress {
        let ids = OrderIds::new(self.shop.order_id);
        let books = Books::opened_with(self.shop.stock, ids.clone());
        let settings = StoreSettings { fencing: self.shop.fencing, orders: self.shop.buyer.orders };
        let store = world
            .add_server("store", move |boot| Store::new(books.clone(), settings, boot.incarnation));
        if !self.shop.has_order_store() {
            return ShopAddress { store, orders: store };
        }
        let ids = Rc::new(RefCell::new(ids));
        let orders = world.add_server("orders", move |_| OrderStore::new(ids.clone()));
        ShopAddress { store, orders }
    }

    /// Whether the parts fit together.
    fn check(&self) -> Result<(), Failure> {
        let buyers = self.shop.buyers;
        if !(1..=Shop::MAX_BUYERS).contains(&buyers) {
            return Err(Failure::Buyers { buyers });
        }
        if let Some(Backend::Memory { processes }) = self.backend
            && !(1..=buyers).contains(&processes)
        {
            return Err(Failure::Processes { processes, buyers });
        }
        if !self.lock.fits(self.backend.as_ref()) {
            let backend = self.backend.as_ref().map_or("no backend", Backend::as_str).to_owned();
            return Err(Failure::Unfit { recipe: self.lock.as_str(), backend });
        }
        for (place, invariant) in self.invariants.iter().enumerate() {
            if let Some(reason) = invariant.misnamed(&self.invariants[..place]) {
                return Err(Failure::Invariant { name: invariant.name(), reason });
            }
        }
        Ok(())
    }

    fn link(&self, link: &LinkSettings) -> Result<LinkId, Failure> {
        let names = self.node_names();
        let find = |name: &str| {
            let place = names.iter().position(|known| known == name);
            place.map(|place| NodeId(place as u16)).ok_or_else(|| Failure::UnknownNode {
                node: name.to_owned(),
                known: names.join(", "),
            })
        };
        Ok(LinkId { from: find(&link.from)?, to: find(&link.to)? })
    }
}

/// What an attempt gives, or that it panicked. Nothing of a broken world is looked at again.
fn or_panicked<T>(seed: u64, attempt: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|panic| {
        Err(Failure::Panicked { seed, message: message_of(panic.as_ref()) })
    })
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "?".to_owned())
}
