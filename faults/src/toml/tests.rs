use std::time::Duration;

use fencepost_models::note::NOTE_KINDS;
use proptest::prelude::*;

use super::quantity::{QuantityError, parse_duration, parse_size};
use super::*;
use crate::plan::{Action, Fault, Groups, Start, Trigger};

#[test]
fn durations_are_exact() {
    let read = |text| parse_duration(text).map(|duration| duration.as_nanos());
    assert_eq!(read("10s"), Ok(10_000_000_000));
    assert_eq!(read("1.5s"), Ok(1_500_000_000));
    assert_eq!(read("1.500000000000000000000000000000s"), Ok(1_500_000_000));
    assert_eq!(read("0.000000007s"), Ok(7));
    assert_eq!(read("2m"), Ok(120_000_000_000));
    assert_eq!(read("0.1h"), Ok(360_000_000_000));
    assert_eq!(read("876000h"), Ok(MAX_DURATION.as_nanos()));
}

#[test]
fn what_is_not_a_duration_is_told_apart() {
    for (text, error) in [
        ("", QuantityError::Form),
        ("s", QuantityError::Form),
        ("1.s", QuantityError::Form),
        (".5s", QuantityError::Form),
        ("1.2.3s", QuantityError::Form),
        ("1 s", QuantityError::Form),
        ("1 fortnight", QuantityError::Form),
        ("1S", QuantityError::Form),
        ("١s", QuantityError::Form),
        ("10", QuantityError::NoUnit),
        ("-5s", QuantityError::Negative),
        ("0.5ns", QuantityError::TooFine),
        ("0.3333333333s", QuantityError::TooFine),
        ("876000.000001h", QuantityError::TooLarge),
        ("99999999999999999999h", QuantityError::TooLarge),
        ("18446744073709551615s", QuantityError::TooLarge),
    ] {
        assert_eq!(parse_duration(text), Err(error), "{text:?}");
    }
    let long = format!("0.{}s", "9".repeat(100_000));
    assert_eq!(parse_duration(&long), Err(QuantityError::TooFine));
}

#[test]
fn sizes_are_binary() {
    assert_eq!(parse_size("1.5KiB"), Ok(1536));
    assert_eq!(parse_size("2GB"), Err(QuantityError::Form));
    assert_eq!(parse_size(&show_size(u64::MAX)), Ok(u64::MAX));
}

#[test]
fn every_problem_of_a_plan_is_found() {
    let text = r#"
        [[faults]]
        kind = "pause"
        at = "-1s"
        for = "0s"
        node = 7
        colour = "red"

        [[faults]]
        kind = "partition"
        between = ["a", "b"]
        and = ["b"]
    "#;
    let problems = plan_from_toml(text).unwrap_err();
    let found: Vec<String> = problems.iter().map(ToString::to_string).collect();
    insta::assert_debug_snapshot!(found);
}

fn some_duration() -> impl Strategy<Value = Duration> {
    let nanos = prop_oneof![
        1..1_000_u64,
        (1..1_000_u64).prop_map(|micros| micros * 1_000),
        (1..100_000_u64).prop_map(|millis| millis * 1_000_000),
        (1..100_000_u64).prop_map(|seconds| seconds * 1_000_000_000),
        1..=MAX_DURATION.as_nanos() as u64,
    ];
    nanos.prop_map(Duration::from_nanos)
}

/// Any text at all: names come from users' own worlds, too.
fn some_name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,8}-[1-9]", any::<String>()]
}

fn some_groups() -> impl Strategy<Value = Groups> {
    let names = proptest::collection::btree_set(some_name(), 1..6);
    (names, any::<prop::sample::Index>()).prop_map(|(names, cut)| {
        let mut one: Vec<String> = names.into_iter().collect();
        let other = one.split_off(cut.index(one.len()) + 1);
        Groups { one, other }
    })
}

fn some_start() -> impl Strategy<Value = Start> {
    let event = prop::sample::select(NOTE_KINDS.to_vec());
    let after = prop_oneof![Just(Duration::ZERO), some_duration()];
    let trigger = (prop::option::of(some_name()), event, 1..=u32::MAX, after);
    let trigger = trigger.prop_map(|(node, event, nth, after)| {
        Start::When(Trigger { node, event: event.to_owned(), nth, after })
    });
    prop_oneof![Just(Start::At(Duration::ZERO)), some_duration().prop_map(Start::At), trigger]
}

fn some_action() -> impl Strategy<Value = Action> {
    let signed = (some_duration(), any::<bool>()).prop_map(|(size, back)| {
        let nanos = size.as_nanos() as i64;
        if back { -nanos } else { nanos }
    });
    let ppm = (-999_999..=1_000_000_i32).prop_filter("nothing", |ppm| *ppm != 0);
    let pair = (some_name(), some_name()).prop_filter("one node", |(from, to)| from != to);
    let message = prop::option::of(some_name().prop_filter("no name", |name| !name.is_empty()));
    prop_oneof![
        some_name().prop_map(|node| Action::Pause { node }),
        some_name().prop_map(|node| Action::Crash { node }),
        some_name().prop_map(|node| Action::PowerLoss { node }),
        some_groups().prop_map(Action::Partition),
        some_groups().prop_map(Action::OneWayPartition),
        some_groups().prop_map(Action::DropConnection),
        (some_groups(), some_duration()).prop_map(|(groups, by)| Action::Delay { groups, by }),
        (pair, message).prop_map(|((from, to), message)| Action::HoldMessage { from, to, message }),
        (some_name(), signed).prop_map(|(node, by_nanos)| Action::ClockJump { node, by_nanos }),
        (some_name(), ppm).prop_map(|(node, ppm)| Action::ClockDrift { node, ppm }),
        (some_name(), some_duration()).prop_map(|(node, by)| Action::SlowDisk { node, by }),
        some_name().prop_map(|node| Action::Failover { node }),
    ]
}

fn some_fault() -> impl Strategy<Value = Fault> {
    (some_start(), prop::option::of(some_duration()), some_action()).prop_map(
        |(start, length, action)| {
            let is_instant = matches!(action, Action::DropConnection(_) | Action::Failover { .. });
            Fault { start, length: length.filter(|_| !is_instant), action }
        },
    )
}

proptest! {
    #[test]
    fn a_plan_survives_toml(plan in proptest::collection::vec(some_fault(), 0..6)) {
        let text = plan_to_toml(&plan);
        prop_assert_eq!(plan_from_toml(&text), Ok(plan), "{}", text);
    }

    #[test]
    fn a_size_survives_toml(size in any::<u64>(), shift in 0..64_u32) {
        let size = size >> shift << (shift / 2);
        prop_assert_eq!(parse_size(&show_size(size)), Ok(size));
    }
}
