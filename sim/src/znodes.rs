//! Locks that are queues of znodes, by what the leaders of an ensemble wrote down: below the node that is
//! the lock, who has the lowest node holds it.
//!
//! A leader writes down what the ensemble has agreed on; a new one, or one that has started again, goes through its
//! log once more, of which only what nobody has written down before is new. What an ensemble forgets that had
//! agreed on it (ZOOKEEPER-4643) is not in the log of who leads next.

use std::collections::BTreeMap;

use fencepost_models::machine::NodeId;
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
    /// The transaction that created it.
    pub czxid: Zxid,
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
    /// Whose request it was, where that was to delete a node.
    pub deleted_by: Option<SessionId>,
}

impl Change {
    /// Who has the lock now and had not, if anybody.
    pub fn granted(&self) -> Option<&Znode> {
        self.after.as_ref().filter(|after| self.before.as_ref() != Some(*after))
    }

    /// Whose request has taken the lock from somebody else who had it, and from whom.
    pub fn taken_away(&self) -> Option<(SessionId, &Znode)> {
        let by = self.deleted_by?;
        let before = self.before.as_ref().filter(|before| self.after.as_ref() != Some(*before))?;
        (before.session != by).then_some((by, before))
    }
}

/// The nodes of one lock, in order.
type Queue = BTreeMap<(u64, Name), (SessionId, Zxid)>;

/// What a transaction did to a queue.
#[derive(Clone, Debug)]
struct Step {
    zxid: Zxid,
    lock: Name,
    place: (u64, Name),
    session: SessionId,
    is_creation: bool,
}

/// The queues, followed note by note.
#[derive(Clone, Debug, Default)]
pub struct Queues {
    /// All that was written down and is not forgotten.
    steps: Vec<Step>,
    /// The last transaction that was written down.
    last: Zxid,
    queues: BTreeMap<Name, Queue>,
    /// The last transaction in the log of each server, when it last looked for a leader.
    logs: BTreeMap<NodeId, Zxid>,
}

impl Queues {
    /// Takes what a server has written down, and says what queue has changed by it: none, one, or all of them by the
    /// election of a leader that has forgotten something.
    pub fn enter(&mut self, server: NodeId, note: &Note) -> Vec<Change> {
        match note {
            Note::ZooKeeper { event: "looking", detail } => {
                self.logs.extend(last_transaction(detail).map(|zxid| (server, zxid)));
                Vec::new()
            }
            Note::ZooKeeper { event: "epoch-established", detail } => {
                match self.logs.get(&server) {
                    Some(zxid) if *zxid < self.last && self.is_new(detail) => {
                        self.forget_after(*zxid)
                    }
                    _ => Vec::new(),
                }
            }
            note => self.carry_out(note).into_iter().collect(),
        }
    }

    fn carry_out(&mut self, note: &Note) -> Option<Change> {
        let (path, session, zxid, is_creation) = match note {
            Note::ZnodeCreated { path, session, zxid } => (path, *session, *zxid, true),
            Note::ZnodeDeleted { path, session, zxid } => (path, *session, *zxid, false),
            _ => return None,
        };
        if !self.is_news(zxid) {
            return None;
        }
        self.last = zxid;
        let (lock, name) = split(path)?;
        let place = (number(&name)?, name);
        let step = Step { zxid, lock, place, session, is_creation };
        let change = self.take(&step);
        self.steps.push(step);
        Some(change)
    }

    /// Whether nothing was written down in that epoch, nor in a later one: who learns late that it leads has long
    /// been replaced.
    fn is_new(&self, epoch: &str) -> bool {
        let number = epoch.strip_prefix("epoch ").and_then(|number| number.parse::<u32>().ok());
        number.is_some_and(|number| number > self.last.epoch())
    }

    fn take(&mut self, step: &Step) -> Change {
        let queue = self.queues.entry(step.lock.clone()).or_default();
        let before = lowest(queue);
        if step.is_creation {
            queue.entry(step.place.clone()).or_insert((step.session, step.zxid));
        } else {
            queue.remove(&step.place);
        }
        let deleted_by = (!step.is_creation).then_some(step.session);
        Change { lock: step.lock.clone(), before, after: lowest(queue), deleted_by }
    }

    /// A new leader has no more in its log than that: what was written down after it is undone.
    fn forget_after(&mut self, zxid: Zxid) -> Vec<Change> {
        self.last = zxid;
        self.steps.retain(|step| step.zxid <= zxid);
        let were = std::mem::take(&mut self.queues);
        for step in std::mem::take(&mut self.steps) {
            self.take(&step);
            self.steps.push(step);
        }
        let changes = were.iter().map(|(lock, queue)| Change {
            lock: lock.clone(),
            before: lowest(queue),
            after: self.lowest(lock),
            deleted_by: None,
        });
        changes.collect()
    }

    /// Whether it is not what a leader had written down before. One transaction may delete several nodes.
    pub fn is_news(&self, zxid: Zxid) -> bool {
        zxid >= self.last
    }

