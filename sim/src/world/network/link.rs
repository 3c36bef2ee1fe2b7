//! The links, each one way: how long messages take on one, and what faults do to it.

use std::time::Duration;

use fencepost_models::machine::NodeId;
use fencepost_models::random::Random;
use fencepost_models::time::nanos;

use crate::world::history::FaultId;
use crate::world::kernel::Kernel;
use crate::world::streams::Purpose;
use crate::world::time::SimTime;

/// A link, one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkId {
    /// From whom.
    pub from: NodeId,
    /// To whom.
    pub to: NodeId,
}

/// How long messages take. Drawn for each message from the link's own random stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Latency {
    /// Always the same.
    Fixed(Duration),
    /// Evenly between the two.
    Uniform {
        /// The shortest.
        min: Duration,
        /// The longest.
        max: Duration,
    },
    /// At least `min`, and an exponentially distributed rest: a usual one is short, a few are long.
    Exponential {
        /// The shortest.
        min: Duration,
        /// The mean of what is added to it.
        mean_rest: Duration,
    },
    /// Evenly between `min` and `max`; but one message in `one_in` meets a spike (a full queue, a
    /// route that flaps) and takes evenly between `spike_min` and `spike_max`.
    Spiky {
        /// The shortest usual one.
        min: Duration,
        /// The longest usual one.
        max: Duration,
        /// The shortest spike.
        spike_min: Duration,
        /// The longest spike.
        spike_max: Duration,
        /// How many messages there are to one spike; no spikes when 0.
        one_in: u64,
    },
}

impl Latency {
    /// In nanoseconds: to make a [`Duration`] of them and take it apart again is a division and a
    /// multiplication per message.
    #[inline]
    fn draw(self, random: &mut Random) -> u64 {
        match self {
            Self::Fixed(latency) => nanos(latency),
            Self::Uniform { min, max } => random.range(nanos(min)..=nanos(max)),
            Self::Exponential { min, mean_rest } => {
                nanos(min).saturating_add(random.exponential_nanos(nanos(mean_rest)))
            }
            Self::Spiky { min, max, spike_min, spike_max, one_in } => {
                if one_in > 0 && random.ratio(1, one_in) {
                    random.range(nanos(spike_min)..=nanos(spike_max))
                } else {
                    random.range(nanos(min)..=nanos(max))
                }
            }
        }
    }
}

/// All links.
pub(super) struct Links {
    nodes: usize,
    /// One for each pair of nodes, those from one node side by side.
    links: Vec<Link>,
}

impl Links {
    /// The links among so many nodes, all with the same latency.
    pub fn new(nodes: usize, seed: u64, latency: Latency) -> Self {
        let node = |number: usize| NodeId(number as u16);
        let id = |place| LinkId { from: node(place / nodes), to: node(place % nodes) };
        let links = (0..nodes * nodes).map(|place| Link::new(seed, id(place), latency));
        Self { nodes, links: links.collect() }
    }

    /// Whether there is such a node.
    pub fn reach(&self, node: NodeId) -> bool {
        usize::from(node.0) < self.nodes
    }

    #[inline]
    pub fn way(&self, from: NodeId, to: NodeId) -> &Link {
        &self.links[usize::from(from.0) * self.nodes + usize::from(to.0)]
    }

    #[inline]
    pub fn way_mut(&mut self, from: NodeId, to: NodeId) -> &mut Link {
        &mut self.links[usize::from(from.0) * self.nodes + usize::from(to.0)]
    }
}

/// One of them, one way.
pub(super) struct Link {
    pub latency: Latency,
    /// The faults that cut it at present.
    pub cuts: Vec<FaultId>,
    /// The faults that slow it at present, and by how much.
    pub delays: Vec<(FaultId, Duration)>,
    seed: u64,
    stream: u64,
    /// Made at the first draw: most links of a large network are never used.
    random: Option<Box<Random>>,
}

impl Link {
    /// A link as it is before anything happens. Its stream depends on its two ends alone: a node
    /// more or less leaves the other links' draws as they are.
    fn new(seed: u64, id: LinkId, latency: Latency) -> Self {
        let stream = Purpose::Link.stream(u64::from(id.from.0), u32::from(id.to.0));
        Self { latency, cuts: Vec::new(), delays: Vec::new(), seed, stream, random: None }
    }

    #[inline]
    pub fn is_cut(&self) -> bool {
        !self.cuts.is_empty()
    }

    /// When what leaves now arrives.
    #[inline]
    pub fn arrival(&mut self, kernel: &mut Kernel) -> SimTime {
        let (seed, stream) = (self.seed, self.stream);
        let random = self.random.get_or_insert_with(|| Box::new(Random::new(seed, stream)));
        let mut arrival = kernel.now.plus_nanos(self.latency.draw(random));
        for (_, by) in &self.delays {
            arrival = arrival + *by;
        }
        for (fault, _) in &self.delays {
            kernel.slow(*fault, arrival);
        }
        arrival
    }
}
