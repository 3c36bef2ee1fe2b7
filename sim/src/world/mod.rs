//! The world: an event loop hosted in a madsim `Runtime`. It owns true time, the network, the
//! clocks and disks of the nodes, and the history; the processes are machines that it feeds.
//!
//! ```
//! use std::time::Duration;
//! use fencepost::world::{Latency, World};
//! use fencepost_models::machine::{Context, Input, Machine};
//! use fencepost_models::message::Message;
//! use fencepost_models::process::Process;
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
pub mod history;
mod injector;
mod kernel;
mod limits;
mod network;
mod node;
mod queue;
mod recycled;
mod streams;
mod time;
mod timers;

use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use fencepost_faults::Plan;
use fencepost_models::machine::{Boot, Context, Effect, Input, InputId, Machine, NodeId, TimerId};
use fencepost_models::process::Host;
use fencepost_models::random::Random;
use fencepost_models::time::Mono;
use madsim::time::TimeHandle;

use self::clock::NodeClock;
pub use self::digest::Digest;
pub use self::disk::{Disk, DiskSpeed};
use self::foreign::{ForeignBody, Gate};
use self::history::{Event, History, LossReason, RecordId};
use self::injector::Injector;
pub use self::injector::{FaultOutcome, UnknownNode};
use self::kernel::Kernel;
pub use self::limits::{LimitReached, Limits};
use self::network::Network;
pub use self::network::{
    Latency, LinkId, MAX_RETRANSMISSION_TIMEOUT, MAX_RETRANSMISSIONS, MAX_SYN_RETRIES,
    RETRANSMISSION_TIMEOUT, SYN_TIMEOUT,
};
use self::node::{Body, Node, Pending};
use self::queue::Upcoming;
pub(crate) use self::streams::Purpose;
pub use self::time::SimTime;

