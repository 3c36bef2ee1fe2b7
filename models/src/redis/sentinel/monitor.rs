//! `PING`, `INFO` and hello, and what their answers change.

use std::sync::Arc;
use std::sync::LazyLock;

use bytes::Bytes;

use super::failover::Step;
use super::info::Info;
use super::instance::{Id, Instance, Reconfiguration, Role};
use super::link::Asked;
use super::{Sentinel, command, period};
use crate::machine::{ConnectionId, Context};
use crate::redis::resp::Reply;

static PING: LazyLock<Arc<[Bytes]>> = LazyLock::new(|| command(["PING"]));
static INFO: LazyLock<Arc<[Bytes]>> = LazyLock::new(|| command(["INFO"]));

impl Instance {
    /// Source: `sentinelSendPing`.
    pub(super) fn ping(&mut self, now_ms: i64, context: &mut Context<'_>) {
        if self.link.ask(Asked::Ping, PING.clone(), context) {
            self.link.pinged_ms = now_ms;
            if self.link.unanswered_since_ms == 0 {
                self.link.unanswered_since_ms = now_ms;
            }
        }
    }

    /// Source: `sentinelPingReplyCallback`. That a server is busy with a script does not happen.
    fn pinged(&mut self, reply: &Reply, now_ms: i64) {
        let is_good = match reply {
            Reply::Status(text) | Reply::Error(text) => {
                [&b"PONG"[..], b"LOADING", b"MASTERDOWN"].iter().any(|good| text.starts_with(good))
            }
            _ => false,
        };
        if is_good {
            self.link.available_ms = now_ms;
            self.link.unanswered_since_ms = 0;
        }
        self.link.ponged_ms = now_ms;
    }
}

impl Sentinel {
    /// Source: `sentinelSendPeriodicCommands`.
    pub(super) fn send_periodic_commands(&mut self, id: Id, context: &mut Context<'_>) {
        let now_ms = self.now_ms;
        let is_closely_watched =
            self.group.is_objectively_down || self.group.failover.is_in_progress();
        let ping_period_ms = self.settings.down_after_ms().min(period::PING);
        let instance = self.group.get_mut(id);
        if !instance.link.may_be_asked() {
            return;
        }
        let is_watched = matches!(id, Id::Replica(_))
            && (is_closely_watched || instance.replica.link_down_ms != 0);
        let info_period_ms = if is_watched { period::INFO_WHILE_DOWN } else { period::INFO };
        let is_info_old = instance.info_ms == 0 || now_ms - instance.info_ms > info_period_ms;
        if !matches!(id, Id::Sentinel(_)) && is_info_old {
            instance.link.ask(Asked::Info, INFO.clone(), context);
        }
        if now_ms - instance.link.ponged_ms > ping_period_ms
            && now_ms - instance.link.pinged_ms > ping_period_ms / 2
        {
            instance.ping(now_ms, context);
        }
        if now_ms - instance.published_ms > period::PUBLISH {
            let hello = self.hello();
            self.group.get_mut(id).link.ask(Asked::Hello, hello, context);
        }
    }

    /// An instance has said something.
    pub(super) fn answered(
        &mut self,
        connection: ConnectionId,
        reply: &Reply,
        context: &mut Context<'_>,
    ) {
        let now_ms = self.now_ms;
        for id in self.group.ids() {
            let instance = self.group.get_mut(id);
            if instance.link.is_for_commands(connection) {
                let Some(asked) = instance.link.pending.pop_front() else { return };
                match (asked, reply) {
                    (Asked::Ping, reply) => instance.pinged(reply, now_ms),
                    (Asked::Info, Reply::Bulk(text)) => self.refresh(id, text, context),
                    (Asked::IsMasterDown, reply) => instance.is_asked_about_master(reply, now_ms),
                    // Source: `sentinelPublishReplyCallback`: what was refused is tried again soon.
                    (Asked::Hello, reply) if !matches!(reply, Reply::Error(_)) => {
                        instance.published_ms = now_ms;
                    }
                    _ => {}
                }
                return;
            }
            if instance.link.heard_on_subscription(connection, now_ms) {
                return self.hear_hello(reply, context);
            }
        }
    }

    /// Takes in what `INFO` says. Source: `sentinelRefreshInstanceInfo`.
    fn refresh(&mut self, id: Id, text: &[u8], context: &mut Context<'_>) {
        let now_ms = self.now_ms;
        let info = Info::parse(text);
        let instance = self.group.get_mut(id);
        let before = instance.run_id.clone();
        if info.run_id.is_some() {
            instance.run_id.clone_from(&info.run_id);
        }
        instance.replica.link_down_ms = info.link_down_ms;
        instance.info_ms = now_ms;
        if info.role == Some(Role::Replica) {
            instance.take_facts(&info, now_ms);
        }
        if before.is_some() && info.run_id.is_some() && before != info.run_id {
            self.event_about("+reboot", id, "", context);
        }
        if id == Id::Master {
            for node in &info.replicas {
                self.add_replica(*node, context);
            }
        }
        let Some(role) = info.role else { return };
        self.note_role(id, role, context);
        if self.tilt_since_ms.is_some() {
            return;
        }
        if let Id::Replica(at) = id {
            match role {
                Role::Master => self.replica_is_master(at, context),
                Role::Replica => self.replica_follows(at, context),
            }
        }
    }

