//! The Trace Event Format: which keys each phase has to have, how slices nest, what arrows end at.

use std::collections::{BTreeMap, BTreeSet};

use fencepost::judge::holds;
use fencepost::report;
use fencepost::scenario::{Outcome, Scenario};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The JSON object format.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Trace {
    trace_events: Vec<RawEvent>,
    display_time_unit: String,
    other_data: BTreeMap<String, String>,
}

/// An event with all the keys that any may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEvent {
    name: String,
    cat: String,
    ph: String,
    ts: Box<RawValue>,
    dur: Option<Box<RawValue>>,
    pid: u32,
    tid: u32,
    id: Option<u64>,
    bp: Option<String>,
    s: Option<String>,
    args: Map<String, Value>,
}

/// An event with the keys that its phase asks for, and no others.
struct Event {
    name: String,
    category: String,
    track: (u32, u32),
    /// Nanoseconds.
    at: u64,
    args: Map<String, Value>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Complete { nanos: u64 },
    Instant,
    Counter,
    FlowStart(u64),
    FlowEnd(u64),
    Metadata,
}

impl From<RawEvent> for Event {
    fn from(raw: RawEvent) -> Self {
        let RawEvent { name, cat, ph, ts, dur, pid, tid, id, bp, s, args } = raw;
        let phase = match (ph.as_str(), dur, id, bp.as_deref(), s.as_deref()) {
            ("X", Some(dur), None, None, None) => Phase::Complete { nanos: nanos(&dur) },
            ("i", None, None, None, Some("t" | "p" | "g")) => Phase::Instant,
            ("C", None, None, None, None) => Phase::Counter,
            ("s", None, Some(id), None, None) => Phase::FlowStart(id),
            ("f", None, Some(id), Some("e"), None) => Phase::FlowEnd(id),
            ("M", None, None, None, None) => Phase::Metadata,
            other => panic!("{name}: not what the format asks for: {other:?}"),
        };
        assert!(!name.is_empty() && pid > 0);
        Self { name, category: cat, track: (pid, tid), at: nanos(&ts), args, phase }
    }
}

/// Microseconds with three places.
fn nanos(micros: &RawValue) -> u64 {
    let (whole, places) = micros.get().split_once('.').expect("a point");
    assert_eq!(places.len(), 3, "{micros}");
    format!("{whole}{places}").parse().expect("digits")
}

fn trace(scenario: &Scenario, outcome: &Outcome) -> Vec<Event> {
    let mut out = Vec::new();
    report::perfetto(scenario, outcome, &mut out).expect("writes to memory");
    let trace: Trace = serde_json::from_slice(&out).expect("a trace");
    assert!(["ms", "ns"].contains(&trace.display_time_unit.as_str()));
    assert_eq!(trace.other_data["scenario"], scenario.title);
    trace.trace_events.into_iter().map(Event::from).collect()
}

/// Processes and threads have a name and a place before anything happens on them.
fn are_introduced(events: &[Event]) {
    let mut said: BTreeSet<((u32, u32), &str)> = BTreeSet::new();
    for event in events {
        let (pid, _) = event.track;
        let needs: &[&str] = match event.phase {
            Phase::Metadata => {
                let key = match event.name.as_str() {
                    "process_name" | "thread_name" => "name",
                    "process_labels" => "labels",
                    "process_sort_index" | "thread_sort_index" => "sort_index",
                    other => panic!("no metadata of the format: {other}"),
                };
                assert_eq!(event.args.keys().collect::<Vec<_>>(), [key]);
                assert!(said.insert((event.track, &event.name)), "said twice: {}", event.name);
                continue;
            }
            _ => &["thread_name", "thread_sort_index"],
        };
        for need in ["process_name", "process_sort_index"] {
            assert!(said.contains(&((pid, 0), need)), "{}: {need} of {pid}", event.name);
        }
        for need in needs {
            assert!(said.contains(&(event.track, need)), "{}: {need}", event.name);
        }
    }
}

