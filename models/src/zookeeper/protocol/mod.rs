//! What clients and servers say to each other.

mod error;
mod ids;
mod op;
mod packet;

pub use self::error::ErrorCode;
pub use self::ids::{NoZxid, Password, Path, ServerId, SessionId, Zxid};
pub use self::op::{Answer, CreateMode, EventKind, Op, SetWatches, Stat, WatchedEvent};
pub use self::packet::{Connect, Connected, Forwarded, Packet, Quorum, SnapshotTree};
