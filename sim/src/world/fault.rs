//! What each fault does to the world when it begins, and what it undoes when it ends.

use fencepost_faults::Action;
use fencepost_models::machine::{ConnectionId, NodeId};

use super::history::{Event, FaultId, LossReason, RecordId, SignedNanos};
use super::injector::Injector;
use super::kernel::Kernel;
use super::network::{HostState, LinkId};
use super::node::{Body, Pending};
use super::queue::Upcoming;
use super::{Running, set_timer};

impl Running {
    pub(super) fn begin_fault(&mut self, id: FaultId) {
        let now = self.kernel.now;
        let armed = &mut self.injector.faults[id.0 as usize];
        let (action, length) = (armed.fault.action.clone(), armed.fault.length);
        let (nodes, links) = (armed.nodes.clone(), armed.links.clone());
        let place = nodes.first().copied().unwrap_or(NodeId(0));
        let record = self.kernel.record(None, place, Event::FaultBegan(id));
        armed.began_at = Some(now);
        armed.record = Some(record);
        if let Some(length) = length {
            self.kernel.queue.push(now + length, Upcoming::FaultEnds(id));
        }
        let fired = match action {
            Action::Pause { .. } => self.pause(place, id, record),
            Action::Crash { .. } => self.crash(place, id, record),
            Action::PowerLoss { .. } => self.lose_power(place, id, record),
            Action::Partition(_) | Action::OneWayPartition(_) => {
                links.iter().for_each(|link| self.network.cut(*link, id));
                false
            }
            Action::Delay { by, .. } => {
                links.iter().for_each(|link| self.network.slow(*link, id, by));
                false
            }
            Action::HoldMessage { message, .. } => {
                let until = length.map(|length| now + length);
                self.network.hold(id, links[0], message, until);
                false
            }
            Action::DropConnection(_) => self.drop_connections(&links, id),
            Action::ClockJump { by_nanos, .. } => self.jump(place, by_nanos, record),
            Action::ClockDrift { ppm, .. } => self.drift(place, i64::from(ppm), record),
            Action::SlowDisk { by, .. } => {
                self.node(place).disk.speed.extra += by;
                false
            }
        };
        self.injector.faults[id.0 as usize].fired |= fired;
    }

    pub(super) fn end_fault(&mut self, id: FaultId) {
        let armed = &self.injector.faults[id.0 as usize];
        let (action, links) = (armed.fault.action.clone(), armed.links.clone());
        let place = armed.nodes.first().copied().unwrap_or(NodeId(0));
        let record = self.kernel.record(armed.record, place, Event::FaultEnded(id));
        match action {
            Action::Pause { .. } => self.resume(place, id, record),
            Action::Crash { .. } | Action::PowerLoss { .. } => self.restart(place, id, record),
            Action::Partition(_) | Action::OneWayPartition(_) => {
                links.iter().for_each(|link| self.network.heal(*link, id));
            }
            Action::Delay { .. } => {
                links.iter().for_each(|link| self.network.speed_up(*link, id));
            }
            Action::HoldMessage { .. } => self.network.stop_holding(id),
            Action::DropConnection(_) => {}
            Action::ClockJump { by_nanos, .. } => {
                self.jump(place, by_nanos.saturating_neg(), record);
            }
            Action::ClockDrift { ppm, .. } => {
                self.drift(place, -i64::from(ppm), record);
            }
            Action::SlowDisk { by, .. } => {
                let extra = &mut self.node(place).disk.speed.extra;
                *extra = extra.saturating_sub(by);
            }
        }
    }

    fn pause(&mut self, id: NodeId, fault: FaultId, record: RecordId) -> bool {
        let node = self.node(id);
        if node.machine.is_none() {
            return false;
        }
        let was_running = !node.is_paused();
        node.pauses.push(fault);
        if let Body::Foreign(body) = &node.body {
            body.pause();
        }
        if was_running {
            self.kernel.record(Some(record), id, Event::Paused);
        }
        true
    }

    /// What came while the process was paused is handed over now, in the order in which it came.
    fn resume(&mut self, id: NodeId, fault: FaultId, record: RecordId) {
        let node = self.node(id);
        let was_paused = node.is_paused();
        node.pauses.retain(|one| *one != fault);
        if !was_paused || node.is_paused() {
            return;
        }
        if let Body::Foreign(body) = &node.body {
            body.resume();
        }
        self.kernel.record(Some(record), id, Event::Resumed);
        // One by one: what the process does about the first may concern the others.
        while let Some(pending) = self.node(id).backlog.pop_front() {
            self.give(id, pending);
        }
    }

