//! The network: connections as TCP gives them, over links that faults can cut, slow and hold.
//!
//! * While a connection is up, messages arrive, once and in order.
//! * A segment that meets a cut is retransmitted with back-off until the cut heals; what follows
//!   it waits behind it. After [`MAX_RETRANSMISSIONS`] the sender's kernel gives up.
//! * A process that ends closes its connections once everything it wrote has gone out; a host
//!   that loses its power says nothing at all, and only after it is up again does it answer a
//!   retransmission with a reset.
//!
//! Acknowledgements are not simulated: in a one-way cut the data that gets through counts as
//! acknowledged, so a sender whose data arrives never gives up for want of them. One message is
//! one segment; there are no windows and no half-closed connections.

mod connection;
mod link;

use std::collections::VecDeque;
use std::time::Duration;

use fencepost_models::machine::{CloseReason, ConnectionId, NodeId};
use fencepost_models::message::Message;

use self::connection::{Connection, End};
use self::link::Link;
pub use self::link::{Latency, LinkId};
use super::history::{Envelope, Event, FaultId, LossReason, MessageId, RecordId};
use super::kernel::Kernel;
use super::queue::{Direction, Segment, Upcoming};
use super::time::SimTime;

/// The first retransmission timeout. Linux, `include/net/tcp.h`: `TCP_RTO_MIN` is 200 ms, and
/// with round trips of a few milliseconds the timeout stays there.
pub const RETRANSMISSION_TIMEOUT: Duration = Duration::from_millis(200);

/// The longest one. Linux, `include/net/tcp.h`: `TCP_RTO_MAX`, 120 s.
pub const MAX_RETRANSMISSION_TIMEOUT: Duration = Duration::from_secs(120);

/// How often a segment is retransmitted before the kernel gives up, after 924.6 s in all. Linux,
/// `Documentation/networking/ip-sysctl.rst`: `tcp_retries2`, 15.
pub const MAX_RETRANSMISSIONS: u8 = 15;

/// The first timeout of a connection request. Linux, `include/net/tcp.h`: `TCP_TIMEOUT_INIT`, 1 s.
pub const SYN_TIMEOUT: Duration = Duration::from_secs(1);

/// How often a request is repeated before the kernel gives up, after 127 s in all. Linux,
/// `Documentation/networking/ip-sysctl.rst`: `tcp_syn_retries`, 6.
pub const MAX_SYN_RETRIES: u8 = 6;

/// Something a process is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    Accepted { connection: ConnectionId, peer: NodeId },
    Connected { connection: ConnectionId },
    Message { connection: ConnectionId, message: MessageId },
    Closed { connection: ConnectionId, reason: CloseReason },
}

/// What the network must know of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostState {
    /// It has power.
    pub powered: bool,
    /// Its process runs (or is paused) and takes connections.
    pub listening: bool,
}

/// A message that a fault is waiting for.
struct Hold {
    fault: FaultId,
    from: NodeId,
    to: NodeId,
    name: Option<String>,
    until: Option<SimTime>,
}

/// All links and connections.
pub struct Network {
    nodes: usize,
    links: Vec<Link>,
    connections: Vec<Option<Connection>>,
    hosts: Vec<HostState>,
    holds: Vec<Hold>,
}

impl Network {
    /// A network among so many nodes, each link with the same latency.
    pub fn new(nodes: usize, seed: u64, latency: Latency) -> Self {
        let link = |number| Link::new(seed, number, latency);
        Self {
            nodes,
            links: (0..nodes * nodes).map(link).collect(),
            connections: Vec::new(),
            hosts: vec![HostState { powered: true, listening: false }; nodes],
            holds: Vec::new(),
        }
    }

    /// Gives one link (one way) a latency of its own.
    pub fn set_latency(&mut self, link: LinkId, latency: Latency) {
        self.link(link).latency = latency;
    }

    /// What the network knows of a host.
    pub fn host(&mut self, node: NodeId) -> &mut HostState {
        &mut self.hosts[usize::from(node.0)]
    }