    /// Whose a node is.
    pub fn session(&self, lock: &Name, name: &Name) -> Option<SessionId> {
        let node = self.queues.get(lock)?.get(&(number(name)?, name.clone()));
        node.map(|(session, _)| *session)
    }

    /// The node that has the lock.
    pub fn lowest(&self, lock: &Name) -> Option<Znode> {
        self.queues.get(lock).and_then(lowest)
    }
}

/// What a server says of its log when it looks for a leader: `last transaction 0x100000004`.
fn last_transaction(detail: &str) -> Option<Zxid> {
    detail.strip_prefix("last transaction ")?.parse().ok()
}

fn lowest(queue: &Queue) -> Option<Znode> {
    let ((_, name), (session, czxid)) = queue.first_key_value()?;
    Some(Znode { name: name.clone(), session: *session, czxid: *czxid })
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
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEADER: NodeId = NodeId(1);
    const OTHER: NodeId = NodeId(2);

    fn enter(queues: &mut Queues, note: &Note) -> Option<Change> {
        queues.enter(LEADER, note).pop()
    }

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
            assert!(enter(&mut queues, note).is_some());
        }
        for note in &log {
            assert!(enter(&mut queues, note).is_none_or(|change| change.before == change.after));
        }
        let lock = Name::from("/l");
        assert_eq!(queues.lowest(&lock).map(|znode| znode.session), Some(SessionId(8)));
        assert!(enter(&mut queues, &at(4, deleted("/l/a-0000000001", 8))).is_some());
        assert_eq!(queues.lowest(&lock), None);
    }

    #[test]
    fn the_lowest_node_has_the_lock_whatever_stands_before_its_number() {
        let mut queues = Queues::default();
        assert_eq!(enter(&mut queues, &created("/locks", 1)), None);
        assert_eq!(enter(&mut queues, &created("/locks/stock", 1)), None, "no number");
        let first = enter(&mut queues, &created("/locks/stock/b-0000000003", 7)).unwrap();
        assert_eq!(first.granted().map(|znode| znode.session), Some(SessionId(7)));
        let second = enter(&mut queues, &created("/locks/stock/a-0000000004", 8)).unwrap();
        assert_eq!((second.granted(), second.taken_away()), (None, None));
        // A transaction that is written down twice.
        assert_eq!(
            enter(&mut queues, &created("/locks/stock/b-0000000003", 7)).unwrap().granted(),
            None
        );
        let end = enter(&mut queues, &deleted("/locks/stock/b-0000000003", 7)).unwrap();
        assert_eq!(end.granted().map(|znode| znode.session), Some(SessionId(8)));
        assert_eq!(end.taken_away(), None);
        let lock = Name::from("/locks/stock");
        assert_eq!(queues.lowest(&lock).map(|znode| znode.session), Some(SessionId(8)));
    }

    fn says(event: &'static str, detail: &str) -> Note {
        Note::ZooKeeper { event, detail: detail.into() }
    }

    #[test]
    fn what_the_next_leader_has_not_in_its_log_is_undone() {
        let mut queues = Queues::default();
        let lock = Name::from("/l");
        enter(&mut queues, &at(0x1_0000_0001, created("/l/a-0000000000", 7)));
        enter(&mut queues, &at(0x1_0000_0002, created("/l/a-0000000001", 8)));
        enter(&mut queues, &at(0x1_0000_0003, deleted("/l/a-0000000000", 7)));
        assert_eq!(queues.lowest(&lock).map(|znode| znode.session), Some(SessionId(8)));
        queues.enter(OTHER, &says("looking", "last transaction 0x100000001"));
        let undone = queues.enter(OTHER, &says("epoch-established", "epoch 2")).pop().unwrap();
        assert_eq!(undone.granted().map(|znode| znode.session), Some(SessionId(7)));
        assert_eq!(undone.taken_away(), None);
        assert_eq!(queues.lowest(&lock).map(|znode| znode.session), Some(SessionId(7)));
        assert_eq!(
            queues.enter(LEADER, &says("epoch-established", "epoch 1")),
            [],
            "long replaced"
        );
        // The number is given once more, and the node that comes is no grant to anybody.
        let again = at(0x2_0000_0001, created("/l/a-0000000001", 9));
        let change = queues.enter(OTHER, &again).pop().unwrap();
        assert_eq!((change.granted(), change.taken_away()), (None, None));
    }

    #[test]
    fn only_who_had_the_lock_can_have_it_taken_away() {
        let mut queues = Queues::default();
        for number in 1..=3 {
            enter(&mut queues, &created(&format!("/l/x-000000000{number}"), number));
        }
        assert_eq!(enter(&mut queues, &deleted("/l/x-0000000002", 9)).unwrap().taken_away(), None);
        let taken = enter(&mut queues, &deleted("/l/x-0000000001", 9)).unwrap();
        assert_eq!(
            taken.taken_away().map(|(by, znode)| (by, znode.session)),
            Some((SessionId(9), SessionId(1)))
        );
        assert_eq!(taken.granted().map(|znode| znode.session), Some(SessionId(3)));
    }
}
