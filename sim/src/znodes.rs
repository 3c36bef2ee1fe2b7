//! Locks that are queues of znodes, by what the leaders of an ensemble wrote down: below the node that is
//! the lock, who has the lowest node holds it.
//!
//! A leader writes down what the ensemble has agreed on; a new one, or one that has started again, goes through its
//! log once more, of which only what nobody has written down before is new. What an ensemble forgets that has
//! agreed on it (ZOOKEEPER-4643) nobody writes down: it stays in the queue here.

use std::collections::BTreeMap;

use fencepost_models::machine::{ConnectionId, NodeId};
use fencepost_models::message::Message;
use fencepost_models::note::{Name, Note};
use fencepost_models::zookeeper::protocol::{Packet, SessionId, Zxid};

use crate::world::history::History;

/// A node in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Znode {
    /// Its name, below the lock's.
    pub name: Name,
    /// Whose it is.
    pub session: SessionId,
}

/// What has become of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The lock.
    pub lock: Name,
    /// The node that was the lowest.
    pub before: Option<Znode>,
    /// The node that is the lowest now.
    pub after: Option<Znode>,
    /// Whose request it was.
    pub by: SessionId,
}

impl Change {
    /// Who has the lock now and had not, if anybody.
    pub fn granted(&self) -> Option<&Znode> {
        self.after.as_ref().filter(|after| self.before.as_ref() != Some(*after))
    }

    /// What somebody else's request has taken from him who had the lock.
    pub fn taken_away(&self) -> Option<&Znode> {
        // A node that is created comes last: only a deletion takes the lowest away.
        let before = self.before.as_ref().filter(|before| self.after.as_ref() != Some(*before));
        before.filter(|before| before.session != self.by)
    }
}

/// The queues, followed note by note.
#[derive(Clone, Debug, Default)]
pub struct Queues {
    /// The last transaction that was written down.
    last: Zxid,
    queues: BTreeMap<Name, BTreeMap<(u64, Name), SessionId>>,
}

impl Queues {
    /// Takes what a leader has written down; `None` where that is about no node of a queue.
    pub fn enter(&mut self, note: &Note) -> Option<Change> {
        let (Note::ZnodeCreated { path, session: by, zxid }
        | Note::ZnodeDeleted { path, session: by, zxid }) = note
        else {
            return None;
        };
        if !self.is_news(*zxid) {
            return None;
        }
        self.last = *zxid;
        let (lock, name) = split(path)?;
        let number = number(&name)?;
        let queue = self.queues.entry(lock.clone()).or_default();
        let before = lowest(queue);
        if let Note::ZnodeCreated { .. } = note {
            queue.entry((number, name)).or_insert(*by);
        } else {
            queue.remove(&(number, name));
        }
        Some(Change { lock, before, after: lowest(queue), by: *by })
    }

    /// Whether it is not what a leader had written down before. One transaction may delete several nodes.
    pub fn is_news(&self, zxid: Zxid) -> bool {
        zxid >= self.last
    }

    /// Whose a node is.
    pub fn session(&self, lock: &Name, name: &Name) -> Option<SessionId> {
        self.queues.get(lock)?.get(&(number(name)?, name.clone())).copied()
    }

    /// The node that has the lock.
    pub fn lowest(&self, lock: &Name) -> Option<Znode> {
        self.queues.get(lock).and_then(lowest)
    }
}

fn lowest(queue: &BTreeMap<(u64, Name), SessionId>) -> Option<Znode> {
    let ((_, name), session) = queue.first_key_value()?;
    Some(Znode { name: name.clone(), session: *session })
}

/// The path above, and the name below it.
pub fn split(path: &Name) -> Option<(Name, Name)> {
    let path = path.as_bytes();
    let slash = path.iter().rposition(|byte| *byte == b'/')?;
    let (lock, name) = (&path[..slash], &path[slash + 1..]);
    let as_name = |bytes: &[u8]| Name::from(String::from_utf8_lossy(bytes).as_ref());
    (!lock.is_empty()).then(|| (as_name(lock), as_name(name)))
}

/// The number that the servers have put behind a name: ten digits. Source: `PrepRequestProcessor.java`,
/// `String.format("%010d", parentCVersion)`.
pub fn number(name: &Name) -> Option<u64> {
    let (_, digits) = name.as_bytes().split_last_chunk::<10>()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Whose each session is.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    clients: BTreeMap<SessionId, NodeId>,
    connections: BTreeMap<ConnectionId, SessionId>,
}

