//! How a connection is made: request, answer, and the answer to the answer, which travels as the
//! first segment of the opener's stream.

use fencepost_models::machine::{CloseReason, ConnectionId, NodeId};

use super::connection::{Connection, End};
use super::{Handover, HostState, MAX_SYN_RETRIES, Network, SYN_TIMEOUT};
use crate::world::history::{Event, RecordId};
use crate::world::kernel::Kernel;
use crate::world::queue::{Direction, Segment, Upcoming};

impl Network {
    /// A process asks for a connection. A node that is not there refuses it, and so does the
    /// process's own node: there is no loopback.
    pub fn connect(
        &mut self,
        kernel: &mut Kernel,
        cause: Option<RecordId>,
        opener: NodeId,
        connection: ConnectionId,
        listener: NodeId,
    ) {
        kernel.record(cause, opener, Event::Connecting { connection, peer: listener });
        if self.links.reach(listener) && listener != opener {
            self.connections.insert(connection, Connection::new(opener, listener));
            self.attempt_syn(kernel, connection, 0);
        } else {
            self.connections.insert(connection, Connection::new(opener, opener));
            kernel.queue.push(kernel.now, Upcoming::SynAck { connection, accepted: false });
        }
    }

    pub(super) fn attempt_syn(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
        attempt: u8,
    ) -> Option<(NodeId, Handover)> {
        let one = self.connections.get_mut(connection)?;
        let (opener, listener) = (one.opener, one.listener);
        if one.end_of(opener) != End::Opening {
            return None;
        }
        if attempt > MAX_SYN_RETRIES {
            return self.end(kernel, connection, opener, CloseReason::TimedOut);
        }
        (one.syn_attempt, one.syn_sent_at) = (attempt, kernel.now);
        let link = self.links.way_mut(opener, listener);
        if link.is_cut() {
            kernel.hit(&link.cuts);
            return self.expect_no_answer(kernel, connection);
        }
        let at = link.arrival(kernel);
        kernel.queue.push(at, Upcoming::Syn { connection });
        None
    }

    /// A request, or the answer to it, is lost: the opener's kernel sends it again in time.
    fn expect_no_answer(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
    ) -> Option<(NodeId, Handover)> {
        let one = self.connections.get_mut(connection)?;
        let at = one.syn_sent_at + SYN_TIMEOUT * (1 << one.syn_attempt);
        let again = Upcoming::SynAttempt { connection, attempt: one.syn_attempt + 1 };
        kernel.queue.push(at.max(kernel.now), again);
        None
    }

    /// A request for a connection has reached the listener's kernel, which answers by itself: a
    /// paused process is no hindrance.
    pub(super) fn syn(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
    ) -> Option<(NodeId, Handover)> {
        let one = self.connections.get_mut(connection)?;
        let (opener, listener) = (one.opener, one.listener);
        if one.end_of(opener) != End::Opening {
            // The opener has given up. It would refuse the answer, and nobody here would know.
            return None;
        }
        let HostState { powered, listening } = *self.host(listener);
        if !powered {
            return self.expect_no_answer(kernel, connection);
        }
        for (from, to) in [(opener, listener), (listener, opener)] {
            let link = self.links.way(from, to);
            if link.is_cut() {
                kernel.hit(&link.cuts);
                return self.expect_no_answer(kernel, connection);
            }
        }
        if listening {
            self.connections.get_mut(connection)?.begin_handshake();
        }
        let at = self.links.way_mut(listener, opener).arrival(kernel);
        kernel.queue.push(at, Upcoming::SynAck { connection, accepted: listening });
        None
    }

    /// The answer has reached the opener's kernel.
    pub(super) fn syn_ack(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
        accepted: bool,
    ) -> Option<(NodeId, Handover)> {
        let one = self.connections.get_mut(connection)?;
        let (opener, listener) = (one.opener, one.listener);
        if one.end_of(opener) != End::Opening {
            return None;
        }
        let link = self.links.way(listener, opener);
        if link.is_cut() {
            kernel.hit(&link.cuts);
            return self.expect_no_answer(kernel, connection);
        }
        if !accepted {
            return self.end(kernel, connection, opener, CloseReason::Refused);
        }
        *one.end_mut(opener) = End::Open;
        self.transmit(kernel, connection, Direction::Forth, Segment::Open);
        Some((opener, Handover::Connected { connection }))
    }
}
