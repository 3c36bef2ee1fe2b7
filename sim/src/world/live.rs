//! A world in which somebody from outside takes part: what happens in it waits for a clock that he looks at,
//! and what he brings is said by the process of one node, the gateway.
//!
//! No clock is read here. [`Outside::wait`] says what time it is, so a test can be the clock, and
//! `fencepost serve` is the real one. Everything else is as in a simulation: faults, links, clocks, disks.
//! There must be no foreign tasks ([`World::add_foreign`]), whose clock is madsim's.
//!
//! ```
//! use std::time::Duration;
//! use fencepost::models::process::Process;
//! use fencepost::world::history::{History, Record};
//! use fencepost::world::live::{Live, Outside};
//! use fencepost::world::{Latency, SimTime, World};
//!
//! /// Somebody who listens for a second of a clock that shows what it is asked to.
//! struct Listener(usize);
//!
//! impl Outside for Listener {
//!     fn wait(&mut self, next: Option<SimTime>) -> Option<SimTime> {
//!         next.filter(|next| next.elapsed() < Duration::from_secs(1))
//!     }
//!
//!     fn hear(&mut self, _: &History, news: &[Record]) {
//!         self.0 += news.len();
//!     }
//!
//!     fn take_turn(&mut self, _: &mut Live<'_>) -> bool {
//!         false
//!     }
//! }
//!
//! let mut world = World::new(1, Latency::Fixed(Duration::from_millis(1)));
//! let gateway = world.add_client("gateway", |boot| Process::new(boot, |host| async move {
//!     host.sleep(Duration::from_millis(10)).await;
//! }));
//! let mut listener = Listener(0);
//! world.run_live(gateway, &mut listener)?;
//! assert!(listener.0 > 0);
//! # Ok::<(), fencepost::world::RunError>(())
//! ```
//!
//! Such a run goes on for as long as it likes and has to forget: when the history has grown to
//! [`Live::REMEMBERED`] records, all is let go but the messages that are still under way.

use std::collections::BTreeSet;

use fencepost_faults::{Fault, Plan, Start};
use fencepost_models::machine::{Context, NodeId};

use super::history::{Event, FaultId, History, MessageId, Record};
use super::injector::{Armed, Injector, UnknownNode};
use super::node::Pending;
use super::queue::Upcoming;
use super::running::Running;
use super::{RunError, SimTime, World};

/// Who takes part in a world from outside.
pub trait Outside {
    /// Waits until something comes from outside, or until the moment at which the next thing happens. Returns what
    /// time it is, or nothing when the run is over. A time that lies before an earlier one counts as that.
    fn wait(&mut self, next: Option<SimTime>) -> Option<SimTime>;

    /// These records are new. He hears of each, once.
    fn hear(&mut self, history: &History, news: &[Record]);

    /// All that was to happen until now has happened, and he has heard of it. Returns whether he has said
    /// something: what comes of that at once, he hears before he waits.
    fn take_turn(&mut self, world: &mut Live<'_>) -> bool;
}

/// A world in motion, as whoever takes part in it sees it during his turn.
pub struct Live<'w> {
    running: &'w mut Running,
    gateway: NodeId,
}

/// How a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// Its process runs.
    Up,
    /// Its process is paused: its kernel still takes connections.
    Paused,
    /// Its process is down, and its kernel refuses connections.
    Down,
    /// The host is without power, and silent.
    Dark,
}

