//! A follower: how it gets what its leader has, and what it does for its clients.
//!
//! Source: `Learner.java`, `Follower.java`, `FollowerZooKeeperServer.java`, `FollowerRequestProcessor.java`,
//! `LearnerZooKeeperServer.java`. One thread of the real server reads from the leader and waits for the disk;
//! here what comes meanwhile is held.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::GivesUp;
use crate::machine::{ConnectionId, Context, NodeId};
use crate::time::Mono;
use crate::zookeeper::protocol::{Connect, Forwarded, Op, Quorum, SessionId, Zxid};
use crate::zookeeper::server::core::{Core, note, say};
use crate::zookeeper::server::pipeline::ClientRequest;
use crate::zookeeper::server::timer;
use crate::zookeeper::txn::Proposal;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Its connection to the leader is being opened.
    Connects,
    /// It has said who it is.
    Registers,
    /// It is being sent what it lacks.
    Synchronises,
    /// It serves clients.
    Serves,
}

/// What it waits for the disk to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    /// Write down the epoch that it accepts; then it tells the leader what its current one was.
    ForAcceptedEpoch { current_epoch: u32 },
    /// Take out of the log what comes after this.
    ForTruncation { zxid: Zxid },
    /// Write a snapshot.
    ForSnapshot,
    /// Write what the leader has sent to the log.
    ForLog,
    /// Write down that the leader's epoch is its own.
    ForCurrentEpoch,
}

/// How it is brought in step. Source: `Learner.java`, `syncWithLeader`.
#[derive(Debug, Default)]
struct Sync {
    /// Everything comes anew, and is not on disk yet.
    is_snapshot: bool,
    needs_snapshot: bool,
    syncs_snapshot: bool,
    /// What comes is logged before it is carried out.
    writes_log: bool,
    /// `packetsNotCommitted`.
    proposals: VecDeque<Arc<Proposal>>,
    /// `packetsCommitted`.
    committed: Vec<Zxid>,
    /// What the disk has before the leader may be told.
    acks: Vec<Zxid>,
}

/// A follower.
#[derive(Debug)]
pub(in crate::zookeeper) struct Follower {
    node: NodeId,
    connection: ConnectionId,
    stage: Stage,
    tries: u32,
    /// When it gives the leader up, unless it hears of it before.
    deadline: Mono,
    epoch: u32,
    waits: Option<Waits>,
    held: VecDeque<Quorum>,
    sync: Sync,
    /// What is logged, or will be, and not committed: `pendingTxns`.
    pending: VecDeque<(Zxid, Arc<Proposal>)>,
    /// Whose `sync`s are under way: `pendingSyncs`.
    syncs: VecDeque<(SessionId, i32)>,
    /// Of whom it has heard since the leader last asked: `touchTable`.
    touched: BTreeMap<SessionId, u32>,
    /// Clients whose sessions the leader is asked about.
    revalidations: BTreeMap<SessionId, ConnectionId>,
}

impl Follower {
    /// How often it tries to reach its leader. Source: `Learner.java`, `connectToLeader`.
    const TRIES: u32 = 5;
    /// And how long it waits in between. Source: `leaderConnectDelayDuringRetryMs`.
    const RETRY_DELAY: Duration = Duration::from_millis(100);

    /// Begins to follow.
    pub(in crate::zookeeper) fn new(node: NodeId, core: &Core, context: &mut Context<'_>) -> Self {
        Self {
            node,
            connection: context.connect(node),
            stage: Stage::Connects,
            tries: 1,
            deadline: context.clock.mono + core.settings.init_timeout(),
            epoch: 0,
            waits: None,
            held: VecDeque::new(),
            sync: Sync::default(),
            pending: VecDeque::new(),
            syncs: VecDeque::new(),
            touched: BTreeMap::new(),
            revalidations: BTreeMap::new(),
        }
    }

    /// When the leader is late. While the follower waits for its own disk, nobody is.
    pub(in crate::zookeeper) fn deadline(&self) -> Option<Mono> {
        self.waits.is_none().then_some(self.deadline)
    }

    pub(in crate::zookeeper) fn check_deadline(
        &self,
        context: &Context<'_>,
    ) -> Result<(), GivesUp> {
        match self.deadline() {
            Some(deadline) if deadline <= context.clock.mono => Err("the leader is silent"),
            _ => Ok(()),
        }
    }

    pub(in crate::zookeeper) fn close(&self, context: &mut Context<'_>) {
        context.close(self.connection);
    }

    /// Whether a connection is the one to the leader.
    pub(in crate::zookeeper) fn has(&self, connection: ConnectionId) -> bool {
        self.connection == connection
    }

