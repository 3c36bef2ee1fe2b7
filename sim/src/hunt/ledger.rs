//! Which seed is next, and what came of those before, counted in their order.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fencepost_faults::FaultKind;

use super::report::{FailedSeed, HuntReport};
use crate::judge::ViolationKind;
use crate::scenario::{Failure, Outcome};

/// What a hunt keeps of one run until it is counted.
#[derive(Debug, Default)]
pub struct Seen {
    /// The kinds of its violations.
    pub violations: BTreeSet<ViolationKind>,
    /// Why it did not come to its end.
    pub failure: Option<FailedSeed>,
    /// The kinds of faults in its plan, and whether one of the kind fired.
    pub faults: BTreeMap<FaultKind, bool>,
    pub simulated: Duration,
    pub messages: u64,
    pub events: u64,
}

impl Seen {
    /// Sums up what came of a seed.
    ///
    /// # Errors
    ///
    /// The scenario cannot be run, under this seed or any other.
    pub fn new(
        seed: u64,
        result: Result<Outcome, Failure>,
        panicked_at: Option<String>,
    ) -> Result<Self, Failure> {
        match result {
            Ok(outcome) => Ok(Self::of(&outcome)),
            Err(failure) => {
                let failure = FailedSeed::new(seed, failure, panicked_at)?;
                Ok(Self { failure: Some(failure), ..Self::default() })
            }
        }
    }

    fn of(outcome: &Outcome) -> Self {
        let mut faults = BTreeMap::new();
        for fault in &outcome.run.faults {
            *faults.entry(fault.fault.kind()).or_default() |= fault.fired;
        }
        Self {
            violations: outcome.verdict.kinds(),
            failure: None,
            faults,
            simulated: outcome.run.simulated,
            messages: outcome.run.history.delivered(),
            events: outcome.run.events,
        }
    }

    /// Whether there is something to look at.
    pub fn is_finding(&self) -> bool {
        self.failure.is_some() || !self.violations.is_empty()
    }
}

/// Hands out seeds in order, and counts what comes back in order.
pub struct Ledger {
    report: HuntReport,
    /// The seed to hand out next, if it is below `end`.
    next: u64,
    end: u64,
    interrupted: bool,
    /// What came back before a lower seed did.
    waiting: BTreeMap<u64, Seen>,
    failure: Option<Failure>,
}

impl Ledger {
    /// A ledger over the seeds that a report has not counted yet.
    pub fn new(report: HuntReport) -> Self {
        let is_over = report.stop_at_first && report.has_findings();
        let next = report.range.end;
        let end = if is_over { next } else { report.asked.end };
        let waiting = BTreeMap::new();
        Self { report, next, end, interrupted: false, waiting, failure: None }
    }

    /// The next seed to run. Whoever takes one brings back what came of it.
    pub fn next(&mut self) -> Option<u64> {
        let seed = (self.next < self.end).then_some(self.next)?;
        self.next += 1;
        Some(seed)
    }

    /// Takes what came of a seed, and counts it once all lower ones have been.
    pub fn note(&mut self, seed: u64, seen: Result<Seen, Failure>) {
        match seen {
            Ok(seen) => {
                if self.report.stop_at_first && seen.is_finding() {
                    self.end = self.end.min(seed + 1);
                }
                self.waiting.insert(seed, seen);
            }
            Err(failure) => {
                self.end = self.end.min(seed);
                self.failure.get_or_insert(failure);
            }
        }
        while self.report.range.end < self.end {
            let Some(seen) = self.waiting.remove(&self.report.range.end) else { break };
            self.report.count(seen);
        }
    }

    /// Hands out no more.
    pub fn interrupt(&mut self) {
        self.interrupted = true;
        self.end = self.end.min(self.next);
    }

    /// What has been counted so far.
    pub const fn report(&self) -> &HuntReport {
        &self.report
    }

