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
/// assert_eq!(node(b"10.0.1.256"), None);
/// ```
pub fn node(address: &[u8]) -> Option<NodeId> {
    let rest = address.strip_prefix(b"10.0.")?;
    let dot = rest.iter().position(|byte| *byte == b'.')?;
    Some(NodeId(u16::from_be_bytes([octet(&rest[..dot])?, octet(&rest[dot + 1..])?])))
}

/// A number as [`host`] writes it: without a zero in front.
fn octet(digits: &[u8]) -> Option<u8> {
    let is_canonical = matches!(digits, [b'0'] | [b'1'..=b'9', ..]);
    let add = |sum: u8, digit: &u8| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        sum.checked_mul(10)?.checked_add(digit)
    };
    digits.iter().try_fold(0, add).filter(|_| is_canonical)
}
