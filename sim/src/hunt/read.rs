//! A report as [`json`](super::json()) has written it, read back. What stands in it must fit together:
//! what was cut short or changed by hand is refused and never counted.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use fencepost_faults::FaultKind;
use serde::Deserialize;

use super::report::{FailedSeed, FaultRuns, HuntReport, MAX_FAILURES, NANOS_PER_MILLI};
use super::shard::{Part, Shard};
use super::shrunk::ShrunkRun;
use super::stories::{Stories, StorySeed};
use crate::judge::ViolationKind;
use crate::world::Digest;

/// A text is no report of a hunt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is no report of a hunt: {reason}")]
pub struct UnreadableReport {
    /// What the text is called: a file's name.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What is read of an object: what follows from the rest, and the pace, is passed over.
#[derive(Deserialize)]
struct Stored {
    scenario: String,
    scenario_digest: String,
    build: Option<String>,
    part: Option<StoredPart>,
    asked: String,
    #[serde(default)]
    stop_at_first: bool,
    range: String,
    seeds: u64,
    interrupted: bool,
    violating_seeds: u64,
    violations_by_kind: BTreeMap<String, u64>,
    first: BTreeMap<String, u64>,
    #[serde(default)]
    shrunk: BTreeMap<String, ShrunkRun>,
    told: Option<StoredStories>,
    failed_seeds: u64,
    failures: Vec<FailedSeed>,
    faults: BTreeMap<String, FaultRuns>,
    simulated_ms: u64,
    #[serde(default)]
    simulated_rest_ns: u32,
    messages: u64,
    events: u64,
    expected: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct StoredStories {
    sample: u32,
    seeds: BTreeMap<String, Vec<StorySeed>>,
}

#[derive(Deserialize)]
struct StoredPart {
    shard: String,
    of: String,
}

impl HuntReport {
    /// Reads what [`json`](super::json()) has written, with the pace or without. `name` is what errors
    /// call it: a file's name.
    ///
    /// # Errors
    ///
    /// It is no JSON, lacks something, or its numbers do not fit together.
    pub fn from_json(name: &str, text: &str) -> Result<Self, UnreadableReport> {
        let unreadable = |reason| UnreadableReport { name: name.to_owned(), reason };
        let stored: Stored =
            serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))?;
        let report = Self::try_from(stored).map_err(unreadable)?;
        match report.contradiction() {
            None => Ok(report),
            Some(contradiction) => Err(unreadable(contradiction.to_owned())),
        }
    }

    /// What cannot be true of any hunt.
    fn contradiction(&self) -> Option<&'static str> {
        let part_is_wrong = |part: &Part| part.shard.seeds(&part.of) != self.asked;
        let (counted, all) = (self.range.end.checked_sub(self.range.start), self.asked.end);
        let counts = self.violations_by_kind.values().chain([&self.violating_seeds]);
        let seeds = self.failures.iter().map(|failure| failure.seed);
        let kept = self.failed_seeds.min(MAX_FAILURES as u64);
        let finds = self.violating_seeds > 0;
        let contradictions = [
            (self.part.as_ref().is_some_and(part_is_wrong), "`asked` is not that shard's share"),
            (
                self.range.start != self.asked.start || self.range.end > all,
                "`range` is no beginning of `asked`",
            ),
            (counted != Some(self.seeds), "`seeds` is not the length of `range`"),
            (
                counts.clone().chain([&self.failed_seeds]).any(|count| *count > self.seeds),
                "more seeds are counted than were run",
            ),
            (
                !self.first.keys().eq(self.violations_by_kind.keys()),
                "`first` and `violations_by_kind` name other kinds",
            ),
            (
                self.violations_by_kind.values().any(|count| *count == 0)
                    || self.violations_by_kind.is_empty() == finds,
                "`violations_by_kind` and `violating_seeds` do not fit together",
            ),
            (
                self.first.values().copied().chain(seeds.clone()).any(|s| !self.range.contains(&s)),
                "a seed that was not run is named",
            ),
            (
                !seeds.is_sorted_by(|one, next| one < next) || self.failures.len() as u64 != kept,
                "`failures` are not the first of the failed seeds",
            ),
            (
                self.stories.as_ref().is_some_and(|stories| self.contradicts(stories)),
                "`told` are not the first of the violating seeds",
            ),
        ];
        contradictions.into_iter().find_map(|(is_so, said)| is_so.then_some(said))
    }
}

