//! A run as a trace for [Perfetto](https://ui.perfetto.dev) and `chrome://tracing`: JSON in the
//! [Trace Event Format](https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU/preview), in
//! its form as an object; [what Perfetto reads of it](https://perfetto.dev/docs/getting-started/other-formats).
//!
//! `ts` and `dur` are microseconds of simulated true time with three places, so that no nanosecond is lost.
//! `otherData` has the scenario's title, the seed and the digest.
//!
//! A process (`pid`) is the run itself, in front, or a node: clients, servers, the store, whoever else is there. A
//! thread (`tid`) is one track of it:
//!
//! * of the run: `violations`, instants with the judge's words; and one for each fault that began, a slice while it is in
//!   force, an instant where it is over at once;
//! * of a node:
//!   * `believes`, one for each of its threads: a slice for each hold, from the moment from which the client believes that
//!     it has the lock until it does no longer, with the token and how it ended. A hold inside another lies below it;
//!     those that overlap otherwise have a track each, for slices of one track must nest;
//!   * `process`: slices while it is `paused`, `down` or `without power`;
//!   * `messages`: a slice for each that is sent or got, and an arrow (a flow, `s` and `f`, whose `id` is the message's
//!     number) from the one to the other. `content` is what [`jsonl()`](super::jsonl()) shows;
//!   * `network`: instants where a message is `blocked`, `held` or `lost`;
//!   * `notes`: instants for all that the process writes down, with all of it.
//!
//! Counters are `stock` and `sold`, at the store that has them.
//!
//! A message takes no time at the node where it is sent or got: its slice is a mark, a microsecond long. Those of one
//! moment stand one after the other, in the order in which they happened, so that every arrow has an end of its
//! own; `at_ns` in `args` is when it was. Timers, disks and connections are left out.

mod event;
mod tracks;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use fencepost_models::machine::NodeId;
use fencepost_models::note::Note;
use serde_json::{Map, Value, json};

use self::event::{Phase, Trace};
use self::tracks::{Place, Track, nest};
use super::cast::Cast;
use super::jsonl::{self, Content};
use super::words;
use crate::judge::{Hold, HoldEnd, holds};
use crate::scenario::{Outcome, Scenario};
use crate::world::SimTime;
use crate::world::history::{Event, FaultId, History, MessageId, Record};

/// How long a message's mark is: far less than what a message takes on its way.
const MARK_NANOS: u64 = 1_000;

/// Writes a run as a trace in the Trace Event Format.
///
/// # Errors
///
/// What the writer says.
pub fn perfetto(
    scenario: &Scenario,
    outcome: &Outcome,
    out: &mut (impl io::Write + ?Sized),
) -> io::Result<()> {
    let history = &outcome.run.history;
    let other = json!({
        "scenario": scenario.title,
        "seed": outcome.run.seed.to_string(),
        "digest": history.digest().to_string(),
    });
    let mut trace = Trace::begin(out, history, &other)?;
    introduce(&mut trace, history)?;
    show_violations(&mut trace, outcome)?;
    show_faults(&mut trace, outcome)?;
    show_holds(&mut trace, history)?;
    show_processes(&mut trace, outcome)?;
    let (delivered, mut marks) = (delivered(history), Marks::default());
    for record in history.records() {
        match record.event {
            Event::Sent(id) | Event::Delivered(id) => {
                let from = marks.place(record, id);
                show_message(&mut trace, record, id, from, delivered.contains(&id))?;
            }
            Event::Blocked(_) | Event::Held(_) | Event::Lost { .. } => {
                show_obstacle(&mut trace, record)?;
            }
            Event::Noted(id) => {
                show_note(&mut trace, record, jsonl::note(history, id))?;
                count(&mut trace, record, history.note(id))?;
            }
            _ => {}
        }
    }
    trace.end()
}

/// Names the processes, and puts them in their order.
fn introduce<W: io::Write + ?Sized>(trace: &mut Trace<'_, W>, history: &History) -> io::Result<()> {
    trace.process(Place::Run, "the run", "faults and violations", 0)?;
    let cast = Cast::of(history);
    let clients = cast.clients.iter().map(|node| (*node, "client"));
    let servers = cast.servers.iter().map(|node| (*node, "server"));
    let mut parts: Vec<(NodeId, &str)> = clients.chain(servers).collect();
    parts.extend(cast.store.map(|store| (store, "store")));
    let others = (0..history.nodes.len() as u16).map(NodeId);
    let others: Vec<_> = others.filter(|node| parts.iter().all(|(part, _)| part != node)).collect();
    parts.extend(others.into_iter().map(|node| (node, "beside")));
    for (index, (node, part)) in (1..).zip(parts) {
        trace.process(Place::Node(node), history.name(node), part, index)?;
    }
    Ok(())
}

