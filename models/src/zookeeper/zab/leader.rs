//! A leader, from when it is elected: discovery, synchronisation, and the ticks by which it knows that it still
//! has a majority. What it proposes is in `broadcast.rs`.
//!
//! Source: `Leader.java`, `lead`, `getEpochToPropose`, `waitForEpochAck`, `waitForNewLeaderAck`;
//! `LearnerHandler.java`, `run`. Its threads wait for each other; here a phase does.

use std::collections::{BTreeMap, BTreeSet};

use super::GivesUp;
use super::broadcast::Broadcast;
use super::learners::{Learner, Stage, SyncLimit};
use super::sync;
use crate::machine::{ConnectionId, Context};
use crate::time::Mono;
use crate::zookeeper::protocol::{Quorum, ServerId, Zxid};
use crate::zookeeper::server::core::{Core, note, note_recovered, say};
use crate::zookeeper::server::timer;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Too few have told the last epoch that they accepted.
    CollectsEpochs,
    /// The disk is writing down the epoch that begins.
    SavesAcceptedEpoch,
    /// Too few have accepted it.
    CollectsAcks,
    /// The disk is writing down that this is its epoch.
    SavesCurrentEpoch,
    /// Too few have what it has.
    Synchronises,
    /// It proposes.
    Broadcasts,
}

/// A leader.
#[derive(Debug)]
pub(in crate::zookeeper) struct Leader {
    phase: Phase,
    /// When it gives up, unless the phase has ended by then.
    phase_ends: Mono,
    pub(super) epoch: u32,
    /// What it had when it was elected: its current epoch and its last transaction.
    had: (u32, Zxid),
    /// Who has told its accepted epoch: `connectingFollowers`.
    connecting: BTreeSet<ServerId>,
    /// Who has accepted the new one: `electingFollowers`.
    accepted: BTreeSet<ServerId>,
    /// Who has what the leader has.
    in_step: BTreeSet<ServerId>,
    pub(super) learners: BTreeMap<ConnectionId, Learner>,
    pub(super) broadcast: Broadcast,
    pub(super) tick: u64,
    /// It looks at its followers at every other half tick: `tickSkip`.
    skips: bool,
}

impl Leader {
    /// Begins to lead. Source: `lead`.
    pub(in crate::zookeeper) fn new(core: &mut Core, context: &mut Context<'_>) -> Self {
        let mut leader = Self {
            phase: Phase::CollectsEpochs,
            phase_ends: context.clock.mono + core.settings.init_timeout(),
            epoch: 0,
            had: (core.storage.current_epoch(), core.database.tree.last_zxid()),
            connecting: BTreeSet::new(),
            accepted: BTreeSet::new(),
            in_step: BTreeSet::new(),
            learners: BTreeMap::new(),
            broadcast: Broadcast::new(),
            tick: 0,
            skips: true,
        };
        let accepted_epoch = core.storage.accepted_epoch();
        leader.collect_epoch(core.id, accepted_epoch, core, context);
        leader
    }

    /// When something is late, at the earliest.
    pub(in crate::zookeeper) fn deadline(&self) -> Option<Mono> {
        let own = self.waits().then_some(self.phase_ends);
        own.into_iter().chain(self.learners.values().map(|one| one.deadline)).min()
    }

    const fn waits(&self) -> bool {
        matches!(self.phase, Phase::CollectsEpochs | Phase::CollectsAcks | Phase::Synchronises)
    }

    /// Gives up on followers that are late, or on leading.
    pub(in crate::zookeeper) fn check_deadlines(
        &mut self,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        let now = context.clock.mono;
        if self.waits() && self.phase_ends <= now {
            return Err(match self.phase {
                Phase::CollectsEpochs => "too few followers have come",
                Phase::CollectsAcks => "too few followers have accepted the epoch",
                _ => "too few followers are in step",
            });
        }
        self.learners.retain(|connection, learner| {
            let is_in_time = learner.deadline > now;
            if !is_in_time {
                context.close(*connection);
            }
            is_in_time
        });
        Ok(())
    }

    /// Stops leading.
    pub(in crate::zookeeper) fn close(&mut self, context: &mut Context<'_>) {
        std::mem::take(&mut self.learners).into_keys().for_each(|one| context.close(one));
    }

    /// Whether a connection is a follower's.
    pub(in crate::zookeeper) fn has(&self, connection: ConnectionId) -> bool {
        self.learners.contains_key(&connection)
    }

    /// A follower's connection is gone.
    pub(in crate::zookeeper) fn closed(&mut self, connection: ConnectionId) {
        self.learners.remove(&connection);
    }

