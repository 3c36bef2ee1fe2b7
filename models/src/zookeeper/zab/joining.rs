//! How a follower gets what its leader has.
//!
//! Source: `Learner.java`, `registerWithLeader`, `syncWithLeader`.

use std::collections::VecDeque;
use std::sync::Arc;

use super::GivesUp;
use super::follower::{Follower, Stage};
use crate::machine::Context;
use crate::zookeeper::protocol::{Quorum, Zxid};
use crate::zookeeper::server::core::{Core, note};
use crate::zookeeper::txn::Proposal;

/// What it waits for the disk to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// Write down the epoch that it accepts; then it tells the leader what its current one was.
    AcceptedEpoch { current_epoch: u32 },
    /// Take out of the log what comes after this.
    Truncation { zxid: Zxid },
    /// Write a snapshot.
    Snapshot,
    /// Write what the leader has sent to the log.
    Log,
    /// Write down that the leader's epoch is its own.
    CurrentEpoch,
}

/// How it is brought in step. Source: `Learner.java`, `syncWithLeader`.
#[derive(Debug, Default)]
pub(super) struct Sync {
    /// Everything comes anew, and is not on disk yet.
    pub(super) is_snapshot: bool,
    pub(super) needs_snapshot: bool,
    pub(super) syncs_snapshot: bool,
    /// What comes is logged before it is carried out.
    pub(super) writes_log: bool,
    /// The leader has said that this is all.
    pub(super) is_whole: bool,
    /// `packetsNotCommitted`.
    pub(super) proposals: VecDeque<Arc<Proposal>>,
    /// `packetsCommitted`.
    pub(super) committed: Vec<Zxid>,
    /// What the disk has before the leader may be told.
    pub(super) acks: Vec<Zxid>,
}

impl Follower {
    /// Source: `registerWithLeader`.
    pub(super) fn accept(
        &mut self,
        epoch: u32,
        core: &mut Core,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        self.epoch = epoch;
        let accepted_epoch = core.storage.accepted_epoch();
        if epoch < accepted_epoch {
            return Err("the leader's epoch is over");
        }
        if epoch == accepted_epoch {
            self.tell_what_it_has(None, core, context);
        } else {
            let current_epoch = core.storage.current_epoch();
            self.waits = Some(Waits::AcceptedEpoch { current_epoch });
            core.storage.set_accepted_epoch(epoch, context);
        }
        Ok(())
    }

    fn tell_what_it_has(
        &mut self,
        current_epoch: Option<u32>,
        core: &Core,
        context: &mut Context<'_>,
    ) {
        self.stage = Stage::Synchronises;
        let last_zxid = core.database.tree.last_zxid();
        self.say(Quorum::AckEpoch { last_zxid, current_epoch }, context);
    }

    /// Source: `syncWithLeader`.
    pub(super) fn synchronise(
        &mut self,
        packet: Quorum,
        core: &mut Core,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        match packet {
            Quorum::Diff { .. } => self.sync.writes_log = true,
            Quorum::Trunc { zxid } => {
                self.sync.needs_snapshot = true;
                self.sync.syncs_snapshot = core.settings.logs_before_ack;
                self.waits = Some(Waits::Truncation { zxid });
                core.storage.truncate(zxid, context);
            }
            Quorum::Snap { tree } => {
                core.database.replace(tree.0.clone());
                let (needs_snapshot, syncs_snapshot) = (true, true);
                self.sync =
                    Sync { is_snapshot: true, needs_snapshot, syncs_snapshot, ..Sync::default() };
            }
            Quorum::Proposal(proposal) => self.sync.proposals.push_back(proposal),
            Quorum::Commit { zxid } if self.sync.writes_log => self.sync.committed.push(zxid),
            Quorum::Commit { zxid } => {
                if self.sync.proposals.front().is_some_and(|next| next.zxid == zxid)
                    && let Some(next) = self.sync.proposals.pop_front()
                {
                    core.commit(&next, context);
                }
            }
            Quorum::NewLeader { .. } if self.sync.needs_snapshot => {
                self.waits = Some(Waits::Snapshot);
                core.storage.save_snapshot(&core.database.tree, self.sync.syncs_snapshot, context);
            }
            Quorum::NewLeader { .. } => self.take_over_log(core, context),
            Quorum::UpToDate => self.begin_to_serve(core, context)?,
            Quorum::Ping => self.pong(context),
            _ => {}
        }
        Ok(())
    }

