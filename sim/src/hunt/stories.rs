//! The stories of a hunt: the violations of a kind that come about by the same mechanism, counted.
//!
//! To tell one run's story takes its shrinking, hundreds of runs: so of each kind the first so many seeds are
//! told, and their stories counted. Like all that a report holds, these are the first of a list in the order of
//! the seeds, so that the stories of the parts of a hunt add up to those of the whole.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize, Serializer};

use super::report::HuntReport;
use super::{HuntError, pool_of};
use crate::judge::ViolationKind;
use crate::scenario::{Failure, Scenario};
use crate::shrink::Shrink;
use crate::story::{Blow, Ending, Mechanism};

/// A run that is not small after so many runs is told as it is then.
const MOST_RUNS: u32 = 1_000;

/// The seeds whose stories are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stories {
    /// Of each kind the first so many.
    pub sample: u32,
    /// Those of each kind, in order.
    #[serde(serialize_with = "by_name")]
    pub seeds: BTreeMap<ViolationKind, Vec<StorySeed>>,
}

/// A seed that shows a violation, and its story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StorySeed {
    /// The seed.
    pub seed: u64,
    /// How its violation comes about; `None` before it has been told.
    #[serde(flatten)]
    pub story: Option<Story>,
}

/// How a violation comes about: the mechanism of its shrunken run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Story {
    /// The kinds of faults that it takes, each with the role of its target: `pause client`.
    pub faults: Vec<String>,
    /// How the earlier of the two grants ended, where it is about two.
    pub ending: Option<Ending>,
}

/// How many of the seeds that were told have the same story.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoryCount<'a> {
    /// The story.
    pub story: &'a Story,
    /// So many seeds have it.
    pub seeds: u64,
    /// The lowest of them.
    pub first: u64,
}

impl Stories {
    /// Stories of which none has been found.
    pub(super) const fn new(sample: u32) -> Self {
        Self { sample, seeds: BTreeMap::new() }
    }

    /// The next seed shows a kind of violation.
    pub(super) fn count(&mut self, kind: ViolationKind, seed: u64) {
        self.add(kind, [StorySeed { seed, story: None }]);
    }

    /// Takes what comes next of a kind, as far as there is room.
    pub(super) fn add(&mut self, kind: ViolationKind, next: impl IntoIterator<Item = StorySeed>) {
        let seeds = self.seeds.entry(kind).or_default();
        let room = usize::try_from(self.sample).unwrap_or(usize::MAX).saturating_sub(seeds.len());
        seeds.extend(next.into_iter().take(room));
    }

    /// How many seeds are still to be told.
    pub fn untold(&self) -> usize {
        self.seeds.values().flatten().filter(|one| one.story.is_none()).count()
    }

    /// How many of a kind have been.
    pub fn told(&self, kind: ViolationKind) -> u64 {
        let seeds = self.seeds.get(&kind).into_iter().flatten();
        seeds.filter(|one| one.story.is_some()).count() as u64
    }

    /// The stories of a kind, each with how many of its seeds have it: the commonest first, and of equal ones
    /// the one with the lowest seed.
    pub fn of(&self, kind: ViolationKind) -> Vec<StoryCount<'_>> {
        let mut counted: BTreeMap<&Story, (u64, u64)> = BTreeMap::new();
        for one in self.seeds.get(&kind).into_iter().flatten() {
            if let Some(story) = &one.story {
                counted.entry(story).or_insert((0, one.seed)).0 += 1;
            }
        }
        let counts =
            counted.into_iter().map(|(story, (seeds, first))| StoryCount { story, seeds, first });
        let mut counts: Vec<StoryCount<'_>> = counts.collect();
        counts.sort_by_key(|count| (std::cmp::Reverse(count.seeds), count.first));
        counts
    }
}

impl Story {
    /// The story in words: `pause client: the earlier grant had expired`.
    pub fn in_words(&self) -> String {
        let faults =
            if self.faults.is_empty() { "no fault".to_owned() } else { self.faults.join(", ") };
        let ending = self.ending.map(|ending| format!(": {}", ending.in_words()));
        format!("{faults}{}", ending.unwrap_or_default())
    }
}

impl From<&Mechanism> for Story {
    fn from(mechanism: &Mechanism) -> Self {
        let faults = mechanism.blows.iter().map(Blow::to_string).collect();
        Self { faults, ending: mechanism.ending }
    }
}

impl HuntReport {
    /// Shrinks the runs whose stories have not been told yet, so many at a time. After each `progress` is asked
    /// whether to go on; what has not been told then is told by the next call.
    ///
    /// # Errors
    ///
    /// One of them cannot be run, though the hunt has run it: the scenario is another one. The threads cannot be
    /// started.
    pub fn tell_stories(
        &mut self,
        scenario: &Scenario,
        jobs: NonZeroUsize,
        progress: impl Fn() -> ControlFlow<()> + Sync,
    ) -> Result<(), HuntError> {
        let Some(stories) = &mut self.stories else { return Ok(()) };
        let mut untold = Vec::new();
        for (kind, seeds) in &mut stories.seeds {
            let seeds = seeds.iter_mut().filter(|one| one.story.is_none());
            untold.extend(seeds.map(|one| (*kind, one)));
        }
        let is_over = AtomicBool::new(false);
        let tell = |(kind, one): (ViolationKind, &mut StorySeed)| -> Result<(), Failure> {
            if is_over.load(Ordering::Relaxed) {
                return Ok(());
            }
            let shrink = Shrink::new(scenario.clone(), one.seed).kind(kind).most_runs(MOST_RUNS);
            one.story = shrink.carry_out()?.map(|shrunk| Story::from(&shrunk.mechanism));
            is_over.fetch_or(progress().is_break(), Ordering::Relaxed);
            Ok(())
        };
        let pool = pool_of(Some(jobs))?;
        Ok(pool.install(|| untold.into_par_iter().try_for_each(tell))?)
    }
}

fn by_name<S: Serializer>(
    seeds: &BTreeMap<ViolationKind, Vec<StorySeed>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(seeds.iter().map(|(kind, seeds)| (kind.as_str(), seeds)))
}

#[cfg(test)]
mod tests;
