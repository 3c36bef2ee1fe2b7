//! `fencepost serve`: the models behind real sockets, on the real clock.
//!
//! It is the world of every simulation, with one more node: the gateway, named `client`, through which
//! everything outside comes in. So every fault, pause, partition, crash and clock works as it does there.
//!
//! ```
//! use std::io::{Read as _, Write as _};
//! use std::net::TcpStream;
//! use std::os::unix::net::UnixStream;
//! use fencepost::scenario::{Backend, Scenario};
//! use fencepost::serve::{Listen, Serving, Settings};
//!
//! let redis = Scenario::default().backend.expect("one Redis");
//! let mut settings = Settings::new(redis);
//! settings.listen = Listen::Ports(([127, 0, 0, 1], 0).into()); // whatever port is free
//!
//! let (stop, when) = UnixStream::pair()?;
//! let serving = Serving::bind(settings, when)?;
//! let (name, at) = serving.places().next().expect("a node");
//! assert_eq!(name, "redis");
//!
//! let client = std::thread::spawn(move || {
//!     let mut redis = TcpStream::connect(at)?;
//!     redis.write_all(b"SET stock 1\r\n")?;
//!     let mut reply = [0; 5];
//!     redis.read_exact(&mut reply)?;
//!     drop(stop); // that is the end of it
//!     std::io::Result::Ok(reply)
//! });
//! serving.run(&mut |said| eprintln!("{said}"))?;
//! assert_eq!(&client.join().expect("no panic")?, b"+OK\r\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```text
//! gateway    the node `client`: what comes in from outside, and goes out
//! wire       from bytes to messages and back: resp (Redis, Sentinel), jute (ZooKeeper)
//! sockets    the real sockets
//! console    who can say what is to go wrong; control: in which words
//! places     which node is where
//! queue      who spoke first
//! front      all of that as the world's outside: the real clock
//! ```
//!
//! What clients can see beside what the models leave out (`models/redis/FIDELITY.md`, `models/zookeeper/FIDELITY.md`):
//!
//! * A node that is down refuses connections. One without power, or cut off from `client`, is silent: but it is this
//!   host's kernel that completes the handshake, so that to connect does not time out, to be answered does.
//! * `CLIENT LIST` knows no client's own address. There is no `maxclients`, and no `maxClientCnxns`.
//! * A client that does not read is hung up on with 32 MiB unread, also one that has subscribed to nothing.
//! * Nobody outside can be a replica: who sends `PSYNC` is hung up on when the stream begins.
//! * Of ZooKeeper's requests, those that the model does not know are refused as `UNIMPLEMENTED`, in their turn:
//!   `setACL`, `addWatch`, `whoAmI` and the like. `getACL` says that everybody may do everything.
//!   Containers are nodes that stay; no data at all is empty data. Words of four letters are all switched off.
//! * An append-only file and the ensemble's log are never written anew, and lie in memory: they grow with each write.

mod console;
mod control;
mod front;
mod gateway;
mod jute;
mod places;
mod queue;
mod resp;
mod sockets;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use fencepost_faults::{Plan, Start};
use fencepost_models::machine::NodeId;
use fencepost_models::redis::address::AddressBook;

use self::front::Front;
use self::places::{Kind, Place};
pub use self::places::{Listen, NoAddress, NoListen};
use self::sockets::Sockets;
use crate::scenario::servers::add_servers;
use crate::scenario::{Backend, NetworkSettings, Scenario};
use crate::world::{Latency, LinkId, RunError, World};

/// What everybody outside is called.
pub const CLIENT: &str = "client";

/// What is to be served.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The servers.
    pub backend: Backend,
    /// What is left to chance is drawn from it. The order of what comes from outside is not.
    pub seed: u64,
    /// How long messages between servers take. Those of clients take no longer than they do outside.
    pub network: NetworkSettings,
    /// What goes wrong, by the time since the servers started, which is [`Settings::settled`] before clients can
    /// come.
    pub faults: Plan,
    /// For so long the servers have been up when clients can come: that time passes at once.
    pub settled: Duration,
    /// Where they listen.
    pub listen: Listen,
    /// Where consoles can connect.
    pub control: Option<SocketAddr>,
}

impl Settings {
    /// A backend without faults, at the product's own ports.
    pub fn new(backend: Backend) -> Self {
        let settled = backend.settles_after();
        Self {
            backend,
            seed: 0,
            network: NetworkSettings::default(),
            faults: Plan::new(),
            settled,
            listen: Listen::default(),
            control: None,
        }
    }

