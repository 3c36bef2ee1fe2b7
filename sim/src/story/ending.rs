//! How a lock came free for its next holder while the one before still believed in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use fencepost_models::machine::NodeId;
use fencepost_models::note::{Name, Note};
use serde::{Deserialize, Serialize};

use crate::judge::Hold;
use crate::world::SimTime;
use crate::world::history::{History, Record, RecordId};
use crate::znodes::{Queues, Znode};

/// What became of the earlier of two grants on the server that made the later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Ending {
    /// Its key expired when its lease was over.
    Expired,
    /// Its key expired before its lease was over, as true time has it: the server's clock was to blame.
    ExpiredEarly,
    /// A command deleted its key or its znode.
    Deleted,
    /// Its key had to make room for others.
    Evicted,
    /// The server restarted, or took over another's data, and had it no more.
    Forgotten,
    /// The server that made the later grant had never had it: the news of it was lost in a failover, or was
    /// never sent there.
    NeverThere,
    /// The ensemble expired the session that it belonged to.
    SessionExpired,
    /// It had not ended: both were granted at the same time.
    NotEnded,
}

impl Ending {
    /// Every ending.
    pub const ALL: [Self; 8] = [
        Self::Expired,
        Self::ExpiredEarly,
        Self::Deleted,
        Self::Evicted,
        Self::Forgotten,
        Self::NeverThere,
        Self::SessionExpired,
        Self::NotEnded,
    ];

    /// Its name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::ExpiredEarly => "expired-early",
            Self::Deleted => "deleted",
            Self::Evicted => "evicted",
            Self::Forgotten => "forgotten",
            Self::NeverThere => "never-there",
            Self::SessionExpired => "session-expired",
            Self::NotEnded => "not-ended",
        }
    }

    /// What it says of the earlier grant, in words.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Expired => "the earlier grant had expired",
            Self::ExpiredEarly => "the earlier grant expired before its time",
            Self::Deleted => "the earlier grant was deleted",
            Self::Evicted => "the earlier grant was evicted",
            Self::Forgotten => "the server had forgotten the earlier grant",
            Self::NeverThere => "the server had never had the earlier grant",
            Self::SessionExpired => "the earlier grant's session had expired",
            Self::NotEnded => "the earlier grant had not ended",
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How the earlier of two grants of one lock came to its end, before the later was made. `lease` is how long a
/// grant lasts.
pub fn ending(history: &History, one: &Hold, other: &Hold, lease: Option<Duration>) -> Ending {
    let (earlier, later) = if one.granted <= other.granted { (one, other) } else { (other, one) };
    let until = one.begin.max(other.begin);
    let notes = || history.notes().take_while(move |(id, ..)| *id <= until);
    let is_client = |note: &Note| matches!(note, Note::Acquiring { .. } | Note::Acquired { .. });
    let clients = notes().filter(|(_, _, note)| is_client(note)).map(|(_, record, _)| record.node);
    let mut servers = Servers::new(history, earlier, later, lease, clients.collect());
    let mut queue = Queue::default();
    let mut deaths = history.deaths().peekable();
    for (id, record, note) in notes() {
        while let Some((_, death)) = deaths.next_if(|(death, _)| *death < id) {
            servers.end(death.node, Ending::Forgotten);
        }
        servers.follow(id, record, note);
        queue.follow(id, record.node, earlier, note);
    }
    queue.ending().unwrap_or_else(|| servers.ending())
}

/// A key takes a moment to expire where times are rounded to milliseconds.
const ROUNDING: Duration = Duration::from_millis(1);

/// A grant, as a server has it.
#[derive(Clone, Copy)]
struct Grant {
    owner: NodeId,
    /// When its owner asked for it, or renewed it, for the last time.
    at: SimTime,
}

/// What the servers have of one lock, followed note by note.
struct Servers<'h> {
    history: &'h History,
    earlier: &'h Hold,
    later: &'h Hold,
    lease: Option<Duration>,
    clients: BTreeSet<NodeId>,
    /// Who is known by which value.
    by_mark: BTreeMap<&'h Name, Grant>,
    /// Whose it is on each server.
    owned: BTreeMap<NodeId, Grant>,
    /// How the earlier grant ended on each server that had it and has it no more.
    ended: BTreeMap<NodeId, Ending>,
    /// What had become of the earlier grant on each server that made the later one, when it did.
    granted: BTreeMap<NodeId, Option<Ending>>,
}

impl<'h> Servers<'h> {
    const fn new(
        history: &'h History,
        earlier: &'h Hold,
        later: &'h Hold,
        lease: Option<Duration>,
        clients: BTreeSet<NodeId>,
    ) -> Self {
        Self {
            history,
            earlier,
            later,
            lease,
            clients,
            by_mark: BTreeMap::new(),
            owned: BTreeMap::new(),
            ended: BTreeMap::new(),
            granted: BTreeMap::new(),
        }
    }

