//! The model's servers, on simulated time.

use bytes::Bytes;
use fencepost_models::machine::ConnectionId;
use fencepost_models::redis::address::AddressBook;
use fencepost_models::redis::cluster::ClusterSettings;
use fencepost_models::redis::sentinel::{Sentinel, SentinelSettings};
use fencepost_models::redis::server::{RedisSettings, ReplicationSettings, Server};

use crate::play::{Side, node};
use crate::real::{DOWN_AFTER, NODE_TIMEOUT, PING_PERIOD_S};
use crate::rig::Rig;
use crate::servers::Servers;

pub struct Model {
    rig: Rig,
    connections: Vec<ConnectionId>,
    _addresses: AddressBook,
}

impl Model {
    pub fn start(servers: Servers) -> Self {
        let count = servers.names().len();
        let address = |at| (node(at), ([127, 0, 0, 1], Servers::port(at)).into());
        let addresses = AddressBook::open((0..count).map(address));
        let mut rig = Rig::new();
        for at in 0..count {
            start(&mut rig, servers, at);
        }
        Self { rig, connections: Vec::new(), _addresses: addresses }
    }
}

fn start(rig: &mut Rig, servers: Servers, at: usize) {
    let replication = ReplicationSettings {
        sync_delay_s: 0,
        ping_period_s: PING_PERIOD_S,
        ..ReplicationSettings::default()
    };
    let is_replica = at == 1 && servers != Servers::Cluster;
    let settings = RedisSettings {
        enable_debug_command: true,
        has_config_file: servers == Servers::Sentinel,
        replica_of: is_replica.then_some(node(0)),
        replication,
        ..RedisSettings::default()
    };
    rig.start(node(at).0, 0, |boot| match servers {
        Servers::Cluster => {
            let cluster = ClusterSettings {
                node_timeout: NODE_TIMEOUT,
                ..ClusterSettings::of(&[node(0), node(1), node(2)], &[])
            };
            Box::new(Server::in_cluster(boot, settings, cluster))
        }
        Servers::Sentinel if at == 2 => {
            let settings =
                SentinelSettings { down_after: DOWN_AFTER, ..SentinelSettings::new(node(0), 1) };
            Box::new(Sentinel::new(boot, settings))
        }
        _ => Box::new(Server::new(boot, settings)),
    });
}

impl Side for Model {
    fn open(&mut self, server: usize) -> usize {
        self.connections.push(self.rig.client(node(server).0));
        self.connections.len() - 1
    }

    fn send(&mut self, at: usize, words: &[Bytes]) {
        self.rig.tell_words(self.connections[at], words.into());
    }

    fn wait(&mut self, at: usize, at_most_ms: u64) {
        let connection = self.connections[at];
        for _ in 0..at_most_ms {
            if self.rig.has_heard(connection) || !self.rig.is_open(connection) {
                return;
            }
            self.rig.pass(1);
        }
    }

    fn take(&mut self, at: usize) -> (Vec<u8>, bool) {
        let connection = self.connections[at];
        let mut bytes = Vec::new();
        while self.rig.has_heard(connection) {
            if let Some(reply) = self.rig.hear(connection, 0) {
                reply.encode(&mut bytes);
            }
        }
        (bytes, !self.rig.is_open(connection))
    }

    fn sleep(&mut self, millis: u64) {
        self.rig.pass(millis);
    }
}
