//! A run as a text to keep: for snapshots in the tests of whoever uses fencepost.
//!
//! ```text
//! The title of the scenario
//! seed 7
//!
//! 0.002s   buyer-1 gets lock:stock, token 1
//! 2.000s ↯ pause buyer-1 for 15s, while it believes that it holds lock:stock
//! …
//! 60.000s   the end
//!
//! violated: two-holders, oversell
//! stock 1, 0 left, 2 sold: 1 oversold; 0 requests fenced off
//! up to 2 at once
//! ```
//!
//! One line for each thing that the page of [`text()`](super::text()) may tell, in the page's own words and under its
//! own signs, in the order in which they happened: the time that was simulated, the sign or a blank, the sentence.
//! Unlike the page it cuts nothing, wraps nothing, draws no lanes, and tells each violation in full. Lines do not
//! depend on each other's width, so a run that differs in one thing differs in few lines.
//!
//! What changes although nothing that is told has changed is no part of it: wall time, addresses, the terminal's
//! width, how many polls, messages and events there were, the digest, how much of a stream a replica has, which
//! transaction an ensemble is at. Nor is a single message that does not get through, unless it is an order or a fault
//! holds it: servers that are cut off send by the hundred.
//!
//! A fault that came to nothing is named at the end. `docs/snapshots.md` says how to keep a trace with `insta`.

use std::convert::Infallible;
use std::fmt::Write as _;

use fencepost_models::note::Note;

use super::cast::Cast;
use super::telling::{Sentence, State, Weight, walk};
use super::text::paint::printable;
use super::text::{books_line, holders_line};
use super::words;
use crate::scenario::{Outcome, Scenario};
use crate::world::SimTime;
use crate::world::history::{Event, History, Record};

/// A run as lines that stay the same as long as what they tell does.
///
/// ```
/// use fencepost::report;
/// use fencepost::scenario::{Recipe, Scenario};
///
/// let scenario = Scenario::default().but(|s| (s.lock, s.backend) = (Recipe::None, None));
/// let trace = report::trace(&scenario, &scenario.run(1)?);
/// assert!(trace.lines().any(|line| line.contains("✖ VIOLATION oversell: ")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn trace(scenario: &Scenario, outcome: &Outcome) -> String {
    let mut lines = Lines::default();
    lines.push(&scenario.title);
    lines.push(&format!("seed {}", outcome.run.seed));
    lines.push("");
    tell(outcome, &mut lines);
    lines.push("");
    close(outcome, &mut lines);
    lines.text
}

#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    fn push(&mut self, line: &str) {
        self.text.extend(line.trim_end().chars().map(printable));
        self.text.push('\n');
    }

    fn tell(&mut self, at: SimTime, sign: &str, sentence: &str) {
        self.push(&format!("{at} {sign} {sentence}"));
    }
}

fn tell(outcome: &Outcome, lines: &mut Lines) {
    let history = &outcome.run.history;
    let mut violations = outcome.verdict.violations.iter().peekable();
    let Ok(()) = walk(outcome, &Cast::of(history), |state, id, record, sentences| {
        let told = sentences.iter().filter(|said| said.is_of_record());
        for said in told.filter(|said| !is_repetition(state, record, said)) {
            lines.tell(record.at, sign(said), &stable(history, record, said));
        }
        // The page counts those of a kind after the first: one more would change all that follow.
        while let Some(found) = violations.next_if(|found| found.record <= id) {
            lines.tell(record.at, "✖", &format!("VIOLATION {}: {}", found.kind, found.detail));
        }
        Ok::<(), Infallible>(())
    });
    lines.tell(SimTime::after(outcome.run.simulated).max(history.end()), " ", "the end");
}

fn sign(said: &Sentence) -> &'static str {
    said.mark.map_or(" ", |glyph| glyph.symbol())
}

