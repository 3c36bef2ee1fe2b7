//! An operator who moves a slot to another master while clients use it, as `redis-cli --cluster reshard`
//! does: both masters are told, the keys go one batch after the other, everybody is told whose the slot
//! is from then on.
//!
//! It asks nobody whether locks are held, and stops at the first thing that goes wrong. The slot stays
//! open then, between two masters, until somebody mends it.
//!
//! What differs from redis-cli 7.0.15: one slot, of a key that is given, goes to the next master; who
//! there is comes from `CLUSTER SLOTS` and not from `CLUSTER NODES`, which says the same; nobody is asked
//! to confirm; keys that the target has too are an error and not compared.
//!
//! Source: `redis-cli.c`, `clusterManagerMoveSlot`, `clusterManagerMigrateKeysInSlot`.

use std::time::Duration;

use bytes::Bytes;

use super::cluster::Range;
use super::wire::Wire;
use crate::machine::NodeId;
use crate::note::{Name, Note};
use crate::process::Host;
use crate::redis::address;
use crate::redis::cluster::key_slot;
use crate::redis::resp::Reply;

/// How many keys go at once. Source: `CLUSTER_MANAGER_MIGRATE_PIPELINE`.
const KEYS_AT_ONCE: &str = "10";

/// How long a batch may take, in milliseconds. Source: `CLUSTER_MANAGER_MIGRATE_TIMEOUT`.
const MIGRATE_TIMEOUT_MS: &str = "60000";

/// How long each answer is waited for: longer than any batch, which may take the timeout for each key and two
/// more. redis-cli waits for ever.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// What went wrong, in words.
type Trouble = String;

/// A master, with its name in the cluster.
#[derive(Clone)]
struct Master {
    node: NodeId,
    name: Bytes,
}

/// Moves the slot of `key` from its master to the next one, after a while. `nodes` are asked in turn who
/// the masters are.
pub async fn move_slot(host: Host, nodes: Vec<NodeId>, key: Name, after: Duration) {
    host.sleep(after).await;
    let slot = key_slot(key.as_bytes());
    let outcome = match Move::plan(&host, &nodes, slot).await {
        Ok(mut plan) => plan.carry_out().await,
        Err(trouble) => Err(trouble),
    };
    let text = match outcome {
        Ok(()) => format!("slot {slot} is moved"),
        Err(trouble) => format!("slot {slot} stays as it is: {trouble}"),
    };
    host.note(Note::Remark { text });
}

/// A slot on its way.
struct Move {
    slot: String,
    source: Master,
    target: Master,
    /// The connections: the source's, the target's, the other masters'.
    wires: Vec<Wire>,
}

impl Move {
    async fn plan(host: &Host, nodes: &[NodeId], slot: u16) -> Result<Self, Trouble> {
        let wire = |node| Wire::new(host.clone(), node, PATIENCE);
        for node in nodes {
            let Ok(Reply::Array(ranges)) = wire(*node).call(words(["CLUSTER", "SLOTS"])).await
            else {
                continue;
            };
            let mut masters: Vec<Master> = Vec::new();
            let mut owner = None;
            for Range { first, last, master: node, name } in ranges.iter().filter_map(Range::read) {
                let known = masters.iter().position(|master| master.node == node);
                let place = known.unwrap_or(masters.len());
                if known.is_none() {
                    masters.push(Master { node, name: name.ok_or("a node has no name")? });
                }
                if (first..=last).contains(&slot) {
                    owner = Some(place);
                }
            }
            masters.rotate_left(owner.ok_or("nobody has it")?);
            let [source, target, ..] = &masters[..] else { return Err("no other master".into()) };
            let wires = masters.iter().map(|master| wire(master.node)).collect();
            let (source, target) = (source.clone(), target.clone());
            return Ok(Self { slot: slot.to_string(), source, target, wires });
        }
        Err("no node answers".to_owned())
    }

    async fn carry_out(&mut self) -> Result<(), Trouble> {
        const SOURCE: usize = 0;
        const TARGET: usize = 1;
        let (source, target) = (self.source.name.clone(), self.target.name.clone());
        self.set_slot(TARGET, "IMPORTING", &source).await?;
        self.set_slot(SOURCE, "MIGRATING", &target).await?;
        while let Some(migrate) = self.next_keys(SOURCE).await? {
            self.ask(SOURCE, migrate).await?;
        }
        // The target first: whoever else hears of it early would send clients to a node that need not live
        // to know that the slot is its own.
        for at in [TARGET, SOURCE].into_iter().chain(2..self.wires.len()) {
            self.set_slot(at, "NODE", &target).await?;
        }
        Ok(())
    }

    async fn set_slot(&mut self, at: usize, how: &str, whose: &Bytes) -> Result<(), Trouble> {
        let mut command = words(["CLUSTER", "SETSLOT", &self.slot, how]).to_vec();
        command.push(whose.clone());
        self.ask(at, command.into()).await.map(|_| ())
    }

    /// The command that moves the next keys; none when there are none left.
    async fn next_keys(&mut self, at: usize) -> Result<Option<Command>, Trouble> {
        let command = words(["CLUSTER", "GETKEYSINSLOT", &self.slot, KEYS_AT_ONCE]);
        let Reply::Array(keys) = self.ask(at, command).await? else {
            return Err("no keys are listed".to_owned());
        };
        let keys = keys.into_iter().filter_map(|key| match key {
            Reply::Bulk(key) => Some(key),
            _ => None,
        });
        let keys: Vec<Bytes> = keys.collect();
        if keys.is_empty() {
            return Ok(None);
        }
        let host = address::host(self.target.node);
        let port = address::redis_port(self.target.node).to_string();
        let head = words(["MIGRATE", &host, &port, "", "0", MIGRATE_TIMEOUT_MS, "KEYS"]);
        Ok(Some(head.iter().cloned().chain(keys).collect()))
    }

    async fn ask(&mut self, at: usize, command: Command) -> Result<Reply, Trouble> {
        match self.wires[at].call(command).await {
            Ok(Reply::Error(text)) => Err(String::from_utf8_lossy(&text).into_owned()),
            Ok(reply) => Ok(reply),
            Err(trouble) => Err(trouble.to_string()),
        }
    }
}

type Command = std::sync::Arc<[Bytes]>;

fn words<const N: usize>(words: [&str; N]) -> Command {
    words.map(|word| Bytes::from(word.to_owned())).into()
}
