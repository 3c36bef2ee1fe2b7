//! What the page's script is given of a run: the records in columns, the messages, and all that is drawn. Its
//! reader is `page/model.js`.

use std::collections::BTreeMap;
use std::convert::Infallible;

use fencepost_models::machine::NodeId;
use serde::Serialize;

use super::books::{Books, BooksEntry};
use super::faults::{FaultBar, bars};
use super::lanes::{Lane, lanes};
use super::marks::{Mark, mark};
use super::spans::{Overlap, Span, Spans};
use crate::judge::ViolationKind;
use crate::report::cast::Cast;
use crate::report::jsonl::Content;
use crate::report::telling::{Weight, select, walk};
use crate::report::words;
use crate::scenario::Outcome;
use crate::world::SimTime;
use crate::world::history::{Event, History, MessageId, Record, RecordId};

/// At most so many lines of the list.
const MAX_LINES: usize = 160;

/// What a message says is cut after so many characters: gossip and snapshots are long, and many.
const MAX_CONTENT: usize = 240;

/// A run for the script.
#[derive(Debug, Serialize)]
pub struct RunData<'o> {
    /// What this run is called beside another.
    heading: String,
    /// What the diagram shows, for who cannot see it.
    summary: String,
    /// Until when it went on, in nanoseconds.
    end: SimTime,
    nodes: &'o [String],
    lanes: Vec<Lane>,
    /// When each record was, where, what brought it about, which of `events` it is, and which message it is about.
    pub at: Vec<SimTime>,
    node: Vec<NodeId>,
    cause: Vec<i64>,
    event: Vec<usize>,
    about: Vec<i64>,
    events: Vec<&'static str>,
    messages: Messages,
    /// What messages are called and say, each text once.
    words: Vec<String>,
    /// Each meeting of a message with what was in its way.
    hindered: Vec<Hindrance>,
    /// The sentences.
    pub said: Vec<Line>,
    spans: Vec<Span>,
    overlaps: Vec<Overlap>,
    marks: Vec<Mark>,
    books: Vec<BooksEntry>,
    faults: Vec<FaultBar>,
    violations: Vec<ViolationData<'o>>,
}

