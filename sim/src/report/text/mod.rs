//! A run as a page for a terminal: who believed what beside what the servers had, where faults
//! struck, and the moment at which it went wrong.
//!
//! ```text
//! glyph      every sign and its meaning       select     which lines a long run is cut down to
//! state      who believes and does what       paint      lines of at most 100 columns, colour
//! sentence   a record in words                lanes      the columns at the left
//! closing    legend, verdict, replay
//! ```

mod closing;
mod glyph;
mod lanes;
pub(crate) mod paint;
mod select;
mod sentence;
mod state;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use fencepost_models::message::Message;
use fencepost_models::note::Note;

use self::glyph::Glyph;
use self::lanes::{Columns, Lanes};
use self::paint::{Painter, WIDTH, wrap};
use self::select::SILENCE;
use self::sentence::{Sentence, Weight, say};
use self::state::State;
use super::cast::Cast;
use super::words;
use crate::judge::ViolationKind;
use crate::scenario::{Outcome, Scenario};
use crate::world::SimTime;
use crate::world::history::{Event, Record, RecordId};

/// What the page looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextOptions<'a> {
    /// Colour it with ANSI escapes. Nothing is said by colour alone.
    pub colour: bool,
    /// At most so many rows of the timeline, for what is left out included; a long sentence may
    /// take several lines.
    pub max_rows: usize,
    /// The command that shows the same run again.
    pub replay: Option<&'a str>,
}

impl Default for TextOptions<'_> {
    /// No colour, 60 rows, no command.
    fn default() -> Self {
        Self { colour: false, max_rows: 60, replay: None }
    }
}

/// A run as a page of lines of at most 100 columns, with the default options.
pub fn text(scenario: &Scenario, outcome: &Outcome) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write_text(scenario, outcome, &TextOptions::default(), &mut page);
    page
}

/// Writes a run as a page of lines of at most 100 columns.
///
/// # Errors
///
/// What the writer says.
pub fn write_text(
    scenario: &Scenario,
    outcome: &Outcome,
    options: &TextOptions<'_>,
    out: &mut impl Write,
) -> fmt::Result {
    let mut painter = Painter { out, colour: options.colour };
    heading(&mut painter, scenario, outcome)?;
    let (used, hidden_buyers) = timeline(&mut painter, outcome, options.max_rows)?;
    closing::legend(&mut painter, &used, hidden_buyers)?;
    painter.end_line()?;
    closing::verdict(&mut painter, scenario, outcome)?;
    closing::replay(&mut painter, outcome, options.replay)
}

fn heading<W: Write>(
    painter: &mut Painter<'_, W>,
    scenario: &Scenario,
    outcome: &Outcome,
) -> fmt::Result {
    painter.paragraph("", Style::new().bold(), &scenario.title)?;
    if !scenario.explain.is_empty() {
        painter.paragraph("", Style::new(), &scenario.explain)?;
    }
    let fencing = match scenario.shop.fencing {
        fencepost_models::shop::Fencing::Off => "fencing off",
        fencepost_models::shop::Fencing::Writes => "fencing on writes",
        fencepost_models::shop::Fencing::ReadsAndWrites => "fencing on reads and writes",
    };
    let backend = scenario.backend.map_or_else(String::new, |one| format!(" on {}", one.as_str()));
    let line = format!(
        "lock {}{backend}, {fencing}; {} for {}; seed {}",
        scenario.lock.as_str(),
        words::count(scenario.shop.stock, "piece", "pieces"),
        words::count(u64::from(scenario.shop.buyers), "buyer", "buyers"),
        outcome.run.seed,
    );
    painter.paragraph("", Style::new().dimmed(), &line)?;
    painter.end_line()
}

/// What was not said between two rows.
#[derive(Clone, Copy, Default)]
struct Unsaid {
    has_changes: bool,
    polls: u64,
    messages: u64,
    grants: u64,
    orders: u64,
    refused: u64,
}

/// Draws the timeline; returns the signs that it used, and how many buyers have no lane.
fn timeline<W: Write>(
    painter: &mut Painter<'_, W>,
    outcome: &Outcome,
    max_rows: usize,
) -> Result<(BTreeSet<Glyph>, usize), fmt::Error> {
    let cast = Cast::of(&outcome.run.history);
    let end = SimTime::after(outcome.run.simulated).max(outcome.run.history.end());
    let mut lines = Vec::new();
    walk(outcome, &cast, |_, record, sentences| {
        lines.extend(sentences.iter().map(|said| (said.weight, record.at)));
        Ok(())
    })?;
    let chosen = select::choose(&lines, end, max_rows);
    let mut chosen = chosen.into_iter().peekable();

    let columns = Columns::new(outcome, &cast);
    columns.heading(painter)?;
    let mut rows = Rows { painter, columns, used: BTreeSet::new(), last: None };
    let mut unsaid = Unsaid::default();
    let mut line = 0;
    walk(outcome, &cast, |state, record, sentences| {
        for said in sentences {
            if chosen.next_if_eq(&line).is_some() {
                rows.gap(record.at, std::mem::take(&mut unsaid))?;
                rows.row(state, record, said)?;
            } else {
                unsaid.has_changes |= said.weight > Weight::Quiet;
            }
            line += 1;
        }
        unsaid.count(state, record);
        Ok(())
    })?;
    rows.gap(end, unsaid)?;
    Ok((rows.used, rows.columns.hidden_buyers))
}

