//! A run as one JSON object.

use std::io;

use serde::Serialize;

use super::words;
use crate::judge::{Unjudged, ViolationKind};
use crate::scenario::{Backend, Outcome, Scenario};
use crate::world::{Digest, SimTime};

/// What `fencepost run --format json` prints.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RunReport<'a> {
    /// The scenario's title.
    pub scenario: &'a str,
    /// The seed.
    pub seed: u64,
    /// The digest of the history.
    pub digest: Digest,
    /// The backend's name; `null` for recipes that need none.
    pub backend: Option<&'static str>,
    /// The recipe's name.
    pub recipe: &'static str,
    /// The fencing mode.
    pub fencing: fencepost_models::shop::Fencing,
    /// How much time was simulated.
    pub simulated_ms: u64,
    /// How many events the loop has handled.
    pub events: u64,
    /// How many messages have reached a process.
    pub messages: u64,
    /// The stock when the run began.
    pub stock_initial: u64,
    /// The stock when it ended.
    pub stock_remaining: u64,
    /// How many orders were recorded.
    pub sold: u64,
    /// How many of them no stock stands behind.
    pub oversold: u64,
    /// How many pieces are neither left nor sold.
    pub missing: u64,
    /// How many orders were recorded for a purchase that had one already.
    pub doubled: u64,
    /// How many requests the store refused for their token.
    pub fenced_off: u64,
    /// The most clients that believed at the same instant that they held the same lock.
    pub max_holders: usize,
    /// Everything that was wrong, in the order in which it happened.
    pub violations: Vec<ViolationReport<'a>>,
    /// The kinds that the run could not have shown, each with the reason.
    pub unjudged: &'a [Unjudged],
    /// The plan, in the order in which it was written.
    pub faults: Vec<FaultReport>,
    /// The kinds that the scenario expects; `null` when it says nothing.
    pub expected: Option<Vec<ViolationKind>>,
    /// Whether the run went as expected; without an expectation, whether nothing was wrong.
    pub as_expected: bool,
}

/// One thing that was wrong.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ViolationReport<'a> {
    /// What.
    pub kind: ViolationKind,
    /// From when on.
    pub at_ms: u64,
    /// The names of those whom it concerns, the one that was there first in front.
    pub nodes: Vec<&'a str>,
    /// In words.
    pub detail: &'a str,
}

/// One fault and what came of it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct FaultReport {
    /// What.
    pub kind: &'static str,
    /// When it began; `null` when its moment never came.
    pub at_ms: Option<u64>,
    /// To whom.
    pub target: String,
    /// Whether it hit anything.
    pub fired: bool,
    /// How many messages, connections, inputs or disk operations it hit.
    pub hits: u64,
}

impl<'a> RunReport<'a> {
    /// The report of a run.
    pub fn new(scenario: &'a Scenario, outcome: &'a Outcome) -> Self {
        let Outcome { run, verdict, .. } = outcome;
        let violation = |violation: &'a crate::judge::Violation| ViolationReport {
            kind: violation.kind,
            at_ms: violation.at.as_millis(),
            nodes: violation.nodes.iter().map(|node| run.history.name(*node)).collect(),
            detail: &violation.detail,
        };
        let fault = |outcome: &crate::world::FaultOutcome| FaultReport {
            kind: outcome.fault.kind().as_str(),
            at_ms: outcome.began_at.map(SimTime::as_millis),
            target: words::target(&outcome.fault.action),
            fired: outcome.fired,
            hits: outcome.hits,
        };
        Self {
            scenario: &scenario.title,
            seed: run.seed,
            digest: run.history.digest(),
            backend: scenario.backend.as_ref().map(Backend::as_str),
            recipe: scenario.lock.as_str(),
            fencing: scenario.shop.fencing,
            simulated_ms: SimTime::after(run.simulated).as_millis(),
            events: run.events,
            messages: run.history.delivered(),
            stock_initial: verdict.books.initial,
            stock_remaining: verdict.books.remaining,
            sold: verdict.books.sold,
            oversold: verdict.books.oversold(),
            missing: verdict.books.missing(),
            doubled: verdict.books.doubled,
            fenced_off: verdict.books.fenced_off,
            max_holders: verdict.max_holders,
            violations: verdict.violations.iter().map(violation).collect(),
            unjudged: &verdict.unjudged,
            faults: run.faults.iter().map(fault).collect(),
            expected: scenario.expect.as_ref().map(|kinds| kinds.iter().copied().collect()),
            as_expected: scenario.is_met_by(verdict),
        }
    }
}

/// Writes a run as one JSON object, indented, with a newline at its end.
///
/// # Errors
///
/// What the writer says.
pub fn json(
    scenario: &Scenario,
    outcome: &Outcome,
    out: &mut (impl io::Write + ?Sized),
) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &RunReport::new(scenario, outcome))?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::testing;

    fn object(scenario: &Scenario, outcome: &Outcome) -> Value {
        let mut out = Vec::new();
        json(scenario, outcome, &mut out).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn the_object_has_the_keys_that_others_rely_on() {
        let object = object(&testing::scenario("Asleep"), &testing::paused_holder());
        for key in [
            "scenario",
            "seed",
            "digest",
            "simulated_ms",
            "events",
            "messages",
            "stock_initial",
            "stock_remaining",
            "sold",
            "oversold",
            "fenced_off",
            "max_holders",
            "violations",
            "faults",
        ] {
            assert!(object.get(key).is_some(), "{key} is missing");
        }
        for (list, keys) in [
            ("violations", ["kind", "at_ms", "nodes", "detail"]),
            ("faults", ["kind", "at_ms", "target", "fired"]),
        ] {
            let items = object[list].as_array().unwrap();
            assert!(!items.is_empty());
            for (item, key) in items.iter().flat_map(|item| keys.map(|key| (item, key))) {
                assert!(item.get(key).is_some(), "{list}: {key} is missing");
            }
        }
    }

    #[test]
    fn a_paused_holder_in_full() {
        let mut out = Vec::new();
        json(&testing::scenario("Asleep"), &testing::paused_holder(), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }

    #[test]
    fn a_fault_whose_moment_never_came_has_no_time() {
        let mut outcome = testing::paused_holder();
        (outcome.run.faults[0].began_at, outcome.run.faults[0].fired) = (None, false);
        let object = object(&testing::scenario("Awake"), &outcome);
        assert_eq!(object["faults"][0]["at_ms"], Value::Null);
        assert_eq!(object["faults"][0]["fired"], false);
    }

    #[test]
    fn as_expected_compares_the_kinds_and_nothing_else() {
        let outcome = testing::paused_holder();
        let expecting = |kinds: &[ViolationKind]| {
            let kinds = kinds.iter().copied().collect();
            object(&testing::scenario("x").but(|s| s.expect = Some(kinds)), &outcome)["as_expected"]
                .clone()
        };
        use ViolationKind::{Oversell, StaleWrite, TwoHolders};
        assert_eq!(expecting(&[StaleWrite, TwoHolders, Oversell]), true);
        assert_eq!(expecting(&[Oversell]), false);
        assert_eq!(expecting(&[]), false);
        assert_eq!(object(&testing::scenario("x"), &outcome)["as_expected"], false);
    }
}
