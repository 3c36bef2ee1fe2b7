use std::time::Duration;

use fencepost_faults::{Action, Fault, FaultKind, RandomFaults, Start, Trigger};

use super::*;
use crate::judge::ViolationKind::{Oversell, StaleWrite, TokenRegression, TwoHolders};
use crate::scenario::Recipe;
use crate::shrink::Shrink;

fn corpus(name: &str) -> Scenario {
    let path = format!("{}/seeds/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("a scenario of the corpus");
    Scenario::from_toml(name, &text).expect("a scenario")
}

fn mechanism(scenario: &Scenario, kind: ViolationKind) -> String {
    let outcome = scenario.run(scenario.seed).unwrap();
    Mechanism::of(scenario, &outcome, kind).expect("it shows that").to_string()
}

/// Whoever is the first buyer sleeps through its lease once so many locks have been got, and the clock of the
/// Redis jumps once so many have been: either alone leads to two holders.
fn two_ways(sleeps: u32, jumps: u32) -> Scenario {
    let when = |node: Option<&str>, nth: u32| {
        let (node, event) = (node.map(str::to_owned), "acquired".to_owned());
        Start::When(Trigger { node, event, nth, after: Duration::ZERO })
    };
    let sleep = Action::Pause { node: "buyer-1".to_owned() };
    let jump = Action::ClockJump { node: "redis".to_owned(), by_nanos: 60_000_000_000 };
    corpus("paused-holder").but(|s| {
        (s.shop.stock, s.expect) = (200, None);
        // Long enough for somebody else to ask meanwhile.
        s.shop.buyer.work = (Duration::from_millis(50), Duration::from_millis(100));
        let length = Some(Duration::from_secs(15));
        s.faults = vec![
            Fault { start: when(Some("buyer-1"), sleeps), length, action: sleep },
            Fault { start: when(None, jumps), length: None, action: jump },
        ];
    })
}

const ASLEEP: &str = "pause client: the earlier grant had expired";
const JUMPED: &str = "clock-jump server: the earlier grant expired before its time";

#[test]
fn what_the_corpus_shows_has_the_mechanism_that_it_explains() {
    let cases = [
        ("paused-holder", TwoHolders, "pause client: the earlier grant had expired"),
        ("paused-holder", StaleWrite, "pause client: the earlier grant had expired"),
        ("paused-holder", Oversell, "pause client: the earlier grant had expired"),
        (
            "clock-jump-forward",
            TwoHolders,
            "clock-jump server: the earlier grant expired before its time",
        ),
        ("late-write", StaleWrite, "hold-message client|store: the earlier grant had expired"),
        ("power-loss-aof-everysec", TokenRegression, "power-loss server"),
        ("race", Oversell, "no fault"),
    ];
    for (name, kind, said) in cases {
        assert_eq!(mechanism(&corpus(name), kind), said, "{name}");
    }
}

#[test]
fn a_fault_that_comes_too_late_or_does_nothing_has_no_part_in_it() {
    let scenario = two_ways(1, 40);
    let outcome = scenario.run(scenario.seed).unwrap();
    assert!(outcome.run.faults.iter().all(|fault| fault.fired), "{:?}", outcome.run.faults);
    assert_eq!(mechanism(&scenario, TwoHolders), ASLEEP);
}

#[test]
fn shrinking_keeps_to_the_story_that_it_began_with() {
    for (sleeps, jumps, kept, said) in
        [(1, 40, FaultKind::Pause, ASLEEP), (20, 2, FaultKind::ClockJump, JUMPED)]
    {
        let scenario = two_ways(sleeps, jumps);
        let alone =
            |place: usize| scenario.clone().but(|s| s.faults = vec![s.faults[place].clone()]);
        assert_eq!(mechanism(&alone(0), TwoHolders), ASLEEP, "each alone violates the same");
        assert_eq!(mechanism(&alone(1), TwoHolders), JUMPED);
        let shrink = Shrink::new(scenario.clone(), scenario.seed).kind(TwoHolders);
        let shrunk = shrink.carry_out().unwrap().unwrap();
        let kinds: Vec<FaultKind> = shrunk.scenario.faults.iter().map(Fault::kind).collect();
        assert_eq!((kinds, shrunk.mechanism.to_string()), (vec![kept], said.to_owned()));
    }
}

#[test]
fn of_faults_that_strike_together_the_one_is_kept_that_ended_the_grant() {
    // The clock jumps while the holder sleeps: its key goes before its time.
    let both = two_ways(1, 1).but(|s| {
        if let Start::When(trigger) = &mut s.faults[1].start {
            (trigger.node, trigger.after) = (Some("buyer-1".to_owned()), Duration::from_secs(3));
        }
    });
    let before = mechanism(&both, TwoHolders);
    assert_eq!(
        before,
        "pause client, clock-jump server: the earlier grant expired before its time"
    );
    let seed = both.seed;
    let shrunk = Shrink::new(both, seed).kind(TwoHolders).carry_out().unwrap().unwrap();
    assert!(shrunk.scenario.faults.iter().any(|fault| fault.kind() == FaultKind::ClockJump));
    assert_eq!(shrunk.mechanism.ending, Some(Ending::ExpiredEarly));
}

#[test]
fn what_is_left_comes_of_what_was_there() {
    let kinds =
        vec![FaultKind::Pause, FaultKind::ClockJump, FaultKind::Partition, FaultKind::Crash];
    let hunted = Scenario::default().but(|s| {
        (s.shop.stock, s.shop.buyers) = (30, 4);
        s.random_faults = Some(RandomFaults { kinds, max: 8 });
    });
    let runs = (0..).map(|seed| (seed, hunted.run(seed).unwrap()));
    let violating = runs.filter_map(|(seed, outcome)| {
        Mechanism::of(&hunted, &outcome, TwoHolders).map(|before| (seed, before))
    });
    for (seed, before) in violating.take(6) {
        let shrink = Shrink::new(hunted.clone(), seed).kind(TwoHolders).most_runs(300);
        let shrunk = shrink.carry_out().unwrap().unwrap();
        let after = Mechanism::of(&shrunk.scenario, &shrunk.outcome, TwoHolders).unwrap();
        assert!(after.may_come_of(&before), "seed {seed}: {before} became {after}");
        assert_eq!(after, shrunk.mechanism);
    }
}

#[test]
fn a_race_has_no_faults_and_no_grants() {
    let race = Scenario::default().but(|s| (s.lock, s.backend) = (Recipe::None, None));
    let outcome = race.run(3).unwrap();
    let mechanism = Mechanism::of(&race, &outcome, Oversell).unwrap();
    assert_eq!(mechanism, Mechanism { ending: None, blows: vec![] });
    assert_eq!(Mechanism::of(&race, &outcome, TwoHolders), None);
}
