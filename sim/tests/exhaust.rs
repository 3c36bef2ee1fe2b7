//! `fencepost exhaust` as scripts see it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn exhaust(seed: &str, more: &[&str]) -> Output {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(seed);
    let mut command = Command::new(env!("CARGO_BIN_EXE_fencepost"));
    command.arg("exhaust").arg(file).args(more).output().expect("starts")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn every_placement_of_one_fault_is_run_and_the_first_that_violates_is_named() {
    let output = exhaust("paused-holder.toml", &["--format", "json"]);
    let report = json(&output);
    let (faults, moments) = (report["faults"].as_u64(), report["moments"].as_u64());
    let placements = 1 + faults.expect("a number") * moments.expect("a number");
    assert_eq!(
        (&report["placements"], &report["counts"]["seeds"]),
        (&placements.into(), &placements.into())
    );
    assert_eq!(report["first"]["two-holders"]["faults"].as_array().map(Vec::len), Some(1));
    // The scenario expects no token to go back, and a server that restarts forgets them.
    assert!(report["first"]["token-regression"].is_object());
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_stands_every_single_fault_says_within_which_bound() {
    let output = exhaust("conditional-update.toml", &[]);
    let page = std::str::from_utf8(&output.stdout).expect("UTF-8");
    assert!(page.contains("none within that bound: no placement of 1 fault"), "{page}");
    assert_eq!(output.status.code(), Some(0), "{page}");
}

#[test]
fn without_faults_there_is_one_placement() {
    let report = json(&exhaust("race.toml", &["--max-faults", "0", "--format", "json"]));
    assert_eq!((&report["placements"], &report["counts"]["seeds"]), (&1.into(), &1.into()));
    let output = exhaust("race.toml", &["--max-faults", "4"]);
    assert_eq!(output.status.code(), Some(2), "nobody has the time");
}

#[test]
fn a_second_call_goes_on_where_the_first_was_ended_and_another_one_does_not() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("exhaust-goes-on");
    let _ = std::fs::remove_dir_all(&folder);
    let out = folder.to_str().expect("UTF-8");
    let whole = exhaust("race.toml", &["--max-faults", "1", "--format", "json", "--out", out]);
    let again = exhaust("race.toml", &["--max-faults", "1", "--format", "json", "--out", out]);
    assert_eq!((&whole.stdout, whole.status.code()), (&again.stdout, again.status.code()));
    let said = String::from_utf8_lossy(&again.stderr);
    let placements = &json(&whole)["placements"];
    assert!(said.contains(&format!("going on: {placements} of {placements} placements")), "{said}");

    let other = exhaust("race.toml", &["--max-faults", "0", "--out", out]);
    let said = String::from_utf8_lossy(&other.stderr);
    assert!(said.contains("cannot be gone on with"), "{said}");
    assert_eq!(other.status.code(), Some(2));
}

#[test]
fn kinds_and_moments_can_be_left_out() {
    let all = json(&exhaust("conditional-update.toml", &["--format", "json"]));
    let few = ["--format", "json", "--kinds", "pause,crash", "--at-changes"];
    let few = json(&exhaust("conditional-update.toml", &few));
    assert_eq!(few["kinds"], serde_json::json!(["pause", "crash"]));
    for key in ["faults", "moments", "placements"] {
        assert!(few[key].as_u64() < all[key].as_u64(), "{key}: {} of {}", few[key], all[key]);
    }
    let output = exhaust("conditional-update.toml", &["--kinds", "paus"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("accepted: pause, crash"), "{said}");
    assert_eq!(output.status.code(), Some(2));
}
