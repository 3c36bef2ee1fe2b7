//! A trace as it is written: events, one a line, in one object.

use std::collections::BTreeMap;
use std::io;

use fencepost_models::machine::NodeId;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::tracks::{Place, Track};
use crate::world::SimTime;
use crate::world::history::{History, MessageId};

/// What an event is: its `ph`, and what it needs besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A slice, from its begin to its end.
    Complete,
    /// A moment of one track.
    Instant,
    /// A process's counter has a new value.
    Counter,
    /// An arrow begins in the slice that encloses it.
    FlowStart(MessageId),
    /// An arrow ends there.
    FlowEnd(MessageId),
    /// Something about a process or a track.
    Metadata,
}

impl Phase {
    const fn letter(self) -> &'static str {
        match self {
            Self::Complete => "X",
            Self::Instant => "i",
            Self::Counter => "C",
            Self::FlowStart(_) => "s",
            Self::FlowEnd(_) => "f",
            Self::Metadata => "M",
        }
    }
}

/// A trace in the making.
pub struct Trace<'a, W: ?Sized> {
    pub history: &'a History,
    /// How many orders each store has.
    pub sold: BTreeMap<NodeId, u64>,
    out: &'a mut W,
    is_first: bool,
    threads: BTreeMap<Track, u32>,
}

impl<'a, W: io::Write + ?Sized> Trace<'a, W> {
    pub fn begin(out: &'a mut W, history: &'a History, other: &Value) -> io::Result<Self> {
        // `chrome://tracing` compares the ends of slices as exactly as that.
        writeln!(out, "{{\"displayTimeUnit\":\"ns\",\"otherData\":{other},\"traceEvents\":[")?;
        Ok(Self { history, sold: BTreeMap::new(), out, is_first: true, threads: BTreeMap::new() })
    }

    pub fn end(self) -> io::Result<()> {
        self.out.write_all(b"\n]}\n")
    }

    /// Names a process; those of a lower `index` stand further up.
    pub fn process(&mut self, place: Place, name: &str, part: &str, index: u32) -> io::Result<()> {
        let pid = self.pid(place);
        self.describe(pid, 0, "process_name", json!({ "name": name }))?;
        self.describe(pid, 0, "process_labels", json!({ "labels": part }))?;
        self.describe(pid, 0, "process_sort_index", json!({ "sort_index": index }))
    }

    /// An event of a track, which is named before its first one.
    pub fn event<'t, 'n>(
        &'t mut self,
        track: Track,
        name: &'n str,
        category: &'static str,
    ) -> io::Result<Draft<'t, 'a, 'n, W>> {
        let pid = self.pid(track.place());
        let tid = match self.threads.get(&track) {
            Some(tid) => *tid,
            None => {
                // A thread with the number of its process would count as its main one, and 0 as the idle one.
                let tid = self.pid(Place::Run) + 1 + self.threads.len() as u32;
                self.threads.insert(track, tid);
                self.describe(pid, tid, "thread_name", json!({ "name": track.name() }))?;
                let index = json!({ "sort_index": track.index() });
                self.describe(pid, tid, "thread_sort_index", index)?;
                tid
            }
        };
        let at = SimTime::ZERO;
        Ok(Draft { trace: self, name, category, pid, tid, at, until: at })
    }

    /// The nodes' numbers from 1 on, and one more for the run.
    fn pid(&self, place: Place) -> u32 {
        match place {
            Place::Node(node) => u32::from(node.0) + 1,
            Place::Run => self.history.nodes.len() as u32 + 1,
        }
    }

    fn describe(&mut self, pid: u32, tid: u32, name: &str, args: Value) -> io::Result<()> {
        let category = "__metadata";
        let (at, until) = (SimTime::ZERO, SimTime::ZERO);
        Draft { trace: self, name, category, pid, tid, at, until }.write(Phase::Metadata, args)
    }

    fn line(&mut self, event: &TraceEvent<'_>) -> io::Result<()> {
        if !std::mem::take(&mut self.is_first) {
            self.out.write_all(b",\n")?;
        }
        serde_json::to_writer(&mut *self.out, event)?;
        Ok(())
    }
}

/// An event that is not written yet.
pub struct Draft<'t, 'a, 'n, W: ?Sized> {
    trace: &'t mut Trace<'a, W>,
    name: &'n str,
    category: &'static str,
    pid: u32,
    tid: u32,
    at: SimTime,
    until: SimTime,
}

impl<W: io::Write + ?Sized> Draft<'_, '_, '_, W> {
    pub const fn at(self, at: SimTime) -> Self {
        Self { at, until: at, ..self }
    }

    pub const fn until(self, until: SimTime) -> Self {
        Self { until, ..self }
    }

    pub fn write(self, phase: Phase, args: Value) -> io::Result<()> {
        let length = self.until.as_nanos().saturating_sub(self.at.as_nanos());
        let (id, bp) = match phase {
            Phase::FlowStart(id) => (Some(id), None),
            // Without it, an arrow would end at the next slice.
            Phase::FlowEnd(id) => (Some(id), Some("e")),
            _ => (None, None),
        };
        let event = TraceEvent {
            name: self.name,
            cat: self.category,
            ph: phase.letter(),
            ts: micros(self.at.as_nanos())?,
            dur: (phase == Phase::Complete).then(|| micros(length)).transpose()?,
            pid: self.pid,
            tid: self.tid,
            id,
            bp,
            s: (phase == Phase::Instant).then_some("t"),
            args,
        };
        self.trace.line(&event)
    }
}

/// An event, under the names of the format.
#[derive(Serialize)]
struct TraceEvent<'a> {
    name: &'a str,
    cat: &'a str,
    ph: &'a str,
    ts: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<Box<RawValue>>,
    pid: u32,
    tid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bp: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'a str>,
    args: Value,
}

/// Microseconds with three places, as they are and not as a float.
fn micros(nanos: u64) -> io::Result<Box<RawValue>> {
    let text = format!("{}.{:03}", nanos / 1_000, nanos % 1_000);
    Ok(RawValue::from_string(text)?)
}
