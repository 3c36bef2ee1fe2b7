//! What an invariant is told, and what becomes of what it says.

use std::time::Duration;

use super::*;
use crate::counterfactual::Counterfactual;
use crate::hunt::Hunt;
use crate::judge::testing::{A, B, REDIS, STORE, Story};
use crate::judge::{JudgeSettings, LockHome, judge};
use crate::report::RunReport;
use crate::report::html::Besides;
use crate::scenario::{Failure, Scenario};

fn found(story: &Story, invariants: &[Invariant]) -> Vec<Violation> {
    check(&story.history, invariants)
}

fn remark(text: &str) -> Note {
    Note::Remark { text: text.to_owned() }
}

/// Whoever counts counts one more than the last.
fn one_more() -> Invariant {
    Invariant::new("one-more", || {
        let mut last = 0;
        move |moment: &Moment<'_>| {
            let Some(value) = moment.remark().and_then(|text| text.parse::<u32>().ok()) else {
                return Ok(());
            };
            if value != last + 1 {
                return Err(Breach::new(format!("{value} after {last}, {}", moment.name())));
            }
            last = value;
            Ok(())
        }
    })
}

#[derive(Default)]
struct Speaks(bool);

impl Watch for Speaks {
    fn see(&mut self, moment: &Moment<'_>) -> Result<(), Breach> {
        self.0 |= moment.remark().is_some();
        Ok(())
    }

    fn end(&mut self, history: &History) -> Result<(), Breach> {
        match self.0 {
            true => Ok(()),
            false => Err(Breach::new(format!("{} nodes were silent", history.nodes.len())).of([B])),
        }
    }
}

#[test]
fn what_keeps_it_is_accepted() {
    let mut story = Story::new();
    story.at(1).note(A, remark("1")).note(A, remark("two")).at(2).note(B, remark("2"));
    assert_eq!(found(&story, &[one_more(), Invariant::new("speaks", Speaks::default)]), []);
}

#[test]
fn what_breaks_it_is_a_violation_of_its_name_where_and_when_it_happened() {
    let mut story = Story::new();
    story.at_ms(1).note(A, remark("1")).at_ms(2).acquire(A, None).note(REDIS, remark("3"));
    let [violation] = &found(&story, &[one_more()])[..] else { panic!("one") };
    assert_eq!(violation.kind, ViolationKind::Own("one-more"));
    assert_eq!((violation.at.as_millis(), violation.record), (2, RecordId(2)));
    assert_eq!(
        (&violation.nodes[..], violation.detail.as_str()),
        (&[REDIS][..], "3 after 1, redis")
    );
}

#[test]
fn it_is_broken_once_and_each_run_begins_anew() {
    let mut story = Story::new();
    story.at(1).note(A, remark("5")).note(A, remark("7")).note(A, remark("9"));
    let invariant = one_more();
    assert_eq!(found(&story, std::slice::from_ref(&invariant)).len(), 1);
    assert_eq!(
        found(&story, &[invariant]).len(),
        1,
        "what it has seen of one run is not the next's"
    );
}

#[test]
fn what_has_not_happened_by_the_end_breaks_it_at_the_last_record() {
    let mut story = Story::new();
    story.at_ms(1).acquire(A, None).at_ms(3).release(A).end_ms(10);
    let [violation] = &found(&story, &[Invariant::new("speaks", Speaks::default)])[..] else {
        panic!("one")
    };
    assert_eq!((violation.at.as_millis(), violation.record), (10, RecordId(1)));
    assert_eq!(
        (&violation.nodes[..], violation.detail.as_str()),
        (&[B][..], "5 nodes were silent")
    );
}

#[test]
fn who_has_been_broken_is_not_asked_at_the_end() {
    struct Both;
    impl Watch for Both {
        fn see(&mut self, _: &Moment<'_>) -> Result<(), Breach> {
            Err("first".into())
        }
        fn end(&mut self, _: &History) -> Result<(), Breach> {
            Err("last".into())
        }
    }
    let mut story = Story::new();
    story.at(1).acquire(A, None);
    let said = found(&story, &[Invariant::new("both", || Both)]);
    assert_eq!(said.iter().map(|one| one.detail.as_str()).collect::<Vec<_>>(), ["first"]);
}

#[test]
fn it_is_told_every_record_with_its_note_its_message_and_who_asked() {
    let told = Invariant::new("told", || {
        let mut place = 0;
        move |moment: &Moment<'_>| {
            let is_right = match place {
                0 => moment.message().is_some_and(|sent| (sent.from, sent.to) == (A, REDIS)),
                1 => moment.message().is_some() && moment.node() == REDIS,
                2 => moment.brought_by().is_some_and(|sent| sent.from == A),
                3 => moment.event() == Event::Crashed && moment.note().is_none(),
                _ => false,
            };
            assert_eq!(moment.id(), RecordId(place));
            assert_eq!(moment.history().records().len(), 5);
            place += 1;
            if is_right { Ok(()) } else { Err(format!("{:?}", moment.event()).into()) }
        }
    });
    let mut story = Story::new();
    let ask = story.at(1).send_command(A, REDIS, "SET");
    story.deliver(ask).key_set(REDIS, "lock", "a").event(A, Event::Crashed);
    story.event(STORE, Event::TimerFired);
    let said = found(&story, &[told]);
    assert_eq!(said.iter().map(|one| one.detail.as_str()).collect::<Vec<_>>(), ["TimerFired"]);
}

