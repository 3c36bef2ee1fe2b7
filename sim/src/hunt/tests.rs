//! Hunts on one thread and on several, to the end and not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use fencepost_faults::{Action, Fault, FaultKind, RandomFaults, Start};
use fencepost_models::locks::redis::RedisLockSettings;

use super::*;
use crate::judge::ViolationKind::{Oversell, TwoHolders};
use crate::scenario::Recipe;
use crate::world::Limits;

/// One Redis, three buyers, whatever may go wrong.
pub(super) fn anything() -> Scenario {
    Scenario::default().but(|s| {
        s.shop.buyers = 3;
        s.random_faults = Some(RandomFaults { kinds: s.stage().kinds(), max: 6 });
        s.limits = Limits { events: 900, ..Limits::default() };
    })
}

pub(super) fn race() -> Scenario {
    Scenario::default().but(|s| (s.lock, s.backend, s.shop.stock) = (Recipe::None, None, 3))
}

pub(super) fn jobs(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

fn pause(node: &str, start: Duration, length: Duration) -> Fault {
    let action = Action::Pause { node: node.to_owned() };
    Fault { start: Start::At(start), length: Some(length), action }
}

/// Runs the scenario, but panics in between under some seeds, as a user's lock would.
pub(super) fn sometimes_panicking(scenario: &Scenario) -> impl Fn(u64) -> Result<Outcome, Failure> {
    |seed| {
        let attempt = || {
            assert!(seed % 7 != 3, "no lock for {seed}");
            scenario.run(seed)
        };
        catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|panic| {
            let message = panic.downcast::<String>().map_or_else(|_| "?".to_owned(), |said| *said);
            Err(Failure::Panicked { seed, message })
        })
    }
}

/// What a hunt is, seed by seed, without any of its machinery but the counting.
fn one_after_the_other(
    scenario: &Scenario,
    seeds: Range<u64>,
    run: impl Fn(u64) -> Result<Outcome, Failure>,
) -> HuntReport {
    let mut report = HuntReport::new(scenario, seeds.clone());
    for seed in seeds {
        report.count(Seen::new(seed, run(seed), None).unwrap());
    }
    report
}

#[test]
fn the_report_is_the_same_on_any_number_of_threads() {
    let scenario = anything();
    let serial = one_after_the_other(&scenario, 5..205, |seed| scenario.run(seed));
    assert!(serial.violations_by_kind.contains_key(&TwoHolders), "{serial:?}");
    assert!(serial.violating_seeds < 200 && serial.failed_seeds > 0, "{serial:?}");
    assert!(serial.failures.iter().all(|failed| failed.kind == FailureKind::Limit));
    assert_eq!(serial.faults.len(), scenario.stage().kinds().len());
    // Nothing here is on a disk, so that no slow one is ever met.
    for (kind, runs) in &serial.faults {
        let fires = *kind != FaultKind::SlowDisk;
        assert!(fires == (runs.fired > 0) && runs.fired <= runs.planned, "{kind}: {runs:?}");
    }
    for threads in [1, 2, 4] {
        let report = Hunt::new(scenario.clone(), 5..205).jobs(jobs(threads)).run().unwrap();
        assert_eq!(report, serial, "{threads} threads");
    }
}

#[test]
fn a_hunt_that_stops_at_the_first_reports_the_seeds_up_to_it() {
    let scenario = anything().but(|s| s.limits = Limits::default());
    let all = Hunt::new(scenario.clone(), 0..200).run().unwrap();
    let first = *all.first.values().min().unwrap();
    let serial = one_after_the_other(&scenario, 0..first + 1, |seed| scenario.run(seed));
    for threads in [1, 2, 4] {
        let hunt = Hunt::new(scenario.clone(), 0..200).stop_at_first().jobs(jobs(threads));
        let report = hunt.run().unwrap();
        let asked = HuntReport { asked: 0..200, stop_at_first: true, ..serial.clone() };
        assert_eq!(report, asked, "{threads} threads");
    }
}

#[test]
fn a_panic_is_a_finding_with_its_seed_and_its_place() {
    let scenario = race();
    for threads in [1, 3] {
        let hunt = Hunt::new(scenario.clone(), 0..50).jobs(jobs(threads));
        let on = |_: &HuntReport| ControlFlow::Continue(());
        let report = hunt.carry_out(sometimes_panicking(&scenario), on).unwrap();
        assert_eq!((report.seeds, report.failed_seeds), (50, 7));
        let seeds: Vec<u64> = report.failures.iter().map(|failure| failure.seed).collect();
        assert_eq!(seeds, [3, 10, 17, 24, 31, 38, 45]);
        for FailedSeed { seed, kind, message, at } in &report.failures {
            assert_eq!(*kind, FailureKind::Panic);
            assert_eq!(*message, format!("no lock for {seed}"));
            assert!(at.as_ref().unwrap().contains("hunt/tests.rs:"), "{at:?}");
        }
        assert!(report.violations_by_kind[&Oversell] > 0, "the others were judged");
        assert!(!report.is_as_expected());

        let report = hunt.stop_at_first().carry_out(sometimes_panicking(&scenario), on).unwrap();
        assert!(report.range.end <= 4 && report.has_findings(), "{report:?}");
    }
}

