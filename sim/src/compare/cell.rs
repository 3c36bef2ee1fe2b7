//! A cell: a row under what a column has go wrong, in so many seeds.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::column::Column;
use super::rows::Row;
use crate::hunt::{FailedSeed, HuntReport};
use crate::judge::ViolationKind;
use crate::scenario::Scenario;

/// Which cell: `set-nx-sentinel:failover`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellName {
    /// The row's name.
    pub row: String,
    /// The column.
    pub column: Column,
}

/// Why a name is none of a cell with a scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoCell {
    /// There is no colon in it.
    #[error("`{0}` is no cell: write ROW:COLUMN, such as set-nx:pause")]
    NoColon(String),
    /// No row is called that.
    #[error("there is no row `{name}` (there are: {known})")]
    NoRow {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// No column is called that.
    #[error("there is no column `{name}` (there are: {known})")]
    NoColumn {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// There is nothing to run in it.
    #[error("the cell {cell} is empty: {why}")]
    Empty {
        /// The cell.
        cell: CellName,
        /// Why.
        why: &'static str,
    },
}

/// A row by its name.
///
/// # Errors
///
/// There is none; the error names those that there are.
pub fn find_row<'r>(rows: &'r [Row], name: &str) -> Result<&'r Row, NoCell> {
    rows.iter().find(|row| row.name == name).ok_or_else(|| NoCell::NoRow {
        name: name.to_owned(),
        known: rows.iter().map(|row| row.name).collect::<Vec<_>>().join(", "),
    })
}

/// The scenario of a cell, by its name.
///
/// ```
/// use fencepost::compare::{rows, scenario_of};
///
/// let cell = scenario_of(&rows(), "set-nx:pause")?;
/// assert_eq!(cell.random_faults.map(|random| random.kinds.len()), Some(1));
/// # Ok::<(), fencepost::compare::NoCell>(())
/// ```
///
/// # Errors
///
/// No cell is called that, or it is empty.
pub fn scenario_of(rows: &[Row], name: &str) -> Result<Scenario, NoCell> {
    let (row, column) = name.split_once(':').ok_or_else(|| NoCell::NoColon(name.to_owned()))?;
    let row = find_row(rows, row)?;
    let find = |name: &str| Column::all().find(|column| column.as_str() == name);
    let column = find(column).ok_or_else(|| NoCell::NoColumn {
        name: column.to_owned(),
        known: Column::all().map(Column::as_str).collect::<Vec<_>>().join(", "),
    })?;
    let cell = CellName { row: row.name.to_owned(), column };
    column.scenario(row).map_err(|why| NoCell::Empty { cell, why })
}

impl fmt::Display for CellName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.row, self.column)
    }
}

impl CellName {
    /// What its file is called.
    pub fn file(&self) -> String {
        format!("{}.{}.toml", self.row, self.column)
    }

    /// The command that writes its scenario.
    pub fn write(&self) -> String {
        format!("fencepost compare --cell {self} --out {}", self.file())
    }

    /// The commands that run a seed of it again.
    pub fn replay(&self, seed: u64) -> String {
        format!("{} && fencepost run {} --seed {seed}", self.write(), self.file())
    }
}

impl Serialize for CellName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What came of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Cell {
    /// Which.
    pub cell: CellName,
    /// Over how many seeds.
    pub seeds: u64,
    /// How many of them show a violation.
    pub violating_seeds: u64,
    /// How many show each kind; kinds that none shows are not there.
    pub violations_by_kind: BTreeMap<ViolationKind, u64>,
    /// The lowest seed that shows each kind.
    pub first: BTreeMap<ViolationKind, u64>,
    /// In how many seeds each kind of fault has hit somebody.
    pub fired: BTreeMap<&'static str, u64>,
    /// How many seeds have no run to judge.
    pub failed_seeds: u64,
    /// The first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailedSeed>,
    /// The command that shows the lowest seed with a violation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
}

impl Cell {
    /// What a hunt in it has counted.
    pub(super) fn of(cell: CellName, hunt: &HuntReport) -> Self {
        let fired = hunt.faults.iter().map(|(kind, runs)| (kind.as_str(), runs.fired));
        let first_failure = hunt.failures.first();
        let seed = hunt.first.values().copied().chain(first_failure.map(|one| one.seed)).min();
        Self {
            seeds: hunt.seeds,
            violating_seeds: hunt.violating_seeds,
            violations_by_kind: hunt.violations_by_kind.clone(),
            first: hunt.first.clone(),
            fired: fired.collect(),
            failed_seeds: hunt.failed_seeds,
            failure: first_failure.cloned(),
            replay: seed.map(|seed| cell.replay(seed)),
            cell,
        }
    }

    /// How many seeds show a kind.
    pub fn count(&self, kind: ViolationKind) -> u64 {
        self.violations_by_kind.get(&kind).copied().unwrap_or_default()
    }

    /// Whether the cell says anything: a fault has hit somebody in one seed at least, unless none was to.
    pub fn is_telling(&self) -> bool {
        self.cell.column == Column::Calm || self.fired.values().any(|runs| *runs > 0)
    }

    /// A letter for each kind that was found, a capital where it was in a tenth of the seeds or more.
    pub fn letters(&self) -> String {
        let letter = |(kind, count): (&ViolationKind, &u64)| {
            let letter = letter(*kind);
            if count.saturating_mul(10) >= self.seeds {
                letter
            } else {
                letter.to_ascii_lowercase()
            }
        };
        self.violations_by_kind.iter().map(letter).collect()
    }
}

/// The letter that stands for a kind in the table.
pub const fn letter(kind: ViolationKind) -> char {
    match kind {
        ViolationKind::TwoHolders => 'T',
        ViolationKind::Oversell => 'O',
        ViolationKind::StaleWrite => 'S',
        ViolationKind::TokenRegression => 'R',
        ViolationKind::ForeignRelease => 'F',
        ViolationKind::StuckLock => 'K',
        ViolationKind::Own(_) => 'I',
    }
}
