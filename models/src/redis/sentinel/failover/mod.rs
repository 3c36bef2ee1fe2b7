//! A failover, step by step.

mod select;

use super::instance::{Id, Instance, Reconfiguration, Role};
use super::link::Asked;
use super::{Sentinel, command, period};
use crate::machine::{Context, NodeId};
use crate::redis::address::{host, redis_port};

/// Where a failover is. Source: `SENTINEL_FAILOVER_STATE_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// The votes are awaited.
    WaitStart,
    /// A replica is to be chosen.
    SelectReplica,
    /// It is to be told.
    SendReplicaofNoOne,
    /// Its `INFO` is to say that it is a master.
    WaitPromotion,
    /// The others are to follow it.
    ReconfigureReplicas,
    /// The new master is to be watched in place of the old one.
    UpdateConfig,
}

impl Step {
    /// Its name in `SENTINEL MASTER`. Source: `sentinelFailoverStateStr`.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::WaitStart => "wait_start",
            Self::SelectReplica => "select_slave",
            Self::SendReplicaofNoOne => "send_slaveof_noone",
            Self::WaitPromotion => "wait_promotion",
            Self::ReconfigureReplicas => "reconf_slaves",
            Self::UpdateConfig => "update_config",
        }
    }
}

/// The failover of a master. Times are Unix milliseconds; 0 is never.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Failover {
    /// Where it is; `None` when there is none.
    pub(super) step: Option<Step>,
    step_ms: i64,
    /// In which epoch.
    epoch: u64,
    /// When one was last tried, here or by somebody whom this Sentinel has voted for.
    pub(super) started_ms: i64,
    /// It was asked for by command: no votes are needed.
    pub(super) is_forced: bool,
}

impl Failover {
    pub(super) const fn is_in_progress(&self) -> bool {
        self.step.is_some()
    }

    /// The new master has said that it is one.
    pub(super) fn is_decided(&self) -> bool {
        self.step >= Some(Step::ReconfigureReplicas)
    }

    pub(super) fn is_over(&self) -> bool {
        self.step == Some(Step::UpdateConfig)
    }

    fn enter(&mut self, step: Option<Step>, now_ms: i64) {
        self.step = step;
        self.step_ms = now_ms;
    }
}

impl Sentinel {
    /// Begins a failover if the master is down, none is under way and the last one is long enough ago.
    /// Source: `sentinelStartFailoverIfNeeded`.
    pub(super) fn start_failover_if_needed(&mut self, context: &mut Context<'_>) -> bool {
        let since_last_ms = self.now_ms - self.group.failover.started_ms;
        let is_needed = self.group.is_objectively_down
            && !self.group.failover.is_in_progress()
            && since_last_ms >= self.settings.failover_timeout_ms().saturating_mul(2);
        if is_needed {
            self.start_failover(false, context);
        }
        is_needed
    }

    /// Source: `sentinelStartFailover`.
    pub(super) fn start_failover(&mut self, is_forced: bool, context: &mut Context<'_>) {
        self.current_epoch += 1;
        self.event("+new-epoch", &self.current_epoch.to_string(), context);
        self.event_about("+try-failover", Id::Master, "", context);
        let started_ms = self.now_ms + self.desynchronization();
        let failover = &mut self.group.failover;
        failover.enter(Some(Step::WaitStart), self.now_ms);
        failover.epoch = self.current_epoch;
        failover.started_ms = started_ms;
        failover.is_forced = is_forced;
    }

    /// Source: `sentinelFailoverStateMachine`.
    pub(super) fn go_on_with_failover(&mut self, context: &mut Context<'_>) {
        match self.group.failover.step {
            Some(Step::WaitStart) => self.wait_for_votes(context),
            Some(Step::SelectReplica) => self.choose_replica(context),
            Some(Step::SendReplicaofNoOne) => self.promote(context),
            Some(Step::WaitPromotion) => self.give_up_after_timeout(context),
            Some(Step::ReconfigureReplicas) => self.reconfigure_replicas(context),
            Some(Step::UpdateConfig) | None => {}
        }
    }

    /// Source: `sentinelFailoverWaitStart`.
    fn wait_for_votes(&mut self, context: &mut Context<'_>) {
        let failover = self.group.failover;
        let is_elected = self.leader(failover.epoch, context).as_deref() == Some(&self.my_id);
        if !is_elected && !failover.is_forced {
            let timeout_ms = period::ELECTION.min(self.settings.failover_timeout_ms());
            // The vote may have moved the start.
            if self.now_ms - self.group.failover.started_ms > timeout_ms {
                self.abort("-failover-abort-not-elected", context);
            }
            return;
        }
        self.event_about("+elected-leader", Id::Master, "", context);
        self.group.failover.enter(Some(Step::SelectReplica), self.now_ms);
        self.event_about("+failover-state-select-slave", Id::Master, "", context);
    }

