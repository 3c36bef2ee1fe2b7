//! What lies between two rows of the timeline without a row of its own, counted.

use std::collections::BTreeMap;
use std::time::Duration;

use fencepost_models::machine::CloseReason;
use fencepost_models::message::Message;
use fencepost_models::note::Note;

use crate::report::telling::Glyph;
use crate::report::telling::Sentence;
use crate::report::telling::State;
use crate::report::words;
use crate::world::history::{Event, Record};

/// What is counted together: its place among the counts, first what a reader misses most; what one
/// is called, what several are.
type Unit = (u8, &'static str, &'static str);

/// So many counts are named; the others are added up, for a row is to be shorter than what it hides.
const MOST_PARTS: usize = 6;

/// What was not said between two rows.
#[derive(Clone, Debug, Default)]
pub struct Unsaid {
    counts: BTreeMap<Unit, u64>,
    /// There were records.
    has_records: bool,
    /// There were notes, whether or not a sentence tells them.
    has_notes: bool,
    /// There were sentences.
    has_sentences: bool,
}

impl Unsaid {
    /// Leaves out a sentence of a record.
    pub fn leave_out(&mut self, state: &State<'_>, record: &Record, said: &Sentence) {
        self.has_sentences = true;
        if said.mark == Some(Glyph::Violation) {
            self.count((0, "violation", "violations"));
        } else {
            self.enter(record);
            self.count(unit(state, record).unwrap_or((71, "other event", "other events")));
        }
    }

    /// Passes over a record that no row tells.
    pub fn pass_over(&mut self, state: &State<'_>, record: &Record) {
        self.enter(record);
        // The node that runs again tells it.
        let is_told = matches!(record.event, Event::FaultEnded(_));
        if let Some(unit) = unit(state, record).filter(|_| !is_told) {
            self.count(unit);
        }
    }

    /// Whether a sentence was left out: a reader is to be told, however short the time.
    pub const fn has_sentences(&self) -> bool {
        self.has_sentences
    }

    fn enter(&mut self, record: &Record) {
        self.has_records = true;
        self.has_notes |= matches!(record.event, Event::Noted(_));
    }

    fn count(&mut self, unit: Unit) {
        *self.counts.entry(unit).or_default() += 1;
    }

    /// In words; `passed` is the time between the two rows, `lanes_change` whether they differ.
    pub fn describe(&self, passed: Duration, lanes_change: bool) -> String {
        let counts = self.counts.iter();
        let mut parts: Vec<String> = counts
            .clone()
            .take(MOST_PARTS)
            .map(|((_, one, many), number)| words::count(*number, one, many))
            .collect();
        let more: u64 = counts.skip(MOST_PARTS).map(|(_, number)| number).sum();
        if more > 0 {
            parts.push(format!("{more} more"));
        }
        let (parts, passed) = (parts.join(", "), words::seconds(passed));
        let has_changes = self.has_sentences || self.has_notes || lanes_change;
        match (has_changes, self.has_records, parts.is_empty()) {
            (true, _, true) => format!("{passed} left out"),
            (true, _, false) => format!("{passed} left out: {parts}"),
            (false, false, _) => format!("{passed}: nothing happens"),
            (false, true, true) => format!("{passed}: nothing changes"),
            (false, true, false) => format!("{passed}: nothing changes ({parts})"),
        }
    }
}

