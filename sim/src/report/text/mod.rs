//! A run as a page for a terminal: who believed what beside what the servers had, where faults
//! struck, and the moment at which it went wrong.
//!
//! ```text
//! lanes      the columns at the left          unsaid     what was left out, counted
//! closing    legend, verdict, replay          paint      lines of a page's width, colour
//! ```

mod closing;
mod lanes;
pub(crate) mod paint;
#[cfg(test)]
mod tests;
mod unsaid;

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use anstyle::{AnsiColor, Style};

pub(in crate::report) use self::closing::{books_line, holders_line};
use self::lanes::{Columns, Lanes};
use self::paint::{PAGE_WIDTH, Painter, wrap};
use self::unsaid::Unsaid;
use super::cast::Cast;
use super::setting::setting;
use super::telling::select::{self, SILENCE};
use super::telling::{Glyph, Sentence, State, Weight, walk};
use crate::scenario::{Outcome, Scenario};
use crate::world::SimTime;
use crate::world::history::{Event, Record};

/// What the page looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextOptions<'a> {
    /// Colour it with ANSI escapes. Nothing is said by colour alone.
    pub colour: bool,
    /// At most so many rows of the timeline, for what is left out included; a long sentence may
    /// take several lines.
    pub max_rows: usize,
    /// No line is wider, in terminal columns, but that of `replay`. Less than 72 is taken for 72.
    pub width: usize,
    /// The command that shows the same run again, as a shell takes it: printed as one line,
    /// however long.
    pub replay: Option<&'a str>,
}

/// There is no room for lanes and words in less.
const LEAST_WIDTH: usize = 72;

impl Default for TextOptions<'_> {
    /// No colour, 60 rows, 100 columns, no command.
    fn default() -> Self {
        Self { colour: false, max_rows: 60, width: PAGE_WIDTH, replay: None }
    }
}

/// A run as a page, with the default options.
pub fn text(scenario: &Scenario, outcome: &Outcome) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write_text(scenario, outcome, &TextOptions::default(), &mut page);
    page
}

/// Writes a run as a page.
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
    let mut painter =
        Painter { out, colour: options.colour, width: options.width.max(LEAST_WIDTH) };
    heading(&mut painter, scenario, outcome)?;
    let cast = Cast::of(&outcome.run.history);
    let (used, hidden_buyers) = timeline(&mut painter, outcome, &cast, options.max_rows)?;
    closing::legend(&mut painter, &used, hidden_buyers, cast.has_threads)?;
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
    let line = setting(scenario, outcome.run.seed);
    painter.paragraph("", Style::new().dimmed(), &line)?;
    painter.end_line()
}

/// Draws the timeline; returns the signs that it used, and how many buyers have no lane.
fn timeline<W: Write>(
    painter: &mut Painter<'_, W>,
    outcome: &Outcome,
    cast: &Cast,
    max_rows: usize,
) -> Result<(BTreeSet<Glyph>, usize), fmt::Error> {
    let end = SimTime::after(outcome.run.simulated).max(outcome.run.history.end());
    let mut lines = Vec::new();
    walk(outcome, cast, |_, _, record, sentences| {
        lines.extend(sentences.iter().map(|said| (said.weight, record.at)));
        fmt::Result::Ok(())
    })?;
    let chosen = select::choose(&lines, end, max_rows);
    let mut chosen = chosen.into_iter().peekable();

    let columns = Columns::new(outcome, cast, painter.width);
    columns.heading(painter)?;
    let lanes = columns.now(&State::new(&outcome.run, cast));
    let last = (SimTime::ZERO, lanes.clone());
    let mut rows = Rows { painter, columns, used: BTreeSet::new(), last, lanes };
    let mut unsaid = Unsaid::default();
    let mut line = 0;
    walk(outcome, cast, |state, _, record, sentences| {
        if !sentences.iter().any(Sentence::is_of_record) {
            unsaid.pass_over(state, record);
        }
        for said in sentences {
            if chosen.next_if_eq(&line).is_some() {
                rows.gap(record.at, &std::mem::take(&mut unsaid))?;
                rows.row(state, record, said)?;
            } else {
                unsaid.leave_out(state, record, said);
                rows.follow(state, record);
            }
            line += 1;
        }
        if sentences.is_empty() {
            rows.follow(state, record);
        }
        Ok(())
    })?;
    rows.gap(end, &unsaid)?;
    Ok((rows.used, rows.columns.hidden_buyers))
}

/// The rows of the timeline, one under the other.
struct Rows<'p, 'a, W> {
    painter: &'p mut Painter<'a, W>,
    columns: Columns,
    used: BTreeSet<Glyph>,
    /// When the last row was, and the lanes under it.
    last: (SimTime, Lanes),
    /// The lanes as they stand after what has been gone through.
    lanes: Lanes,
}

impl<W: Write> Rows<'_, '_, W> {
    /// Goes past a record.
    fn follow(&mut self, state: &State<'_>, record: &Record) {
        // The commonest events, which change nobody's lane.
        if !matches!(record.event, Event::Sent(_) | Event::Delivered(_) | Event::TimerFired) {
            self.lanes = self.columns.now(state);
        }
    }

    fn row(&mut self, state: &State<'_>, record: &Record, said: &Sentence) -> fmt::Result {
        self.follow(state, record);
        let lanes = self.columns.at(state, record, &self.lanes);
        let style = match said.mark {
            Some(Glyph::Violation) => AnsiColor::Red.on_default().bold(),
            Some(Glyph::Fault | Glyph::Refused | Glyph::Expired | Glyph::Evicted) => {
                Style::new().bold()
            }
            _ if said.weight == Weight::Quiet => Style::new().dimmed(),
            _ => Style::new(),
        };
        self.lines(Some(record.at), &lanes, said.mark, style, &said.text)?;
        self.last = (record.at, self.lanes.clone());
        Ok(())
    }

    /// What lies between the last row and the next, if that is worth a row.
    fn gap(&mut self, until: SimTime, unsaid: &Unsaid) -> fmt::Result {
        let passed = until.saturating_since(self.last.0);
        if !unsaid.has_sentences() && passed < SILENCE {
            return Ok(());
        }
        let lanes = self.lanes.clone();
        let text = unsaid.describe(passed, lanes != self.last.1);
        self.lines(None, &lanes, Some(Glyph::Gap), Glyph::Gap.style(), &text)
    }

    fn lines(
        &mut self,
        at: Option<SimTime>,
        lanes: &Lanes,
        mark: Option<Glyph>,
        style: Style,
        text: &str,
    ) -> fmt::Result {
        let below = self.lanes.clone();
        let width = self.painter.width.saturating_sub(self.columns.width());
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
