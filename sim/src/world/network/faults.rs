//! What faults do to the network.

use std::collections::BTreeSet;
use std::time::Duration;

use fencepost_models::machine::{ConnectionId, NodeId};

use super::{LinkId, Network};
use crate::world::history::{Event, FaultId, MessageId};
use crate::world::kernel::Kernel;
use crate::world::time::SimTime;

impl Network {
    /// Cuts a link, one way.
    pub fn cut(&mut self, link: LinkId, fault: FaultId) {
        self.links.way_mut(link.from, link.to).cuts.push(fault);
    }

    /// Heals what [`Network::cut`] did.
    pub fn heal(&mut self, link: LinkId, fault: FaultId) {
        self.links.way_mut(link.from, link.to).cuts.retain(|one| *one != fault);
    }

    /// Adds to a link's latency, one way.
    pub fn slow(&mut self, link: LinkId, fault: FaultId, by: Duration) {
        self.links.way_mut(link.from, link.to).delays.push((fault, by));
    }

    /// Undoes [`Network::slow`].
    pub fn speed_up(&mut self, link: LinkId, fault: FaultId) {
        self.links.way_mut(link.from, link.to).delays.retain(|(one, _)| *one != fault);
    }

    /// Holds the next message of that name until a moment; for ever without one.
    pub fn hold(
        &mut self,
        fault: FaultId,
        link: LinkId,
        name: Option<String>,
        until: Option<SimTime>,
    ) {
        self.holds.0.push(Hold { fault, link, name, until });
    }

    /// Stops waiting for a message to hold.
    pub fn stop_holding(&mut self, fault: FaultId) {
        self.holds.0.retain(|hold| hold.fault != fault);
    }

    /// Resets the connections over these links, as a middlebox does that has lost its state.
    /// Returns how many there were.
    ///
    /// The news is on its way to both ends when this returns, and arrives at this very moment:
    /// what a process does about the loss of one connection, it does before it hears of the next.
    pub fn drop_connections(&mut self, kernel: &mut Kernel, links: &[LinkId]) -> usize {
        let live = links.iter().map(|link| self.connections.live_between(link.from, link.to));
        let dropped: BTreeSet<ConnectionId> = live.flatten().collect();
        for connection in &dropped {
            self.sever(kernel, *connection);
        }
        dropped.len()
    }
}

/// The faults that wait for a message to hold, in the order in which they began.
#[derive(Default)]
pub(super) struct Holds(Vec<Hold>);

struct Hold {
    fault: FaultId,
    link: LinkId,
    name: Option<String>,
    until: Option<SimTime>,
}

impl Holds {
    /// The moment until which a message is held, if a fault has waited for it.
    #[inline]
    pub fn take(
        &mut self,
        kernel: &mut Kernel,
        from: NodeId,
        to: NodeId,
        message: MessageId,
    ) -> Option<SimTime> {
        if self.0.is_empty() {
            return None;
        }
        let name = kernel.history.message(message).message.name().into_owned();
        let place = self.0.iter().position(|hold| {
            let named = hold.name.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(&name));
            hold.link == LinkId { from, to } && named
        })?;
        let hold = self.0.remove(place);
        kernel.hit(&[hold.fault]);
        kernel.record(None, from, Event::Held(message));
        Some(hold.until.unwrap_or(SimTime::from_nanos(u64::MAX)))
    }
}
