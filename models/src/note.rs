//! What a machine writes down, for the judge and for the reader. What a client *believes* and
//! what a server *did* are different notes, and nothing but the notes and the messages decides
//! whether a run went wrong.

use std::fmt;

use bytes::Bytes;
use serde::{Serialize, Serializer};

use crate::machine::{InputId, NodeId};
use crate::redis::sentinel;
use crate::zookeeper::protocol::{SessionId, Zxid};

/// The name of a lock or a key: bytes, as Redis has them, shown as text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Bytes);

impl Name {
    /// A name known when fencepost was built.
    pub const fn from_static(name: &'static str) -> Self {
        Self(Bytes::from_static(name.as_bytes()))
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }
}

impl From<Bytes> for Name {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Self(Bytes::copy_from_slice(name.as_bytes()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(&self.0), f)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(&self.0))
    }
}

/// What a client learned about the lock that it gave back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseOutcome {
    /// The lock was this client's, and is removed. A release that does not ask whose it is
    /// (a bare `DEL`) learns only that it is removed.
    Removed,
    /// The lock was not this client's any more.
    NotHeld,
    /// No answer came, or an error: nothing is known about whose the lock was.
    Unknown,
}

/// Whether the lock was still held.
impl From<bool> for ReleaseOutcome {
    fn from(was_held: bool) -> Self {
        if was_held { Self::Removed } else { Self::NotHeld }
    }
}

/// What a server said, if it said anything.
impl From<Option<bool>> for ReleaseOutcome {
    fn from(answer: Option<bool>) -> Self {
        answer.map_or(Self::Unknown, Self::from)
    }
}

/// What a server said, or that it said nothing that tells.
impl<E> From<Result<bool, E>> for ReleaseOutcome {
    fn from(answer: Result<bool, E>) -> Self {
        answer.map_or(Self::Unknown, Self::from)
    }
}

/// The same of a server that does not say whose the lock was.
impl<E> From<Result<(), E>> for ReleaseOutcome {
    fn from(answer: Result<(), E>) -> Self {
        answer.map_or(Self::Unknown, |()| Self::Removed)
    }
}