fn show_violations<W: io::Write + ?Sized>(
    trace: &mut Trace<'_, W>,
    outcome: &Outcome,
) -> io::Result<()> {
    for violation in &outcome.verdict.violations {
        let names = violation.nodes.iter().map(|node| outcome.run.history.name(*node));
        let args = json!({
            "detail": violation.detail,
            "nodes": names.collect::<Vec<_>>(),
            "record": violation.record,
        });
        let event = trace.event(Track::Violations, violation.kind.as_str(), "violation")?;
        event.at(violation.at).write(Phase::Instant, args)?;
    }
    Ok(())
}

fn show_faults<W: io::Write + ?Sized>(
    trace: &mut Trace<'_, W>,
    outcome: &Outcome,
) -> io::Result<()> {
    let history = &outcome.run.history;
    let mut ends: BTreeMap<FaultId, SimTime> = BTreeMap::new();
    for (_, record) in history.incidents() {
        if let Event::FaultEnded(fault) = record.event {
            ends.insert(fault, record.at);
        }
    }
    for (id, fault) in (0..).map(FaultId).zip(&outcome.run.faults) {
        let Some(began) = fault.began_at else { continue };
        let action = &fault.fault.action;
        let name = action.to_string();
        let args = json!({
            "fault": fault.fault.to_string(),
            "target": words::target(action),
            "fired": fault.fired,
            "hits": fault.hits,
        });
        let event = trace.event(Track::Fault(id), &name, "fault")?.at(began);
        if fault.fault.is_instant() {
            event.write(Phase::Instant, args)?;
        } else {
            let end = ends.get(&id).copied().unwrap_or_else(|| end_of(outcome));
            event.until(end).write(Phase::Complete, args)?;
        }
    }
    Ok(())
}

fn end_of(outcome: &Outcome) -> SimTime {
    SimTime::after(outcome.run.simulated).max(outcome.run.history.end())
}

fn show_holds<W: io::Write + ?Sized>(
    trace: &mut Trace<'_, W>,
    history: &History,
) -> io::Result<()> {
    let mut holders: BTreeMap<(NodeId, u32), Vec<Hold>> = BTreeMap::new();
    for hold in holds(history) {
        holders.entry(hold.holder()).or_default().push(hold);
    }
    for ((node, thread), holds) in holders {
        let lanes = nest(holds.iter().map(|hold| (hold.from, hold.until)));
        for (hold, lane) in holds.iter().zip(lanes) {
            let token = hold.token.map_or_else(String::new, |token| format!(", token {token}"));
            let name = format!("{}{token}", hold.lock);
            let args = json!({
                "lock": hold.lock,
                "token": hold.token,
                "hold": hold.number,
                "reentered": hold.reentered,
                "ended_by": ended_by(hold.ended_by),
            });
            let event = trace.event(Track::Believes { node, thread, lane }, &name, "hold")?;
            event.at(hold.from).until(hold.until).write(Phase::Complete, args)?;
        }
    }
    Ok(())
}

const fn ended_by(end: HoldEnd) -> &'static str {
    match end {
        HoldEnd::Released => "released",
        HoldEnd::Abandoned => "abandoned",
        HoldEnd::Lost => "lost",
        HoldEnd::Died => "died",
        HoldEnd::Open => "the end of the run",
    }
}

