//! How segments travel: sent once, or again and again until they get through; delivered in order.

use fencepost_models::machine::{CloseReason, ConnectionId, NodeId};
use fencepost_models::message::Message;

use super::connection::{Connection, End};
use super::link::Links;
use super::{Handover, HostState, Network};
use crate::world::history::{Event, LossReason, RecordId};
use crate::world::kernel::Kernel;
use crate::world::queue::{Direction, Segment, Upcoming};
use crate::world::time::SimTime;

/// What becomes of a segment at the receiving host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// It is taken.
    Taken,
    /// Nothing comes back, neither an acknowledgement nor a reset: it is to be sent again.
    None,
    /// The host has no such connection, and says so.
    Reset,
    /// Nobody waits for an answer any more.
    Over,
}

impl Network {
    /// A process writes a message.
    pub fn send(
        &mut self,
        kernel: &mut Kernel,
        cause: Option<RecordId>,
        from: NodeId,
        connection: ConnectionId,
        message: Message,
    ) {
        let one = self.connections.get_mut(connection);
        let Some(one) = one.filter(|one| one.is_between(from)) else {
            return;
        };
        let direction = one.direction_from(from);
        let (to, open) = (one.peer_of(from), one.end_of(from) == End::Open);
        let id = kernel.history.push_sent(kernel.now, cause, [from, to], connection, message);
        if open {
            self.transmit(kernel, connection, direction, Segment::Message(id));
        } else {
            kernel.lose(from, id, LossReason::ConnectionGone);
        }
    }

    /// Puts a segment on the wire, or behind those that already wait to be sent again.
    pub(super) fn transmit(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
        direction: Direction,
        segment: Segment,
    ) {
        let Some(one) = self.connections.get_mut(connection) else {
            return;
        };
        let (from, to) = one.ends_of(direction);
        let stream = one.stream_mut(direction);
        let link = self.links.way_mut(from, to);
        if let Some(reason) = stream.sender_gone() {
            kernel.lose_all(from, [segment], reason);
            return;
        }
        let is_behind = stream.is_waiting();
        if is_behind || link.is_cut() {
            if !is_behind {
                kernel.hit(&link.cuts);
            }
            wait(kernel, one, connection, direction, segment);
            return;
        }
        let left_at = kernel.now;
        let arrival = link.arrival(kernel);
        let held_until = match segment {
            Segment::Message(message) => self.holds.take(kernel, from, to, message),
            _ => None,
        };
        let arrival = match held_until {
            Some(until) => stream.delay(segment, arrival.max(until)),
            None => stream.line_up(arrival),
        };
        let upcoming = Upcoming::Arrival { connection, direction, segment, left_at };
        kernel.queue.push(arrival, upcoming);
    }

    /// A segment has come to the other host, or to the cut on its way there.
    pub(super) fn arrive(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
        direction: Direction,
        segment: Segment,
        left_at: SimTime,
    ) -> Option<(NodeId, Handover)> {
        let one = self.connections.get_mut(connection)?;
        let (from, to) = one.ends_of(direction);
        let answer = answer(&self.links, &self.hosts, one, direction);
        let stream = one.stream_mut(direction);
        stream.land(segment);
        if answer == Answer::Over {
            kernel.lose_all(from, [segment], LossReason::ConnectionGone);
            return None;
        }
        if let Some(reason) = stream.loss(kernel.now, segment, left_at) {
            kernel.lose_all(from, stream.lose(segment), reason);
            return None;
        }
        if answer == Answer::Reset {
            kernel.lose_all(from, [segment], LossReason::ConnectionGone);
            self.send_reset(kernel, connection, from);
            return None;
        }
        if answer == Answer::None {
            hit_cuts(kernel, &self.links, &self.hosts, from, to);
            match stream.sender_gone() {
                Some(reason) => kernel.lose_all(from, stream.lose(segment), reason),
                None => wait(kernel, one, connection, direction, segment),
            }
            return None;
        }
        if !stream.take(segment) {
            return None;
        }
        if stream.has_next() {
            kernel.queue.push(kernel.now, Upcoming::InTurn { connection, direction });
        }
        self.deliver(kernel, connection, direction, segment)
    }

