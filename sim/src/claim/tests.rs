//! Claims that hold, and claims that must fail and say why.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use fencepost_faults::{Action, Fault, Start};
use fencepost_models::note::Note;

use super::*;
use crate::judge::ViolationKind::{Oversell, StaleWrite, StuckLock, TwoHolders};
use crate::judge::{Breach, Invariant, Moment};
use crate::scenario::Recipe;

fn race() -> Scenario {
    Scenario::default().but(|s| {
        s.title = "The race".to_owned();
        s.lock = Recipe::None;
        s.shop.stock = 10;
        s.duration = Duration::from_secs(5);
    })
}

fn pause(node: &str, at: Duration) -> Fault {
    let action = Action::Pause { node: node.to_owned() };
    Fault { start: Start::At(at), length: Some(Duration::from_millis(5)), action }
}

/// What the claim's panic says.
fn complaint(claim: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(claim)).expect_err("the claim must fail");
    *panic.downcast::<String>().expect("with a message")
}

#[test]
fn what_is_found_is_the_lowest_seed_that_shows_it() {
    let found = race().sweep(3..40).must_find(Oversell);
    for seed in 3..found.seed() {
        let outcome = race().run(seed).expect("runs");
        assert!(outcome.verdict.first(Oversell).is_none(), "seed {seed}");
    }
    assert!(found.timeline().contains("oversell"));
}

#[test]
fn a_claim_that_finds_nothing_fails() {
    let said = complaint(|| drop(race().sweep(0..5).must_find(TwoHolders)));
    assert!(said.contains("none of the seeds 0..5 of \"The race\" shows it"), "{said}");
}

#[test]
fn a_broken_claim_prints_the_seed_the_timeline_and_the_command() {
    let said = complaint(|| race().sweep(0..50).must_never(Oversell));
    let seed = race().sweep(0..50).must_find(Oversell).seed();
    assert!(said.contains(&format!("seed {seed} of \"The race\" shows it")), "{said}");
    assert!(said.contains(&format!("replay: FENCEPOST_SEED={seed} cargo ")), "{said}");
    assert!(said.contains("claim::tests::a_broken_claim_prints"), "{said}");
    assert!(said.contains("buyer-2"), "{said}");
}

#[test]
fn a_law_that_is_broken_says_by_what() {
    let sells_out = |outcome: &Outcome| match outcome.verdict.books.remaining {
        0 => Ok(()),
        left => Err(format!("{left} are left")),
    };
    let conditional = || race().but(|s| s.lock = Recipe::ConditionalUpdate);
    conditional().sweep(0..5).must_hold("everything is sold", sells_out);
    let too_short = || conditional().but(|s| s.duration = Duration::from_millis(1));
    let said = complaint(|| too_short().sweep(3..5).must_hold("everything is sold", sells_out));
    assert!(said.starts_with("everything is sold: this must hold, but seed 3 of"), "{said}");
    assert!(said.contains("shows it: 10 are left"), "{said}");
}

/// Nobody buys more than once.
fn once_each() -> Invariant {
    Invariant::new("once-each", || {
        let mut buyers = Vec::new();
        move |moment: &Moment<'_>| {
            let Some(Note::OrderPlaced { .. }) = moment.note() else { return Ok(()) };
            if buyers.contains(&moment.node()) {
                return Err(Breach::new("again"));
            }
            buyers.push(moment.node());
            Ok(())
        }
    })
}

#[test]
fn an_invariant_is_found_and_refuted_by_itself_or_by_its_name_and_shrunk() {
    let watched = |stock| {
        race().but(|s| {
            (s.lock, s.shop.stock) = (Recipe::ConditionalUpdate, stock);
            s.invariants.push(once_each());
        })
    };
    let found = watched(9).sweep(0..20).must_find(&once_each()).shrunk_to(0);
    assert_eq!(found.scenario.expect, Some([ViolationKind::Own("once-each")].into()));
    assert!(found.timeline().contains("VIOLATION once-each: again"), "{}", found.timeline());
    assert!(found.timeline().contains("✖ once-each: once, at "), "{}", found.timeline());
    watched(1).sweep(0..20).must_never("once-each");
    let said = complaint(|| watched(9).sweep(0..20).must_never("once-each"));
    assert!(said.contains("once-each must never be, but seed 0 of"), "{said}");
    assert!(said.contains("The smallest run that does the same"), "{said}");
}

#[test]
fn a_claim_about_an_invariant_that_is_not_there_fails() {
    let said = complaint(|| race().sweep(0..5).must_never("once-each"));
    assert!(said.contains("no invariant of that name (it has: none)"), "{said}");
    let other = || race().but(|s| s.invariants.push(once_each()));
    let said = complaint(|| drop(other().sweep(0..5).must_find("once-eech")));
    assert!(
        said.contains("`once-eech` says nothing") && said.contains("(it has: once-each)"),
        "{said}"
    );
}

#[test]
fn a_claim_under_a_fault_that_never_fired_fails() {
    let late = pause("buyer-1", Duration::from_secs(60));
    let said = complaint(|| {
        race().but(|s| s.faults.push(late)).sweep(0..5).must_never(StaleWrite);
    });
    assert!(said.contains("a declared fault never fired"), "{said}");
    assert!(said.contains("fired in 0 of 5 runs: pause buyer-1 at 60s for 5ms"), "{said}");
}

#[test]
fn a_claim_under_a_fault_that_fired_holds() {
    let early = pause("buyer-1", Duration::from_millis(1));
    race().but(|s| s.faults.push(early)).sweep(0..5).must_never(StaleWrite);
}

#[test]
fn a_scenario_that_cannot_be_run_is_a_failure_and_not_a_finding() {
    let unfit = Scenario::default().but(|s| s.backend = None);
    let said = complaint(|| drop(unfit.sweep(0..5).must_find(Oversell)));
    assert!(said.contains("could not be run"), "{said}");
}

#[test]
fn the_lowest_seed_that_cannot_be_run_is_named() {
    let short = race().but(|s| s.limits.events = 5);
    let said = complaint(|| short.clone().sweep(3..40).must_never(Oversell));
    assert!(said.contains("seed 3 of \"The race\" could not be run"), "{said}");
    assert!(said.contains("limits.events"), "{said}");
    assert!(said.contains("the_lowest_seed_that_cannot_be_run_is_named"), "{said}");
}

#[test]
fn a_claim_about_no_runs_fails() {
    let said = complaint(|| race().sweep(5..5).must_never(Oversell));
    assert!(said.contains("says nothing: the seeds 5..5"), "{said}");
}

#[test]
fn more_buyers_than_a_machine_can_hold_are_refused() {
    for buyers in [0, u16::MAX] {
        let crowd = race().but(|s| s.shop.buyers = buyers);
        let said = complaint(|| crowd.sweep(0..1).must_never(Oversell));
        assert!(said.contains("1 to 1000"), "{said}");
    }
}

#[test]
fn a_claim_about_what_no_run_could_have_shown_fails() {
    // A lease of thirty seconds, and five to see it run out.
    let short = Scenario::default().but(|s| s.duration = Duration::from_secs(5));
    let said = complaint(|| short.clone().sweep(0..3).must_never(StuckLock));
    assert!(said.contains("could not have been seen in any of them"), "{said}");
    let said = complaint(|| drop(short.sweep(0..3).must_find(StuckLock)));
    assert!(said.contains("could not have been seen in any of them"), "{said}");
}
