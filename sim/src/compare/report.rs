//! What a comparison has measured: plain data. It depends on the rows and the seeds alone.

use std::ops::Range;

use serde::{Serialize, Serializer};

use super::advice::Sentence;
use super::cell::Cell;
use super::column::Column;
use super::first::SeedsToFirst;
use super::quiet::Quiet;
use super::rows::{BUYERS, LEASE, Row};
use crate::judge::ViolationKind;
use crate::scenario::Backend;
use crate::seeds::show_range;

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CompareReport {
    /// The seeds that every cell was run under.
    #[serde(serialize_with = "as_text")]
    pub seeds: Range<u64>,
    /// How long every lease and every session lasts, in milliseconds.
    pub lease_ms: u64,
    /// How many buyers there are in every cell.
    pub buyers: u16,
    /// The rows, in their order.
    pub rows: Vec<RowReport>,
    /// The selection guide.
    pub advice: Vec<Sentence>,
}

/// What came of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RowReport {
    /// What its cells are called by.
    pub name: &'static str,
    /// What it is, in words.
    pub title: &'static str,
    /// The recipe.
    pub recipe: &'static str,
    /// The backend, where there is one.
    pub backend: Option<&'static str>,
    /// Whether it locks anything at all.
    pub is_lock: bool,
    /// Whether grants carry tokens that grow.
    pub gives_tokens: bool,
    /// The kinds of violations that its runs cannot show, and why.
    pub unjudged: Vec<Gap<ViolationKind>>,
    /// The cells, in the order of the columns.
    pub cells: Vec<Cell>,
    /// The columns without a cell, and why.
    pub empty: Vec<Gap<Column>>,
    /// What it costs without faults.
    pub quiet: Quiet,
    /// How many seeds hunts take to the first `two-holders`; `None` where there is no lock.
    pub first: Option<SeedsToFirst>,
}

/// Something that is not there, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap<T> {
    /// What.
    pub what: T,
    /// Why.
    pub why: String,
}

impl CompareReport {
    /// A report without rows.
    pub(super) fn new(seeds: Range<u64>) -> Self {
        let lease_ms = u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX);
        Self { seeds, lease_ms, buyers: BUYERS, rows: Vec::new(), advice: Vec::new() }
    }

    /// A row by its name.
    pub fn row(&self, name: &str) -> Option<&RowReport> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// How many seeds had no run to judge, in all cells.
    pub fn failed_seeds(&self) -> u64 {
        self.rows.iter().flat_map(|row| &row.cells).map(|cell| cell.failed_seeds).sum()
    }
}

impl RowReport {
    /// A row of which nothing has been measured yet.
    pub(super) fn new(row: &Row) -> Self {
        let scenario = &row.scenario;
        Self {
            name: row.name,
            title: row.title,
            recipe: scenario.lock.as_str(),
            backend: scenario.backend.as_ref().map(Backend::as_str),
            is_lock: scenario.lock.is_lock(),
            gives_tokens: scenario.lock.gives_tokens(),
            unjudged: Vec::new(),
            cells: Vec::new(),
            empty: Vec::new(),
            quiet: Quiet::default(),
            first: None,
        }
    }

    /// Whether the lock is somewhere else than in the buyers' own memory.
    pub fn is_on_servers(&self) -> bool {
        self.is_lock && self.quiet.crash.is_some()
    }

    /// What came of a column.
    pub fn cell(&self, column: Column) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.cell.column == column)
    }

    /// Why a column has no cell.
    pub fn why_empty(&self, column: Column) -> Option<&str> {
        self.empty.iter().find(|gap| gap.what == column).map(|gap| gap.why.as_str())
    }
}

impl Serialize for Column {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

fn as_text<S: Serializer>(range: &Range<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&show_range(range))
}