    /// What has been counted, when all that was handed out has come back.
    ///
    /// # Errors
    ///
    /// The scenario cannot be run under any seed.
    pub fn close(mut self) -> Result<HuntReport, Failure> {
        self.report.interrupted = self.interrupted && !self.report.is_complete();
        self.failure.map_or(Ok(self.report), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::ViolationKind::{Oversell, TwoHolders};
    use crate::scenario::Scenario;

    fn ledger(stop_at_first: bool) -> Ledger {
        let report = HuntReport::new(&Scenario::default(), 3..10);
        Ledger::new(HuntReport { stop_at_first, ..report })
    }

    fn seen(violations: &[ViolationKind]) -> Result<Seen, Failure> {
        Ok(Seen {
            violations: violations.iter().copied().collect(),
            messages: 1,
            ..Seen::default()
        })
    }

    #[test]
    fn what_comes_back_out_of_order_is_counted_in_order() {
        let mut ledger = ledger(false);
        let handed_out: Vec<u64> = std::iter::from_fn(|| ledger.next()).collect();
        assert_eq!(handed_out, (3..10).collect::<Vec<_>>());
        for seed in [9, 4, 8] {
            ledger.note(seed, seen(&[Oversell]));
        }
        assert_eq!(ledger.report().range, 3..3, "3 is still out");
        ledger.note(3, seen(&[]));
        assert_eq!(ledger.report().range, 3..5);
        for seed in [7, 6, 5] {
            ledger.note(seed, seen(&[TwoHolders]));
        }
        let report = ledger.close().unwrap();
        assert_eq!((report.range, report.seeds, report.messages), (3..10, 7, 7));
        assert_eq!(report.first, BTreeMap::from([(Oversell, 4), (TwoHolders, 5)]));
        assert_eq!(report.violations_by_kind, BTreeMap::from([(Oversell, 3), (TwoHolders, 3)]));
        assert_eq!(report.violating_seeds, 6);
    }

    #[test]
    fn the_lowest_finding_ends_the_hunt_though_a_higher_one_came_first() {
        let mut ledger = ledger(true);
        for _ in 0..5 {
            ledger.next();
        }
        ledger.note(7, seen(&[Oversell]));
        assert_eq!(ledger.next(), None);
        ledger.note(5, seen(&[TwoHolders]));
        for seed in [4, 3, 6] {
            ledger.note(seed, seen(&[]));
        }
        let report = ledger.close().unwrap();
        assert_eq!((report.range, report.seeds, report.messages), (3..6, 3, 3));
        assert_eq!(report.first, BTreeMap::from([(TwoHolders, 5)]));
        assert!(!report.interrupted);
    }

    #[test]
    fn an_interrupted_hunt_counts_what_is_under_way() {
        let mut ledger = ledger(false);
        assert_eq!((ledger.next(), ledger.next()), (Some(3), Some(4)));
        ledger.interrupt();
        assert_eq!(ledger.next(), None);
        ledger.note(4, seen(&[Oversell]));
        ledger.note(3, seen(&[]));
        let report = ledger.close().unwrap();
        assert_eq!((report.range, report.asked), (3..5, 3..10));
        assert!(report.interrupted && report.violating_seeds == 1);
    }

    #[test]
    fn a_ledger_goes_on_where_a_report_ends() {
        let mut one = ledger(false);
        for seed in 3..7 {
            one.note(seed, seen(if seed == 5 { &[Oversell] } else { &[] }));
        }
        let so_far = one.report().clone();
        let mut two = Ledger::new(so_far.clone());
        for seed in 7..10 {
            assert_eq!(two.next(), Some(seed));
            two.note(seed, seen(&[TwoHolders]));
            one.note(seed, seen(&[TwoHolders]));
        }
        assert_eq!(two.next(), None);
        assert_eq!(two.close(), one.close());
        let found = HuntReport { stop_at_first: true, ..so_far };
        assert_eq!(Ledger::new(found).next(), None, "it has ended with the finding");
    }

    #[test]
    fn an_interruption_that_comes_too_late_is_none() {
        let mut ledger = ledger(false);
        while let Some(seed) = ledger.next() {
            ledger.note(seed, seen(&[]));
        }
        ledger.interrupt();
        assert!(!ledger.close().unwrap().interrupted);
    }

    #[test]
    fn a_scenario_that_cannot_be_run_ends_the_hunt() {
        let mut ledger = ledger(false);
        assert_eq!(ledger.next(), Some(3));
        let unfit = Failure::Unfit { recipe: "set-nx", backend: "no backend".to_owned() };
        ledger.note(3, Err(unfit.clone()));
        assert_eq!(ledger.next(), None);
        assert_eq!(ledger.close(), Err(unfit));
    }
}