impl Sessions {
    /// Every session that a client was told of.
    pub fn of(history: &History) -> Self {
        let mut sessions = Self::default();
        for envelope in history.messages() {
            if let Message::ZooKeeper(packet) = &envelope.message
                && let Packet::Connected(connected) = &**packet
                && connected.session != SessionId::NONE
            {
                sessions.clients.insert(connected.session, envelope.to);
                sessions.connections.insert(envelope.connection, connected.session);
            }
        }
        sessions
    }

    /// Whose it is.
    pub fn client(&self, session: SessionId) -> Option<NodeId> {
        self.clients.get(&session).copied()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (SessionId, NodeId)> {
        self.clients.iter().map(|(session, client)| (*session, *client))
    }

    /// The session of a client's connection.
    pub fn on(&self, connection: ConnectionId) -> Option<SessionId> {
        self.connections.get(&connection).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn created(path: &str, session: u64) -> Note {
        let (path, session) = (Name::from(path), SessionId(session));
        Note::ZnodeCreated { path, session, zxid: Zxid::default() }
    }

    fn deleted(path: &str, session: u64) -> Note {
        let (path, session) = (Name::from(path), SessionId(session));
        Note::ZnodeDeleted { path, session, zxid: Zxid::default() }
    }

    fn at(zxid: u64, mut note: Note) -> Note {
        if let Note::ZnodeCreated { zxid: place, .. } | Note::ZnodeDeleted { zxid: place, .. } =
            &mut note
        {
            *place = Zxid(zxid);
        }
        note
    }

    #[test]
    fn a_leader_that_goes_through_its_log_again_changes_nothing() {
        let log = [
            at(1, created("/l/a-0000000000", 7)),
            at(2, deleted("/l/a-0000000000", 7)),
            at(3, created("/l/a-0000000001", 8)),
        ];
        let mut queues = Queues::default();
        for note in &log {
            assert!(queues.enter(note).is_some());
        }
        for note in &log {
            assert!(queues.enter(note).is_none_or(|change| change.before == change.after));
        }
        let lock = Name::from("/l");
        assert_eq!(queues.lowest(&lock).map(|znode| znode.session), Some(SessionId(8)));
        assert!(queues.enter(&at(4, deleted("/l/a-0000000001", 8))).is_some());
        assert_eq!(queues.lowest(&lock), None);
    }

    #[test]
    fn the_lowest_node_has_the_lock_whatever_stands_before_its_number() {
        let mut queues = Queues::default();
        assert_eq!(queues.enter(&created("/locks", 1)), None);
        assert_eq!(queues.enter(&created("/locks/stock", 1)), None, "no number");
        let first = queues.enter(&created("/locks/stock/b-0000000003", 7)).unwrap();
        assert_eq!(first.granted().map(|znode| znode.session), Some(SessionId(7)));
        let second = queues.enter(&created("/locks/stock/a-0000000004", 8)).unwrap();
        assert_eq!((second.granted(), second.taken_away()), (None, None));
        // A transaction that is written down twice.
        assert_eq!(queues.enter(&created("/locks/stock/b-0000000003", 7)).unwrap().granted(), None);
        let end = queues.enter(&deleted("/locks/stock/b-0000000003", 7)).unwrap();
        assert_eq!(end.granted().map(|znode| znode.session), Some(SessionId(8)));
        assert_eq!(end.taken_away(), None);
        let lock = Name::from("/locks/stock");
        assert_eq!(queues.lowest(&lock).map(|znode| znode.session), Some(SessionId(8)));
    }

    #[test]
    fn only_who_had_the_lock_can_have_it_taken_away() {
        let mut queues = Queues::default();
        for number in 1..=3 {
            queues.enter(&created(&format!("/l/x-000000000{number}"), number));
        }
        assert_eq!(queues.enter(&deleted("/l/x-0000000002", 9)).unwrap().taken_away(), None);
        let taken = queues.enter(&deleted("/l/x-0000000001", 9)).unwrap();
        assert_eq!(taken.taken_away().map(|znode| znode.session), Some(SessionId(1)));
        assert_eq!(taken.granted().map(|znode| znode.session), Some(SessionId(3)));
    }
}
