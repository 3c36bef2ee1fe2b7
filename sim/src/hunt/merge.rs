//! The reports of the parts of a hunt, as that of the whole.
//!
//! Everything in a report is a sum, a minimum, or the first so many of a list in the order of the
//! seeds, so that the merged report is the one that the hunt in one piece would have given, whichever
//! way it was split. What cannot be added up exactly is refused.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use super::identity::{Difference, join};
use super::report::{HuntReport, MAX_FAILURES};
use super::stories::Stories;
use crate::seeds::show_range;

/// Why reports cannot be counted together. They are called by the names that they were given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// There are none.
    #[error("there is no report to merge")]
    Nothing,
    /// Two are of different hunts.
    #[error("{one} and {other} are of different hunts: {}", join(.differences, "; "))]
    DifferentHunts {
        /// The one.
        one: String,
        /// The other.
        other: String,
        /// In what they differ.
        differences: Vec<Difference>,
    },
    /// One has not been run to its end.
    #[error("{name} has {seeds} of {all} seeds: its hunt was broken off")]
    Unfinished {
        /// Which one.
        name: String,
        /// So many seeds it has.
        seeds: u64,
        /// So many it should have.
        all: u64,
    },
    /// Two have run the same seeds.
    #[error("{one} and {other} have both run the seeds {}", show_range(.seeds))]
    Overlap {
        /// The one.
        one: String,
        /// The other.
        other: String,
        /// Which seeds.
        seeds: Range<u64>,
    },
    /// Seeds that none has run.
    #[error("no report has the seeds {}{}", join(.seeds, ", "), missing(.shards))]
    Missing {
        /// Which seeds.
        seeds: Vec<Seeds>,
        /// The shards that are not there, where all are of one split: `2/3`.
        shards: Vec<String>,
    },
    /// Of some, the first run of each kind has been shrunk, of others not.
    #[error("{name} has not shrunk its run of {kind}, and other reports have shrunk theirs")]
    NotShrunk {
        /// Which one has not.
        name: String,
        /// Of which kind of violation.
        kind: String,
    },
    /// One has not told its stories.
    #[error("{name} has not told all of its stories: its hunt was broken off")]
    Untold {
        /// Which one.
        name: String,
    },
}

impl MergeError {
    /// What can be done about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Nothing => "name the reports of all shards",
            Self::DifferentHunts { .. } => {
                "the shards of a hunt have the scenario, the seeds and the program in common"
            }
            Self::Unfinished { .. } => {
                "hunt its seeds again; with the same `--out DIR` the hunt goes on where it was"
            }
            Self::Overlap { .. } => "name each shard's report once",
            Self::Missing { .. } => "name the reports of all shards; hunt those that are not there",
            Self::Untold { .. } => "the same `hunt` command with the same `--out DIR` tells them",
            Self::NotShrunk { .. } => "hunt all shards with `--shrink`, or none",
        }
    }
}

/// A range of seeds, shown as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(pub Range<u64>);

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_range(&self.0))
    }
}

/// The report of the whole hunt, from those of its parts, each with the name that errors call it by. Their
/// order makes no difference, nor does it matter whether all parts are of the same split.
///
/// ```
/// use fencepost::hunt::{Hunt, Shard, merge};
/// use fencepost::scenario::{Recipe, Scenario};
///
/// let race = Scenario::default().but(|s| (s.lock, s.backend) = (Recipe::None, None));
/// let hunt = Hunt::new(race, 0..30);
/// let shard = |number| hunt.clone().shard(Shard::new(number, 2).unwrap()).run().unwrap();
/// let parts = vec![("two".to_owned(), shard(2)), ("one".to_owned(), shard(1))];
/// assert_eq!(merge(parts), Ok(hunt.run().unwrap()));
/// ```
///
/// # Errors
///
/// They are not of one hunt, one of them is unfinished, or seeds are missing or there twice.
pub fn merge(mut reports: Vec<(String, HuntReport)>) -> Result<HuntReport, MergeError> {
    let (name, first) = reports.first().cloned().ok_or(MergeError::Nothing)?;
    for (other, report) in &reports {
        let differences = first.differences(report);
        if !differences.is_empty() {
            let (one, other) = (name, other.clone());
            return Err(MergeError::DifferentHunts { one, other, differences });
        }
        if !report.is_complete() {
            let all = report.asked.end.saturating_sub(report.asked.start);
            let (name, seeds) = (other.clone(), report.seeds);
            return Err(MergeError::Unfinished { name, seeds, all });
        }
        if report.stories.as_ref().is_some_and(|stories| stories.untold() > 0) {
            return Err(MergeError::Untold { name: other.clone() });
        }
    }
    reports.sort_by_key(|(_, report)| (report.asked.start, report.asked.end));
    check_seeds(&reports, first.whole())?;
    let whole = first.whole().clone();
    let mut merged = HuntReport {
        range: whole.start..whole.start,
        asked: whole,
        part: None,
        interrupted: false,
        ..emptied(first)
    };
    let mut counted = Vec::new();
    for (name, report) in reports {
        // A hunt that stops at the first finding would not have come to the rest.
        if !(merged.stop_at_first && merged.has_findings()) {
            merged.add(&report);
            counted.push((name, report));
        }
    }
    check_shrunk(&merged, &counted)?;
    Ok(merged)
}

