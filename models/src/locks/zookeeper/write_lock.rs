//! The recipe of ZooKeeper's documentation, as the `WriteLock` that comes with it has it.
//!
//! * **Acquire**: create a node that is ephemeral and sequential, list its siblings; the lowest holds the lock,
//!   every other waits for the end of the one before it, and lists again.
//! * **Contention**: they are served in the order in which they came. Who waits and dies leaves the queue with its
//!   session.
//! * **An answer that is lost**: the node's name has the session's number in it. Before a node is created, one of
//!   that session is looked for: it may be there already. A release that fails for a lost connection is not
//!   tried again, as `unlock` has it; the node is there until the session is over or the next `acquire` in the
//!   same session meets it. See [`Leftover`](super::Leftover) for what it makes of it.
//! * **The session is over while it is held**: the node is gone, and the next has the lock. The client hears of it
//!   when it reaches a server. See [`OnDisconnect`](super::OnDisconnect) for what it does before.
//!
//! Source: `zookeeper-docs`, `recipes.md`, "Locks", "Recoverable Errors and the GUID"; `WriteLock.java`,
//! `ProtocolSupport.java`, `ZNodeName.java` of 3.8.0. Three things differ. A node of its session that it finds is its
//! own, as `WriteLock` means it to be: see [`Leftover::Reused`]. `WriteLock` waits for nothing when the node before its
//! own has gone between two requests, and so for ever; the documentation lists again, and so does this. And a node
//! that a release has left is deleted first, unless the settings say that it is used again. `WriteLock` gives up
//! after ten attempts; this begins anew, with a new session if the old one is over.

use std::time::Duration;

use bytes::Bytes;

use super::{Leftover, Session, Token, Watching, ZooKeeperLockSettings, make_path};
use crate::locks::{Grant, Lock, Lost, Origin};
use crate::machine::{InputId, NodeId};
use crate::note::{Name, ReleaseOutcome};
use crate::process::Host;
use crate::zookeeper::client::{Event, Events, KeeperState, ZooKeeper};
use crate::zookeeper::protocol::{Answer, CreateMode, ErrorCode, Op, Path, Zxid};

/// How often a lost connection is tried again with ever longer waits. Source: `ProtocolSupport.java`,
/// `RETRY_COUNT`.
const RETRY_COUNT: u32 = 10;
/// How much longer each wait is than the last. Source: `ProtocolSupport.java`, `retryDelay`.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// One client's lock on an ensemble.
pub struct WriteLock {
    host: Host,
    servers: Vec<NodeId>,
    settings: ZooKeeperLockSettings,
    parent: Path,
    session: Option<Session>,
    own: Option<Own>,
    /// What a release has left, perhaps.
    leftover: Option<Path>,
}

/// The client's node.
#[derive(Clone)]
struct Own {
    /// Its name, below the parent.
    name: Path,
    /// The transaction that created it.
    czxid: Zxid,
}

impl WriteLock {
    /// A lock on the ensemble of these servers.
    pub fn new(host: Host, servers: &[NodeId], settings: ZooKeeperLockSettings) -> Self {
        let parent = Path::from(settings.path.to_string());
        let servers = servers.to_vec();
        Self { host, servers, settings, parent, session: None, own: None, leftover: None }
    }

    /// Waits in the queue until the client's node is the lowest; what brought the list that says so.
    async fn wait_for_turn(&mut self) -> Result<(Own, Option<InputId>), ErrorCode> {
        let begin = || Session::new(&self.host, &self.servers, &self.settings);
        let client = self.session.get_or_insert_with(begin).client.clone();
        let mut events = client.listen();
        self.remove_leftover(&client).await?;
        // `ProtocolSupport.java`, `ensurePathExists`; unlike there, every node on the way.
        make_path(&self.parent, |op| client.request(op)).await?;
        loop {
            let own = match self.own.take() {
                Some(own) => own,
                None => self.find_or_create(&client).await?,
            };
            self.own = Some(own.clone());
            events.forget();
            let watches_parent = self.settings.watching == Watching::Parent;
            let (mut names, input) = self.children(&client, watches_parent).await?;
            names.sort_by_key(|name| sequence(name));
            let Some(place) = names.iter().position(|name| *name == own.name) else {
                self.own = None;
                continue;
            };
            let Some(previous) = place.checked_sub(1).and_then(|place| names.get(place)) else {
                return Ok((own, input));
            };
            let watched = match self.settings.watching {
                Watching::Parent => Path::clone(&self.parent),
                Watching::Predecessor => {
                    let path = self.path(previous);
                    let exists = Op::Exists { path: Path::clone(&path), watch: true };
                    match client.request(exists).await.result {
                        Ok(_) => path,
                        Err(ErrorCode::NoNode) => continue,
                        Err(error) => return Err(error),
                    }
                }
            };
            wait_for_change(&mut events, &watched).await?;
        }
    }

