//! What each fault does to the world when it begins, and what it undoes when it ends.

use std::time::Duration;

use fencepost_faults::Action;
use fencepost_models::machine::{ConnectionId, NodeId};

use super::history::{Event, FaultId, LossReason, RecordId, SignedNanos};
use super::network::{HostState, LinkId};
use super::node::{Body, Pending};
use super::queue::Upcoming;
use super::running::{Running, set_timer};

impl Running {
    pub(super) fn begin_fault(&mut self, id: FaultId) {
        let now = self.kernel.now;
        let armed = &mut self.injector.faults[id.0 as usize];
        if armed.called_off {
            return;
        }
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
            Action::ClockJump { by_nanos, .. } => {
                self.is_clock_set(place, id, by_nanos != 0, length)
                    && self.jump(place, by_nanos, record)
            }
            Action::ClockDrift { ppm, .. } => {
                self.is_clock_set(place, id, ppm != 0, length)
                    && self.drift(place, i64::from(ppm), record)
            }
            Action::SlowDisk { by, .. } => {
                if !by.is_zero() {
                    let node = self.node(place);
                    node.disk.speed.extra += by;
                    node.slow_disks.push(id);
                }
                false
            }
            Action::Failover { .. } => {
                if self.node(place).failover.is_some() {
                    self.give(place, Pending::Operator { fault: id, cause: record });
                }
                false
            }
        };
        self.injector.faults[id.0 as usize].fired |= fired;
    }

    pub(super) fn end_fault(&mut self, id: FaultId) {
        let armed = &mut self.injector.faults[id.0 as usize];
        if std::mem::replace(&mut armed.has_ended, true) {
            return;
        }
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
            Action::DropConnection(_) | Action::Failover { .. } => {}
            Action::ClockJump { by_nanos, .. } => {
                if self.node(place).clock_faults.contains(&id) {
                    self.node(place).clock_faults.retain(|one| *one != id);
                    self.jump(place, by_nanos.saturating_neg(), record);
                }
            }
            Action::ClockDrift { ppm, .. } => {
                // It stays among the node's: the clocks show for ever what it has moved them by.
                if self.node(place).clock_faults.contains(&id) {
                    self.drift(place, -i64::from(ppm), record);
                }
            }
            Action::SlowDisk { by, .. } => {
                let node = self.node(place);
                if node.slow_disks.contains(&id) {
                    node.slow_disks.retain(|one| *one != id);
                    node.disk.speed.extra = node.disk.speed.extra.saturating_sub(by);
                }
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
        let is_foreign = node.is_foreign();
        if let Body::Foreign(body) = &node.body {
            body.pause();
        }
        if was_running {
            self.kernel.record(Some(record), id, Event::Paused);
        }
        is_foreign
    }

    /// What came while the process was paused is handed over now, in the order in which it came.
    fn resume(&mut self, id: NodeId, fault: FaultId, record: RecordId) {
        let node = self.node(id);
        let was_paused = node.is_paused();
        node.pauses.retain(|one| *one != fault);
        if !was_paused || node.is_paused() {
            // What waits goes on waiting, for the others now.
            if !node.backlog.is_empty() {
                for other in node.pauses.clone() {
                    self.injector.faults[other.0 as usize].fired = true;
                }
            }
            return;
        }
        if let Body::Foreign(body) = &node.body {
            body.resume();
        }
        let is_foreign = node.is_foreign();
        let resumed = self.kernel.record(Some(record), id, Event::Resumed);
        if is_foreign {
            self.gate.has_woken(id, resumed);
        }
        let node = self.node(id);
        if node.machine.as_ref().is_some_and(|machine| machine.takes_sockets_first()) {
            let is_timer = |pending: &Pending| matches!(pending, Pending::Timer { .. });
            node.backlog.make_contiguous().sort_by_key(is_timer);
        }
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

    /// Whether a clock fault has anything to change: not on a host without power, nor by nothing,
    /// nor for no time. What is handled on that clock from now on has been hit.
    fn is_clock_set(
        &mut self,
        id: NodeId,
        fault: FaultId,
        by_something: bool,
        length: Option<Duration>,
    ) -> bool {
        let is_set = by_something
            && length.is_none_or(|length| !length.is_zero())
            && self.network.host(id).powered;
        if is_set {
            self.node(id).clock_faults.push(fault);
        }
        is_set
    }

    /// Sets the wall clock. Returns whether that has been seen already, as far as can be told.
    fn jump(&mut self, id: NodeId, by_nanos: i64, record: RecordId) -> bool {
        let node = self.node(id);
        let mut clock = node.clock.get();
        clock.jump(by_nanos);
        node.clock.set(clock);
        let is_foreign = node.is_foreign();
        self.kernel.record(
            Some(record),
            id,
            Event::ClockJumped { by_nanos: SignedNanos(by_nanos) },
        );
        is_foreign
    }

    /// Adds to a clock's drift. The timers of the node are due at another moment then, perhaps after
    /// the run is over. Returns whether there are any.
    fn drift(&mut self, id: NodeId, by_ppm: i64, record: RecordId) -> bool {
        let now = self.kernel.now;
        let node = self.node(id);
        let mut clock = node.clock.get();
        clock.add_drift(now, by_ppm);
        let ppm = clock.drift_ppm();
        node.clock.set(clock);
        let timers = node.timers.all();
        let is_seen = node.is_foreign() || !timers.is_empty();
        for (timer, at) in timers {
            set_timer(&mut self.kernel, &mut self.nodes[usize::from(id.0)], id, timer, at);
        }
        self.kernel.record(Some(record), id, Event::ClockDrifts { ppm });
        is_seen
    }
}
