//! How Sentinels find each other, and how the newest configuration gets around: each publishes a line
//! about itself and the master on a channel of every server, and to every other Sentinel.

use std::sync::Arc;

use bytes::Bytes;

use super::instance::{Id, Instance, Role};
use super::{Sentinel, command};
use crate::machine::{Context, NodeId};
use crate::redis::address::{self, host, redis_port, sentinel_port};
use crate::redis::resp::Reply;

/// Source: `SENTINEL_HELLO_CHANNEL`.
pub(super) const CHANNEL: &str = "__sentinel__:hello";

/// What a hello says.
struct Hello<'a> {
    from: NodeId,
    id: &'a str,
    current_epoch: u64,
    master: NodeId,
    config_epoch: u64,
}

impl<'a> Hello<'a> {
    /// Reads eight words with commas between them: about the master of that name, or nothing.
    fn parse(line: &'a [u8], master_name: &[u8]) -> Option<Self> {
        let mut words = line.split(|byte| *byte == b',');
        let [ip, port, id, current_epoch, name, master, master_port, config_epoch] =
            std::array::from_fn(|_| words.next());
        if words.next().is_some() || name? != master_name {
            return None;
        }
        let number = |word: &[u8]| std::str::from_utf8(word).ok()?.parse().ok();
        Some(Self {
            from: address::node(ip?, port?)?,
            id: std::str::from_utf8(id?).ok()?,
            current_epoch: number(current_epoch?)?,
            master: address::node(master?, master_port?)?,
            config_epoch: number(config_epoch?)?,
        })
    }
}

impl Sentinel {
    /// The command that publishes what this Sentinel knows. Source: `sentinelSendHello`.
    pub(super) fn hello(&self) -> Arc<[Bytes]> {
        let master = self.group.current_master();
        let line = format!(
            "{},{},{},{},{},{},{},{}",
            host(self.node),
            sentinel_port(self.node),
            self.my_id,
            self.current_epoch,
            self.settings.name(),
            host(master),
            redis_port(master),
            self.group.config_epoch,
        );
        command(["PUBLISH", CHANNEL, &line])
    }

    /// Something came on a subscription. Source: `sentinelReceiveHelloMessages`.
    pub(super) fn hear_hello(&mut self, reply: &Reply, context: &mut Context<'_>) {
        let Reply::Array(items) = reply else { return };
        let [Reply::Bulk(word), Reply::Bulk(_), Reply::Bulk(line)] = &items[..] else { return };
        if &word[..] == b"message" {
            self.take_hello(&line.clone(), context);
        }
    }

    /// Source: `sentinelProcessHelloMessage`. A Sentinel's own words come back to it and tell it nothing.
    pub(super) fn take_hello(&mut self, line: &[u8], context: &mut Context<'_>) {
        let Some(hello) = Hello::parse(line, &self.settings.master_name) else { return };
        if hello.id == self.my_id {
            return;
        }
        let at = self.known_sentinel(&hello, context);
        if hello.current_epoch > self.current_epoch {
            self.enter_epoch(hello.current_epoch, context);
        }
        if self.group.config_epoch < hello.config_epoch {
            self.group.config_epoch = hello.config_epoch;
            if self.group.master.node != hello.master {
                self.event_about("+config-update-from", Id::Sentinel(at), "", context);
                self.switch_master(hello.master, context);
            }
        }
        self.group.sentinels[at].peer.hello_ms = self.now_ms;
    }

    /// The place of the Sentinel that a hello is from; one that was not known is from now on. None has
    /// another address than before: a node keeps its own.
    fn known_sentinel(&mut self, hello: &Hello<'_>, context: &mut Context<'_>) -> usize {
        let is_it = |peer: &Instance| peer.node == hello.from;
        if let Some(at) = self.group.sentinels.iter().position(is_it) {
            return at;
        }
        let mut peer = Instance::new(hello.from, Role::Master, self.now_ms);
        peer.run_id = Some(hello.id.to_owned());
        self.group.sentinels.push(peer);
        let at = self.group.sentinels.len() - 1;
        self.event_about("+sentinel", Id::Sentinel(at), "", context);
        self.is_config_changed = true;
        at
    }

    /// A later epoch has begun. Source: `sentinelProcessHelloMessage`, `sentinelVoteLeader`.
    pub(super) fn enter_epoch(&mut self, epoch: u64, context: &mut Context<'_>) {
        self.current_epoch = epoch;
        self.is_config_changed = true;
        self.event("+new-epoch", &epoch.to_string(), context);
    }
}