/// A model's own panic: the sum of the two durations is more than there can be.
#[test]
fn a_panic_in_a_model_is_a_finding() {
    let settings = RedisLockSettings { poll: Duration::MAX, ..RedisLockSettings::default() };
    let scenario = Scenario::default().but(|s| {
        s.lock = Recipe::SetNx(settings);
        s.shop.stock = 5;
    });
    let report = Hunt::new(scenario, 0..20).run().unwrap();
    assert_eq!(report.seeds, 20);
    let first = report.failures.first().unwrap();
    assert!(first.message.contains("overflow") && first.at.is_some(), "{first:?}");
}

#[test]
#[ignore = "the next test runs it and reads what it says"]
fn panics_within_a_hunt_and_without() {
    let scenario = race();
    let on = |_: &HuntReport| ControlFlow::Continue(());
    let hunt = Hunt::new(scenario.clone(), 0..50);
    let report = hunt.carry_out(sometimes_panicking(&scenario), on).unwrap();
    assert_eq!(report.failed_seeds, 7);
    assert!(catch_unwind(|| panic!("outside of it")).is_err());
}

#[test]
fn only_the_panics_of_a_hunt_are_kept_off_the_terminal() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "hunt::tests::panics_within_a_hunt_and_without"])
        .args(["--include-ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("outside of it") && !said.contains("no lock for"), "{said}");
}

#[test]
fn whoever_watches_sees_it_grow_and_can_break_it_off() {
    let scenario = race();
    let mut seen = Vec::new();
    let report = Hunt::new(scenario.clone(), 0..u64::MAX)
        .jobs(jobs(2))
        .watch(|so_far| {
            seen.push(so_far.seeds);
            if seen.len() < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .unwrap();
    assert!(seen.is_sorted() && seen.len() >= 3, "{seen:?}");
    assert!(report.interrupted && report.seeds >= seen[2], "{seen:?}: {report:?}");
    assert_eq!(report.range, 0..report.seeds);
    let serial = one_after_the_other(&scenario, report.range.clone(), |seed| scenario.run(seed));
    assert_eq!(report, HuntReport { asked: 0..u64::MAX, interrupted: true, ..serial });
}

#[test]
fn a_hunt_that_was_broken_off_goes_on_from_its_report_as_if_nothing_had_been() {
    let scenario = anything();
    let hunt = Hunt::new(scenario.clone(), 5..205);
    let whole = hunt.carry_out(sometimes_panicking(&scenario), |_| ControlFlow::Continue(()));
    let whole = whole.unwrap();
    assert!(whole.failures.iter().any(|failed| failed.kind == FailureKind::Panic), "{whole:?}");
    for so_far in [5..5, 5..6, 5..100, 5..205] {
        let part = one_after_the_other(&scenario, so_far.clone(), sometimes_panicking(&scenario));
        let part = HuntReport { asked: 5..205, interrupted: so_far.end < 205, ..part };
        let resumed = hunt.clone().jobs(jobs(2)).go_on_from(part).unwrap();
        assert!(so_far.end < 205 || resumed.threads() == 1, "there is nothing left to do");
        let run = sometimes_panicking(&scenario);
        let report = resumed.carry_out(run, |_| ControlFlow::Continue(())).unwrap();
        // Where a panic was is known inside a hunt alone.
        assert_eq!(without_places(report), without_places(whole.clone()), "after {so_far:?}");
    }
}

fn without_places(mut report: HuntReport) -> HuntReport {
    report.failures.iter_mut().for_each(|failure| failure.at = None);
    report
}

#[test]
fn a_hunt_goes_on_from_no_other_hunts_report() {
    let hunt = |scenario, seeds| Hunt::new(scenario, seeds);
    let shard = |number, of| Shard::new(number, of).unwrap();
    let others = [
        (hunt(race(), 0..11), "seeds: 0..10, not 0..11"),
        (hunt(race().but(|s| s.shop.stock = 4), 0..10), "scenario: `untitled` (digest "),
        (hunt(race(), 0..10).shard(shard(1, 1)), "shard: none, not 1/1"),
        (hunt(race(), 0..10).stop_at_first(), "end: at the last seed, not at the first finding"),
        (hunt(race(), 0..10).build("two".to_owned()), "build: one, not two"),
    ];
    let one = || hunt(race(), 0..10).build("one".to_owned());
    for (other, difference) in others {
        let other = if other.build.is_none() { other.build("one".to_owned()) } else { other };
        let error = one().go_on_from(other.blank()).unwrap_err();
        assert_eq!(error.differences.len(), 1, "{error}");
        assert!(error.to_string().contains(difference), "{error}: {difference}");
        assert!(error.to_string().starts_with("it is of another hunt, which differs in "));
    }
    assert!(one().jobs(jobs(3)).go_on_from(one().blank()).is_ok());
}

#[test]
fn a_found_seed_replays_with_the_faults_that_were_drawn_for_it() {
    let scenario = anything().but(|s| s.limits = Limits::default());
    let report = Hunt::new(scenario.clone(), 0..200).run().unwrap();
    for (kind, seed) in report.first {
        let outcome = scenario.run(seed).unwrap();
        assert!(outcome.verdict.first(kind).is_some(), "{kind} under seed {seed}");
        assert_eq!(outcome.plan, scenario.plan(seed));
    }
}

#[test]
fn a_scenario_that_cannot_be_run_is_an_error_and_no_finding() {
    let unfit = Scenario::default().but(|s| s.backend = None);
    let error = Hunt::new(unfit, 0..100).run().unwrap_err();
    assert!(matches!(error, HuntError::Scenario(Failure::Unfit { .. })), "{error:?}");
    let nobody = pause("buyer-9", Duration::ZERO, Duration::from_secs(1));
    let unknown = Scenario::default().but(|s| s.faults.push(nobody));
    let error = Hunt::new(unknown, 0..100).run().unwrap_err();
    assert!(error.to_string().contains("buyer-9"), "{error}");
}

#[test]
fn no_seeds_are_no_findings() {
    let report = Hunt::new(race(), 5..5).run().unwrap();
    assert_eq!((report.seeds, report.range.clone()), (0, 5..5));
    assert!(report.is_as_expected() && !report.interrupted);
    assert!(text(&report, &TextOptions::default()).contains("5..5, all 0 run"));
}

/// A report with something of everything.
fn rich() -> (HuntReport, Pace) {
    let scenario = Scenario::default().but(|s| {
        s.title = "One of everything".to_owned();
        s.faults.push(pause("buyer-1", Duration::ZERO, Duration::from_secs(15)));
        s.random_faults = Some(RandomFaults { kinds: vec![FaultKind::SlowDisk], max: 1 });
        s.expect = Some([TwoHolders].into());
    });
    let mut report = HuntReport::new(&scenario, 10..1_000_000_000);
    for seed in 10..510_u64 {
        let fail = |message: &str, at| {
            let failure = Failure::Panicked { seed, message: message.to_owned() };
            FailedSeed::new(seed, failure, at).ok()
        };
        report.count(match seed {
            11 => Seen { failure: fail(&"very long ".repeat(30), None), ..Seen::default() },
            12..20 => {
                let at = Some("src/lock.rs:12:5".to_owned());
                Seen { failure: fail("no lock", at), ..Seen::default() }
            }
            _ => Seen {
                violations: match seed {
                    42 => [TwoHolders, Oversell].into(),
                    _ if seed % 3 == 0 => [TwoHolders].into(),
                    _ => [].into(),
                },
                failure: None,
                faults: [(FaultKind::Pause, seed % 2 == 0)].into(),
                simulated: Duration::from_secs(60),
                messages: 200,
                events: 900,
            },
        });
    }
    report.interrupted = true;
    let elapsed = Duration::from_millis(250);
    (report, Pace { elapsed, jobs: 2, seeds_before: 0, simulated_before: Duration::ZERO })
}

#[test]
fn a_page_with_one_of_everything() {
    let (report, pace) = rich();
    let replay = Some("fencepost run seeds/hunts/single-redis.toml");
    let page = text(&report, &TextOptions { colour: false, replay, pace: Some(pace) });
    for line in page.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    insta::assert_snapshot!(page);
    let long = format!("fencepost run {}/hunt.toml", "a_folder_of_many_words".repeat(7));
    let options = TextOptions { replay: Some(&long), ..TextOptions::default() };
    let page = text(&report, &options);
    assert!(page.contains(&format!("{long} --seed 11")), "a command is never broken: {page}");
    let coloured = text(&report, &TextOptions { colour: true, replay, pace: Some(pace) });
    assert!(coloured.contains("\u{1b}["));
}

#[test]
fn an_object_with_one_of_everything() {
    let (mut report, pace) = rich();
    report.failures.truncate(2);
    let mut object = Vec::new();
    json(&report, Some(pace), &mut object).unwrap();
    insta::assert_snapshot!(String::from_utf8(object).unwrap());
}

#[test]
fn a_pace_is_about_what_was_run_now() {
    let (report, pace) = rich();
    assert_eq!((report.seeds, report.simulated.as_secs()), (500, 29_460));
    let simulated_before = Duration::from_secs(29_360);
    let resumed = Pace { seeds_before: 400, simulated_before, ..pace };
    assert_eq!(resumed.runs_per_second(&report).to_string(), "400");
    assert_eq!(resumed.simulated_seconds_per_second(&report).to_string(), "400");
}

#[test]
fn a_page_without_findings() {
    let report = one_after_the_other(
        &Scenario::default().but(|s| s.lock = Recipe::ConditionalUpdate),
        0..3,
        |seed| Scenario::default().but(|s| s.lock = Recipe::ConditionalUpdate).run(seed),
    );
    insta::assert_snapshot!(text(&report, &TextOptions::default()));
}
