//! What clients and servers say to each other, as bytes. In the simulated world a message is a value and nothing
//! of this runs; behind a real port it does. Bytes in, values out, no socket: whoever owns one feeds it.
//!
//! ```
//! use fencepost_models::zookeeper::jute::{Asked, Frames, client, server};
//! use fencepost_models::zookeeper::protocol::Op;
//!
//! let op = Op::Delete { path: "/lock/x".into(), version: -1 };
//! let bytes = client::request(7, &op);
//! let mut frames = Frames::default();
//! frames.feed(&bytes[..9]);
//! assert_eq!(frames.next_frame(), Ok(None));
//! frames.feed(&bytes[9..]);
//! let frame = frames.next_frame().expect("well formed").expect("complete");
//! assert_eq!(server::read_request(&frame), Some((7, Asked::Op(op))));
//! ```
//!
//! Source: `zookeeper.jute`; `BinaryInputArchive.java`; `NIOServerCnxn.java`; `ZooDefs.java`, `OpCode`.

pub mod client;
pub mod door;
mod frames;
pub mod kind;
mod records;
pub mod server;
#[cfg(test)]
mod tests;

pub use self::frames::{BadLength, Frames, MAX_FRAME_BYTES};

use super::protocol::{Op, Path};

/// What a client asks for: something of the model's, or of what it leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A request that the model knows.
    Op(Op),
    /// `getACL`: the model has none, so that what is left to say is whether there is such a node.
    Acl(Path),
    /// `addAuthInfo`, by this scheme.
    Auth(Path),
    /// A request of that kind, which the model does not know.
    Unknown(i32),
    /// A request whose body cannot be read.
    Malformed,
}

/// An error that is not the model's but the protocol's: what was asked for cannot be read. Source:
/// `KeeperException.java`, `Code.MARSHALLINGERROR`.
pub const MARSHALLING_ERROR: i32 = -5;

/// The same: nobody here can do what was asked for. Source: `Code.UNIMPLEMENTED`.
pub const UNIMPLEMENTED: i32 = -6;

/// The same: somebody is not who he says he is. Source: `Code.AUTHFAILED`.
pub const AUTH_FAILED: i32 = -115;
