//! The world: an event loop hosted in a madsim `Runtime`. It owns true time, the network, the
//! clocks and disks of the nodes, and the history; the processes are machines that it feeds.
//!
//! ```
//! use std::time::Duration;
//! use fencepost::world::{Latency, World};
//! use fencepost::models::machine::{Context, Input, Machine};
//! use fencepost::models::message::Message;
//! use fencepost::models::process::Process;
//!
//! struct Echo;
//!
//! impl Machine for Echo {
//!     fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
//!         if let Input::Message { connection, message } = input {
//!             context.send(connection, message.clone());
//!         }
//!     }
//! }
//!
//! let mut world = World::new(7, Latency::Fixed(Duration::from_millis(2)));
//! let server = world.add_server("server", |_boot| Echo);
//! world.add_client("client", move |boot| {
//!     Process::new(boot, move |host| async move {
//!         let begun = host.mono();
//!         let connection = host.connect(server).await.unwrap();
//!         connection.send(Message::Number(42));
//!         assert_eq!(connection.receive().await, Ok(Message::Number(42)));
//!         assert_eq!(host.mono().saturating_since(begun), Duration::from_millis(8));
//!     })
//! });
//! let run = world.run(Duration::from_secs(1)).unwrap();
//! assert_eq!(run.history.delivered(), 2);
//! ```

mod clock;
mod digest;
mod disk;
mod fault;
mod foreign;
mod fork;
pub mod history;
mod injector;
mod kernel;
mod limits;
pub mod live;
mod network;
mod node;
mod queue;
mod recycled;
mod running;
mod streams;
mod time;
mod timers;

use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use fencepost_faults::Plan;
use fencepost_models::machine::{Boot, Machine, NodeId};
use fencepost_models::message::Message;
use fencepost_models::process::Host;
use fencepost_models::random::Random;

use self::clock::NodeClock;
pub use self::digest::Digest;
pub use self::disk::{Disk, DiskSpeed};
use self::foreign::{ForeignBody, Gate};
use self::fork::Ahead;
pub use self::fork::Fork;
use self::history::History;
use self::injector::Injector;
pub use self::injector::{FaultOutcome, UnknownNode};
use self::kernel::Kernel;
pub use self::limits::{LimitReached, Limits};
use self::network::Network;
pub use self::network::{
    Latency, LinkId, MAX_RETRANSMISSION_TIMEOUT, MAX_RETRANSMISSIONS, MAX_SYN_RETRIES,
    RETRANSMISSION_TIMEOUT, SYN_TIMEOUT,
};
use self::node::{Body, Node};
use self::queue::Upcoming;
use self::running::Running;
pub(crate) use self::streams::Purpose;
pub use self::time::SimTime;

/// What a finished run leaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Run {
    /// The seed it was run under.
    pub seed: u64,
    /// All that happened.
    pub history: History,
    /// What came of each fault of the plan.
    pub faults: Vec<FaultOutcome>,
    /// How much time was simulated.
    pub simulated: Duration,
    /// How many events the loop has handled.
    pub events: u64,
}

/// A world that has not run yet: nodes, links, a fault plan.
pub struct World {
    seed: u64,
    latency: Latency,
    link_latencies: Vec<(LinkId, Latency)>,
    names: Vec<String>,
    nodes: Vec<Node>,
    plan: Plan,
    limits: Limits,
    fork: Option<Fork>,
}

impl World {
    /// An empty world. Every link has the given latency, drawn from a stream of its own.
    pub fn new(seed: u64, latency: Latency) -> Self {
        Self {
            seed,
            latency,
            link_latencies: Vec::new(),
            names: Vec::new(),
            nodes: Vec::new(),
            plan: Plan::new(),
            limits: Limits::default(),
            fork: None,
        }
    }

    /// The number that the next node will have.
    pub fn next_node(&self) -> NodeId {
        NodeId(self.nodes.len() as u16)
    }

