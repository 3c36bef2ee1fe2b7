//! Exhaust: not some faults at random, but every placement of up to so many of them.
//!
//! ```
//! use fencepost::exhaust::Exhaust;
//! use fencepost::judge::ViolationKind::{Oversell, TwoHolders};
//! use fencepost::scenario::{Recipe, Scenario};
//!
//! let sale = Scenario::default().but(|s| {
//!     (s.lock, s.backend) = (Recipe::ConditionalUpdate, None);
//!     s.shop.stock = 2;
//! });
//! let exhaust = Exhaust::of(sale, 1)?;
//! let report = exhaust.run().expect("threads");
//! assert_eq!(report.counts.seeds, exhaust.placements());
//! assert!(!report.first.contains_key(&Oversell), "no single fault makes it oversell");
//! # Ok::<(), fencepost::scenario::Failure>(())
//! ```
//!
//! The run without faults says when something happens. A placement is a fault of the menu
//! ([`fencepost_faults::Stage::menu`]) right after one of these moments; or two of them, or more. Each is run
//! under the scenario's seed, and judged.
//!
//! What is covered is a bound and no proof: faults of other lengths and of other groups, and moments that only
//! come up once something has gone wrong, are not in it.

mod placement;
#[cfg(test)]
mod tests;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::time::Duration;

use fencepost_faults::{Fault, FaultKind, Plan, Start};
use serde::Serialize;

use self::placement::places;
pub use self::text::text;
use crate::hunt::{AnotherHunt, Hunt, HuntError, HuntReport, Shard};
use crate::judge::ViolationKind;
use crate::scenario::{Failure, Scenario};
use crate::world::SimTime;
use crate::world::history::{Event, Record};

/// A scenario and every placement of faults in it.
#[derive(Clone, Debug)]
#[must_use = "nothing is run until it is asked for"]
pub struct Exhaust {
    /// Without any fault.
    scenario: Scenario,
    menu: Vec<Fault>,
    kinds: BTreeSet<FaultKind>,
    moments: Vec<Duration>,
    /// Those of the moments at which somebody wrote something down.
    changes: Vec<Duration>,
    max_faults: u32,
    /// Over the placements: a seed there is the number of one.
    hunt: Hunt,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExhaustReport {
    /// The seed that every placement was run under.
    pub seed: u64,
    /// At most so many faults were placed.
    pub max_faults: u32,
    /// How many faults there are to place.
    pub faults: usize,
    /// Of which kinds.
    pub kinds: Vec<&'static str>,
    /// How many moments they were placed at.
    pub moments: usize,
    /// How many placements there are.
    pub placements: u64,
    /// What was counted: a seed there is the number of a placement.
    pub counts: HuntReport,
    /// The first placement that shows each kind.
    pub first: BTreeMap<ViolationKind, FirstPlacement>,
}

/// Faults in their places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FirstPlacement {
    /// The number of the placement.
    pub number: u64,
    /// The faults, in words.
    pub faults: Vec<String>,
    /// The scenario with them, as a file.
    pub toml: String,
}

impl Exhaust {
    /// Every placement of up to so many faults in a scenario. Faults that it has already are left out.
    ///
    /// # Errors
    ///
    /// The scenario cannot be run.
    pub fn of(scenario: Scenario, max_faults: u32) -> Result<Self, Failure> {
        let scenario = scenario.but(|s| {
            s.faults.clear();
            s.random_faults = None;
        });
        let run = scenario.record(scenario.seed)?;
        let right_after = |is_one: fn(&Record) -> bool| {
            let records = run.history.records().iter().filter(|record| is_one(record));
            let at: BTreeSet<SimTime> = records.map(|record| record.at).collect();
            at.iter().map(|at| at.elapsed() + Duration::from_nanos(1)).collect()
        };
        let moments = right_after(|_| true);
        let changes = right_after(|record| matches!(record.event, Event::Noted(_)));
        let menu = scenario.stage().menu();
        let kinds = menu.iter().map(Fault::kind).collect();
        let hunt = Hunt::new(scenario.clone(), 0..0);
        let exhaust = Self { scenario, menu, kinds, moments, changes, max_faults, hunt };
        Ok(exhaust.counted())
    }

