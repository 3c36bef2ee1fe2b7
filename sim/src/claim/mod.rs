//! Claims as tests: what a scenario must find, and what it must never show, over a range of seeds.
//!
//! ```
//! use std::time::Duration;
//! use fencepost::claim::Claims as _;
//! use fencepost::judge::ViolationKind::{Oversell, StaleWrite};
//! use fencepost::scenario::{Recipe, Scenario};
//!
//! let race = || Scenario::default().but(|s| {
//!     s.lock = Recipe::None;
//!     s.shop.stock = 10;
//!     s.duration = Duration::from_secs(5);
//! });
//! race().sweep(0..20).must_find(Oversell);
//! race().sweep(0..20).must_never(StaleWrite);
//! race().but(|s| s.lock = Recipe::ConditionalUpdate).sweep(0..20).must_never(Oversell);
//! ```
//!
//! A claim that does not hold panics with the seed, the timeline, the smallest scenario that goes wrong in the same
//! way, and the command that replays it, of `cargo test` or of `cargo nextest`, whichever has run it. In the target
//! folder, under `fencepost`, lie a page to look at and that smallest scenario, in files called after the test.
//! Two variables change which seeds are run, in every such test:
//!
//! * `FENCEPOST_SEED=17` replays that seed alone and prints its timeline;
//! * `FENCEPOST_SEEDS=0..1000000` runs those instead of the claim's own.

mod failing;
mod fired;
mod running;
mod seeds;
mod target;

use std::ops::Range;

use rayon::prelude::*;

use self::fired::Fired;
use self::running::Running;
pub use self::seeds::Seeds;
use crate::judge::{Invariant, ViolationKind};
use crate::report::{self, words};
use crate::scenario::{Outcome, Scenario};
use crate::shrink::{Shrink, Shrunk};

/// Starts a claim.
pub trait Claims {
    /// A claim about the runs under these seeds.
    fn sweep(self, seeds: Range<u64>) -> Sweep;
}

impl Claims for Scenario {
    fn sweep(self, seeds: Range<u64>) -> Sweep {
        Sweep { scenario: self, seeds: Seeds::from_environment(seeds) }
    }
}

/// The runs of a scenario under a range of seeds.
#[must_use = "a sweep runs nothing until it is asked for something"]
pub struct Sweep {
    scenario: Scenario,
    seeds: Seeds,
}

/// A run in which the violation was found: the one with the lowest seed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Found {
    /// The scenario.
    pub scenario: Scenario,
    /// The run and its verdict.
    pub outcome: Outcome,
    kind: ViolationKind,
}

impl Found {
    /// The seed.
    pub const fn seed(&self) -> u64 {
        self.outcome.run.seed
    }

    /// The same found thing as small as it can be: see [`crate::shrink`].
    ///
    /// ```
    /// use fencepost::claim::Claims as _;
    /// use fencepost::judge::ViolationKind::Oversell;
    /// use fencepost::scenario::{Recipe, Scenario};
    ///
    /// let race = Scenario::default().but(|s| (s.lock, s.backend) = (Recipe::None, None));
    /// let found = race.sweep(0..50).must_find(Oversell).shrunk_to(0);
    /// assert!(found.scenario.faults.is_empty());
    /// ```
    ///
    /// # Panics
    ///
    /// More faults are needed than `most`.
    #[track_caller]
    pub fn shrunk_to(self, most: usize) -> Self {
        let shrink = Shrink::new(self.scenario, self.outcome.run.seed).kind(self.kind);
        let seed = self.outcome.run.seed;
        let Ok(Some(shrunk)) = shrink.carry_out() else {
            unreachable!("the run has been seen to show it")
        };
        let faults = shrunk.scenario.faults.len();
        assert!(
            faults <= most,
            "{} needs {}, and no more than {most} are claimed\n\n{}",
            self.kind,
            words::count(faults as u64, "fault", "faults"),
            failing::smallest(&shrunk, seed),
        );
        let Shrunk { scenario, outcome, kind, .. } = shrunk;
        Self { scenario, outcome, kind }
    }

