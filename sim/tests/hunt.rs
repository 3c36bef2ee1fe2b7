//! `fencepost hunt` as scripts see it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

fn seed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name)
}

/// A scenario of the test's own, under the target directory.
fn file(name: &str, content: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hunt");
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(name);
    fs::write(&file, content).expect("writable");
    file
}

fn command(scenario: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fencepost"));
    command.arg("hunt").arg(scenario).args(more);
    command
}

fn hunt(scenario: &Path, more: &[&str]) -> Output {
    command(scenario, more).output().expect("starts")
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

/// The race, expecting what it is told to.
fn race(name: &str, expect: &str) -> PathBuf {
    let text = fs::read_to_string(seed("race.toml")).expect("readable");
    let (before, _) = text.split_once("[expect]").expect("an expectation");
    file(name, &format!("{before}{expect}"))
}

#[test]
fn json_has_the_promised_keys_and_nothing_else_is_on_standard_output() {
    let output = hunt(&seed("hunts/single-redis.toml"), &["--seeds", "0..200", "--format", "json"]);
    let object = json(&output);
    assert_eq!(output.status.code(), Some(0), "{object}");
    for key in [
        "scenario",
        "seeds",
        "violating_seeds",
        "violations_by_kind",
        "first",
        "runs_per_second",
        "simulated_seconds_per_second",
        "failed_seeds",
        "failures",
        "faults",
        "interrupted",
        "rates",
    ] {
        assert!(object.get(key).is_some(), "no {key} in {object}");
    }
    assert_eq!(object["seeds"], 200);
    assert_eq!(object["range"], "0..200");
    assert_eq!(object["interrupted"], false);
    assert_eq!(object["simulated_ms"], 200 * 60_000);
    assert!(object["runs_per_second"].as_f64() > Some(0.0));
    let kinds = object["violations_by_kind"].as_object().expect("an object");
    assert!(!kinds.is_empty());
    for (kind, seeds) in kinds {
        assert!(seeds.as_u64() <= object["violating_seeds"].as_u64(), "{kind}");
        assert!(object["first"][kind].is_u64(), "{kind}");
        let (rate, low) = (&object["rates"][kind]["ppm"], &object["rates"][kind]["low_ppm"]);
        assert!(Some(0.0) < low.as_f64() && low.as_f64() < rate.as_f64(), "{kind}");
    }
    assert!(stderr(&output).is_empty(), "no progress without a terminal: {}", stderr(&output));
}

#[test]
fn the_exit_code_is_about_the_hunt_as_a_whole() {
    let cases = [
        ("silent.toml", "", 1),
        ("none.toml", "[expect]\nviolations = []\n", 1),
        ("right.toml", "[expect]\nviolations = [\"oversell\"]\n", 0),
        ("more.toml", "[expect]\nviolations = [\"oversell\", \"two-holders\"]\n", 1),
    ];
    for (name, expect, code) in cases {
        let output = hunt(&race(name, expect), &["--seeds", "0..40"]);
        assert_eq!(output.status.code(), Some(code), "{name}: {}", stdout(&output));
    }
    let harmless = hunt(&seed("conditional-update.toml"), &["--seeds", "0..40"]);
    assert_eq!(harmless.status.code(), Some(0), "{}", stdout(&harmless));
}

#[test]
fn any_number_of_jobs_gives_the_same_and_stops_at_the_same_seed() {
    let without_pace = |more: &[&str]| {
        let file = seed("hunts/single-redis.toml");
        let mut object = json(&hunt(&file, &[&["--format", "json"], more].concat()));
        let map = object.as_object_mut().expect("an object");
        for key in ["runs_per_second", "simulated_seconds_per_second", "elapsed_ms", "jobs"] {
            assert!(map.remove(key).is_some(), "no {key}");
        }
        object
    };
    for more in [&["--seeds", "100..300"][..], &["--seeds", "0..5000", "--stop-at-first"]] {
        let one = without_pace(&[more, &["--jobs", "1"]].concat());
        assert_eq!(one, without_pace(&[more, &["--jobs", "2"]].concat()));
        assert_eq!(one, without_pace(&[more, &["--jobs", "4"]].concat()));
        assert_eq!(one, without_pace(more));
    }
    let first = without_pace(&["--seeds", "0..5000", "--stop-at-first"]);
    assert_eq!(first["violating_seeds"], 1);
    let lowest = first["first"].as_object().expect("an object").values().next().cloned();
    assert_eq!(first["seeds"].as_u64(), lowest.and_then(|seed| seed.as_u64()).map(|seed| seed + 1));
}

#[test]
fn the_commands_in_the_text_replay_what_was_found() {
    let output = hunt(&seed("hunts/single-redis.toml"), &["--seeds", "0..200"]);
    let text = stdout(&output).to_owned();
    let commands: Vec<&str> = text.lines().filter(|line| line.contains("fencepost run ")).collect();
    assert!(!commands.is_empty(), "{text}");
    assert!(
        text.lines().filter(|line| !line.contains('/')).all(|line| line.chars().count() <= 100)
    );
    // The file's path may be too long for one line.
    let one_line_each = text.replace(" \\\n", " ").replace("\n            # ", "  # ");
    for line in one_line_each.lines().filter(|line| line.contains("--seed ")) {
        let (command, kinds) = line.split_once("  # ").expect("kinds");
        let seed_number = command.split_whitespace().last().expect("a seed");
        let run = Command::new(env!("CARGO_BIN_EXE_fencepost"))
            .arg("run")
            .arg(seed("hunts/single-redis.toml"))
            .args(["--seed", seed_number, "--format", "json"])
            .output()
            .expect("starts");
        let violations = json(&run)["violations"].to_string();
        for kind in kinds.split(", ") {
            assert!(violations.contains(kind.trim()), "{kind}: {violations}");
        }
    }
}

#[test]
fn a_run_that_reaches_a_limit_is_a_finding() {
    let text = fs::read_to_string(seed("paused-holder.toml")).expect("readable");
    let file = file("limited.toml", &format!("{text}\n[limits]\nevents = 50\n"));
    let output = hunt(&file, &["--seeds", "0..30", "--format", "json"]);
    let object = json(&output);
    assert_eq!(output.status.code(), Some(1), "{object}");
    assert_eq!(object["failed_seeds"], 30);
    assert_eq!(object["failures"][7]["seed"], 7);
    assert_eq!(object["failures"][7]["kind"], "limit");
    assert!(object["failures"][7]["message"].to_string().contains("limits.events"), "{object}");
}

#[test]
fn bad_input_exits_with_2_and_says_what_is_accepted() {
    let race = seed("race.toml");
    let cases = [
        (["--seeds", "9..5"], "A below B"),
        (["--seeds", "7"], "0..1000"),
        (["--seeds", "a..b"], "0..1000"),
        (["--seeds", "-3..5"], "0..1000"),
        (["--jobs", "0"], "from 1 to 1024"),
        (["--jobs", "-1"], "from 1 to 1024"),
        (["--jobs", "9999999"], "from 1 to 1024"),
        (["--format", "xml"], "json"),
        (["--shard", "0/2"], "1/3, 2/3 and 3/3"),
        (["--shard", "3/2"], "1/3, 2/3 and 3/3"),
        (["--shard", "-1/2"], "1/3, 2/3 and 3/3"),
    ];
    for (arguments, accepted) in cases {
        let output = hunt(&race, &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(accepted), "{arguments:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty());
    }
    let missing = hunt(Path::new("no-such.toml"), &[]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(stderr(&missing).contains("no-such.toml"), "{}", stderr(&missing));
}

#[cfg(unix)]
#[test]
fn stories_are_told_when_they_are_asked_for() {
    let scenario = seed("hunts/single-redis.toml");
    let asked = ["--seeds", "0..120", "--stories=2"];
    let page = hunt(&scenario, &asked);
    assert_eq!(page.status.code(), Some(0), "{}", stderr(&page));
    for part in ["\nstory ", "two-holders, 2 of ", "each shrunk:\n", "earlier grant"] {
        assert!(stdout(&page).contains(part), "{part}: {}", stdout(&page));
    }
    let object = json(&hunt(&scenario, &[&asked[..], &["--format", "json"]].concat()));
    let stories = object["stories"].as_array().expect("a list");
    assert!(!stories.is_empty());
    for story in stories {
        for key in ["kind", "faults", "ending", "seeds", "of", "first", "ppm", "low_ppm"] {
            assert!(story.get(key).is_some(), "no {key} in {story}");
        }
    }
    let without = json(&hunt(&scenario, &["--seeds", "0..120", "--format", "json"]));
    assert!(without.get("stories").is_none() && without.get("told").is_none());
    let bad = hunt(&scenario, &["--stories=0"]);
    assert_eq!(bad.status.code(), Some(2));
}

#[test]
fn an_interrupted_hunt_prints_what_there_is() {
    let mut endless =
        command(&seed("race.toml"), &["--seeds", "0..1000000000", "--format", "json"]);
    let child = endless.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    #[expect(clippy::disallowed_methods, reason = "the other process runs in real time")]
    std::thread::sleep(Duration::from_secs(2));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.expect("kill runs").success());
    let output = child.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    let object = json(&output);
    assert_eq!(object["interrupted"], true);
    assert_eq!(object["asked"], "0..1000000000");
    let seeds = object["seeds"].as_u64().expect("a number");
    assert!(seeds > 0 && seeds < 1_000_000_000);
    assert_eq!(object["range"], format!("0..{seeds}"));
    assert!(object["violating_seeds"].as_u64() > Some(0), "{object}");
}
