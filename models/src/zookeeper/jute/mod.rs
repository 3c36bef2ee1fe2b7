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

mod acl;
pub mod client;
pub mod door;
mod frames;
pub mod kind;
mod records;
pub mod server;
#[cfg(test)]
mod tests;

pub use self::frames::{BadLength, Frames, MAX_FRAME_BYTES};

use bytes::Bytes;

use super::protocol::{Op, Path};

/// What a client asks for: something of the model's, or of what it leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A request that the model knows.
    Op(Op),
    /// `getACL`: the model has none, so that what is left to say is whether there is such a node.
    Acl(Path),
    /// A node that its creator alone may do something with (`Ids.CREATOR_ALL_ACL`): who has not proved who it is makes
    /// none.
    OfCreator(Op),
    /// `addAuthInfo`: by which scheme, and with what, if with anything.
    Auth {
        /// `digest`, `ip`.
        scheme: Option<Bytes>,
        /// The proof.
        proof: Option<Bytes>,
    },
    /// Something that is refused with this error, in a transaction: no list of who may do what, no mode, nodes with a
    /// time to live or a change of the ensemble, which are switched off.
    Refused(i32),
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

/// The same: the ensemble cannot be changed. Source: `Code.RECONFIGDISABLED`.
pub const RECONFIG_DISABLED: i32 = -123;

/// The same: this is no list of who may do what. Source: `Code.INVALIDACL`.
pub const INVALID_ACL: i32 = -114;

/// The same: somebody is not who he says he is. Source: `Code.AUTHFAILED`.
pub const AUTH_FAILED: i32 = -115;