    /// Deletes what the last release has left.
    async fn remove_leftover(&mut self, client: &ZooKeeper) -> Result<(), ErrorCode> {
        let Some(path) = self.leftover.clone() else { return Ok(()) };
        match client.request(Op::Delete { path, version: -1 }).await.result {
            Ok(_) | Err(ErrorCode::NoNode) => self.leftover = None,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The node that this session has, from an attempt whose answer was lost; a new one if there is none.
    /// Source: `WriteLock.java`, `findPrefixInChildren`.
    async fn find_or_create(&self, client: &ZooKeeper) -> Result<Own, ErrorCode> {
        // Java's `long` in decimal, signed as it is.
        let prefix = format!("x-{}-", client.session().0.cast_signed());
        let (names, _) = self.children(client, false).await?;
        if let Some(name) = names.into_iter().find(|name| name.starts_with(&prefix)) {
            let exists = Op::Exists { path: self.path(&name), watch: false };
            let Answer::Stat(stat) = client.request(exists).await.result? else {
                return Err(ErrorCode::RuntimeInconsistency);
            };
            return Ok(Own { name, czxid: stat.czxid });
        }
        let create = Op::Create {
            path: self.path(&prefix),
            data: Bytes::new(),
            mode: CreateMode::EPHEMERAL_SEQUENTIAL,
            with_stat: true,
        };
        let Answer::Created { path, stat: Some(stat) } = client.request(create).await.result?
        else {
            return Err(ErrorCode::RuntimeInconsistency);
        };
        let name = path.rsplit('/').next().unwrap_or(&path);
        Ok(Own { name: Path::from(name), czxid: stat.czxid })
    }

    async fn children(
        &self,
        client: &ZooKeeper,
        watch: bool,
    ) -> Result<(Vec<Path>, Option<InputId>), ErrorCode> {
        let path = Path::clone(&self.parent);
        let reply = client.request(Op::GetChildren { path, watch, with_stat: false }).await;
        let Answer::Children { names, .. } = reply.result? else {
            return Err(ErrorCode::RuntimeInconsistency);
        };
        Ok((names, reply.input))
    }

    fn token(&self, own: &Own) -> u64 {
        match self.settings.token {
            Token::Czxid => own.czxid.0,
            Token::Sequence => sequence(&own.name).cast_unsigned(),
        }
    }

    fn path(&self, name: &str) -> Path {
        Path::from(format!("{}/{name}", self.parent))
    }
}

impl Lock for WriteLock {
    fn name(&self) -> Option<Name> {
        Some(self.settings.path.clone())
    }

    async fn acquire(&mut self) -> Grant {
        let mut attempt = 0;
        loop {
            match self.wait_for_turn().await {
                Ok((own, input)) => {
                    if let Some(session) = &self.session {
                        session.standing.grant();
                    }
                    let grant = Grant::new(Some(self.token(&own)));
                    return Grant { origin: Origin::Message(input), ..grant };
                }
                Err(ErrorCode::SessionExpired) => {
                    self.session = None;
                    self.own = None;
                    self.leftover = None;
                    attempt = 0;
                }
                Err(_) => {
                    self.host.sleep(RETRY_DELAY * attempt).await;
                    attempt = (attempt + 1) % RETRY_COUNT;
                }
            }
        }
    }

    async fn release(&mut self, _grant: Grant) -> ReleaseOutcome {
        let Some(session) = &self.session else { return ReleaseOutcome::NotHeld };
        session.standing.give_back();
        let Some(own) = self.own.take() else { return ReleaseOutcome::NotHeld };
        let path = self.path(&own.name);
        let delete = Op::Delete { path: Path::clone(&path), version: -1 };
        match session.client.request(delete).await.result {
            Ok(_) => ReleaseOutcome::Removed,
            Err(ErrorCode::NoNode | ErrorCode::SessionExpired) => ReleaseOutcome::NotHeld,
            Err(_) => {
                if self.settings.leftover == Leftover::Removed {
                    self.leftover = Some(path);
                }
                ReleaseOutcome::Unknown
            }
        }
    }

    fn lost(&self) -> Lost {
        self.session.as_ref().map_or(Lost::never(), |session| session.standing.lost())
    }
}

/// Waits until the node that is watched has changed, or may have: a watcher hears of the connection too. Source:
/// `WriteLock.java`, `LockWatcher`.
async fn wait_for_change(events: &mut Events, watched: &str) -> Result<(), ErrorCode> {
    loop {
        match events.wait().await {
            Event::Watch(event) if *event.path == *watched => return Ok(()),
            Event::Watch(_) | Event::State(KeeperState::Disconnected) => {}
            Event::State(KeeperState::SyncConnected) => return Ok(()),
            Event::State(KeeperState::Expired) => return Err(ErrorCode::SessionExpired),
        }
    }
}

/// The number that the server has put behind a name. Source: `ZNodeName.java`.
fn sequence(name: &str) -> i64 {
    name.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(i64::MAX)
}
