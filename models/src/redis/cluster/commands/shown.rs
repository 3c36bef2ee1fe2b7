//! What a node shows of itself and of the others.

use std::fmt::Write;

use bytes::Bytes;

use super::super::{Body, Cluster, Flags, Node, SLOTS, Turn, key_slot};
use super::integer;
use crate::redis::address::{host, redis_port};
use crate::redis::commands::error;
use crate::redis::resp::Reply;

/// What a node's port of the bus is above its port for clients. Source: `cluster.h`,
/// `CLUSTER_PORT_INCR`.
const BUS_PORT_ABOVE: u16 = 10_000;

type Shown = Result<Reply, Reply>;

impl Cluster {
    /// `CLUSTER MYID`
    pub(super) fn my_id(&mut self, _: &[Bytes], _: Turn<'_>) -> Shown {
        Ok(text(self.myself.name.to_string()))
    }

    /// `CLUSTER KEYSLOT key`
    pub(super) fn show_slot(&mut self, arguments: &[Bytes], _: Turn<'_>) -> Shown {
        Ok(Reply::Int(key_slot(&arguments[2]).into()))
    }

    /// `CLUSTER NODES`
    pub(super) fn show_nodes(&mut self, _: &[Bytes], _: Turn<'_>) -> Shown {
        Ok(text(self.describe_nodes(Flags::default())))
    }

    /// `CLUSTER REPLICAS node`
    pub(super) fn show_replicas(&mut self, arguments: &[Bytes], _: Turn<'_>) -> Shown {
        let node = self.named_or_unknown(&arguments[2])?;
        if node.is_replica() {
            return Err(error("The specified node is not a master"));
        }
        Ok(Reply::Array(self.replicas(node.name).map(|node| text(self.describe(node))).collect()))
    }

    /// `CLUSTER COUNT-FAILURE-REPORTS node`
    pub(super) fn show_failure_reports(&mut self, arguments: &[Bytes], turn: Turn<'_>) -> Shown {
        let name = self.named_or_unknown(&arguments[2])?.name;
        Ok(count(self.count_failure_reports(name, turn.now_ms)))
    }

    /// `CLUSTER COUNTKEYSINSLOT slot`
    pub(super) fn count_keys(&mut self, arguments: &[Bytes], turn: Turn<'_>) -> Shown {
        let slot = u16::try_from(integer(&arguments[2])?).ok().filter(|slot| *slot < SLOTS);
        let slot = slot.ok_or_else(|| error("Invalid slot"))?;
        Ok(count(turn.facts.keys.of_slot(slot).len()))
    }

    /// `CLUSTER GETKEYSINSLOT slot count`
    pub(super) fn get_keys(&mut self, arguments: &[Bytes], turn: Turn<'_>) -> Shown {
        let (slot, most) = (integer(&arguments[2])?, integer(&arguments[3])?);
        let slot = u16::try_from(slot).ok().filter(|slot| *slot < SLOTS);
        let (Some(slot), Ok(most)) = (slot, usize::try_from(most)) else {
            return Err(error("Invalid slot or number of keys"));
        };
        let keys = turn.facts.keys.of_slot(slot).into_iter().take(most);
        Ok(Reply::Array(keys.map(Reply::Bulk).collect()))
    }

    /// `CLUSTER INFO`
    pub(super) fn info(&mut self, _: &[Bytes], _: Turn<'_>) -> Shown {
        let slots_of = |is: fn(&Node) -> bool| -> usize {
            self.nodes().filter(|node| is(node)).map(|node| node.slots.len()).sum()
        };
        let (assigned, failed) = (slots_of(|_| true), slots_of(Node::has_failed));
        let unreached = slots_of(|node| node.is_failing() && !node.has_failed());
        let claim = self.myself.master.and_then(|name| self.node(name)).unwrap_or(&self.myself);
        let mut info = String::new();
        let mut line = |name: &str, value: &dyn std::fmt::Display| {
            let _ = write!(info, "{name}:{value}\r\n");
        };
        line("cluster_state", &if self.is_ok { "ok" } else { "fail" });
        line("cluster_slots_assigned", &assigned);
        line("cluster_slots_ok", &(assigned - failed - unreached));
        line("cluster_slots_pfail", &unreached);
        line("cluster_slots_fail", &failed);
        line("cluster_known_nodes", &(self.others.len() + 1));
        line("cluster_size", &self.size);
        line("cluster_current_epoch", &self.current_epoch);
        line("cluster_my_epoch", &claim.config_epoch);
        for (direction, counts) in
            [("sent", &self.statistics.sent), ("received", &self.statistics.received)]
        {
            for (kind, number) in Body::KINDS.iter().zip(counts).filter(|(_, number)| **number > 0)
            {
                line(&format!("cluster_stats_messages_{kind}_{direction}"), number);
            }
            line(&format!("cluster_stats_messages_{direction}"), &counts.iter().sum::<u64>());
        }
        line("total_cluster_links_buffer_limit_exceeded", &0);
        Ok(text(info))
    }

