//! ZooKeeper as code written against its clients knows it: a [`ZooKeeper`] has their requests, their watches, and what
//! they know of their connection and their session.
//!
//! | Java's `ZooKeeper`, and the crates after it | here |
//! |---|---|
//! | `create`, `delete`, `exists`, `getData`, `setData`, `getChildren`, `multi`, `sync`, `close` | the same; a version of `None` is any |
//! | a `Watcher` | `watch: true`, and what [`ZooKeeper::events`] gives: each watch fires once |
//! | `KeeperState` | [`Event::State`], and [`ZooKeeper::state`] |
//! | `KeeperException` | [`ErrorCode`] |
//! | access control lists, container and TTL nodes, watches that persist, `reconfig` | not modelled |
//!
//! The recipe of the documentation, an ephemeral and sequential node whose predecessor is watched, with the transaction
//! that created the node as its fencing token:
//!
//! ```
//! use std::cell::RefCell;
//! use std::time::Duration;
//! use fencepost::claim::Claims as _;
//! use fencepost::judge::ViolationKind::{Oversell, TwoHolders};
//! use fencepost::own::zookeeper::{CreateMode, ErrorCode, Event, KeeperState, ZooKeeper};
//! use fencepost::own::{Node, OwnLock, ReleaseOutcome, recipe};
//! use fencepost::scenario::{Backend, FaultKind, Fencing, Scenario};
//!
//! const SESSION: Duration = Duration::from_secs(6);
//!
//! struct Queue(Node, RefCell<ZooKeeper>);
//!
//! impl Queue {
//!     /// The path of one's node, and its token, when the node is the first.
//!     async fn wait_for_turn(&self) -> Result<(String, u64), ErrorCode> {
//!         let zookeeper = self.1.borrow().clone();
//!         match zookeeper.create("/lock", "", CreateMode::PERSISTENT).await {
//!             Ok(_) | Err(ErrorCode::NodeExists) => {}
//!             Err(error) => return Err(error),
//!         }
//!         let (path, stat) = zookeeper.create("/lock/n-", "", CreateMode::EPHEMERAL_SEQUENTIAL).await?;
//!         loop {
//!             let mut events = zookeeper.events();
//!             let (mut names, _) = zookeeper.get_children("/lock", false).await?;
//!             names.sort();
//!             let own = names.iter().position(|name| path.ends_with(name)).ok_or(ErrorCode::NoNode)?;
//!             let Some(before) = own.checked_sub(1) else { return Ok((path, stat.czxid.0)) };
//!             if zookeeper.exists(&format!("/lock/{}", names[before]), true).await?.is_none() {
//!                 continue;
//!             }
//!             while let Event::State(_) = events.wait().await {
//!                 if zookeeper.state() == KeeperState::Expired {
//!                     return Err(ErrorCode::SessionExpired);
//!                 }
//!             }
//!         }
//!     }
//! }
//!
//! impl OwnLock for Queue {
//!     type Guard = (String, u64);
//!
//!     async fn acquire(&self) -> (String, u64) {
//!         loop {
//!             if let Ok(granted) = self.wait_for_turn().await {
//!                 return granted;
//!             }
//!             // Whatever this session has left goes with it.
//!             let old = self.1.replace(self.0.zookeeper(SESSION));
//!             old.give_up_session();
//!             self.0.host().sleep(Duration::from_millis(100)).await;
//!         }
//!     }
//!
//!     async fn release(&self, (path, _): &(String, u64)) -> ReleaseOutcome {
//!         let zookeeper = self.1.borrow().clone();
//!         zookeeper.delete(path, None).await.into()
//!     }
//!
//!     fn token(&self, (_, token): &(String, u64)) -> Option<u64> {
//!         Some(*token)
//!     }
//! }
//!
//! let queue = async |node: Node| Queue(node.clone(), RefCell::new(node.zookeeper(SESSION)));
//! let sale = Scenario::default().but(|s| {
//!     s.backend = Some(Backend::ZooKeeper(Default::default()));
//!     s.lock = recipe("/lock", queue).lease(SESSION).into();
//!     (s.shop.stock, s.shop.buyers) = (5, 3);
//! });
//! sale.clone().sweep(0..5).must_never(TwoHolders);
//! let paused = sale.under(&[FaultKind::Pause], 2);
//! paused.clone().sweep(0..100).must_find(TwoHolders);
//! paused.but(|s| s.shop.fencing = Fencing::ReadsAndWrites).sweep(0..100).must_never(Oversell);
//! ```

use std::time::Duration;

use bytes::Bytes;
use fencepost_models::zookeeper::client;
pub use fencepost_models::zookeeper::client::{Event, Events, KeeperState};
use fencepost_models::zookeeper::protocol::Path;
pub use fencepost_models::zookeeper::protocol::{
    Answer, CreateMode, ErrorCode, EventKind, Op, SessionId, Stat, WatchedEvent, Zxid,
};

/// Whatever version a node has.
const ANY: i32 = -1;

/// A client with a session of its own, made by [`Node::zookeeper`](super::Node::zookeeper). Cheap to clone: all clones
/// share session and connection.
///
/// Requests go out in the order in which they are made, and wait for a connection for as long as the session lives:
/// limit them with [`Host::timeout`](super::Host::timeout). One whose connection is lost fails with
/// [`ErrorCode::ConnectionLoss`], carried out or not.
#[derive(Clone)]
pub struct ZooKeeper(client::ZooKeeper);

impl ZooKeeper {
    pub(crate) const fn new(client: client::ZooKeeper) -> Self {
        Self(client)
    }

