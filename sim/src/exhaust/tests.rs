use std::time::Duration;

use super::*;
use crate::judge::ViolationKind::{Oversell, TwoHolders};
use crate::scenario::Recipe;

fn one_piece() -> Scenario {
    Scenario::default().but(|s| {
        s.title = "One piece".to_owned();
        s.duration = Duration::from_secs(90);
    })
}

#[test]
fn one_fault_is_enough_on_one_redis_and_the_first_one_is_named() {
    let exhaust = Exhaust::of(one_piece(), 1).unwrap();
    let report = exhaust.run().unwrap();
    assert_eq!(report.counts.seeds, exhaust.placements());
    assert_eq!(report.placements, 1 + report.faults as u64 * report.moments as u64);
    let first = &report.first[&TwoHolders];
    assert_eq!(first.faults.len(), 1);
    let replayed = Scenario::from_toml("first.toml", &first.toml).unwrap();
    assert!(replayed.run(replayed.seed).unwrap().verdict.first(TwoHolders).is_some());
    assert!(report.counts.failures.is_empty());
    for before in 0..first.number {
        assert!(exhaust.scenario(before).run(0).unwrap().verdict.first(TwoHolders).is_none());
    }
}

#[test]
fn it_is_the_same_whatever_the_threads() {
    let race = one_piece().but(|s| (s.lock, s.backend) = (Recipe::None, None));
    let exhaust = Exhaust::of(race, 1).unwrap();
    let with = |jobs| exhaust.clone().jobs(NonZeroUsize::new(jobs).unwrap()).run().unwrap();
    assert_eq!(with(1), with(3));
}

#[test]
fn its_parts_are_all_of_it() {
    let exhaust = Exhaust::of(one_piece(), 1).unwrap();
    let whole = exhaust.run().unwrap();
    let part = |number| exhaust.clone().shard(Shard::new(number, 3).unwrap()).run().unwrap();
    let parts: Vec<ExhaustReport> = (1..=3).map(part).collect();
    let sum = |number: fn(&HuntReport) -> u64| -> u64 {
        parts.iter().map(|part| number(&part.counts)).sum()
    };
    assert_eq!(sum(|counts| counts.seeds), whole.placements);
    assert_eq!(sum(|counts| counts.violating_seeds), whole.counts.violating_seeds);
    let first = parts.iter().find_map(|part| part.first.get(&TwoHolders));
    assert_eq!(first, whole.first.get(&TwoHolders));
    assert!(text(&parts[0]).contains(&format!("of {} placements", whole.placements)));
}

#[test]
fn what_was_broken_off_is_gone_on_with_and_comes_to_the_same() {
    let race = one_piece().but(|s| (s.lock, s.backend) = (Recipe::None, None));
    let exhaust = Exhaust::of(race, 1).unwrap().build("this").jobs(NonZeroUsize::MIN);
    let whole = exhaust.run().unwrap();
    let part = exhaust.watch(|_| ControlFlow::Break(())).unwrap().counts;
    assert!(part.interrupted && part.seeds < whole.counts.seeds, "{} run", part.seeds);
    assert_eq!(exhaust.clone().go_on_from(part.clone()).unwrap().run().unwrap(), whole);
    assert!(exhaust.clone().build("another").go_on_from(part).is_err());
}

#[test]
fn the_race_needs_no_fault_and_the_conditional_update_stands_two() {
    let sale = |lock| {
        one_piece().but(|s| {
            (s.lock, s.backend) = (lock, None);
            (s.shop.stock, s.shop.buyers) = (1, 1);
            s.duration = Duration::from_secs(2);
        })
    };
    let report = Exhaust::of(sale(Recipe::ConditionalUpdate), 2).unwrap().run().unwrap();
    assert!(report.placements > 1_000);
    assert!(report.first.is_empty(), "{}", text(&report));
    let two = sale(Recipe::None).but(|s| (s.shop.stock, s.shop.buyers) = (20, 3));
    let report = Exhaust::of(two, 0).unwrap().run().unwrap();
    assert_eq!((report.placements, report.first[&Oversell].number), (1, 0));
}

#[test]
fn what_breaks_it_off_is_said() {
    let exhaust = Exhaust::of(one_piece(), 2).unwrap();
    let report = exhaust.watch(|_| ControlFlow::Break(())).unwrap();
    assert!(report.counts.interrupted && report.counts.seeds < report.placements);
    assert!(text(&report).contains("interrupted"));
}

#[test]
fn a_page() {
    let report = Exhaust::of(one_piece(), 1).unwrap().run().unwrap();
    insta::assert_snapshot!(text(&report));
}
