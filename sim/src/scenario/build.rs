//! From a scenario and a seed to a world, and from the world's run to a verdict.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use fencepost_faults::{Plan, Stage};
use fencepost_models::locks::none::NoLock;
use fencepost_models::locks::set_nx::{SetNx, SetNxSettings};
use fencepost_models::machine::NodeId;
use fencepost_models::process::Process;
use fencepost_models::random::Random;
use fencepost_models::redis::server::Server as Redis;
use fencepost_models::shop::buyer::{buy_conditionally, buy_under};
use fencepost_models::shop::store::{Books, Store};

use super::{Backend, LinkSettings, Recipe, Scenario, Shop};
use crate::judge::{Verdict, judge};
use crate::world::{LinkId, Purpose, Run, RunError, World};

/// A run with what the judge says of it.
#[derive(Clone, Debug)]
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
    /// A link names a node that is not there.
    #[error("there is no node `{node}` (there are: {known})")]
    UnknownNode {
        /// The name.
        node: String,
        /// The names that there are.
        known: String,
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
        let attempt = || {
            let (world, plan) = self.world(seed)?;
            let run = world.run(self.duration)?;
            let verdict = judge(&run.history);
            Ok(Outcome { plan, run, verdict })
        };
        // Nothing of the broken world is looked at again.
        catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|panic| {
            Err(Failure::Panicked { seed, message: message_of(panic.as_ref()) })
        })
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
        let names = self.node_names();
        let (others, buyers) = names.split_at(names.len() - usize::from(self.shop.buyers));
        let (buyer_events, server_events) = match &self.lock {
            Recipe::None => (vec!["stock-seen", "order-placed"], vec!["write-taken"]),
            Recipe::ConditionalUpdate => (vec!["order-placed"], vec!["write-taken"]),
            Recipe::SetNx(_) => (vec!["acquired", "stock-seen", "releasing"], vec!["key-set"]),
        };
        let ttl = match &self.lock {
            Recipe::None | Recipe::ConditionalUpdate => SetNxSettings::default().ttl,
            Recipe::SetNx(settings) => settings.ttl,
        };
        Stage {
            store: others.first().cloned().unwrap_or_default(),
            servers: others.iter().skip(1).cloned().collect(),
            buyers: buyers.to_vec(),
            buyer_events,
            server_events,
            duration: self.duration,
            ttl,
            grain: Duration::from_millis(1),
        }
    }

    /// The world of this scenario under a seed, and the plan that it will carry out.
    fn world(&self, seed: u64) -> Result<(World, Plan), Failure> {
        let buyers = self.shop.buyers;
        if !(1..=Shop::MAX_BUYERS).contains(&buyers) {
            return Err(Failure::Buyers { buyers });
        }
        let mut world = World::new(seed, self.network.latency);
        let store = self.add_store(&mut world);
        let server = self.backend.as_ref().map(|backend| add_server(&mut world, backend));
        for number in 1..=self.shop.buyers {
            self.add_buyer(&mut world, number, store, server)?;
        }
        for link in &self.network.links {
            world.set_latency(self.link(link)?, link.latency);
        }
        let plan = self.plan(seed);
        world.inject(plan.clone());
        world.set_limits(self.limits);
        Ok((world, plan))
    }

    fn add_store(&self, world: &mut World) -> NodeId {
        let (books, fencing) = (Books::opened_with(self.shop.stock), self.shop.fencing);
        world.add_server("store", move |boot| Store::new(books.clone(), fencing, boot.incarnation))
    }

    fn add_buyer(
        &self,
        world: &mut World,
        number: u16,
        store: NodeId,
        server: Option<NodeId>,
    ) -> Result<(), Failure> {
        let name = format!("buyer-{number}");
        let buyer = self.shop.buyer.clone();
        match (&self.lock, server) {
            (Recipe::SetNx(lock), Some(server)) => {
                let lock = lock.clone();
                world.add_client(&name, move |boot| {
                    let (lock, buyer) = (lock.clone(), buyer.clone());
                    Process::new(boot, move |host| {
                        let lock = SetNx::new(host.clone(), server, lock);
                        buy_under(host, lock, store, buyer)
                    })
                });
            }
            (Recipe::ConditionalUpdate, _) => {
                world.add_client(&name, move |boot| {
                    let buyer = buyer.clone();
                    Process::new(boot, move |host| buy_conditionally(host, store, buyer))
                });
            }
            (Recipe::SetNx(_), None) => {
                let backend =
                    self.backend.as_ref().map_or("no backend", Backend::as_str).to_owned();
                return Err(Failure::Unfit { recipe: self.lock.as_str(), backend });
            }
            (Recipe::None, _) => {
                world.add_client(&name, move |boot| {
                    let buyer = buyer.clone();
                    Process::new(boot, move |host| buy_under(host, NoLock, store, buyer))
                });
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

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "?".to_owned())
}

fn add_server(world: &mut World, backend: &Backend) -> NodeId {
    match backend {
        Backend::Redis(settings) => {
            let settings = *settings;
            world.add_server("redis", move |boot| Redis::new(boot, settings))
        }
    }
}
