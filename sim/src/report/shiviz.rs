//! A run as a log for [ShiViz](https://bestchai.bitbucket.io/shiviz/), which draws who heard what from whom. Its input
//! is described in [its wiki](https://github.com/DistributedClocks/shiviz/wiki/Log-format) and on the page itself.
//!
//! * The first line is the regular expression that takes the log apart, [`SHIVIZ_REGEX`]; the second, which could say
//!   how to tell several runs apart, is empty. ShiViz reads both when the file is chosen there. Whoever pastes the text
//!   needs nothing: its default expression takes the log apart too, with the time as a part of the event.
//! * Each event is two lines: the time that was simulated and what happened; the node's name and its vector clock, a
//!   JSON object with the names of nodes and how many of their events lie behind this one, nodes of which there is none
//!   left out.
//!
//! What happens on a node is an event:
//!
//! * `sends … to …` and `gets … from …`: messages;
//! * whatever the page has a sentence for: what a process writes down, faults (at the node that they name first), a
//!   process that runs on or starts again, violations (at the node whose record made them so).
//!
//! Left out are timers, disks and connections, what happens to a message on its way, keys that are no lock, and
//! messages that nobody tells anything of: those which neither a client of the lock nor the store sends or gets, and
//! whose delivery brings no event about (heartbeats and acknowledgements, that is). They carry their clocks all the
//! same, without counting: what one event knows of another is true whatever is left out between them.
//!
//! A node's own entry counts its events from 1 on, without a gap. A message carries the clock of its sending; whoever
//! gets it takes the greater entry of each node. Nothing else carries a clock from one node to another: no connection,
//! no fault, no operator.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io;

use fencepost_models::machine::NodeId;
use serde_json::{Map, Value};

use super::cast::Cast;
use super::telling::walk;
use super::text::paint::printable;
use super::words;
use crate::scenario::Outcome;
use crate::world::SimTime;
use crate::world::history::{Envelope, Event, History, MessageId, RecordId};

/// What takes a log apart: the names of the groups are those that ShiViz asks for, and `time`.
pub const SHIVIZ_REGEX: &str = r"(?<time>\d+\.\d+s) (?<event>.*)\n(?<host>\S*) (?<clock>\{.*\})";

/// Writes a run as a log for ShiViz.
///
/// # Errors
///
/// What the writer says.
pub fn shiviz(outcome: &Outcome, out: &mut (impl io::Write + ?Sized)) -> io::Result<()> {
    writeln!(out, "{SHIVIZ_REGEX}\n")?;
    let history = &outcome.run.history;
    let told = Told::of(outcome);
    let mut clocks = Clocks::default();
    for (id, record) in (0..).map(RecordId).zip(history.records()) {
        let mut event = |clocks: &mut Clocks, text: &str| {
            let clock = clocks.count(record.node);
            write(out, history, record.node, record.at, clock, text)
        };
        match record.event {
            Event::Sent(message) => {
                if told.messages.contains(&message) {
                    let Envelope { to, message, .. } = history.message(message);
                    let (what, to) = (words::message(message), history.name(*to));
                    event(&mut clocks, &format!("sends {what} to {to}"))?;
                }
                clocks.send(record.node, message);
            }
            Event::Delivered(message) => {
                clocks.deliver(record.node, message);
                if told.messages.contains(&message) {
                    let Envelope { from, message, .. } = history.message(message);
                    let (what, from) = (words::message(message), history.name(*from));
                    event(&mut clocks, &format!("gets {what} from {from}"))?;
                }
            }
            _ => {}
        }
        for sentence in told.sentences.get(&id).into_iter().flatten() {
            event(&mut clocks, sentence)?;
        }
    }
    Ok(())
}

fn write(
    out: &mut (impl io::Write + ?Sized),
    history: &History,
    node: NodeId,
    at: SimTime,
    clock: &Clock,
    text: &str,
) -> io::Result<()> {
    let text: String = text.chars().map(printable).collect();
    let entries =
        clock.iter().map(|(node, count)| (history.name(*node).to_owned(), (*count).into()));
    let clock: Map<String, Value> = entries.collect();
    writeln!(out, "{at} {text}\n{} {}", history.name(node), Value::Object(clock))
}

/// What is an event.
struct Told {
    /// The sentences, by their records.
    sentences: BTreeMap<RecordId, Vec<String>>,
    messages: BTreeSet<MessageId>,
}

