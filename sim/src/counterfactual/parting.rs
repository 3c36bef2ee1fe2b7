//! Where two runs part: the first event that is not the same in both.

use fencepost_models::machine::NodeId;
use serde::Serialize;

use crate::determinism;
use crate::report::words;
use crate::world::SimTime;
use crate::world::history::{Event, History, MessageId, RecordId};

/// What a message or a note says is cut after so many characters.
const MAX_CONTENT: usize = 400;

/// The first event that two runs do not have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Parting {
    /// Its number in both histories: as many events before it are the same.
    pub event: RecordId,
    /// What the run has there as the scenario is; `None` when it was over.
    pub as_is: Option<Moment>,
    /// What it has there with the settings changed.
    pub changed: Option<Moment>,
}

/// An event of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Moment {
    /// When, in true time.
    #[serde(rename = "at_ns")]
    pub at: SimTime,
    /// The name of the node where it was.
    pub node: String,
    /// The kind of event: `sent`, `noted`.
    pub event: String,
    /// The number of the event that brought it about.
    pub cause: Option<RecordId>,
    /// What the node did, in words.
    pub did: String,
}

impl Parting {
    /// Where two histories part; `None` when they are the same to the end.
    pub fn of(as_is: &History, changed: &History) -> Option<Self> {
        let event = determinism::compare(as_is, changed)?.record;
        let (as_is, changed) = (Moment::of(as_is, event), Moment::of(changed, event));
        Some(Self { event, as_is, changed })
    }
}

impl Moment {
    /// A record of a history.
    pub(crate) fn of(history: &History, id: RecordId) -> Option<Self> {
        let record = history.record(id)?;
        Some(Self {
            at: record.at,
            node: history.name(record.node).to_owned(),
            event: record.event.name().to_owned(),
            cause: record.cause,
            did: did(history, record.event),
        })
    }
}

fn did(history: &History, event: Event) -> String {
    let name = |node: NodeId| history.name(node);
    match event {
        Event::Started { incarnation: 0 } => "starts".to_owned(),
        Event::Started { incarnation } => format!("starts again, no. {incarnation}"),
        Event::Sent(id) => {
            let to = name(history.message(id).to);
            format!("sends to {to}: {}", content(history, id))
        }
        Event::Delivered(id) => {
            let from = name(history.message(id).from);
            format!("gets from {from}: {}", content(history, id))
        }
        Event::Waiting(id) => format!("is paused, and does not read {}", route(history, id)),
        Event::Blocked(id) => format!("has {} cut off", route(history, id)),
        Event::Held(id) => format!("has {} held back", route(history, id)),
        Event::Lost { message, reason } => {
            format!("loses {}: {reason:?}", route(history, message))
        }
        Event::Connecting { peer, .. } => format!("opens a connection to {}", name(peer)),
        Event::Noted(id) => format!("notes {}", named(history, &format!("{:?}", history.note(id)))),
        Event::FaultBegan(id) => {
            format!("is struck by fault {}, {}", id.0 + 1, fault(history, id.0))
        }
        Event::FaultEnded(id) => format!("is rid of fault {}, {}", id.0 + 1, fault(history, id.0)),
        other => other.name().replace('-', " "),
    }
}

fn fault(history: &History, place: u32) -> &'static str {
    history.faults.get(place as usize).map_or("?", |kind| kind.as_str())
}

fn content(history: &History, id: MessageId) -> String {
    named(history, &format!("{:?}", history.message(id).message))
}

/// A message with whom it is from and whom it is for: `write of buyer-1 to store`.
fn route(history: &History, id: MessageId) -> String {
    let envelope = history.message(id);
    let (from, to) = (history.name(envelope.from), history.name(envelope.to));
    format!("{} of {from} to {to}", words::message(&envelope.message))
}

/// With names in the place of the nodes' numbers, and cut where it is very long.
fn named(history: &History, text: &str) -> String {
    let mut text = text.to_owned();
    for (number, name) in history.nodes.iter().enumerate() {
        text = text.replace(&format!("NodeId({number})"), name);
    }
    words::cut(&text, MAX_CONTENT)
}