    /// Source: `sentinelFailoverSelectSlave`.
    fn choose_replica(&mut self, context: &mut Context<'_>) {
        let Some(at) = self.best_replica() else {
            return self.abort("-failover-abort-no-good-slave", context);
        };
        self.event_about("+selected-slave", Id::Replica(at), "", context);
        self.group.replicas[at].replica.is_promoted = true;
        self.group.failover.enter(Some(Step::SendReplicaofNoOne), self.now_ms);
        self.event_about("+failover-state-send-slaveof-noone", Id::Replica(at), "", context);
    }

    /// Source: `sentinelFailoverSendSlaveOfNoOne`.
    fn promote(&mut self, context: &mut Context<'_>) {
        let Some(at) = self.group.promoted() else { return };
        if self.group.replicas[at].link.is_disconnected {
            return self.give_up_after_timeout(context);
        }
        if self.send_replicaof(at, None, context) {
            self.event_about("+failover-state-wait-promotion", Id::Replica(at), "", context);
            self.group.failover.enter(Some(Step::WaitPromotion), self.now_ms);
        }
    }

    /// Source: `sentinelFailoverWaitPromotion`.
    fn give_up_after_timeout(&mut self, context: &mut Context<'_>) {
        if self.now_ms - self.group.failover.step_ms > self.settings.failover_timeout_ms() {
            self.abort("-failover-abort-slave-timeout", context);
        }
    }

    /// The chosen replica says that it is a master: from now on its epoch is the configuration's.
    /// Source: `sentinelRefreshInstanceInfo`.
    pub(super) fn promotion_is_seen(&mut self, at: usize, context: &mut Context<'_>) {
        self.group.config_epoch = self.group.failover.epoch;
        self.group.failover.enter(Some(Step::ReconfigureReplicas), self.now_ms);
        self.is_config_changed = true;
        self.event_about("+promoted-slave", Id::Replica(at), "", context);
        self.event_about("+failover-state-reconf-slaves", Id::Master, "", context);
        // The news is published at once. Source: `sentinelForceHelloUpdateForMaster`.
        for id in self.group.ids() {
            let published_ms = &mut self.group.get_mut(id).published_ms;
            *published_ms = (*published_ms - period::PUBLISH - 1).max(0);
        }
    }

    /// Source: `sentinelFailoverReconfNextSlave`.
    fn reconfigure_replicas(&mut self, context: &mut Context<'_>) {
        let under_way = |replica: &&Instance| {
            use Reconfiguration::{InProgress, Sent};
            matches!(replica.replica.reconfiguration, Sent | InProgress)
        };
        let mut in_progress = self.group.replicas.iter().filter(under_way).count();
        let new_master = self.group.current_master();
        for at in 0..self.group.replicas.len() {
            if in_progress >= self.settings.parallel_syncs as usize {
                break;
            }
            let now_ms = self.now_ms;
            let replica = &mut self.group.replicas[at];
            let facts = &mut replica.replica;
            if facts.is_promoted || facts.is_done() {
                continue;
            }
            if facts.reconfiguration == Reconfiguration::Sent
                && now_ms - facts.reconfigured_ms > period::RECONFIGURATION
            {
                facts.reconfiguration = Reconfiguration::None;
                facts.is_given_up = true;
                self.event_about("-slave-reconf-sent-timeout", Id::Replica(at), "", context);
            }
            let replica = &self.group.replicas[at];
            let is_told = matches!(
                replica.replica.reconfiguration,
                Reconfiguration::Sent | Reconfiguration::InProgress
            );
            if is_told || replica.link.is_disconnected {
                continue;
            }
            if self.send_replicaof(at, Some(new_master), context) {
                let facts = &mut self.group.replicas[at].replica;
                facts.reconfiguration = Reconfiguration::Sent;
                facts.reconfigured_ms = now_ms;
                self.event_about("+slave-reconf-sent", Id::Replica(at), "", context);
                in_progress += 1;
            }
        }
        self.look_for_end(new_master, context);
    }

