//! The loop: what is next to happen, who is handed it, and what they ask for in return.

use std::rc::Rc;

use fencepost_models::machine::{Boot, Context, Effect, Input, InputId, NodeId, TimerId};
use fencepost_models::random::{OtherFuture, Random};
use fencepost_models::time::Mono;
use madsim::time::TimeHandle;

use super::disk::Disk;
use super::foreign::{self, Gate};
use super::fork::Ahead;
use super::history::{Event, FaultId, LossReason, RecordId};
use super::injector::{Armed, Injector};
use super::kernel::Kernel;
use super::limits::{LimitReached, Limits};
use super::network::{HostState, Network};
use super::node::{Body, Node, Pending};
use super::queue::Upcoming;
use super::streams::Purpose;
use super::time::SimTime;

/// A world in motion.
pub(super) struct Running {
    pub seed: u64,
    pub kernel: Kernel,
    pub network: Network,
    pub nodes: Vec<Node>,
    pub injector: Injector,
    pub gate: Rc<Gate>,
    pub is_foreign: bool,
    pub outbox: Vec<Effect>,
    pub limits: Limits,
    pub events: u64,
    /// The fork that it has still to come to.
    pub ahead: Option<Ahead>,
    /// The future that it is in since then.
    pub future: Option<OtherFuture>,
}

impl Running {
    pub async fn run_until(&mut self, end: SimTime) -> Result<(), LimitReached> {
        let time = TimeHandle::current();
        // What madsim's clock shows. Nothing else moves it while this future runs without a pause,
        // and to ask it each time would cost a lock per event.
        let mut shown = SimTime::after(time.elapsed());
        loop {
            if self.ahead.is_some() {
                self.fork();
            }
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

    /// There is one more fault. It begins then, or when its trigger is pulled.
    pub fn add_fault(&mut self, armed: Armed, begins: Option<SimTime>) {
        let id = FaultId(self.injector.faults.len() as u32);
        self.kernel.add_fault(armed.fault.kind());
        self.injector.add(armed);
        if let Some(begins) = begins {
            self.kernel.queue.push(begins, Upcoming::FaultBegins(id));
        }
    }

    pub fn happen(&mut self, upcoming: Upcoming) {
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
    pub fn start(&mut self, id: NodeId, cause: Option<RecordId>) {
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
        *self.network.host(id) = HostState { powered: true, listening: node.listens };
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
    pub fn give(&mut self, id: NodeId, pending: Pending) {
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
            Pending::Operator { fault, cause } => {
                kernel.hit(&[fault]);
                (Some(cause), Event::OperatorAsked)
            }
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
            Pending::Operator { .. } => match &node.failover {
                Some(message) => Input::Operator { message },
                None => return,
            },
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
    pub fn carry_out(&mut self, id: NodeId, record: RecordId) {
        let mut cause = Some(record);
        let mut outbox = std::mem::take(&mut self.outbox);
        for effect in outbox.drain(..) {
            self.carry_out_one(id, &mut cause, effect);
        }
        self.outbox = outbox;
    }

    /// Never inlined: an effect that is taken apart in a register or two and put together again in
    /// the history makes the processor wait for its single fields to be written.
    #[inline(never)]
    fn carry_out_one(&mut self, id: NodeId, cause: &mut Option<RecordId>, effect: Effect) {
        let Self { kernel, network, injector, nodes, .. } = self;
        let node = &mut nodes[usize::from(id.0)];
        match effect {
            Effect::Connect { connection, peer } => {
                network.connect(kernel, *cause, id, connection, peer);
            }
            Effect::Send { connection, message } => {
                network.send(kernel, *cause, id, connection, message);
            }
            Effect::Close { connection } => {
                kernel.record(*cause, id, Event::Closed(connection));
                let unread = node.forget(connection);
                if unread.is_empty() {
                    network.close(kernel, id, connection);
                } else {
                    for message in unread {
                        kernel.lose(id, message, LossReason::ReceiverGone);
                    }
                    network.abort(kernel, id, connection);
                }
            }
            Effect::SetTimer { timer, at } => set_timer(kernel, node, id, timer, at),
            Effect::CancelTimer { timer } => node.timers.cancel(timer),
            Effect::Disk { token, operation } => {
                let is_slowed = Disk::is_slowed(&operation);
                let done = node.disk.apply(kernel.now, operation);
                let incarnation = node.incarnation;
                kernel.queue.push(done, Upcoming::DiskDone { node: id, incarnation, token });
                if is_slowed {
                    node.slow_disks.iter().for_each(|fault| kernel.slow(*fault, done));
                }
            }
            Effect::Because(input) => *cause = Some(RecordId(input.0)),
            Effect::Note(note) => {
                if injector.waits() {
                    for (fault, after) in injector.on_note(id, note.kind()) {
                        kernel.queue.push(kernel.now + after, Upcoming::FaultBegins(fault));
                    }
                }
                kernel.history.push_note(kernel.now, *cause, id, note);
            }
        }
    }

    /// The run is over for foreign tasks too: madsim's executor comes back only when none of them
    /// is ready, and one that never sleeps always is.
    pub fn end_foreign_tasks(&mut self) {
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

    pub fn node(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[usize::from(id.0)]
    }
}

/// Sets a timer of a node's process.
#[inline]
pub(super) fn set_timer(
    kernel: &mut Kernel,
    node: &mut Node,
    id: NodeId,
    timer: TimerId,
    at: Mono,
) {
    let due = (node.clock.get().when(at, kernel.now), kernel.queue.reserve());
    if node.timers.set(timer, at, due) {
        let alarm = Upcoming::Alarm { node: id, incarnation: node.incarnation };
        kernel.queue.push_in_turn(due.0, due.1, alarm);
    }
}
