//! When did it become likely? From points of a violating run, many futures each, and how many of them violate
//! too: the curve that shows the moment at which the run was lost.
//!
//! ```
//! use fencepost::likelihood::Likelihood;
//! use fencepost::scenario::{Recipe, Scenario};
//!
//! let race = Scenario::default().but(|s| (s.lock, s.backend) = (Recipe::None, None));
//! let curve = Likelihood::new(race, 3).points(6).futures(20).carry_out()?.expect("it oversells");
//! let last = curve.points.last().expect("a point");
//! assert_eq!((last.violating, curve.futures), (20, 20), "what has happened has happened");
//! # Ok::<(), fencepost::likelihood::LikelihoodError>(())
//! ```
//!
//! A point is a place in the run's history. Up to it every future is the run itself, record by record; from it on
//! all that is left to chance comes out otherwise ([`Scenario::run_otherwise`]): latencies, work, jitter,
//! elections, and the faults, where the scenario draws them. The scenario's own faults stay. Hence the first
//! point, before anything has happened, has the rate that a hunt finds, and the last, right after the
//! violation, has all of them. The same futures are tried from every point.
//!
//! Every future has a number, and `fencepost run … --from EVENT --future N` shows it.
//!
//! Half of the points lie evenly between these two. Each of the others halves the gap over which the curve
//! rises or falls most, so that where it leaps the very event is found ([`Curve::lost`]).

mod json;
mod points;
mod text;

use std::num::{NonZeroU64, NonZeroUsize};

use rayon::prelude::*;

pub use self::json::json;
use self::points::Cuts;
pub use self::text::{TextOptions, text};
use crate::counterfactual::Moment;
use crate::hunt::{NoThreads, pool_of, quiet};
use crate::judge::{Violation, ViolationKind};
use crate::scenario::{Failure, Outcome, Scenario};
use crate::world::SimTime;
use crate::world::history::{History, RecordId};

/// A scenario, a seed that violates something, and how closely to look.
#[derive(Clone, Debug)]
#[must_use = "nothing is run until it is asked for"]
pub struct Likelihood {
    scenario: Scenario,
    seed: u64,
    kind: Option<ViolationKind>,
    points: usize,
    futures: u32,
    jobs: Option<NonZeroUsize>,
}

/// Why there is no curve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LikelihoodError {
    /// The scenario cannot be run under that seed.
    #[error(transparent)]
    Scenario(#[from] Failure),
    /// The threads could not be started.
    #[error(transparent)]
    Threads(#[from] NoThreads),
}

/// How likely a violation was, from point to point of a run that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Curve {
    /// The scenario's title.
    pub scenario: String,
    /// The seed of the run.
    pub seed: u64,
    /// The run's first violation of its kind: the one that the curve is about.
    pub violation: Violation,
    /// How many futures were tried from each point.
    pub futures: u32,
    /// The points, in order.
    pub points: Vec<Point>,
    /// When the run was lost: from then on half of the futures or more violate. `None` where that cannot be
    /// said, because too many futures have failed.
    pub lost: Option<Turn>,
    /// When nothing could save it any more: from then on all futures violate.
    pub sealed: Option<Turn>,
}

/// A point of a run and what came of its futures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Point {
    /// The first record of the run that its futures need not have.
    pub event: RecordId,
    /// When they begin to differ.
    pub at: SimTime,
    /// How many of them show a violation of the kind.
    pub violating: u32,
    /// How many have panicked or reached a limit.
    pub failed: u32,
    /// The first that shows one: a future has a number, under which it can be run ([`Scenario::run_otherwise`]).
    pub first_violating: Option<NonZeroU64>,
    /// The first that runs to its end and shows none.
    pub first_harmless: Option<NonZeroU64>,
}

/// A moment from which on so many futures violate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Turn {
    /// The first point at which, and at all later ones, so many do.
    pub from: Point,
    /// The point before it; `None` when it is the first.
    pub before: Option<Point>,
    /// There is no other point between the two.
    pub is_exact: bool,
    /// What happened between the two that is worth telling: all of it, where it is little.
    pub between: Vec<Moment>,
}

impl Likelihood {
    /// Twenty points and a hundred futures from each, about the first violation of the run.
    pub const fn new(scenario: Scenario, seed: u64) -> Self {
        Self { scenario, seed, kind: None, points: 20, futures: 100, jobs: None }
    }

