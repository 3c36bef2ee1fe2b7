//! The hunt: a scenario under many seeds, on many threads, and what was found, counted.
//!
//! ```
//! use std::time::Duration;
//! use fencepost::hunt::Hunt;
//! use fencepost::judge::ViolationKind::Oversell;
//! use fencepost::scenario::{Recipe, Scenario};
//!
//! let race = Scenario::default().but(|s| (s.lock, s.backend) = (Recipe::None, None));
//! let report = Hunt::new(race.clone(), 0..50).run()?;
//! assert_eq!(report.seeds, 50);
//! let guilty = report.first[&Oversell];
//!
//! let first = Hunt::new(race, 0..50).stop_at_first().run()?;
//! assert!(first.seeds <= guilty + 1 && first.violating_seeds == 1);
//! # Ok::<(), fencepost::hunt::HuntError>(())
//! ```
//!
//! The seeds are handed out one at a time, in order, and what came of them is counted in order too:
//! the report is the one that a single thread would give, however many there are, and also when the
//! hunt ends early. A run is dropped as soon as it has been counted.
//!
//! What has been counted is all that is left of the seeds so far: a report that was written down can be
//! gone on from ([`Hunt::go_on_from`]), and those of the parts of a hunt ([`Hunt::shard`]) add up to that
//! of the whole ([`merge`]), exactly.

mod identity;
mod json;
mod ledger;
mod merge;
pub(crate) mod quiet;
mod read;
mod report;
mod shard;
mod shrunk;
mod stories;
mod text;
mod wilson;

use std::num::NonZeroUsize;
use std::ops::{ControlFlow, Range};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuilder};

pub use self::identity::Difference;
use self::identity::join;
pub use self::json::json;
pub(crate) use self::json::{Rate, rate};
use self::ledger::{Ledger, Seen};
pub use self::merge::{MergeError, Seeds, merge};
pub use self::read::UnreadableReport;
pub use self::report::{FailedSeed, FailureKind, FaultRuns, HuntReport, MAX_FAILURES, Pace};
pub use self::shard::{Part, Shard};
pub use self::shrunk::ShrunkRun;
pub use self::stories::{Stories, Story, StoryCount, StorySeed};
pub use self::text::{TextOptions, text};
pub use self::wilson::{Interval, wilson};
use crate::scenario::{Failure, Outcome, Scenario};

/// How often whoever watches a hunt hears of it.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// A scenario and the seeds to run it under.
#[derive(Clone, Debug)]
#[must_use = "a hunt runs nothing until it is asked to"]
pub struct Hunt {
    scenario: Scenario,
    seeds: Range<u64>,
    shard: Option<Shard>,
    jobs: Option<NonZeroUsize>,
    stop_at_first: bool,
    stories: Option<u32>,
    build: Option<String>,
    earlier: Option<HuntReport>,
}

/// A report is of another hunt than the one that was to go on from it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is of another hunt, which differs in {}", join(.differences, "; "))]
#[non_exhaustive]
pub struct AnotherHunt {
    /// In what: the one is this hunt, the other that of the report.
    pub differences: Vec<Difference>,
}