    /// Whether its tree came from the leader and is not on disk. Source: `Learner.java`, `shutdown`.
    pub(in crate::zookeeper) const fn has_unsaved_tree(&self) -> bool {
        self.sync.is_snapshot
    }

    /// The epoch, once it serves clients in it.
    pub(in crate::zookeeper) fn established(&self) -> Option<u32> {
        (self.stage == Stage::Serves).then_some(self.epoch)
    }

    /// The connection is gone. Who does not lead yet refuses; it is called again a few times.
    pub(in crate::zookeeper) fn closed(
        &mut self,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        let is_refusal = matches!(self.stage, Stage::Connects | Stage::Registers);
        if !is_refusal || self.waits.is_some() || self.tries >= Self::TRIES {
            return Err("the leader is gone");
        }
        self.tries += 1;
        context.set_timer(timer::RETRY, Self::RETRY_DELAY);
        Ok(())
    }

    /// Calls the leader again.
    pub(in crate::zookeeper) fn retry(&mut self, context: &mut Context<'_>) {
        self.stage = Stage::Connects;
        self.connection = context.connect(self.node);
    }

    /// The connection is open. Source: `registerWithLeader`.
    pub(in crate::zookeeper) fn connected(&mut self, core: &Core, context: &mut Context<'_>) {
        self.stage = Stage::Registers;
        self.deadline = context.clock.mono + core.settings.init_timeout();
        let accepted_epoch = core.storage.accepted_epoch();
        self.say(Quorum::FollowerInfo { server: core.id, accepted_epoch }, context);
    }

    /// The leader says something.
    pub(in crate::zookeeper) fn hear(
        &mut self,
        packet: &Quorum,
        core: &mut Core,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        self.held.push_back(packet.clone());
        self.go_on(core, context)
    }

    /// Takes what has come, until the disk has to be waited for.
    fn go_on(&mut self, core: &mut Core, context: &mut Context<'_>) -> Result<(), GivesUp> {
        while self.waits.is_none()
            && let Some(packet) = self.held.pop_front()
        {
            self.take(packet, core, context)?;
        }
        Ok(())
    }

    fn take(
        &mut self,
        packet: Quorum,
        core: &mut Core,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        self.heard(core, context);
        match (self.stage, packet) {
            (Stage::Registers, Quorum::LeaderInfo { epoch }) => {
                self.accept(epoch, core, context)?;
            }
            (Stage::Synchronises, packet) => self.synchronise(packet, core, context)?,
            (Stage::Serves, packet) => self.serve(packet, core, context)?,
            _ => return Err("the leader says what it should not"),
        }
        Ok(())
    }

    /// From when it is in step, the leader may be silent for `syncLimit` only.
    fn heard(&mut self, core: &Core, context: &Context<'_>) {
        let limit =
            if self.stage == Stage::Serves || self.sync.writes_log && self.pending_epoch(core) {
                core.settings.sync_timeout()
            } else {
                core.settings.init_timeout()
            };
        self.deadline = context.clock.mono + limit;
    }

    fn pending_epoch(&self, core: &Core) -> bool {
        core.storage.current_epoch() == self.epoch
    }