    fn follow(&mut self, id: RecordId, record: &Record, note: &'h Note) {
        let server = record.node;
        match note {
            Note::KeySet { key, value, .. } if *key == self.earlier.lock => {
                self.set(id, record, value);
            }
            Note::KeyExpired { key } if *key == self.earlier.lock => {
                self.end(server, self.expiry(record));
            }
            Note::KeyDeleted { key } if *key == self.earlier.lock => {
                self.end(server, Ending::Deleted);
            }
            Note::KeyEvicted { key } if *key == self.earlier.lock => {
                self.end(server, Ending::Evicted);
            }
            Note::Synced { full: true, master, .. } => self.copy(server, *master),
            _ => {}
        }
    }

    /// A server has the lock under a value: granted by it, renewed, or from its disk or another server.
    fn set(&mut self, id: RecordId, record: &Record, value: &'h Name) {
        let server = record.node;
        let asked = self.client(record).map(|owner| Grant { owner, at: record.at });
        let Some(grant) = asked.or_else(|| self.by_mark.get(value).copied()) else { return };
        self.by_mark.insert(value, grant);
        self.have(server, grant);
        if asked.is_none() {
            return;
        }
        if grant.owner == self.earlier.node && id <= self.earlier.granted {
            // What the later holder had been granted before has nothing to do with it.
            self.granted.clear();
        }
        if grant.owner == self.later.node {
            self.granted.insert(server, self.ended.get(&server).copied());
        }
    }

    fn have(&mut self, server: NodeId, grant: Grant) {
        if grant.owner == self.earlier.node {
            self.ended.remove(&server);
        } else {
            // Where nothing has taken it away, the data of the server are another's now.
            self.end(server, Ending::Forgotten);
        }
        self.owned.insert(server, grant);
    }

    /// A server has the lock as nobody's any more.
    fn end(&mut self, server: NodeId, how: Ending) {
        let had = self.owned.remove(&server);
        if had.is_some_and(|had| had.owner == self.earlier.node) {
            self.ended.insert(server, how);
        }
    }

    /// A server has what another has.
    fn copy(&mut self, server: NodeId, of: NodeId) {
        match self.owned.get(&of).copied() {
            Some(grant) => self.have(server, grant),
            None => self.end(server, self.ended.get(&of).copied().unwrap_or(Ending::Forgotten)),
        }
    }

    /// Whether what has expired now has lasted for its whole lease.
    fn expiry(&self, record: &Record) -> Ending {
        let Some((had, lease)) = self.owned.get(&record.node).zip(self.lease) else {
            return Ending::Expired;
        };
        let lasted = record.at.saturating_since(had.at);
        if lasted + ROUNDING < lease { Ending::ExpiredEarly } else { Ending::Expired }
    }

    /// Whose message brought a record about, where it was a client's.
    fn client(&self, record: &Record) -> Option<NodeId> {
        let from = self.history.message(self.history.brought_by(record)?).from;
        self.clients.contains(&from).then_some(from)
    }

    /// What had become of it where the later grant was made: what most of those servers say that had it.
    fn ending(&self) -> Ending {
        let mut counted: BTreeMap<Ending, usize> = BTreeMap::new();
        for ending in self.granted.values().copied().flatten() {
            *counted.entry(ending).or_default() += 1;
        }
        match counted.iter().rev().max_by_key(|(_, servers)| **servers) {
            Some((ending, _)) => *ending,
            None if self.granted.is_empty() => Ending::NotEnded,
            None => Ending::NeverThere,
        }
    }
}

/// The queue for a lock in an ensemble.
#[derive(Default)]
struct Queue<'h> {
    queues: Queues,
    expired: BTreeSet<&'h str>,
    /// The znode that stood first when the earlier hold began, and how it ended.
    first: Option<(Znode, Option<Ending>)>,
}

impl<'h> Queue<'h> {
    fn follow(&mut self, id: RecordId, server: NodeId, earlier: &Hold, note: &'h Note) {
        if let Note::ZooKeeper { event: "session-expired", detail } = note {
            self.expired.insert(detail);
        }
        if id == earlier.begin {
            self.first = self.queues.lowest(&earlier.lock).map(|znode| (znode, None));
        }
        let changes = self.queues.enter(server, note);
        let Some((znode, ending)) = self.first.as_mut().filter(|_| !changes.is_empty()) else {
            return;
        };
        if ending.is_none() && self.queues.session(&earlier.lock, &znode.name).is_none() {
            *ending = Some(match note {
                Note::ZnodeDeleted { .. } if self.expired.contains(&*znode.session.to_string()) => {
                    Ending::SessionExpired
                }
                Note::ZnodeDeleted { .. } => Ending::Deleted,
                // Who leads now has never heard of it.
                _ => Ending::Forgotten,
            });
        }
    }

    /// `None` where the lock is on no ensemble.
    fn ending(&self) -> Option<Ending> {
        self.first.as_ref().map(|(_, ending)| ending.unwrap_or(Ending::NotEnded))
    }
}

#[cfg(test)]
mod tests;
