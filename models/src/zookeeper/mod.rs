//! ZooKeeper 3.8.0: an ensemble of servers that agree on a log of transactions (Zab), a tree of znodes that
//! the log makes, and sessions that the leader counts down.
//!
//! ```text
//! protocol/   what clients and servers say to each other: ids, requests, answers, errors
//! client/     the connection and the session of a client
//! jute/       the same as bytes, for a real port
//! codec  txn  transactions, and the bytes that the log on disk is made of
//! tree/       znodes, ephemerals, watches
//! prepare     from a request to a transaction: the checks that only the leader makes
//! election/   who leads
//! sessions/   the leader counts them down, in buckets
//! zab/        leader and follower: discovery, synchronisation, broadcast
//! storage     log, snapshot and epochs on disk
//! server/     the machine, its clients, and how their requests wait for the log
//! settings    what an ensemble has set
//! ```
//!
//! # What differs from ZooKeeper 3.8.0
//!
//! * Everybody may do everything: no ACLs, no quotas, no authentication, no digests of the tree.
//! * No container and TTL nodes, no persistent and no recursive watches, no `multiRead`.
//! * The ensemble is what it is: no `reconfig`, no observers, no read-only mode, no local sessions.
//! * A snapshot is written when a follower has been given another log than its own, and never else: not every
//!   100,000 transactions, and not when a server begins to lead. The log is one file.
//! * A server has one address. Who comes to follow one that does not lead (yet) is sent away, as where nobody
//!   listens. A leader listens from the moment it is elected, so that followers hardly ever have to come back.
//! * No follower ends because a commit comes before it serves (ZOOKEEPER-4394).
//! * A request costs no time, and no limit is set to how many are under way. Names of children come in order.
//!
//! How it compares with a real ensemble was measured: `models/zookeeper/FIDELITY.md`.

pub mod client;
mod codec;
pub mod election;
pub mod jute;
mod prepare;
pub mod protocol;
pub mod server;
mod sessions;
mod settings;
mod storage;
#[cfg(test)]
mod tests;
pub mod tree;
pub mod txn;
mod zab;

pub use self::settings::EnsembleSettings;

/// True for what can be a node's path.
pub fn is_path(path: &str) -> bool {
    tree::path::is_valid(path)
}
