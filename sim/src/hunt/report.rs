//! What a hunt has counted: plain data.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use fencepost_faults::FaultKind;
use serde::{Deserialize, Serialize, Serializer};

use super::identity::scenario_digest;
use super::ledger::Seen;
use super::shard::Part;
use super::shrunk::ShrunkRun;
use super::stories::Stories;
use crate::judge::ViolationKind;
use crate::scenario::{Failure, Scenario};
use crate::seeds::show_range;
use crate::world::{Digest, LimitReached, RunError};

/// So many failures are kept one by one: those of the lowest seeds. The others are counted.
pub const MAX_FAILURES: usize = 100;

/// What a failure says is cut after so many characters.
const MAX_MESSAGE: usize = 500;

/// Nanoseconds in a millisecond.
pub(super) const NANOS_PER_MILLI: u32 = 1_000_000;

/// What came of a hunt. It depends on the scenario and the seeds alone: how long the hunt took, and
/// on how many threads, is a [`Pace`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HuntReport {
    /// The scenario's title.
    pub scenario: String,
    /// The scenario itself, but for what does not bear on a hunt.
    pub scenario_digest: Digest,
    /// Which program has run it, where somebody has said so ([`Hunt::build`](super::Hunt::build)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// Which part of which hunt it is; `None` for a whole one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// The seeds that were asked for: of a part, those of the part.
    #[serde(serialize_with = "as_text")]
    pub asked: Range<u64>,
    /// It was to end with the lowest seed that shows something.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stop_at_first: bool,
    /// The seeds that were run and counted; fewer, when the hunt stopped at a finding or was
    /// interrupted.
    #[serde(serialize_with = "as_text")]
    pub range: Range<u64>,
    /// How many they are.
    pub seeds: u64,
    /// Somebody broke off before all seeds had been run.
    pub interrupted: bool,
    /// How many seeds show a violation, whatever the scenario expects.
    pub violating_seeds: u64,
    /// How many seeds show each kind of violation; kinds that none shows are not there.
    pub violations_by_kind: BTreeMap<ViolationKind, u64>,
    /// The lowest seed that shows each kind.
    pub first: BTreeMap<ViolationKind, u64>,
    /// What the first run of each kind has shrunk to, if that was asked for ([`HuntReport::shrink`]).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub shrunk: BTreeMap<ViolationKind, ShrunkRun>,
    /// The seeds whose stories are told, if any are.
    #[serde(rename = "told", skip_serializing_if = "Option::is_none")]
    pub stories: Option<Stories>,
    /// How many seeds have no run to judge, because it panicked or reached a limit.
    pub failed_seeds: u64,
    /// The first [`MAX_FAILURES`] of them.
    pub failures: Vec<FailedSeed>,
    /// Each kind of fault that the scenario declares or may draw, and what came of it in the runs
    /// that did not fail.
    #[serde(serialize_with = "by_name")]
    pub faults: BTreeMap<FaultKind, FaultRuns>,
    /// How much time was simulated, in the runs that did not fail.
    #[serde(flatten, serialize_with = "as_millis_and_rest")]
    pub simulated: Duration,
    /// How many messages have reached a process, in those runs.
    pub messages: u64,
    /// How many events the loops have handled, in those runs.
    pub events: u64,
    /// The kinds that the scenario expects; `None` when it says nothing.
    pub expected: Option<BTreeSet<ViolationKind>>,
}

/// A seed whose run did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FailedSeed {
    /// The seed that does it again.
    pub seed: u64,
    /// What stopped it.
    pub kind: FailureKind,
    /// What the panic or the limit said, cut when it is very long.
    pub message: String,
    /// Where the panic was, as `file:line:column`.
    pub at: Option<String>,
}

/// What stops a run before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FailureKind {
    /// A model, or a user's own code, panicked.
    Panic,
    /// One of the scenario's limits.
    Limit,
}

impl FailureKind {
    /// The kind's name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Limit => "limit",
        }
    }
}

/// In how many runs a kind of fault was there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FaultRuns {
    /// In the plan.
    pub planned: u64,
    /// And happened, and hit something.
    pub fired: u64,
}

/// How long a hunt took, in real time, and on how many threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From its beginning to its end.
    pub elapsed: Duration,
    /// How many seeds ran at a time.
    pub jobs: usize,
    /// So many of the report's seeds had been run before, by a hunt that this one has gone on with.
    pub seeds_before: u64,
    /// So much had been simulated then.
    pub simulated_before: Duration,
}