/// One note. [`Note::kind`] is the name that triggers and reports use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Note {
    /// Client: has begun to wait for the lock.
    Acquiring {
        /// Which lock.
        lock: Name,
        /// Which thread of the process waits; see [`Host::thread`](crate::process::Host::thread).
        #[serde(skip_serializing_if = "is_main")]
        thread: u32,
    },
    /// Client: no longer waits for the lock, and has not got it.
    GaveUp {
        /// Which lock.
        lock: Name,
        /// Which of the process's threads.
        thread: u32,
    },
    /// Client: believes from now on that it holds the lock.
    Acquired {
        /// Which lock.
        lock: Name,
        /// The number of this hold, which no other of the process has.
        hold: u32,
        /// Which thread of the process holds it; two threads are two holders.
        #[serde(skip_serializing_if = "is_main")]
        thread: u32,
        /// The fencing token that came with it.
        token: Option<u64>,
        /// The client held the lock already and has entered it once more: no new grant.
        reentered: bool,
        /// The input that brought the message that granted it, if one did.
        granted_by: Option<InputId>,
    },
    /// Client: gives the lock back; believes no longer that it holds it.
    Releasing {
        /// Which lock.
        lock: Name,
        /// Which hold comes to its end.
        hold: u32,
    },
    /// Client: the code that held the lock is no more and has not given it back (its future was
    /// dropped): nobody is left to believe anything. The server does not hear of it.
    Abandoned {
        /// Which lock.
        lock: Name,
        /// Which hold comes to its end.
        hold: u32,
    },
    /// Client: the answer to the release.
    Released {
        /// Which lock.
        lock: Name,
        /// What the answer says.
        outcome: ReleaseOutcome,
    },
    /// Client: has learned that it holds the lock no longer.
    LockLost {
        /// Which lock.
        lock: Name,
        /// Which hold is lost; every one of the process on that lock, if none is named.
        hold: Option<u32>,
        /// How it knows.
        reason: &'static str,
    },
    /// Client: has read the stock.
    StockSeen {
        /// Which of the process's threads.
        #[serde(skip_serializing_if = "is_main")]
        thread: u32,
        /// How much there is, as far as it knows.
        stock: u64,
    },
    /// Client: its order has been confirmed.
    OrderPlaced {
        /// Which of the process's threads.
        #[serde(skip_serializing_if = "is_main")]
        thread: u32,
        /// Which order.
        order: u64,
    },
    /// Client: its order has been refused because its token is behind.
    OrderRefused {
        /// Which of the process's threads.
        #[serde(skip_serializing_if = "is_main")]
        thread: u32,
        /// Which order.
        order: u64,
        /// The highest token that the store has seen.
        mark: u64,
    },
    /// Client: no answer came; the order may or may not have been taken.
    OrderUnknown {
        /// Which of the process's threads.
        #[serde(skip_serializing_if = "is_main")]
        thread: u32,
        /// Which order.
        order: u64,
    },
    /// Client: nothing was left to buy.
    SoldOut {
        /// Which of the process's threads.
        #[serde(skip_serializing_if = "is_main")]
        thread: u32,
    },
    /// Store: what it has when the run begins.
    StockInitial {
        /// How much.
        stock: u64,
    },
    /// Store: has served a read.
    StockServed {
        /// To whom.
        to: NodeId,
        /// How much there is.
        stock: u64,
        /// The token that came with the read.
        token: Option<u64>,
    },
    /// Store: has taken a write, and with it an order.
    WriteTaken {
        /// From whom.
        from: NodeId,
        /// Which order.
        order: u64,
        /// The stock before.
        before: u64,
        /// The stock after.
        after: u64,
        /// The token that came with the write.
        token: Option<u64>,
    },
    /// Store: has refused a request because its token was behind.
    Fenced {
        /// Whose request.
        from: NodeId,
        /// True for a write, false for a read.
        write: bool,
        /// The token that came with it; none is behind every other.
        token: Option<u64>,
        /// The highest token that the store has seen.
        mark: u64,
    },
    /// Store: has been sent an order again that it knows by its id, and has changed nothing.
    OrderRepeated {
        /// From whom.
        from: NodeId,
        /// Which order.
        order: u64,
    },
    /// Store: has taken a write of the stock alone; the order is recorded elsewhere.
    StockWritten {
        /// From whom.
        from: NodeId,
        /// For which order.
        order: u64,
        /// The stock before.
        before: u64,
        /// The stock after.
        after: u64,
        /// The token that came with the write.
        token: Option<u64>,
    },
    /// Store of the orders: has recorded one.
    OrderRecorded {
        /// From whom.
        from: NodeId,
        /// Which order.
        order: u64,
    },
    /// Client: has had no answer from the shop, and sends the same request again.
    RequestResent {
        /// Which of the process's threads.
        #[serde(skip_serializing_if = "is_main")]
        thread: u32,
        /// The request's name.
        request: &'static str,
    },
    /// Client: has looked at its clock before the write, and believes that its lease still runs.
    LeaseChecked {
        /// Which of the process's threads.
        #[serde(skip_serializing_if = "is_main")]
        thread: u32,
        /// How much of it is left: milliseconds on the client's monotonic clock.
        left_ms: u64,
    },
    /// Client: has looked at its clock before the write, and found that its lease is over: it does
    /// not send the order.
    LeaseOver {
        /// Which of the process's threads.
        #[serde(skip_serializing_if = "is_main")]
        thread: u32,
        /// Which order.
        order: u64,
        /// For how long it has been over: milliseconds on the client's monotonic clock.
        ended_ms_ago: u64,
    },
    /// Redis: a key has been set.
    KeySet {
        /// Which key.
        key: Name,
        /// The value; of a long one the first 1,024 bytes.
        value: Name,
        /// When it will expire: Unix milliseconds on this server's wall clock.
        expires_at_ms: Option<u64>,
    },
    /// Redis: a key has been deleted by a command.
    KeyDeleted {
        /// Which key.
        key: Name,
    },
    /// Redis: a key has expired.
    KeyExpired {
        /// Which key.
        key: Name,
    },
    /// Redis: a key had to make room for others.
    KeyEvicted {
        /// Which key.
        key: Name,
    },
    /// Redis: follows a master from now on.
    ReplicaOf {
        /// Whom.
        master: NodeId,
    },
    /// Redis: was a replica, and is a master from now on.
    Promoted,
    /// Redis, a replica: has what its master had when it asked, and is told of what comes.
    Synced {
        /// Whose data.
        master: NodeId,
        /// All keys anew, and not only what was missed.
        full: bool,
        /// Up to which byte of the master's stream.
        offset: u64,
    },
    /// Sentinel: one of its events, under the name that its clients hear.
    Sentinel {
        /// The event: `+sdown`, `+odown`, `+switch-master`.
        event: &'static str,
        /// What it is about.
        detail: String,
    },
    /// Redis Cluster: what a node makes of the others, and what it decides.
    Cluster {
        /// The event: `pfail`, `fail`, `election-won`.
        event: &'static str,
        /// What it is about.
        detail: String,
    },
    /// ZooKeeper, the leader: a node has been created, and the ensemble has agreed on it.
    ZnodeCreated {
        /// Which.
        path: Name,
        /// By whom.
        session: SessionId,
        /// By which transaction.
        zxid: Zxid,
    },
    /// ZooKeeper, the leader: a node has been deleted, and the ensemble has agreed on it.
    ZnodeDeleted {
        /// Which.
        path: Name,
        /// By whom: its own, where that has come to its end.
        session: SessionId,
        /// By which transaction.
        zxid: Zxid,
    },
    /// ZooKeeper: what a server has become, or has decided.
    ZooKeeper {
        /// The event: `looking`, `epoch-established`, `session-expired`.
        event: &'static str,
        /// What it is about.
        detail: String,
    },
    /// Anything else worth a line, from a user's own code.
    Remark {
        /// The line.
        text: String,
    },
}

/// Most processes have one thread, which needs no number.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a field over by reference")]
const fn is_main(thread: &u32) -> bool {
    *thread == 0
}

