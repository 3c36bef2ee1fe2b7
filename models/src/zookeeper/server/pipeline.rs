//! Requests of a server's own clients that wait for the log, and those that wait behind them.
//!
//! A session's requests are carried out in the order in which they came: what follows a write waits until that
//! is committed, a read and a ping as well. A read of a session that waits for nothing is answered at once,
//! with whatever this server has: it may be behind.
//!
//! Source: `CommitProcessor.java`.

use std::collections::{BTreeMap, VecDeque};

use crate::machine::{ConnectionId, InputId};
use crate::zookeeper::protocol::{ErrorCode, Forwarded, Op, SessionId};

/// A request of a client that is connected to this server.
#[derive(Debug)]
pub(in crate::zookeeper) struct ClientRequest {
    pub(in crate::zookeeper) connection: ConnectionId,
    pub(in crate::zookeeper) session: SessionId,
    /// The client's number for it; 0 for the beginning of a session.
    pub(in crate::zookeeper) cxid: i32,
    pub(in crate::zookeeper) what: Forwarded,
    /// The leader knows already that it is refused.
    pub(in crate::zookeeper) refused: Option<ErrorCode>,
    /// The input that brought it.
    pub(in crate::zookeeper) input: Option<InputId>,
}

/// What waits.
#[derive(Debug)]
pub(in crate::zookeeper) struct Pipeline {
    pending: BTreeMap<SessionId, VecDeque<ClientRequest>>,
    /// The writes among them, in the order in which they will be committed.
    writes: VecDeque<(SessionId, i32)>,
    /// A `sync` waits for the leader's word, as on a follower it does.
    matches_syncs: bool,
}

impl Pipeline {
    pub(in crate::zookeeper) const fn new(matches_syncs: bool) -> Self {
        Self { pending: BTreeMap::new(), writes: VecDeque::new(), matches_syncs }
    }

    fn needs_commit(&self, request: &ClientRequest) -> bool {
        match &request.what {
            Forwarded::Op(Op::Sync { .. }) => self.matches_syncs,
            Forwarded::Op(op) => op.is_write(),
            Forwarded::CreateSession { .. } => true,
        }
    }

    /// Takes a request in, or hands it back when it can be carried out at once.
    pub(in crate::zookeeper) fn submit(&mut self, request: ClientRequest) -> Option<ClientRequest> {
        let needs_commit = self.needs_commit(&request);
        if !needs_commit && !self.pending.contains_key(&request.session) {
            return Some(request);
        }
        if needs_commit {
            self.writes.push_back((request.session, request.cxid));
        }
        self.pending.entry(request.session).or_default().push_back(request);
        None
    }

    /// A request is committed: if it is the next that this server waits for, then here it is, with those
    /// behind it that wait for nothing else.
    pub(in crate::zookeeper) fn commit(
        &mut self,
        session: SessionId,
        cxid: i32,
    ) -> Option<(ClientRequest, Vec<ClientRequest>)> {
        if self.writes.front() != Some(&(session, cxid)) {
            return None;
        }
        self.writes.pop_front();
        let mut queue = self.pending.remove(&session)?;
        let request = queue.pop_front()?;
        let mut behind = Vec::new();
        while let Some(next) = queue.pop_front() {
            if self.needs_commit(&next) {
                queue.push_front(next);
                break;
            }
            behind.push(next);
        }
        if !queue.is_empty() {
            self.pending.insert(session, queue);
        }
        Some((request, behind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(session: u64, cxid: i32, op: Op) -> ClientRequest {
        ClientRequest {
            connection: ConnectionId(1),
            session: SessionId(session),
            cxid,
            what: Forwarded::Op(op),
            refused: None,
            input: None,
        }
    }

    fn write() -> Op {
        Op::Delete { path: "/a".into(), version: -1 }
    }

    #[test]
    fn what_follows_a_write_waits_for_it_and_others_do_not() {
        let mut pipeline = Pipeline::new(true);
        assert!(pipeline.submit(request(1, 1, Op::Ping)).is_some());
        assert!(pipeline.submit(request(1, 2, write())).is_none());
        assert!(pipeline.submit(request(1, 3, Op::Ping)).is_none());
        assert!(pipeline.submit(request(1, 4, write())).is_none());
        assert!(pipeline.submit(request(1, 5, Op::Ping)).is_none());
        assert!(pipeline.submit(request(2, 1, Op::Ping)).is_some());
        // A commit of somebody else's, at another server.
        assert!(pipeline.commit(SessionId(3), 2).is_none());
        let (first, behind) = pipeline.commit(SessionId(1), 2).unwrap();
        assert_eq!((first.cxid, behind.len(), behind[0].cxid), (2, 1, 3));
        let (second, behind) = pipeline.commit(SessionId(1), 4).unwrap();
        assert_eq!((second.cxid, behind[0].cxid), (4, 5));
        assert!(pipeline.submit(request(1, 6, Op::Ping)).is_some());
    }

    #[test]
    fn a_sync_waits_on_a_follower_only() {
        let sync = || Op::Sync { path: "/".into() };
        assert!(Pipeline::new(true).submit(request(1, 1, sync())).is_none());
        assert!(Pipeline::new(false).submit(request(1, 1, sync())).is_some());
    }
}
