//! Locks on an ensemble of ZooKeeper's: who has the lowest of the numbered nodes below one node holds the lock.
//!
//! The fencing token is the `czxid` of the holder's node: the transaction that created it. It grows over all
//! leaders without end, and nobody has to count.
//!
//! **A session is a lease** whose length the client knows and whose end it does not: nobody tells it before it
//! reaches a server again. What it is told at once is that it is not connected. Source: the documentation's
//! "ZooKeeper Programmer's Guide", "ZooKeeper Sessions"; its FAQ, "How should I handle SESSION_EXPIRED?".

#[cfg(test)]
mod tests;
mod write_lock;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

pub use self::write_lock::WriteLock;
use crate::machine::NodeId;
use crate::note::{Name, Note};
use crate::process::Host;
use crate::zookeeper::client::{ClientSettings, Event, Events, KeeperState, ZooKeeper};

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

/// The settings of a lock on an ensemble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZooKeeperLockSettings {
    /// The node below which the lock's nodes are.
    pub path: Name,
    /// Where the servers are, and the session's timeout.
    pub client: ClientSettings,
    /// What is watched by who waits.
    pub watching: Watching,
    /// What the holder makes of a lost connection.
    pub on_disconnect: OnDisconnect,
}

impl ZooKeeperLockSettings {
    /// A careful client of these servers.
    pub fn new(servers: Vec<NodeId>) -> Self {
        Self {
            path: Name::from_static("/locks/stock"),
            // ZooKeeper 3.8.0, `ZooKeeperMain.java`: `-timeout` is 30000 where it is not named.
            client: ClientSettings { servers, session_timeout: Duration::from_secs(30) },
            watching: Watching::Predecessor,
            on_disconnect: OnDisconnect::GivesUp,
        }
    }
}

/// A client, and whether it believes that it holds the lock.
struct Session {
    client: ZooKeeper,
    is_held: Rc<Cell<bool>>,
}

impl Session {
    /// Begins a session, and watches over what is held in it.
    fn new(host: &Host, settings: &ZooKeeperLockSettings) -> Self {
        let client = ZooKeeper::new(host, &settings.client);
        let is_held = Rc::new(Cell::new(false));
        let guard = Guard {
            host: host.clone(),
            lock: settings.path.clone(),
            is_held: Rc::clone(&is_held),
            on_disconnect: settings.on_disconnect,
        };
        host.spawn(guard.watch_over(client.listen()));
        Self { client, is_held }
    }
}

/// Says that the lock is lost, when it is.
struct Guard {
    host: Host,
    lock: Name,
    is_held: Rc<Cell<bool>>,
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
        if self.is_held.replace(false) {
            self.host.note(Note::LockLost { lock: self.lock.clone(), hold: None, reason });
        }
    }
}