/// What a finished run leaves.
#[derive(Clone, Debug)]
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
        }
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

    /// Gives a node's disk another speed.
    pub fn set_disk_speed(&mut self, node: NodeId, speed: DiskSpeed) {
        if let Some(node) = self.nodes.get_mut(usize::from(node.0)) {
            node.disk.speed = speed;
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

    /// Runs the world for so long, in simulated time.
    ///
    /// # Errors
    ///
    /// The plan names a node that is not there, or a limit was reached.
    pub fn run(self, duration: Duration) -> Result<Run, RunError> {
        self.limits.check_duration(duration)?;
        let injector = Injector::new(&self.plan, &self.names)?;
        let mut network = Network::new(self.nodes.len(), self.seed, self.latency);
        for (link, latency) in self.link_latencies {
            network.set_latency(link, latency);
        }
        let mut kernel = Kernel::new(self.names, injector.faults.len());
        for place in 0..self.nodes.len() {
            let node = NodeId(place as u16);
            kernel.queue.push(SimTime::ZERO, Upcoming::Start { node });
        }
        // After the starts: a fault at zero finds the processes running.
        for (fault, at) in injector.fixed() {
            kernel.queue.push(at, Upcoming::FaultBegins(fault));
        }
        let mut running = Running {
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
        };
        let runtime = madsim::runtime::Runtime::with_seed_and_config(self.seed, Default::default());
        runtime.block_on(async {
            let outcome = running.run_until(SimTime::after(duration)).await;
            running.end_foreign_tasks();
            outcome
        })?;
        Ok(Run {
            seed: self.seed,
            faults: running.injector.outcomes(&running.kernel.hits),
            history: running.kernel.history,
            simulated: duration,
            events: running.events,
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

/// Sets a timer of a node's process.
#[inline]
fn set_timer(kernel: &mut Kernel, node: &mut Node, id: NodeId, timer: TimerId, at: Mono) {
    let due = (node.clock.get().when(at, kernel.now), kernel.queue.reserve());
    if node.timers.set(timer, at, due) {
        let alarm = Upcoming::Alarm { node: id, incarnation: node.incarnation };
        kernel.queue.push_in_turn(due.0, due.1, alarm);
    }
}

fn boxed<M: Machine + 'static>(mut spawn: impl FnMut(Boot) -> M + 'static) -> Body {
    Body::Machine(Box::new(move |boot| Box::new(spawn(boot))))
}

/// Why a world did not run to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The plan names a node that is not there.
    #[error(transparent)]
    UnknownNode(#[from] UnknownNode),
    /// A limit was reached.
    #[error(transparent)]
    Limit(#[from] LimitReached),
}

/// A world in motion.
struct Running {
    seed: u64,
    kernel: Kernel,
    network: Network,
    nodes: Vec<Node>,
    injector: Injector,
    gate: Rc<Gate>,
    is_foreign: bool,
    outbox: Vec<Effect>,
    limits: Limits,
    events: u64,
}

impl Running {
    async fn run_until(&mut self, end: SimTime) -> Result<(), LimitReached> {
        let time = TimeHandle::current();
        // What madsim's clock shows. Nothing else moves it while this future runs without a pause,
        // and to ask it each time would cost a lock per event.
        let mut shown = SimTime::after(time.elapsed());
        loop {
            let next = self.kernel.queue.next_at().unwrap_or(SimTime::from_nanos(u64::MAX));
            let stop = next.min(end);
            if self.is_foreign && self.gate.wait_until(stop).await {
                let now = SimTime::after(time.elapsed());
                if now > end {
                    self.kernel.now = end;
                    return Ok(());
                }
                self.kernel.now = self.kernel.now.max(now);
                self.collect_from_foreign_tasks();
                self.events += 1;
                self.limits.check(self.events, &self.kernel, &self.network)?;
                continue;
            }
            if next > end {
                self.kernel.now = end;
                return self.limits.check_memory(&self.kernel, &self.network);
            }
            let Some((at, upcoming)) = self.kernel.queue.pop() else {
                return Ok(());
            };
            self.kernel.now = self.kernel.now.max(at);
            if !self.is_foreign && at > shown {
                time.advance(at.saturating_since(shown));
                shown = at;
            }
            self.happen(upcoming);
            self.events += 1;
            self.limits.check(self.events, &self.kernel, &self.network)?;
        }
    }

    fn happen(&mut self, upcoming: Upcoming) {
        match upcoming {
            Upcoming::Alarm { node, incarnation } => self.ring(node, incarnation),
            Upcoming::DiskDone { node, incarnation, token } => {
                if self.node(node).incarnation == incarnation {
                    self.give(node, Pending::DiskDone { token });
                }
            }
            Upcoming::Start { node } => self.start(node, None),
            Upcoming::FaultBegins(fault) => self.begin_fault(fault),
            Upcoming::FaultEnds(fault) => self.end_fault(fault),
            network => {
                if let Some((node, handover)) = self.network.happen(&mut self.kernel, network) {
                    self.give(node, handover.into());
                }
            }
        }
    }

    /// Starts (or restarts) a node's process.
    fn start(&mut self, id: NodeId, cause: Option<RecordId>) {
        let now = self.kernel.now;
        let node = &mut self.nodes[usize::from(id.0)];
        if !node.down.is_empty() || node.machine.is_some() {
            return;
        }
        let stream = Purpose::Machine.stream(u64::from(id.0), node.incarnation);
        let boot = Boot {
            node: id,
            incarnation: node.incarnation,
            random: Random::new(self.seed, stream),
            files: node.disk.files(),
            clock: node.clock.get().read(now),
        };
        node.machine = Some(match &mut node.body {
            Body::Machine(spawn) => spawn(boot),
            Body::Foreign(body) => {
                let hosted = body.start(boot, node.clock.clone(), self.gate.clone());
                Box::new(foreign::Shared(hosted))
            }
        });
        *self.network.host(id) = network::HostState { powered: true, listening: node.listens };
        self.give(id, Pending::Started { cause });
    }

    /// An alarm of a node goes off: the process gets the timer that is due, if one is.
    fn ring(&mut self, id: NodeId, incarnation: u32) {
        let node = &mut self.nodes[usize::from(id.0)];
        if node.incarnation != incarnation {
            return;
        }
        let (rings, next) = node.timers.ring();
        if let Some((at, turn)) = next {
            let alarm = Upcoming::Alarm { node: id, incarnation };
            self.kernel.queue.push_in_turn(at, turn, alarm);
        }
        if let Some((timer, turn)) = rings {
            self.give(id, Pending::Timer { timer, turn });
        }
    }

    /// Hands an input to a process; it waits while the process is paused, and is lost when there
    /// is none.
    fn give(&mut self, id: NodeId, pending: Pending) {
        let node = &mut self.nodes[usize::from(id.0)];
        if node.machine.is_none() {
            if let Pending::Message { message, .. } = pending {
                self.kernel.lose(id, message, LossReason::ReceiverGone);
            }
            return;
        }
        if let Pending::Timer { timer, turn } = pending
            && !node.timers.is_set(timer, turn)
        {
            return;
        }
        if node.is_paused() {
            if let Pending::Message { message, .. } = pending {
                self.kernel.record(None, id, Event::Waiting(message));
            }
            self.kernel.hit(&node.pauses);
            node.backlog.push_back(pending);
            return;
        }
        self.handle(id, pending);
    }

    /// Lets a process handle an input, and does what it asks for.
    fn handle(&mut self, id: NodeId, pending: Pending) {
        let Self { kernel, nodes, outbox, gate, .. } = self;
        let node = &mut nodes[usize::from(id.0)];
        let (cause, event) = match pending {
            Pending::Started { cause } => (cause, Event::Started { incarnation: node.incarnation }),
            Pending::Accepted { connection, .. } => (None, Event::Accepted(connection)),
            Pending::Connected { connection } => (None, Event::Connected(connection)),
            Pending::Message { message, .. } => (None, Event::Delivered(message)),
            Pending::Closed { connection, reason } => {
                (None, Event::ConnectionLost { connection, reason })
            }
            Pending::Timer { timer, turn } => {
                if !node.timers.take(timer, turn) {
                    return;
                }
                (None, Event::TimerFired)
            }
            Pending::DiskDone { .. } => (None, Event::DiskDone),
        };
        let record = kernel.record(cause, id, event);
        kernel.hit(&node.clock_faults);
        let input = match pending {
            Pending::Started { .. } => Input::Started,
            Pending::Accepted { connection, peer } => Input::Accepted { connection, peer },
            Pending::Connected { connection } => Input::Connected { connection },
            Pending::Message { connection, message } => {
                Input::Message { connection, message: &kernel.history.message(message).message }
            }
            Pending::Closed { connection, reason } => Input::Closed { connection, reason },
            Pending::Timer { timer, .. } => Input::Timer(timer),
            Pending::DiskDone { token } => Input::DiskDone(token),
        };
        let Some(machine) = node.machine.as_mut() else {
            return;
        };
        if let Body::Foreign(_) = &node.body {
            gate.has_woken(id, record);
        }
        let mut next_connection = gate.next_connection.get();
        let clock = node.clock.get().read(kernel.now);
        let mut context = Context::new(clock, &mut next_connection, outbox);
        context.input = Some(InputId(record.0));
        machine.handle(input, &mut context);
        gate.next_connection.set(next_connection);
        self.carry_out(id, record);
    }

    /// Does what a process has asked for.
    fn carry_out(&mut self, id: NodeId, record: RecordId) {
        let cause = Some(record);
        let mut outbox = std::mem::take(&mut self.outbox);
        for effect in outbox.drain(..) {
            let Self { kernel, network, .. } = self;
            match effect {
                Effect::Connect { connection, peer } => {
                    network.connect(kernel, cause, id, connection, peer);
                }
                Effect::Send { connection, message } => {
                    network.send(kernel, cause, id, connection, message);
                }
                Effect::Close { connection } => {
                    kernel.record(cause, id, Event::Closed(connection));
                    let unread = self.nodes[usize::from(id.0)].forget(connection);
                    if unread.is_empty() {
                        network.close(kernel, id, connection);
                    } else {
                        for message in unread {
                            kernel.lose(id, message, LossReason::ReceiverGone);
                        }
                        network.abort(kernel, id, connection);
                    }
                }
                Effect::SetTimer { timer, at } => {
                    set_timer(kernel, &mut self.nodes[usize::from(id.0)], id, timer, at);
                }
                Effect::CancelTimer { timer } => {
                    self.nodes[usize::from(id.0)].timers.cancel(timer);
                }
                Effect::Disk { token, operation } => {
                    let node = &mut self.nodes[usize::from(id.0)];
                    let done = node.disk.apply(kernel.now, operation);
                    let incarnation = node.incarnation;
                    kernel.queue.push(done, Upcoming::DiskDone { node: id, incarnation, token });
                    kernel.hit(&node.slow_disks);
                }
                Effect::Note(note) => {
                    let kind = note.kind();
                    kernel.history.push_note(kernel.now, cause, id, note);
                    for (fault, after) in self.injector.on_note(id, kind) {
                        kernel.queue.push(kernel.now + after, Upcoming::FaultBegins(fault));
                    }
                }
            }
        }
        self.outbox = outbox;
    }

    /// The run is over for foreign tasks too: madsim's executor comes back only when none of them
    /// is ready, and one that never sleeps always is.
    fn end_foreign_tasks(&mut self) {
        for node in &mut self.nodes {
            if let Body::Foreign(body) = &mut node.body {
                body.kill();
            }
        }
    }

    fn collect_from_foreign_tasks(&mut self) {
        for place in 0..self.nodes.len() {
            let id = NodeId(place as u16);
            let node = &self.nodes[place];
            let Body::Foreign(body) = &node.body else {
                continue;
            };
            let Some(hosted) = body.hosted() else {
                continue;
            };
            let clock = node.clock.get().read(self.kernel.now);
            let mut unused = 0;
            hosted.borrow_mut().collect(&mut Context::new(clock, &mut unused, &mut self.outbox));
            if !self.outbox.is_empty() {
                let cause = self.gate.woken_by(id);
                let record = self.kernel.record(cause, id, Event::TasksRan);
                self.carry_out(id, record);
            }
        }
    }

    fn node(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[usize::from(id.0)]
    }
}

#[cfg(test)]
mod determinism;
#[cfg(test)]
mod tests;
