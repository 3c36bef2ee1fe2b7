//! What lasts for a while: beliefs, locks on servers, pauses, cuts, wrong clocks.

use std::collections::BTreeMap;

use fencepost_faults::{Action, show_signed};
use fencepost_models::machine::NodeId;
use fencepost_models::note::Note;
use serde::{Serialize, Serializer};

use super::lanes::{Lane, Part};
use crate::report::telling::{Cell, Glyph, State};
use crate::world::history::{Event, FaultId, Record, RecordId, SignedNanos};

/// On which line of a lane something is drawn: what is on one line follows one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Track {
    /// Whether the process runs.
    Process,
    /// What a client believes, whose a lock is on a server.
    Lock,
    /// Stock and orders.
    Books,
    /// What ails a node that runs.
    Trouble,
}

/// Something that lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The lane's place.
    pub lane: usize,
    /// The line of the lane.
    pub track: Track,
    /// What it is.
    pub sign: &'static str,
    /// The first record after which it is so.
    pub from: RecordId,
    /// The first after which it is so no more, if there is one.
    pub to: Option<RecordId>,
    /// The client whose it is, by its number; 0 for nobody's.
    pub owner: usize,
    /// In words.
    pub label: String,
}

impl Serialize for Span {
    /// As a list, which is short.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { lane, track, sign, from, to, owner, label } = self;
        let to = to.map_or(-1, |to| i64::from(to.0));
        (lane, track, sign, from, to, owner, label).serialize(serializer)
    }
}

/// A while in which two believe that they hold one lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    from: RecordId,
    to: Option<RecordId>,
}

impl Serialize for Overlap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields {
            from: RecordId,
            to: i64,
        }
        let to = self.to.map_or(-1, |to| i64::from(to.0));
        Fields { from: self.from, to }.serialize(serializer)
    }
}

/// What is on a line at a moment: sign, owner, words.
type Now = (&'static str, usize, String);

/// The spans of a run, followed record by record.
#[derive(Debug)]
pub struct Spans<'l> {
    lanes: &'l [Lane],
    open: BTreeMap<(usize, Track), (RecordId, Now)>,
    spans: Vec<Span>,
    overlap: Option<RecordId>,
    overlaps: Vec<Overlap>,
    tokens: BTreeMap<NodeId, u64>,
    clocks: BTreeMap<NodeId, (i64, i32)>,
    cuts: BTreeMap<FaultId, Vec<(NodeId, String)>>,
}

impl<'l> Spans<'l> {
    /// Nothing has happened.
    pub const fn new(lanes: &'l [Lane]) -> Self {
        Self {
            lanes,
            open: BTreeMap::new(),
            spans: Vec::new(),
            overlap: None,
            overlaps: Vec::new(),
            tokens: BTreeMap::new(),
            clocks: BTreeMap::new(),
            cuts: BTreeMap::new(),
        }
    }

    /// Takes in the state after a record.
    pub fn follow(&mut self, state: &State<'_>, id: RecordId, record: &Record) {
        // The commonest events, which change nothing that lasts.
        if matches!(record.event, Event::Sent(_) | Event::Delivered(_) | Event::TimerFired) {
            return;
        }
        self.take_in(state, record);
        let lanes = self.lanes;
        for (place, lane) in lanes.iter().enumerate() {
            self.set((place, Track::Process), id, process(state, lane.node));
            self.set((place, Track::Lock), id, self.lock(state, lane));
            self.set((place, Track::Trouble), id, self.trouble(lane.node));
        }
        let clients = lanes.iter().filter(|lane| lane.part == Part::Client);
        let doubly = clients.filter(|lane| state.belief(lane.node) == Glyph::Doubly).count() > 0;
        match (doubly, self.overlap) {
            (true, None) => self.overlap = Some(id),
            (false, Some(from)) => {
                self.overlaps.push(Overlap { from, to: Some(id) });
                self.overlap = None;
            }
            _ => {}
        }
    }

    /// All spans, in the order of their lanes, and all overlaps.
    pub fn end(mut self) -> (Vec<Span>, Vec<Overlap>) {
        for (key, open) in std::mem::take(&mut self.open) {
            self.close(key, open, None);
        }
        self.overlaps.extend(self.overlap.map(|from| Overlap { from, to: None }));
        self.spans.sort_by_key(|span| (span.track, span.lane, span.from));
        (self.spans, self.overlaps)
    }

    fn take_in(&mut self, state: &State<'_>, record: &Record) {
        let clock = self.clocks.entry(record.node).or_default();
        match record.event {
            Event::ClockJumped { by_nanos: SignedNanos(by) } => {
                clock.0 = clock.0.saturating_add(by)
            }
            Event::ClockDrifts { ppm } => clock.1 = ppm,
            Event::FaultBegan(fault) => {
                if let Some(cut) = state.action(fault).and_then(|action| cut_off(state, action)) {
                    self.cuts.insert(fault, cut);
                }
            }
            Event::FaultEnded(fault) => {
                self.cuts.remove(&fault);
            }
            Event::Noted(note) => {
                if let Note::Acquired { token, .. } = state.history().note(note) {
                    match token {
                        Some(token) => self.tokens.insert(record.node, *token),
                        None => self.tokens.remove(&record.node),
                    };
                }
            }
            _ => {}
        }
    }

