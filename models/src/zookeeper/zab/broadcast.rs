//! What an established leader does: makes transactions of requests, proposes them, commits what a majority has
//! on disk, and counts sessions down.
//!
//! Source: `Leader.java`, `propose`, `processAck`, `tryToCommit`; `LeaderZooKeeperServer.java`,
//! `ProposalRequestProcessor.java`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::learners::Stage;
use super::{GivesUp, Leader};
use crate::machine::{ConnectionId, Context};
use crate::zookeeper::prepare::{Outstanding, Request};
use crate::zookeeper::protocol::{Connect, Forwarded, Op, Quorum, ServerId, SessionId, Zxid};
use crate::zookeeper::server::core::{Core, note, note_changes, say};
use crate::zookeeper::server::pipeline::ClientRequest;
use crate::zookeeper::server::timer;
use crate::zookeeper::sessions::{Owner, SessionTracker};
use crate::zookeeper::txn::{Proposal, Txn};

/// A transaction that is proposed and not committed.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) proposal: Arc<Proposal>,
    /// Who has it on disk.
    acks: BTreeSet<ServerId>,
}

/// What it takes.
#[derive(Debug)]
pub(super) struct Broadcast {
    /// `outstandingProposals`.
    pub(super) proposals: BTreeMap<Zxid, Pending>,
    pub(super) last_proposed: Zxid,
    last_committed: Zxid,
    /// Followers that have asked for a `sync`, by the transaction that it waits for.
    syncs: BTreeMap<Zxid, Vec<ConnectionId>>,
    outstanding: Outstanding,
    /// There since the epoch began.
    sessions: Option<SessionTracker>,
}

impl Broadcast {
    pub(super) fn new() -> Self {
        Self {
            proposals: BTreeMap::new(),
            last_proposed: Zxid::default(),
            last_committed: Zxid::default(),
            syncs: BTreeMap::new(),
            outstanding: Outstanding::default(),
            sessions: None,
        }
    }

    /// The epoch begins.
    pub(super) fn begin(&mut self, first: Zxid, core: &Core, context: &mut Context<'_>) {
        self.last_proposed = first;
        self.last_committed = first;
        let known = core.database.tree.sessions();
        let tick_ms = u64::from(core.settings.tick_ms());
        let tracker = SessionTracker::new(known, tick_ms, context.clock.mono);
        context.set_timer_at(timer::SESSIONS, tracker.next_expiry());
        self.sessions = Some(tracker);
    }
}

impl Leader {
    /// A follower says something.
    pub(in crate::zookeeper) fn hear(
        &mut self,
        connection: ConnectionId,
        packet: &Quorum,
        core: &mut Core,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        let tick = self.tick + u64::from(core.settings.sync_limit);
        let Some(learner) = self.learners.get_mut(&connection) else { return Ok(()) };
        let server = learner.server;
        if learner.stage == Stage::Serves {
            learner.ack_deadline_tick = tick;
            learner.deadline = context.clock.mono + core.settings.sync_timeout();
        }
        match packet {
            Quorum::AckEpoch { last_zxid, current_epoch } => {
                self.epoch_acked(connection, *last_zxid, *current_epoch, core, context);
            }
            Quorum::Ack { zxid } if learner.stage == Stage::Synchronises => {
                self.in_step(connection, *zxid, core, context);
            }
            Quorum::Ack { zxid } => {
                learner.proposals.acked(*zxid);
                self.acked(server, *zxid, core, context);
            }
            Quorum::Pong { touched } => {
                let now = context.clock.mono;
                if let Some(sessions) = &mut self.broadcast.sessions {
                    for (session, timeout_ms) in touched {
                        sessions.touch(*session, *timeout_ms, now);
                    }
                }
            }
            Quorum::Revalidate { session, timeout_ms } => {
                let owner = Owner::Learner(connection);
                let is_valid = self.revalidate(*session, *timeout_ms, owner, context);
                say(connection, Quorum::Revalidated { session: *session, is_valid }, context);
            }
            Quorum::Request { request: Forwarded::Op(Op::Sync { .. }), .. } => {
                self.sync(connection, context);
            }
            Quorum::Request { session, cxid, request } => {
                let owner = Some(Owner::Learner(connection));
                return self.propose(*session, *cxid, request, owner, core, context);
            }
            _ => {}
        }
        Ok(())
    }

    /// A client has come with a session. Source: `ZooKeeperServer.java`, `touchSession`, `setOwner`.
    fn revalidate(
        &mut self,
        session: SessionId,
        timeout_ms: u32,
        owner: Owner,
        context: &Context<'_>,
    ) -> bool {
        let Some(sessions) = &mut self.broadcast.sessions else { return false };
        let is_valid = sessions.touch(session, timeout_ms, context.clock.mono);
        sessions.set_owner(session, owner);
        is_valid
    }

    /// A client of the leader's own says who it is.
    pub(in crate::zookeeper) fn connect(
        &mut self,
        connection: ConnectionId,
        connect: &Connect,
        core: &mut Core,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        let Some(client) = core.admit(connection, connect, context) else { return Ok(()) };
        if !client.is_new {
            let is_valid =
                self.revalidate(client.session, client.timeout_ms, Owner::Local, context);
            core.finish_session(connection, is_valid, context);
            return Ok(());
        }
        if let Some(sessions) = &mut self.broadcast.sessions {
            sessions.track(client.session, client.timeout_ms, context.clock.mono);
        }
        let what = Forwarded::CreateSession { timeout_ms: client.timeout_ms };
        core.submit(
            ClientRequest {
                connection,
                session: client.session,
                cxid: 0,
                what: what.clone(),
                refused: None,
                input: context.input,
            },
            context,
        );
        self.propose(client.session, 0, &what, Some(Owner::Local), core, context)
    }