    /// A process asks for a connection.
    pub fn connect(
        &mut self,
        kernel: &mut Kernel,
        cause: Option<RecordId>,
        opener: NodeId,
        connection: ConnectionId,
        listener: NodeId,
    ) {
        kernel.record(cause, opener, Event::Connecting { connection, peer: listener });
        let place = connection.0 as usize;
        if self.connections.len() <= place {
            self.connections.resize_with(place + 1, || None);
        }
        self.connections[place] = Some(Connection::new(opener, listener));
        self.attempt_syn(kernel, connection, 0);
    }

    /// A process writes a message.
    pub fn send(
        &mut self,
        kernel: &mut Kernel,
        cause: Option<RecordId>,
        from: NodeId,
        connection: ConnectionId,
        message: Message,
    ) {
        let Some(one) = self.connection(connection) else {
            return;
        };
        let direction = one.direction_from(from);
        let (to, open) = (one.peer_of(from), one.end_of(from) == End::Open);
        let envelope = Envelope { message, from, to, connection, sent_at: kernel.now };
        let id = kernel.history.push_message(envelope);
        kernel.record(cause, from, Event::Sent(id));
        if open {
            self.transmit(kernel, connection, direction, Segment::Message(id));
        } else {
            kernel.lose(from, id, LossReason::ConnectionGone);
        }
    }

    /// A process closes a connection, or is told by its death to do so.
    pub fn close(&mut self, kernel: &mut Kernel, node: NodeId, connection: ConnectionId) {
        let Some(one) = self.connection(connection) else {
            return;
        };
        let was = std::mem::replace(one.end_mut(node), End::Closed);
        let direction = one.direction_from(node);
        if was == End::Open {
            self.transmit(kernel, connection, direction, Segment::Fin);
        }
    }

    /// A process is gone: its kernel closes its connections, after all it had written.
    pub fn close_all(&mut self, kernel: &mut Kernel, node: NodeId) {
        for connection in self.connections_of(node) {
            self.close(kernel, node, connection);
        }
    }

    /// A host has lost its power: what it had not sent is lost, and nobody is told.
    pub fn lose_power(&mut self, kernel: &mut Kernel, node: NodeId) {
        for connection in self.connections_of(node) {
            let Some(one) = self.connection(connection) else {
                continue;
            };
            *one.end_mut(node) = End::Vanished;
            let direction = one.direction_from(node);
            let lost = one.stream_mut(direction).lose_power(kernel.now);
            kernel.lose_all(node, lost, LossReason::SenderLostPower);
        }
    }

    /// A middlebox resets the connections between two nodes: both sides are told at once, and
    /// what is under way is lost. Returns whom to tell.
    pub fn reset_between(&mut self, one: NodeId, other: NodeId) -> Vec<(NodeId, Handover)> {
        let mut told = Vec::new();
        for (number, connection) in self.connections.iter_mut().enumerate() {
            let Some(connection) = connection else {
                continue;
            };
            if !connection.joins(one, other) {
                continue;
            }
            let id = ConnectionId(number as u32);
            connection.reset = true;
            for node in [one, other] {
                let end = std::mem::replace(connection.end_mut(node), End::Closed);
                if matches!(end, End::Open | End::Opening) {
                    let reason = CloseReason::Reset;
                    told.push((node, Handover::Closed { connection: id, reason }));
                }
            }
        }
        told
    }

    /// Cuts a link, one way.
    pub fn cut(&mut self, link: LinkId, fault: FaultId) {
        self.link(link).cuts.push(fault);
    }

    /// Heals what [`Network::cut`] did.
    pub fn heal(&mut self, link: LinkId, fault: FaultId) {
        self.link(link).cuts.retain(|one| *one != fault);
    }

    /// Adds to a link's latency, one way.
    pub fn slow(&mut self, link: LinkId, fault: FaultId, by: Duration) {
        self.link(link).delays.push((fault, by));
    }

    /// Undoes [`Network::slow`].
    pub fn speed_up(&mut self, link: LinkId, fault: FaultId) {
        self.link(link).delays.retain(|(one, _)| *one != fault);
    }