    /// Adds a node that takes connections. `spawn` makes its process, anew at each restart.
    pub fn add_server<M: Machine + 'static>(
        &mut self,
        name: &str,
        spawn: impl FnMut(Boot) -> M + 'static,
    ) -> NodeId {
        self.add(name, boxed(spawn), true)
    }

    /// Adds a node that opens connections only.
    pub fn add_client<M: Machine + 'static>(
        &mut self,
        name: &str,
        spawn: impl FnMut(Boot) -> M + 'static,
    ) -> NodeId {
        self.add(name, boxed(spawn), false)
    }

    /// Adds a node whose process is a user's own async code: `main` runs on madsim's executor, may
    /// sleep, spawn and wait there as it likes, and reaches the world through its [`Host`].
    pub fn add_foreign<F: Future<Output = ()> + 'static>(
        &mut self,
        name: &str,
        mut main: impl FnMut(Host) -> F + 'static,
    ) -> NodeId {
        let spawn = Box::new(move |host| Box::pin(main(host)) as _);
        self.add(name, Body::Foreign(ForeignBody::new(name.to_owned(), spawn)), true)
    }

    /// Gives one link (one way) a latency of its own.
    pub fn set_latency(&mut self, link: LinkId, latency: Latency) {
        self.link_latencies.push((link, latency));
    }

    /// Sets a node's wall clock wrong by so many nanoseconds, and lets both its clocks run so many
    /// parts in a million too fast (or, below zero, too slow).
    pub fn set_clock(&mut self, node: NodeId, wall_offset_nanos: i64, drift_ppm: i32) {
        if let Some(node) = self.nodes.get_mut(usize::from(node.0)) {
            let mut clock = node.clock.get();
            clock.jump(wall_offset_nanos);
            clock.add_drift(SimTime::ZERO, i64::from(drift_ppm));
            node.clock.set(clock);
        }
    }

    /// Sets every wall clock so that it shows, so long after the begin, this time since the Unix epoch.
    pub fn set_wall_clocks(&mut self, at: Duration, unix_time: Duration) {
        for node in &self.nodes {
            let mut clock = node.clock.get();
            clock.show(SimTime::after(at), unix_time);
            node.clock.set(clock);
        }
    }

    /// Gives a node's disk another speed.
    pub fn set_disk_speed(&mut self, node: NodeId, speed: DiskSpeed) {
        if let Some(node) = self.nodes.get_mut(usize::from(node.0)) {
            node.disk.speed = speed;
        }
    }

    /// What an operator says at a node, when a `failover` fault has it told to put a replica in its
    /// master's place: what a client would send. A node that has nothing to be told ignores the fault.
    pub fn set_failover(&mut self, node: NodeId, message: Message) {
        if let Some(node) = self.nodes.get_mut(usize::from(node.0)) {
            node.failover = Some(message);
        }
    }

    /// Lets these faults happen.
    pub fn inject(&mut self, plan: Plan) {
        self.plan.extend(plan);
    }

    /// Replaces the default limits.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Lets the run go on otherwise from some point on. A user's own tasks that draw from madsim's generator
    /// draw what they would have.
    pub fn fork(&mut self, fork: Fork) {
        self.fork = Some(fork);
    }

    /// Runs the world for so long, in simulated time.
    ///
    /// # Errors
    ///
    /// The plan names a node that is not there, or a limit was reached.
    pub fn run(self, duration: Duration) -> Result<Run, RunError> {
        self.limits.check_duration(duration)?;
        let seed = self.seed;
        let mut running = self.start()?;
        let runtime = madsim::runtime::Runtime::with_seed_and_config(seed, Default::default());
        runtime.block_on(async {
            let outcome = running.run_until(SimTime::after(duration)).await;
            running.end_foreign_tasks();
            outcome
        })?;
        running.kernel.history.close(SimTime::after(duration));
        Ok(Run {
            seed,
            faults: running.injector.outcomes(&running.kernel.hits),
            history: running.kernel.history,
            simulated: duration,
            events: running.events,
        })
    }

    /// Puts the world in motion: every node is about to start.
    fn start(self) -> Result<Running, UnknownNode> {
        let injector = Injector::new(&self.plan, &self.names)?;
        let ahead = self.fork.map(|fork| Ahead::new(fork, &self.names)).transpose()?;
        let mut network = Network::new(self.nodes.len(), self.seed, self.latency);
        for (link, latency) in self.link_latencies {
            network.set_latency(link, latency);
        }
        let faults = self.plan.iter().map(|fault| fault.kind()).collect();
        let mut kernel = Kernel::new(self.names, faults);
        for place in 0..self.nodes.len() {
            let node = NodeId(place as u16);
            kernel.queue.push(SimTime::ZERO, Upcoming::Start { node });
        }
        // After the starts: a fault at zero finds the processes running.
        for (fault, at) in injector.fixed() {
            kernel.queue.push(at, Upcoming::FaultBegins(fault));
        }
        Ok(Running {
            seed: self.seed,
            kernel,
            network,
            is_foreign: self.nodes.iter().any(|node| matches!(node.body, Body::Foreign(_))),
            nodes: self.nodes,
            injector,
            gate: Rc::new(Gate::default()),
            outbox: Vec::new(),
            limits: self.limits,
            events: 0,
            ahead,
            future: None,
        })
    }

    fn add(&mut self, name: &str, body: Body, listens: bool) -> NodeId {
        /// Hosts have been up for up to an hour when the simulation begins, each for another time:
        /// a model that compares two hosts' monotonic clocks must be found out.
        const MAX_UPTIME: Duration = Duration::from_secs(3600);
        let id = NodeId(self.nodes.len() as u16);
        let mut random = Random::new(self.seed, Purpose::Uptime.stream(u64::from(id.0), 0));
        let clock = NodeClock::new(random.duration(Duration::ZERO..=MAX_UPTIME));
        self.names.push(name.to_owned());
        self.nodes.push(Node::new(body, listens, clock));
        id
    }
}

fn boxed<M: Machine + 'static>(mut spawn: impl FnMut(Boot) -> M + 'static) -> Body {
    Body::Machine(Box::new(move |boot| Box::new(spawn(boot))))
}

/// Why a world did not run to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The plan names a node that is not there.
    #[error(transparent)]
    UnknownNode(#[from] UnknownNode),
    /// A limit was reached.
    #[error(transparent)]
    Limit(#[from] LimitReached),
}

#[cfg(test)]
mod determinism;
#[cfg(test)]
mod tests;
