//! How many seeds a hunt takes to the first `two-holders`.

use std::ops::Range;

use rayon::ThreadPool;
use rayon::prelude::*;
use serde::Serialize;

use super::cell::CellName;
use super::column::Column;
use super::rows::Row;
use crate::judge::ViolationKind;
use crate::scenario::{Failure, Scenario};

/// So many hunts, in seeds that they do not share.
const HUNTS: u64 = 20;

/// What came of several hunts in the cell `mixed`, each in seeds of its own and until its first `two-holders`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SeedsToFirst {
    /// The cell.
    pub cell: CellName,
    /// How many hunts there were.
    pub hunts: u64,
    /// A hunt ends after so many seeds, whatever it has found.
    pub seeds_at_most: u64,
    /// How many found it.
    pub found: u64,
    /// The median number of seeds up to the first, that one included; `None` where half of the hunts have
    /// found none.
    pub median: Option<u64>,
    /// The commands that do the first hunt again.
    pub replay: String,
}

/// How many seeds there are, at most.
pub const fn runs(seeds_at_most: u64) -> u64 {
    HUNTS * seeds_at_most
}

/// Hunts in a row's mixed faults, the first hunt from that seed on; `None` where there is no lock.
///
/// # Errors
///
/// The row's scenario cannot be run.
pub fn measure(
    row: &Row,
    start: u64,
    seeds_at_most: u64,
    pool: &ThreadPool,
) -> Result<Option<SeedsToFirst>, Failure> {
    let column = Column::Mixed;
    let Some(scenario) = column.scenario(row).ok().filter(|s| s.lock.is_lock()) else {
        return Ok(None);
    };
    let range = |hunt: u64| {
        let start = start.saturating_add(hunt.saturating_mul(seeds_at_most));
        start..start.saturating_add(seeds_at_most)
    };
    let hunts: Result<Vec<Option<u64>>, Failure> = pool.install(|| {
        (0..HUNTS).into_par_iter().map(|hunt| seeds_to_first(&scenario, range(hunt))).collect()
    });
    let mut hunts = hunts?;
    // Those that found nothing come last.
    hunts.sort_unstable_by_key(|found| found.unwrap_or(u64::MAX));
    let cell = CellName { row: row.name.to_owned(), column };
    let Range { start, end } = range(0);
    let file = cell.file();
    let replay = format!("{} && fencepost hunt {file} --seeds {start}..{end}", cell.write());
    Ok(Some(SeedsToFirst {
        hunts: HUNTS,
        seeds_at_most,
        found: hunts.iter().flatten().count() as u64,
        median: median(&hunts),
        replay,
        cell,
    }))
}

fn seeds_to_first(scenario: &Scenario, seeds: Range<u64>) -> Result<Option<u64>, Failure> {
    let start = seeds.start;
    for seed in seeds {
        match scenario.run(seed) {
            Ok(outcome) if outcome.verdict.first(ViolationKind::TwoHolders).is_some() => {
                return Ok(Some(seed - start + 1));
            }
            // A seed without a run shows nothing; the cell says how many there are.
            Ok(_) | Err(Failure::Panicked { .. } | Failure::Run(_)) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(None)
}

/// Of an even number the mean of the two in the middle, rounded up.
fn median(sorted: &[Option<u64>]) -> Option<u64> {
    let (low, high) = (sorted.len().checked_sub(1)? / 2, sorted.len() / 2);
    Some((sorted[low]? + sorted[high]?).div_ceil(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_needs_more_than_half_of_the_hunts() {
        assert_eq!(median(&[Some(1), Some(4), Some(9)]), Some(4));
        assert_eq!(median(&[Some(1), Some(4), Some(9), None]), Some(7));
        assert_eq!(median(&[Some(1), Some(4), None, None]), None);
        assert_eq!(median(&[]), None);
    }
}