    /// The run as `fencepost run` shows it: what to hand to `insta::assert_snapshot!`.
    ///
    /// ```
    /// use fencepost::claim::Claims as _;
    /// use fencepost::judge::ViolationKind::Oversell;
    /// use fencepost::scenario::{Recipe, Scenario};
    ///
    /// let race = Scenario::default().but(|s| (s.lock, s.backend) = (Recipe::None, None));
    /// let found = race.sweep(0..50).must_find(Oversell);
    /// assert!(found.timeline().contains("VIOLATION oversell"));
    /// assert!(found.timeline().contains(&format!("seed {}", found.seed())));
    /// ```
    pub fn timeline(&self) -> String {
        report::text(&self.scenario, &self.outcome)
    }
}

impl Sweep {
    /// At least one of the runs must show the violation: one of the judge's, or a breach of an invariant of the
    /// scenario's own, by its name or itself. Returns the first that does.
    ///
    /// ```
    /// use fencepost::claim::Claims as _;
    /// use fencepost::judge::ViolationKind::TwoHolders;
    /// use fencepost::scenario::{FaultKind, Scenario};
    ///
    /// let found = Scenario::default().under(&[FaultKind::Pause], 2).sweep(0..200).must_find(TwoHolders);
    /// assert_eq!(found.outcome.verdict.max_holders, 2);
    /// ```
    ///
    /// # Panics
    ///
    /// None shows it, there are none, or one before it could not be run. The scenario has no such invariant.
    #[track_caller]
    pub fn must_find(self, kind: impl Into<ViolationKind>) -> Found {
        let kind = kind.into();
        self.require(kind);
        let Self { scenario, seeds } = self;
        let fired = Fired::of(&scenario);
        let shows = |outcome: &Outcome| outcome.verdict.first(kind).map(|_| ());
        let Some((outcome, ())) = first(&scenario, &seeds, &fired, shows) else {
            show_if_replayed(&scenario, &seeds);
            let unjudged = fired.never_judged(kind).map(|reason| reason + "\n");
            panic!(
                "{kind} must be found, but none of the seeds {seeds} of \"{}\" shows it\n{}{fired}",
                scenario.title,
                unjudged.unwrap_or_default(),
            );
        };
        show_if_replayed(&scenario, &seeds);
        Found { scenario, outcome, kind }
    }

    /// None of the runs may show the violation, though every declared fault fires in some of them. The violation is one
    /// of the judge's, or a breach of an invariant of the scenario's own, by its name or itself:
    ///
    /// ```
    /// use fencepost::claim::Claims as _;
    /// use fencepost::judge::{Invariant, Moment};
    /// use fencepost::own::Note;
    /// use fencepost::scenario::Scenario;
    ///
    /// let sale = Scenario::default().but(|s| {
    ///     s.invariants.push(Invariant::new("stock-is-low", || {
    ///         |moment: &Moment<'_>| match moment.note() {
    ///             Some(Note::StockServed { stock: 2.., .. }) => Err("two are left".into()),
    ///             _ => Ok(()),
    ///         }
    ///     }));
    /// });
    /// sale.sweep(0..20).must_never("stock-is-low");
    /// ```
    ///
    /// # Panics
    ///
    /// One shows it, a declared fault fires in none, none could have shown it, or in none was the lock granted or
    /// anything sold (so that the claim says nothing), there are none, or one could not be run. The scenario has no such invariant. Under
    /// `FENCEPOST_SEED` a single run need not let every fault fire.
    #[track_caller]
    pub fn must_never(self, kind: impl Into<ViolationKind>) {
        let kind = kind.into();
        self.require(kind);
        let shows =
            |outcome: &Outcome| outcome.verdict.first(kind).map(|found| found.detail.clone());
        self.must_hold_of_all(&format!("{kind} must never be"), Some(kind), shows);
    }

