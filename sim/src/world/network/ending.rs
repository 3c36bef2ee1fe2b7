//! How connections end: closed, reset, given up, or gone with their host.

use fencepost_models::machine::{CloseReason, ConnectionId, NodeId};

use super::connection::{Connection, End};
use super::{Handover, Network};
use crate::world::history::LossReason;
use crate::world::kernel::Kernel;
use crate::world::queue::{Direction, Segment, Upcoming};

impl Network {
    /// A process closes a connection, or is told by its death to do so. Its kernel sends all that
    /// was written, and then the end of the stream.
    pub fn close(&mut self, kernel: &mut Kernel, node: NodeId, connection: ConnectionId) {
        let Some(one) = self.connection_of(node, connection) else {
            return;
        };
        let direction = one.direction_from(node);
        if one.end_of(node) == End::Open {
            self.transmit(kernel, connection, direction, Segment::Fin);
        }
        self.forget(kernel, connection, node);
    }

    /// A connection is closed while there is something on it that the process has not read: the
    /// kernel forgets what it had yet to send, and sends a reset instead of the end of the stream
    /// (RFC 2525, section 2.17; Linux, `net/ipv4/tcp.c`: `__tcp_close`).
    pub fn abort(&mut self, kernel: &mut Kernel, node: NodeId, connection: ConnectionId) {
        let Some(one) = self.connection_of(node, connection) else {
            return;
        };
        let (was, peer) = (one.end_of(node), one.peer_of(node));
        if was == End::Open {
            self.abandon(kernel, connection, node);
            self.send_reset(kernel, connection, peer);
        }
        self.forget(kernel, connection, node);
    }

    /// A process is gone: its kernel closes its connections, after all it had written.
    pub fn close_all(&mut self, kernel: &mut Kernel, node: NodeId) {
        for connection in self.connections.live_of(node) {
            self.close(kernel, node, connection);
        }
    }

    /// A host has lost its power: what it had not sent is lost, and nobody is told.
    pub fn lose_power(&mut self, kernel: &mut Kernel, node: NodeId) {
        for connection in self.connections.live_of(node) {
            if let Some(one) = self.connections.get_mut(connection) {
                let direction = one.direction_from(node);
                let lost = one.stream_mut(direction).lose_power(kernel.now);
                kernel.lose_all(node, lost, LossReason::SenderLostPower);
            }
            self.forget(kernel, connection, node);
        }
    }

    /// Sends a reset to a host, behind all that is under way to it, but not behind what is missing
    /// there: a reset has no turn to wait for. One that meets a cut is gone; one that is on its way
    /// arrives.
    pub(super) fn send_reset(&mut self, kernel: &mut Kernel, connection: ConnectionId, to: NodeId) {
        let Some(one) = self.connections.get_mut(connection) else {
            return;
        };
        let from = one.peer_of(to);
        let direction = one.direction_from(from);
        let link = self.links.way_mut(from, to);
        if link.is_cut() {
            kernel.hit(&link.cuts);
            return;
        }
        let at = one.stream_mut(direction).line_up(link.arrival(kernel));
        kernel.queue.push(at, Upcoming::ResetArrival { connection, node: to });
    }

    /// Something between two hosts resets a connection: both are told at once, and what is under
    /// way is lost.
    pub(super) fn sever(&mut self, kernel: &mut Kernel, connection: ConnectionId) {
        let Some(one) = self.connections.get_mut(connection) else {
            return;
        };
        for direction in [Direction::Forth, Direction::Back] {
            let (from, _) = one.ends_of(direction);
            let lost = one.stream_mut(direction).sever();
            kernel.lose_all(from, lost, LossReason::ConnectionGone);
        }
        for node in [one.opener, one.listener] {
            kernel.queue.push(kernel.now, Upcoming::ResetArrival { connection, node });
        }
    }

    /// A host learns that a connection is gone; its process is told, if it still has it.
    pub(super) fn end(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
        node: NodeId,
        reason: CloseReason,
    ) -> Option<(NodeId, Handover)> {
        let is_known = self.connections.get_mut(connection)?.is_known_to(node);
        self.abandon(kernel, connection, node);
        self.forget(kernel, connection, node);
        is_known.then_some((node, Handover::Closed { connection, reason }))
    }

    /// A kernel sends nothing more on a connection.
    fn abandon(&mut self, kernel: &mut Kernel, connection: ConnectionId, node: NodeId) {
        if let Some(one) = self.connections.get_mut(connection) {
            let direction = one.direction_from(node);
            let lost = one.stream_mut(direction).abandon(LossReason::ConnectionGone);
            kernel.lose_all(node, lost, LossReason::ConnectionGone);
        }
    }

    /// A host takes nothing more from a connection. When neither does, it is over.
    fn forget(&mut self, kernel: &mut Kernel, connection: ConnectionId, node: NodeId) {
        let Some(one) = self.connections.get_mut(connection) else {
            return;
        };
        one.shut(node);
        let peer = one.peer_of(node);
        let incoming = one.direction_from(peer);
        let lost = one.stream_mut(incoming).take_early();
        kernel.lose_all(peer, lost, LossReason::ConnectionGone);
        if !one.is_over() {
            return;
        }
        for direction in [Direction::Forth, Direction::Back] {
            let (from, _) = one.ends_of(direction);
            let stream = std::mem::take(one.stream_mut(direction));
            kernel.lose_all(from, stream.unsent(), LossReason::ConnectionGone);
        }
        self.connections.retire(connection);
    }

    fn connection_of(&mut self, node: NodeId, connection: ConnectionId) -> Option<&mut Connection> {
        self.connections.get_mut(connection).filter(|one| one.is_between(node))
    }
}
