use std::collections::BTreeSet;

use fencepost_faults::{FaultKind, RandomFaults};

use super::*;
use crate::judge::ViolationKind::{Oversell, StuckLock, TwoHolders};
use crate::scenario::Recipe;
use crate::world::Run;

fn corpus(name: &str) -> Scenario {
    let path = format!("{}/seeds/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("a scenario of the corpus");
    Scenario::from_toml(name, &text).expect("a scenario")
}

/// Everything that the first so many records say, in bytes.
fn prefix(run: &Run, records: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in &run.history.records()[..records] {
        run.history.encode_record(&mut bytes, record);
    }
    bytes
}

#[test]
fn before_the_point_every_future_is_the_run_and_from_there_each_is_another() {
    for name in ["hunts/single-redis.toml", "hunts/sentinel.toml", "hunts/redlock.toml"] {
        let scenario = corpus(name).but(|s| s.duration = std::time::Duration::from_secs(30));
        let run = scenario.run(5).unwrap().run;
        let all = run.history.records().len();
        for point in [0, all / 3, all / 2] {
            let mut digests = BTreeSet::from([run.history.digest()]);
            for future in 1..=4 {
                let future = NonZeroU64::new(future).unwrap();
                let at = RecordId(point as u32);
                let other = scenario.run_otherwise(5, at, future).unwrap().run;
                assert_eq!(prefix(&run, point), prefix(&other, point), "{name}, {point}");
                let again = scenario.run_otherwise(5, at, future).unwrap().run;
                assert_eq!(again.history.digest(), other.history.digest());
                digests.insert(other.history.digest());
            }
            assert_eq!(digests.len(), 5, "{name}, {point}: the futures differ");
        }
        let end = RecordId(all as u32 + 1);
        let over = scenario.run_otherwise(5, end, NonZeroU64::MIN).unwrap();
        assert_eq!(over.run.history.digest(), run.history.digest(), "what is over is over");
        assert_eq!(scenario.run(5).unwrap().run.history.digest(), run.history.digest());
    }
}

#[test]
fn what_has_begun_stays_and_what_has_not_is_drawn_anew() {
    let kinds = vec![FaultKind::Pause, FaultKind::Delay, FaultKind::ClockJump];
    let scenario = Scenario::default().but(|s| {
        s.faults = corpus("paused-holder.toml").faults;
        s.random_faults = Some(RandomFaults { kinds, max: 8 });
    });
    let mut new_ones = 0;
    for seed in 0..20 {
        let as_it_was = scenario.run(seed).unwrap().run;
        let point = RecordId(as_it_was.history.records().len() as u32 / 2);
        let now = as_it_was.history.record(RecordId(point.0 - 1)).unwrap().at;
        for future in 1..=5 {
            let future = NonZeroU64::new(future).unwrap();
            let outcome = scenario.run_otherwise(seed, point, future).unwrap();
            let faults = &outcome.run.faults;
            let plan: Vec<_> = faults.iter().map(|one| one.fault.clone()).collect();
            assert_eq!(outcome.plan, plan);
            assert_eq!(plan[0], scenario.faults[0], "the scenario's own is there");
            let (old, new) = faults.split_at(as_it_was.faults.len());
            for (old, was) in old.iter().zip(&as_it_was.faults).skip(1) {
                assert_eq!(old.fault, was.fault);
                let past = was.began_at.filter(|began| *began <= now);
                assert_eq!(old.began_at, past, "what had not begun was called off");
            }
            assert!(new.iter().all(|fault| fault.began_at.is_none_or(|began| began > now)));
            new_ones += new.iter().filter(|fault| fault.began_at.is_some()).count();
        }
    }
    assert!(new_ones > 50, "{new_ones}");
}

#[test]
fn before_anything_has_happened_the_rate_is_that_of_a_hunt() {
    let scenario = corpus("hunts/single-redis.toml");
    let seeds = 1_000;
    let found = (0..seeds).filter(|seed| shows(&scenario.run(1_000 + seed).unwrap(), TwoHolders));
    let (found, futures) = (found.count() as u64, 1_000);
    let likelihood = Likelihood::new(scenario, 7).futures(futures);
    let first = likelihood.try_futures(RecordId(0), SimTime::ZERO, TwoHolders);
    assert_eq!(first.failed, 0);
    let (hunt, first) =
        (crate::hunt::wilson(found, seeds), crate::hunt::wilson(u64::from(first.violating), 1_000));
    assert!(found > 20 && hunt.low <= first.high && first.low <= hunt.high, "{hunt:?} {first:?}");
}

#[test]
fn once_it_has_happened_it_has_happened_in_every_future() {
    let scenario = corpus("hunts/single-redis.toml");
    let seed = (0..).find(|seed| shows(&scenario.run(*seed).unwrap(), TwoHolders)).unwrap();
    let likelihood =
        Likelihood::new(scenario.clone(), seed).kind(TwoHolders).points(12).futures(24);
    let curve = likelihood.carry_out().unwrap().unwrap();
    assert_eq!((curve.violation.kind, curve.points.len()), (TwoHolders, 12));
    assert!(curve.points.is_sorted_by(|one, next| one.event < next.event && one.at <= next.at));
    let last = curve.points.last().unwrap();
    assert_eq!((last.violating, last.failed), (24, 0));
    assert!(last.event > curve.violation.record && last.at == curve.violation.at);
    assert!(curve.points[0].violating < 24, "{:?}", curve.points[0]);
    let lost = curve.lost.clone().unwrap();
    assert!(lost.from.violating >= 12 && lost.before.is_none_or(|before| before.violating < 12));
    assert!(!lost.between.is_empty());
    for point in &curve.points {
        let shown = |future: Option<NonZeroU64>| {
            future.map(|future| {
                let outcome = scenario.run_otherwise(seed, point.event, future).unwrap();
                shows(&outcome, TwoHolders)
            })
        };
        assert_eq!(shown(point.first_violating), (point.violating > 0).then_some(true));
        assert_eq!(shown(point.first_harmless), (point.violating < 24).then_some(false));
    }
    let sealed = curve.sealed.clone().unwrap();
    assert!(sealed.from.violating == 24 && sealed.from.event >= lost.from.event);

    let one_at_a_time = likelihood.jobs(NonZeroUsize::MIN).carry_out().unwrap().unwrap();
    assert_eq!(one_at_a_time, curve, "on however many threads");
}

#[test]
fn a_run_that_shows_nothing_has_no_curve() {
    let quiet = corpus("contention-set-nx.toml");
    assert_eq!(Likelihood::new(quiet, 1).carry_out().unwrap(), None);
    let race = Scenario::default().but(|s| (s.lock, s.backend) = (Recipe::None, None));
    assert_eq!(Likelihood::new(race, 3).kind(StuckLock).carry_out().unwrap(), None);
}

#[test]
fn a_race_as_a_page_and_as_an_object() {
    let race = Scenario::default().but(|s| (s.lock, s.backend) = (Recipe::None, None));
    let likelihood = Likelihood::new(race, 3).kind(Oversell).points(8).futures(50);
    let curve = likelihood.carry_out().unwrap().unwrap();
    let options = TextOptions { replay: Some("fencepost run race.toml"), ..TextOptions::default() };
    insta::assert_snapshot!("race_text", text(&curve, &options));
    let mut object = Vec::new();
    json(&curve, &mut object).unwrap();
    insta::assert_snapshot!("race_json", String::from_utf8(object).unwrap());
}