    /// The epoch, once it has begun.
    pub(in crate::zookeeper) fn established(&self) -> Option<u32> {
        self.is_established().then_some(self.epoch)
    }

    pub(super) const fn is_established(&self) -> bool {
        matches!(self.phase, Phase::Broadcasts)
    }

    /// A server has come to follow.
    pub(in crate::zookeeper) fn follower_info(
        &mut self,
        connection: ConnectionId,
        server: ServerId,
        accepted_epoch: u32,
        core: &mut Core,
        context: &mut Context<'_>,
    ) {
        if !core.settings.servers.contains_key(&server) {
            return context.close(connection);
        }
        let settings = &core.settings;
        let learner = Learner {
            server,
            stage: Stage::WaitsForEpoch,
            deadline: context.clock.mono + settings.init_timeout(),
            ack_deadline_tick: self.tick
                + u64::from(settings.init_limit)
                + u64::from(settings.sync_limit),
            proposals: SyncLimit::default(),
        };
        self.learners.insert(connection, learner);
        match self.phase {
            Phase::CollectsEpochs => self.collect_epoch(server, accepted_epoch, core, context),
            Phase::SavesAcceptedEpoch => {}
            _ => self.ask_to_accept(core, context),
        }
    }

    /// Source: `getEpochToPropose`.
    fn collect_epoch(
        &mut self,
        server: ServerId,
        accepted_epoch: u32,
        core: &mut Core,
        context: &mut Context<'_>,
    ) {
        self.epoch = self.epoch.max(accepted_epoch.saturating_add(1));
        self.connecting.insert(server);
        if self.connecting.contains(&core.id) && core.settings.is_quorum(self.connecting.len()) {
            self.phase = Phase::SavesAcceptedEpoch;
            core.storage.set_accepted_epoch(self.epoch, context);
        }
    }

    /// The disk has done what the leader waits for.
    pub(in crate::zookeeper) fn saved(&mut self, core: &mut Core, context: &mut Context<'_>) {
        match self.phase {
            Phase::SavesAcceptedEpoch => {
                self.begin(Phase::CollectsAcks, core, context);
                self.broadcast.last_proposed = Zxid::new(self.epoch, 0);
                self.ask_to_accept(core, context);
                self.accepted.insert(core.id);
                self.count_acks(core, context);
            }
            Phase::SavesCurrentEpoch => {
                self.begin(Phase::Synchronises, core, context);
                self.in_step.insert(core.id);
                self.count_in_step(core, context);
            }
            _ => {}
        }
    }

    fn begin(&mut self, phase: Phase, core: &Core, context: &Context<'_>) {
        self.phase = phase;
        self.phase_ends = context.clock.mono + core.settings.init_timeout();
    }

    fn ask_to_accept(&mut self, core: &Core, context: &mut Context<'_>) {
        for (connection, learner) in &mut self.learners {
            if learner.stage == Stage::WaitsForEpoch {
                learner.stage = Stage::AcceptsEpoch;
                learner.deadline = context.clock.mono + core.settings.init_timeout();
                say(*connection, Quorum::LeaderInfo { epoch: self.epoch }, context);
            }
        }
    }

    /// A follower has accepted the epoch. One that has more than the leader is not followed by it. Source:
    /// `waitForEpochAck`.
    pub(super) fn epoch_acked(
        &mut self,
        connection: ConnectionId,
        last_zxid: Zxid,
        current_epoch: Option<u32>,
        core: &mut Core,
        context: &mut Context<'_>,
    ) {
        let Some(learner) = self.learners.get_mut(&connection) else { return };
        if learner.stage != Stage::AcceptsEpoch {
            return;
        }
        if self.phase == Phase::CollectsAcks
            && current_epoch.is_some_and(|epoch| (epoch, last_zxid) > self.had)
        {
            self.learners.remove(&connection);
            return context.close(connection);
        }
        learner.stage = Stage::WaitsForQuorum { last_zxid };
        learner.deadline = context.clock.mono + core.settings.init_timeout();
        if current_epoch.is_some() {
            self.accepted.insert(learner.server);
        }
        if self.phase == Phase::CollectsAcks {
            self.count_acks(core, context);
        } else {
            self.synchronise(core, context);
        }
    }

    fn count_acks(&mut self, core: &mut Core, context: &mut Context<'_>) {
        if self.accepted.contains(&core.id) && core.settings.is_quorum(self.accepted.len()) {
            self.phase = Phase::SavesCurrentEpoch;
            core.storage.set_current_epoch(self.epoch, context);
            self.synchronise(core, context);
        }
    }