    /// A client of the leader's own asks for something. Source: `ZooKeeperServer.java`, `submitRequestNow`.
    pub(in crate::zookeeper) fn request(
        &mut self,
        connection: ConnectionId,
        xid: i32,
        op: &Op,
        core: &mut Core,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        let Some((mut request, timeout_ms)) = core.request(connection, xid, op, context) else {
            return Ok(());
        };
        let Some(sessions) = &mut self.broadcast.sessions else { return Ok(()) };
        let session = request.session;
        if !sessions.touch(session, timeout_ms, context.clock.mono) {
            return Ok(());
        }
        if !op.is_write() {
            request.refused = sessions.check(session, Owner::Local).err();
            core.submit(request, context);
            return Ok(());
        }
        let what = request.what.clone();
        core.submit(request, context);
        self.propose(session, xid, &what, Some(Owner::Local), core, context)
    }

    /// Makes a transaction of a request, and proposes it. Nobody's request ends a session that is over.
    fn propose(
        &mut self,
        session: SessionId,
        cxid: i32,
        what: &Forwarded,
        owner: Option<Owner>,
        core: &mut Core,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        let broadcast = &mut self.broadcast;
        let Some(sessions) = &mut broadcast.sessions else { return Ok(()) };
        let zxid = broadcast.last_proposed.next();
        if zxid.epoch() != self.epoch {
            return Err("the epoch has no numbers left");
        }
        let time_ms = context.clock.wall.as_millis();
        let tree = &core.database.tree;
        let txn = match what {
            Forwarded::CreateSession { timeout_ms } => {
                sessions.track(session, *timeout_ms, context.clock.mono);
                if let Some(owner) = owner {
                    sessions.set_owner(session, owner);
                }
                Txn::CreateSession { timeout_ms: *timeout_ms }
            }
            Forwarded::Op(Op::CloseSession) => {
                sessions.set_closing(session);
                broadcast.outstanding.close_session(tree, session, zxid)
            }
            Forwarded::Op(op) => {
                let standing = owner.map_or(Ok(()), |owner| sessions.check(session, owner));
                let request = Request { session, standing, zxid, time_ms };
                broadcast.outstanding.prepare(tree, &request, op)
            }
        };
        let proposal = Arc::new(Proposal { zxid, session, cxid, time_ms, txn });
        broadcast.last_proposed = zxid;
        let pending = Pending { proposal: proposal.clone(), acks: BTreeSet::new() };
        broadcast.proposals.insert(zxid, pending);
        for (connection, learner) in &mut self.learners {
            if learner.is_forwarded() {
                learner.proposals.proposed(zxid, context.clock.mono);
                say(*connection, Quorum::Proposal(proposal.clone()), context);
            }
        }
        core.storage.append(proposal, context);
        Ok(())
    }

    /// The leader's own disk has these.
    pub(in crate::zookeeper) fn logged(
        &mut self,
        logged: &[Arc<Proposal>],
        core: &mut Core,
        context: &mut Context<'_>,
    ) {
        let id = core.id;
        logged.iter().for_each(|proposal| self.acked(id, proposal.zxid, core, context));
    }

    /// Somebody has a transaction on disk. It is committed once a majority has it and the one before is.
    fn acked(&mut self, by: ServerId, zxid: Zxid, core: &mut Core, context: &mut Context<'_>) {
        let proposals = &mut self.broadcast.proposals;
        let Some(pending) = proposals.get_mut(&zxid) else { return };
        pending.acks.insert(by);
        let is_first = proposals.first_key_value().is_some_and(|(first, _)| *first == zxid);
        if !is_first || !core.settings.is_quorum(proposals[&zxid].acks.len()) {
            return;
        }
        let Some(Pending { proposal, .. }) = proposals.remove(&zxid) else { return };
        self.broadcast.last_committed = zxid;
        for (connection, _) in self.learners.iter().filter(|(_, one)| one.is_forwarded()) {
            say(*connection, Quorum::Commit { zxid }, context);
        }
        let changes = core.commit(&proposal, context);
        note_changes(&proposal, &changes, context);
        self.broadcast.outstanding.applied(zxid);
        if matches!(proposal.txn, Txn::CloseSession { .. })
            && let Some(sessions) = &mut self.broadcast.sessions
        {
            sessions.remove(proposal.session);
        }
        for connection in self.broadcast.syncs.remove(&zxid).unwrap_or_default() {
            say(connection, Quorum::Sync, context);
        }
    }

    /// A follower asks for what is committed: it has been sent that when what is proposed now is committed.
    /// Source: `processSync`.
    fn sync(&mut self, connection: ConnectionId, context: &mut Context<'_>) {
        let broadcast = &mut self.broadcast;
        if broadcast.proposals.is_empty() {
            return say(connection, Quorum::Sync, context);
        }
        broadcast.syncs.entry(broadcast.last_proposed).or_default().push(connection);
    }

    /// Closes the sessions that have been silent for too long. Source: `SessionTrackerImpl.java`, `run`.
    pub(in crate::zookeeper) fn expire_sessions(
        &mut self,
        core: &mut Core,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        let Some(sessions) = &mut self.broadcast.sessions else { return Ok(()) };
        let over = sessions.expire(context.clock.mono);
        context.set_timer_at(timer::SESSIONS, sessions.next_expiry());
        for session in over {
            note("session-expired", session.to_string(), context);
            self.propose(session, 0, &Forwarded::Op(Op::CloseSession), None, core, context)?;
        }
        Ok(())
    }
}
