//! `fencepost shrink`, and `fencepost hunt --shrink`, as scripts see them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fencepost::scenario::Scenario;
use serde_json::Value;

fn seed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name)
}

/// A place for a file of the test's own, where there is none yet.
fn place(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shrink");
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(name);
    let _ = fs::remove_file(&file);
    file
}

fn fencepost(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fencepost")).args(arguments).output().expect("starts")
}

fn path(file: &Path) -> &str {
    file.to_str().expect("UTF-8")
}

fn said(output: &Output) -> (&str, &str) {
    let text = |bytes| std::str::from_utf8(bytes).expect("UTF-8");
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_hunts_finding_becomes_a_scenario_that_replays_as_expected() {
    let (hunted, file) = (seed("hunts/single-redis.toml"), place("small.toml"));
    let hunt =
        fencepost(&["hunt", path(&hunted), "--seeds", "0..300", "--shrink", "--format", "json"]);
    let report: Value = serde_json::from_slice(&hunt.stdout).expect("JSON");
    let shrunk = &report["shrunk"]["two-holders"];
    let first = report["first"]["two-holders"].as_u64().expect("a seed");
    assert_eq!(shrunk["seed"], first);
    let faults = shrunk["faults"].as_array().expect("a list").len();
    assert!(faults <= 2 && faults as u64 <= shrunk["faults_before"].as_u64().expect("a number"));

    let of_seed = first.to_string();
    let kept = ["--kind", "two-holders", "--out", path(&file)];
    let written =
        fencepost(&[&["shrink", path(&hunted), "--seed", of_seed.as_str()], &kept[..]].concat());
    let (stdout, stderr) = said(&written);
    assert_eq!((written.status.code(), stdout), (Some(0), ""), "{stderr}");
    assert!(
        stderr.starts_with("two-holders: ") && stderr.contains("replay: fencepost run "),
        "{stderr}"
    );
    // But for where it says that it comes from.
    let scenario = |text: &str| {
        let scenario = Scenario::from_toml("small.toml", text).expect("a scenario");
        scenario.but(|s| s.explain.clear())
    };
    let text = fs::read_to_string(&file).expect("written");
    assert!(text.contains("single-redis.toml under seed"), "{text}");
    assert_eq!(scenario(&text), scenario(shrunk["toml"].as_str().expect("a file")));
    let replay = fencepost(&["run", path(&file)]);
    assert_eq!(replay.status.code(), Some(0), "{}", said(&replay).0);
}

#[test]
fn a_page_says_what_is_left() {
    let hunted = seed("hunts/single-redis.toml");
    let page = fencepost(&["hunt", path(&hunted), "--seeds", "0..100", "--shrink"]);
    let (stdout, _) = said(&page);
    assert!(stdout.contains("shrunk ") && stdout.contains(" → 1"), "{stdout}");
}

#[test]
fn without_a_violation_there_is_nothing_to_shrink() {
    let quiet = seed("contention-set-nx.toml");
    let output = fencepost(&["shrink", path(&quiet)]);
    let (stdout, stderr) = said(&output);
    assert_eq!((output.status.code(), stdout), (Some(1), ""));
    assert!(stderr.contains("shows nothing: there is nothing to shrink"), "{stderr}");
    let output = fencepost(&["shrink", path(&seed("paused-holder.toml")), "--kind", "stuck-lock"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).1.contains("shows no stuck-lock"), "{}", said(&output).1);
}

#[test]
fn bad_input_is_refused_and_nothing_is_written() {
    let file = place("never.toml");
    let output = fencepost(&["shrink", "nowhere.toml", "--out", path(&file)]);
    assert_eq!(output.status.code(), Some(2));
    let output = fencepost(&[
        "shrink",
        path(&seed("race.toml")),
        "--kind",
        "oversold",
        "--out",
        path(&file),
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).1.contains("accepted: two-holders, oversell"), "{}", said(&output).1);
    assert!(!file.exists());
}
