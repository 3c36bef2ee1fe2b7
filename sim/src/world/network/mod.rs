//! The network: connections as TCP gives them, over links that faults can cut, slow and hold.
//!
//! * While a connection is up, messages arrive, once and in order.
//! * A segment that meets a cut is retransmitted with back-off until the cut heals; what follows
//!   it waits behind it. After [`MAX_RETRANSMISSIONS`] the sender's kernel gives up.
//! * A process that ends closes its connections once everything it wrote has gone out; a host
//!   that loses its power says nothing at all, and only after it is up again does it answer a
//!   retransmission with a reset.
//!
//! * A connection is made by three segments, as TCP does: the listener has it when the third one
//!   arrives. A kernel that has no such connection answers with a reset.
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
use super::history::{Event, FaultId, LossReason, MessageId, RecordId};
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
        let node = |number: usize| NodeId(number as u16);
        let link = |place| LinkId { from: node(place / nodes), to: node(place % nodes) };
        let links = (0..nodes * nodes).map(|place| Link::new(seed, link(place), latency));
        Self {
            nodes,
            links: links.collect(),
            connections: Vec::new(),
            hosts: vec![HostState { powered: true, listening: false }; nodes],
            holds: Vec::new(),
        }
    }

    /// Gives one link (one way) a latency of its own; nothing happens when there is no such link.
    pub fn set_latency(&mut self, link: LinkId, latency: Latency) {
        if self.knows(link.from) && self.knows(link.to) {
            self.link(link).latency = latency;
        }
    }

    /// What the network knows of a host.
    pub fn host(&mut self, node: NodeId) -> &mut HostState {
        &mut self.hosts[usize::from(node.0)]
    }

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
        let place = connection.0 as usize;
        if self.connections.len() <= place {
            self.connections.resize_with(place + 1, || None);
        }
        if self.knows(listener) && listener != opener {
            self.connections[place] = Some(Connection::new(opener, listener));
            self.attempt_syn(kernel, connection, 0);
        } else {
            self.connections[place] = Some(Connection::new(opener, opener));
            kernel.queue.push(kernel.now, Upcoming::SynAck { connection, accepted: false });
        }
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
        let Some(one) = self.connection(connection).filter(|one| one.is_between(from)) else {
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

    /// A process closes a connection, or is told by its death to do so.
    pub fn close(&mut self, kernel: &mut Kernel, node: NodeId, connection: ConnectionId) {
        let Some(one) = self.connection(connection).filter(|one| one.is_between(node)) else {
            return;
        };
        let was = std::mem::replace(one.end_mut(node), End::Closed);
        let direction = one.direction_from(node);
        if was == End::Open {
            self.transmit(kernel, connection, direction, Segment::Fin);
        }
    }

    /// A connection is closed while there is something on it that the process has not read: the
    /// peer gets what is under way, and then a reset instead of the end of the stream (RFC 2525,
    /// section 2.17; Linux, `net/ipv4/tcp.c`: `__tcp_close`). A reset that meets a cut is gone.
    pub fn abort(&mut self, kernel: &mut Kernel, node: NodeId, connection: ConnectionId) {
        let Some(one) = self.connection(connection).filter(|one| one.is_between(node)) else {
            return;
        };
        let was = std::mem::replace(one.end_mut(node), End::Closed);
        if was == End::Open {
            let (direction, peer) = (one.direction_from(node), one.peer_of(node));
            let waiting = one.stream_mut(direction).unblock();
            kernel.lose_all(node, waiting, LossReason::ConnectionGone);
            self.send_reset(kernel, connection, peer);
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
    pub fn reset_between(&mut self, one: NodeId, other: NodeId) -> Vec<(NodeId, ConnectionId)> {
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
                let knew = match std::mem::replace(connection.end_mut(node), End::Closed) {
                    End::Open => true,
                    End::Opening => node == connection.opener,
                    End::Closed | End::Vanished => false,
                };
                if knew {
                    told.push((node, id));
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
            Upcoming::Syn { connection, .. } => self.syn(kernel, connection),
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
        let mut arrival = arrival_over(kernel, link);
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
        let end = one.end_of(to);
        let state = delivery(&self.links, self.nodes, &self.hosts, one, direction);
        let stream = one.stream_mut(direction);
        stream.release(segment);
        if stream.was_still_inside(kernel, segment) {
            kernel.lose_all(from, [segment], LossReason::SenderLostPower);
            return None;
        }
        if state == Delivery::Forgotten {
            kernel.lose_all(from, [segment], LossReason::ConnectionGone);
            return None;
        }
        if state == Delivery::Unanswered || stream.is_blocked_before(segment) {
            hit_cuts(kernel, &self.links, self.nodes, end, [from, to]);
            if stream.power_lost_at.is_some() {
                // Nobody is left to send it again.
                kernel.lose_all(from, [segment], LossReason::SenderLostPower);
            } else {
                block(kernel, stream, connection, direction, from, segment);
            }
            return None;
        }
        if state == Delivery::Reset {
            kernel.lose_all(from, [segment], LossReason::ConnectionGone);
            self.send_reset(kernel, connection, from);
            return None;
        }
        if let Some(until) = stream.hold_back(kernel.now, segment) {
            kernel.queue.push(until, Upcoming::Arrival { connection, direction, segment });
            return None;
        }
        match segment {
            Segment::Open => self.complete(kernel, connection, from, to),
            Segment::Message(message) => Some((to, Handover::Message { connection, message })),
            Segment::Fin => self.end(connection, to, CloseReason::ByPeer),
        }
    }

    /// The handshake is complete at the listener, if somebody still listens there.
    fn complete(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
        opener: NodeId,
        listener: NodeId,
    ) -> Option<(NodeId, Handover)> {
        let listening = self.host(listener).listening;
        let end = self.connection(connection)?.end_mut(listener);
        *end = if listening { End::Open } else { End::Closed };
        if !listening {
            self.send_reset(kernel, connection, opener);
            return None;
        }
        Some((listener, Handover::Accepted { connection, peer: opener }))
    }

    fn retransmit(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
        direction: Direction,
    ) -> Option<(NodeId, Handover)> {
        let one = self.connections.get_mut(connection.0 as usize)?.as_mut()?;
        let (from, to) = one.ends_of(direction);
        let end = one.end_of(to);
        let state = delivery(&self.links, self.nodes, &self.hosts, one, direction);
        let stream = one.stream_mut(direction);
        if !stream.is_blocked() {
            return None;
        }
        if state == Delivery::Forgotten {
            kernel.lose_all(from, stream.unblock(), LossReason::ConnectionGone);
            return None;
        }
        if stream.attempts == MAX_RETRANSMISSIONS {
            kernel.lose_all(from, stream.unblock(), LossReason::GaveUp);
            return self.end(connection, from, CloseReason::TimedOut);
        }
        if state == Delivery::Unanswered {
            hit_cuts(kernel, &self.links, self.nodes, end, [from, to]);
            stream.attempts += 1;
            let at = kernel.now + stream.timeout();
            kernel.queue.push(at, Upcoming::Retransmission { connection, direction });
            return None;
        }
        let waiting = stream.unblock();
        for segment in &waiting {
            self.transmit(kernel, connection, direction, *segment);
        }
        let stream = self.connection(connection)?.stream_mut(direction);
        if let Some(last) = waiting.back() {
            stream.resent(*last);
        }
        None
    }

    /// Sends a reset to a host, behind all that is under way to it. One that meets a cut is gone;
    /// one that is on its way arrives.
    fn send_reset(&mut self, kernel: &mut Kernel, connection: ConnectionId, to: NodeId) {
        let Some(one) = self.connection(connection) else {
            return;
        };
        let from = one.peer_of(to);
        let direction = one.direction_from(from);
        let behind = one.stream_mut(direction).last_arrival;
        let link = self.link(LinkId { from, to });
        if link.is_cut() {
            kernel.hit(&link.cuts);
            return;
        }
        let at = arrival_over(kernel, link).max(behind);
        kernel.queue.push(at, Upcoming::ResetArrival { connection, node: to });
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
        (one.syn_attempt, one.syn_sent_at) = (attempt, kernel.now);
        let link = self.link(LinkId { from: opener, to: listener });
        if link.is_cut() {
            kernel.hit(&link.cuts);
            return self.expect_no_answer(kernel, connection);
        }
        let at = arrival_over(kernel, link);
        kernel.queue.push(at, Upcoming::Syn { connection, attempt });
        None
    }

    /// A request, or the answer to it, is lost: the opener's kernel sends it again in time.
    fn expect_no_answer(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
    ) -> Option<(NodeId, Handover)> {
        let one = self.connection(connection)?;
        let at = one.syn_sent_at + SYN_TIMEOUT * (1 << one.syn_attempt);
        let again = Upcoming::SynAttempt { connection, attempt: one.syn_attempt + 1 };
        kernel.queue.push(at.max(kernel.now), again);
        None
    }

    /// A request for a connection has reached the listener's kernel, which answers by itself: a
    /// paused process is no hindrance.
    fn syn(&mut self, kernel: &mut Kernel, connection: ConnectionId) -> Option<(NodeId, Handover)> {
        let one = self.connection(connection)?;
        let (opener, listener) = (one.opener, one.listener);
        if one.end_of(opener) != End::Opening {
            // The opener has given up. It would refuse the answer, and nobody here would know.
            return None;
        }
        let HostState { powered, listening } = *self.host(listener);
        let (there, back) =
            (LinkId { from: opener, to: listener }, LinkId { from: listener, to: opener });
        for link in [there, back] {
            if !powered || self.link(link).is_cut() {
                kernel.hit(&self.link(link).cuts);
                return self.expect_no_answer(kernel, connection);
            }
        }
        if listening {
            self.connection(connection)?.begin_handshake();
        }
        let at = arrival_over(kernel, self.link(back));
        kernel.queue.push(at, Upcoming::SynAck { connection, accepted: listening });
        None
    }

    fn syn_ack(
        &mut self,
        kernel: &mut Kernel,
        connection: ConnectionId,
        accepted: bool,
    ) -> Option<(NodeId, Handover)> {
        let one = self.connection(connection)?;
        let (opener, listener) = (one.opener, one.listener);
        if one.end_of(opener) != End::Opening {
            return None;
        }
        let link = self.link(LinkId { from: listener, to: opener });
        if link.is_cut() {
            kernel.hit(&link.cuts);
            return self.expect_no_answer(kernel, connection);
        }
        if !accepted {
            return self.end(connection, opener, CloseReason::Refused);
        }
        *self.connection(connection)?.end_mut(opener) = End::Open;
        self.transmit(kernel, connection, Direction::Forth, Segment::Open);
        Some((opener, Handover::Connected { connection }))
    }

    fn knows(&self, node: NodeId) -> bool {
        usize::from(node.0) < self.nodes
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

/// What becomes of a segment at the receiving host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery {
    /// It is taken.
    Open,
    /// Nothing comes back, neither an acknowledgement nor a reset: it is to be sent again.
    Unanswered,
    /// The host has no such connection, and says so.
    Reset,
    /// Nobody waits for an answer any more.
    Forgotten,
}

fn delivery(
    links: &[Link],
    nodes: usize,
    hosts: &[HostState],
    one: &Connection,
    direction: Direction,
) -> Delivery {
    let (from, to) = one.ends_of(direction);
    let (from_place, to_place) = (usize::from(from.0), usize::from(to.0));
    let is_there = !matches!(one.end_of(to), End::Closed | End::Vanished);
    if one.reset || (!is_there && one.end_of(from) != End::Open) {
        Delivery::Forgotten
    } else if links[from_place * nodes + to_place].is_cut() || !hosts[to_place].powered {
        Delivery::Unanswered
    } else if is_there {
        Delivery::Open
    } else if links[to_place * nodes + from_place].is_cut() {
        Delivery::Unanswered
    } else {
        Delivery::Reset
    }
}

/// Counts a segment that gets no answer against the cuts that are the reason: those of its own
/// way, or those of the reset's, where the receiving end is gone.
fn hit_cuts(kernel: &mut Kernel, links: &[Link], nodes: usize, end: End, way: [NodeId; 2]) {
    let [from, to] = way.map(|node| usize::from(node.0));
    kernel.hit(&links[from * nodes + to].cuts);
    if matches!(end, End::Closed | End::Vanished) {
        kernel.hit(&links[to * nodes + from].cuts);
    }
}

/// When what leaves now arrives at the other end of a link.
#[inline]
fn arrival_over(kernel: &mut Kernel, link: &mut Link) -> SimTime {
    let mut arrival = link.arrival(kernel.now);
    for (fault, by) in &link.delays {
        arrival = arrival + *by;
        kernel.hit(&[*fault]);
    }
    arrival
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
    let hold = holds.remove(place);
    kernel.hit(&[hold.fault]);
    kernel.record(None, from, Event::Held(message));
    Some(hold.until.unwrap_or(SimTime::from_nanos(u64::MAX)))
}

/// A stream's segments that wait to be retransmitted.
type Waiting = VecDeque<Segment>;