    /// Holds the next message of that name until a moment; for ever without one.
    pub fn hold(
        &mut self,
        fault: FaultId,
        link: LinkId,
        name: Option<String>,
        until: Option<SimTime>,
    ) {
        self.holds.push(Hold { fault, from: link.from, to: link.to, name, until });
    }

    /// Stops waiting for a message to hold.
    pub fn stop_holding(&mut self, fault: FaultId) {
        self.holds.retain(|hold| hold.fault != fault);
    }

    /// Something of the network's own is due. Returns whom to tell what.
    pub fn happen(
        &mut self,
        kernel: &mut Kernel,
        upcoming: Upcoming,
    ) -> Option<(NodeId, Handover)> {
        match upcoming {
            Upcoming::Arrival { connection, direction, segment } => {
                self.arrive(kernel, connection, direction, segment)
            }
            Upcoming::Retransmission { connection, direction } => {
                self.retransmit(kernel, connection, direction)
            }
            Upcoming::ResetArrival { connection, node } => {
                self.end(connection, node, CloseReason::Reset)
            }
            Upcoming::SynAttempt { connection, attempt } => {
                self.attempt_syn(kernel, connection, attempt)
            }
            Upcoming::Syn { connection, attempt } => self.syn(kernel, connection, attempt),
            Upcoming::SynAck { connection, accepted } => self.syn_ack(kernel, connection, accepted),
            _ => None,
        }
    }

    /// Puts a segment on the wire, or behind those that already wait to be retransmitted.
    fn transmit(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
        direction: Direction,
        segment: Segment,
    ) {
        let Some(one) = self.connections.get_mut(connection.0 as usize).and_then(Option::as_mut)
        else {
            return;
        };
        let (from, to) = one.ends_of(direction);
        let link = &mut self.links[usize::from(from.0) * self.nodes + usize::from(to.0)];
        let stream = one.stream_mut(direction);
        if stream.is_blocked() || link.is_cut() {
            kernel.hit(&link.cuts);
            block(kernel, stream, connection, direction, from, segment);
            return;
        }
        let mut arrival = link.arrival(kernel.now);
        for (fault, by) in &link.delays {
            arrival = arrival + *by;
            kernel.hit(&[*fault]);
        }
        if !self.holds.is_empty()
            && let Segment::Message(message) = segment
            && let Some(until) = take_hold(&mut self.holds, kernel, from, to, message)
        {
            arrival = arrival.max(until);
        }
        let stream = one.stream_mut(direction);
        arrival = arrival.max(stream.last_arrival);
        stream.last_arrival = arrival;
        kernel.queue.push(arrival, Upcoming::Arrival { connection, direction, segment });
    }

    fn arrive(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
        direction: Direction,
        segment: Segment,
    ) -> Option<(NodeId, Handover)> {
        let one = self.connections.get_mut(connection.0 as usize)?.as_mut()?;
        let (from, to) = one.ends_of(direction);
        let link = &self.links[usize::from(from.0) * self.nodes + usize::from(to.0)];
        let powered = self.hosts[usize::from(to.0)].powered;
        let (end, reset) = (one.end_of(to), one.reset);
        let stream = one.stream_mut(direction);
        if stream.power_lost_at.is_some() && stream.was_still_inside(kernel, segment) {
            kernel.lose_all(from, [segment], LossReason::SenderLostPower);
            return None;
        }
        if reset || end == End::Closed {
            kernel.lose_all(from, [segment], LossReason::ConnectionGone);
            return None;
        }
        if stream.is_blocked() || link.is_cut() || !powered {
            kernel.hit(&link.cuts);
            block(kernel, stream, connection, direction, from, segment);
            return None;
        }
        if end == End::Vanished {
            kernel.lose_all(from, [segment], LossReason::ConnectionGone);
            self.answer_with_reset(kernel, connection, from);
            return None;
        }
        match segment {
            Segment::Message(message) => Some((to, Handover::Message { connection, message })),
            Segment::Fin => self.end(connection, to, CloseReason::ByPeer),
        }
    }