    /// It is the turn of a segment that came ahead of it. One at a time: what the process does
    /// about it may concern the others.
    pub(super) fn in_turn(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
        direction: Direction,
    ) -> Option<(NodeId, Handover)> {
        let stream = self.connections.get_mut(connection)?.stream_mut(direction);
        let segment = stream.take_next()?;
        if stream.has_next() {
            kernel.queue.push(kernel.now, Upcoming::InTurn { connection, direction });
        }
        self.deliver(kernel, connection, direction, segment)
    }

    /// Gives the receiving process what is next for it.
    #[inline]
    fn deliver(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
        direction: Direction,
        segment: Segment,
    ) -> Option<(NodeId, Handover)> {
        let one = self.connections.get_mut(connection)?;
        let (from, to) = one.ends_of(direction);
        match segment {
            Segment::Open => {
                *one.end_mut(to) = End::Open;
                Some((to, Handover::Accepted { connection, peer: from }))
            }
            Segment::Message(message) => Some((to, Handover::Message { connection, message })),
            Segment::Fin => self.end(kernel, connection, to, CloseReason::ByPeer),
        }
    }

    /// The retransmission timer fires. There is one for each stream in which something waits.
    pub(super) fn retransmit(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
        direction: Direction,
    ) -> Option<(NodeId, Handover)> {
        let one = self.connections.get_mut(connection)?;
        let (from, to) = one.ends_of(direction);
        let answer = answer(&self.links, &self.hosts, one, direction);
        let stream = one.stream_mut(direction);
        if !stream.is_waiting() {
            return None;
        }
        if stream.has_given_up() {
            let lost = stream.abandon(LossReason::ConnectionGone);
            kernel.lose_all(from, lost, LossReason::GaveUp);
            return self.end(kernel, connection, from, CloseReason::TimedOut);
        }
        if answer == Answer::None {
            let at = kernel.now + stream.back_off();
            kernel.queue.push(at, Upcoming::Retransmission { connection, direction });
            hit_cuts(kernel, &self.links, &self.hosts, from, to);
            return None;
        }
        for segment in stream.resume() {
            self.transmit(kernel, connection, direction, segment);
        }
        None
    }
}

/// Counts a segment that gets no answer against the cuts that are the reason: those of its own
/// way, or those of the reset's. Where there is no power, no cut makes a difference.
fn hit_cuts(kernel: &mut Kernel, links: &Links, hosts: &[HostState], from: NodeId, to: NodeId) {
    if hosts[usize::from(to.0)].powered {
        let [forth, back] = [links.way(from, to), links.way(to, from)];
        kernel.hit(if forth.is_cut() { &forth.cuts } else { &back.cuts });
    }
}

#[inline]
fn answer(links: &Links, hosts: &[HostState], one: &Connection, direction: Direction) -> Answer {
    let (from, to) = one.ends_of(direction);
    if one.is_over() {
        Answer::Over
    } else if links.way(from, to).is_cut() || !hosts[usize::from(to.0)].powered {
        Answer::None
    } else if one.end_of(to) != End::Closed {
        Answer::Taken
    } else if links.way(to, from).is_cut() {
        Answer::None
    } else {
        Answer::Reset
    }
}

/// Lets a segment wait at its sender, and sets the retransmission timer for the first one.
fn wait(
    kernel: &mut Kernel,
    one: &mut Connection,
    connection: ConnectionId,
    direction: Direction,
    segment: Segment,
) {
    if let Segment::Message(message) = segment {
        kernel.record(None, one.ends_of(direction).0, Event::Blocked(message));
    }
    if let Some(timeout) = one.stream_mut(direction).wait(segment) {
        let at = kernel.now + timeout;
        kernel.queue.push(at, Upcoming::Retransmission { connection, direction });
    }
}