impl Live<'_> {
    /// How many records are remembered, at least, before all are let go.
    pub const REMEMBERED: usize = 1 << 16;

    /// What time it is.
    pub fn now(&self) -> SimTime {
        self.running.kernel.now
    }

    /// Lets the gateway's process do something.
    pub fn speak(&mut self, say: impl FnOnce(&mut Context<'_>)) {
        let Running { kernel, nodes, outbox, gate, .. } = &mut *self.running;
        let clock = nodes[usize::from(self.gateway.0)].clock.get().read(kernel.now);
        let mut next_connection = gate.next_connection.get();
        say(&mut Context::new(clock, &mut next_connection, outbox));
        gate.next_connection.set(next_connection);
        if !outbox.is_empty() {
            let record = kernel.record(None, self.gateway, Event::TasksRan);
            self.running.carry_out(self.gateway, record);
        }
    }

    /// How a node is.
    pub fn health(&mut self, node: NodeId) -> Health {
        let host = *self.running.network.host(node);
        match (host.powered, host.listening) {
            (false, _) => Health::Dark,
            (true, false) => Health::Down,
            (true, true) if self.running.node(node).is_paused() => Health::Paused,
            (true, true) => Health::Up,
        }
    }

    /// Adds faults. Those that begin at a time do so that long after now, and what a trigger waits for is what
    /// comes from now on.
    ///
    /// # Errors
    ///
    /// One of them names a node that is not there. None is added then.
    pub fn inject(&mut self, plan: &Plan) -> Result<(), UnknownNode> {
        let now = self.now();
        for armed in Injector::new(plan, &self.running.kernel.history.nodes)?.faults {
            let begins = match armed.fault.start {
                Start::At(after) => Some(now + after),
                Start::When(_) => None,
            };
            self.running.add_fault(armed, begins);
        }
        Ok(())
    }

    /// Ends the faults that are in force, and calls off those that have not begun. Returns how many there were.
    pub fn heal(&mut self) -> usize {
        let faults = self.running.injector.faults.iter().zip(0..);
        let pending = |(armed, number): (&Armed, u32)| {
            is_pending(armed).then_some((FaultId(number), armed.began_at.is_some()))
        };
        let pending: Vec<_> = faults.filter_map(pending).collect();
        self.running.injector.call_off(0);
        for (id, _) in pending.iter().filter(|(_, has_begun)| *has_begun) {
            self.running.end_fault(*id);
        }
        pending.len()
    }

    /// The faults that are in force or have yet to begin, and since when they are in force.
    pub fn faults(&self) -> impl Iterator<Item = (&Fault, Option<SimTime>)> {
        let pending = self.running.injector.faults.iter().filter(|armed| is_pending(armed));
        pending.map(|armed| (&armed.fault, armed.began_at))
    }
}

/// It is in force or has yet to begin. What is over in an instant is never in force.
fn is_pending(armed: &Armed) -> bool {
    let is_instant = armed.fault.kind().is_instant();
    let is_over = armed.has_ended || armed.called_off || is_instant && armed.began_at.is_some();
    !is_over
}

impl World {
    /// Runs the world with somebody from outside, until he has had enough. The gateway is a node of this world's.
    ///
    /// # Errors
    ///
    /// The plan names a node that is not there, or the limit of memory was reached: what is under way takes more.
    pub fn run_live(self, gateway: NodeId, outside: &mut impl Outside) -> Result<(), RunError> {
        let mut running = self.start()?;
        let mut heard = 0;
        loop {
            let next = running.kernel.queue.next_at();
            let Some(now) = outside.wait(next) else { return Ok(()) };
            let now = now.max(running.kernel.now);
            loop {
                running.catch_up(now);
                let history = &running.kernel.history;
                outside.hear(history, &history.records()[heard..]);
                heard = history.records().len();
                if heard >= Live::REMEMBERED {
                    running.forget();
                    heard = 0;
                }
                if !outside.take_turn(&mut Live { running: &mut running, gateway }) {
                    break;
                }
            }
            running.limits.check_memory(&running.kernel, &running.network)?;
        }
    }
}

impl Running {
    /// Lets everything happen that is due by then.
    fn catch_up(&mut self, now: SimTime) {
        while self.kernel.queue.next_at().is_some_and(|at| at <= now)
            && let Some((at, upcoming)) = self.kernel.queue.pop()
        {
            self.kernel.now = self.kernel.now.max(at);
            self.happen(upcoming);
            self.events += 1;
        }
        self.kernel.now = now;
    }

    /// Forgets what has happened.
    fn forget(&mut self) {
        let under_way = self.under_way();
        self.kernel.history.forget(&under_way);
        self.network.forget_over();
    }

    fn under_way(&self) -> BTreeSet<MessageId> {
        let arrivals = self.kernel.queue.waiting().filter_map(|upcoming| match upcoming {
            Upcoming::Arrival { segment, .. } => segment.message(),
            _ => None,
        });
        let backlogs = self.nodes.iter().flat_map(|node| &node.backlog);
        let unread = backlogs.filter_map(|pending| match pending {
            Pending::Message { message, .. } => Some(*message),
            _ => None,
        });
        arrivals.chain(self.network.under_way()).chain(unread).collect()
    }
}
