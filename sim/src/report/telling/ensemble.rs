//! What the servers of an ensemble are, and who has a lock there.

use std::collections::BTreeMap;

use fencepost_models::machine::NodeId;
use fencepost_models::note::{Name, Note};
use fencepost_models::zookeeper::protocol::SessionId;

use crate::znodes::{Queues, Sessions};

/// What a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Looks,
    Follows,
    Leads,
}

/// The servers that are up, and the locks' queues.
#[derive(Debug)]
pub struct Ensemble<'a> {
    roles: BTreeMap<NodeId, Role>,
    queues: Queues,
    sessions: &'a Sessions,
}

impl<'a> Ensemble<'a> {
    pub fn new(sessions: &'a Sessions) -> Self {
        Self { roles: BTreeMap::new(), queues: Queues::default(), sessions }
    }

    pub fn enter(&mut self, server: NodeId, note: &Note) {
        self.queues.enter(server, note);
        let Note::ZooKeeper { event, .. } = note else { return };
        let role = match *event {
            "epoch-established" => Role::Leads,
            "follows" => Role::Follows,
            "looking" | "elected" | "steps-down" | "leaves" => Role::Looks,
            _ => return,
        };
        self.roles.insert(server, role);
    }

    pub fn go_down(&mut self, server: NodeId) {
        self.roles.remove(&server);
    }

    /// What a node is; `None` for one that is no server of an ensemble.
    pub fn role(&self, server: NodeId) -> Option<Role> {
        self.roles.get(&server).copied()
    }

    /// Who has a lock, if anybody: the inner `None` is for a session that nobody is known to have.
    pub fn holder(&self, lock: &Name) -> Option<Option<NodeId>> {
        Some(self.sessions.client(self.queues.lowest(lock)?.session))
    }

    /// Whether a leader writes down what none has before.
    pub fn is_news(&self, note: &Note) -> bool {
        match note {
            Note::ZnodeCreated { zxid, .. } | Note::ZnodeDeleted { zxid, .. } => {
                self.queues.is_news(*zxid)
            }
            _ => true,
        }
    }

    /// In which session a node of a lock's queue is.
    pub fn session(&self, lock: &Name, name: &Name) -> Option<SessionId> {
        self.queues.session(lock, name)
    }

    /// Whose a session is.
    pub fn client(&self, session: SessionId) -> Option<NodeId> {
        self.sessions.client(session)
    }

    /// Whose a session is, as servers write it.
    pub fn client_of(&self, session: &str) -> Option<NodeId> {
        self.sessions
            .iter()
            .find(|(known, _)| known.to_string() == session)
            .map(|(_, client)| client)
    }
}