    fn retransmit(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
        direction: Direction,
    ) -> Option<(NodeId, Handover)> {
        let one = self.connections.get_mut(connection.0 as usize)?.as_mut()?;
        let (from, to) = one.ends_of(direction);
        let cut = self.links[usize::from(from.0) * self.nodes + usize::from(to.0)].is_cut();
        let powered = self.hosts[usize::from(to.0)].powered;
        let (end, reset) = (one.end_of(to), one.reset);
        let stream = one.stream_mut(direction);
        if !stream.is_blocked() {
            return None;
        }
        if !reset && (cut || !powered) {
            stream.attempts += 1;
            if stream.attempts < MAX_RETRANSMISSIONS {
                let at = kernel.now + stream.timeout();
                kernel.queue.push(at, Upcoming::Retransmission { connection, direction });
                return None;
            }
            kernel.lose_all(from, stream.unblock(), LossReason::GaveUp);
            return self.end(connection, from, CloseReason::TimedOut);
        }
        let waiting = stream.unblock();
        if reset || matches!(end, End::Closed | End::Vanished) {
            kernel.lose_all(from, waiting, LossReason::ConnectionGone);
            if end == End::Vanished {
                self.answer_with_reset(kernel, connection, from);
            }
            return None;
        }
        for segment in waiting {
            self.transmit(kernel, connection, direction, segment);
        }
        None
    }

    /// A host that knows nothing of the connection says so, if its word gets through.
    fn answer_with_reset(&mut self, kernel: &mut Kernel, connection: ConnectionId, to: NodeId) {
        let Some(one) = self.connection(connection) else {
            return;
        };
        let from = one.peer_of(to);
        let link = self.link(LinkId { from, to });
        if !link.is_cut() {
            let at = link.arrival(kernel.now);
            kernel.queue.push(at, Upcoming::ResetArrival { connection, node: to });
        }
    }

    /// Ends a connection at one end; that end's process is told if it still had it.
    fn end(
        &mut self,
        connection: ConnectionId,
        node: NodeId,
        reason: CloseReason,
    ) -> Option<(NodeId, Handover)> {
        let end = self.connection(connection)?.end_mut(node);
        let was = std::mem::replace(end, End::Closed);
        matches!(was, End::Open | End::Opening)
            .then_some((node, Handover::Closed { connection, reason }))
    }

    fn attempt_syn(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
        attempt: u8,
    ) -> Option<(NodeId, Handover)> {
        let one = self.connection(connection)?;
        let (opener, listener) = (one.opener, one.listener);
        if one.end_of(opener) != End::Opening {
            return None;
        }
        if attempt > MAX_SYN_RETRIES {
            return self.end(connection, opener, CloseReason::TimedOut);
        }
        let powered = self.host(listener).powered;
        let link = self.link(LinkId { from: opener, to: listener });
        if powered && !link.is_cut() {
            let extra: Duration = link.delays.iter().map(|(_, by)| *by).sum();
            let at = link.arrival(kernel.now) + extra;
            kernel.queue.push(at, Upcoming::Syn { connection, attempt });
        } else {
            kernel.hit(&link.cuts);
            let again = Upcoming::SynAttempt { connection, attempt: attempt + 1 };
            kernel.queue.push(kernel.now + SYN_TIMEOUT * (1 << attempt), again);
        }
        None
    }

    /// A request for a connection has reached the listener's kernel, which answers by itself: a
    /// paused process is no hindrance.
    fn syn(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
        attempt: u8,
    ) -> Option<(NodeId, Handover)> {
        let one = self.connection(connection)?;
        let (opener, listener) = (one.opener, one.listener);
        let HostState { powered, listening } = *self.host(listener);
        if !powered || self.link(LinkId { from: opener, to: listener }).is_cut() {
            let again = Upcoming::SynAttempt { connection, attempt: attempt + 1 };
            kernel.queue.push(kernel.now + SYN_TIMEOUT * (1 << attempt), again);
            return None;
        }
        self.send_syn_ack(kernel, connection, listening);
        if !listening {
            return None;
        }
        *self.connection(connection)?.end_mut(listener) = End::Open;
        Some((listener, Handover::Accepted { connection, peer: opener }))
    }

