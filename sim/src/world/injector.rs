//! Fault plans, from names to numbers: when each fault begins, and what came of it.
//!
//! A fault has *fired* when it may have made a difference; one that has not can be left out, and
//! the same things happen to every process. That is decided as follows:
//!
//! | fault | fires when |
//! |---|---|
//! | `pause` | something came while the process was paused, and waited: a message, the news of a connection, a timer that is still set, a disk operation; or it kept waiting what the end of another pause would have let go |
//! | `crash` | there was a process; or it kept one down that another fault would have restarted |
//! | `power-loss` | the host was powered; or it kept it down as a crash does |
//! | `partition`, `one-way-partition`, `delay`, `hold-message` | it met something on its way |
//! | `drop-connection` | there was a connection |
//! | `clock-jump` | the process handled an input while the clock was wrong |
//! | `clock-drift` | a timer was set, which is due at another moment then; or the process handled an input since: what a drift has moved stays moved |
//! | `slow-disk` | an operation was asked for while it lasted |
//! | `failover` | the process was there and was told, sooner or later; it need not have obeyed |
//!
//! A clock fault that begins on a host without power, changes nothing or lasts no time does
//! nothing. A user's own tasks sleep and read the clock where the world does not see it: for them a
//! pause or a clock fault counts as fired when it begins. A fault that its trigger never started
//! has not fired.

use std::time::Duration;

use fencepost_faults::{Action, Fault, Groups, Plan, Start};
use fencepost_models::machine::NodeId;

use super::history::{FaultId, History, RecordId};
use super::network::LinkId;
use super::time::SimTime;

/// A fault names a node that the world does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{fault}`: there is no node `{node}` (there are: {known})")]
#[non_exhaustive]
pub struct UnknownNode {
    /// The fault.
    pub fault: String,
    /// The name.
    pub node: String,
    /// The names that there are.
    pub known: String,
}

/// What came of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaultOutcome {
    /// The fault.
    pub fault: Fault,
    /// When it began; `None` when its moment never came.
    pub began_at: Option<SimTime>,
    /// It happened, and not in vain: something waited in a pause, a partition met a message, a slow
    /// disk was used. What did not fire made no difference.
    pub fired: bool,
    /// How many messages, connections, inputs or disk operations it hit.
    pub hits: u64,
}

/// A fault with its names resolved.
pub struct Armed {
    pub fault: Fault,
    pub nodes: Vec<NodeId>,
    pub links: Vec<LinkId>,
    pub began_at: Option<SimTime>,
    /// The record of its begin: the cause of what it does.
    pub record: Option<RecordId>,
    pub fired: bool,
    /// It will not begin, for the run has gone on otherwise than it did.
    pub called_off: bool,
    /// It has ended, by itself or because somebody wanted it to.
    pub has_ended: bool,
    /// How many of the trigger's notes are still to come; `None` once it has been pulled.
    waiting_for: Option<u32>,
    trigger_node: Option<NodeId>,
}

/// The plan of a run.
#[derive(Default)]
pub struct Injector {
    pub faults: Vec<Armed>,
    /// How many triggers are still to be pulled.
    waiting: usize,
}

impl Injector {
    pub fn new(plan: &Plan, names: &[String]) -> Result<Self, UnknownNode> {
        let faults: Result<Vec<_>, _> = plan.iter().map(|fault| arm(fault, names)).collect();
        let faults = faults?;
        let waiting = faults.iter().filter(|fault| fault.waiting_for.is_some()).count();
        Ok(Self { faults, waiting })
    }

    /// The faults that begin at a fixed time.
    pub fn fixed(&self) -> impl Iterator<Item = (FaultId, SimTime)> {
        self.faults.iter().enumerate().filter_map(|(place, armed)| match armed.fault.start {
            Start::At(at) => Some((FaultId(place as u32), SimTime::after(at))),
            Start::When(_) => None,
        })
    }

    /// Some trigger is still to be pulled.
    #[inline]
    pub fn waits(&self) -> bool {
        self.waiting > 0
    }

    /// A node has written a note of that kind: the faults that it starts, and after how long.
    pub fn on_note(&mut self, node: NodeId, kind: &str) -> Vec<(FaultId, Duration)> {
        let mut pulled = Vec::new();
        for (place, armed) in self.faults.iter_mut().enumerate() {
            if armed.is_pulled_by(node, kind)
                && let Start::When(trigger) = &armed.fault.start
            {
                self.waiting -= 1;
                pulled.push((FaultId(place as u32), trigger.after));
            }
        }
        pulled
    }

