//! `fencepost compare` as scripts see it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const FENCEPOST: &str = env!("CARGO_BIN_EXE_fencepost");

fn compare(more: &[&str]) -> Output {
    Command::new(FENCEPOST).arg("compare").args(more).output().expect("starts")
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {} {}", stdout(output), stderr(output)))
}

/// A folder of the test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compare").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

#[test]
fn any_number_of_jobs_prints_the_same_and_violations_are_no_failure() {
    let table =
        |jobs| compare(&["--seeds", "2", "--rows", "set-nx", "--format", "json", "--jobs", jobs]);
    let (one, two) = (table("1"), table("2"));
    assert_eq!(one.stdout, two.stdout);
    assert_eq!(one.status.code(), Some(0), "{}", stderr(&one));
    assert!(stderr(&one).is_empty(), "no progress without a terminal: {}", stderr(&one));
    let report = json(&one);
    assert_eq!(report["seeds"], "0..2");
    assert_eq!(report["rows"][0]["name"], "set-nx");
    assert!(report["rows"][0]["cells"].as_array().is_some_and(|cells| cells.len() > 10));
    assert!(report["rows"][0]["quiet"]["loads"].as_array().is_some_and(|loads| loads.len() == 5));
    assert!(report["advice"].is_array());
}

#[test]
fn the_command_that_a_cell_names_shows_its_violation() {
    let report = json(&compare(&["--seeds", "3..9", "--rows", "set-nx", "--format", "json"]));
    let cells = report["rows"][0]["cells"].as_array().expect("cells");
    let found: Vec<&Value> = cells.iter().filter(|cell| cell["replay"].is_string()).collect();
    assert!(found.len() > 3, "{report}");
    let folder = folder("replay");
    let own = Path::new(FENCEPOST).parent().expect("a folder").to_owned();
    let before = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([own].into_iter().chain(env::split_paths(&before))).expect("a path");
    for cell in found {
        let replay = cell["replay"].as_str().expect("a command");
        let ran = Command::new("sh")
            .args(["-c", &format!("{replay} --format json")])
            .current_dir(&folder)
            .env("PATH", &path)
            .output()
            .expect("starts");
        assert_eq!(ran.status.code(), Some(1), "{replay}: {}", stderr(&ran));
        let run = json(&ran);
        let shown = run["violations"].as_array().expect("violations");
        let (kind, _) = cell["first"]
            .as_object()
            .and_then(|first| first.iter().find(|(_, seed)| **seed == run["seed"]))
            .expect("a kind that this seed is the first of");
        assert!(shown.iter().any(|one| one["kind"] == **kind), "{replay}: no {kind} in {run}");
    }
}

#[test]
fn a_cell_is_written_as_a_scenario_that_hunts_take() {
    let folder = folder("cell");
    let file = folder.join("cell.toml");
    let path = file.to_str().expect("UTF-8");
    let written = compare(&["--cell", "redlock:clock-drift", "--out", path]);
    assert_eq!(written.status.code(), Some(0), "{}", stderr(&written));
    assert!(stdout(&written).is_empty());
    let printed = compare(&["--cell", "redlock:clock-drift"]);
    assert_eq!(printed.stdout, fs::read(&file).expect("readable"));
    let hunt = Command::new(FENCEPOST)
        .args(["hunt", path, "--seeds", "0..2", "--format", "json"])
        .output()
        .expect("starts");
    assert_eq!(json(&hunt)["seeds"], 2);
}

#[test]
fn pages_are_for_people_and_for_browsers() {
    let folder = folder("pages");
    let file = folder.join("compare.html");
    let path = file.to_str().expect("UTF-8");
    let rows = "none,conditional-update";
    let html = compare(&["--seeds", "1", "--rows", rows, "--format", "html", "--out", path]);
    assert_eq!(html.status.code(), Some(0), "{}", stderr(&html));
    assert!(fs::read_to_string(&file).expect("readable").starts_with("<!DOCTYPE html>"));
    let text = compare(&["--seeds", "1", "--rows", rows]);
    let page = stdout(&text);
    assert!(page.contains("\nconditional-update ") && !page.contains("\nset-nx "), "{page}");
    assert!(page.contains("none in 1 seed "), "{page}");
}

#[test]
fn bad_arguments_are_answered_with_what_is_accepted() {
    let cases: [(&[&str], &str); 9] = [
        (&["--seeds", "0"], "write N, such as 100"),
        (&["--seeds", "7..7"], "A below B"),
        (&["--seeds", "many"], "write N, such as 100"),
        (&["--rows", "set-nx,nobody"], "there is no row `nobody` (there are: none,"),
        (&["--cell", "set-nx"], "write ROW:COLUMN"),
        (&["--cell", "set-nx:rain"], "there is no column `rain`"),
        (&["--cell", "set-nx:failover"], "the cell set-nx:failover is empty: no such fault"),
        (&["--cell", "set-nx:pause", "--seeds", "3"], "cannot be used with"),
        (&["--format", "pdf"], "[possible values: text, json, html]"),
    ];
    for (arguments, said) in cases {
        let output = compare(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stdout(&output));
        let words = stderr(&output).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(said), "{arguments:?}: {words}");
    }
}