    fn send_syn_ack(&mut self, kernel: &mut Kernel, connection: ConnectionId, accepted: bool) {
        let Some(one) = self.connection(connection) else {
            return;
        };
        let back = LinkId { from: one.listener, to: one.opener };
        let link = self.link(back);
        let extra: Duration = link.delays.iter().map(|(_, by)| *by).sum();
        let at = link.arrival(kernel.now) + extra;
        if let Some(one) = self.connection(connection) {
            one.stream_mut(Direction::Back).last_arrival = at;
        }
        kernel.queue.push(at, Upcoming::SynAck { connection, accepted });
    }

    fn syn_ack(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
        accepted: bool,
    ) -> Option<(NodeId, Handover)> {
        let one = self.connection(connection)?;
        let (opener, listener) = (one.opener, one.listener);
        if one.reset || one.end_of(opener) == End::Vanished {
            return None;
        }
        let link = self.link(LinkId { from: listener, to: opener });
        if link.is_cut() {
            kernel.hit(&link.cuts);
            kernel.queue.push(kernel.now + SYN_TIMEOUT, Upcoming::SynAck { connection, accepted });
            return None;
        }
        let end = self.connection(connection)?.end_mut(opener);
        if *end == End::Closed {
            // The opener has given up meanwhile: its kernel refuses the late answer.
            let upcoming = Upcoming::ResetArrival { connection, node: listener };
            let at = self.link(LinkId { from: opener, to: listener }).arrival(kernel.now);
            kernel.queue.push(at, upcoming);
            return None;
        }
        if !accepted {
            return self.end(connection, opener, CloseReason::Refused);
        }
        *end = End::Open;
        Some((opener, Handover::Connected { connection }))
    }

    fn connection(&mut self, connection: ConnectionId) -> Option<&mut Connection> {
        self.connections.get_mut(connection.0 as usize)?.as_mut()
    }

    fn connections_of(&self, node: NodeId) -> Vec<ConnectionId> {
        let is_of = |one: &Connection| one.opener == node || one.listener == node;
        let numbered = self.connections.iter().enumerate();
        numbered
            .filter(|(_, one)| one.as_ref().is_some_and(is_of))
            .map(|(number, _)| ConnectionId(number as u32))
            .collect()
    }

    fn link(&mut self, link: LinkId) -> &mut Link {
        &mut self.links[usize::from(link.from.0) * self.nodes + usize::from(link.to.0)]
    }
}

/// Puts a segment behind a cut, and sets the retransmission timer for the first one.
fn block(
    kernel: &mut Kernel,
    stream: &mut connection::Stream,
    connection: ConnectionId,
    direction: Direction,
    from: NodeId,
    segment: Segment,
) {
    if let Segment::Message(message) = segment {
        kernel.record(None, from, Event::Blocked(message));
    }
    if stream.block(segment) {
        let at = kernel.now + stream.timeout();
        kernel.queue.push(at, Upcoming::Retransmission { connection, direction });
    }
}

/// The moment until which a message is held, if a fault has waited for it.
fn take_hold(
    holds: &mut Vec<Hold>,
    kernel: &mut Kernel,
    from: NodeId,
    to: NodeId,
    message: MessageId,
) -> Option<SimTime> {
    let name = kernel.history.message(message).message.name().into_owned();
    let place = holds.iter().position(|hold| {
        let named = hold.name.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(&name));
        hold.from == from && hold.to == to && named
    })?;
    let hold = holds.swap_remove(place);
    kernel.hit(&[hold.fault]);
    kernel.record(None, from, Event::Held(message));
    Some(hold.until.unwrap_or(SimTime::from_nanos(u64::MAX)))
}

/// A stream's segments that wait to be retransmitted.
type Waiting = VecDeque<Segment>;
