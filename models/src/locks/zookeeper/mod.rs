//! Locks on an ensemble of ZooKeeper's: who has the lowest of the numbered nodes below one node holds the lock.
//!
//! **The fencing token** is the `czxid` of the holder's node: the transaction that created it. It grows over all
//! leaders, where the ensemble logs before it acknowledges
//! ([`logs_before_ack`](crate::zookeeper::EnsembleSettings::logs_before_ack)), and nobody has to count. The number in the node's name grows as well, but only for as
//! long as the node above lives: where that is removed and made anew, as Curator's container nodes are, the
//! numbers begin at 0 again; and it ends after 2³¹ of them. Source: `PrepRequestProcessor.java` of 3.8.0,
//! `pRequest2TxnCreate`: the number is the `cversion` of the node above. See [`Token`].
//!
//! A token tells two holds apart only if each has a node of its own. See [`Leftover`].
//!
//! **A session is a lease** whose length the client knows and whose end it does not: nobody tells it before it
//! reaches a server again. What it is told at once is that it is not connected. Source: the documentation's
//! "ZooKeeper Programmer's Guide", "ZooKeeper Sessions"; its FAQ, "How should I handle SESSION_EXPIRED?".

#[cfg(test)]
mod tests;
mod write_lock;

use std::time::Duration;

use bytes::Bytes;

pub use self::write_lock::WriteLock;
use super::standing::Standing;
use crate::machine::NodeId;
use crate::named::named;
use crate::note::{Name, Note};
use crate::process::Host;
use crate::zookeeper::client::{ClientSettings, Event, Events, KeeperState, Reply, ZooKeeper};
use crate::zookeeper::protocol::{CreateMode, ErrorCode, Op, Path};

/// What who waits for the lock watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watching {
    /// The node before its own: one client wakes up when the lock is given back.
    Predecessor,
    /// The node above them all: every client wakes up whenever one comes or goes. The documentation calls that
    /// the herd effect.
    Parent,
}

/// What the holder of a lock does when it is told that it is not connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDisconnect {
    /// It takes the lock for lost, as nobody knows better. Source: the documentation's FAQ and Curator's
    /// "Error Handling": a lock that may be lost is not held.
    GivesUp,
    /// It goes on, until it is told that its session is over.
    Ignores,
}

/// What becomes of the node that a release has left, since its deletion was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// It is deleted before the lock is asked for again, so that every hold has a node and a token of its own.
    Removed,
    /// The next `acquire` in the same session finds it, takes it for its own, and holds the lock by it again: under
    /// the same token, so that no store can tell what is written late in the first hold from what is written in
    /// the second. Source: the documentation's "ZooKeeper Recipes and Solutions", "Recoverable Errors and the GUID".
    /// It is what `WriteLock.java` means to do: in 3.8.0 `findPrefixInChildren` gives the node's name without its
    /// path, before which the same node's path comes in the order, so that it waits for its own node's end.
    Reused,
}

/// What is handed out as a fencing token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// The transaction that created the holder's node.
    Czxid,
    /// The number in its name.
    Sequence,
}

named!(Watching: "predecessor" => Predecessor, "parent" => Parent);
named!(OnDisconnect: "gives-up" => GivesUp, "ignores" => Ignores);
named!(Leftover: "removed" => Removed, "reused" => Reused);
named!(Token: "czxid" => Czxid, "sequence" => Sequence);

/// The settings of a lock on an ensemble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZooKeeperLockSettings {
    /// The node below which the lock's nodes are.
    pub path: Name,
    /// The session's timeout that it asks for. The servers grant 2 to 20 of their ticks.
    pub session_timeout: Duration,
    /// What is watched by who waits.
    pub watching: Watching,
    /// What the holder makes of a lost connection.
    pub on_disconnect: OnDisconnect,
    /// What becomes of the node that a release has left.
    pub leftover: Leftover,
    /// What tells the holds apart.
    pub token: Token,
}

impl Default for ZooKeeperLockSettings {
    /// A careful client.
    fn default() -> Self {
        Self {
            path: Name::from_static("/locks/stock"),
            // ZooKeeper 3.8.0, `ZooKeeperMain.java`: `-timeout` is 30000 where it is not named.
            session_timeout: Duration::from_secs(30),
            watching: Watching::Predecessor,
            on_disconnect: OnDisconnect::GivesUp,
            leftover: Leftover::Removed,
            token: Token::Czxid,
        }
    }
}

/// Creates a node and what is above it, unless they are there.
pub(super) async fn make_path<F: Future<Output = Reply>>(
    path: &str,
    request: impl Fn(Op) -> F,
) -> Result<(), ErrorCode> {
    let ends = path.match_indices('/').skip(1).map(|(end, _)| end);
    for end in ends.chain([path.len()]).filter(|end| *end > 0) {
        let path = Path::from(&path[..end]);
        match request(Op::Exists { path: Path::clone(&path), watch: false }).await.result {
            Ok(_) => continue,
            Err(ErrorCode::NoNode) => {}
            Err(error) => return Err(error),
        }
        let mode = CreateMode::PERSISTENT;
        let create = Op::Create { path, data: Bytes::new(), mode, with_stat: false };
        match request(create).await.result {
            Ok(_) | Err(ErrorCode::NodeExists) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A client, and how it stands with the lock.
struct Session {
    client: ZooKeeper,
    standing: Standing,
}

impl Session {
    /// Begins a session, and watches over what is held in it.
    fn new(host: &Host, servers: &[NodeId], settings: &ZooKeeperLockSettings) -> Self {
        let session_timeout = settings.session_timeout;
        let client =
            ZooKeeper::new(host, &ClientSettings { servers: servers.to_vec(), session_timeout });
        let standing = Standing::default();
        let guard = Guard {
            host: host.clone(),
            lock: settings.path.clone(),
            standing: standing.clone(),
            on_disconnect: settings.on_disconnect,
        };
        host.spawn(guard.watch_over(client.listen()));
        Self { client, standing }
    }
}

/// Says that the lock is lost, when it is.
struct Guard {
    host: Host,
    lock: Name,
    standing: Standing,
    on_disconnect: OnDisconnect,
}

impl Guard {
    async fn watch_over(self, mut events: Events) {
        loop {
            match events.wait().await {
                Event::State(KeeperState::Disconnected)
                    if self.on_disconnect == OnDisconnect::GivesUp =>
                {
                    self.lose("disconnected");
                }
                Event::State(KeeperState::Expired) => return self.lose("session expired"),
                Event::State(_) | Event::Watch(_) => {}
            }
        }
    }

    fn lose(&self, reason: &'static str) {
        if self.standing.lose() {
            self.host.note(Note::LockLost { lock: self.lock.clone(), hold: None, reason });
        }
    }
}
