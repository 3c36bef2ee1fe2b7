//! The columns at the left: the time, what each server has, what each buyer (or each process of
//! buyers) believes, the store.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use anstyle::Style;
use fencepost_models::machine::NodeId;
use fencepost_models::note::Note;
use unicode_width::UnicodeWidthStr;

use super::paint::{Painter, short};
use crate::report::cast::Cast;
use crate::report::telling::Glyph;
use crate::report::telling::{Cell, State};
use crate::scenario::Outcome;
use crate::world::SimTime;
use crate::world::history::{Event, History, Record};

/// More buyers, or servers, are not drawn: there would be no room for words.
const MOST_BUYERS: usize = 8;
const MOST_SERVERS: usize = 9;

/// Words get so many columns where they can: on a narrow page, fewer buyers are drawn.
const WORDS_WIDTH: usize = 24;

/// The blanks around the mark between lanes and words.
const MARK_WIDTH: usize = 4;

/// `99999.999s`: a day and more; a longer run has a wider column.
const TIME_WIDTH: usize = 10;
const STORE_WIDTH: usize = 10;

/// Who is drawn, and where.
pub struct Columns {
    servers: Vec<NodeId>,
    /// Each with its number.
    buyers: Vec<(usize, NodeId)>,
    /// How many buyers are not drawn.
    pub hidden_buyers: usize,
    /// What stands over the servers' lanes.
    server_title: String,
    /// What stands over the buyers' lanes.
    buyer_title: &'static str,
    /// The store, if it ever fails: it has a sign then.
    failing_store: Option<NodeId>,
    time_width: usize,
    server_width: usize,
    buyer_width: usize,
}

/// The lanes of one row.
#[derive(Clone, PartialEq, Eq)]
pub struct Lanes {
    servers: Vec<Cell>,
    buyers: Vec<Glyph>,
    stock: Option<(u64, u64)>,
    store: Option<Glyph>,
}

impl Columns {
    /// Room for those who matter: whom a violation or a fault names, then the first ones.
    pub fn new(outcome: &Outcome, cast: &Cast, width: usize) -> Self {
        let history = &outcome.run.history;
        let violations = outcome.verdict.violations.iter().flat_map(|one| one.nodes.clone());
        let named: BTreeSet<&str> =
            outcome.run.faults.iter().flat_map(|one| one.fault.action.nodes()).collect();
        let hit = cast.clients.iter().copied().filter(|one| named.contains(history.name(*one)));
        // Where nobody locks, the servers have nothing to show.
        let most_servers = if cast.locks.is_empty() { 0 } else { MOST_SERVERS };
        let servers: Vec<_> = cast.servers.iter().copied().take(most_servers).collect();
        let server_title: String = match servers.as_slice() {
            [] => String::new(),
            [one] => history.name(*one).chars().take(8).collect(),
            _ => "servers".to_owned(),
        };
        let digits = cast.clients.len().to_string().len();
        let mut columns = Self {
            hidden_buyers: 0,
            failing_store: cast.store.filter(|store| fails(history, *store)),
            time_width: TIME_WIDTH.max(history.end().to_string().len()),
            server_width: server_title.width().max(servers.len() * (digits + 1)),
            buyer_width: 1 + digits,
            servers,
            buyers: Vec::new(),
            server_title,
            buyer_title: if cast.has_threads { "jvm" } else { "buyers" },
        };
        let room = width.saturating_sub(columns.width_without_buyers() + WORDS_WIDTH);
        let most_buyers = (room / columns.buyer_width).clamp(1, MOST_BUYERS);
        let mut drawn = BTreeSet::new();
        for node in violations.chain(hit).chain(cast.clients.iter().copied()) {
            if drawn.len() < most_buyers && cast.clients.contains(&node) {
                drawn.insert(node);
            }
        }
        let numbered = (1..).zip(cast.clients.iter().copied());
        columns.buyers = numbered.filter(|(_, node)| drawn.contains(node)).collect();
        columns.hidden_buyers = cast.clients.len() - columns.buyers.len();
        let last = columns.buyers.last().map_or(1, |(number, _)| number.to_string().len());
        columns.buyer_width = 1 + last;
        columns
    }

    /// How many columns the lanes take, with the mark behind them.
    pub fn width(&self) -> usize {
        self.width_without_buyers() + self.buyers_width()
    }

    fn width_without_buyers(&self) -> usize {
        self.time_width + self.servers_width() + 2 + STORE_WIDTH + self.sign_width() + MARK_WIDTH
    }

    fn sign_width(&self) -> usize {
        if self.failing_store.is_some() { 2 } else { 0 }
    }

