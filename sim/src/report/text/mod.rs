//! A run as a page for a terminal: who believed what beside what the servers had, where faults
//! struck, and the moment at which it went wrong.
//!
//! ```text
//! glyph      every sign and its meaning       select     which lines a long run is cut down to
//! state      who believes and does what       unsaid     what the others were, counted
//! sentence   a record in words                lanes      the columns at the left
//! connection one about a connection           paint      lines of a page's width, colour
//! closing    legend, verdict, replay          client     one process and its threads
//! ```

mod client;
mod closing;
mod connection;
mod ensemble;
mod fault;
mod glyph;
mod lanes;
pub(crate) mod paint;
mod requests;
mod select;
mod sentence;
mod state;
#[cfg(test)]
mod tests;
mod unsaid;
mod zookeeper;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use anstyle::{AnsiColor, Style};
use fencepost_models::shop::Orders;
use fencepost_models::shop::buyer::{BuyerSettings, LeaseCheck};

pub(in crate::report) use self::closing::{books_line, holders_line};
use self::glyph::Glyph;
use self::lanes::{Columns, Lanes};
use self::paint::{PAGE_WIDTH, Painter, wrap};
use self::select::SILENCE;
use self::sentence::say;
pub(in crate::report) use self::sentence::{Sentence, Weight};
pub(in crate::report) use self::state::State;
use self::unsaid::Unsaid;
use super::cast::Cast;
use super::words;
use crate::judge::ViolationKind;
use crate::scenario::{Backend, Outcome, Recipe, Scenario, Shop};
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
    let fencing = match scenario.shop.fencing {
        fencepost_models::shop::Fencing::Off => "fencing off",
        fencepost_models::shop::Fencing::Writes => "fencing on writes",
        fencepost_models::shop::Fencing::ReadsAndWrites => "fencing on reads and writes",
    };
    let line = format!(
        "{}, {fencing}; {} for {}{}{}; seed {}",
        lock(scenario),
        words::count(scenario.shop.stock, "piece", "pieces"),
        words::count(u64::from(scenario.shop.buyers), "buyer", "buyers"),
        processes(scenario),
        habits(scenario),
        outcome.run.seed,
    );
    painter.paragraph("", Style::new().dimmed(), &line)?;
    painter.end_line()
}

/// What the shop and its buyers do beyond the usual, and who else is there.
fn habits(scenario: &Scenario) -> String {
    let Shop { order_id, buyer: BuyerSettings { retries, lease_check, orders, .. }, .. } =
        &scenario.shop;
    let retries = u64::from(*retries);
    let habits = [
        match lease_check {
            LeaseCheck::None => None,
            LeaseCheck::BeforeWrite => Some("a look at the lease before each write".to_owned()),
            LeaseCheck::Throughout => Some("no work beyond the lease".to_owned()),
        },
        (retries > 0).then(|| words::count(retries, "retry", "retries")),
        order_id.then(|| "orders known by an id".to_owned()),
        match orders {
            Orders::WithStock => None,
            Orders::AfterStock => Some("orders recorded elsewhere, after the stock".to_owned()),
            Orders::BeforeStock => Some("orders recorded elsewhere, before the stock".to_owned()),
        },
        scenario.load.as_ref().map(|load| {
            let keys = words::count(u64::from(load.keys_per_second), "key", "keys");
            format!("{keys} of somebody else's each second")
        }),
    ];
    habits.into_iter().flatten().map(|habit| format!(", {habit}")).collect()
}

/// The lock, where it lives and how long a grant lasts: `lock set-nx on redis, lease 10s`.
fn lock(scenario: &Scenario) -> String {
    let recipe = &scenario.lock;
    let name = recipe.as_str();
    if *recipe == Recipe::None {
        return "no lock".to_owned();
    }
    if !recipe.is_lock() {
        return format!("no lock, {name}");
    }
    let backend = scenario.backend.as_ref().map(|one| format!(" on {}", one.as_str()));
    let backend = backend.unwrap_or_default();
    let lease = recipe.lease().map(|lease| format!(", lease {}", fencepost_faults::show(lease)));
    format!("lock {name}{backend}{}", lease.unwrap_or_default())
}

/// In how many processes the buyers are, where they are not one each: ` in 2 processes`.
fn processes(scenario: &Scenario) -> String {
    match scenario.backend {
        Some(Backend::Memory { processes }) => {
            format!(" in {}", words::count(u64::from(processes), "process", "processes"))
        }
        _ => String::new(),
    }
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

/// Goes through a run: each record with the state after it and what there is to say of it.
///
/// # Errors
///
/// What `visit` says.
pub(in crate::report) fn walk<'o, E>(
    outcome: &'o Outcome,
    cast: &'o Cast,
    mut visit: impl FnMut(&State<'o>, RecordId, &'o Record, &[Sentence]) -> Result<(), E>,
) -> Result<(), E> {
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
        visit(&state, id, record, &sentences)?;
    }
    Ok(())
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
