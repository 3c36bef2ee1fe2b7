//! Bring your own lock: somebody's own code, held against the same faults, verdicts, hunts and timelines as the
//! recipes that come with fencepost.
//!
//! A lock implements [`OwnLock`]; what it needs from where it runs it has from its [`Node`]: connections to the
//! servers, time, tasks, randomness. This one asks a Redis, and forgets that a lease can end:
//!
//! ```
//! use std::time::Duration;
//! use fencepost::claim::Claims as _;
//! use fencepost::judge::ViolationKind::TwoHolders;
//! use fencepost::own::{Bytes, Message, Node, OwnLock, ReleaseOutcome, Reply, recipe};
//! use fencepost::scenario::Scenario;
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
//!     async fn release(&self, (): &()) -> ReleaseOutcome {
//!         ask(&self.0, &["DEL", "lock:stock"]).await.map(|_| true).into()
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
//! tokio finds the same under `madsim-tokio`: timers, tasks, channels, macros. A task that has a [`Node`] is spawned with
//! `spawn_local`, since a node stays on its thread. Write `biased;` into each `select!`: without it, tokio draws the branch
//! that it looks at first from numbers that no seed brings back, and [`determinism::check`](crate::determinism::check)
//! finds that out. The node's own clocks, which may be wrong, are [`Host::wall`] and
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
mod testing;
#[cfg(test)]
mod tests;
pub mod zookeeper;

