//! Masters and replicas together, one file for each part of it.

mod beside_redis;
mod failover;
mod handshake;
mod refusals;
mod writes;

use super::super::resp::Reply;
use super::super::rig::Rig;
use super::super::server::{RedisSettings, ReplicationSettings, Server};
use crate::machine::NodeId;

/// A server on node `node` that follows another one, or nobody.
fn start(rig: &mut Rig, node: u16, master: Option<u16>, replication: ReplicationSettings) {
    restart(rig, node, 0, master, replication);
}

fn restart(
    rig: &mut Rig,
    node: u16,
    incarnation: u32,
    master: Option<u16>,
    replication: ReplicationSettings,
) {
    let settings = RedisSettings {
        replica_of: master.map(NodeId),
        replication,
        has_config_file: true,
        ..RedisSettings::default()
    };
    rig.start(node, incarnation, |boot| Box::new(Server::new(boot, settings)));
}

/// A master on node 1 with replicas on the following nodes, which are in step.
fn group(replicas: u16) -> Rig {
    group_with(replicas, ReplicationSettings::default())
}

fn group_with(replicas: u16, settings: ReplicationSettings) -> Rig {
    let mut rig = Rig::new();
    start(&mut rig, 1, None, settings);
    for node in 2..2 + replicas {
        start(&mut rig, node, Some(1), settings);
    }
    rig.pass(8000);
    for node in 2..2 + replicas {
        assert_eq!(rig.info(node, "master_link_status").as_deref(), Some("up"));
    }
    rig
}

fn text(text: &'static str) -> Option<Reply> {
    Some(Reply::Bulk(text.into()))
}