impl Told {
    fn of(outcome: &Outcome) -> Self {
        let history = &outcome.run.history;
        let cast = Cast::of(history);
        let mut sentences: BTreeMap<RecordId, Vec<String>> = BTreeMap::new();
        // The messages whose delivery brought an event about.
        let mut messages = BTreeSet::new();
        let Ok(()) = walk(outcome, &cast, |_, id, record, said| {
            let is_of_node = is_of_node(record.event);
            let told = said.iter().filter(|said| is_of_node || !said.is_of_record());
            let told: Vec<String> = told.map(|said| said.text.clone()).collect();
            if told.is_empty() {
                return Ok(());
            }
            sentences.insert(id, told);
            messages.extend(history.brought_by(record));
            Ok::<(), Infallible>(())
        });
        let has_part = |node: &NodeId| cast.clients.contains(node) || cast.store == Some(*node);
        let theirs = (0..).map(MessageId).zip(history.messages());
        let theirs = theirs.filter(|(_, sent)| has_part(&sent.from) || has_part(&sent.to));
        messages.extend(theirs.map(|(message, _)| message));
        Self { sentences, messages }
    }
}

/// Whether it happens on a node, and not to a message or a connection.
const fn is_of_node(event: Event) -> bool {
    matches!(
        event,
        Event::Noted(_)
            | Event::FaultBegan(_)
            | Event::FaultEnded(_)
            | Event::Resumed
            | Event::Started { .. }
    )
}

/// How many events of each node lie behind a moment of one.
type Clock = BTreeMap<NodeId, u32>;

/// Everybody's clocks, and those that are under way.
#[derive(Default)]
struct Clocks {
    nodes: BTreeMap<NodeId, Clock>,
    under_way: BTreeMap<MessageId, Clock>,
}

impl Clocks {
    /// One more event of a node: its clock there.
    fn count(&mut self, node: NodeId) -> &Clock {
        let clock = self.nodes.entry(node).or_default();
        *clock.entry(node).or_default() += 1;
        clock
    }

    fn send(&mut self, from: NodeId, message: MessageId) {
        self.under_way.insert(message, self.nodes.get(&from).cloned().unwrap_or_default());
    }

    fn deliver(&mut self, to: NodeId, message: MessageId) {
        let clock = self.nodes.entry(to).or_default();
        for (node, count) in self.under_way.remove(&message).unwrap_or_default() {
            let known = clock.entry(node).or_default();
            *known = (*known).max(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use fencepost_models::note::Note;

    use super::*;
    use crate::judge::testing::{A, B, REDIS, Story};
    use crate::report::testing;

    fn log(outcome: &Outcome) -> String {
        let mut out = Vec::new();
        shiviz(outcome, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_of_everything() {
        insta::assert_snapshot!(log(&testing::medley()));
    }

    #[test]
    fn a_message_that_is_left_out_carries_its_clock_all_the_same() {
        let other = NodeId(5);
        let mut story = Story::of(&["store", "redis", "buyer-1", "buyer-2", "buyer-3", "redis-2"]);
        story.wait(A);
        let ask = story.send_command(A, REDIS, "SET");
        story.at_ms(1).deliver(ask);
        let heartbeat = story.send_command(REDIS, other, "PING");
        story.at_ms(2).deliver(heartbeat);
        story.at_ms(3).note(other, Note::Promoted);
        let log = log(&testing::outcome(story, &[], 1));
        assert!(!log.contains("PING"), "{log}");
        let last =
            "0.003s redis-2 is a master now\nredis-2 {\"buyer-1\":2,\"redis\":1,\"redis-2\":1}\n";
        assert!(log.ends_with(last), "{log}");
    }

    #[test]
    fn a_message_between_servers_that_brings_something_about_is_told() {
        let other = NodeId(5);
        let mut story = Story::of(&["store", "redis", "buyer-1", "buyer-2", "buyer-3", "redis-2"]);
        story.wait(B);
        let stream = story.send_command(REDIS, other, "SET");
        story.at_ms(2).deliver(stream).note(other, Note::Promoted);
        let log = log(&testing::outcome(story, &[], 1));
        assert!(log.contains("0.000s sends SET to redis-2\nredis {\"redis\":1}\n"), "{log}");
        assert!(
            log.contains("gets SET from redis\nredis-2 {\"redis\":1,\"redis-2\":1}\n"),
            "{log}"
        );
    }

    #[test]
    fn an_event_is_two_lines_whatever_it_says() {
        let mut story = Story::new();
        story.note(A, Note::Remark { text: "one\ntwo {\"buyer-1\":1}".into() });
        let log = log(&testing::outcome(story, &[], 1));
        assert_eq!(log.lines().count(), 4, "{log}");
    }
}
