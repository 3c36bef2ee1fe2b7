//! The nodes that the buyers are on: from a recipe to their processes.

use std::time::Duration;

use fencepost_models::locks::curator::InterProcessMutex;
use fencepost_models::locks::jvm::JvmLock;
use fencepost_models::locks::none::NoLock;
use fencepost_models::locks::redis::set_nx::SetNx;
use fencepost_models::locks::redis::set_nx_plain_del::SetNxPlainDel;
use fencepost_models::locks::redis::setnx_expire::SetnxExpire;
use fencepost_models::locks::redisson::multi::RedissonMultiLock;
use fencepost_models::locks::redisson::rlock::RLock;
use fencepost_models::locks::redlock::Redlock;
use fencepost_models::locks::zookeeper::WriteLock;
use fencepost_models::machine::Boot;
use fencepost_models::process::{Host, Process};
use fencepost_models::shop::buyer::{BuyerSettings, ShopAddress, buy_conditionally, buy_under};

use super::servers::Servers;
use super::{Backend, Recipe, RedissonMulti, Scenario};

/// A node that buyers are on, before it is started.
#[derive(Clone, Debug)]
pub struct Client {
    /// The node's name.
    pub name: String,
    buyers: Buyers,
    recipe: Recipe,
    opens_after: Duration,
    buyer: BuyerSettings,
}

/// Who buys in a process.
#[derive(Clone, Copy, Debug)]
enum Buyers {
    /// Its `main`.
    Main,
    /// So many threads of it.
    Threads(u16),
}

impl Scenario {
    /// The nodes that the buyers are on. On [`Backend::Memory`] the first buyer is on the first node,
    /// the second on the second, and so on in turn.
    pub(super) fn clients(&self) -> Vec<Client> {
        let names = (0..).zip(self.client_names());
        let client = |(place, name): (u16, String)| Client {
            name,
            buyers: match self.backend {
                Some(Backend::Memory { processes }) => {
                    Buyers::Threads((self.shop.buyers - place).div_ceil(processes))
                }
                _ => Buyers::Main,
            },
            recipe: self.lock.clone(),
            opens_after: self.opens_after(),
            buyer: self.shop.buyer.clone(),
        };
        names.map(client).collect()
    }
}

impl Client {
    /// Starts its process. `servers` are those of the lock, for a recipe with some.
    pub fn start(&self, boot: Boot, shop: ShopAddress, servers: &Servers) -> Process {
        let Servers { nodes, address } = servers.clone();
        let buyer = self.buyer.clone();
        match self.recipe.clone() {
            Recipe::None => {
                self.process(boot, move |host| buy_under(host, NoLock, shop, buyer.clone()))
            }
            Recipe::ConditionalUpdate => {
                self.process(boot, move |host| buy_conditionally(host, shop, buyer.clone()))
            }
            Recipe::Jvm(settings) => {
                let lock = JvmLock::new(settings);
                self.process(boot, move |host| {
                    buy_under(host.clone(), lock.of_thread(host), shop, buyer.clone())
                })
            }
            Recipe::SetNx(settings) => self.process(boot, move |host| {
                let lock = SetNx::new(host.clone(), address.clone(), settings.clone());
                buy_under(host, lock, shop, buyer.clone())
            }),
            Recipe::SetNxPlainDel(settings) => self.process(boot, move |host| {
                let lock = SetNxPlainDel::new(host.clone(), address.clone(), settings.clone());
                buy_under(host, lock, shop, buyer.clone())
            }),
            Recipe::SetnxExpire(settings) => self.process(boot, move |host| {
                let lock = SetnxExpire::new(host.clone(), address.clone(), settings.clone());
                buy_under(host, lock, shop, buyer.clone())
            }),
            Recipe::Redisson(settings) => self.process(boot, move |host| {
                let lock = RLock::plain(&host, address.clone(), settings.clone());
                buy_under(host, lock, shop, buyer.clone())
            }),
            Recipe::RedissonFenced(settings) => self.process(boot, move |host| {
                let lock = RLock::fenced(&host, address.clone(), settings.clone());
                buy_under(host, lock, shop, buyer.clone())
            }),
            Recipe::RedissonMulti(RedissonMulti { lock: settings, needs }) => {
                self.process(boot, move |host| {
                    let lock = RedissonMultiLock::new(&host, &nodes, settings.clone(), needs);
                    buy_under(host, lock, shop, buyer.clone())
                })
            }
            Recipe::Redlock(settings) => self.process(boot, move |host| {
                let lock = Redlock::new(host.clone(), &nodes, settings.clone());
                buy_under(host, lock, shop, buyer.clone())
            }),
            Recipe::ZooKeeper(settings) => self.process(boot, move |host| {
                let lock = WriteLock::new(host.clone(), &nodes, settings.clone());
                buy_under(host, lock, shop, buyer.clone())
            }),
            // Their code runs beside the loop: `Scenario::add_own`.
            Recipe::Own(_) => Process::new(boot, async |_| ()),
            Recipe::Curator(settings) => self.process(boot, move |host| {
                let lock = InterProcessMutex::new(host.clone(), &nodes, settings.clone());
                buy_under(host, lock, shop, buyer.clone())
            }),
        }
    }

    fn process<F: Future<Output = ()> + 'static>(
        &self,
        boot: Boot,
        buyer: impl Fn(Host) -> F + 'static,
    ) -> Process {
        let opens_after = self.opens_after;
        match self.buyers {
            // Whoever comes to an open shop need not wait.
            Buyers::Main if opens_after.is_zero() || boot.incarnation > 0 => {
                Process::new(boot, buyer)
            }
            Buyers::Main => Process::new(boot, move |host| async move {
                host.sleep(opens_after).await;
                buyer(host).await;
            }),
            Buyers::Threads(threads) => Process::new(boot, move |host| async move {
                if !opens_after.is_zero() && host.incarnation() == 0 {
                    host.sleep(opens_after).await;
                }
                for _ in 0..threads {
                    host.spawn_thread(&buyer);
                }
            }),
        }
    }
}
