//! Clients of a cluster: each command goes to the master of its key's slot.
//!
//! A table of slots comes from any node (`CLUSTER SLOTS`). `MOVED` corrects it; after five of them, and
//! after a connection that breaks, it is asked for anew. `ASK` sends one command elsewhere, with an
//! `ASKING` before it. `TRYAGAIN` has the command sent again to the same node, after a little wait when it has
//! come often; `CLUSTERDOWN` ends the call after a longer one. A slot that the table lacks ends it too, and the table
//! is asked for anew.
//!
//! A broken connection and `CLUSTERDOWN` end the call, and the caller tries again. redis-py would send the command up to
//! three times more by itself (`cluster_error_retry_attempts`), not knowing whether it was carried out.
//!
//! Source: redis-py, `redis/cluster.py`: `_execute_command`, `NodesManager`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::CallError;
use super::wire::Wire;
use crate::machine::NodeId;
use crate::process::Host;
use crate::redis::address;
use crate::redis::cluster::key_slot;
use crate::redis::commands;
use crate::redis::resp::Reply;

/// How often a command is sent on. Source: `RedisCluster.RedisClusterRequestTTL = 16`.
const REDIRECTIONS_MOST: u32 = 16;

/// After how many `MOVED` the table is asked for anew. Source: `reinitialize_steps = 5`.
const MOVED_UNTIL_REFRESH: u32 = 5;

/// From the how-manieth time on a command waits before it is sent again, counted from 0. Source:
/// `_execute_command`: `if ttl < self.RedisClusterRequestTTL / 2`.
const WAIT_FROM: u32 = REDIRECTIONS_MOST / 2;

/// Source: `_execute_command`: `time.sleep(0.05)` and `time.sleep(0.25)`.
const WAIT_TO_TRY_AGAIN: Duration = Duration::from_millis(50);
const WAIT_WHILE_DOWN: Duration = Duration::from_millis(250);

/// What a client knows of a cluster.
pub(super) struct Cluster {
    host: Host,
    timeout: Duration,
    /// Whom it asks for the table.
    nodes: Vec<NodeId>,
    /// The first slot of each range, with its last one and its master.
    table: BTreeMap<u16, (u16, NodeId)>,
    wires: BTreeMap<NodeId, Wire>,
    /// Who carried out the last command.
    last: Option<NodeId>,
    moved: u32,
}

/// Where a node says that a command belongs.
enum Elsewhere {
    Moved { slot: u16, to: NodeId },
    Ask { to: NodeId },
    TryAgain,
    Down,
}

impl Cluster {
    pub(super) fn new(host: Host, nodes: Vec<NodeId>, timeout: Duration) -> Self {
        let (table, wires) = (BTreeMap::new(), BTreeMap::new());
        Self { host, timeout, nodes, table, wires, last: None, moved: 0 }
    }

    /// Another client's of the same cluster, which knows nothing of it yet.
    pub(super) fn sibling(&self) -> Self {
        Self::new(self.host.clone(), self.nodes.clone(), self.timeout)
    }

    /// The master of a key's slot, as far as it is known.
    pub(super) async fn home(&mut self, key: &[u8]) -> Result<NodeId, CallError> {
        self.master_of(key_slot(key)).await
    }

    /// Asks for the table again before the next command.
    pub(super) fn forget(&mut self) {
        self.table.clear();
    }

    /// Carries out a command, wherever it belongs.
    pub(super) async fn call(&mut self, command: &Arc<[Bytes]>) -> Result<Reply, CallError> {
        let slot = slot_of(command);
        let (mut node, mut asking) = (self.master_of(slot).await?, false);
        for redirections in 0..REDIRECTIONS_MOST {
            let reply = self.send(node, command, std::mem::take(&mut asking)).await?;
            match elsewhere(&reply) {
                None => return Ok(reply),
                Some(Elsewhere::Ask { to }) => (node, asking) = (to, true),
                Some(Elsewhere::Moved { slot: moved, to }) => {
                    self.take_note(moved, to);
                    node = self.master_of(slot).await?;
                }
                Some(Elsewhere::TryAgain) if redirections < WAIT_FROM => {}
                Some(Elsewhere::TryAgain) => self.host.sleep(WAIT_TO_TRY_AGAIN).await,
                Some(Elsewhere::Down) => {
                    self.host.sleep(WAIT_WHILE_DOWN).await;
                    self.table.clear();
                    return Err(CallError::Refused);
                }
            }
        }
        Err(CallError::Refused)
    }

    /// Carries out a command where the last one was, on the same connection.
    pub(super) async fn call_on_same(&mut self, command: Arc<[Bytes]>) -> Result<Reply, CallError> {
        match self.last.and_then(|node| self.wires.get_mut(&node)) {
            Some(wire) if wire.is_open() => wire.call(command).await,
            _ => Err(CallError::NotConnected),
        }
    }