/// Every seed of the whole must be there once.
fn check_seeds(sorted: &[(String, HuntReport)], whole: &Range<u64>) -> Result<(), MergeError> {
    let mut gaps = Vec::new();
    let mut last: Option<&(String, HuntReport)> = None;
    let mut next = whole.start;
    for one in sorted.iter().filter(|(_, report)| !report.asked.is_empty()) {
        let (name, Range { start, end }) = (&one.0, one.1.asked.clone());
        if let Some((before, report)) = last
            && start < next
        {
            let seeds = start..end.min(report.asked.end);
            return Err(MergeError::Overlap { one: before.clone(), other: name.clone(), seeds });
        }
        if start > next {
            gaps.push(Seeds(next..start));
        }
        (next, last) = (end, Some(one));
    }
    if next < whole.end {
        gaps.push(Seeds(next..whole.end));
    }
    if gaps.is_empty() {
        return Ok(());
    }
    Err(MergeError::Missing { seeds: gaps, shards: missing_shards(sorted) })
}

/// What the shards that are not there are called; nothing, where not all are of one split.
fn missing_shards(sorted: &[(String, HuntReport)]) -> Vec<String> {
    /// More would not be read.
    const MAX_NAMED: usize = 10;
    let shards = sorted.iter().map(|(_, report)| report.part.as_ref().map(|part| part.shard));
    let Some(shards) = shards.collect::<Option<Vec<_>>>() else { return Vec::new() };
    let Some(of) = shards.first().map(|shard| shard.of()) else { return Vec::new() };
    if shards.iter().any(|shard| shard.of() != of) {
        return Vec::new();
    }
    let is_missing = |number: &u32| !shards.iter().any(|shard| shard.number() == *number);
    let missing = (1..=of).filter(is_missing);
    missing.take(MAX_NAMED).map(|number| format!("{number}/{of}")).collect()
}

/// Either all first runs have been shrunk or none.
fn check_shrunk(merged: &HuntReport, counted: &[(String, HuntReport)]) -> Result<(), MergeError> {
    if counted.iter().all(|(_, report)| report.shrunk.is_empty()) {
        return Ok(());
    }
    for (kind, seed) in &merged.first {
        let of_seed = counted.iter().find(|(_, report)| report.range.contains(seed));
        if let Some((name, report)) = of_seed
            && !report.shrunk.contains_key(kind)
        {
            return Err(MergeError::NotShrunk { name: name.clone(), kind: kind.to_string() });
        }
    }
    Ok(())
}

/// The same hunt with nothing counted.
fn emptied(report: HuntReport) -> HuntReport {
    HuntReport {
        seeds: 0,
        violating_seeds: 0,
        violations_by_kind: [].into(),
        first: [].into(),
        shrunk: [].into(),
        stories: report.stories.as_ref().map(|stories| Stories::new(stories.sample)),
        failed_seeds: 0,
        failures: Vec::new(),
        faults: [].into(),
        simulated: Duration::ZERO,
        messages: 0,
        events: 0,
        ..report
    }
}

impl HuntReport {
    /// Counts what a report about the seeds after these has counted.
    fn add(&mut self, next: &Self) {
        self.range.end = self.range.end.max(next.range.end);
        self.seeds = self.seeds.saturating_add(next.seeds);
        self.violating_seeds = self.violating_seeds.saturating_add(next.violating_seeds);
        for (kind, seeds) in &next.violations_by_kind {
            let count = self.violations_by_kind.entry(*kind).or_default();
            *count = count.saturating_add(*seeds);
        }
        for (kind, seed) in &next.first {
            if !self.first.contains_key(kind) {
                self.first.insert(*kind, *seed);
                let shrunk = next.shrunk.get(kind).cloned();
                self.shrunk.extend(shrunk.map(|shrunk| (*kind, shrunk)));
            }
        }
        if let Some((stories, next)) = self.stories.as_mut().zip(next.stories.as_ref()) {
            for (kind, seeds) in &next.seeds {
                stories.add(*kind, seeds.iter().cloned());
            }
        }
        self.failed_seeds = self.failed_seeds.saturating_add(next.failed_seeds);
        let room = MAX_FAILURES.saturating_sub(self.failures.len());
        self.failures.extend(next.failures.iter().take(room).cloned());
        for (kind, more) in &next.faults {
            let runs = self.faults.entry(*kind).or_default();
            runs.planned = runs.planned.saturating_add(more.planned);
            runs.fired = runs.fired.saturating_add(more.fired);
        }
        self.simulated = self.simulated.saturating_add(next.simulated);
        self.messages = self.messages.saturating_add(next.messages);
        self.events = self.events.saturating_add(next.events);
    }
}

fn missing(shards: &[String]) -> String {
    match shards {
        [] => String::new(),
        [one] => format!(": shard {one} is missing"),
        more => format!(": the shards {} are missing", more.join(", ")),
    }
}

#[cfg(test)]
mod tests;