/// From when, until when, and what.
type Slice<'e> = (u64, u64, &'e Event);

/// The slices of each track.
fn slices(events: &[Event]) -> BTreeMap<(u32, u32), Vec<Slice<'_>>> {
    let mut slices: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for event in events {
        if let Phase::Complete { nanos } = event.phase {
            slices.entry(event.track).or_default().push((event.at, event.at + nanos, event));
        }
    }
    slices
}

/// Of two slices of one track, one lies within the other, or they do not overlap.
fn nest(name: &str, events: &[Event]) {
    for (_, mut slices) in slices(events) {
        slices.sort_by_key(|(from, until, _)| (*from, std::cmp::Reverse(*until)));
        let mut open: Vec<u64> = Vec::new();
        for (from, until, event) in slices {
            while open.last().is_some_and(|end| *end <= from) {
                open.pop();
            }
            assert!(open.last().is_none_or(|end| until <= *end), "{name}: {} overlaps", event.name);
            open.push(until);
        }
    }
}

/// Each arrow begins once and ends once, in slices of its message, and no sooner than it began.
fn arrows_are_whole(events: &[Event]) -> usize {
    let slices = slices(events);
    let check_end = |event: &Event, id: u64| {
        let of_track = slices.get(&event.track).expect("a track with slices");
        let begun = of_track.partition_point(|(from, _, _)| *from <= event.at);
        let (_, until, slice) = of_track[begun - 1];
        assert!(event.at < until, "no slice encloses the end of arrow {id}");
        assert_eq!(slice.args["message"], id);
        assert_eq!((&slice.name, &slice.category), (&event.name, &event.category));
    };
    let mut begun = BTreeMap::new();
    let mut ended = BTreeSet::new();
    for event in events {
        match event.phase {
            Phase::FlowStart(id) => {
                check_end(event, id);
                assert!(begun.insert(id, event).is_none(), "arrow {id} begins twice");
            }
            Phase::FlowEnd(id) => {
                check_end(event, id);
                let begin = begun.get(&id).expect("an arrow that has begun");
                assert!(begin.at <= event.at, "arrow {id} points backwards");
                assert_eq!((&begin.name, &begin.category), (&event.name, &event.category));
                assert!(ended.insert(id), "arrow {id} ends twice");
            }
            _ => {}
        }
    }
    assert_eq!(begun.len(), ended.len(), "some arrows never end");
    ended.len()
}

/// What a counter says last; nothing if it never says anything.
fn last(events: &[Event], counter: &str, series: &str) -> Option<u64> {
    let mut of_name =
        events.iter().filter(|event| event.phase == Phase::Counter && event.name == counter);
    of_name.next_back().and_then(|event| event.args[series].as_u64())
}

#[test]
fn the_corpus_as_traces() {
    super::for_each_of_the_corpus(|name, scenario, outcome| {
        let events = trace(scenario, outcome);
        let history = &outcome.run.history;
        are_introduced(&events);
        nest(name, &events);
        assert_eq!(arrows_are_whole(&events) as u64, history.delivered(), "{name}");
        for event in events.iter().filter(|event| event.phase == Phase::Counter) {
            assert!(event.args.values().all(Value::is_number), "{name}: {}", event.name);
        }

        let of_category =
            |category: &str| events.iter().filter(|event| event.category == category).count();
        assert_eq!(of_category("hold"), holds(history).len(), "{name}");
        assert_eq!(of_category("violation"), outcome.verdict.violations.len(), "{name}");
        assert_eq!(of_category("note"), history.notes().count(), "{name}");
        let begun = outcome.run.faults.iter().filter(|fault| fault.began_at.is_some());
        assert_eq!(of_category("fault"), begun.count(), "{name}");
        let books = &outcome.verdict.books;
        assert_eq!(last(&events, "stock", "left"), Some(books.remaining), "{name}");
        assert_eq!(last(&events, "sold", "orders").unwrap_or(0), books.sold, "{name}");
    });
}