    /// What the leader has is all here. ZooKeeper 3.8.0 writes down first that this is its epoch.
    fn take_over_log(&mut self, core: &mut Core, context: &mut Context<'_>) {
        self.sync.writes_log = true;
        self.sync.is_whole = true;
        if !core.settings.logs_before_ack {
            self.waits = Some(Waits::CurrentEpoch);
            return core.storage.set_current_epoch(self.epoch, context);
        }
        self.log_proposals(core, context);
        if core.storage.is_logged() {
            self.waits = Some(Waits::CurrentEpoch);
            core.storage.set_current_epoch(self.epoch, context);
        } else {
            self.waits = Some(Waits::Log);
        }
    }

    pub(super) fn log_proposals(&mut self, core: &mut Core, context: &mut Context<'_>) {
        for proposal in std::mem::take(&mut self.sync.proposals) {
            self.log(proposal, core, context);
        }
    }

    /// The disk has done what the follower waits for.
    pub(in crate::zookeeper) fn saved(
        &mut self,
        core: &mut Core,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        let Some(waits) = self.waits.take() else { return Ok(()) };
        self.heard(core, context);
        match waits {
            Waits::AcceptedEpoch { current_epoch } => {
                self.tell_what_it_has(Some(current_epoch), core, context);
            }
            Waits::Truncation { zxid } => {
                core.database.reload(&core.storage);
                core.database.tree.set_last_zxid(zxid);
            }
            Waits::Snapshot => {
                core.database.saved();
                self.sync.is_snapshot = false;
                self.take_over_log(core, context);
            }
            Waits::Log => self.waits = Some(Waits::Log),
            Waits::CurrentEpoch => {
                if !core.settings.logs_before_ack {
                    self.log_proposals(core, context);
                }
                self.say(Quorum::Ack { zxid: Zxid::new(self.epoch, 0) }, context);
                std::mem::take(&mut self.sync.acks)
                    .into_iter()
                    .for_each(|zxid| self.say(Quorum::Ack { zxid }, context));
            }
        }
        self.go_on(core, context)
    }

    /// The disk has these in the log. Source: `SendAckRequestProcessor.java`.
    pub(in crate::zookeeper) fn logged(
        &mut self,
        logged: &[Arc<Proposal>],
        core: &mut Core,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        let is_early = matches!(self.waits, Some(Waits::Log | Waits::CurrentEpoch));
        for proposal in logged {
            if is_early {
                self.sync.acks.push(proposal.zxid);
            } else {
                self.say(Quorum::Ack { zxid: proposal.zxid }, context);
            }
        }
        if self.waits == Some(Waits::Log) && core.storage.is_logged() {
            self.waits = Some(Waits::CurrentEpoch);
            core.storage.set_current_epoch(self.epoch, context);
        }
        Ok(())
    }

    /// Enough are in step.
    pub(super) fn begin_to_serve(
        &mut self,
        core: &mut Core,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        self.stage = Stage::Serves;
        self.say(Quorum::Ack { zxid: Zxid::new(self.epoch, 0) }, context);
        core.open(false, context);
        note("follows", format!("epoch {}", self.epoch), context);
        self.log_proposals(core, context);
        for zxid in std::mem::take(&mut self.sync.committed) {
            self.commit(zxid, core, context)?;
        }
        Ok(())
    }
}
