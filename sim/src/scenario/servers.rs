//! From a backend to the nodes that its servers are on.

use bytes::Bytes;
use fencepost_models::machine::NodeId;
use fencepost_models::message::Message;
use fencepost_models::redis::client::Address;
use fencepost_models::redis::sentinel::Sentinel;
use fencepost_models::redis::server::{RedisSettings, Server as Redis};
use fencepost_models::redis::supervised::Supervised;
use fencepost_models::zookeeper::server::Server as ZooKeeperServer;

use super::backend::{Backend, RedisCluster, RedisIndependent, RedisSentinel, ZooKeeper};
use crate::own::{OwnServer, OwnServers};
use crate::world::World;

/// The servers of a backend, in a world.
#[derive(Clone)]
pub struct Servers {
    /// Those that keep the lock, in the order of their numbers; the master comes first, in the beginning.
    pub nodes: Vec<NodeId>,
    /// How clients of Redis find the one that they need. Of independent servers it is the first alone: who
    /// locks on all of them has a client for each of [`Servers::nodes`]. Clients of an ensemble know those.
    pub address: Address,
}

/// Adds the backend's servers, if it has any.
pub fn add_servers(world: &mut World, backend: &Backend) -> Option<Servers> {
    match backend {
        Backend::Redis(settings) => {
            let settings = *settings;
            let node = world.add_server("redis", move |boot| Redis::new(boot, settings));
            Some(Servers { nodes: vec![node], address: node.into() })
        }
        Backend::RedisSentinel(group) => add_group(world, backend, group),
        Backend::RedisCluster(cluster) => add_cluster(world, backend, cluster),
        Backend::RedisIndependent(masters) => add_masters(world, backend, masters),
        Backend::ZooKeeper(ensemble) => add_ensemble(world, backend, ensemble),
        Backend::Memory { .. } => None,
        Backend::Own(servers) => add_own(world, servers),
    }
}

fn add_masters(
    world: &mut World,
    backend: &Backend,
    masters: &RedisIndependent,
) -> Option<Servers> {
    let settings = RedisSettings { replica_of: None, ..masters.redis };
    let delay = masters.restart_delay;
    let add = |name: String| {
        if delay.is_zero() {
            world.add_server(&name, move |boot| Redis::new(boot, settings))
        } else {
            world.add_server(&name, move |boot| Supervised::new(boot, settings, delay))
        }
    };
    let nodes: Vec<NodeId> = backend.server_names().into_iter().map(add).collect();
    let first = *nodes.first()?;
    Some(Servers { nodes, address: first.into() })
}

fn add_own(world: &mut World, servers: &OwnServers) -> Option<Servers> {
    let add = |server: &OwnServer| {
        let (name, server) = (server.name().to_owned(), server.clone());
        world.add_server(&name, move |boot| server.start(boot))
    };
    let nodes: Vec<NodeId> = servers.iter().map(add).collect();
    let first = *nodes.first()?;
    Some(Servers { nodes, address: first.into() })
}

fn add_ensemble(world: &mut World, backend: &Backend, ensemble: &ZooKeeper) -> Option<Servers> {
    let nodes = next_nodes(world, ensemble.servers);
    let settings = ensemble.settings(&nodes);
    for name in backend.server_names() {
        let settings = settings.clone();
        world.add_server(&name, move |boot| ZooKeeperServer::new(&boot, settings.clone()));
    }
    let first = *nodes.first()?;
    Some(Servers { nodes, address: first.into() })
}

/// The numbers of the nodes that are added next: where everybody knows everybody from the start, they have to
/// be known before.
fn next_nodes(world: &World, count: u16) -> Vec<NodeId> {
    let first = world.next_node().0;
    (first..).map(NodeId).take(usize::from(count)).collect()
}

fn add_cluster(world: &mut World, backend: &Backend, cluster: &RedisCluster) -> Option<Servers> {
    let nodes = next_nodes(world, cluster.servers());
    let settings = cluster.node(&nodes);
    for name in backend.server_names() {
        let (redis, settings) = (cluster.redis, settings.clone());
        let node =
            world.add_server(&name, move |boot| Redis::in_cluster(boot, redis, settings.clone()));
        let failover = ["CLUSTER", "FAILOVER"].map(|word| Bytes::from_static(word.as_bytes()));
        world.set_failover(node, Message::Redis(failover.into()));
    }
    Some(Servers { nodes: nodes.clone(), address: Address::Cluster { nodes } })
}

fn add_group(world: &mut World, backend: &Backend, group: &RedisSentinel) -> Option<Servers> {
    let mut servers = Vec::new();
    for name in backend.server_names() {
        let settings = group.server(servers.first().copied());
        servers.push(world.add_server(&name, move |boot| Redis::new(boot, settings)));
    }
    let master = *servers.first()?;
    let settings = group.sentinel(master);
    let failover = ["SENTINEL", "FAILOVER"].map(|word| Bytes::from_static(word.as_bytes()));
    let failover: Vec<Bytes> = failover.into_iter().chain([settings.master_name.clone()]).collect();
    let mut nodes = Vec::new();
    for name in backend.watcher_names() {
        let settings = settings.clone();
        let node = world.add_server(&name, move |boot| Sentinel::new(boot, settings.clone()));
        world.set_failover(node, Message::Redis(failover.clone().into()));
        nodes.push(node);
    }
    let address = Address::Sentinels { nodes, master_name: settings.master_name };
    Some(Servers { nodes: servers, address })
}