/// The kinds of what a client, or the shop, writes down.
pub const SHOP_KINDS: [&str; 22] = [
    "acquiring",
    "gave-up",
    "acquired",
    "releasing",
    "abandoned",
    "released",
    "lock-lost",
    "stock-seen",
    "order-placed",
    "order-refused",
    "order-unknown",
    "sold-out",
    "stock-initial",
    "stock-served",
    "write-taken",
    "fenced",
    "order-repeated",
    "stock-written",
    "order-recorded",
    "request-resent",
    "lease-checked",
    "lease-over",
];

/// The other kinds of notes that have one kind each.
const OTHER_KINDS: [&str; 42] = [
    "key-set",
    "key-deleted",
    "key-expired",
    "key-evicted",
    "replica-of",
    "promoted",
    "synced",
    "remark",
    "pfail",
    "fail",
    "fail-cleared",
    "cluster-down",
    "cluster-ok",
    "election-planned",
    "election-started",
    "election-won",
    "election-failed",
    "vote-given",
    "vote-refused",
    "replica-too-old",
    "manual-failover",
    "manual-failover-timed-out",
    "new-config-epoch",
    "epoch-collision",
    "slots-lost",
    "slot-migrating",
    "slot-importing",
    "slot-assigned",
    "replicates",
    "replica-migrates",
    "znode-created",
    "znode-deleted",
    "looking",
    "elected",
    "epoch-established",
    "steps-down",
    "follows",
    "leaves",
    "sync-diff",
    "sync-trunc",
    "sync-snap",
    "session-expired",
];

/// The kinds of notes, as triggers name them: [`Note::kind`] gives one of these.
pub const NOTE_KINDS: [&str; SHOP_KINDS.len() + OTHER_KINDS.len() + sentinel::EVENTS.len()] = {
    let mut kinds = [""; SHOP_KINDS.len() + OTHER_KINDS.len() + sentinel::EVENTS.len()];
    let mut rest = kinds.as_mut_slice();
    let lists: [&[&str]; 3] = [&SHOP_KINDS, &OTHER_KINDS, &sentinel::EVENTS];
    let mut list = 0;
    while list < lists.len() {
        let (front, back) = rest.split_at_mut(lists[list].len());
        front.copy_from_slice(lists[list]);
        rest = back;
        list += 1;
    }
    kinds
};

impl Note {
    /// Which thread of the process wrote it, for what a client writes of itself; 0 for all else.
    pub const fn thread(&self) -> u32 {
        match self {
            Self::Acquiring { thread, .. }
            | Self::GaveUp { thread, .. }
            | Self::Acquired { thread, .. }
            | Self::StockSeen { thread, .. }
            | Self::OrderPlaced { thread, .. }
            | Self::OrderRefused { thread, .. }
            | Self::OrderUnknown { thread, .. }
            | Self::SoldOut { thread }
            | Self::RequestResent { thread, .. }
            | Self::LeaseChecked { thread, .. }
            | Self::LeaseOver { thread, .. } => *thread,
            _ => 0,
        }
    }

    /// The note's kind, one of [`NOTE_KINDS`].
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Acquiring { .. } => "acquiring",
            Self::GaveUp { .. } => "gave-up",
            Self::Acquired { .. } => "acquired",
            Self::Releasing { .. } => "releasing",
            Self::Abandoned { .. } => "abandoned",
            Self::Released { .. } => "released",
            Self::LockLost { .. } => "lock-lost",
            Self::StockSeen { .. } => "stock-seen",
            Self::OrderPlaced { .. } => "order-placed",
            Self::OrderRefused { .. } => "order-refused",
            Self::OrderUnknown { .. } => "order-unknown",
            Self::SoldOut { .. } => "sold-out",
            Self::StockInitial { .. } => "stock-initial",
            Self::StockServed { .. } => "stock-served",
            Self::WriteTaken { .. } => "write-taken",
            Self::Fenced { .. } => "fenced",
            Self::OrderRepeated { .. } => "order-repeated",
            Self::StockWritten { .. } => "stock-written",
            Self::OrderRecorded { .. } => "order-recorded",
            Self::RequestResent { .. } => "request-resent",
            Self::LeaseChecked { .. } => "lease-checked",
            Self::LeaseOver { .. } => "lease-over",
            Self::KeySet { .. } => "key-set",
            Self::KeyDeleted { .. } => "key-deleted",
            Self::KeyExpired { .. } => "key-expired",
            Self::KeyEvicted { .. } => "key-evicted",
            Self::ReplicaOf { .. } => "replica-of",
            Self::Promoted => "promoted",
            Self::Synced { .. } => "synced",
            Self::ZnodeCreated { .. } => "znode-created",
            Self::ZnodeDeleted { .. } => "znode-deleted",
            Self::Sentinel { event, .. }
            | Self::Cluster { event, .. }
            | Self::ZooKeeper { event, .. } => event,
            Self::Remark { .. } => "remark",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notes_kind_is_listed() {
        assert!(NOTE_KINDS.contains(&Note::SoldOut { thread: 0 }.kind()));
        assert!(NOTE_KINDS.contains(&Note::Remark { text: String::new() }.kind()));
    }
}
