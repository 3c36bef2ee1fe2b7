//! How servers name each other: an address and a port.
//!
//! Nodes have no addresses in the model, so each gets one of a private network, and what is written to
//! such an address finds the node again. One process runs on a node, so a port says only what it is.
//!
//! Behind real sockets nodes have addresses that are true, and clients have to be told those: whoever runs
//! the servers there lays an [`AddressBook`] open, and on its thread the servers speak of nothing else.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::machine::NodeId;

/// Redis's port. Source: `server.h`, `CONFIG_DEFAULT_SERVER_PORT`.
pub const REDIS_PORT: u16 = 6379;

/// Sentinel's port. Source: `sentinel.c`, `REDIS_SENTINEL_PORT`.
pub const SENTINEL_PORT: u16 = 26379;

thread_local! {
    static BOOK: RefCell<BTreeMap<NodeId, SocketAddr>> = const { RefCell::new(BTreeMap::new()) };
}

/// The addresses that nodes really have, on the thread that has laid it open and as long as it is there.
///
/// ```
/// use fencepost_models::machine::NodeId;
/// use fencepost_models::redis::address::{AddressBook, host, node, redis_port};
///
/// let (first, second) = (NodeId(1), NodeId(2));
/// let book = AddressBook::open([
///     (first, "127.0.0.1:7001".parse().unwrap()),
///     (second, "127.0.0.1:7002".parse().unwrap()),
/// ]);
/// assert_eq!((host(second).as_str(), redis_port(second)), ("127.0.0.1", 7002));
/// assert_eq!(node(b"127.0.0.1", b"7001"), Some(first));
/// assert_eq!(node(b"10.0.0.1", b"6379"), None);
/// drop(book);
/// assert_eq!((host(second).as_str(), redis_port(second)), ("10.0.0.2", 6379));
/// ```
#[derive(Debug)]
#[must_use = "the addresses are forgotten with it"]
pub struct AddressBook(());

impl AddressBook {
    /// Lays it open, in place of any that is.
    pub fn open(addresses: impl IntoIterator<Item = (NodeId, SocketAddr)>) -> Self {
        BOOK.set(addresses.into_iter().collect());
        Self(())
    }
}

impl Drop for AddressBook {
    fn drop(&mut self) {
        let _ = BOOK.try_with(|book| book.borrow_mut().clear());
    }
}

fn listed(node: NodeId) -> Option<SocketAddr> {
    BOOK.with_borrow(|book| book.get(&node).copied())
}

/// A node's address: `10.0.0.7`.
pub fn host(node: NodeId) -> String {
    if let Some(address) = listed(node) {
        return address.ip().to_string();
    }
    let [high, low] = node.0.to_be_bytes();
    format!("10.0.{high}.{low}")
}

/// The port of the Redis on a node.
pub fn redis_port(node: NodeId) -> u16 {
    listed(node).map_or(REDIS_PORT, |address| address.port())
}

/// The port of the Sentinel on a node.
pub fn sentinel_port(node: NodeId) -> u16 {
    listed(node).map_or(SENTINEL_PORT, |address| address.port())
}

/// The node that has an address, if it is one that [`host`] gives. The port tells two nodes with one address
/// apart, where there are such.
///
/// ```
/// use fencepost_models::machine::NodeId;
/// use fencepost_models::redis::address::{host, node};
///
/// assert_eq!(node(host(NodeId(300)).as_bytes(), b"6379"), Some(NodeId(300)));
/// assert_eq!(node(b"localhost", b"6379"), None);
/// assert_eq!(node(b"10.0.0.07", b"6379"), None);
/// assert_eq!(node(b"10.0.1.256", b"6379"), None);
/// ```
pub fn node(address: &[u8], port: &[u8]) -> Option<NodeId> {
    BOOK.with_borrow(|book| match book.is_empty() {
        true => modelled(address),
        false => find(book, address, port),
    })
}

fn find(book: &BTreeMap<NodeId, SocketAddr>, address: &[u8], port: &[u8]) -> Option<NodeId> {
    let address: IpAddr = std::str::from_utf8(address).ok()?.parse().ok()?;
    let port: u16 = std::str::from_utf8(port).ok()?.parse().ok()?;
    let wanted = SocketAddr::new(address, port);
    book.iter().find(|(_, known)| **known == wanted).map(|(node, _)| *node)
}

fn modelled(address: &[u8]) -> Option<NodeId> {
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