/// Shows when nodes' processes did not run.
fn show_processes<W: io::Write + ?Sized>(
    trace: &mut Trace<'_, W>,
    outcome: &Outcome,
) -> io::Result<()> {
    let mut stopped: BTreeMap<NodeId, (&'static str, SimTime)> = BTreeMap::new();
    let mut show = |node: NodeId, (state, since): (&str, SimTime), until: SimTime| {
        let event = trace.event(Track::Process(node), state, "process")?;
        event.at(since).until(until).write(Phase::Complete, json!({}))
    };
    for record in outcome.run.history.records() {
        let state = match record.event {
            Event::Paused => Some("paused"),
            Event::Crashed => Some("down"),
            Event::PowerLost => Some("without power"),
            Event::Resumed | Event::Started { .. } => None,
            _ => continue,
        };
        if let Some(before) = stopped.remove(&record.node) {
            show(record.node, before, record.at)?;
        }
        if let Some(state) = state {
            stopped.insert(record.node, (state, record.at));
        }
    }
    for (node, state) in stopped {
        show(node, state, end_of(outcome))?;
    }
    Ok(())
}

/// Where the marks of messages stand.
#[derive(Default)]
struct Marks {
    /// Until when each node's track is taken.
    taken: BTreeMap<NodeId, SimTime>,
    /// Where the marks of what is under way end.
    sent: BTreeMap<MessageId, SimTime>,
}

impl Marks {
    /// Where the mark begins of what a node sends or gets: then, or as soon as there is room for it.
    fn place(&mut self, record: &Record, id: MessageId) -> SimTime {
        let taken = self.taken.entry(record.node).or_default();
        // No arrow points backwards.
        let from = record.at.max(*taken).max(self.sent.remove(&id).unwrap_or_default());
        *taken = from.plus_nanos(MARK_NANOS);
        if let Event::Sent(_) = record.event {
            self.sent.insert(id, *taken);
        }
        from
    }
}

/// The messages that reach a process.
fn delivered(history: &History) -> BTreeSet<MessageId> {
    let of_record = |record: &Record| match record.event {
        Event::Delivered(message) => Some(message),
        _ => None,
    };
    history.records().iter().filter_map(of_record).collect()
}

fn show_message<W: io::Write + ?Sized>(
    trace: &mut Trace<'_, W>,
    record: &Record,
    id: MessageId,
    from: SimTime,
    arrives: bool,
) -> io::Result<()> {
    let history = trace.history;
    let envelope = history.message(id);
    let name = words::message(&envelope.message);
    let mut args = json!({
        "message": id,
        "from": history.name(envelope.from),
        "to": history.name(envelope.to),
        "at_ns": record.at,
    });
    let is_sent = matches!(record.event, Event::Sent(_));
    if is_sent {
        args["content"] = serde_json::to_value(Content(&envelope.message))?;
    }
    let event = trace.event(Track::Messages(record.node), &name, "message")?.at(from);
    event.until(from.plus_nanos(MARK_NANOS)).write(Phase::Complete, args)?;
    if arrives {
        let end = if is_sent { Phase::FlowStart(id) } else { Phase::FlowEnd(id) };
        let event = trace.event(Track::Messages(record.node), &name, "message")?;
        // In the middle: where one mark ends and the next begins, viewers differ in whose the moment is.
        event.at(from.plus_nanos(MARK_NANOS / 2)).write(end, json!({}))?;
    }
    Ok(())
}

fn show_obstacle<W: io::Write + ?Sized>(
    trace: &mut Trace<'_, W>,
    record: &Record,
) -> io::Result<()> {
    let (Event::Blocked(id) | Event::Held(id) | Event::Lost { message: id, .. }) = record.event
    else {
        return Ok(());
    };
    let history = trace.history;
    let envelope = history.message(id);
    let mut args = Map::new();
    args.insert("message".to_owned(), json!(id));
    args.insert("from".to_owned(), json!(history.name(envelope.from)));
    args.insert("to".to_owned(), json!(history.name(envelope.to)));
    if let Event::Lost { reason, .. } = record.event {
        args.insert("reason".to_owned(), json!(reason));
    }
    let name = format!("{}: {}", record.event.name(), words::message(&envelope.message));
    let event = trace.event(Track::Network(record.node), &name, "network")?;
    event.at(record.at).write(Phase::Instant, Value::Object(args))
}

fn show_note<W: io::Write + ?Sized>(
    trace: &mut Trace<'_, W>,
    record: &Record,
    note: Value,
) -> io::Result<()> {
    let Some(said) = trace.history.note_of(record) else { return Ok(()) };
    let event = trace.event(Track::Notes(record.node), said.kind(), "note")?;
    event.at(record.at).write(Phase::Instant, note)
}

/// Goes on with the stock and the number of orders, where a note changes them.
fn count<W: io::Write + ?Sized>(
    trace: &mut Trace<'_, W>,
    record: &Record,
    note: &Note,
) -> io::Result<()> {
    let stock = match note {
        Note::StockInitial { stock } => Some(*stock),
        Note::WriteTaken { after, .. } | Note::StockWritten { after, .. } => Some(*after),
        _ => None,
    };
    if let Some(stock) = stock {
        let event = trace.event(Track::Node(record.node), "stock", "shop")?;
        event.at(record.at).write(Phase::Counter, json!({ "left": stock }))?;
    }
    if let Note::WriteTaken { .. } | Note::OrderRecorded { .. } = note {
        let sold = trace.sold.entry(record.node).or_default();
        *sold += 1;
        let sold = *sold;
        let event = trace.event(Track::Node(record.node), "sold", "shop")?;
        event.at(record.at).write(Phase::Counter, json!({ "orders": sold }))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
