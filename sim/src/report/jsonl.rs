//! A run as JSON lines: a header, one line a record, the verdict.
//!
//! * The first line: `{"scenario", "seed", "nodes", "faults"}`, the names of all nodes and the
//!   plan in words.
//! * Then each record, in order: `{"record", "at_ns", "cause", "node", "event", …}`: its number,
//!   true time in nanoseconds, the number of the record that brought it about (`null` for none),
//!   the node's name, the event's name, and what belongs to the event:
//!   * `sent` and `delivered`: `message` (its number), `from`, `to`, `connection`, `name` and
//!     `content`; `waiting`, `blocked`, `held` and `lost` the same without `content`, `lost` with
//!     a `reason`;
//!   * `noted`: `note`, with its `kind` and its fields;
//!   * `started`: `incarnation`; `connecting`: `connection`, `peer`; `accepted`, `connected`,
//!     `closed`, `connection-lost`: `connection`, the last with a `reason`;
//!   * `fault-began`, `fault-ended`: `fault` (its place in the plan), `description`;
//!   * `clock-jumped`: `by_ns`; `clock-drifts`: `ppm`.
//! * The last line: `{"verdict": …}` with the object that [`json()`](super::json()) writes.
//!
//! Keys come in this order, those of a note by the alphabet. Bytes are shown as text, with U+FFFD for what is none.

use std::io;

use bytes::Bytes;
use fencepost_models::machine::NodeId;
use fencepost_models::message::Message;
use fencepost_models::redis::resp::Reply;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::RunReport;
use crate::scenario::{Outcome, Scenario};
use crate::world::history::{Event, FaultId, History, MessageId, NoteId, Record};

/// Writes a run as JSON lines, one at a time.
///
/// # Errors
///
/// What the writer says.
pub fn jsonl(
    scenario: &Scenario,
    outcome: &Outcome,
    out: &mut (impl io::Write + ?Sized),
) -> io::Result<()> {
    #[derive(Serialize)]
    struct Header<'a> {
        scenario: &'a str,
        seed: u64,
        nodes: &'a [String],
        faults: Vec<String>,
    }
    #[derive(Serialize)]
    struct Footer<'a> {
        verdict: RunReport<'a>,
    }
    let run = &outcome.run;
    let faults: Vec<String> = run.faults.iter().map(|one| one.fault.to_string()).collect();
    let header = Header {
        scenario: &scenario.title,
        seed: run.seed,
        nodes: &run.history.nodes,
        faults: faults.clone(),
    };
    line(out, &header)?;
    for (number, record) in run.history.records().iter().enumerate() {
        line(out, &Line { number, record, history: &run.history, faults: &faults })?;
    }
    line(out, &Footer { verdict: RunReport::new(scenario, outcome) })
}

pub(super) fn line(out: &mut (impl io::Write + ?Sized), value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

struct Line<'a> {
    number: usize,
    record: &'a Record,
    history: &'a History,
    faults: &'a [String],
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Record { at, cause, node, event } = *self.record;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("record", &self.number)?;
        map.serialize_entry("at_ns", &at)?;
        map.serialize_entry("cause", &cause)?;
        map.serialize_entry("node", self.history.name(node))?;
        map.serialize_entry("event", event.name())?;
        match event {
            Event::Started { incarnation } => map.serialize_entry("incarnation", &incarnation)?,
            Event::Sent(id) | Event::Delivered(id) => {
                self.envelope(&mut map, id)?;
                map.serialize_entry("content", &Content(&self.history.message(id).message))?;
            }
            Event::Waiting(id) | Event::Blocked(id) | Event::Held(id) => {
                self.envelope(&mut map, id)?;
            }
            Event::Lost { message, reason } => {
                self.envelope(&mut map, message)?;
                map.serialize_entry("reason", &reason)?;
            }
            Event::Connecting { connection, peer } => {
                map.serialize_entry("connection", &connection)?;
                map.serialize_entry("peer", self.history.name(peer))?;
            }
            Event::Connected(id) | Event::Accepted(id) | Event::Closed(id) => {
                map.serialize_entry("connection", &id)?;
            }
            Event::ConnectionLost { connection, reason } => {
                map.serialize_entry("connection", &connection)?;
                map.serialize_entry("reason", &reason)?;
            }
            Event::Noted(id) => map.serialize_entry("note", &note(self.history, id))?,
            Event::FaultBegan(FaultId(id)) | Event::FaultEnded(FaultId(id)) => {
                map.serialize_entry("fault", &id)?;
                map.serialize_entry("description", &self.faults.get(id as usize))?;
            }
            Event::ClockJumped { by_nanos } => map.serialize_entry("by_ns", &by_nanos)?,
            Event::ClockDrifts { ppm } => map.serialize_entry("ppm", &ppm)?,
            Event::TimerFired
            | Event::TasksRan
            | Event::OperatorAsked
            | Event::DiskDone
            | Event::Paused
            | Event::Resumed
            | Event::Crashed
            | Event::PowerLost => {}
        }
        map.end()
    }
}