    /// Looks at that kind of violation, and not at the first that the run shows.
    pub const fn kind(mut self, kind: ViolationKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Looks at so many points; fewer, where there are no more. Two are the least.
    pub const fn points(mut self, points: usize) -> Self {
        self.points = points;
        self
    }

    /// Tries so many futures from each.
    pub const fn futures(mut self, futures: u32) -> Self {
        self.futures = futures;
        self
    }

    /// Runs so many at a time; without this, as many as there are cores.
    pub const fn jobs(mut self, jobs: NonZeroUsize) -> Self {
        self.jobs = Some(jobs);
        self
    }

    /// Tries the futures; `None` when the run shows no such violation.
    ///
    /// # Errors
    ///
    /// The scenario cannot be run under that seed, or the threads cannot be started. A future that cannot be
    /// run to its end is counted.
    pub fn carry_out(&self) -> Result<Option<Curve>, LikelihoodError> {
        self.watch(|_| ())
    }

    /// The same, and says after each point how many have been looked at.
    ///
    /// # Errors
    ///
    /// As [`Likelihood::carry_out`].
    pub fn watch(&self, mut progress: impl FnMut(usize)) -> Result<Option<Curve>, LikelihoodError> {
        let outcome = self.scenario.run(self.seed)?;
        let mut violations = outcome.verdict.violations.iter();
        let wanted = |violation: &&Violation| self.kind.is_none_or(|kind| kind == violation.kind);
        let Some(violation) = violations.find(wanted).cloned() else { return Ok(None) };
        let history = &outcome.run.history;
        let cuts = Cuts::of(history, violation.record);
        quiet::install();
        let pool = pool_of(self.jobs)?;
        let mut looked_at = 0;
        let points = cuts.look_at(self.points, |event| {
            let before = event.0.checked_sub(1).and_then(|last| history.record(RecordId(last)));
            let at = before.map(|record| record.at).unwrap_or_default();
            let point = pool.install(|| self.try_futures(event, at, violation.kind));
            looked_at += 1;
            progress(looked_at);
            point
        });
        let turn = |least| turn(&points, least, &cuts, history);
        let (lost, sealed) = (turn(self.futures.div_ceil(2)), turn(self.futures));
        let (scenario, seed, futures) = (self.scenario.title.clone(), self.seed, self.futures);
        Ok(Some(Curve { scenario, seed, violation, futures, points, lost, sealed }))
    }

    /// What comes of the futures from there.
    fn try_futures(&self, event: RecordId, at: SimTime, kind: ViolationKind) -> Point {
        let futures = (1..=u64::from(self.futures)).into_par_iter().filter_map(NonZeroU64::new);
        let tried = futures.map(|future| {
            let run = || self.scenario.run_otherwise(self.seed, event, future);
            let mut point = Point::new(event, at);
            match quiet::quietly(run).0 {
                Ok(outcome) if shows(&outcome, kind) => {
                    (point.violating, point.first_violating) = (1, Some(future));
                }
                Ok(_) => point.first_harmless = Some(future),
                Err(_) => point.failed = 1,
            }
            point
        });
        tried.reduce(|| Point::new(event, at), Point::and)
    }
}

impl Point {
    /// A point of which no future has been tried.
    const fn new(event: RecordId, at: SimTime) -> Self {
        let (first_violating, first_harmless) = (None, None);
        Self { event, at, violating: 0, failed: 0, first_violating, first_harmless }
    }

    /// The same point with the futures of both.
    fn and(self, other: Self) -> Self {
        let first = |one: Option<NonZeroU64>, other| one.into_iter().chain(other).min();
        Self {
            violating: self.violating + other.violating,
            failed: self.failed + other.failed,
            first_violating: first(self.first_violating, other.first_violating),
            first_harmless: first(self.first_harmless, other.first_harmless),
            ..self
        }
    }
}

fn shows(outcome: &Outcome, kind: ViolationKind) -> bool {
    outcome.verdict.first(kind).is_some()
}

/// The first point at which, and at all later ones, at least so many futures violate.
fn turn(points: &[Point], least: u32, cuts: &Cuts, history: &History) -> Option<Turn> {
    let fewer = points.iter().rposition(|point| point.violating < least);
    let from = *points.get(fewer.map_or(0, |place| place + 1))?;
    let before = fewer.map(|place| points[place]);
    let first = before.map_or(from.event, |before| before.event);
    let is_exact = before.is_none_or(|before| cuts.are_neighbours(before.event, from.event));
    let between = points::worth_telling(history, first..from.event);
    Some(Turn { from, before, is_exact, between })
}

#[cfg(test)]
mod tests;
