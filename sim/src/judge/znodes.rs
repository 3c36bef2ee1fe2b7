//! Whose each lock is that is a queue of znodes, for the checks that ask the servers: when a grant was made,
//! and whether somebody's request has taken a lock from another.

use std::collections::BTreeMap;

use fencepost_models::note::Note;
use fencepost_models::zookeeper::protocol::SessionId;

use super::locks::{LockId, Locks};
use super::{Hold, Violation, ViolationKind, each_once};
use crate::world::history::{History, Record, RecordId};
use crate::znodes::{self, Change, Queues, Sessions, Znode};

/// The queues, and when each node became the lowest of its own.
pub struct Znodes<'h> {
    history: &'h History,
    queues: Queues,
    /// By the token that its holder may have: the transaction that created it, and the number in its name. No
    /// number is as large as the first transaction.
    granted: BTreeMap<(LockId, u64), RecordId>,
    /// Found when the first node is taken away that had a lock.
    sessions: Option<Sessions>,
}

impl<'h> Znodes<'h> {
    /// Before the first note.
    pub fn new(history: &'h History) -> Self {
        Self { history, queues: Queues::default(), granted: BTreeMap::new(), sessions: None }
    }

    /// A leader has written down what became of a node: a violation where a client has deleted the node of
    /// another client who had the lock by it.
    pub fn enter(
        &mut self,
        locks: &mut Locks<'h>,
        id: RecordId,
        record: &Record,
        note: &Note,
    ) -> Option<Violation> {
        let mut found = None;
        for change in self.queues.enter(record.node, note) {
            let Some(lock) = locks.find(&change.lock) else { continue };
            if let Some(taken) = change.taken_away() {
                let sessions = self.sessions.get_or_insert_with(|| Sessions::of(self.history));
                found = foreign_release(self.history, sessions, id, record, &change, taken);
            }
            let Some(znode) = change.granted() else { continue };
            for token in [Some(znode.czxid.0), znodes::number(&znode.name)].into_iter().flatten() {
                self.granted.insert((lock, token), id);
            }
        }
        found
    }

    /// The record that made the grant that a hold goes back to: its node became the lowest there. The news
    /// may have come late, and from a server that was behind.
    pub fn granted(&self, lock: LockId, hold: &Hold) -> Option<RecordId> {
        self.granted.get(&(lock, hold.token?)).copied()
    }
}

/// A client has deleted a node, and it was another client's who had the lock by it.
fn foreign_release(
    history: &History,
    sessions: &Sessions,
    id: RecordId,
    record: &Record,
    change: &Change,
    (by, taken): (SessionId, &Znode),
) -> Option<Violation> {
    let (releaser, owner) = (sessions.client(by)?, sessions.client(taken.session)?);
    if releaser == owner {
        return None;
    }
    let Change { lock, .. } = change;
    let (name, of, by) = (&taken.name, history.name(owner), history.name(releaser));
    Some(Violation {
        kind: ViolationKind::ForeignRelease,
        at: record.at,
        record: id,
        nodes: each_once([releaser, owner]),
        detail: format!("a release of {by}'s removed {lock}/{name}, by which {of} had the lock"),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fencepost_models::message::Message;
    use fencepost_models::note::Name;
    use fencepost_models::zookeeper::protocol::{Connected, Packet, Password, Zxid};

    use super::*;
    use crate::judge::testing::{A, B, LOCK, REDIS, Story, found_of_kind};

    /// Both have a session and a node each: A's is the lowest.
    fn queued() -> Story {
        let mut story = Story::new();
        for (number, client) in [(1, A), (2, B)] {
            story.wait(client);
            let (session, password) = (SessionId(number), Password::default());
            let connected = Packet::Connected(Connected { timeout_ms: 1, session, password });
            story.send(REDIS, client, Message::ZooKeeper(Arc::new(connected)));
            let path = Name::from(format!("{LOCK}/x-000000000{number}").as_str());
            story.note(REDIS, Note::ZnodeCreated { path, session, zxid: Zxid(number) });
        }
        story
    }

    fn delete(story: &mut Story, number: u64, by: u64) {
        let path = Name::from(format!("{LOCK}/x-000000000{number}").as_str());
        let session = SessionId(by);
        story.note(REDIS, Note::ZnodeDeleted { path, session, zxid: Zxid(9) });
    }

    #[test]
    fn to_delete_ones_own_node_or_one_that_only_waits_is_accepted() {
        for (number, by) in [(1, 1), (2, 1), (2, 2)] {
            let mut story = queued();
            delete(&mut story, number, by);
            assert_eq!(found_of_kind(&story, ViolationKind::ForeignRelease), []);
        }
    }

    #[test]
    fn to_delete_the_node_of_who_holds_the_lock_is_a_foreign_release() {
        let mut story = queued();
        delete(&mut story, 1, 2);
        let found = found_of_kind(&story, ViolationKind::ForeignRelease);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].nodes, [B, A]);
        insta::assert_snapshot!(
            found[0].detail,
            @"a release of buyer-2's removed lock:stock/x-0000000001, by which buyer-1 had the lock"
        );
    }
}
