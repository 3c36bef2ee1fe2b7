//! The comparison: every lock under every kind of fault, in numbers.
//!
//! ```
//! use fencepost::compare::{Column, Compare, rows};
//! use fencepost::judge::ViolationKind::Oversell;
//!
//! let two = rows().into_iter().filter(|row| ["none", "conditional-update"].contains(&row.name));
//! let report = Compare::new(two.collect(), 0..5).run()?;
//! let oversold = |row: &str| Some(report.row(row)?.cell(Column::Mixed)?.count(Oversell));
//! assert_eq!(oversold("none"), Some(5));
//! assert_eq!(oversold("conditional-update"), Some(0));
//! # Ok::<(), fencepost::compare::CompareError>(())
//! ```
//!
//! A cell is a hunt in the scenario of its row, with faults of its column alone: the same seeds in each. What
//! it counts is what `fencepost hunt` counts, and every seed can be run again ([`scenario_of`]). A cell that
//! shows nothing says over how many seeds it shows nothing, and no more.

mod advice;
mod cell;
mod column;
mod figures;
mod first;
mod html;
mod quiet;
mod report;
mod rows;
#[cfg(test)]
mod tests;
mod text;

use std::num::NonZeroUsize;
use std::ops::{ControlFlow, Range};

use rayon::ThreadPool;

pub use self::advice::Sentence;
pub use self::cell::{Cell, CellName, NoCell, find_row, letter, scenario_of};
pub use self::column::{Clients, Column};
pub use self::first::SeedsToFirst;
pub use self::html::html;
pub use self::quiet::{Crash, Load, Quiet};
pub use self::report::{CompareReport, Gap, RowReport};
pub use self::rows::{Row, rows};
pub use self::text::{TextOptions, text};
use crate::hunt::{Hunt, HuntError, HuntReport, NoThreads, pool_of};
use crate::judge::ViolationKind;
use crate::scenario::{Failure, Scenario};

/// So many seeds in every cell, where nobody says otherwise: all of it takes less than two minutes on two
/// cores.
pub const DEFAULT_SEEDS: u64 = 100;

/// A hunt for the first `two-holders` ends after so many seeds, or after as many as a cell has.
const SEEDS_TO_FIRST: u64 = 50;

/// Rows, and the seeds to run each of their cells under.
#[derive(Clone, Debug)]
#[must_use = "a comparison runs nothing until it is asked to"]
pub struct Compare {
    rows: Vec<Row>,
    seeds: Range<u64>,
    jobs: Option<NonZeroUsize>,
}

/// Why a comparison has nothing to report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// A cell could not be hunted in.
    #[error("{cell}: {source}")]
    Hunt {
        /// Which.
        cell: String,
        /// Why.
        source: HuntError,
    },
    /// Somebody broke it off. Half a table would be taken for a whole one.
    #[error("interrupted: half a table would be taken for a whole one")]
    Interrupted,
}

/// Told ten times a second what all cells so far have counted.
type Progress<'p> = &'p mut dyn FnMut(&HuntReport) -> ControlFlow<()>;

impl Compare {
    /// A comparison on as many threads as the machine has cores.
    pub const fn new(rows: Vec<Row>, seeds: Range<u64>) -> Self {
        Self { rows, seeds, jobs: None }
    }

    /// Runs so many seeds at a time. What comes of it is the same.
    pub const fn jobs(mut self, jobs: NonZeroUsize) -> Self {
        self.jobs = Some(jobs);
        self
    }

    /// How many runs there are, at most.
    pub fn runs(&self) -> u64 {
        let seeds = self.seeds.end.saturating_sub(self.seeds.start);
        let cells = |row: &Row| {
            Column::of_faults().filter(|column| column.scenario(row).is_ok()).count() as u64
        };
        let runs = |row: &Row| {
            let first = first::runs(self.seeds_to_first()) * u64::from(row.scenario.lock.is_lock());
            cells(row) * seeds + quiet::runs(row, &self.seeds) + first
        };
        self.rows.iter().map(runs).sum()
    }

    fn seeds_to_first(&self) -> u64 {
        SEEDS_TO_FIRST.min(self.seeds.end.saturating_sub(self.seeds.start))
    }

    /// Runs all of it.
    ///
    /// # Errors
    ///
    /// The threads cannot be started, or a row is none that can be run. A seed that fails is counted.
    pub fn run(&self) -> Result<CompareReport, CompareError> {
        self.watch(|_| ControlFlow::Continue(()))
    }