/// Why a hunt has nothing to report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HuntError {
    /// The scenario cannot be run under any seed.
    #[error(transparent)]
    Scenario(#[from] Failure),
    /// The threads could not be started.
    #[error(transparent)]
    Threads(#[from] NoThreads),
}

/// The operating system gives no threads, or not as many.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {jobs} threads")]
#[non_exhaustive]
pub struct NoThreads {
    /// How many were asked for.
    pub jobs: usize,
    /// What was in the way.
    pub source: std::io::Error,
}

impl Hunt {
    /// A hunt on as many threads as the machine has cores, to the last of the seeds.
    pub const fn new(scenario: Scenario, seeds: Range<u64>) -> Self {
        Self {
            scenario,
            seeds,
            shard: None,
            jobs: None,
            stop_at_first: false,
            stories: None,
            build: None,
            earlier: None,
        }
    }

    /// Runs one part of the seeds. The reports of all parts give that of the whole: [`merge`].
    pub const fn shard(mut self, shard: Shard) -> Self {
        self.shard = Some(shard);
        self
    }

    /// Says which program runs it. Reports of different ones are not counted together.
    pub fn build(mut self, build: String) -> Self {
        self.build = Some(build);
        self
    }

    /// Counts on where an earlier report of this hunt, or of this part of it, ends. Whether it was
    /// interrupted, and how many threads it ran on, makes no difference to what comes of it.
    ///
    /// # Errors
    ///
    /// The report is of another hunt.
    pub fn go_on_from(mut self, earlier: HuntReport) -> Result<Self, AnotherHunt> {
        let differences = self.blank().differences_of_part(&earlier);
        if !differences.is_empty() {
            return Err(AnotherHunt { differences });
        }
        self.earlier = Some(earlier);
        Ok(self)
    }

    /// Runs so many seeds at a time.
    pub const fn jobs(mut self, jobs: NonZeroUsize) -> Self {
        self.jobs = Some(jobs);
        self
    }

    /// Ends the hunt with the lowest seed that shows a violation, of any kind, or that fails.
    pub const fn stop_at_first(mut self) -> Self {
        self.stop_at_first = true;
        self
    }

    /// Keeps the first so many seeds of each kind of violation, for their stories to be told
    /// ([`HuntReport::tell_stories`]).
    ///
    /// ```
    /// use fencepost::hunt::Hunt;
    /// use fencepost::judge::ViolationKind::TwoHolders;
    /// use fencepost::scenario::{FaultKind, Scenario};
    ///
    /// let sale = Scenario::default().under(&[FaultKind::Pause], 2);
    /// let mut report = Hunt::new(sale.clone(), 0..100).stories(2).run()?;
    /// report.tell_stories(&sale, std::num::NonZeroUsize::MIN, || std::ops::ControlFlow::Continue(()))?;
    /// for told in report.stories.expect("stories").of(TwoHolders) {
    ///     println!("{} of 2: {}", told.seeds, told.story.in_words());
    /// }
    /// # Ok::<(), fencepost::hunt::HuntError>(())
    /// ```
    pub const fn stories(mut self, of_each_kind: u32) -> Self {
        self.stories = Some(of_each_kind);
        self
    }

    /// How many seeds run at a time.
    pub fn threads(&self) -> usize {
        let report = self.beginning();
        let seeds = usize::try_from(report.asked.end.saturating_sub(report.range.end));
        threads_for(self.jobs).min(seeds.unwrap_or(usize::MAX)).max(1)
    }

    /// Runs all of it.
    ///
    /// # Errors
    ///
    /// The scenario cannot be run under any seed, or the threads cannot be started. A seed whose run
    /// panics or reaches a limit is no error: it is a finding, and is counted.
    pub fn run(&self) -> Result<HuntReport, HuntError> {
        self.watch(|_| ControlFlow::Continue(()))
    }

    /// Runs it and says ten times a second how far it is, on the thread of the caller. When that
    /// breaks off, the runs under way are the last, and the report is about the seeds so far.
    ///
    /// # Errors
    ///
    /// As [`Hunt::run`].
    pub fn watch(
        &self,
        progress: impl FnMut(&HuntReport) -> ControlFlow<()>,
    ) -> Result<HuntReport, HuntError> {
        self.carry_out(|seed| self.scenario.run(seed), progress)
    }

    pub(crate) fn carry_out(
        &self,
        run: impl Fn(u64) -> Result<Outcome, Failure> + Sync,
        mut progress: impl FnMut(&HuntReport) -> ControlFlow<()>,
    ) -> Result<HuntReport, HuntError> {
        quiet::install();
        let pool = self.pool()?;
        let ledger = Mutex::new(Ledger::new(self.beginning()));
        // Nothing is ever sent: when the last thread has dropped its end, the hunt is over.
        let (working, all_work) = mpsc::channel::<()>();
        pool.in_place_scope(|scope| {
            for _ in 0..pool.current_num_threads() {
                let (working, ledger, run) = (working.clone(), &ledger, &run);
                scope.spawn(move |_| {
                    work(ledger, run);
                    drop(working);
                });
            }
            drop(working);
            while all_work.recv_timeout(PROGRESS_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                let so_far = lock(&ledger).report().clone();
                if progress(&so_far).is_break() {
                    lock(&ledger).interrupt();
                }
            }
        });
        let ledger = ledger.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(ledger.close()?)
    }

    /// A report of this hunt that has counted nothing yet.
    pub fn blank(&self) -> HuntReport {
        let part = self.shard.map(|shard| Part { shard, of: self.seeds.clone() });
        let asked = self.shard.map_or_else(|| self.seeds.clone(), |shard| shard.seeds(&self.seeds));
        HuntReport {
            build: self.build.clone(),
            part,
            stop_at_first: self.stop_at_first,
            stories: self.stories.map(Stories::new),
            ..HuntReport::new(&self.scenario, asked)
        }
    }

    /// What has been counted when it begins.
    fn beginning(&self) -> HuntReport {
        self.earlier.clone().unwrap_or_else(|| self.blank())
    }

    pub(crate) fn pool(&self) -> Result<ThreadPool, NoThreads> {
        pool_of(NonZeroUsize::new(self.threads()))
    }
}

/// As many as were asked for, or as the machine has cores.
fn threads_for(jobs: Option<NonZeroUsize>) -> usize {
    let cores = || std::thread::available_parallelism().ok();
    jobs.or_else(cores).map_or(1, NonZeroUsize::get)
}

/// So many threads, or as many as the machine has cores.
pub(crate) fn pool_of(jobs: Option<NonZeroUsize>) -> Result<ThreadPool, NoThreads> {
    let jobs = threads_for(jobs);
    let builder = ThreadPoolBuilder::new().num_threads(jobs);
    let named = builder.thread_name(|number| format!("hunt-{number}"));
    named.build().map_err(|error| NoThreads { jobs, source: std::io::Error::other(error) })
}

/// Runs seed after seed until no more are handed out.
fn work(ledger: &Mutex<Ledger>, run: &impl Fn(u64) -> Result<Outcome, Failure>) {
    let mut next = lock(ledger).next();
    while let Some(seed) = next {
        let (result, panicked_at) = quiet::quietly(|| run(seed));
        let seen = Seen::new(seed, result, panicked_at);
        let mut ledger = lock(ledger);
        ledger.note(seed, seen);
        next = ledger.next();
    }
}

/// A thread that panicked inside left the ledger whole: each of its methods does one thing.
fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