/// Goes through a run: each record with the state after it and what there is to say of it.
fn walk(
    outcome: &Outcome,
    cast: &Cast,
    mut visit: impl FnMut(&State<'_>, &Record, &[Sentence]) -> fmt::Result,
) -> fmt::Result {
    let history = &outcome.run.history;
    let mut state = State::new(&outcome.run, cast);
    let mut violations = outcome.verdict.violations.iter().peekable();
    let mut seen: BTreeMap<ViolationKind, u32> = BTreeMap::new();
    let mut sentences = Vec::new();
    for (place, record) in history.records().iter().enumerate() {
        let id = RecordId(place as u32);
        sentences.clear();
        sentences.extend(say(&state, id, record));
        while let Some(violation) = violations.next_if(|violation| violation.record <= id) {
            let number = seen.entry(violation.kind).or_default();
            *number += 1;
            let (weight, text) = match *number {
                1 => (
                    Weight::Violation,
                    format!("VIOLATION {}: {}", violation.kind, violation.detail),
                ),
                again => (Weight::Ordinary, format!("{} again, no. {again}", violation.kind)),
            };
            sentences.push(Sentence { weight, mark: Some(Glyph::Violation), text });
        }
        state.apply(record);
        visit(&state, record, &sentences)?;
    }
    Ok(())
}

/// The rows of the timeline, one under the other.
struct Rows<'p, 'a, W> {
    painter: &'p mut Painter<'a, W>,
    columns: Columns,
    used: BTreeSet<Glyph>,
    /// The last row's time and lanes.
    last: Option<(SimTime, Lanes)>,
}

impl<W: Write> Rows<'_, '_, W> {
    fn row(&mut self, state: &State<'_>, record: &Record, said: &Sentence) -> fmt::Result {
        let lanes = self.columns.after(state, record);
        let style = match said.mark {
            Some(Glyph::Violation) => AnsiColor::Red.on_default().bold(),
            Some(Glyph::Fault | Glyph::Refused | Glyph::Expired) => Style::new().bold(),
            _ if said.weight == Weight::Quiet => Style::new().dimmed(),
            _ => Style::new(),
        };
        self.lines(Some(record.at), &lanes, said.mark, style, &said.text)?;
        self.last = Some((record.at, lanes.continued()));
        Ok(())
    }

    /// What lies between the last row and the next, if that is worth a row.
    fn gap(&mut self, until: SimTime, unsaid: Unsaid) -> fmt::Result {
        let since = self.last.as_ref().map_or(SimTime::ZERO, |(at, _)| *at);
        let passed = until.saturating_since(since);
        if !unsaid.has_changes && passed < SILENCE {
            return Ok(());
        }
        let (text, style) = (unsaid.describe(passed), Glyph::Gap.style());
        let Some((_, lanes)) = self.last.clone().filter(|_| !unsaid.has_changes) else {
            self.used.insert(Glyph::Gap);
            let indent = " ".repeat(self.columns.width() - 2);
            return self.painter.paragraph(&format!("{indent}… "), style, &text);
        };
        self.lines(None, &lanes, Some(Glyph::Gap), style, &text)
    }

    fn lines(
        &mut self,
        at: Option<SimTime>,
        lanes: &Lanes,
        mark: Option<Glyph>,
        style: Style,
        text: &str,
    ) -> fmt::Result {
        let below = lanes.continued();
        let width = WIDTH.saturating_sub(self.columns.width());
        for (number, line) in wrap(text, width).iter().enumerate() {
            let (at, lanes) = if number == 0 { (at, lanes) } else { (None, &below) };
            self.columns.draw(self.painter, at, lanes, &mut self.used)?;
            let mark = mark.filter(|_| number == 0);
            self.used.extend(mark);
            self.painter.plain("  ")?;
            let style_of_mark = mark.map_or(Style::new(), Glyph::style);
            self.painter.styled(style_of_mark, mark.map_or(" ", Glyph::symbol))?;
            self.painter.plain(" ")?;
            self.painter.styled(style, line)?;
            self.painter.end_line()?;
        }
        Ok(())
    }
}

impl Unsaid {
    fn count(&mut self, state: &State<'_>, record: &Record) {
        match record.event {
            Event::Sent(message) => {
                let is_command =
                    matches!(state.history().message(message).message, Message::Redis(_));
                self.polls += u64::from(is_command && state.is_waiting(record.node));
            }
            Event::Delivered(_) => self.messages += 1,
            Event::Noted(note) => match state.history().note(note) {
                Note::Acquired { .. } => self.grants += 1,
                Note::WriteTaken { .. } => self.orders += 1,
                Note::Fenced { .. } => self.refused += 1,
                _ => {}
            },
            _ => {}
        }
    }

    fn describe(&self, passed: Duration) -> String {
        let mut parts = Vec::new();
        let counts = [
            (self.grants, "grant", "grants"),
            (self.orders, "order taken", "orders taken"),
            (self.refused, "request refused", "requests refused"),
            (self.polls, "poll", "polls"),
            (self.messages, "message", "messages"),
        ];
        for (number, one, many) in counts {
            if number > 0 {
                parts.push(words::count(number, one, many));
            }
        }
        let passed = words::seconds(passed);
        match (self.has_changes, parts.is_empty()) {
            (false, true) => format!("{passed}: nothing happens"),
            (false, false) => format!("{passed}: nothing changes ({})", parts.join(", ")),
            (true, true) => format!("{passed} left out"),
            (true, false) => format!("{passed} left out: {}", parts.join(", ")),
        }
    }
}
