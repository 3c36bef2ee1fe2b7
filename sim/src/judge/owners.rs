//! Whose each lock is on each server, by what the servers wrote down and not by anybody's belief.
//!
//! A server knows an owner by a mark. Who came with a mark is found through the message that brought
//! it. Where no client's message did, since the server has the lock from its disk or from another
//! server, it is his who was last granted it with the same mark.
//!
//! Where a lock is on several servers that know nothing of each other, it is his whom a majority has as
//! its owner, from the record on that made the majority complete.

use std::collections::BTreeMap;

use fencepost_models::machine::NodeId;
use fencepost_models::note::{Name, Note};

use super::locks::{LockId, Locks, grown};
use crate::world::history::{History, Record, RecordId};

/// What a server has done to a lock.
enum Deed<'h> {
    /// It has the lock as the owner's who goes by that mark.
    Granted { mark: &'h Name },
    /// A command has removed it.
    Removed,
    /// It is nobody's any more, by itself.
    Lapsed,
}

/// A deed of a Redis, and to which lock: the lock is the key of its name, the mark is the key's
/// value.
const fn redis(note: &Note) -> Option<(&Name, Deed<'_>)> {
    match note {
        Note::KeySet { key, value, .. } => Some((key, Deed::Granted { mark: value })),
        Note::KeyDeleted { key } => Some((key, Deed::Removed)),
        Note::KeyExpired { key } | Note::KeyEvicted { key } => Some((key, Deed::Lapsed)),
        _ => None,
    }
}

/// What a client asked a server for.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Who.
    pub client: NodeId,
    /// The record that sent it.
    pub sent: RecordId,
}

/// A lock granted to a client.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'h> {
    /// Which lock.
    pub lock: &'h Name,
    /// How the server knows the owner.
    mark: &'h Name,
    /// The request for it.
    pub request: Request,
    /// The server's record of it.
    pub granted: RecordId,
}

/// A lock that a client's command removed while it was somebody's.
pub struct Removal<'h> {
    /// What was removed.
    pub grant: Grant<'h>,
    /// Who asked for that.
    pub request: Request,
}

/// On how many servers a lock is his who goes by that mark.
fn count(owned: &[(NodeId, Grant<'_>)], mark: &Name) -> usize {
    owned.iter().filter(|(_, grant)| grant.mark == mark).count()
}

/// The owners, followed note by note.
pub struct Owners<'h> {
    history: &'h History,
    /// Every node that has waited for a lock or got one, so far.
    clients: Vec<bool>,
    /// Whose each lock is on the servers that have it.
    locks: Vec<Vec<(NodeId, Grant<'h>)>>,
    /// Every grant that a client's message brought about, in order.
    log: Vec<Grant<'h>>,
    /// The last grant of each lock and mark among the first `indexed` of the log. It is kept up only
    /// where it is needed: a single server that never restarts asks for nothing.
    by_mark: BTreeMap<(&'h Name, &'h Name), Grant<'h>>,
    indexed: usize,
    /// On how many servers a lock has to be somebody's, so that it is his.
    quorum: usize,
    /// To whom each lock has been granted by so many, and by which record the last time; empty where one
    /// is enough.
    completed: Vec<Vec<(NodeId, RecordId)>>,
}

impl<'h> Owners<'h> {
    /// The owners at the begin of a history: there are none.
    pub const fn new(history: &'h History, quorum: usize) -> Self {
        Self {
            quorum,
            completed: Vec::new(),
            history,
            clients: Vec::new(),
            locks: Vec::new(),
            log: Vec::new(),
            by_mark: BTreeMap::new(),
            indexed: 0,
        }
    }

    /// A node waits for a lock or has got it: it is a client.
    pub fn take_part(&mut self, node: NodeId) {
        *grown(&mut self.clients, usize::from(node.0)) = true;
    }

    /// Takes a server's next note, about a lock or about any other key. Gives the lock that it says
    /// was removed, if it was somebody's and a client asked for that.
    pub fn follow(
        &mut self,
        locks: &mut Locks<'h>,
        id: RecordId,
        record: &Record,
        note: &'h Note,
    ) -> Option<Removal<'h>> {
        let (name, deed) = redis(note)?;
        let lock = locks.find(name)?.0;
        let owned = grown(&mut self.locks, lock);
        let server = record.node;
        let place = owned.iter().position(|(one, _)| *one == server);
        match (deed, place) {
            // It had it under that mark before: a new expiry, say, is no new grant.
            (Deed::Granted { mark }, Some(place)) if owned[place].1.mark == mark => None,
            (Deed::Granted { mark }, place) => {
                place.map(|place| owned.swap_remove(place));
                let grant = self.grant(id, record, name, mark)?;
                self.locks[lock].push((server, grant));
                self.complete(lock, id, &grant);
                None
            }
            (Deed::Lapsed, place) => {
                owned.swap_remove(place?);
                None
            }
            (Deed::Removed, place) => {
                let place = place?;
                let was_his = count(owned, owned[place].1.mark) >= self.quorum;
                let (_, grant) = owned.swap_remove(place);
                was_his.then_some(Removal { grant, request: self.request(record)? })
            }
        }
    }

    /// The record that made a client's last grant of a lock complete, where more than one server had to
    /// make it. It is given once: a hold without a majority has none.
    pub fn take_completed(&mut self, lock: LockId, client: NodeId) -> Option<RecordId> {
        let of_lock = self.completed.get_mut(lock.0)?;
        let place = of_lock.iter().position(|(one, _)| *one == client)?;
        Some(of_lock.swap_remove(place).1)
    }

    /// A server has granted a lock, by that record: a majority may be complete now. What a server has
    /// from its disk makes none: that was granted before.
    fn complete(&mut self, lock: usize, id: RecordId, grant: &Grant<'h>) {
        let is_complete = self.quorum > 1
            && grant.granted == id
            && count(&self.locks[lock], grant.mark) == self.quorum;
        if !is_complete {
            return;
        }
        let of_lock = grown(&mut self.completed, lock);
        match of_lock.iter_mut().find(|(one, _)| *one == grant.request.client) {
            Some((_, completed)) => *completed = id,
            None => of_lock.push((grant.request.client, id)),
        }
    }

    /// A process is gone, and a server's locks with it: which of them it still has when it starts
    /// again, it says then.
    pub fn die(&mut self, node: NodeId) {
        for owned in &mut self.locks {
            owned.retain(|(server, _)| *server != node);
        }
    }

    /// To whom a server grants a lock under a mark: to the client who asked for it, or else to the
    /// last who was granted it under the same mark.
    fn grant(
        &mut self,
        granted: RecordId,
        record: &Record,
        lock: &'h Name,
        mark: &'h Name,
    ) -> Option<Grant<'h>> {
        let Some(request) = self.request(record) else {
            return self.last_granted(lock, mark);
        };
        let grant = Grant { lock, mark, request, granted };
        self.log.push(grant);
        Some(grant)
    }

    fn last_granted(&mut self, lock: &'h Name, mark: &'h Name) -> Option<Grant<'h>> {
        for grant in &self.log[self.indexed..] {
            self.by_mark.insert((grant.lock, grant.mark), *grant);
        }
        self.indexed = self.log.len();
        self.by_mark.get(&(lock, mark)).copied()
    }

    /// The client's message that brought a record about.
    fn request(&self, record: &Record) -> Option<Request> {
        let envelope = self.history.message(self.history.brought_by(record)?);
        let is_client = *self.clients.get(usize::from(envelope.from.0))?;
        is_client.then_some(Request { client: envelope.from, sent: envelope.sent })
    }
}