    /// Leaves out all faults but those of these kinds. Comes before anything is said of how it is run.
    pub fn only(mut self, kinds: &BTreeSet<FaultKind>) -> Self {
        self.menu.retain(|fault| kinds.contains(&fault.kind()));
        self.kinds.retain(|kind| kinds.contains(kind));
        self.counted()
    }

    /// Leaves out all moments but those at which somebody wrote something down: what a client believes, what a server
    /// has changed. Comes before anything is said of how it is run.
    pub fn at_changes(mut self) -> Self {
        self.moments.clone_from(&self.changes);
        self.counted()
    }

    fn counted(mut self) -> Self {
        self.hunt = Hunt::new(self.scenario.clone(), 0..self.placements());
        self
    }

    /// Runs so many placements at a time.
    pub fn jobs(mut self, jobs: NonZeroUsize) -> Self {
        self.hunt = self.hunt.jobs(jobs);
        self
    }

    /// Runs one part of the placements. What it covers is less than there is, and says so.
    pub fn shard(mut self, shard: Shard) -> Self {
        self.hunt = self.hunt.shard(shard);
        self
    }

    /// Says which program runs it. What one has counted another does not go on with.
    pub fn build(mut self, build: &str) -> Self {
        let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.as_str()).collect();
        let (faults, kinds, moments) = (self.max_faults, kinds.join(", "), self.moments.len());
        let what = format!("placements of up to {faults} of {kinds} at {moments} moments");
        self.hunt = self.hunt.build(format!("{build}, {what}"));
        self
    }

    /// What has been counted before anything is.
    pub fn blank(&self) -> HuntReport {
        self.hunt.blank()
    }

    /// Counts on where an earlier report of these placements ends.
    ///
    /// # Errors
    ///
    /// The report is about something else.
    pub fn go_on_from(mut self, earlier: HuntReport) -> Result<Self, AnotherHunt> {
        self.hunt = self.hunt.go_on_from(earlier)?;
        Ok(self)
    }

    /// How many faults in how many places: a single one.
    const fn single(&self) -> u64 {
        self.menu.len() as u64 * self.moments.len() as u64
    }

    /// How many placements there are: that of nothing, those of one fault, of two, and so on.
    pub fn placements(&self) -> u64 {
        placement::count(self.single(), self.max_faults)
    }

    /// The faults of a placement. None comes twice, in whatever order its faults are.
    pub fn plan(&self, number: u64) -> Plan {
        let faults = self.menu.len() as u64;
        let fault = |place: u64| {
            let index = |number: u64| usize::try_from(number).ok();
            let fault = self.menu.get(index(place % faults)?)?.clone();
            let at = *self.moments.get(index(place / faults)?)?;
            Some(Fault { start: Start::At(at), ..fault })
        };
        places(number, self.single()).into_iter().filter_map(fault).collect()
    }

    /// The scenario with a placement's faults.
    pub fn scenario(&self, number: u64) -> Scenario {
        self.scenario.clone().but(|s| s.faults = self.plan(number))
    }

    /// Runs all of it.
    ///
    /// # Errors
    ///
    /// The threads cannot be started.
    pub fn run(&self) -> Result<ExhaustReport, HuntError> {
        self.watch(|_| ControlFlow::Continue(()))
    }

    /// Runs it and says ten times a second how far it is; ends early when that breaks off.
    ///
    /// # Errors
    ///
    /// As [`Exhaust::run`].
    pub fn watch(
        &self,
        progress: impl FnMut(&HuntReport) -> ControlFlow<()>,
    ) -> Result<ExhaustReport, HuntError> {
        let seed = self.scenario.seed;
        let run = |number| self.scenario(number).run(seed);
        let counts = self.hunt.carry_out(run, progress)?;
        let first = counts.first.iter().map(|(kind, number)| (*kind, self.placed(*number)));
        Ok(ExhaustReport {
            seed,
            max_faults: self.max_faults,
            faults: self.menu.len(),
            kinds: self.kinds.iter().map(|kind| kind.as_str()).collect(),
            moments: self.moments.len(),
            placements: self.placements(),
            first: first.collect(),
            counts,
        })
    }

    /// How many placements run at a time.
    pub fn threads(&self) -> usize {
        self.hunt.threads()
    }

    fn placed(&self, number: u64) -> FirstPlacement {
        let scenario = self.scenario(number);
        FirstPlacement {
            number,
            faults: scenario.faults.iter().map(ToString::to_string).collect(),
            toml: scenario.to_toml(),
        }
    }
}
