//! What a failing claim says, and that the command which it names does what it says: this test runs
//! itself, as `cargo test` would.

use std::process::{Command, Output};

use fencepost::claim::Claims as _;
use fencepost::judge::ViolationKind::Oversell;
use fencepost::scenario::{Recipe, Scenario};

fn race() -> Scenario {
    Scenario::default().but(|s| {
        s.title = "The race".to_owned();
        s.lock = Recipe::None;
        s.shop.stock = 1;
        s.duration = std::time::Duration::from_secs(5);
    })
}

#[test]
#[ignore = "fails on purpose: the other tests run it and read what it says"]
fn the_race_never_oversells() {
    // Not under somebody's `--include-ignored`.
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    race().sweep(0..200).must_never(Oversell);
}

#[test]
#[ignore = "the other tests run it and read what it says"]
fn the_race_oversells() {
    race().sweep(0..200).must_find(Oversell);
}

/// Set for the tests that this program runs itself.
const INSIDE: &str = "FENCEPOST_RUN_BY_ANOTHER_TEST";

/// Runs one of the tests above with these variables.
fn test(name: &str, variables: &[(&str, &str)]) -> Output {
    let this = std::env::current_exe().expect("a program");
    Command::new(this)
        .args(["--exact", name, "--include-ignored", "--nocapture"])
        .env(INSIDE, "1")
        .env_remove("FENCEPOST_SEED")
        .env_remove("FENCEPOST_SEEDS")
        .envs(variables.iter().copied())
        .output()
        .expect("starts")
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

/// The first seed under which the race oversells, and the last before it that does not.
fn guilty_and_innocent() -> (u64, u64) {
    let guilty = |seed| {
        let outcome = race().run(seed).expect("runs");
        outcome.verdict.first(Oversell).is_some()
    };
    let first = (0..200).find(|seed| guilty(*seed)).expect("one of them oversells");
    let innocent = (0..200).find(|seed| !guilty(*seed)).expect("one of them does not");
    (first, innocent)
}

#[test]
fn a_failing_claim_names_its_seed_and_the_command_that_replays_it() {
    let (guilty, _) = guilty_and_innocent();
    let output = test("the_race_never_oversells", &[]);
    let said = said(&output);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains(&format!("seed {guilty} of \"The race\" shows it")), "{said}");
    let command =
        said.split("replay: ").nth(1).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let cargo =
        format!("FENCEPOST_SEED={guilty} cargo test -p fencepost-stories --test replay -- ");
    assert!(command.starts_with(&cargo), "{said}");
    assert!(command.contains("--exact the_race_never_oversells"), "{said}");
    assert!(said.contains("VIOLATION oversell"), "{said}");
}

#[test]
fn fencepost_seed_replays_one_seed_and_shows_it() {
    let (guilty, innocent) = guilty_and_innocent();
    let failing = test("the_race_never_oversells", &[("FENCEPOST_SEED", &guilty.to_string())]);
    assert!(!failing.status.success());
    assert!(said(&failing).contains(&format!("seed {guilty} of")), "{}", said(&failing));

    let innocent_seed = innocent.to_string();
    let passing = test("the_race_never_oversells", &[("FENCEPOST_SEED", &innocent_seed)]);
    assert!(passing.status.success(), "{}", said(&passing));
    assert!(said(&passing).contains("verdict"), "a replay shows its run: {}", said(&passing));

    let not_found = test("the_race_oversells", &[("FENCEPOST_SEED", &innocent_seed)]);
    assert!(!not_found.status.success(), "{}", said(&not_found));
}

#[test]
fn fencepost_seeds_runs_another_range() {
    let (guilty, innocent) = guilty_and_innocent();
    let only = |seed: u64| format!("{seed}..{}", seed + 1);
    let passing = test("the_race_never_oversells", &[("FENCEPOST_SEEDS", &only(innocent))]);
    assert!(passing.status.success(), "{}", said(&passing));
    let failing = test("the_race_never_oversells", &[("FENCEPOST_SEEDS", &only(guilty))]);
    assert!(!failing.status.success(), "{}", said(&failing));
}

#[test]
fn a_variable_that_is_no_seed_says_what_is() {
    let output = test("the_race_oversells", &[("FENCEPOST_SEED", "seventeen")]);
    assert!(!output.status.success());
    assert!(said(&output).contains("FENCEPOST_SEED=17"), "{}", said(&output));
}
