//! From a scenario and a seed to a world, and from the world's run to a verdict.

use fencepost_faults::Plan;
use fencepost_models::locks::none::NoLock;
use fencepost_models::locks::set_nx::SetNx;
use fencepost_models::machine::NodeId;
use fencepost_models::process::Process;
use fencepost_models::redis::server::{RedisSettings, Server as Redis};
use fencepost_models::shop::buyer::{buy_conditionally, buy_under};
use fencepost_models::shop::store::{Books, Store};

use super::{Backend, LinkSettings, Recipe, Scenario};
use crate::judge::{Verdict, judge};
use crate::world::{LinkId, Run, RunError, World};

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
}

impl Scenario {
    /// Runs the scenario under a seed and judges the run.
    ///
    /// # Errors
    ///
    /// The scenario does not fit together, or its run reached a limit.
    pub fn run(&self, seed: u64) -> Result<Outcome, Failure> {
        let (world, plan) = self.world(seed)?;
        let run = world.run(self.duration)?;
        let verdict = judge(&run.history);
        Ok(Outcome { plan, run, verdict })
    }

    /// The world of this scenario under a seed, and the plan that it will carry out.
    fn world(&self, seed: u64) -> Result<(World, Plan), Failure> {
        let mut world = World::new(seed, self.network.latency);
        let store = self.add_store(&mut world);
        let server = self.backend.map(|backend| add_server(&mut world, backend));
        for number in 1..=self.shop.buyers {
            self.add_buyer(&mut world, number, store, server)?;
        }
        for link in &self.network.links {
            world.set_latency(self.link(link)?, link.latency);
        }
        let plan = self.faults.clone();
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
                let backend = self.backend.map_or("no backend", Backend::as_str).to_owned();
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

fn add_server(world: &mut World, backend: Backend) -> NodeId {
    match backend {
        Backend::Redis => {
            world.add_server("redis", |boot| Redis::new(boot, RedisSettings::default()))
        }
    }
}
