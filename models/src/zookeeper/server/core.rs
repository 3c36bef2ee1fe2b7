//! What a server is, whether it leads or follows: its disk, its tree, its clients.
//!
//! Source: `ZooKeeperServer.java`, `FinalRequestProcessor.java`.

use std::sync::Arc;

use super::clients::Clients;
use super::pipeline::{ClientRequest, Pipeline};
use crate::machine::{ConnectionId, Context};
use crate::message::Message;
use crate::note::{Name, Note};
use crate::zookeeper::protocol::{
    Answer, Connect, Connected, ErrorCode, Forwarded, Op, Packet, Password, Quorum, ServerId,
    SessionId, Zxid,
};
use crate::zookeeper::sessions::SessionIds;
use crate::zookeeper::settings::EnsembleSettings;
use crate::zookeeper::storage::{Database, Storage};
use crate::zookeeper::tree::{Change, Notice, Outcome};
use crate::zookeeper::txn::{Proposal, Txn};

/// All of it.
#[derive(Debug)]
pub(in crate::zookeeper) struct Core {
    pub(in crate::zookeeper) id: ServerId,
    pub(in crate::zookeeper) settings: EnsembleSettings,
    pub(in crate::zookeeper) storage: Storage,
    pub(in crate::zookeeper) database: Database,
    pub(in crate::zookeeper) clients: Clients,
    /// There while clients are served.
    pub(in crate::zookeeper) pipeline: Option<Pipeline>,
    pub(in crate::zookeeper) session_ids: SessionIds,
    /// The last transaction that this server knows to be committed.
    pub(in crate::zookeeper) committed: Zxid,
}

/// A client that may stay, for all that this server knows.
#[derive(Clone, Copy, Debug)]
pub(in crate::zookeeper) struct Admitted {
    pub(in crate::zookeeper) session: SessionId,
    pub(in crate::zookeeper) timeout_ms: u32,
    /// It has no session yet; this one is to begin.
    pub(in crate::zookeeper) is_new: bool,
}

impl Core {
    /// Serves clients from now on.
    pub(in crate::zookeeper) fn open(&mut self, leads: bool, context: &Context<'_>) {
        self.pipeline = Some(Pipeline::new(!leads));
        self.session_ids = SessionIds::new(self.id, context.clock.mono);
    }

    /// Serves nobody any longer.
    pub(in crate::zookeeper) fn shut(&mut self, context: &mut Context<'_>) {
        self.pipeline = None;
        self.clients.close_all(context);
    }

    /// A client says who it is. Source: `processConnectRequest`.
    pub(in crate::zookeeper) fn admit(
        &mut self,
        connection: ConnectionId,
        connect: &Connect,
        context: &mut Context<'_>,
    ) -> Option<Admitted> {
        if self.pipeline.is_none() || connect.last_zxid_seen > self.database.tree.last_zxid() {
            context.close(connection);
            return None;
        }
        let (min_ms, max_ms) = self.settings.session_timeouts_ms();
        let timeout_ms = connect.timeout_ms.clamp(min_ms, max_ms);
        let is_new = connect.session == SessionId::NONE;
        let session = if is_new { self.session_ids.next() } else { connect.session };
        if !is_new {
            self.clients.close_session(session, context);
        }
        self.clients.add(connection, session, timeout_ms, context.clock.mono);
        if !is_new && connect.password != session.password() {
            self.finish_session(connection, false, context);
            return None;
        }
        Some(Admitted { session, timeout_ms, is_new })
    }

    /// The session has begun, goes on, or is over. Source: `finishSessionInit`.
    pub(in crate::zookeeper) fn finish_session(
        &mut self,
        connection: ConnectionId,
        is_valid: bool,
        context: &mut Context<'_>,
    ) {
        let Some(client) = self.clients.get_mut(connection) else { return };
        client.is_open = is_valid;
        let connected = if is_valid {
            let (session, timeout_ms) = (client.session, client.timeout_ms);
            Connected { timeout_ms, session, password: session.password() }
        } else {
            Connected { timeout_ms: 0, session: SessionId::NONE, password: Password::default() }
        };
        send(connection, Packet::Connected(connected), context);
        if !is_valid {
            self.clients.close(connection, context);
        }
    }

    /// A client's request, unless it has not been admitted yet.
    pub(in crate::zookeeper) fn request(
        &mut self,
        connection: ConnectionId,
        xid: i32,
        op: &Op,
        context: &Context<'_>,
    ) -> Option<(ClientRequest, u32)> {
        let client = self.clients.get_mut(connection).filter(|client| client.is_open)?;
        let (session, timeout_ms) = (client.session, client.timeout_ms);
        let request = ClientRequest {
            connection,
            session,
            cxid: xid,
            what: Forwarded::Op(op.clone()),
            refused: None,
            input: context.input,
        };
        Some((request, timeout_ms))
    }

