//! Bring your own lock: somebody's own code, held against the same faults, verdicts, hunts and timelines as the
//! recipes that come with fencepost.
//!
//! A lock implements [`OwnLock`]; what it needs from where it runs it has from its [`Node`]: connections to the
//! servers, time, tasks, randomness. This one asks a Redis, and forgets that a lease can end:
//!
//! ```
//! use std::time::Duration;
//! use bytes::Bytes;
//! use fencepost::claim::Claims as _;
//! use fencepost::judge::ViolationKind::TwoHolders;
//! use fencepost::own::{Node, OwnLock, recipe};
//! use fencepost::scenario::Scenario;
//! use fencepost::own::{Message, Reply};
//!
//! struct Naive(Node);
//!
//! impl OwnLock for Naive {
//!     type Guard = ();
//!
//!     async fn acquire(&self) {
//!         while ask(&self.0, &["SET", "lock:stock", self.0.name(), "NX", "PX", "500"]).await != Some(Reply::OK) {
//!             self.0.host().sleep(Duration::from_millis(20)).await;
//!         }
//!     }
//!
//!     async fn release(&self, (): &()) -> bool {
//!         ask(&self.0, &["DEL", "lock:stock"]).await.is_some()
//!     }
//! }
//!
//! async fn ask(node: &Node, words: &[&str]) -> Option<Reply> {
//!     let connection = node.connect("redis").await.ok()?;
//!     connection.send(Message::Redis(words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()));
//!     match connection.receive().await {
//!         Ok(Message::RedisReply(reply)) => Some(reply),
//!         _ => None,
//!     }
//! }
//!
//! let naive = Scenario::default().but(|s| {
//!     s.lock = recipe("lock:stock", async |node| Naive(node)).lease(Duration::from_millis(500)).into();
//! });
//! let found = naive.under(&[], 3).sweep(0..200).must_find(TwoHolders).shrunk_to(1);
//! assert!(found.timeline().contains("VIOLATION two-holders"));
//! ```
//!
//! With the feature `redis`, a node has connections that code written against the `redis` crate takes as they are
//! (`Node::redis`, in `own::redis`). Of ZooKeeper there is [`Node::zookeeper`], with the
//! requests and events of the usual clients: [`zookeeper`]. Anything else is a server of your own:
//! a state machine among [`OwnServers`], which the lock speaks to over [`Node::connect`].
//!
//! What the lock protects can be somebody's own as well: [`worker`] takes what is done under the lock in the place of
//! buying, and an [`Invariant`](crate::judge::Invariant) is a law that what your servers write down ([`Note::Remark`])
//! must keep: a verdict like the judge's own.
//!
//! # What your code may do
//!
//! It runs on madsim's executor, under simulated time: `madsim::time::sleep`, `madsim::task::spawn_local` and
//! `madsim::rand` are the world's, and so is what `std` says of the time and of entropy. Code that is written for
//! tokio finds the same under `madsim-tokio`. The node's own clocks, which may be wrong, are [`Host::wall`] and
//! [`Host::mono`]; a lease is measured with these.
//!
//! A run may be repeated on any thread, so nothing may be kept outside: no statics, no threads, no real files.
//! Every run has a thread of its own: the order in which a `HashMap` is gone through is the same for a seed.

mod node;
mod recipe;
#[cfg(feature = "redis")]
pub mod redis;
mod servers;
#[cfg(test)]
mod tests;
pub mod zookeeper;

pub use fencepost_models::locks::own::OwnLock;
pub use fencepost_models::machine;
pub use fencepost_models::message::Message;
pub use fencepost_models::note::Note;
pub use fencepost_models::process::{Connection, Host, TimedOut};
pub use fencepost_models::redis::resp::Reply;

pub use self::node::{NoSuchNode, Node, NotConnected};
pub use self::recipe::{OwnRecipe, recipe, worker};
pub(crate) use self::servers::OwnServer;
pub use self::servers::OwnServers;
