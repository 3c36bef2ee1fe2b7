//! How servers name each other: an address and a port.
//!
//! Nodes have no addresses in the model, so each gets one of a private network, and what is written to
//! such an address finds the node again. One process runs on a node, so a port says only what it is.

use crate::machine::NodeId;

/// Redis's port. Source: `server.h`, `CONFIG_DEFAULT_SERVER_PORT`.
pub const REDIS_PORT: u16 = 6379;

/// Sentinel's port. Source: `sentinel.c`, `REDIS_SENTINEL_PORT`.
pub const SENTINEL_PORT: u16 = 26379;

/// A node's address: `10.0.0.7`.
pub fn host(node: NodeId) -> String {
    let [high, low] = node.0.to_be_bytes();
    format!("10.0.{high}.{low}")
}

/// The node that has an address, if it is one that [`host`] gives.
///
/// ```
/// use fencepost_models::machine::NodeId;
/// use fencepost_models::redis::address::{host, node};
///
/// assert_eq!(node(host(NodeId(300)).as_bytes()), Some(NodeId(300)));
/// assert_eq!(node(b"localhost"), None);
/// assert_eq!(node(b"10.0.0.07"), None);
/// ```
pub fn node(address: &[u8]) -> Option<NodeId> {
    let rest = std::str::from_utf8(address).ok()?.strip_prefix("10.0.")?;
    let (high, low) = rest.split_once('.')?;
    let node = NodeId(u16::from_be_bytes([high.parse().ok()?, low.parse().ok()?]));
    (host(node).as_bytes() == address).then_some(node)
}