impl HuntReport {
    /// A report that has counted nothing yet.
    pub(super) fn new(scenario: &Scenario, asked: Range<u64>) -> Self {
        let declared = scenario.faults.iter().map(|fault| fault.kind());
        let random = scenario.random_faults.iter().filter(|random| random.max > 0);
        let drawn = random.flat_map(|random| random.kinds.iter().copied());
        Self {
            scenario: scenario.title.clone(),
            scenario_digest: scenario_digest(scenario),
            build: None,
            part: None,
            range: asked.start..asked.start,
            asked,
            stop_at_first: false,
            seeds: 0,
            interrupted: false,
            violating_seeds: 0,
            violations_by_kind: BTreeMap::new(),
            first: BTreeMap::new(),
            shrunk: BTreeMap::new(),
            stories: None,
            failed_seeds: 0,
            failures: Vec::new(),
            faults: declared.chain(drawn).map(|kind| (kind, FaultRuns::default())).collect(),
            simulated: Duration::ZERO,
            messages: 0,
            events: 0,
            expected: scenario.expect.clone(),
        }
    }

    /// Counts the next seed.
    pub(super) fn count(&mut self, seen: Seen) {
        let seed = self.range.end;
        self.range.end += 1;
        self.seeds += 1;
        self.violating_seeds += u64::from(!seen.violations.is_empty());
        for kind in seen.violations {
            *self.violations_by_kind.entry(kind).or_default() += 1;
            self.first.entry(kind).or_insert(seed);
            if let Some(stories) = &mut self.stories {
                stories.count(kind, seed);
            }
        }
        self.failed_seeds += u64::from(seen.failure.is_some());
        if self.failures.len() < MAX_FAILURES {
            self.failures.extend(seen.failure);
        }
        for (kind, fired) in seen.faults {
            let runs = self.faults.entry(kind).or_default();
            runs.planned += 1;
            runs.fired += u64::from(fired);
        }
        self.simulated = self.simulated.saturating_add(seen.simulated);
        self.messages += seen.messages;
        self.events += seen.events;
    }

    /// Whether all that was asked for has been run, or all up to the finding that was to end it.
    pub const fn is_complete(&self) -> bool {
        let found = self.stop_at_first && self.has_findings();
        self.range.end == self.asked.end || found
    }

    /// Whether a seed shows a violation or has failed.
    pub const fn has_findings(&self) -> bool {
        self.violating_seeds > 0 || self.failed_seeds > 0
    }

    /// Whether the hunt as a whole has found exactly the kinds that the scenario expects, and no
    /// seed has failed; where the scenario expects nothing or says nothing, whether there is no
    /// finding at all.
    pub fn is_as_expected(&self) -> bool {
        let expected = self.expected.iter().flatten();
        self.failed_seeds == 0 && self.violations_by_kind.keys().eq(expected)
    }
}

impl Pace {
    /// How many runs there were in a second.
    pub fn runs_per_second(self, report: &HuntReport) -> f64 {
        self.per_second(report.seeds.saturating_sub(self.seeds_before) as f64)
    }

    /// How many simulated seconds went by in a real one.
    pub fn simulated_seconds_per_second(self, report: &HuntReport) -> f64 {
        self.per_second(report.simulated.saturating_sub(self.simulated_before).as_secs_f64())
    }

    #[expect(clippy::float_arithmetic, reason = "statistics to print: no run depends on them")]
    fn per_second(self, amount: f64) -> f64 {
        amount / self.elapsed.as_secs_f64().max(1e-9)
    }
}

impl FailedSeed {
    /// Why a run did not come to its end.
    ///
    /// # Errors
    ///
    /// The failure itself, when it is none of this seed's but one of the scenario.
    pub(super) fn new(seed: u64, failure: Failure, at: Option<String>) -> Result<Self, Failure> {
        let (kind, message) = match failure {
            Failure::Panicked { message, .. } => (FailureKind::Panic, message),
            Failure::Run(RunError::Limit(
                limit @ (LimitReached::Events { .. } | LimitReached::Memory { .. }),
            )) => (FailureKind::Limit, limit.to_string()),
            Failure::Unfit { .. }
            | Failure::Buyers { .. }
            | Failure::LoadWithoutBackend
            | Failure::Processes { .. }
            | Failure::UnknownNode { .. }
            | Failure::Invariant { .. }
            | Failure::Run(
                RunError::UnknownNode(_) | RunError::Limit(LimitReached::Simulated { .. }),
            ) => return Err(failure),
        };
        Ok(Self { seed, kind, message: cut(message), at })
    }
}