impl Line<'_> {
    fn envelope<M: SerializeMap>(&self, map: &mut M, id: MessageId) -> Result<(), M::Error> {
        let envelope = self.history.message(id);
        map.serialize_entry("message", &id)?;
        map.serialize_entry("from", self.history.name(envelope.from))?;
        map.serialize_entry("to", self.history.name(envelope.to))?;
        map.serialize_entry("connection", &envelope.connection)?;
        map.serialize_entry("name", &envelope.message.name())
    }
}

/// A note, with the nodes' names in place of their numbers.
pub(super) fn note(history: &History, id: NoteId) -> Value {
    let mut note = json!(history.note(id));
    for key in ["from", "to"] {
        if let Some(node) = note.get_mut(key) {
            let number = node.as_u64().and_then(|number| u16::try_from(number).ok());
            if let Some(number) = number {
                *node = json!(history.name(NodeId(number)));
            }
        }
    }
    note
}

/// A message for people: bytes as text.
pub(super) struct Content<'a>(pub &'a Message);

impl Content<'_> {
    /// As one line of JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Message::Redis(arguments) => Words(arguments).serialize(serializer),
            Message::RedisReply(reply) => Answer(reply).serialize(serializer),
            Message::RedisStream(commands) | Message::RedisSnapshot(commands) => {
                serializer.collect_seq(commands.iter().map(|command| Words(command)))
            }
            Message::Shop(request) => request.serialize(serializer),
            Message::ShopReply(reply) => reply.serialize(serializer),
            Message::Bytes(bytes) => Text(bytes).serialize(serializer),
            Message::Number(number) => number.serialize(serializer),
            Message::ClusterBus(message) => message.serialize(serializer),
            Message::ZooKeeper(packet) => packet.serialize(serializer),
        }
    }
}

/// A command.
struct Words<'a>(&'a [Bytes]);

impl Serialize for Words<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Text))
    }
}

struct Text<'a>(&'a Bytes);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(self.0))
    }
}

/// A Redis reply: a number, a text, `null`, a list; an error as `{"error": text}`.
struct Answer<'a>(&'a Reply);

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Reply::Status(text) | Reply::Bulk(text) | Reply::Verbatim(text) => {
                Text(text).serialize(serializer)
            }
            Reply::Int(number) => serializer.serialize_i64(*number),
            Reply::Nil | Reply::NilArray | Reply::Null => serializer.serialize_none(),
            Reply::Error(text) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("error", &Text(text))?;
                map.end()
            }
            Reply::Array(items) | Reply::Map(items) | Reply::Push(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Answer(item))?;
                }
                list.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    fn lines(outcome: &Outcome) -> String {
        let mut out = Vec::new();
        jsonl(&testing::scenario("A medley"), outcome, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_of_everything() {
        insta::assert_snapshot!(lines(&testing::medley()));
    }

    #[test]
    fn each_line_is_an_object_and_each_record_has_its_number() {
        let outcome = testing::paused_holder();
        let text = lines(&outcome);
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), outcome.run.history.records().len() + 2);
        assert_eq!(lines[0]["seed"], 7);
        for (number, line) in lines[1..lines.len() - 1].iter().enumerate() {
            assert_eq!(line["record"], number);
            assert!(line["node"].is_string() && line["event"].is_string());
        }
        let verdict = &lines[lines.len() - 1]["verdict"];
        assert_eq!(verdict["oversold"], 1);
    }

    /// The names are written down twice, for speed: here they are compared with the derived ones.
    #[test]
    fn events_are_called_what_serde_calls_them() {
        for record in testing::medley().run.history.records() {
            let name = match json!(record.event) {
                Value::String(name) => name,
                Value::Object(map) => map.keys().next().cloned().unwrap(),
                other => panic!("{other}"),
            };
            assert_eq!(name, record.event.name());
        }
    }

    #[test]
    fn replies_and_bytes_are_shown_as_what_they_say() {
        let text = |text: &'static [u8]| Bytes::from_static(text);
        let shown = |message: Message| serde_json::to_string(&Content(&message)).unwrap();
        let list = Reply::Array(vec![Reply::Int(-1), Reply::Nil, Reply::Bulk(text(b"x\xff"))]);
        assert_eq!(shown(Message::RedisReply(list)), "[-1,null,\"x\u{fffd}\"]");
        let error = Reply::Error(text(b"NOSCRIPT"));
        assert_eq!(shown(Message::RedisReply(error)), r#"{"error":"NOSCRIPT"}"#);
        assert_eq!(shown(Message::Bytes(text(b"hello"))), r#""hello""#);
        assert_eq!(shown(testing::command("PING")), r#"["PING"]"#);
    }
}
