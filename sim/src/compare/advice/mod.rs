//! The selection guide: sentences that rest on cells.
//!
//! A sentence is a rule: a condition on what was measured, and words for it. Where the condition is not met, by
//! these seeds or because a row is not there, nothing is said. Each names the cells that it rests on, so that
//! they can be looked at. What was not found is told with the number of seeds in which it was not.

mod costs;
mod faults;

use serde::Serialize;

use super::cell::{Cell, CellName};
use super::column::Column;
use super::report::{CompareReport, RowReport};
use crate::judge::ViolationKind;

/// One sentence of advice, or two that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sentence {
    /// What it says.
    pub text: String,
    /// The cells that it rests on.
    pub cells: Vec<CellName>,
}

/// A rule: what there is to say, if there is anything.
type Rule = fn(&CompareReport) -> Option<Sentence>;

/// What a comparison suggests.
pub fn advise(report: &CompareReport) -> Vec<Sentence> {
    let rules = faults::RULES.iter().chain(costs::RULES);
    rules.filter_map(|rule: &Rule| rule(report)).collect()
}

impl Sentence {
    /// The cells in few words, rows and then columns: `set-nx, redlock: pause, crash; zookeeper: pause`.
    pub fn rests_on(&self) -> String {
        let mut groups: Vec<(Vec<&str>, Vec<Column>)> = Vec::new();
        let mut columns: Vec<Column> = Vec::new();
        for CellName { column, .. } in &self.cells {
            if !columns.contains(column) {
                columns.push(*column);
            }
        }
        for column in columns {
            let cells = self.cells.iter().filter(|cell| cell.column == column);
            let rows: Vec<&str> = cells.map(|cell| cell.row.as_str()).collect();
            match groups.iter_mut().find(|(others, _)| *others == rows) {
                Some((_, columns)) => columns.push(column),
                None => groups.push((rows, vec![column])),
            }
        }
        let group = |(rows, columns): (Vec<&str>, Vec<Column>)| {
            let columns: Vec<&str> = columns.into_iter().map(Column::as_str).collect();
            format!("{}: {}", rows.join(", "), columns.join(", "))
        };
        groups.into_iter().map(group).collect::<Vec<_>>().join("; ")
    }

    fn new(text: String, cells: impl IntoIterator<Item = CellName>) -> Self {
        Self { text, cells: cells.into_iter().collect() }
    }
}

impl CompareReport {
    /// A cell of the table of faults.
    fn cell(&self, row: &str, column: Column) -> Option<&Cell> {
        self.row(row)?.cell(column)
    }

    /// The rows whose locks somebody can hold.
    fn locks(&self) -> impl Iterator<Item = &RowReport> {
        self.rows.iter().filter(|row| row.is_lock)
    }

    /// The locks' cells of a column that say something about a kind: a fault has hit somebody, every seed was
    /// judged, and the lock does not show the kind without any fault.
    fn told(&self, column: Column, kind: ViolationKind) -> Vec<&Cell> {
        let stands =
            |row: &&RowReport| row.cell(Column::Calm).is_some_and(|cell| cell.count(kind) == 0);
        let cells = self.locks().filter(stands).filter_map(|row| row.cell(column));
        cells.filter(|cell| cell.is_telling() && cell.failed_seeds == 0).collect()
    }
}

/// The cells that show a kind, and those that do not.
fn by_kind(cells: Vec<&Cell>, kind: ViolationKind) -> (Vec<&Cell>, Vec<&Cell>) {
    cells.into_iter().partition(|cell| cell.count(kind) > 0)
}

/// `set-nx in 12, redlock in 3`: in how many seeds a kind was found.
fn counted(cells: &[&Cell], kind: ViolationKind) -> String {
    let one = |cell: &&Cell| format!("{} in {}", cell.cell.row, cell.count(kind));
    listed(&cells.iter().map(one).collect::<Vec<_>>())
}

/// The rows' names.
fn rows_of(cells: &[&Cell]) -> String {
    listed(&cells.iter().map(|cell| cell.cell.row.clone()).collect::<Vec<_>>())
}

/// `one, two and three`.
fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

fn names<'c>(cells: impl IntoIterator<Item = &'c Cell>) -> Vec<CellName> {
    cells.into_iter().map(|cell| cell.cell.clone()).collect()
}