    /// Takes a request in; answers it when it waits for nothing.
    pub(in crate::zookeeper) fn submit(
        &mut self,
        request: ClientRequest,
        context: &mut Context<'_>,
    ) {
        let Some(pipeline) = &mut self.pipeline else { return };
        if let Some(request) = pipeline.submit(request) {
            self.answer_read(&request, context);
        }
    }

    /// Carries out a transaction, tells those who watch, and answers the client, if it is one of this
    /// server's. What has changed is returned.
    pub(in crate::zookeeper) fn commit(
        &mut self,
        proposal: &Arc<Proposal>,
        context: &mut Context<'_>,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        let outcome = self.database.tree.apply(proposal, &mut changes);
        self.database.keep(proposal.clone());
        self.committed = self.committed.max(proposal.zxid);
        let mut notices = Vec::new();
        for change in &changes {
            self.clients.watches.fire(change, &mut notices);
        }
        tell(notices, context);
        let waiting = self.pipeline.as_mut();
        let waiting = waiting.and_then(|waiting| waiting.commit(proposal.session, proposal.cxid));
        let is_close = matches!(proposal.txn, Txn::CloseSession { .. });
        match waiting {
            Some((request, behind)) => {
                self.answer_write(&request, outcome, context);
                behind.iter().for_each(|request| self.answer_read(request, context));
            }
            None if is_close => self.clients.close_session(proposal.session, context),
            None => {}
        }
        changes
    }

    /// A `sync` of this server's client has come back from the leader.
    pub(in crate::zookeeper) fn synced(
        &mut self,
        session: SessionId,
        cxid: i32,
        context: &mut Context<'_>,
    ) {
        let Some(pipeline) = &mut self.pipeline else { return };
        if let Some((request, behind)) = pipeline.commit(session, cxid) {
            self.answer_read(&request, context);
            behind.iter().for_each(|request| self.answer_read(request, context));
        }
    }

    fn answer_write(
        &mut self,
        request: &ClientRequest,
        outcome: Outcome,
        context: &mut Context<'_>,
    ) {
        let Forwarded::Op(op) = &request.what else {
            return because(request, context, |context| {
                self.finish_session(request.connection, true, context);
            });
        };
        let result = answer(op, outcome);
        let has_moved = match &result {
            Err(error) => *error == ErrorCode::SessionMoved,
            Ok(Answer::Multi(parts)) => parts.contains(&Err(ErrorCode::SessionMoved)),
            Ok(_) => false,
        };
        self.reply(request, result, has_moved, context);
    }

    fn answer_read(&mut self, request: &ClientRequest, context: &mut Context<'_>) {
        let Forwarded::Op(op) = &request.what else { return };
        let result = match request.refused {
            Some(error) => Err(error),
            None => self.read(request.connection, op, context),
        };
        let has_moved = result == Err(ErrorCode::SessionMoved);
        self.reply(request, result, has_moved, context);
    }

    /// Source: `FinalRequestProcessor.java`, `processRequest`.
    fn read(
        &mut self,
        connection: ConnectionId,
        op: &Op,
        context: &mut Context<'_>,
    ) -> Result<Answer, ErrorCode> {
        let tree = &self.database.tree;
        let watches = &mut self.clients.watches;
        match op {
            Op::Exists { path, watch } => {
                if path.contains('\0') {
                    return Err(ErrorCode::BadArguments);
                }
                if *watch {
                    watches.watch_data(path, connection);
                }
                tree.stat(path).map(Answer::Stat)
            }
            Op::GetData { path, watch } => {
                let (data, stat) = tree.data(path)?;
                if *watch {
                    watches.watch_data(path, connection);
                }
                Ok(Answer::Data { data, stat })
            }
            Op::GetChildren { path, watch, with_stat } => {
                let (names, stat) = tree.children(path)?;
                if *watch {
                    watches.watch_children(path, connection);
                }
                Ok(Answer::Children { names, stat: with_stat.then_some(stat) })
            }
            Op::SetWatches(set) => {
                let mut notices = Vec::new();
                watches.set(set, tree, connection, &mut notices);
                tell(notices, context);
                Ok(Answer::Done)
            }
            Op::Sync { path } => Ok(Answer::Synced { path: path.clone() }),
            _ => Ok(Answer::Done),
        }
    }