fn cut(mut message: String) -> String {
    if let Some((place, _)) = message.char_indices().nth(MAX_MESSAGE) {
        message.truncate(place);
        message.push('…');
    }
    message
}

fn as_text<S: Serializer>(range: &Range<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&show_range(range))
}

/// Milliseconds are for people; with the rest, sums of parts are exact.
fn as_millis_and_rest<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Simulated {
        simulated_ms: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        simulated_rest_ns: Option<u32>,
    }
    let rest = duration.subsec_nanos() % NANOS_PER_MILLI;
    let simulated = Simulated {
        simulated_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        simulated_rest_ns: (rest > 0).then_some(rest),
    };
    simulated.serialize(serializer)
}

fn by_name<S: Serializer>(
    faults: &BTreeMap<FaultKind, FaultRuns>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(faults.iter().map(|(kind, runs)| (kind.as_str(), runs)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::ViolationKind::{Oversell, TwoHolders};

    fn expecting(expect: Option<&[ViolationKind]>) -> HuntReport {
        let expect = expect.map(|kinds| kinds.iter().copied().collect());
        HuntReport::new(&Scenario::default().but(|s| s.expect = expect), 0..10)
    }

    fn seen(violations: &[ViolationKind]) -> Seen {
        Seen { violations: violations.iter().copied().collect(), ..Seen::default() }
    }

    fn panicked(message: &str) -> Failure {
        Failure::Panicked { seed: 4, message: message.to_owned() }
    }

    #[test]
    fn a_hunt_is_as_expected_when_it_found_exactly_the_kinds_as_a_whole() {
        type Kinds = &'static [ViolationKind];
        let both: Kinds = &[TwoHolders, Oversell];
        let cases: [(Option<Kinds>, &[Kinds], bool); 8] = [
            (None, &[&[], &[]], true),
            (None, &[&[], &[Oversell]], false),
            (Some(&[]), &[&[], &[]], true),
            (Some(&[]), &[&[], &[Oversell]], false),
            (Some(both), &[&[TwoHolders], &[], &[Oversell]], true),
            (Some(both), &[both], true),
            (Some(both), &[&[TwoHolders], &[]], false),
            (Some(&[Oversell]), &[both], false),
        ];
        for (expect, runs, as_expected) in cases {
            let mut report = expecting(expect);
            runs.iter().for_each(|violations| report.count(seen(violations)));
            assert_eq!(report.is_as_expected(), as_expected, "{expect:?}: {runs:?}");
        }
    }

    #[test]
    fn a_failure_is_never_as_expected() {
        for expect in [None, Some(&[Oversell][..])] {
            let mut report = expecting(expect);
            report.count(seen(expect.unwrap_or_default()));
            assert!(report.is_as_expected());
            let failure = FailedSeed::new(1, panicked("boom"), None).ok();
            report.count(Seen { failure, ..Seen::default() });
            assert!(!report.is_as_expected() && report.has_findings());
        }
    }

    #[test]
    fn of_very_many_failures_the_lowest_are_kept_and_all_counted() {
        let mut report = HuntReport::new(&Scenario::default(), 50..10_000);
        for seed in 50..500 {
            let failure = FailedSeed::new(seed, panicked(&"ä".repeat(10_000)), None).ok();
            report.count(Seen { failure, ..Seen::default() });
        }
        assert_eq!(report.failed_seeds, 450);
        let seeds: Vec<u64> = report.failures.iter().map(|failure| failure.seed).collect();
        assert_eq!(seeds, (50..150).collect::<Vec<_>>());
        assert!(report.failures.iter().all(|one| one.message.chars().count() == MAX_MESSAGE + 1));
    }

    #[test]
    fn only_what_depends_on_the_seed_is_a_finding() {
        let simulated = Duration::from_secs(1);
        let limit = |limit: LimitReached| Failure::Run(limit.into());
        let found = |failure| FailedSeed::new(4, failure, None).map(|failed| failed.kind);
        assert_eq!(found(panicked("boom")), Ok(FailureKind::Panic));
        let events = limit(LimitReached::Events { limit: 5, simulated });
        assert_eq!(found(events), Ok(FailureKind::Limit));
        let memory = limit(LimitReached::Memory { limit: 5, simulated });
        assert_eq!(found(memory), Ok(FailureKind::Limit));
        let too_long = limit(LimitReached::Simulated { limit: simulated, asked: 2 * simulated });
        assert_eq!(found(too_long.clone()), Err(too_long));
    }
}