    /// A law of your own must hold of what comes of every run, its books and its verdict: `check` says what is wrong
    /// with one. Every declared fault must fire in some of them, as in [`Sweep::must_never`]. What must hold while
    /// things happen is an [`Invariant`]: then the run is told and shrunk by it.
    ///
    /// ```
    /// use fencepost::claim::Claims as _;
    /// use fencepost::scenario::{Recipe, Scenario};
    ///
    /// let sale = Scenario::default().but(|s| s.lock = Recipe::ConditionalUpdate);
    /// sale.sweep(0..20).must_hold("everything is sold", |outcome| {
    ///     let left = outcome.verdict.books.remaining;
    ///     if left == 0 { Ok(()) } else { Err(format!("{left} are left")) }
    /// });
    /// ```
    ///
    /// # Panics
    ///
    /// The law is broken by one, a declared fault fires in none, there are none, or one could not
    /// be run.
    #[track_caller]
    pub fn must_hold(self, law: &str, check: impl Fn(&Outcome) -> Result<(), String> + Sync) {
        let breaks = |outcome: &Outcome| check(outcome).err();
        self.must_hold_of_all(&format!("{law}: this must hold"), None, breaks);
    }

    /// A claim about an invariant that nobody has set up would say nothing.
    #[track_caller]
    fn require(&self, kind: ViolationKind) {
        let ViolationKind::Own(name) = kind else { return };
        let invariants = &self.scenario.invariants;
        let known: Vec<&str> = invariants.iter().map(Invariant::name).collect();
        assert!(
            known.contains(&name),
            "the claim about `{name}` says nothing: \"{}\" has no invariant of that name (it has: {}), and the judge \
             has no verdict of it",
            self.scenario.title,
            if known.is_empty() { "none".to_owned() } else { known.join(", ") },
        );
    }

    /// `breaks` says what is wrong with a run, if anything; `about` is the kind of violation that
    /// the claim is about, if it is about one.
    #[track_caller]
    fn must_hold_of_all(
        self,
        claim: &str,
        about: Option<ViolationKind>,
        breaks: impl Fn(&Outcome) -> Option<String> + Sync,
    ) {
        let Self { scenario, seeds } = self;
        let fired = Fired::of(&scenario);
        if let Some((outcome, wrong)) = first(&scenario, &seeds, &fired, breaks) {
            let seed = outcome.run.seed;
            panic!(
                "{claim}, but seed {seed} of \"{}\" shows it: {wrong}\n\n{}",
                scenario.title,
                failing::explain(&scenario, &outcome, about),
            );
        }
        show_if_replayed(&scenario, &seeds);
        if let Some(reason) = fired.says_nothing(about, seeds.is_replay()) {
            panic!(
                "the claim \"{claim}\" about \"{}\" under the seeds {seeds} says nothing: {reason}",
                scenario.title,
            );
        }
    }
}

/// The run with the lowest seed of which `find` finds something, and what. Runs on every core;
/// whatever is to be said is said on the caller's thread, whose output the test harness keeps.
///
/// # Panics
///
/// There are no seeds, or a run with a lower seed could not be run.
#[track_caller]
fn first<T: Send>(
    scenario: &Scenario,
    seeds: &Seeds,
    fired: &Fired,
    find: impl Fn(&Outcome) -> Option<T> + Sync,
) -> Option<(Outcome, T)> {
    let Some(range) = seeds.range() else {
        panic!("a claim about no runs says nothing: the seeds {seeds} of \"{}\"", scenario.title);
    };
    let first = range.into_par_iter().find_map_first(|seed| match scenario.run(seed) {
        Ok(outcome) => {
            fired.note(&outcome);
            find(&outcome).map(|found| Ok((outcome, found)))
        }
        Err(failure) => Some(Err((seed, failure))),
    });
    first.transpose().unwrap_or_else(|(seed, failure)| {
        panic!(
            "seed {seed} of \"{}\" could not be run: {failure}\n{}",
            scenario.title,
            failing::replay(&Running::here(), seed),
        )
    })
}

/// Who replays one seed wants to look at it.
fn show_if_replayed(scenario: &Scenario, seeds: &Seeds) {
    if let Seeds::Replay(seed) = seeds
        && let Ok(outcome) = scenario.run(*seed)
    {
        println!("{}", report::text(scenario, &outcome));
    }
}

#[cfg(test)]
mod tests;