/// Whether a sentence is about one message, or one connection of a Sentinel's, that does not get through: servers that
/// are cut off say so all the time.
fn is_repetition(state: &State<'_>, record: &Record, said: &Sentence) -> bool {
    let is_of_network = match record.event {
        Event::Blocked(_) | Event::Lost { .. } => true,
        Event::Connecting { .. }
        | Event::Connected(_)
        | Event::Closed(_)
        | Event::ConnectionLost { .. } => state.is_watcher(record.node),
        _ => false,
    };
    is_of_network && said.weight == Weight::Quiet
}

/// The sentence, without what unrelated messages change: how much of a stream, which transaction of an ensemble.
fn stable(history: &History, record: &Record, said: &Sentence) -> String {
    let name = history.name(record.node);
    match history.note_of(record) {
        Some(Note::Synced { master, full, .. }) => {
            let what = if *full { "a full copy" } else { "the rest" };
            format!("{name} has {what} of what {} had", history.name(*master))
        }
        Some(Note::ZooKeeper { event: "looking", .. }) => format!("{name} looks for a leader"),
        Some(Note::ZooKeeper { event: "sync-diff" | "sync-trunc" | "sync-snap", .. }) => {
            let (what, _) = said.text.split_once(" up to ").unwrap_or((&said.text, ""));
            what.to_owned()
        }
        _ => said.text.clone(),
    }
}

fn close(outcome: &Outcome, lines: &mut Lines) {
    lines.push(&match outcome.verdict.kinds() {
        kinds if kinds.is_empty() => "nothing was wrong".to_owned(),
        kinds => format!("violated: {}", words::kinds(&kinds)),
    });
    lines.push(&books_line(outcome));
    lines.push(&holders_line(outcome));
    for unjudged in &outcome.verdict.unjudged {
        lines.push(&format!("unjudged: {}: {}", unjudged.kind, unjudged.reason));
    }
    for fault in outcome.run.faults.iter().filter(|fault| !fault.fired) {
        let mut line = fault.fault.to_string();
        // Writing to a string cannot fail.
        let _ = match fault.began_at {
            None => write!(line, ": its moment never came"),
            Some(began) => write!(line, ": began at {began}, in vain"),
        };
        lines.push(&line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::testing::{A, REDIS, Story};
    use crate::report::testing;

    #[test]
    fn a_paused_holder() {
        let scenario = testing::scenario("Asleep");
        insta::assert_snapshot!(trace(&scenario, &testing::paused_holder()));
    }

    #[test]
    fn one_of_everything() {
        insta::assert_snapshot!(trace(&testing::scenario("A medley"), &testing::medley()));
    }

    #[test]
    fn what_unrelated_messages_change_is_no_part_of_it() {
        let with_offset = |offset: u64, polls: u64| {
            let mut story = Story::new();
            story.stock(1).wait(A);
            for _ in 0..polls {
                let ask = story.send_command(A, REDIS, "EVALSHA");
                story.deliver(ask);
            }
            story.at_ms(5).note(REDIS, Note::Synced { master: A, full: false, offset });
            let outcome = testing::outcome(story, &[], 1);
            trace(&testing::scenario("Two offsets"), &outcome)
        };
        assert_eq!(with_offset(14, 0), with_offset(1_400, 7));
        assert!(with_offset(14, 0).contains("redis has the rest of what buyer-1 had\n"));
    }

    #[test]
    fn a_control_character_does_not_break_a_line() {
        let mut story = Story::new();
        story.note(A, Note::Remark { text: "one\ntwo\u{1b}[31m".into() });
        let outcome = testing::outcome(story, &[], 1);
        let trace = trace(&testing::scenario("Three\nlines"), &outcome);
        assert!(trace.starts_with("Three\u{fffd}lines\nseed 7\n\n"), "{trace}");
        assert!(trace.contains("0.000s   buyer-1: one\u{fffd}two\u{fffd}[31m\n"), "{trace}");
    }

    #[test]
    fn a_fault_that_came_to_nothing_is_named() {
        let mut outcome = testing::paused_holder();
        (outcome.run.faults[0].began_at, outcome.run.faults[0].fired) = (None, false);
        let trace = trace(&testing::scenario("Awake"), &outcome);
        assert!(
            trace.ends_with("\npause buyer-1 at 2s for 15s: its moment never came\n"),
            "{trace}"
        );
    }
}