/// What messages and znodes are made of: that of the `bytes` crate.
pub use bytes::Bytes;
/// What a lock has to have, and what it may have besides. This one is a lease that is extended while its holder works and
/// asked after before each write, and that counts its grants:
///
/// ```
/// use std::time::Duration;
/// use fencepost::claim::Claims as _;
/// use fencepost::judge::ViolationKind::TwoHolders;
/// use fencepost::own::{Bytes, Message, Node, OwnLock, ReleaseOutcome, Reply, recipe};
/// use fencepost::scenario::Scenario;
///
/// const TAKE: &str = "if redis.call('set', KEYS[1], ARGV[1], 'nx', 'px', 300) then
///     return redis.call('incr', KEYS[2]) else return 0 end";
/// const EXTEND: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then
///     return redis.call('pexpire', KEYS[1], 300) else return 0 end";
/// const DROP: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then
///     return redis.call('del', KEYS[1]) else return 0 end";
/// const ASK: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then return 1 else return 0 end";
///
/// struct Lease(Node);
///
/// impl Lease {
///     /// What the script says; nothing when nobody answers in time.
///     async fn run(&self, script: &'static str) -> Option<i64> {
///         let run = async {
///             let connection = self.0.connect("redis").await.ok()?;
///             let words = ["EVAL", script, "2", "lock", "grants", self.0.name()];
///             connection.send(Message::Redis(words.map(|word| Bytes::copy_from_slice(word.as_bytes())).into()));
///             connection.receive().await.ok()
///         };
///         match self.0.host().timeout(Duration::from_millis(100), run).await {
///             Ok(Some(Message::RedisReply(Reply::Int(number)))) => Some(number),
///             _ => None,
///         }
///     }
/// }
///
/// impl OwnLock for Lease {
///     /// The number of the grant.
///     type Guard = u64;
///
///     async fn acquire(&self) -> u64 {
///         loop {
///             match self.run(TAKE).await {
///                 Some(grant) if grant > 0 => return grant.unsigned_abs(),
///                 _ => self.0.host().sleep(Duration::from_millis(20)).await,
///             }
///         }
///     }
///
///     async fn release(&self, _: &u64) -> ReleaseOutcome {
///         self.run(DROP).await.map(|dropped| dropped == 1).into()
///     }
///
///     fn token(&self, grant: &u64) -> Option<u64> {
///         Some(*grant)
///     }
///
///     async fn is_held(&self, _: &u64) -> Option<bool> {
///         Some(self.run(ASK).await == Some(1))
///     }
///
///     fn extends_every(&self) -> Option<Duration> {
///         Some(Duration::from_millis(100))
///     }
///
///     async fn extend(&self, _: &u64) -> bool {
///         self.run(EXTEND).await == Some(1)
///     }
/// }
///
/// // Whoever works for longer than its lease still works alone.
/// let sale = Scenario::default().but(|s| {
///     s.lock = recipe("lock", async |node| Lease(node)).lease(Duration::from_millis(300)).into();
///     s.shop.buyer.work = (Duration::from_millis(500), Duration::from_secs(1));
/// });
/// sale.sweep(0..20).must_never(TwoHolders);
/// ```
pub use fencepost_models::locks::own::OwnLock;
/// What a server of [`OwnServers`] is told, and what it may do. This one counts whoever asks, answers when its count is on
/// disk, and says once a second how far it is. Faults on it come and go, and the count never goes back:
///
/// ```
/// use std::time::Duration;
/// use fencepost::claim::Claims as _;
/// use fencepost::judge::{Invariant, Moment};
/// use fencepost::own::machine::{
///     Boot, ConnectionId, Context, DiskOperation, DiskToken, Input, Machine, TimerId,
/// };
/// use fencepost::own::{Message, Node, Note, OwnLock, ReleaseOutcome, OwnServers, recipe};
/// use fencepost::scenario::{FaultKind, Scenario};
///
/// const FILE: &str = "count";
///
/// struct Counter {
///     count: u64,
///     /// Who waits for which write.
///     waiting: Vec<(DiskToken, ConnectionId, u64)>,
/// }
///
/// impl Counter {
///     fn start(boot: &Boot) -> Self {
///         let text = boot.files.get(FILE).and_then(|bytes| std::str::from_utf8(bytes).ok());
///         let count = text.and_then(|text| text.parse().ok()).unwrap_or_default();
///         Self { count, waiting: Vec::new() }
///     }
/// }
///
/// impl Machine for Counter {
///     fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
///         match input {
///             Input::Started | Input::Timer(_) => {
///                 context.set_timer(TimerId(0), Duration::from_secs(1));
///                 context.note(Note::Remark { text: format!("has counted {}", self.count) });
///             }
///             Input::Message { connection, .. } => {
///                 self.count += 1;
///                 let (token, bytes) = (DiskToken(self.count as u32), self.count.to_string().into());
///                 context.disk(DiskToken(0), DiskOperation::Replace { file: FILE, bytes });
///                 context.disk(token, DiskOperation::Sync { file: FILE });
///                 self.waiting.push((token, connection, self.count));
///             }
///             Input::DiskDone(done) => {
///                 let place = self.waiting.iter().position(|(token, ..)| *token == done);
///                 if let Some(place) = place {
///                     let (_, connection, count) = self.waiting.remove(place);
///                     context.send(connection, Message::Number(count));
///                 }
///             }
///             _ => {}
///         }
///     }
/// }
///
/// struct Asks(Node);
///
/// impl OwnLock for Asks {
///     type Guard = u64;
///
///     async fn acquire(&self) -> u64 {
///         loop {
///             let ask = async {
///                 let connection = self.0.connect("counter").await.ok()?;
///                 connection.send(Message::Number(0));
///                 connection.receive().await.ok()
///             };
///             if let Ok(Some(Message::Number(count))) = self.0.host().timeout(Duration::from_secs(1), ask).await {
///                 self.0.host().note(Note::Remark { text: format!("is told {count}") });
///                 return count;
///             }
///             self.0.host().sleep(Duration::from_millis(50)).await;
///         }
///     }
///
///     async fn release(&self, _: &u64) -> ReleaseOutcome {
///         ReleaseOutcome::Removed
///     }
/// }
///
/// // One who asks is told a greater number each time.
/// let never_back = Invariant::new("never-back", || {
///     let mut last = 0;
///     move |moment: &Moment<'_>| {
///         let told = moment.remark().and_then(|text| text.strip_prefix("is told "));
///         let Some(count) = told.and_then(|count| count.parse::<u64>().ok()) else { return Ok(()) };
///         if count <= last {
///             return Err(format!("{count} after {last}").into());
///         }
///         last = count;
///         Ok(())
///     }
/// });
/// let counting = Scenario::default().but(|s| {
///     s.backend = Some(OwnServers::new().server("counter", |boot| Counter::start(&boot)).into());
///     s.lock = recipe("counter", async |node| Asks(node)).into();
///     (s.shop.stock, s.shop.buyers, s.duration) = (50, 1, Duration::from_secs(10));
///     s.invariants.push(never_back);
/// });
/// counting.under(&[FaultKind::Crash, FaultKind::PowerLoss], 3).sweep(0..50).must_never("never-back");
/// ```
pub use fencepost_models::machine;
pub use fencepost_models::message::Message;
pub use fencepost_models::note::{Name, Note, ReleaseOutcome};
pub use fencepost_models::process::{Connection, Host, TimedOut};
pub use fencepost_models::random::Random;
pub use fencepost_models::redis::resp::Reply;
pub use fencepost_models::shop::buyer::BuyerSettings;
pub use fencepost_models::time::{LocalClock, Mono, Wall};

pub use self::node::{NoSuchNode, Node, NotConnected};
pub use self::recipe::{OwnRecipe, recipe, worker};
pub(crate) use self::servers::OwnServer;
pub use self::servers::OwnServers;