    /// Calls off all faults from that place on that have not begun.
    pub fn call_off(&mut self, from: usize) {
        for armed in self.faults.iter_mut().skip(from).filter(|armed| armed.began_at.is_none()) {
            armed.called_off = true;
            self.waiting -= usize::from(armed.waiting_for.take().is_some());
        }
    }

    /// Adds a fault.
    pub fn add(&mut self, armed: Armed) {
        self.waiting += usize::from(armed.waiting_for.is_some());
        self.faults.push(armed);
    }

    pub fn outcomes(&self, hits: &[u64]) -> Vec<FaultOutcome> {
        let numbered = self.faults.iter().zip(hits);
        numbered
            .map(|(armed, hits)| FaultOutcome {
                fault: armed.fault.clone(),
                began_at: armed.began_at,
                fired: armed.fired || *hits > 0,
                hits: *hits,
            })
            .collect()
    }
}

impl Armed {
    /// Lets what has been noted so far pull the trigger: when the fault begins, if something has.
    pub fn pulled_in(&mut self, history: &History) -> Option<SimTime> {
        let mut notes = history.notes();
        let (_, record, _) =
            notes.find(|(_, record, note)| self.is_pulled_by(record.node, note.kind()))?;
        match &self.fault.start {
            Start::When(trigger) => Some(record.at + trigger.after),
            Start::At(_) => None,
        }
    }

    /// A node has written a note of that kind: whether it is the one that the fault's trigger waits for.
    pub fn is_pulled_by(&mut self, node: NodeId, kind: &str) -> bool {
        let Start::When(trigger) = &self.fault.start else {
            return false;
        };
        let Some(left) = self.waiting_for else {
            return false;
        };
        if trigger.event != kind || self.trigger_node.is_some_and(|wanted| wanted != node) {
            return false;
        }
        self.waiting_for = left.checked_sub(1).filter(|left| *left > 0);
        self.waiting_for.is_none()
    }
}

fn arm(fault: &Fault, names: &[String]) -> Result<Armed, UnknownNode> {
    let find = |name: &str| -> Result<NodeId, UnknownNode> {
        let place = names.iter().position(|known| known == name);
        place.map(|place| NodeId(place as u16)).ok_or_else(|| UnknownNode {
            fault: fault.to_string(),
            node: name.to_owned(),
            known: names.join(", "),
        })
    };
    let nodes: Result<Vec<_>, _> = fault.action.nodes().into_iter().map(find).collect();
    let nodes = nodes?;
    let links = links(&fault.action, &nodes, names.len());
    let (waiting_for, trigger_node) = match &fault.start {
        Start::At(_) => (None, None),
        Start::When(trigger) => {
            (Some(trigger.nth.max(1)), trigger.node.as_deref().map(find).transpose()?)
        }
    };
    Ok(Armed {
        fault: fault.clone(),
        nodes,
        links,
        began_at: None,
        record: None,
        fired: false,
        called_off: false,
        has_ended: false,
        waiting_for,
        trigger_node,
    })
}

/// The links, one way each, that an action is about. `nodes` are those that it names, in order.
fn links(action: &Action, nodes: &[NodeId], all: usize) -> Vec<LinkId> {
    let between = |groups: &Groups, both_ways: bool| {
        let (one, named) = nodes.split_at(groups.one.len());
        let rest: Vec<NodeId>;
        let other = if named.is_empty() {
            rest = (0..all as u16).map(NodeId).filter(|node| !one.contains(node)).collect();
            &rest
        } else {
            named
        };
        let pairs = one.iter().flat_map(|from| other.iter().map(|to| (*from, *to)));
        let mut links = Vec::new();
        for (from, to) in pairs.filter(|(from, to)| from != to) {
            let back = both_ways.then_some(LinkId { from: to, to: from });
            for link in [LinkId { from, to }].into_iter().chain(back) {
                // A node may stand on both sides: its links are still hit once.
                if !links.contains(&link) {
                    links.push(link);
                }
            }
        }
        links
    };
    match action {
        Action::Partition(groups) | Action::Delay { groups, .. } => between(groups, true),
        Action::OneWayPartition(groups) | Action::DropConnection(groups) => between(groups, false),
        Action::HoldMessage { .. } => vec![LinkId { from: nodes[0], to: nodes[1] }],
        _ => Vec::new(),
    }
}