    /// Runs it and says how far it is, on the thread of the caller.
    ///
    /// # Errors
    ///
    /// As [`Compare::run`], or `progress` has broken it off.
    pub fn watch(
        &self,
        mut progress: impl FnMut(&HuntReport) -> ControlFlow<()>,
    ) -> Result<CompareReport, CompareError> {
        let mut tally = Tally::new(&mut progress);
        let mut report = CompareReport::new(self.seeds.clone());
        let pool = self.pool()?;
        for row in &self.rows {
            let mut measured = RowReport::new(row);
            self.unjudged(row, &mut measured)?;
            for column in Column::of_faults() {
                self.cell(row, column, &mut measured, &mut tally)?;
            }
            let failed = |source| failed(row.name, source);
            measured.quiet = quiet::measure(row, &self.seeds, &pool).map_err(failed)?;
            tally.runs(quiet::runs(row, &self.seeds))?;
            let (start, most) = (self.seeds.start, self.seeds_to_first());
            measured.first = first::measure(row, start, most, &pool).map_err(failed)?;
            if measured.first.is_some() {
                tally.runs(first::runs(most))?;
            }
            report.rows.push(measured);
        }
        report.advice = advice::advise(&report);
        Ok(report)
    }

    fn cell(
        &self,
        row: &Row,
        column: Column,
        measured: &mut RowReport,
        tally: &mut Tally<'_>,
    ) -> Result<(), CompareError> {
        let scenario = match column.scenario(row) {
            Ok(scenario) => scenario,
            Err(why) => {
                measured.empty.push(Gap { what: column, why: why.to_owned() });
                return Ok(());
            }
        };
        let name = CellName { row: row.name.to_owned(), column };
        let mut hunt = Hunt::new(scenario, self.seeds.clone());
        if let Some(jobs) = self.jobs {
            hunt = hunt.jobs(jobs);
        }
        let report = hunt.watch(|so_far| tally.with(so_far));
        let report =
            report.map_err(|source| CompareError::Hunt { cell: name.to_string(), source })?;
        if report.interrupted || tally.count(&report).is_break() {
            return Err(CompareError::Interrupted);
        }
        measured.cells.push(Cell::of(name, &report));
        Ok(())
    }

    /// The threads of what is no hunt.
    fn pool(&self) -> Result<ThreadPool, CompareError> {
        let wrong =
            |none: NoThreads| CompareError::Hunt { cell: "all".to_owned(), source: none.into() };
        pool_of(self.jobs).map_err(wrong)
    }

    /// What the row's runs are too short to show, faults or not.
    fn unjudged(&self, row: &Row, measured: &mut RowReport) -> Result<(), CompareError> {
        let outcome = row.scenario.run(self.seeds.start);
        let outcome = outcome.map_err(|source| CompareError::Hunt {
            cell: row.name.to_owned(),
            source: source.into(),
        })?;
        let gap = |kind: ViolationKind| {
            let why = outcome.verdict.why_unjudged(kind)?.to_owned();
            Some(Gap { what: kind, why })
        };
        measured.unjudged = ViolationKind::ALL.into_iter().filter_map(gap).collect();
        Ok(())
    }
}

/// What all cells have counted, for whoever watches.
struct Tally<'p> {
    sum: HuntReport,
    progress: Progress<'p>,
}

impl<'p> Tally<'p> {
    fn new(progress: Progress<'p>) -> Self {
        Self { sum: Hunt::new(Scenario::default(), 0..0).blank(), progress }
    }

    /// Says how it stands, a hunt that is under way included.
    fn with(&mut self, hunt: &HuntReport) -> ControlFlow<()> {
        let mut sum = self.sum.clone();
        add(&mut sum, hunt);
        (self.progress)(&sum)
    }

    /// Counts runs that are none of a hunt.
    fn runs(&mut self, runs: u64) -> Result<(), CompareError> {
        self.sum.seeds += runs;
        if (self.progress)(&self.sum).is_break() { Err(CompareError::Interrupted) } else { Ok(()) }
    }

    /// Counts a hunt that is over.
    fn count(&mut self, hunt: &HuntReport) -> ControlFlow<()> {
        add(&mut self.sum, hunt);
        (self.progress)(&self.sum)
    }
}

fn failed(row: &str, failure: Failure) -> CompareError {
    CompareError::Hunt { cell: row.to_owned(), source: failure.into() }
}

fn add(sum: &mut HuntReport, hunt: &HuntReport) {
    sum.seeds += hunt.seeds;
    sum.violating_seeds += hunt.violating_seeds;
    sum.failed_seeds += hunt.failed_seeds;
}