/// What a record counts as. What belongs to another one that is counted counts as nothing: a
/// message is counted when it arrives; timers and disks, which run all the time, are not counted.
fn unit(state: &State<'_>, record: &Record) -> Option<Unit> {
    Some(match record.event {
        Event::Noted(note) => {
            let note = state.history().note(note);
            return state.ensemble().is_news(note).then(|| unit_of_note(state, note));
        }
        Event::FaultBegan(_) => (1, "fault", "faults"),
        Event::FaultEnded(_) => (2, "fault over", "faults over"),
        Event::Resumed => (3, "process running on", "processes running on"),
        Event::Started { incarnation: 1.. } => (4, "restart", "restarts"),
        Event::ConnectionLost { reason: CloseReason::Refused, .. } => {
            (30, "connection refused", "connections refused")
        }
        Event::ConnectionLost { reason: CloseReason::ByPeer, .. } => {
            (70, "connection closed", "connections closed")
        }
        Event::ConnectionLost { .. } => (31, "connection lost", "connections lost"),
        Event::Connecting { .. } => (69, "connection asked for", "connections asked for"),
        Event::Held(_) => (33, "message held back", "messages held back"),
        Event::Blocked(_) => (34, "message not getting through", "messages not getting through"),
        Event::Lost { .. } => (35, "message lost", "messages lost"),
        Event::Sent(message) => {
            let is_command = matches!(state.history().message(message).message, Message::Redis(_));
            if !is_command || !state.is_waiting(record.node) {
                return None;
            }
            (40, "poll", "polls")
        }
        Event::Delivered(_) => (41, "message", "messages"),
        _ => return None,
    })
}

fn unit_of_note(state: &State<'_>, note: &Note) -> Unit {
    match note {
        Note::Acquired { .. } => (10, "grant", "grants"),
        Note::WriteTaken { .. } => (11, "order taken", "orders taken"),
        // The order is counted when it is recorded.
        Note::StockWritten { .. } => (19, "write taken", "writes taken"),
        Note::OrderRecorded { .. } => (11, "order taken", "orders taken"),
        Note::OrderRepeated { .. } => (20, "order known already", "orders known already"),
        Note::RequestResent { .. } => (21, "request sent again", "requests sent again"),
        Note::LeaseOver { .. } => (23, "lease seen to be over", "leases seen to be over"),
        Note::LeaseChecked { .. } => (59, "look at a lease", "looks at leases"),
        Note::Fenced { .. } => (12, "request refused", "requests refused"),
        Note::LockLost { .. } => (13, "lock lost", "locks lost"),
        Note::Abandoned { .. } => (15, "hold abandoned", "holds abandoned"),
        Note::KeyExpired { .. } => (14, "key expired", "keys expired"),
        Note::KeyEvicted { .. } => (19, "key evicted", "keys evicted"),
        Note::OrderPlaced { .. } => (60, "order confirmed", "orders confirmed"),
        Note::OrderRefused { .. } => (16, "order given up", "orders given up"),
        Note::OrderUnknown { .. } => (17, "order without an answer", "orders without an answer"),
        Note::SoldOut { .. } => (18, "buyer leaving", "buyers leaving"),
        Note::Acquiring { .. } => (61, "begin of a wait", "begins of a wait"),
        Note::GaveUp { .. } => (19, "wait given up", "waits given up"),
        Note::Releasing { .. } => (62, "release", "releases"),
        Note::Released { .. } => (63, "answer to a release", "answers to releases"),
        Note::StockInitial { .. } => (22, "opening", "openings"),
        Note::StockServed { .. } => (64, "read served", "reads served"),
        Note::StockSeen { .. } => (65, "stock seen", "stocks seen"),
        Note::KeySet { key, .. } if state.cast.locks.contains(key) => (66, "key set", "keys set"),
        Note::KeySet { .. } => (67, "other key set", "other keys set"),
        Note::KeyDeleted { .. } => (68, "key removed", "keys removed"),
        Note::ReplicaOf { .. } => (24, "new master followed", "new masters followed"),
        Note::Promoted => (24, "promotion", "promotions"),
        Note::Synced { .. } => (25, "replica in step", "replicas in step"),
        Note::Sentinel { .. } => (26, "event of a Sentinel", "events of Sentinels"),
        Note::Cluster { .. } => (27, "event of the cluster", "events of the cluster"),
        Note::ZnodeCreated { .. } => (29, "node created", "nodes created"),
        Note::ZnodeDeleted { .. } => (30, "node deleted", "nodes deleted"),
        Note::ZooKeeper { event: "session-expired", .. } => (14, "session ended", "sessions ended"),
        Note::ZooKeeper { .. } => (31, "event of the ensemble", "events of the ensemble"),
        Note::Remark { .. } => (28, "remark", "remarks"),
    }
}