    /// Answers, and closes the connection when the session has ended, or has moved: then there is no answer.
    fn reply(
        &mut self,
        request: &ClientRequest,
        result: Result<Answer, ErrorCode>,
        has_moved: bool,
        context: &mut Context<'_>,
    ) {
        let connection = request.connection;
        if self.clients.get_mut(connection).is_none() {
            return;
        }
        if !has_moved {
            let zxid = self.database.tree.last_zxid();
            let reply = Packet::Reply { xid: request.cxid, zxid, result };
            because(request, context, |context| send(connection, reply, context));
        }
        if has_moved || matches!(request.what, Forwarded::Op(Op::CloseSession)) {
            self.clients.close(connection, context);
        }
    }
}

/// Source: `FinalRequestProcessor.java`, `processRequest`.
fn answer(op: &Op, outcome: Outcome) -> Result<Answer, ErrorCode> {
    match (op, outcome) {
        (_, Outcome::Failed(error)) => Err(error),
        (Op::Create { with_stat, .. }, Outcome::Created { path, stat }) => {
            Ok(Answer::Created { path, stat: with_stat.then_some(stat) })
        }
        (_, Outcome::Created { path, stat }) => Ok(Answer::Created { path, stat: Some(stat) }),
        (_, Outcome::Set(stat)) => Ok(Answer::Stat(stat)),
        (_, Outcome::Done) => Ok(Answer::Done),
        (Op::Multi(ops), Outcome::Multi(parts)) => {
            Ok(Answer::Multi(ops.iter().zip(parts).map(|(op, part)| answer(op, part)).collect()))
        }
        (_, Outcome::Multi(_)) => Err(ErrorCode::RuntimeInconsistency),
    }
}

/// What follows comes of a client's request, and not of what is being handled.
fn because(request: &ClientRequest, context: &mut Context<'_>, act: impl FnOnce(&mut Context<'_>)) {
    let now = context.input;
    if request.input == now {
        return act(context);
    }
    context.because(request.input);
    act(context);
    context.because(now);
}

fn tell(notices: Vec<Notice>, context: &mut Context<'_>) {
    for (connection, event) in notices {
        send(connection, Packet::Event(event), context);
    }
}

/// Writes down what a committed transaction changed. One server does it, or a reader would find it as often
/// as there are servers.
pub(in crate::zookeeper) fn note_changes(
    proposal: &Proposal,
    changes: &[Change],
    context: &mut Context<'_>,
) {
    let (session, zxid) = (proposal.session, proposal.zxid);
    for change in changes {
        match change {
            Change::Created(path) => {
                context.note(Note::ZnodeCreated { path: Name::from(&**path), session, zxid });
            }
            Change::Deleted(path) => {
                context.note(Note::ZnodeDeleted { path: Name::from(&**path), session, zxid });
            }
            Change::DataSet(_) => {}
        }
    }
}

/// Writes down what a new leader has found in its log, which is committed from now on: nobody else may have.
pub(in crate::zookeeper) fn note_recovered(core: &mut Core, context: &mut Context<'_>) {
    for proposal in core.storage.logged_after(core.committed) {
        let mut changes = Vec::new();
        add_changes(&proposal.txn, &mut changes);
        note_changes(&proposal, &changes, context);
    }
    core.committed = core.committed.max(core.database.tree.last_zxid());
}

fn add_changes(txn: &Txn, changes: &mut Vec<Change>) {
    match txn {
        Txn::Create { path, .. } => changes.push(Change::Created(path.clone())),
        Txn::Delete { path } => changes.push(Change::Deleted(path.clone())),
        Txn::CloseSession { paths } => changes.extend(paths.iter().cloned().map(Change::Deleted)),
        Txn::Multi(txns) if !txns.iter().any(|txn| matches!(txn, Txn::Error(_))) => {
            txns.iter().for_each(|txn| add_changes(txn, changes));
        }
        _ => {}
    }
}

/// Writes down what a server has become, or has done.
pub(in crate::zookeeper) fn note(event: &'static str, detail: String, context: &mut Context<'_>) {
    context.note(Note::ZooKeeper { event, detail });
}

/// Sends a packet.
pub(in crate::zookeeper) fn send(
    connection: ConnectionId,
    packet: Packet,
    context: &mut Context<'_>,
) {
    context.send(connection, Message::ZooKeeper(Arc::new(packet)));
}

/// Sends what leaders and followers say.
pub(in crate::zookeeper) fn say(
    connection: ConnectionId,
    packet: Quorum,
    context: &mut Context<'_>,
) {
    send(connection, Packet::Quorum(packet), context);
}