    /// A replica has become known. Source: `sentinelRefreshInstanceInfo`.
    fn add_replica(&mut self, node: crate::machine::NodeId, context: &mut Context<'_>) {
        let is_known = self.group.replicas.iter().any(|replica| replica.node == node);
        if !is_known {
            self.group.replicas.push(Instance::new(node, Role::Replica, self.now_ms));
            let id = Id::Replica(self.group.replicas.len() - 1);
            self.event_about("+slave", id, "", context);
            self.is_config_changed = true;
        }
    }

    /// The role that somebody says it has, beside the one that it should have.
    fn note_role(&mut self, id: Id, role: Role, context: &mut Context<'_>) {
        let now_ms = self.now_ms;
        let instance = self.group.get_mut(id);
        if instance.role == role {
            return;
        }
        instance.role = role;
        instance.role_since_ms = now_ms;
        if role == Role::Replica {
            instance.replica.follows_since_ms = now_ms;
        }
        let (expected, word) = match role {
            Role::Master => (id == Id::Master, "master"),
            Role::Replica => (matches!(id, Id::Replica(_)), "slave"),
        };
        let event = if expected { "+role-change" } else { "-role-change" };
        self.event_about(event, id, &format!(" new reported role is {word}"), context);
    }

    /// A replica says that it is a master: it is the one that was to be, or it has to be told better.
    fn replica_is_master(&mut self, at: usize, context: &mut Context<'_>) {
        let is_promoted = self.group.replicas[at].replica.is_promoted;
        if is_promoted && self.group.failover.step == Some(Step::WaitPromotion) {
            return self.promotion_is_seen(at, context);
        }
        // Time for the news of a newer configuration to come first.
        let wait_ms = period::PUBLISH * 4;
        let replica = &self.group.replicas[at];
        if !is_promoted
            && self.is_master_sane()
            && replica.has_been_up_for(self.now_ms, wait_ms)
            && self.now_ms - replica.role_since_ms > wait_ms
            && self.send_replicaof(at, Some(self.group.master.node), context)
        {
            self.event_about("+convert-to-slave", Id::Replica(at), "", context);
        }
    }

    /// A replica says whom it follows: the master, the one that is to be, or a wrong one.
    fn replica_follows(&mut self, at: usize, context: &mut Context<'_>) {
        let now_ms = self.now_ms;
        let wait_ms = self.settings.failover_timeout_ms();
        let master = self.group.master.node;
        let replica = &self.group.replicas[at];
        if replica.replica.follows != Some(master)
            && self.is_master_sane()
            && replica.has_been_up_for(now_ms, wait_ms)
            && now_ms - replica.replica.follows_since_ms > wait_ms
            && self.send_replicaof(at, Some(master), context)
        {
            self.event_about("+fix-slave-config", Id::Replica(at), "", context);
        }
        let promoted = self.group.promoted().map(|at| self.group.replicas[at].node);
        let facts = &mut self.group.replicas[at].replica;
        if facts.reconfiguration == Reconfiguration::Sent
            && facts.follows.is_some()
            && facts.follows == promoted
        {
            facts.reconfiguration = Reconfiguration::InProgress;
            self.event_about("+slave-reconf-inprog", Id::Replica(at), "", context);
        }
        let facts = &mut self.group.replicas[at].replica;
        if facts.reconfiguration == Reconfiguration::InProgress && facts.is_link_up {
            facts.reconfiguration = Reconfiguration::Done;
            self.event_about("+slave-reconf-done", Id::Replica(at), "", context);
        }
    }

    /// The master says that it is one, is up, and was heard of lately. Source:
    /// `sentinelMasterLooksSane`.
    fn is_master_sane(&self) -> bool {
        let master = &self.group.master;
        master.role == Role::Master
            && !master.is_down
            && !self.group.is_objectively_down
            && self.now_ms - master.info_ms < period::INFO * 2
    }
}

impl Instance {
    /// What a server says of itself as a replica.
    fn take_facts(&mut self, info: &Info, now_ms: i64) {
        let facts = &mut self.replica;
        if facts.follows != info.master {
            facts.follows = info.master;
            facts.follows_since_ms = now_ms;
        }
        facts.is_link_up = info.is_link_up;
        facts.priority = info.priority.unwrap_or(facts.priority);
        facts.offset = info.offset.unwrap_or(facts.offset);
    }
}