    /// Makes a node; its path, with the number that a sequential one was given, and what is known of it.
    ///
    /// # Errors
    ///
    /// The server's, or that it could not be asked: [`ErrorCode::NodeExists`], [`ErrorCode::NoNode`] for a parent that
    /// is not there.
    pub async fn create(
        &self,
        path: &str,
        data: impl Into<Bytes>,
        mode: CreateMode,
    ) -> Result<(String, Stat), ErrorCode> {
        let op = Op::Create { path: Path::from(path), data: data.into(), mode, with_stat: true };
        match self.ask(op).await? {
            Answer::Created { path, stat: Some(stat) } => Ok((path.to_string(), stat)),
            _ => Err(ErrorCode::RuntimeInconsistency),
        }
    }

    /// Deletes a node that has no children; only if it has that version, where one is given.
    ///
    /// # Errors
    ///
    /// The server's, or that it could not be asked.
    pub async fn delete(&self, path: &str, version: Option<i32>) -> Result<(), ErrorCode> {
        let version = version.unwrap_or(ANY);
        self.ask(Op::Delete { path: Path::from(path), version }).await.map(drop)
    }

    /// What is known of a node, if it is there. A watch tells of its creation, its end and other data.
    ///
    /// # Errors
    ///
    /// The server's, or that it could not be asked; not that there is no node.
    pub async fn exists(&self, path: &str, watch: bool) -> Result<Option<Stat>, ErrorCode> {
        match self.ask(Op::Exists { path: Path::from(path), watch }).await {
            Ok(Answer::Stat(stat)) => Ok(Some(stat)),
            Err(ErrorCode::NoNode) => Ok(None),
            Ok(_) => Err(ErrorCode::RuntimeInconsistency),
            Err(error) => Err(error),
        }
    }

    /// What a node holds. A watch tells of other data and of the node's end.
    ///
    /// # Errors
    ///
    /// The server's, or that it could not be asked.
    pub async fn get_data(&self, path: &str, watch: bool) -> Result<(Bytes, Stat), ErrorCode> {
        match self.ask(Op::GetData { path: Path::from(path), watch }).await? {
            Answer::Data { data, stat } => Ok((data, stat)),
            _ => Err(ErrorCode::RuntimeInconsistency),
        }
    }

    /// Puts something else into a node; only if it has that version, where one is given.
    ///
    /// # Errors
    ///
    /// The server's, or that it could not be asked: [`ErrorCode::BadVersion`].
    pub async fn set_data(
        &self,
        path: &str,
        data: impl Into<Bytes>,
        version: Option<i32>,
    ) -> Result<Stat, ErrorCode> {
        let (path, version) = (Path::from(path), version.unwrap_or(ANY));
        match self.ask(Op::SetData { path, data: data.into(), version }).await? {
            Answer::Stat(stat) => Ok(stat),
            _ => Err(ErrorCode::RuntimeInconsistency),
        }
    }

    /// The names of a node's children, and what is known of the node. A watch tells of other children and of the node's
    /// end.
    ///
    /// # Errors
    ///
    /// The server's, or that it could not be asked.
    pub async fn get_children(
        &self,
        path: &str,
        watch: bool,
    ) -> Result<(Vec<String>, Stat), ErrorCode> {
        match self.ask(Op::GetChildren { path: Path::from(path), watch, with_stat: true }).await? {
            Answer::Children { names, stat: Some(stat) } => {
                Ok((names.iter().map(ToString::to_string).collect(), stat))
            }
            _ => Err(ErrorCode::RuntimeInconsistency),
        }
    }

    /// Carries out several writes ([`Op::Create`], [`Op::Delete`], [`Op::SetData`], [`Op::Check`]), all or none; the
    /// answer to each. Where one has failed, those before it say [`ErrorCode::Ok`] and those after it
    /// [`ErrorCode::RuntimeInconsistency`].
    ///
    /// # Errors
    ///
    /// It could not be asked.
    pub async fn multi(
        &self,
        writes: Vec<Op>,
    ) -> Result<Vec<Result<Answer, ErrorCode>>, ErrorCode> {
        match self.ask(Op::Multi(writes)).await? {
            Answer::Multi(answers) => Ok(answers),
            _ => Err(ErrorCode::RuntimeInconsistency),
        }
    }

    /// Has the server catch up with what its leader had committed: a read after it sees that.
    ///
    /// # Errors
    ///
    /// The server's, or that it could not be asked.
    pub async fn sync(&self, path: &str) -> Result<(), ErrorCode> {
        self.ask(Op::Sync { path: Path::from(path) }).await.map(drop)
    }

    /// Ends the session, and with it its ephemeral nodes.
    ///
    /// # Errors
    ///
    /// No server has said so: the session ends by itself, in time.
    pub async fn close(&self) -> Result<(), ErrorCode> {
        self.ask(Op::CloseSession).await.map(drop)
    }

    /// Lets go of the session without a word: no ping is sent any more, and the servers end it when its timeout is over.
    pub fn give_up_session(&self) {
        self.0.give_up_session();
    }

    /// What happens from now on: watches that fire, and what becomes of connection and session.
    pub fn events(&self) -> Events {
        self.0.listen()
    }

    /// What it knows of its connection and its session.
    pub fn state(&self) -> KeeperState {
        self.0.keeper_state()
    }

    /// The session; [`SessionId::NONE`] before it has begun.
    pub fn session(&self) -> SessionId {
        self.0.session()
    }

    /// The session's timeout, as the servers have granted it.
    pub fn session_timeout(&self) -> Duration {
        self.0.session_timeout()
    }

    async fn ask(&self, op: Op) -> Result<Answer, ErrorCode> {
        self.0.request(op).await.result
    }
}

#[cfg(test)]
mod tests;
