//! Sentinels with real servers of the model, one file for each part of it.

mod clients;
mod discovery;
mod down;
mod failover;
mod restart;
mod tilt;
mod votes;

use std::time::Duration;

use super::super::resp::Reply;
use super::super::rig::Rig;
use super::super::server::{RedisSettings, Server};
use super::*;
use crate::note::Note;

/// The master is node 1, the replicas 2 and 3, the Sentinels 11 to 13.
const SERVERS: [u16; 3] = [1, 2, 3];
const SENTINELS: [u16; 3] = [11, 12, 13];

fn settings() -> SentinelSettings {
    SentinelSettings { down_after: Duration::from_secs(5), ..SentinelSettings::new(NodeId(1), 2) }
}

fn start_server(rig: &mut Rig, node: u16, incarnation: u32) {
    let settings = RedisSettings {
        replica_of: (node != 1).then_some(NodeId(1)),
        has_config_file: true,
        ..RedisSettings::default()
    };
    rig.start(node, incarnation, |boot| Box::new(Server::new(boot, settings)));
}

fn start_sentinel(rig: &mut Rig, node: u16, incarnation: u32) {
    rig.start(node, incarnation, |boot| Box::new(Sentinel::new(boot, settings())));
}

/// A group in which everybody knows everybody and all replicas are in step.
fn group() -> Rig {
    let mut rig = Rig::new();
    for node in SERVERS {
        start_server(&mut rig, node, 0);
    }
    rig.pass(8000);
    for node in SENTINELS {
        start_sentinel(&mut rig, node, 0);
    }
    rig.pass(15_000);
    rig
}

/// The events of a Sentinel so far, by their names.
fn events(rig: &Rig, node: u16) -> Vec<&'static str> {
    let event = |(of, note): &(NodeId, Note)| match note {
        Note::Sentinel { event, .. } if of.0 == node => Some(*event),
        _ => None,
    };
    rig.notes.iter().filter_map(event).collect()
}

/// The events of all Sentinels of one name: who, and about what.
fn events_of(rig: &Rig, name: &str) -> Vec<(u16, String)> {
    let event = |(of, note): &(NodeId, Note)| match note {
        Note::Sentinel { event, detail } if *event == name => Some((of.0, detail.clone())),
        _ => None,
    };
    rig.notes.iter().filter_map(event).collect()
}

/// Whom a Sentinel names as the master, by the last number of its address.
fn master_by(rig: &mut Rig, sentinel: u16) -> Option<u16> {
    let reply = rig.ask(sentinel, "SENTINEL GET-MASTER-ADDR-BY-NAME mymaster")?;
    let Reply::Array(items) = reply else { return None };
    let [Reply::Bulk(ip), Reply::Bulk(port)] = &items[..] else { return None };
    crate::redis::address::node(ip, port).map(|node| node.0)
}

/// A field of `SENTINEL MASTER`.
fn field(rig: &mut Rig, sentinel: u16, name: &str) -> Option<String> {
    let Some(Reply::Array(items)) = rig.ask(sentinel, "SENTINEL MASTER mymaster") else {
        return None;
    };
    let text = |reply: &Reply| match reply {
        Reply::Bulk(text) => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    };
    let mut pairs = items.as_chunks::<2>().0.iter();
    pairs.find(|[key, _]| text(key) == name).map(|[_, value]| text(value))
}
