//! Where somebody's own lock runs.

use std::rc::Rc;
use std::time::Duration;

use fencepost_models::machine::{CloseReason, NodeId};
use fencepost_models::process::{Connection, Host};
use fencepost_models::zookeeper::client::{self, ClientSettings};

use super::zookeeper::ZooKeeper;

/// The node that a client of the lock runs on. Cheap to clone.
///
/// ```
/// use std::time::Duration;
/// use fencepost::own::{Message, Node, Note, NotConnected, OwnLock, ReleaseOutcome, Reply, recipe};
/// use fencepost::scenario::Scenario;
///
/// struct Curious(Node);
///
/// impl OwnLock for Curious {
///     type Guard = ();
///
///     async fn acquire(&self) {
///         let Self(node) = self;
///         assert_eq!(node.name(), "buyer-1");
///         assert_eq!(node.servers().collect::<Vec<_>>(), ["redis"]);
///         assert!(node.find("store").is_ok());
///         let nobody = node.connect("redis-7").await.err();
///         assert!(matches!(nobody, Some(NotConnected::NoSuchNode(error)) if error.known.contains("redis, buyer-1")));
///
///         let host = node.host();
///         let (begin, length) = (host.mono(), Duration::from_millis(5));
///         host.sleep(length).await;
///         assert!(host.mono().saturating_since(begin) >= length);
///         assert!(host.timeout(length, host.sleep(2 * length)).await.is_err());
///         let die = host.random(|random| random.range(1..=6));
///         host.note(Note::Remark { text: format!("throws {die}") });
///
///         let connection = node.connect("redis").await.expect("it is up");
///         connection.send(Message::Redis([b"PING".as_slice().into()].into()));
///         assert_eq!(connection.receive().await, Ok(Message::RedisReply(Reply::Status("PONG".into()))));
///     }
///
///     async fn release(&self, (): &()) -> ReleaseOutcome {
///         ReleaseOutcome::Removed
///     }
/// }
///
/// let scenario = Scenario::default().but(|s| {
///     s.lock = recipe("none", async |node| Curious(node)).into();
///     s.shop.buyers = 1;
/// });
/// assert!(scenario.run(1).is_ok());
/// ```
#[derive(Clone)]
pub struct Node {
    host: Host,
    names: Rc<[String]>,
    servers: Rc<[NodeId]>,
}

/// There is no node of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no node `{name}` (there are: {known})")]
#[non_exhaustive]
pub struct NoSuchNode {
    /// The name.
    pub name: String,
    /// The names that there are.
    pub known: String,
}

/// A connection did not come about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotConnected {
    /// There is nobody to connect to.
    #[error(transparent)]
    NoSuchNode(#[from] NoSuchNode),
    /// The kernel could not open it.
    #[error("the connection was {0}")]
    Closed(CloseReason),
}

impl Node {
    pub(crate) const fn new(host: Host, names: Rc<[String]>, servers: Rc<[NodeId]>) -> Self {
        Self { host, names, servers }
    }

    /// Its clocks, its sockets, its randomness.
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// What it is called: `buyer-1`.
    pub fn name(&self) -> &str {
        self.names.get(usize::from(self.host.node().0)).map_or("?", String::as_str)
    }

    /// The names of the servers that keep the lock, the master first where there is one.
    pub fn servers(&self) -> impl Iterator<Item = &str> {
        self.servers
            .iter()
            .filter_map(|server| self.names.get(usize::from(server.0)))
            .map(String::as_str)
    }

    /// The node of a name: `redis`, `redis-1`, `sentinel-1`, `zk-1`, `store`.
    ///
    /// # Errors
    ///
    /// There is none, with the names that there are.
    pub fn find(&self, name: &str) -> Result<NodeId, NoSuchNode> {
        let place = self.names.iter().position(|known| known == name);
        let node = place.and_then(|place| u16::try_from(place).ok()).map(NodeId);
        node.ok_or_else(|| NoSuchNode { name: name.to_owned(), known: self.names.join(", ") })
    }

    /// Opens a connection to the node of that name. It waits as long as a kernel does: limit it with
    /// [`Host::timeout`].
    ///
    /// # Errors
    ///
    /// There is no such node, or the connection could not be opened.
    pub async fn connect(&self, name: &str) -> Result<Connection, NotConnected> {
        let peer = self.find(name)?;
        self.host.connect(peer).await.map_err(NotConnected::Closed)
    }

    /// A client of the scenario's ensemble, with a session of its own: requests, watches, and what it knows of its
    /// connection, as Java's client has them. See [`own::zookeeper`](super::zookeeper) for a lock over it.
    pub fn zookeeper(&self, session_timeout: Duration) -> ZooKeeper {
        let servers = self.servers.to_vec();
        let settings = ClientSettings { servers, session_timeout };
        ZooKeeper::new(client::ZooKeeper::new(&self.host, &settings))
    }
}
