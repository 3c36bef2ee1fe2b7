//! What fencepost studies: servers as sans-IO state machines, and lock recipes as the `async`
//! Rust that their authors would recognise.
//!
//! Nothing here owns a clock, a socket, a thread or a source of entropy. A [`machine::Machine`]
//! is handed its inputs together with its host's local time and answers through an outbox, so
//! the same code runs in the simulated world, behind a real port and in a unit test that
//! compares what was emitted. A recipe is a future; [`process::Process`] makes it a machine.
//!
//! ```
//! use bytes::Bytes;
//! use fencepost_models::redis::engine::Engine;
//! use fencepost_models::redis::resp::Reply;
//! use fencepost_models::time::Wall;
//!
//! // A Redis without a network, and a day without waiting: whoever asks says what time it is.
//! let mut redis = Engine::default();
//! let lock = ["SET", "lock", "mine", "NX", "PX", "10000"].map(Bytes::from);
//! let at_ms = |ms: u64| Wall::from_nanos(ms * 1_000_000);
//! assert_eq!(redis.execute(&lock, at_ms(0)), Reply::OK);
//! assert_eq!(redis.execute(&lock, at_ms(9_999)), Reply::Nil);
//! assert_eq!(redis.execute(&lock, at_ms(86_400_000)), Reply::OK);
//! ```
//!
//! ```text
//! machine  message  note  time  random   the vocabulary every model speaks
//! process/                               futures as machines: what a recipe sees of its host
//! redis/                                 the server: engine, scripts, keyspace
//! zookeeper/                             the ensemble: elections, the log, the tree, sessions
//! locks/                                 the recipes
//! shop/                                  what the locks are meant to protect
//! load                                   who else writes to the lock's Redis
//! ```

pub mod list;
pub mod load;
pub mod locks;
pub mod machine;
pub mod message;
mod named;
pub mod note;
pub mod process;
pub mod random;
pub mod redis;
pub mod shop;
pub mod time;
pub mod zookeeper;