    /// `CLUSTER SLOTS`: each range with its master and the replicas that can be read from.
    pub(super) fn show_slots(&mut self, _: &[Bytes], turn: Turn<'_>) -> Shown {
        let owned =
            self.nodes().flat_map(|node| node.slots.ranges().iter().map(move |at| (*at, node)));
        let mut owned: Vec<_> = owned.collect();
        owned.sort_unstable_by_key(|(range, _)| *range);
        let entries = owned.into_iter().map(|((first, last), node)| {
            let mut entry = vec![Reply::Int(first.into()), Reply::Int(last.into()), endpoint(node)];
            let available = self
                .replicas(node.name)
                .filter(|replica| !replica.has_failed() && self.offset_of(replica, turn) != 0);
            entry.extend(available.map(endpoint));
            Reply::Array(entry)
        });
        Ok(Reply::Array(entries.collect()))
    }

    /// `CLUSTER SHARDS`: each master with its slots and its replicas.
    pub(super) fn show_shards(&mut self, _: &[Bytes], turn: Turn<'_>) -> Shown {
        let shards = self.nodes().filter(|node| node.is_master()).map(|master| {
            let ranges = master.slots.ranges().iter().flat_map(|(first, last)| [*first, *last]);
            let slots = ranges.map(|slot| Reply::Int(slot.into())).collect();
            let nodes = std::iter::once(master).chain(self.replicas(master.name));
            let nodes = nodes.map(|node| self.shard_member(node, turn)).collect();
            Reply::Array(vec![
                word("slots"),
                Reply::Array(slots),
                word("nodes"),
                Reply::Array(nodes),
            ])
        });
        Ok(Reply::Array(shards.collect()))
    }

    fn shard_member(&self, node: &Node, turn: Turn<'_>) -> Reply {
        let offset = self.offset_of(node, turn);
        let address = text(address(node));
        let health = match node.is_replica() && offset == 0 {
            _ if node.has_failed() => "fail",
            true => "loading",
            false => "online",
        };
        let port = node.address.map_or(0, redis_port);
        let mut fields = vec![word("id"), text(node.name.to_string())];
        if port != 0 {
            fields.extend([word("port"), Reply::Int(port.into())]);
        }
        fields.extend([
            word("ip"),
            address.clone(),
            word("endpoint"),
            address,
            word("role"),
            word(if node.is_replica() { "replica" } else { "master" }),
            word("replication-offset"),
            Reply::Int(i64::try_from(offset).unwrap_or(i64::MAX)),
            word("health"),
            word(health),
        ]);
        Reply::Array(fields)
    }

    fn offset_of(&self, node: &Node, turn: Turn<'_>) -> u64 {
        if node.name == self.myself.name { turn.facts.offset } else { node.offset }
    }

    /// A line for each node that has none of some flags. Source: `cluster.c`,
    /// `clusterGenNodesDescription`.
    pub(in super::super) fn describe_nodes(&self, without: Flags) -> String {
        let mut lines = String::new();
        for node in self.nodes().filter(|node| !node.flags.any_of(without)) {
            lines.push_str(&self.describe(node));
            lines.push('\n');
        }
        lines
    }

    /// Source: `cluster.c`, `clusterGenNodeDescription`.
    fn describe(&self, node: &Node) -> String {
        let port = node.address.map_or(0, redis_port);
        let bus_port = node.address.map_or(0, |at| redis_port(at).saturating_add(BUS_PORT_ABOVE));
        let is_myself = node.name == self.myself.name;
        let link = if node.link.is_some() || is_myself { "connected" } else { "disconnected" };
        let master = node.master.filter(|_| node.is_replica()).and_then(|name| self.node(name));
        let epoch = master.map_or(node.config_epoch, |master| master.config_epoch);
        let mut line = format!("{} {}:{port}@{bus_port} {} ", node.name, address(node), node.flags);
        match node.master {
            Some(master) => line.push_str(&master.to_string()),
            None => line.push('-'),
        }
        let (ping, pong) = (node.ping_sent_ms, node.pong_received_ms);
        let _ = write!(line, " {ping} {pong} {epoch} {link}");
        if !node.slots.is_empty() {
            let _ = write!(line, " {}", node.slots);
        }
        if is_myself {
            for (slot, to) in &self.migrating {
                let _ = write!(line, " [{slot}->-{to}]");
            }
            for (slot, from) in &self.importing {
                let _ = write!(line, " [{slot}-<-{from}]");
            }
        }
        line
    }
}

/// A node, as `CLUSTER SLOTS` shows it.
fn endpoint(node: &Node) -> Reply {
    let port = node.address.map_or(0, redis_port);
    Reply::Array(vec![
        text(address(node)),
        Reply::Int(port.into()),
        text(node.name.to_string()),
        Reply::Array(Vec::new()),
    ])
}

fn address(node: &Node) -> String {
    node.address.map(host).unwrap_or_default()
}

fn text(text: String) -> Reply {
    Reply::Bulk(Bytes::from(text))
}

const fn word(word: &'static str) -> Reply {
    Reply::Bulk(Bytes::from_static(word.as_bytes()))
}

fn count(number: usize) -> Reply {
    Reply::Int(i64::try_from(number).unwrap_or(i64::MAX))
}