    /// Source: `registerWithLeader`.
    fn accept(
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
            self.waits = Some(Waits::ForAcceptedEpoch { current_epoch });
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
    fn synchronise(
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
                self.waits = Some(Waits::ForTruncation { zxid });
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
                let next = self.sync.proposals.pop_front_if(|next| next.zxid == zxid);
                next.iter().for_each(|next| {
                    core.commit(next, context);
                });
            }
            Quorum::NewLeader { .. } if self.sync.needs_snapshot => {
                self.waits = Some(Waits::ForSnapshot);
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
        if !core.settings.logs_before_ack {
            self.waits = Some(Waits::ForCurrentEpoch);
            return core.storage.set_current_epoch(self.epoch, context);
        }
        self.log_proposals(core, context);
        if core.storage.is_logged() {
            self.waits = Some(Waits::ForCurrentEpoch);
            core.storage.set_current_epoch(self.epoch, context);
        } else {
            self.waits = Some(Waits::ForLog);
        }
    }

    fn log_proposals(&mut self, core: &mut Core, context: &mut Context<'_>) {
        for proposal in std::mem::take(&mut self.sync.proposals) {
            self.log(proposal, core, context);
        }
    }

    /// Source: `FollowerZooKeeperServer.java`, `logRequest`.
    fn log(&mut self, proposal: Arc<Proposal>, core: &mut Core, context: &mut Context<'_>) {
        self.pending.push_back((proposal.zxid, proposal.clone()));
        core.storage.append(proposal, context);
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
            Waits::ForAcceptedEpoch { current_epoch } => {
                self.tell_what_it_has(Some(current_epoch), core, context);
            }
            Waits::ForTruncation { zxid } => {
                core.database.reload(&core.storage);
                core.database.tree.set_last_zxid(zxid);
            }
            Waits::ForSnapshot => {
                core.database.saved();
                self.sync.is_snapshot = false;
                self.take_over_log(core, context);
            }
            Waits::ForLog => self.waits = Some(Waits::ForLog),
            Waits::ForCurrentEpoch => {
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
        let is_early = matches!(self.waits, Some(Waits::ForLog | Waits::ForCurrentEpoch));
        for proposal in logged {
            if is_early {
                self.sync.acks.push(proposal.zxid);
            } else {
                self.say(Quorum::Ack { zxid: proposal.zxid }, context);
            }
        }
        if self.waits == Some(Waits::ForLog) && core.storage.is_logged() {
            self.waits = Some(Waits::ForCurrentEpoch);
            core.storage.set_current_epoch(self.epoch, context);
        }
        Ok(())
    }

    /// Enough are in step.
    fn begin_to_serve(
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

    /// Source: `Follower.java`, `processPacket`.
    fn serve(
        &mut self,
        packet: Quorum,
        core: &mut Core,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        match packet {
            Quorum::Ping => self.pong(context),
            Quorum::Proposal(proposal) => self.log(proposal, core, context),
            Quorum::Commit { zxid } => self.commit(zxid, core, context)?,
            Quorum::Revalidated { session, is_valid } => {
                if let Some(connection) = self.revalidations.remove(&session) {
                    core.finish_session(connection, is_valid, context);
                }
            }
            Quorum::Sync => {
                if let Some((session, cxid)) = self.syncs.pop_front() {
                    core.synced(session, cxid, context);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Source: `FollowerZooKeeperServer.java`, `commit`: the real server ends when the numbers do not match.
    fn commit(
        &mut self,
        zxid: Zxid,
        core: &mut Core,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        let Some((next, proposal)) = self.pending.pop_front() else { return Ok(()) };
        if next != zxid {
            return Err("another transaction is committed than the next");
        }
        core.commit(&proposal, context);
        Ok(())
    }

    fn pong(&mut self, context: &mut Context<'_>) {
        let touched = std::mem::take(&mut self.touched).into_iter().collect();
        self.say(Quorum::Pong { touched }, context);
    }

    fn say(&self, packet: Quorum, context: &mut Context<'_>) {
        say(self.connection, packet, context);
    }

    /// A client says who it is.
    pub(in crate::zookeeper) fn connect(
        &mut self,
        connection: ConnectionId,
        connect: &Connect,
        core: &mut Core,
        context: &mut Context<'_>,
    ) {
        let Some(client) = core.admit(connection, connect, context) else { return };
        let (session, timeout_ms) = (client.session, client.timeout_ms);
        if !client.is_new {
            self.revalidations.insert(session, connection);
            return self.say(Quorum::Revalidate { session, timeout_ms }, context);
        }
        let what = Forwarded::CreateSession { timeout_ms };
        let (refused, input) = (None, context.input);
        let request = ClientRequest { connection, session, cxid: 0, what, refused, input };
        self.pass_on(request, timeout_ms, core, context);
    }

    /// A client asks for something.
    pub(in crate::zookeeper) fn request(
        &mut self,
        connection: ConnectionId,
        xid: i32,
        op: &Op,
        core: &mut Core,
        context: &mut Context<'_>,
    ) {
        if let Some((request, timeout_ms)) = core.request(connection, xid, op, context) {
            self.pass_on(request, timeout_ms, core, context);
        }
    }

    /// Source: `FollowerRequestProcessor.java`, `run`.
    fn pass_on(
        &mut self,
        request: ClientRequest,
        timeout_ms: u32,
        core: &mut Core,
        context: &mut Context<'_>,
    ) {
        let (session, cxid) = (request.session, request.cxid);
        self.touched.insert(session, timeout_ms);
        let passed_on = match &request.what {
            Forwarded::Op(op) => {
                if matches!(op, Op::Sync { .. }) {
                    self.syncs.push_back((session, cxid));
                }
                op.is_write() || matches!(op, Op::Sync { .. })
            }
            Forwarded::CreateSession { .. } => true,
        };
        let what = passed_on.then(|| request.what.clone());
        core.submit(request, context);
        if let Some(request) = what {
            self.say(Quorum::Request { session, cxid, request }, context);
        }
    }
}