#[test]
fn it_stands_in_the_verdict_in_its_place_in_time() {
    let mut story = Story::new();
    story.at(1).acquire(A, None).note(A, remark("9")).at(2).acquire(B, None);
    let locks = LockHome::Servers(vec![REDIS]);
    let mut settings = JudgeSettings::new(Duration::from_secs(30), locks);
    settings.invariants.push(one_more());
    let verdict = judge(&story.history, &settings);
    let kinds: Vec<_> = verdict.violations.iter().map(|violation| violation.kind).collect();
    assert_eq!(kinds, [ViolationKind::Own("one-more"), ViolationKind::TwoHolders]);
    assert_eq!(verdict.first(one_more().kind()).map(|first| first.nodes.len()), Some(1));
}

#[test]
fn names_that_reports_could_not_tell_apart_are_refused() {
    let refused = |names: &[&'static str]| {
        let keeps = |_: &Moment<'_>| Ok(());
        let scenario = Scenario::default().but(|s| {
            s.invariants = names.iter().map(|name| Invariant::new(name, move || keeps)).collect();
            s.duration = Duration::from_millis(1);
        });
        scenario.run(0).err()
    };
    assert_eq!(refused(&["a", "nothing-is-lost", "at-most-3"]), None);
    for name in ["", "-", "a-", "Loss", "no loss", "verlust-über", "a--b"] {
        let Some(Failure::Invariant { reason, .. }) = refused(&[name]) else { panic!("{name}") };
        assert!(reason.contains("nothing-is-lost"), "{reason}");
    }
    let said = refused(&["oversell"]).map(|failure| failure.to_string());
    let expected = "the invariant `oversell` cannot be called that: the judge has a verdict of that name itself";
    assert_eq!(said.as_deref(), Some(expected));
    let said = refused(&["a", "b", "a"]).map(|failure| failure.to_string());
    assert!(said.as_deref().is_some_and(|said| said.contains("two of that name")), "{said:?}");
}

#[test]
fn who_panics_in_one_has_found_something_under_its_seed() {
    let scenario = Scenario::default().but(|s| {
        let panics = |_: &Moment<'_>| panic!("seven is no number");
        s.invariants = vec![Invariant::new("counts", move || panics)];
    });
    let failure = crate::hunt::quiet::quietly(|| scenario.run(7)).0.unwrap_err();
    assert_eq!(failure.to_string(), "panic under seed 7: seven is no number");
}

#[test]
fn two_are_the_same_where_code_and_name_are() {
    let one = one_more();
    assert_eq!(one, one.clone());
    assert_ne!(one, one_more());
    assert_eq!(format!("{one:?}"), "Invariant(\"one-more\")");
}

/// Nothing is sold.
fn nothing_goes() -> Invariant {
    Invariant::new("nothing-goes", || {
        |moment: &Moment<'_>| match moment.note() {
            Some(Note::WriteTaken { from, order, .. }) => {
                Err(Breach::new(format!("order {order} is taken")).of([moment.node(), *from]))
            }
            _ => Ok(()),
        }
    })
}

#[test]
fn a_breach_is_hunted_compared_written_and_drawn_by_its_name() {
    let watched = Scenario::default().but(|s| s.invariants.push(nothing_goes()));
    let kind = nothing_goes().kind();
    let hunted = Hunt::new(watched.clone(), 0..5).stories(2).run().unwrap();
    assert_eq!((hunted.violations_by_kind[&kind], hunted.first[&kind]), (5, 0));

    let harmless = watched.clone().but(|s| s.shop.stock = 0);
    let compared = Counterfactual::new(watched.clone(), harmless, 1).carry_out().unwrap();
    assert!(compared.gone().contains(&kind));

    let outcome = watched.run(1).unwrap();
    let json = serde_json::to_value(RunReport::new(&watched, &outcome)).unwrap();
    let [violation] = &json["violations"].as_array().unwrap()[..] else { panic!("{json}") };
    assert_eq!(violation["kind"], "nothing-goes");
    assert_eq!(violation["nodes"][0], "store");
    assert_eq!(violation["detail"].as_str(), Some(outcome.verdict.violations[0].detail.as_str()));

    let page = Besides::of(&watched, &outcome).page(&watched, &outcome, None);
    assert!(
        page.contains("`nothing-goes` broken") && page.contains("VIOLATION nothing-goes: order")
    );
}