/// A message, the record that says that it met something, and what.
type Hindrance = (u32, RecordId, &'static str);

/// The messages, in columns.
#[derive(Debug, Default, Serialize)]
struct Messages {
    from: Vec<NodeId>,
    to: Vec<NodeId>,
    sent: Vec<RecordId>,
    /// The record with which it ended, or -1.
    end: Vec<i64>,
    /// 0 for under way to the end, 1 for delivered, 2 for lost.
    fate: Vec<u8>,
    name: Vec<usize>,
    content: Vec<usize>,
}

/// A sentence: of which record, how much it matters, its sign, its text, and whether it is in the list.
#[derive(Clone, Debug, Serialize)]
pub struct Line(pub RecordId, pub u8, pub &'static str, pub String, pub bool);

/// A violation.
#[derive(Debug, Serialize)]
struct ViolationData<'o> {
    record: RecordId,
    kind: ViolationKind,
    detail: &'o str,
    /// The first of its kind.
    first: bool,
}

/// Numbers for texts, each text once.
#[derive(Debug, Default)]
struct Words {
    known: BTreeMap<String, usize>,
    words: Vec<String>,
}

impl Words {
    fn number(&mut self, word: String) -> usize {
        *self.known.entry(word).or_insert_with_key(|word| {
            self.words.push(word.clone());
            self.words.len() - 1
        })
    }
}

impl<'o> RunData<'o> {
    /// A run's data.
    pub fn new(outcome: &'o Outcome, heading: String, summary: String) -> Self {
        let (run, history) = (&outcome.run, &outcome.run.history);
        let cast = Cast::of(history);
        let end = SimTime::after(run.simulated).max(history.end());
        let lanes = lanes(history, &cast);
        let (mut said, mut marks) = (Vec::new(), Vec::new());
        let (mut spans, mut books) =
            (Spans::new(&lanes), Books::new(outcome.verdict.books.initial));
        let walked: Result<(), Infallible> =
            walk(outcome, &cast, |state, id, record, sentences| {
                said.extend(sentences.iter().map(|one| {
                    let sign = one.mark.map_or("", |mark| mark.symbol());
                    Line(id, one.weight as u8, sign, one.text.clone(), false)
                }));
                marks.extend(mark(state, id, record));
                books.follow(state, id);
                spans.follow(state, id, record);
                Ok(())
            });
        let Ok(()) = walked;
        choose(&mut said, history, end);
        let (mut spans, overlaps) = spans.end();
        let store = lanes.iter().position(|lane| Some(lane.node) == cast.store);
        let (books, books_spans) = books.end(store);
        spans.extend(books_spans);
        let (messages, words, hindered) = messages(history);
        let mut data = Self {
            heading,
            summary,
            end,
            nodes: &history.nodes,
            faults: bars(outcome, end),
            lanes,
            at: history.records().iter().map(|record| record.at).collect(),
            node: history.records().iter().map(|record| record.node).collect(),
            cause: history.records().iter().map(|record| number(record.cause)).collect(),
            event: Vec::new(),
            about: history.records().iter().map(|record| about(record.event)).collect(),
            events: Vec::new(),
            messages,
            words,
            hindered,
            said,
            spans,
            overlaps,
            marks,
            books,
            violations: violations(outcome),
        };
        data.name_events(history.records());
        data
    }

    fn name_events(&mut self, records: &[Record]) {
        for record in records {
            let name = record.event.name();
            let known = self.events.iter().position(|known| *known == name);
            self.event.push(known.unwrap_or(self.events.len()));
            if known.is_none() {
                self.events.push(name);
            }
        }
    }
}

/// Marks the lines that the list has: all of a short run, those around its turns of a long one.
fn choose(said: &mut [Line], history: &History, end: SimTime) {
    let time = |id: RecordId| history.record(id).map(|record| record.at).unwrap_or_default();
    let weights =
        [Weight::Quiet, Weight::Ordinary, Weight::Telling, Weight::Turn, Weight::Violation];
    let lines: Vec<_> =
        said.iter().map(|line| (weights[usize::from(line.1)], time(line.0))).collect();
    for place in select::choose(&lines, end, MAX_LINES) {
        said[place].4 = true;
    }
}

fn violations(outcome: &Outcome) -> Vec<ViolationData<'_>> {
    let all = &outcome.verdict.violations;
    let is_first = |place: usize| !all[..place].iter().any(|one| one.kind == all[place].kind);
    let data = all.iter().enumerate().map(|(place, violation)| ViolationData {
        record: violation.record,
        kind: violation.kind,
        detail: &violation.detail,
        first: is_first(place),
    });
    data.collect()
}

fn messages(history: &History) -> (Messages, Vec<String>, Vec<Hindrance>) {
    let (mut messages, mut words, mut hindered) =
        (Messages::default(), Words::default(), Vec::new());
    for envelope in history.messages() {
        let content = words::cut(&Content(&envelope.message).to_json(), MAX_CONTENT);
        messages.from.push(envelope.from);
        messages.to.push(envelope.to);
        messages.sent.push(envelope.sent);
        messages.end.push(-1);
        messages.fate.push(0);
        messages.name.push(words.number(words::message(&envelope.message).into_owned()));
        messages.content.push(words.number(content));
    }
    for (id, record) in (0..).map(RecordId).zip(history.records()) {
        let mut ends = |MessageId(message): MessageId, fate: u8| {
            messages.end[message as usize] = i64::from(id.0);
            messages.fate[message as usize] = fate;
        };
        match record.event {
            Event::Delivered(message) => ends(message, 1),
            Event::Lost { message, .. } => ends(message, 2),
            Event::Waiting(message) => hindered.push((message.0, id, "waiting")),
            Event::Blocked(message) => hindered.push((message.0, id, "blocked")),
            Event::Held(message) => hindered.push((message.0, id, "held")),
            _ => {}
        }
    }
    (messages, words.words, hindered)
}

fn number(id: Option<RecordId>) -> i64 {
    id.map_or(-1, |id| i64::from(id.0))
}

/// The message that an event is about, or -1.
fn about(event: Event) -> i64 {
    match event {
        Event::Sent(message)
        | Event::Delivered(message)
        | Event::Waiting(message)
        | Event::Blocked(message)
        | Event::Held(message)
        | Event::Lost { message, .. } => i64::from(message.0),
        _ => -1,
    }
}