impl HuntReport {
    /// Whether these cannot be the first seeds of each kind.
    fn contradicts(&self, stories: &Stories) -> bool {
        let is_wrong = |(kind, seeds): (&ViolationKind, &Vec<StorySeed>)| {
            let all = self.violations_by_kind.get(kind).copied().unwrap_or_default();
            let numbers = || seeds.iter().map(|one| one.seed);
            seeds.len() as u64 != all.min(u64::from(stories.sample))
                || !numbers().is_sorted_by(|one, next| one < next)
                || numbers().next() != self.first.get(kind).copied()
                || numbers().any(|seed| !self.range.contains(&seed))
        };
        !stories.seeds.keys().eq(self.first.keys()) || stories.seeds.iter().any(is_wrong)
    }
}

impl TryFrom<Stored> for HuntReport {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let digest = u128::from_str_radix(&stored.scenario_digest, 16);
        let expected: Option<Result<BTreeSet<_>, _>> =
            stored.expected.map(|kinds| kinds.iter().map(|kind| violation(kind)).collect());
        let rest = Duration::from_nanos(u64::from(stored.simulated_rest_ns));
        if stored.simulated_rest_ns >= NANOS_PER_MILLI {
            return Err("`simulated_rest_ns` is a millisecond or more".to_owned());
        }
        Ok(Self {
            scenario: stored.scenario,
            scenario_digest: Digest(digest.map_err(|_| "`scenario_digest` is no digest")?),
            build: stored.build,
            part: stored.part.map(part).transpose()?,
            asked: range(&stored.asked)?,
            stop_at_first: stored.stop_at_first,
            range: range(&stored.range)?,
            seeds: stored.seeds,
            interrupted: stored.interrupted,
            violating_seeds: stored.violating_seeds,
            violations_by_kind: by_kind(stored.violations_by_kind, violation)?,
            first: by_kind(stored.first, violation)?,
            shrunk: by_kind(stored.shrunk, violation)?,
            stories: stored.told.map(stories).transpose()?,
            failed_seeds: stored.failed_seeds,
            failures: stored.failures,
            faults: by_kind(stored.faults, fault)?,
            simulated: Duration::from_millis(stored.simulated_ms) + rest,
            messages: stored.messages,
            events: stored.events,
            expected: expected.transpose()?,
        })
    }
}

fn by_kind<K: Ord, V>(
    named: BTreeMap<String, V>,
    kind: impl Fn(&str) -> Result<K, String>,
) -> Result<BTreeMap<K, V>, String> {
    named.into_iter().map(|(name, value)| Ok((kind(&name)?, value))).collect()
}

fn violation(name: &str) -> Result<ViolationKind, String> {
    let found = ViolationKind::ALL.into_iter().find(|kind| kind.as_str() == name);
    found.ok_or_else(|| format!("`{name}` is no kind of violation"))
}

fn fault(name: &str) -> Result<FaultKind, String> {
    let found = FaultKind::ALL.into_iter().find(|kind| kind.as_str() == name);
    found.ok_or_else(|| format!("`{name}` is no kind of fault"))
}

fn stories(stored: StoredStories) -> Result<Stories, String> {
    Ok(Stories { sample: stored.sample, seeds: by_kind(stored.seeds, violation)? })
}

fn part(stored: StoredPart) -> Result<Part, String> {
    let shard = Shard::parse(&stored.shard);
    let shard = shard.ok_or_else(|| format!("`{}` is no shard", stored.shard))?;
    Ok(Part { shard, of: range(&stored.of)? })
}

/// As [`show_range`](crate::seeds::show_range) writes it; an empty one too.
fn range(text: &str) -> Result<Range<u64>, String> {
    let read = || {
        let (start, end) = text.split_once("..")?;
        Some(start.parse().ok()?..end.parse().ok()?)
    };
    read().ok_or_else(|| format!("`{text}` is no range of seeds"))
}

#[cfg(test)]
mod tests;