    fn set(&mut self, key: (usize, Track), id: RecordId, now: Option<Now>) {
        if self.open.get(&key).map(|(_, before)| before) == now.as_ref() {
            return;
        }
        if let Some(open) = self.open.remove(&key) {
            self.close(key, open, Some(id));
        }
        if let Some(now) = now {
            self.open.insert(key, (id, now));
        }
    }

    fn close(&mut self, key: (usize, Track), open: (RecordId, Now), to: Option<RecordId>) {
        let ((lane, track), (from, (sign, owner, label))) = (key, open);
        // What is over at the record at which it began never was.
        if to != Some(from) {
            self.spans.push(Span { lane, track, sign, from, to, owner, label });
        }
    }

    /// What a client believes, or whose the lock is on a server.
    fn lock(&self, state: &State<'_>, lane: &Lane) -> Option<Now> {
        match lane.part {
            Part::Client => self.belief(state, lane),
            Part::Server => match state.lock_on(lane.node) {
                Cell::Owner(number) => {
                    let client = self.lanes.iter().find(|lane| lane.number == number);
                    let name = client.map_or("?", |lane| state.name(lane.node));
                    Some(("owner", number, format!("the lock is {name}'s")))
                }
                Cell::Sign(Glyph::Stranger) => {
                    Some(("stranger", 0, "the lock is a stranger's".to_owned()))
                }
                Cell::Sign(Glyph::Looks) => Some(("looks", 0, "looks for a leader".to_owned())),
                Cell::Sign(Glyph::Follows) => Some(("follows", 0, "follows".to_owned())),
                Cell::Sign(_) if state.ensemble().role(lane.node).is_some() => {
                    Some(("leads", 0, "leads".to_owned()))
                }
                Cell::Sign(_) => None,
            },
            Part::Store | Part::Other => None,
        }
    }

    fn belief(&self, state: &State<'_>, lane: &Lane) -> Option<Now> {
        let token = self.tokens.get(&lane.node);
        let holds = || match token {
            Some(token) => format!("holds it, token {token}"),
            None => "holds it".to_owned(),
        };
        match state.belief(lane.node) {
            Glyph::Holds => Some(("holds", lane.number, holds())),
            Glyph::Doubly => Some(("doubly", lane.number, holds())),
            Glyph::Waits => Some(("waits", lane.number, "waits for it".to_owned())),
            Glyph::Reads => Some(("reads", 0, "has read the stock".to_owned())),
            _ => None,
        }
    }

    /// What ails a node, all of it.
    fn trouble(&self, node: NodeId) -> Option<Now> {
        let cuts = self.cuts.values().flatten().filter(|(cut, _)| *cut == node);
        let mut said: Vec<String> = cuts.map(|(_, how)| how.clone()).collect();
        let sign = if said.is_empty() { "clock" } else { "cut" };
        said.extend(self.clocks.get(&node).and_then(|clock| clock_is(*clock)));
        (!said.is_empty()).then(|| (sign, 0, said.join("; ")))
    }
}

fn process(state: &State<'_>, node: NodeId) -> Option<Now> {
    match state.failure(node)? {
        Glyph::Paused => Some(("paused", 0, "paused".to_owned())),
        _ if state.has_no_power(node) => Some(("down", 0, "without power".to_owned())),
        _ => Some(("down", 0, "down".to_owned())),
    }
}

/// How wrong a clock is, if it is.
fn clock_is((offset_nanos, ppm): (i64, i32)) -> Option<String> {
    let offset = show_signed(offset_nanos);
    match (offset_nanos, ppm) {
        (0, 0) => None,
        (_, 0) => Some(format!("clock {offset}")),
        (0, ppm) => Some(format!("clock {ppm:+} ppm")),
        (_, ppm) => Some(format!("clock {offset}, {ppm:+} ppm")),
    }
}

/// Whom a fault cuts off, and from whom, if it cuts.
fn cut_off(state: &State<'_>, action: &Action) -> Option<Vec<(NodeId, String)>> {
    let (Action::Partition(groups) | Action::OneWayPartition(groups)) = action else { return None };
    let node = |name: &String| {
        let place = state.history().nodes.iter().position(|known| known == name)?;
        u16::try_from(place).ok().map(NodeId)
    };
    let everybody =
        || state.history().nodes.iter().filter(|name| !groups.one.contains(name)).cloned();
    let other: Vec<String> =
        if groups.other.is_empty() { everybody().collect() } else { groups.other.clone() };
    let named = |names: &[String], given: &[String]| match given {
        [] => "everybody else".to_owned(),
        _ => names.join(", "),
    };
    let (to_one, to_other) = (groups.one.join(", "), named(&other, &groups.other));
    let (said_of_one, said_of_other) = match action {
        Action::OneWayPartition(_) => {
            (format!("nothing gets to {to_other}"), format!("nothing comes from {to_one}"))
        }
        _ => (format!("cut off from {to_other}"), format!("cut off from {to_one}")),
    };
    let ones = groups.one.iter().filter_map(node).map(|node| (node, said_of_one.clone()));
    let others = other.iter().filter_map(node).map(|node| (node, said_of_other.clone()));
    Some(ones.chain(others).collect())
}
