//! Curator's `InterProcessMutex`, the lock that most users of ZooKeeper have.
//!
//! ```text
//! mutex      the lock: a queue of numbered nodes, of which the first holds it
//! create     how a node is created, and found again
//! deletes    how a node is deleted, however long it takes
//! watch      what the lock's user makes of a lost connection
//! framework  the client: its connection's states, a new session after the old one
//! retry      calls that are made again
//! ```
//!
//! What it does when
//!
//! * **it goes well**: a node is created, the queue listed, and the node is the first. The release deletes it. A
//!   thread that enters once more is counted, and asks nobody.
//! * **it is somebody else's**: the node before its own is watched, and the queue listed again when that changes, or
//!   the connection does. They are served in the order in which they came.
//! * **a connection is lost**: every call is made again, three times by default, each after a longer wait. When the
//!   last one fails as well, `acquire()` throws; what it has created is deleted, in the background if need be. Its
//!   user calls it again at once.
//! * **the answer to the creation is lost**: the node's name begins with a random number, by which it is found when
//!   the creation is made again ([`CuratorSettings::protection`]). Without that a second node is created. The first
//!   is nobody's, in a session that goes on: it is waited for by everybody, its own maker included, for as long as
//!   that lives. The same happens with the protection when a creation loses its connection, is looked for and not
//!   found, and loses its connection once more: the look has ended the retries that both share, `acquire()` throws,
//!   and nobody looks for the second node.
//! * **the answer to the release is lost**: it is asked for again. `release()` throws when that fails to the end, and
//!   the deletion goes on in the background for as long as the process lives.
//! * **the connection is suspended**: nobody knows whether the lock is held. It is the user's listener that takes it
//!   for lost, or does not ([`CuratorSettings::on_suspended`]); the mutex itself believes what it did before.
//! * **the session is lost**: a server has said so, or the client has given it up after the session's timeout without
//!   a connection. That is counted from when the connection was suspended, which may be two thirds of the timeout
//!   after the last word: the servers have given it up before, and somebody else may hold the lock. The mutex itself
//!   goes on believing. Who waits lists the queue in the new session. If its node is gone, it queues up again; if it
//!   is still there, since the servers have not given up the old session yet, it keeps its place, and may be granted
//!   the lock by a node that goes with the old session while it holds. No listener is told of that.
//! * **it is connected again**: nothing, unless the user looks for its node ([`CuratorSettings::on_reconnected`]).
//! * **the holder crashes**: its node goes with its session, after the session's timeout.
//!
//! **The fencing token** is no part of Curator: the mutex has no more than the path of its node. A user who wants one
//! has a `LockInternalsDriver` of its own, which takes the `czxid` from the node's creation, or asks for it where the
//! node was found; or it takes the number in the name. See [`Token`].
//!
//! Read at Curator 5.4.0, commit 526e38c77fdd3d24f155ab49886fe7a9d8aab2d5 of the repository apache/curator. Seen at its
//! jars on ZooKeeper 3.8.0: the creation that loses its connection before and after a look (`acquire()` throws an
//! `IllegalArgumentException`, and the node stays); `SUSPENDED`, and `LOST` as much later as the session lasts; and who
//! waits, back in a new session, at the place of its node of the old one.
//!
//! What differs: the node above the queue is a persistent one and not a container, so that the numbers never begin
//! anew; watches that have not fired are left where they are when the lock is given back; no `EnsembleTracker` asks
//! for the ensemble's configuration; and every thread has a client of its own.

mod create;
mod deletes;
mod framework;
mod mutex;
mod retry;
#[cfg(test)]
mod tests;
mod watch;

use std::time::Duration;

pub use self::mutex::InterProcessMutex;
pub use self::retry::MAX_RETRIES_LIMIT;
use crate::locks::zookeeper::Token;
use crate::named::named;
use crate::note::Name;

/// What a user takes from an exception of `acquire()` to its next call: no more than code takes.
const AFTER_EXCEPTION: Duration = Duration::from_millis(1);

/// What the holder does when it hears of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// It takes the lock for lost, and stops. Source: Curator's documentation, "Shared Reentrant Lock", "Error
    /// Handling".
    Stops,
    /// It goes on, as who has no listener does.
    GoesOn,
}

/// What the holder does when it is connected again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnReconnected {
    /// Nothing.
    GoesOn,
    /// It looks whether its node is still there, and takes the lock for lost if it is not. A node whose session was
    /// given up is there until the servers give it up, too.
    Checks,
}

named!(Reaction: "stops" => Stops, "goes-on" => GoesOn);
named!(OnReconnected: "goes-on" => GoesOn, "checks" => Checks);

/// The settings of a mutex and of its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CuratorSettings {
    /// The node below which the lock's nodes are.
    pub path: Name,
    /// The session's timeout that the client asks for. The servers grant 2 to 20 of their ticks: by their own
    /// defaults, no more than 40 s.
    pub session_timeout: Duration,
    /// How long a call waits for a connection before it is made without one; an operation in the background, before
    /// it begins to count its retries.
    pub connection_timeout: Duration,
    /// The first wait before a call is made again; those after it are up to 2, 4, 8, … times longer.
    pub retry_base: Duration,
    /// How often a call is made again; 29 at most.
    pub max_retries: u32,
    /// Whether a node is found again whose creation was not answered. Curator's own driver always has it so; one that
    /// a user has written may not.
    pub protection: bool,
    /// What the holder does while it has no connection.
    pub on_suspended: Reaction,
    /// What the holder does when its session is over, or given up.
    pub on_lost: Reaction,
    /// What the holder does when it is connected again: of importance to who has gone on.
    pub on_reconnected: OnReconnected,
    /// What tells the holds apart.
    pub token: Token,
}

impl Default for CuratorSettings {
    /// A careful user of Curator.
    fn default() -> Self {
        Self {
            path: Name::from_static("/locks/stock"),
            // `CuratorFrameworkFactory`, `DEFAULT_SESSION_TIMEOUT_MS`, `DEFAULT_CONNECTION_TIMEOUT_MS`.
            session_timeout: Duration::from_secs(60),
            connection_timeout: Duration::from_secs(15),
            // There is no default: this is what Curator's documentation, "Getting Started", begins with.
            retry_base: Duration::from_secs(1),
            max_retries: 3,
            // `StandardLockInternalsDriver.createsTheLock`.
            protection: true,
            on_suspended: Reaction::Stops,
            on_lost: Reaction::Stops,
            on_reconnected: OnReconnected::GoesOn,
            token: Token::Czxid,
        }
    }
}
