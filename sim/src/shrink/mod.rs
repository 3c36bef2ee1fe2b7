//! Shrinking: from a run that violates something to the smallest one that still does.
//!
//! ```
//! use fencepost::judge::ViolationKind::Oversell;
//! use fencepost::scenario::{Recipe, Scenario};
//! use fencepost::shrink::Shrink;
//! use fencepost::faults::{FaultKind, RandomFaults};
//!
//! let sale = Scenario::default().but(|s| {
//!     (s.lock, s.backend) = (Recipe::None, None);
//!     (s.shop.buyers, s.shop.stock) = (5, 50);
//!     s.random_faults = Some(RandomFaults { kinds: vec![FaultKind::Pause, FaultKind::Crash], max: 6 });
//! });
//! let shrunk = Shrink::new(sale, 0).carry_out()?.expect("the race oversells");
//! assert!(shrunk.outcome.verdict.kinds().contains(&Oversell));
//! assert_eq!((shrunk.scenario.faults.len(), shrunk.scenario.shop.buyers), (0, 2));
//! # Ok::<(), fencepost::scenario::Failure>(())
//! ```
//!
//! What is drawn at random becomes the scenario's own first: the plan that its seed draws. Then whatever can
//! go goes, and what cannot gets smaller, shorter and rounder, for as long as the run under the same seed shows
//! the same kind of violation by the same mechanism ([`crate::story`]). Each purpose and node has a random stream of
//! its own, so that a fault less leaves the rest of the run as it was.
//!
//! What is as small as it can be under its seed may have faults that only bring others about in time. A few other
//! seeds are tried for it with a fault less; where one of them shows the same, it is the shrunken scenario's, and all
//! begins anew.
//!
//! The same scenario and seed shrink to the same, whatever the machine.

mod cast;
mod faults;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::judge::ViolationKind;
use crate::scenario::{Failure, Outcome, Scenario};
use crate::story::Mechanism;

/// A scenario and the seed under which it violates something.
#[derive(Clone, Debug)]
#[must_use = "nothing is shrunk until it is asked for"]
pub struct Shrink {
    scenario: Scenario,
    seed: u64,
    kind: Option<ViolationKind>,
    most_runs: u32,
}

/// The smallest run that was found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Shrunk {
    /// The scenario: with faults of its own alone, a seed of its own, and what its run shows as `[expect]`.
    pub scenario: Scenario,
    /// Its run.
    pub outcome: Outcome,
    /// The kind of violation that was kept.
    pub kind: ViolationKind,
    /// How the violation of its run comes about.
    pub mechanism: Mechanism,
    /// How many faults there were.
    pub faults_before: usize,
    /// How many runs it took.
    pub runs: u32,
}

impl Shrink {
    /// What the first violation of the run becomes when it is as small as can be.
    pub const fn new(scenario: Scenario, seed: u64) -> Self {
        // Hundreds are usual. A run takes milliseconds.
        Self { scenario, seed, kind: None, most_runs: 5_000 }
    }

    /// Keeps that kind of violation, and not the first that the run shows.
    pub const fn kind(mut self, kind: ViolationKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Stops after so many runs, with what there is then.
    pub const fn most_runs(mut self, runs: u32) -> Self {
        self.most_runs = runs;
        self
    }

    /// Shrinks; `None` when the run shows no such violation.
    ///
    /// # Errors
    ///
    /// The scenario cannot be run under that seed.
    pub fn carry_out(self) -> Result<Option<Shrunk>, Failure> {
        let first = self.scenario.run(self.seed)?;
        let shown = first.verdict.violations.iter().map(|violation| violation.kind);
        let mut wanted = shown.filter(|kind| self.kind.is_none_or(|wanted| wanted == *kind));
        let Some(kind) = wanted.next() else { return Ok(None) };
        let Some(mechanism) = Mechanism::of(&self.scenario, &first, kind) else { return Ok(None) };
        let faults_before = first.plan.len();
        let scenario = self.scenario.but(|s| {
            s.faults.clone_from(&first.plan);
            (s.random_faults, s.seed) = (None, self.seed);
        });
        let mut smallest = Smallest {
            scenario,
            outcome: first,
            kind,
            original: mechanism.clone(),
            mechanism,
            runs: 1,
            most_runs: self.most_runs,
        };
        while smallest.get_smaller() {}
        Ok(Some(smallest.conclude(faults_before)))
    }
}

/// The smallest run so far.
struct Smallest {
    scenario: Scenario,
    outcome: Outcome,
    kind: ViolationKind,
    /// The mechanism of the run that it all began with.
    original: Mechanism,
    /// That of the smallest.
    mechanism: Mechanism,
    runs: u32,
    most_runs: u32,
}

impl Smallest {
    /// One round of everything; false when nothing came of it.
    fn get_smaller(&mut self) -> bool {
        // What costs most goes first: the fewer faults and nodes, the shorter every run that follows.
        let is_fewer = faults::fewer(self);
        let is_smaller = cast::smaller(self);
        let is_simpler = faults::simpler(self);
        // Last, when there is little left: this is a search, and the other seed stays.
        is_fewer || is_smaller || is_simpler || faults::fewer_otherwise(self)
    }

    /// Takes a scenario in place of the smallest one, if its run still shows the violation, and comes to it in
    /// the same way.
    fn try_out(&mut self, scenario: Scenario) -> bool {
        if self.runs >= self.most_runs {
            return false;
        }
        self.runs += 1;
        // What cannot be run, for it names a node that is gone, say, is no smaller run.
        let Ok(outcome) = scenario.run(scenario.seed) else { return false };
        let mechanism = Mechanism::of(&scenario, &outcome, self.kind);
        let Some(mechanism) = mechanism.filter(|one| one.may_come_of(&self.original)) else {
            return false;
        };
        (self.scenario, self.outcome, self.mechanism) = (scenario, outcome, mechanism);
        true
    }

    fn conclude(self, faults_before: usize) -> Shrunk {
        let Self { scenario, outcome, kind, mechanism, runs, .. } = self;
        let shown: BTreeSet<ViolationKind> = outcome.verdict.kinds();
        Shrunk {
            scenario: scenario.but(|s| s.expect = Some(shown)),
            outcome,
            kind,
            mechanism,
            faults_before,
            runs,
        }
    }
}
