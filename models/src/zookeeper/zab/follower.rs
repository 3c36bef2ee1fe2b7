//! A follower: how it reaches its leader, and what it does for its clients. How it gets what the leader has is in
//! `joining.rs`.
//!
//! Source: `Learner.java`, `Follower.java`, `FollowerZooKeeperServer.java`, `FollowerRequestProcessor.java`,
//! `LearnerZooKeeperServer.java`. One thread of the real server reads from the leader and waits for the disk;
//! here what comes meanwhile is held.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::GivesUp;
use super::joining::{Sync, Waits};
use crate::machine::{ConnectionId, Context, NodeId};
use crate::time::Mono;
use crate::zookeeper::protocol::{Connect, Forwarded, Op, Quorum, SessionId, Zxid};
use crate::zookeeper::server::core::{Core, say};
use crate::zookeeper::server::pipeline::ClientRequest;
use crate::zookeeper::server::timer;
use crate::zookeeper::txn::Proposal;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its connection to the leader is being opened.
    Connects,
    /// It has said who it is.
    Registers,
    /// It is being sent what it lacks.
    Synchronises,
    /// It serves clients.
    Serves,
}

/// A follower.
#[derive(Debug)]
pub(in crate::zookeeper) struct Follower {
    node: NodeId,
    connection: ConnectionId,
    pub(super) stage: Stage,
    tries: u32,
    /// When it gives the leader up, unless it hears of it before.
    deadline: Mono,
    pub(super) epoch: u32,
    pub(super) waits: Option<Waits>,
    held: VecDeque<Quorum>,
    pub(super) sync: Sync,
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
    pub(super) fn go_on(
        &mut self,
        core: &mut Core,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
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
    pub(super) fn heard(&mut self, core: &Core, context: &Context<'_>) {
        let limit = if self.stage == Stage::Serves || self.sync.is_whole {
            core.settings.sync_timeout()
        } else {
            core.settings.init_timeout()
        };
        self.deadline = context.clock.mono + limit;
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

    /// Source: `FollowerZooKeeperServer.java`, `logRequest`.
    pub(super) fn log(
        &mut self,
        proposal: Arc<Proposal>,
        core: &mut Core,
        context: &mut Context<'_>,
    ) {
        self.pending.push_back((proposal.zxid, proposal.clone()));
        core.storage.append(proposal, context);
    }

    /// Source: `FollowerZooKeeperServer.java`, `commit`: the real server ends when the numbers do not match.
    pub(super) fn commit(
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

    pub(super) fn pong(&mut self, context: &mut Context<'_>) {
        let touched = std::mem::take(&mut self.touched).into_iter().collect();
        self.say(Quorum::Pong { touched }, context);
    }

    pub(super) fn say(&self, packet: Quorum, context: &mut Context<'_>) {
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