    /// Sends everybody who has accepted the epoch what it lacks, and what is proposed meanwhile.
    fn synchronise(&mut self, core: &Core, context: &mut Context<'_>) {
        for (connection, learner) in &mut self.learners {
            let Stage::WaitsForQuorum { last_zxid } = learner.stage else { continue };
            let (packets, up_to) = sync::packets(&core.database, last_zxid);
            note_sync(learner.server, &packets, context);
            packets.into_iter().for_each(|packet| say(*connection, packet, context));
            for (_, pending) in self.broadcast.proposals.range(up_to.next()..) {
                say(*connection, Quorum::Proposal(pending.proposal.clone()), context);
            }
            say(*connection, Quorum::NewLeader { zxid: Zxid::new(self.epoch, 0) }, context);
            learner.stage = Stage::Synchronises;
            learner.deadline = context.clock.mono + core.settings.init_timeout();
        }
    }

    /// A follower has what it was sent, on disk. Source: `waitForNewLeaderAck`.
    pub(super) fn in_step(
        &mut self,
        connection: ConnectionId,
        zxid: Zxid,
        core: &mut Core,
        context: &mut Context<'_>,
    ) {
        let Some(learner) = self.learners.get_mut(&connection) else { return };
        learner.stage = Stage::WaitsForStart;
        learner.deadline = context.clock.mono + core.settings.init_timeout();
        let server = learner.server;
        if self.is_established() {
            return self.let_serve(core, context);
        }
        if zxid == Zxid::new(self.epoch, 0) {
            self.in_step.insert(server);
            self.count_in_step(core, context);
        }
    }

    fn count_in_step(&mut self, core: &mut Core, context: &mut Context<'_>) {
        if self.phase == Phase::Synchronises && core.settings.is_quorum(self.in_step.len()) {
            self.establish(core, context);
        }
    }

    /// The epoch begins: what the leader has is committed. Source: `startZkServer`.
    fn establish(&mut self, core: &mut Core, context: &mut Context<'_>) {
        self.phase = Phase::Broadcasts;
        note("epoch-established", format!("epoch {}", self.epoch), context);
        note_recovered(core, context);
        let first = Zxid::new(self.epoch, 0);
        core.database.tree.set_last_zxid(first);
        core.open(true, context);
        self.broadcast.begin(first, core, context);
        context.set_timer(timer::TICK, core.settings.tick / 2);
        self.let_serve(core, context);
    }

    fn let_serve(&mut self, core: &Core, context: &mut Context<'_>) {
        for (connection, learner) in &mut self.learners {
            if learner.stage == Stage::WaitsForStart {
                learner.stage = Stage::Serves;
                learner.deadline = context.clock.mono + core.settings.sync_timeout();
                learner.proposals.start();
                say(*connection, Quorum::UpToDate, context);
            }
        }
    }

    /// Half a tick is over: calls its followers, and leads no longer when it has too few. Source: `lead`.
    pub(in crate::zookeeper) fn half_tick(
        &mut self,
        core: &Core,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        if !self.is_established() {
            return Ok(());
        }
        if !self.skips {
            self.tick += 1;
            let tick = self.tick;
            let followers = self.learners.values().filter(|one| tick <= one.ack_deadline_tick);
            let mut servers: BTreeSet<ServerId> = followers.map(|one| one.server).collect();
            servers.insert(core.id);
            if !core.settings.is_quorum(servers.len()) {
                return Err("too few followers are heard of");
            }
        }
        self.skips = !self.skips;
        let (now, limit) = (context.clock.mono, core.settings.sync_timeout());
        self.learners.retain(|connection, learner| {
            if !learner.is_forwarded() {
                return true;
            }
            let is_in_time = learner.proposals.check(limit, now);
            if is_in_time {
                say(*connection, Quorum::Ping, context);
            } else {
                context.close(*connection);
            }
            is_in_time
        });
        context.set_timer(timer::TICK, core.settings.tick / 2);
        Ok(())
    }
}

/// Writes down how a follower is brought in step.
fn note_sync(server: ServerId, packets: &[Quorum], context: &mut Context<'_>) {
    let (event, zxid) = match packets.first() {
        Some(Quorum::Diff { zxid }) => ("sync-diff", *zxid),
        Some(Quorum::Trunc { zxid }) => ("sync-trunc", *zxid),
        Some(Quorum::Snap { tree }) => ("sync-snap", tree.0.last_zxid()),
        _ => return,
    };
    note(event, format!("server {server} up to {zxid}"), context);
}