    fn servers_width(&self) -> usize {
        if self.servers.is_empty() { 0 } else { 2 + self.server_width }
    }

    fn buyers_width(&self) -> usize {
        (self.buyers.len() * self.buyer_width).max(self.buyer_title.len())
    }

    /// The lanes as they stand.
    pub fn now(&self, state: &State<'_>) -> Lanes {
        Lanes {
            servers: self.servers.iter().map(|server| state.server_cell(*server)).collect(),
            buyers: self.buyers.iter().map(|(_, node)| state.client_cell(*node)).collect(),
            stock: state.stock.map(|stock| (stock, state.sold)),
            store: self.failing_store.and_then(|store| state.failure(store)),
        }
    }

    /// The lanes in the row of a record, `now` after it: where a hold begins or ends, they say so.
    pub fn at(&self, state: &State<'_>, record: &Record, now: &Lanes) -> Lanes {
        let mut lanes = now.clone();
        let place = self.buyers.iter().position(|(_, node)| *node == record.node);
        if let Some(cell) = place.and_then(|place| lanes.buyers.get_mut(place)) {
            match state.history().note_of(record) {
                Some(Note::Acquired { .. }) if *cell == Glyph::Holds => *cell = Glyph::Begins,
                Some(Note::Releasing { .. } | Note::Abandoned { .. } | Note::LockLost { .. })
                    if state.held_by(record.node).is_none() =>
                {
                    *cell = Glyph::Ends;
                }
                _ => {}
            }
        }
        lanes
    }

    /// The two lines over the lanes.
    pub fn heading<W: Write>(&self, painter: &mut Painter<'_, W>) -> fmt::Result {
        let (servers, buyers) = (self.servers_width(), self.buyers_width());
        let wide = self.time_width;
        let title = if servers == 0 { String::new() } else { format!("  {}", self.server_title) };
        let first =
            format!("{:wide$}{title:servers$}  {:buyers$}      store", "", self.buyer_title);
        let mut numbers = String::new();
        for (number, _) in &self.buyers {
            let width = self.buyer_width;
            write!(numbers, "{number:<width$}")?;
        }
        let time = "time";
        let has = if servers == 0 { "" } else { "  has" };
        let second = format!("{time:>wide$}{has:servers$}  {numbers:buyers$} left sold");
        for line in [first, second] {
            painter.styled(Style::new().dimmed(), line.trim_end())?;
            painter.end_line()?;
        }
        Ok(())
    }

    /// The left part of a row. `at` is blank on a continuation.
    pub fn draw<W: Write>(
        &self,
        painter: &mut Painter<'_, W>,
        at: Option<SimTime>,
        lanes: &Lanes,
        used: &mut BTreeSet<Glyph>,
    ) -> fmt::Result {
        let time = at.map_or_else(String::new, |at| at.to_string());
        let wide = self.time_width;
        painter.plain(&format!("{time:>wide$}"))?;
        if !self.servers.is_empty() {
            painter.plain("  ")?;
            let each = self.server_width / self.servers.len();
            for cell in &lanes.servers {
                let (glyph, symbol) = match cell {
                    Cell::Sign(glyph) => (*glyph, glyph.symbol().to_owned()),
                    Cell::Owner(number) => (Glyph::Owner, number.to_string()),
                };
                used.insert(glyph);
                painter.styled(glyph.style(), &format!("{symbol:<each$}"))?;
            }
            let rest = self.server_width - each * self.servers.len();
            painter.plain(&" ".repeat(rest))?;
        }
        painter.plain("  ")?;
        for glyph in &lanes.buyers {
            used.insert(*glyph);
            painter.styled(glyph.style(), glyph.symbol())?;
            painter.plain(&" ".repeat(self.buyer_width - 1))?;
        }
        painter.plain(&" ".repeat(self.buyers_width() - self.buyers.len() * self.buyer_width))?;
        let (left, sold) = match lanes.stock.filter(|_| at.is_some()) {
            Some((left, sold)) => (short(left), short(sold)),
            None => (String::new(), String::new()),
        };
        painter.plain(&format!(" {left:>4} {sold:>4}"))?;
        match lanes.store {
            Some(glyph) => {
                used.insert(glyph);
                painter.plain(" ")?;
                painter.styled(glyph.style(), glyph.symbol())
            }
            None => painter.plain(&" ".repeat(self.sign_width())),
        }
    }
}

/// Whether a node is ever paused or down.
fn fails(history: &History, node: NodeId) -> bool {
    let is_failure = |event| matches!(event, Event::Paused | Event::Crashed | Event::PowerLost);
    history.records().iter().any(|record| record.node == node && is_failure(record.event))
}
