//! Hunts in parts, and the reports that are refused.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use super::*;
use crate::hunt::tests::{anything, race, sometimes_panicking};
use crate::hunt::{Hunt, Shard, TextOptions, json, text};
use crate::judge::ViolationKind::TwoHolders;
use crate::scenario::{Failure, Outcome, Scenario};

fn shard(number: u32, of: u32) -> Shard {
    Shard::new(number, of).unwrap()
}

/// Every shard of a split, each on another number of threads, and written down and read again on the way.
fn parts(
    hunt: &Hunt,
    of: u32,
    run: &(impl Fn(u64) -> Result<Outcome, Failure> + Sync),
) -> Vec<(String, HuntReport)> {
    let part = |number: u32| {
        let threads = NonZeroUsize::new(1 + number as usize % 3).unwrap();
        let hunt = hunt.clone().shard(shard(number, of)).jobs(threads);
        let report = hunt.carry_out(run, |_| ControlFlow::Continue(())).unwrap();
        let name = format!("{number} of {of}");
        (name.clone(), HuntReport::from_json(&name, &written(&report)).unwrap())
    };
    (1..=of).map(part).collect()
}

fn written(report: &HuntReport) -> String {
    let mut object = Vec::new();
    json(report, None, &mut object).unwrap();
    String::from_utf8(object).unwrap()
}

/// That any split gives the report of the whole hunt, in every order, to the byte.
#[track_caller]
fn check_splits(hunt: &Hunt, run: &(impl Fn(u64) -> Result<Outcome, Failure> + Sync)) {
    let whole = hunt.carry_out(run, |_| ControlFlow::Continue(())).unwrap();
    for of in [1, 2, 3, 7, 150] {
        let mut parts = parts(hunt, of, run);
        for _ in 0..3 {
            let merged = merge(parts.clone()).unwrap();
            assert_eq!(merged, whole, "{of} shards");
            assert_eq!(written(&merged), written(&whole));
            let page = |report| text(report, &TextOptions::default());
            assert_eq!(page(&merged), page(&whole));
            parts.rotate_left(1);
            parts.swap(0, of as usize / 2);
        }
    }
}

#[test]
fn any_split_gives_the_report_of_the_whole_hunt() {
    let scenario = anything();
    let hunt = Hunt::new(scenario.clone(), 5..105).build("this one".to_owned());
    let run = sometimes_panicking(&scenario);
    let whole = hunt.carry_out(&run, |_| ControlFlow::Continue(())).unwrap();
    assert!(whole.violations_by_kind.len() > 1 && whole.failed_seeds > 14, "{whole:?}");
    check_splits(&hunt, &run);
}

#[test]
fn so_does_a_hunt_that_stops_at_the_first_finding() {
    let scenario = anything();
    for (first, last) in [(0, 100), (40, 41)] {
        let hunt = Hunt::new(scenario.clone(), first..last).stop_at_first();
        check_splits(&hunt, &|seed| scenario.run(seed));
    }
}

#[test]
fn of_very_many_failures_the_lowest_are_kept_in_any_split() {
    let fail = |seed| Err(Failure::Panicked { seed, message: "no lock".to_owned() });
    let hunt = Hunt::new(race(), 0..400);
    check_splits(&hunt, &fail);
    let whole = hunt.carry_out(fail, |_| ControlFlow::Continue(())).unwrap();
    assert_eq!((whole.failed_seeds, whole.failures.len()), (400, MAX_FAILURES));
}

#[test]
fn times_add_up_to_the_nanosecond() {
    let odd = race().but(|s| s.duration = Duration::from_nanos(30_000_333));
    let hunt = Hunt::new(odd.clone(), 0..10);
    check_splits(&hunt, &|seed| odd.run(seed));
    assert_eq!(hunt.run().unwrap().simulated, Duration::from_nanos(300_003_330));
}

#[test]
fn parts_of_different_splits_fit_too() {
    let hunt = Hunt::new(race(), 0..40);
    let part = |number, of| {
        let report = hunt.clone().shard(shard(number, of)).run().unwrap();
        (format!("{number}/{of}"), report)
    };
    assert_eq!(merge(vec![part(4, 4), part(1, 2), part(3, 4)]), Ok(hunt.run().unwrap()));
    let error = merge(vec![part(1, 2), part(4, 4)]).unwrap_err();
    assert_eq!(error.to_string(), "no report has the seeds 20..30");
}

