//! Which node is where.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use fencepost_models::machine::NodeId;
use fencepost_models::redis::address::{REDIS_PORT, SENTINEL_PORT};

use super::resp::Resp;
use super::wire::Wire;
use crate::scenario::Backend;

/// ZooKeeper's port for clients. Source: `conf/zoo_sample.cfg`, `clientPort`.
const ZOOKEEPER_PORT: u16 = 2181;

/// What listens somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A Redis.
    Redis,
    /// A Sentinel.
    Sentinel,
    /// A server of an ensemble.
    ZooKeeper,
}

impl Kind {
    /// What each node of a backend is, in the order of their numbers.
    pub fn of_all(backend: &Backend) -> Vec<Self> {
        let server = match backend {
            Backend::ZooKeeper(_) => Self::ZooKeeper,
            _ => Self::Redis,
        };
        let servers = backend.server_names().into_iter().map(|_| server);
        servers.chain(backend.watcher_names().into_iter().map(|_| Self::Sentinel)).collect()
    }

    const fn port(self) -> u16 {
        match self {
            Self::Redis => REDIS_PORT,
            Self::Sentinel => SENTINEL_PORT,
            Self::ZooKeeper => ZOOKEEPER_PORT,
        }
    }
}

/// A node that listens.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its number.
    pub node: NodeId,
    /// What it is.
    pub kind: Kind,
}

impl Place {
    /// What a client that has connected there speaks.
    pub fn wire(self) -> Box<dyn Wire> {
        match self.kind {
            Kind::Redis | Kind::Sentinel => Box::new(Resp::default()),
            Kind::ZooKeeper => Box::new(super::jute::Jute::default()),
        }
    }
}

/// Where nodes listen.
///
/// ```
/// use fencepost::serve::Listen;
///
/// assert_eq!("127.0.0.1".parse(), Ok(Listen::Hosts("127.0.0.1".parse().unwrap())));
/// assert_eq!("127.0.0.1:7000".parse(), Ok(Listen::Ports("127.0.0.1:7000".parse().unwrap())));
/// assert!("localhost".parse::<Listen>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// The first at this address, the second at the one after it, and so on, each at its product's port.
    Hosts(IpAddr),
    /// The first at this port, the second at the one after it, and so on; at port 0, each at one that is free.
    Ports(SocketAddr),
}

impl Default for Listen {
    fn default() -> Self {
        Self::Hosts(Ipv4Addr::LOCALHOST.into())
    }
}

impl FromStr for Listen {
    type Err = NoListen;

    fn from_str(text: &str) -> Result<Self, NoListen> {
        let host = text.parse().map(Self::Hosts);
        host.or_else(|_| text.parse().map(Self::Ports)).map_err(|_| NoListen)
    }
}

/// A text does not say where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an address (127.0.0.1), or an address and a port (127.0.0.1:7000)")]
pub struct NoListen;

/// The addresses, or the ports, come to an end before the nodes do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoAddress {
    /// There are too few behind the first.
    #[error("there is no address left for node {node}, counted from {first}")]
    Exhausted {
        /// The node, counted from 1.
        node: usize,
        /// Where the first one is.
        first: SocketAddr,
    },
    /// Servers tell clients where the others are, and this address is everywhere.
    #[error("{0} is no address that servers can tell clients: listen at one of this host's own")]
    Everywhere(IpAddr),
}

impl Listen {
    /// An address for each.
    pub(super) fn addresses(self, kinds: &[Kind]) -> Result<Vec<SocketAddr>, NoAddress> {
        let host = match self {
            Self::Hosts(host) => host,
            Self::Ports(first) => first.ip(),
        };
        if host.is_unspecified() && kinds.len() > 1 {
            return Err(NoAddress::Everywhere(host));
        }
        let address = |(number, kind): (usize, &Kind)| {
            let address = match self {
                Self::Hosts(first) => {
                    after(first, number).map(|host| SocketAddr::new(host, kind.port()))
                }
                Self::Ports(first) if first.port() == 0 => Some(first),
                Self::Ports(first) => u16::try_from(number)
                    .ok()
                    .and_then(|number| first.port().checked_add(number))
                    .map(|port| SocketAddr::new(first.ip(), port)),
            };
            let first = SocketAddr::new(host, kinds.first().map_or(0, |kind| kind.port()));
            address.ok_or(NoAddress::Exhausted { node: number + 1, first })
        };
        kinds.iter().enumerate().map(address).collect()
    }
}

/// The address so many after another.
fn after(first: IpAddr, number: usize) -> Option<IpAddr> {
    match first {
        IpAddr::V4(first) => {
            let bits = first.to_bits().checked_add(u32::try_from(number).ok()?)?;
            Some(Ipv4Addr::from_bits(bits).into())
        }
        IpAddr::V6(first) => {
            let bits = first.to_bits().checked_add(u128::try_from(number).ok()?)?;
            Some(Ipv6Addr::from_bits(bits).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(listen: &str, backend: &Backend) -> Vec<String> {
        let addresses = listen.parse::<Listen>().unwrap().addresses(&Kind::of_all(backend));
        addresses.unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_node_has_an_address_of_its_own_or_a_port() {
        let group = Backend::RedisSentinel(Default::default());
        assert_eq!(
            listed("127.0.0.1", &group),
            [
                "127.0.0.1:6379",
                "127.0.0.2:6379",
                "127.0.0.3:6379",
                "127.0.0.4:26379",
                "127.0.0.5:26379",
                "127.0.0.6:26379",
            ]
        );
        let ensemble = Backend::ZooKeeper(Default::default());
        assert_eq!(listed("[::1]:7000", &ensemble), ["[::1]:7000", "[::1]:7001", "[::1]:7002"]);
        assert_eq!(listed("127.0.0.1:0", &ensemble), ["127.0.0.1:0"; 3]);
    }

    #[test]
    fn where_they_come_to_an_end_that_is_said() {
        let kinds = Kind::of_all(&Backend::ZooKeeper(Default::default()));
        for listen in ["127.0.0.1:65534", "255.255.255.254", "0.0.0.0", "[::]:7000"] {
            assert!(listen.parse::<Listen>().unwrap().addresses(&kinds).is_err(), "{listen}");
        }
    }
}