    /// The process is gone, its kernel is not: peers get all that it had written, and then the
    /// news that the connection is closed; a reset, where there was something that it had not read.
    fn crash(&mut self, id: NodeId, fault: FaultId, record: RecordId) -> bool {
        let node = self.node(id);
        node.down.push(fault);
        if node.machine.is_none() {
            return false;
        }
        self.kernel.record(Some(record), id, Event::Crashed);
        let unread = self.end_process(id);
        self.network.host(id).listening = false;
        for connection in unread {
            self.network.abort(&mut self.kernel, id, connection);
        }
        self.network.close_all(&mut self.kernel, id);
        true
    }

    /// The host is gone: peers hear nothing, and what was not synced is lost.
    fn lose_power(&mut self, id: NodeId, fault: FaultId, record: RecordId) -> bool {
        let now = self.kernel.now;
        self.node(id).down.push(fault);
        if !self.network.host(id).powered {
            return false;
        }
        self.kernel.record(Some(record), id, Event::PowerLost);
        self.end_process(id);
        *self.network.host(id) = HostState { powered: false, listening: false };
        self.network.lose_power(&mut self.kernel, id);
        self.node(id).disk.lose_power(now);
        true
    }

    /// Ends a node's process, if there is one. Returns the connections on which there was
    /// something that it had not read.
    fn end_process(&mut self, id: NodeId) -> Vec<ConnectionId> {
        let node = self.node(id);
        node.incarnation += u32::from(node.machine.is_some());
        if let Body::Foreign(body) = &mut node.body {
            body.kill();
        }
        let mut connections = Vec::new();
        for pending in node.end_process() {
            match pending {
                Pending::Message { connection, message } => {
                    self.kernel.lose(id, message, LossReason::ReceiverGone);
                    connections.push(connection);
                }
                Pending::Accepted { connection, .. } => connections.push(connection),
                _ => {}
            }
        }
        connections
    }

    /// A fault that kept a node down is over. The host gets its power back and the process starts
    /// again, as far as no other fault is in the way: that one has hit something then.
    fn restart(&mut self, id: NodeId, fault: FaultId, record: RecordId) {
        let now = self.kernel.now;
        let node = self.node(id);
        node.down.retain(|one| *one != fault);
        let down = node.down.clone();
        self.kernel.hit(&down);
        let is_power_loss = |fault: &FaultId| {
            let armed = &self.injector.faults[fault.0 as usize];
            matches!(armed.fault.action, Action::PowerLoss { .. })
        };
        if !down.iter().any(is_power_loss) && !self.network.host(id).powered {
            self.network.host(id).powered = true;
            let node = self.node(id);
            let mut clock = node.clock.get();
            clock.boot(now);
            node.clock.set(clock);
        }
        self.start(id, Some(record));
    }

    fn drop_connections(&mut self, links: &[LinkId], fault: FaultId) -> bool {
        let dropped = self.network.drop_connections(&mut self.kernel, links);
        for _ in 0..dropped {
            self.kernel.hit(&[fault]);
        }
        dropped > 0
    }

    fn jump(&mut self, id: NodeId, by_nanos: i64, record: RecordId) -> bool {
        let now = self.kernel.now;
        let node = self.node(id);
        let mut clock = node.clock.get();
        clock.jump(now, by_nanos);
        node.clock.set(clock);
        self.kernel.record(
            Some(record),
            id,
            Event::ClockJumped { by_nanos: SignedNanos(by_nanos) },
        );
        true
    }

    /// Adds to a clock's drift. The timers of the node are due at another moment then.
    fn drift(&mut self, id: NodeId, by_ppm: i64, record: RecordId) -> bool {
        let now = self.kernel.now;
        let node = self.node(id);
        let mut clock = node.clock.get();
        clock.add_drift(now, by_ppm);
        let ppm = clock.drift_ppm();
        node.clock.set(clock);
        for (timer, at) in node.timers.all() {
            set_timer(&mut self.kernel, &mut self.nodes[usize::from(id.0)], id, timer, at);
        }
        self.kernel.record(Some(record), id, Event::ClockDrifts { ppm });
        true
    }
}

impl Injector {
    /// A disk operation was asked for: the faults that slow this disk have hit something.
    pub(super) fn hit_slow_disks(&self, kernel: &mut Kernel, node: NodeId) {
        for (place, armed) in self.faults.iter().enumerate() {
            let is_slow = matches!(armed.fault.action, Action::SlowDisk { .. });
            let ends = armed.began_at.zip(armed.fault.length).map(|(began, long)| began + long);
            let active = armed.began_at.is_some() && ends.is_none_or(|end| kernel.now < end);
            if is_slow && active && armed.nodes.first() == Some(&node) {
                kernel.hit(&[FaultId(place as u32)]);
            }
        }
    }
}