#[test]
fn what_was_shrunk_is_that_of_the_first_seeds() {
    let scenario = anything().but(|s| s.limits = Default::default());
    let hunt = Hunt::new(scenario.clone(), 0..90);
    let mut whole = hunt.run().unwrap();
    assert!(whole.first.len() > 1, "{whole:?}");
    whole.shrink(&scenario).unwrap();
    let mut parts = parts(&hunt, 3, &|seed| scenario.run(seed));
    parts.iter_mut().for_each(|(_, report)| report.shrink(&scenario).unwrap());
    assert_eq!(merge(parts.clone()).as_ref(), Ok(&whole));

    let (_, with_first) = parts.iter_mut().find(|(_, report)| !report.first.is_empty()).unwrap();
    let kind = with_first.shrunk.pop_first().unwrap().0;
    let message = merge(parts).unwrap_err().to_string();
    assert!(message.contains(&format!("has not shrunk its run of {kind}")), "{message}");
}

#[test]
fn what_is_not_of_one_hunt_is_refused() {
    let one = || Hunt::new(race(), 0..10).shard(shard(1, 2)).build("one".to_owned());
    let two = |scenario: Scenario, seeds| Hunt::new(scenario, seeds).shard(shard(2, 2));
    let other_stock = race().but(|s| s.shop.stock = 4);
    let others = [
        (two(other_stock, 0..10).build("one".to_owned()), "scenario: `untitled` (digest "),
        (two(race(), 0..12).build("one".to_owned()), "seeds: 0..10, not 0..12"),
        (two(race(), 0..10).build("two".to_owned()), "build: one, not two"),
        (two(race(), 0..10), "build: one, not unnamed"),
        (
            two(race(), 0..10).build("one".to_owned()).stop_at_first(),
            "end: at the last seed, not at the first finding",
        ),
    ];
    for (other, difference) in others {
        let reports = [("a", one().run().unwrap()), ("b", other.run().unwrap())];
        let error = merge(reports.map(|(name, report)| (name.to_owned(), report)).into());
        let message = error.unwrap_err().to_string();
        let start = format!("a and b are of different hunts: {difference}");
        assert!(message.starts_with(&start), "{message}");
    }
}

#[test]
fn shards_that_are_there_twice_or_missing_or_unfinished_are_refused() {
    let hunt = Hunt::new(race(), 0..40);
    let mut parts = parts(&hunt, 4, &|seed| race().run(seed));
    let refused = |parts: &[(String, HuntReport)]| merge(parts.to_vec()).unwrap_err().to_string();
    assert_eq!(merge(Vec::new()), Err(MergeError::Nothing));

    let twice = [&parts[..], &[("again".to_owned(), parts[1].1.clone())]].concat();
    assert_eq!(refused(&twice), "2 of 4 and again have both run the seeds 10..20");
    let whole = ("whole".to_owned(), hunt.run().unwrap());
    let with_whole = [&parts[1..2], &[whole]].concat();
    assert_eq!(refused(&with_whole), "whole and 2 of 4 have both run the seeds 10..20");

    assert_eq!(refused(&parts[1..]), "no report has the seeds 0..10: shard 1/4 is missing");
    let middle = refused(&[parts[0].clone(), parts[2].clone()]);
    assert_eq!(middle, "no report has the seeds 10..20, 30..40: the shards 2/4, 4/4 are missing");

    let broken_off = &mut parts[2].1;
    (broken_off.range.end, broken_off.seeds, broken_off.interrupted) = (27, 7, true);
    assert_eq!(refused(&parts), "3 of 4 has 7 of 10 seeds: its hunt was broken off");
}

#[test]
fn a_kind_that_a_later_shard_finds_first_is_not_taken_for_the_first() {
    let hunt = Hunt::new(race(), 0..20);
    let mut parts = parts(&hunt, 2, &|seed| race().run(seed));
    for ((_, report), seed) in parts.iter_mut().zip([7, 13]) {
        report.first.insert(TwoHolders, seed);
    }
    parts.reverse();
    assert_eq!(merge(parts).unwrap().first[&TwoHolders], 7);
}