    async fn send(
        &mut self,
        node: NodeId,
        command: &Arc<[Bytes]>,
        asking: bool,
    ) -> Result<Reply, CallError> {
        let wire = self
            .wires
            .entry(node)
            .or_insert_with(|| Wire::new(self.host.clone(), node, self.timeout));
        self.last = Some(node);
        let answer = send_on(wire, command, asking).await;
        if answer.is_err() {
            self.suspect(node);
        }
        answer
    }

    /// A node has not answered: another one may have taken its place. The others are asked first. Source:
    /// `_execute_command`: `startup_nodes.pop`, before the table is asked for anew.
    fn suspect(&mut self, node: NodeId) {
        self.table.clear();
        self.nodes.sort_by_key(|known| *known == node);
    }

    /// A slot is another node's than the table says.
    fn take_note(&mut self, slot: u16, to: NodeId) {
        self.moved += 1;
        if self.moved.is_multiple_of(MOVED_UNTIL_REFRESH) {
            return self.table.clear();
        }
        let range = self.table.range(..=slot).next_back().map(|(first, range)| (*first, *range));
        if let Some((first, (last, node))) = range.filter(|(_, (last, _))| slot <= *last) {
            self.table.remove(&first);
            if first < slot {
                self.table.insert(first, (slot - 1, node));
            }
            if slot < last {
                self.table.insert(slot + 1, (last, node));
            }
        }
        self.table.insert(slot, (slot, to));
    }

    async fn master_of(&mut self, slot: u16) -> Result<NodeId, CallError> {
        if self.table.is_empty() {
            self.ask_for_table().await;
        }
        let range = self.table.range(..=slot).next_back();
        match range {
            Some((_, (last, node))) if slot <= *last => Ok(*node),
            _ => {
                // Somebody may have it by then.
                self.table.clear();
                Err(CallError::NotConnected)
            }
        }
    }

    /// Asks the nodes in turn until one answers.
    async fn ask_for_table(&mut self) {
        for node in self.nodes.clone() {
            let wire = self
                .wires
                .entry(node)
                .or_insert_with(|| Wire::new(self.host.clone(), node, self.timeout));
            let words = ["CLUSTER", "SLOTS"].map(|word| Bytes::from_static(word.as_bytes()));
            if let Ok(Reply::Array(ranges)) = wire.call(words.into()).await {
                let ranges = ranges.iter().filter_map(Range::read);
                self.table =
                    ranges.map(|range| (range.first, (range.last, range.master))).collect();
                if !self.table.is_empty() {
                    return;
                }
            }
        }
    }
}

async fn send_on(
    wire: &mut Wire,
    command: &Arc<[Bytes]>,
    asking: bool,
) -> Result<Reply, CallError> {
    if asking {
        wire.call([Bytes::from_static(b"ASKING")].into()).await?;
    }
    wire.call(command.clone()).await
}

/// A range of `CLUSTER SLOTS`.
pub(super) struct Range {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) master: NodeId,
    /// The master's name in the cluster, if it is said.
    pub(super) name: Option<Bytes>,
}

impl Range {
    /// First and last slot, then nodes, the master first: each with its address, its port and its name.
    pub(super) fn read(reply: &Reply) -> Option<Self> {
        let Reply::Array(items) = reply else { return None };
        let [Reply::Int(first), Reply::Int(last), Reply::Array(master), ..] = &items[..] else {
            return None;
        };
        let [Reply::Bulk(ip), Reply::Int(port), ..] = &master[..] else { return None };
        let name = match master.get(2) {
            Some(Reply::Bulk(name)) => Some(name.clone()),
            _ => None,
        };
        Some(Self {
            first: u16::try_from(*first).ok()?,
            last: u16::try_from(*last).ok()?,
            master: address::node(ip, port.to_string().as_bytes())?,
            name,
        })
    }
}

/// The slot of a command's first key; the first one of all, where it has none.
fn slot_of(command: &[Bytes]) -> u16 {
    let keys = commands::lookup(command).map(|row| row.keys.keys(command).next());
    keys.flatten().map_or(0, key_slot)
}

fn elsewhere(reply: &Reply) -> Option<Elsewhere> {
    let Reply::Error(text) = reply else { return None };
    let text = std::str::from_utf8(text).ok()?;
    let mut words = text.split(' ');
    let (code, slot, to) = (words.next()?, words.next(), words.next());
    let node = || {
        let (ip, port) = to?.split_once(':')?;
        address::node(ip.as_bytes(), port.as_bytes())
    };
    match code {
        "MOVED" => Some(Elsewhere::Moved { slot: slot?.parse().ok()?, to: node()? }),
        "ASK" => Some(Elsewhere::Ask { to: node()? }),
        "TRYAGAIN" => Some(Elsewhere::TryAgain),
        "CLUSTERDOWN" => Some(Elsewhere::Down),
        _ => None,
    }
}
