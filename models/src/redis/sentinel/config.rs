//! What survives a restart: `sentinel.conf`, as a Sentinel writes it anew whenever its state changes.
//!
//! Source: `rewriteConfigSentinelOption`, `sentinelFlushConfig`.

use std::fmt::Write;

use bytes::Bytes;

use super::Sentinel;
use super::instance::{Instance, Role};
use crate::machine::{Context, DiskOperation, DiskToken};
use crate::redis::address::{self, host, redis_port, sentinel_port};

/// The file's name.
pub(super) const FILE: &str = "sentinel.conf";

const WRITE: DiskToken = DiskToken(0);
pub(super) const SYNC: DiskToken = DiskToken(1);

/// Writes the file and syncs it; [`SYNC`] is done when both are.
pub(super) fn write(text: String, context: &mut Context<'_>) {
    context.disk(WRITE, DiskOperation::Replace { file: FILE, bytes: Bytes::from(text) });
    context.disk(SYNC, DiskOperation::Sync { file: FILE });
}

impl Sentinel {
    pub(super) fn config_text(&self) -> String {
        let (name, quorum) = (self.settings.name(), self.settings.quorum);
        let group = &self.group;
        let (master, port) = (host(group.current_master()), redis_port(group.current_master()));
        let mut text = format!(
            "sentinel myid {}\nsentinel monitor {name} {master} {port} {quorum}\n\
             sentinel config-epoch {name} {}\nsentinel leader-epoch {name} {}\n",
            self.my_id, group.config_epoch, group.leader_epoch,
        );
        for replica in &group.replicas {
            // The one that has been promoted stands there as the master, and the master as a replica.
            let node = match replica.node == group.current_master() {
                true => group.master.node,
                false => replica.node,
            };
            let (ip, port) = (host(node), redis_port(node));
            let _ = writeln!(text, "sentinel known-replica {name} {ip} {port}");
        }
        for peer in &group.sentinels {
            let (ip, id) = (host(peer.node), peer.run_id.as_deref().unwrap_or_default());
            let port = sentinel_port(peer.node);
            let _ = writeln!(text, "sentinel known-sentinel {name} {ip} {port} {id}");
        }
        let _ = writeln!(text, "sentinel current-epoch {}", self.current_epoch);
        text
    }

    /// Takes over what was written. What cannot be read is passed over: nobody else writes the file.
    pub(super) fn read_config(&mut self, text: &[u8]) {
        let text = String::from_utf8_lossy(text).into_owned();
        let number = |word: &str| word.parse().unwrap_or(0);
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["sentinel", "myid", id] => id.clone_into(&mut self.my_id),
                ["sentinel", "monitor", _, ip, port, ..] => {
                    if let Some(node) = address::node(ip.as_bytes(), port.as_bytes()) {
                        self.group.master = Instance::new(node, Role::Master, self.now_ms);
                    }
                }
                ["sentinel", "config-epoch", _, epoch] => self.group.config_epoch = number(epoch),
                ["sentinel", "leader-epoch", _, epoch] => self.group.leader_epoch = number(epoch),
                ["sentinel", "current-epoch", epoch] => self.current_epoch = number(epoch),
                ["sentinel", "known-replica", _, ip, port] => {
                    if let Some(node) = address::node(ip.as_bytes(), port.as_bytes()) {
                        let replica = Instance::new(node, Role::Replica, self.now_ms);
                        self.group.replicas.push(replica);
                    }
                }
                ["sentinel", "known-sentinel", _, ip, port, id] => {
                    if let Some(node) = address::node(ip.as_bytes(), port.as_bytes()) {
                        let mut peer = Instance::new(node, Role::Master, self.now_ms);
                        peer.run_id = Some(id.to_owned());
                        self.group.sentinels.push(peer);
                    }
                }
                _ => {}
            }
        }
    }
}