    /// The backend, the network and the faults of a scenario, those that are drawn under the seed included. What
    /// is about nodes that are not there, since no buyers come, is left out; it is returned beside.
    pub fn of(scenario: &Scenario, seed: u64) -> Option<(Self, Plan)> {
        let mut settings = Self::new(scenario.backend.clone()?);
        settings.seed = seed;
        settings.network = scenario.network.clone();
        settings.settled = scenario.opens_after();
        let names = settings.names();
        let is_known = |name: &str| names.iter().any(|known| known == name);
        let fits = |fault: &fencepost_faults::Fault| {
            let mut named = fault.action.nodes();
            if let Start::When(trigger) = &fault.start {
                named.extend(trigger.node.as_deref());
            }
            named.into_iter().all(is_known) && control::refusal(fault).is_none()
        };
        let (kept, left_out) = scenario.plan(seed).into_iter().partition(fits);
        settings.faults = kept;
        settings.network.links.retain(|link| is_known(&link.from) && is_known(&link.to));
        Some((settings, left_out))
    }

    /// The names of all nodes, in the order of their numbers.
    fn names(&self) -> Vec<String> {
        let mut names = self.backend.server_names();
        names.extend(self.backend.watcher_names());
        names.push(CLIENT.to_owned());
        names
    }
}

/// Why nothing can be served, or no longer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The backend has no servers.
    #[error("`{0}` has no servers that could be reached from outside")]
    NoServers(&'static str),
    /// There is no address for each node.
    #[error(transparent)]
    NoAddress(#[from] NoAddress),
    /// An address cannot be listened at.
    #[error("cannot listen at {address}: {error}")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The operating system's.
    #[error("cannot be served: {0}")]
    System(#[from] io::Error),
    /// The world came to its end.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Servers that listen, and that nobody has been answered by yet.
pub struct Serving {
    settings: Settings,
    names: Vec<String>,
    sockets: Sockets,
}

impl Serving {
    /// Listens. What comes over `stop`, or that its other end is closed, will be the end of it.
    ///
    /// # Errors
    ///
    /// There is nothing to serve, or an address cannot be listened at.
    pub fn bind(settings: Settings, stop: UnixStream) -> Result<Self, ServeError> {
        let names = settings.names();
        let kinds = Kind::of_all(&settings.backend);
        if kinds.is_empty() {
            return Err(ServeError::NoServers(settings.backend.as_str()));
        }
        let addresses = settings.listen.addresses(&kinds)?;
        raise_descriptor_limit();
        let sockets = Sockets::bind(&addresses, settings.control, stop)
            .map_err(|(address, error)| ServeError::Bind { address, error })?;
        Ok(Self { settings, names, sockets })
    }

    /// The nodes that listen, each with where.
    pub fn places(&self) -> impl Iterator<Item = (&str, SocketAddr)> {
        self.names.iter().map(String::as_str).zip(self.sockets.addresses())
    }

    /// Where consoles can connect.
    pub fn control_address(&self) -> Option<SocketAddr> {
        self.sockets.control_address()
    }

    /// Takes lines from a stream that is there already, as from a console that has connected.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn add_console(&mut self, stream: UnixStream) -> Result<(), ServeError> {
        Ok(self.sockets.add_console(stream)?)
    }

    /// Serves until it is told to stop. `say` is told what goes wrong, a line at a time.
    ///
    /// # Errors
    ///
    /// The world came to its end.
    pub fn run(self, say: &mut dyn FnMut(&str)) -> Result<(), ServeError> {
        let Self { settings, names, sockets } = self;
        let mut world = World::new(settings.seed, settings.network.latency);
        add_servers(&mut world, &settings.backend);
        let kinds = Kind::of_all(&settings.backend);
        let nodes = || (0..).map(NodeId);
        let client = world.next_node();
        let addresses = sockets.addresses();
        let of_client = SocketAddr::new(std::net::Ipv4Addr::LOCALHOST.into(), 0);
        let _book =
            AddressBook::open(nodes().zip(addresses.iter().copied()).chain([(client, of_client)]));
        let places = nodes().zip(kinds).map(|(node, kind)| Place { node, kind }).collect();
        let mut front = Front::new(sockets, places, &settings, names, say);
        let entrance = front.entrance();
        world.add_client(CLIENT, move |_| entrance());
        set_latencies(&mut world, &settings, client);
        front.set_clocks(&mut world);
        world.inject(settings.faults.clone());
        Ok(world.run_live(client, &mut front)?)
    }
}

/// Between servers messages take as long as in a scenario, to clients and back as long as outside.
fn set_latencies(world: &mut World, settings: &Settings, client: NodeId) {
    for server in (0..client.0).map(NodeId) {
        for (from, to) in [(client, server), (server, client)] {
            world.set_latency(LinkId { from, to }, Latency::Fixed(Duration::ZERO));
        }
    }
    let names = settings.names();
    let find = |name: &str| {
        let place = names.iter().position(|known| known == name)?;
        Some(NodeId(u16::try_from(place).ok()?))
    };
    for link in &settings.network.links {
        if let (Some(from), Some(to)) = (find(&link.from), find(&link.to)) {
            world.set_latency(LinkId { from, to }, link.latency);
        }
    }
}

/// Lets the process have as many descriptors as it may: a connection is one. Redis does so too
/// (`server.c`, `adjustOpenFilesLimit`).
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Without it there are fewer connections.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}