    /// Source: `sentinelFailoverDetectEnd`.
    fn look_for_end(&mut self, new_master: NodeId, context: &mut Context<'_>) {
        let is_new_master_down =
            self.group.promoted().is_none_or(|at| self.group.replicas[at].is_down);
        if is_new_master_down {
            return;
        }
        let is_left = |replica: &Instance| {
            let facts = &replica.replica;
            !facts.is_promoted && !facts.is_done() && !replica.is_down
        };
        let is_too_late =
            self.now_ms - self.group.failover.step_ms > self.settings.failover_timeout_ms();
        if is_too_late {
            self.event_about("+failover-end-for-timeout", Id::Master, "", context);
        }
        if is_too_late || !self.group.replicas.iter().any(is_left) {
            self.event_about("+failover-end", Id::Master, "", context);
            self.group.failover.enter(Some(Step::UpdateConfig), self.now_ms);
        }
        if is_too_late {
            self.tell_the_rest(new_master, context);
        }
    }

    /// Whoever was not told yet is told now, come what may.
    fn tell_the_rest(&mut self, new_master: NodeId, context: &mut Context<'_>) {
        for at in 0..self.group.replicas.len() {
            let replica = &self.group.replicas[at];
            let facts = &replica.replica;
            if !facts.is_promoted
                && !facts.is_done()
                && facts.reconfiguration != Reconfiguration::Sent
                && !replica.link.is_disconnected
                && self.send_replicaof(at, Some(new_master), context)
            {
                self.event_about("+slave-reconf-sent-be", Id::Replica(at), "", context);
                self.group.replicas[at].replica.reconfiguration = Reconfiguration::Sent;
            }
        }
    }

    /// The new master is watched in place of the old one. Source:
    /// `sentinelFailoverSwitchToPromotedSlave`.
    pub(super) fn switch_to_promoted(&mut self, context: &mut Context<'_>) {
        let promoted = self.group.promoted().map(|at| self.group.replicas[at].node);
        self.switch_master(promoted.unwrap_or(self.group.master.node), context);
    }

    /// Another node is the master from now on, and the old one is a replica to be told so. Source:
    /// `sentinelResetMasterAndChangeAddress`, `sentinelResetMaster`.
    pub(super) fn switch_master(&mut self, node: NodeId, context: &mut Context<'_>) {
        let now_ms = self.now_ms;
        let old = self.group.master.node;
        let detail = format!(
            "{} {} {} {} {}",
            self.settings.name(),
            host(old),
            redis_port(old),
            host(node),
            redis_port(node)
        );
        self.event("+switch-master", &detail, context);
        let others = self.group.replicas.iter().map(|replica| replica.node);
        let mut replicas: Vec<NodeId> = others.filter(|other| *other != node).collect();
        replicas.extend((old != node).then_some(old));
        for id in self.group.ids() {
            if !matches!(id, Id::Sentinel(_)) {
                self.group.get_mut(id).link.close(context);
            }
        }
        // The entry stays the same one: what is not reset is when things were last done.
        let before =
            std::mem::replace(&mut self.group.master, Instance::new(node, Role::Master, now_ms));
        let master = &mut self.group.master;
        (master.published_ms, master.info_ms) = (before.published_ms, before.info_ms);
        master.link.tried_ms = before.link.tried_ms;
        self.group.is_objectively_down = false;
        self.group.leader = None;
        self.group.failover = Failover::default();
        self.group.replicas.clear();
        for replica in replicas {
            self.group.replicas.push(Instance::new(replica, Role::Replica, now_ms));
            let id = Id::Replica(self.group.replicas.len() - 1);
            self.event_about("+slave", id, "", context);
        }
        self.is_config_changed = true;
    }

    /// Source: `sentinelAbortFailover`.
    fn abort(&mut self, event: &'static str, context: &mut Context<'_>) {
        self.event_about(event, Id::Master, "", context);
        self.group.failover.enter(None, self.now_ms);
        self.group.failover.is_forced = false;
        for replica in &mut self.group.replicas {
            replica.replica.is_promoted = false;
        }
    }

    /// Tells a replica whom to follow: in a transaction which also has that written to its configuration
    /// and hangs up on its clients, who are to ask anew who the master is. Source: `sentinelSendSlaveOf`.
    pub(super) fn send_replicaof(
        &mut self,
        at: usize,
        master: Option<NodeId>,
        context: &mut Context<'_>,
    ) -> bool {
        let (ip, port) = match master {
            Some(master) => (host(master), redis_port(master).to_string()),
            None => ("NO".to_owned(), "ONE".to_owned()),
        };
        let link = &mut self.group.replicas[at].link;
        [
            command(["MULTI"]),
            command(["SLAVEOF", &ip, &port]),
            command(["CONFIG", "REWRITE"]),
            command(["CLIENT", "KILL", "TYPE", "normal"]),
            command(["CLIENT", "KILL", "TYPE", "pubsub"]),
            command(["EXEC"]),
        ]
        .into_iter()
        .all(|command| link.ask(Asked::Other, command, context))
    }
}
