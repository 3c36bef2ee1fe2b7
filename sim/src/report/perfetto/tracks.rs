//! The tracks of a trace, and which slices can share one.

use fencepost_models::machine::NodeId;

use crate::world::SimTime;
use crate::world::history::FaultId;

/// What is a process of the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Run,
    Node(NodeId),
}

/// A track: a thread of the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Track {
    Violations,
    Fault(FaultId),
    Believes {
        node: NodeId,
        thread: u32,
        lane: u32,
    },
    Process(NodeId),
    Messages(NodeId),
    Network(NodeId),
    Notes(NodeId),
    /// No track, but what belongs to the whole node.
    Node(NodeId),
}

impl Track {
    pub const fn place(self) -> Place {
        match self {
            Self::Violations | Self::Fault(_) => Place::Run,
            Self::Believes { node, .. }
            | Self::Process(node)
            | Self::Messages(node)
            | Self::Network(node)
            | Self::Notes(node)
            | Self::Node(node) => Place::Node(node),
        }
    }

    pub fn name(self) -> String {
        match self {
            Self::Violations => "violations".to_owned(),
            Self::Fault(FaultId(id)) => format!("fault {}", u64::from(id) + 1),
            Self::Believes { thread, lane, .. } => {
                let thread = if thread > 0 { format!(", thread {thread}") } else { String::new() };
                let lane = if lane > 0 { format!(" ({})", lane + 1) } else { String::new() };
                format!("believes{thread}{lane}")
            }
            Self::Process(_) => "process".to_owned(),
            Self::Messages(_) => "messages".to_owned(),
            Self::Network(_) => "network".to_owned(),
            Self::Notes(_) => "notes".to_owned(),
            Self::Node(_) => "counters".to_owned(),
        }
    }

    /// Its place among those of its process.
    pub const fn index(self) -> u32 {
        match self {
            Self::Violations => 0,
            Self::Fault(FaultId(id)) => id.saturating_add(1),
            Self::Believes { .. } => 0,
            Self::Process(_) => 1,
            Self::Messages(_) => 2,
            Self::Network(_) => 3,
            Self::Notes(_) => 4,
            Self::Node(_) => 5,
        }
    }
}

/// Shares spans out to lanes, so that of two in one lane one lies within the other, or they do not overlap. They come in
/// the order of their begins; each gets the first lane that it fits into.
pub fn nest(spans: impl Iterator<Item = (SimTime, SimTime)>) -> Vec<u32> {
    // Until when the spans last that are open in each lane, the innermost last.
    let mut lanes: Vec<Vec<SimTime>> = Vec::new();
    let place = |(from, until): (SimTime, SimTime)| {
        for open in &mut lanes {
            while open.last().is_some_and(|end| *end <= from) {
                open.pop();
            }
        }
        let fits = |open: &Vec<SimTime>| open.last().is_none_or(|end| until <= *end);
        let lane = lanes.iter().position(fits).unwrap_or_else(|| {
            lanes.push(Vec::new());
            lanes.len() - 1
        });
        lanes[lane].push(until);
        lane as u32
    };
    spans.map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(spans: &[(u64, u64)]) -> Vec<u32> {
        let time = SimTime::from_nanos;
        nest(spans.iter().map(|(from, until)| (time(*from), time(*until))))
    }

    #[test]
    fn spans_that_follow_or_contain_each_other_share_a_lane() {
        assert_eq!(lanes(&[(0, 5), (5, 9), (10, 20), (11, 19), (12, 13), (14, 19)]), [0; 6]);
    }

    #[test]
    fn spans_that_overlap_otherwise_do_not() {
        assert_eq!(lanes(&[(0, 5), (3, 8), (4, 5), (6, 7), (6, 9), (8, 9)]), [0, 1, 0, 0, 2, 0]);
        assert_eq!(lanes(&[(0, 5), (0, 7)]), [0, 1]);
    }

    #[test]
    fn a_span_may_take_no_time() {
        assert_eq!(lanes(&[(3, 3), (3, 3), (3, 8), (8, 8)]), [0; 4]);
    }
}
