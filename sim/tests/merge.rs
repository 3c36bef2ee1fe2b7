//! Hunts in parts, in folders, broken off and gone on with, as scripts see them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

fn seed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name)
}

/// An empty folder of the test's own, under the target directory.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("merge").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fencepost"));
    command.args(arguments);
    command
}

fn fencepost(arguments: &[&str]) -> Output {
    command(arguments).output().expect("starts")
}

/// A hunt of one Redis whose folder is `out`.
fn hunt(out: &Path, more: &[&str]) -> Output {
    let scenario = seed("hunts/single-redis.toml");
    fencepost(&[&["hunt", path(&scenario), "--out", path(out)], more].concat())
}

fn path(file: &Path) -> &str {
    file.to_str().expect("UTF-8")
}

fn report(folder: &Path) -> String {
    fs::read_to_string(folder.join("report.json")).expect("a report")
}

/// Whether the texts are in it, however its lines are broken.
#[track_caller]
fn check_refused(output: &Output, texts: &[&str]) {
    let stderr = std::str::from_utf8(&output.stderr).expect("UTF-8");
    let words = stderr.replace('│', " ");
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(output.stdout.is_empty() && !stderr.contains("panicked"), "{stderr}");
    for text in texts {
        assert!(line.contains(text), "no {text} in {line}");
    }
}

#[test]
fn any_split_merges_to_the_report_of_the_whole_hunt_to_the_byte() {
    let folder = folder("splits");
    let whole = folder.join("whole");
    let output = hunt(&whole, &["--seeds", "0..140"]);
    assert_eq!(output.status.code(), Some(0));
    let page = fencepost(&["merge", path(&whole)]).stdout;
    for of in [1, 2, 3, 7] {
        let mut shards = Vec::new();
        for number in 1..=of {
            let shard = folder.join(format!("{number}-of-{of}"));
            let (part, jobs) = (format!("{number}/{of}"), (1 + number % 4).to_string());
            hunt(&shard, &["--seeds", "0..140", "--shard", &part, "--jobs", &jobs]);
            shards.push(shard);
        }
        shards.reverse();
        let shards: Vec<&str> = shards.iter().map(|shard| path(shard)).collect();
        let merged = fencepost(&[&["merge", "--format", "json"], &shards[..]].concat());
        assert_eq!(merged.status.code(), output.status.code());
        assert_eq!(String::from_utf8_lossy(&merged.stdout), report(&whole), "{of} shards");
        assert_eq!(fencepost(&[&["merge"], &shards[..]].concat()).stdout, page, "{of} shards");
    }
}

#[test]
fn what_is_printed_as_json_is_merged_too_and_out_is_a_file() {
    let folder = folder("printed");
    let scenario = seed("race.toml");
    let (mut reports, merged) = (Vec::new(), folder.join("merged.json"));
    for shard in ["1/2", "2/2"] {
        let arguments = ["hunt", path(&scenario), "--seeds", "0..40", "--format", "json"];
        let output = fencepost(&[&arguments[..], &["--shard", shard]].concat());
        let file = folder.join(format!("{}.json", &shard[..1]));
        fs::write(&file, output.stdout).expect("writable");
        reports.push(file);
    }
    let arguments = ["merge", path(&reports[1]), path(&reports[0]), "--format", "json"];
    let output = fencepost(&[&arguments[..], &["--out", path(&merged)]].concat());
    assert!(output.stdout.is_empty());
    let object: Value =
        serde_json::from_str(&fs::read_to_string(&merged).expect("written")).expect("JSON");
    assert_eq!((&object["asked"], &object["seeds"]), (&"0..40".into(), &40.into()));
    assert!(object.get("part").is_none() && object.get("jobs").is_none(), "{object}");
}

#[test]
fn merge_refuses_what_is_not_the_whole_of_one_hunt() {
    let folder = folder("refused");
    let (one, two, other) = (folder.join("one"), folder.join("two"), folder.join("other"));
    hunt(&one, &["--seeds", "0..40", "--shard", "1/2"]);
    hunt(&two, &["--seeds", "0..40", "--shard", "2/2"]);
    let race = seed("race.toml");
    let of_race = ["--seeds", "0..40", "--shard", "2/2", "--out", path(&other)];
    fencepost(&[&["hunt", path(&race)], &of_race[..]].concat());
    let merge = |reports: &[&Path]| {
        let paths: Vec<&str> = reports.iter().map(|report| path(report)).collect();
        fencepost(&[&["merge"], &paths[..]].concat())
    };
    check_refused(&merge(&[&one]), &["no report has the seeds 20..40", "shard 2/2 is missing"]);
    check_refused(&merge(&[&one, &two, &one]), &["have both run the seeds 0..20"]);
    check_refused(&merge(&[&one, &other]), &["are of different hunts: scenario: `One Redis"]);
    check_refused(&merge(&[&one, &folder.join("none")]), &["cannot read", "none"]);
    check_refused(&merge(&[&race]), &["race.toml is no report of a hunt", "help:", "--out DIR"]);
    check_refused(&merge(&[]), &["REPORT.json"]);

    let text = report(&two).replace("fencepost 0.", "fencepost 9.");
    fs::write(two.join("report.json"), text).expect("writable");
    check_refused(&merge(&[&one, &two]), &["are of different hunts: build: fencepost 0."]);
}

#[test]
fn a_folder_of_another_hunt_is_not_gone_on_with() {
    let folder = folder("another");
    let first = ["--seeds", "0..40", "--shard", "1/2"];
    hunt(&folder, &first);
    let before = report(&folder);
    let others = [
        (&["--seeds", "0..41", "--shard", "1/2"][..], "seeds: 0..41, not 0..40"),
        (&["--seeds", "0..40", "--shard", "2/2"], "shard: 2/2, not 1/2"),
        (&["--seeds", "0..40"], "shard: none, not 1/2"),
    ];
    for (arguments, difference) in others {
        check_refused(&hunt(&folder, arguments), &["cannot be gone on with", difference]);
    }
    let race = seed("race.toml");
    let of_race = [&["hunt", path(&race), "--out", path(&folder)], &first[..]].concat();
    check_refused(&fencepost(&of_race), &["scenario: `", "not `One Redis"]);
    assert_eq!(report(&folder), before, "it is as it was");
    let again = hunt(&folder, &[&first[..], &["--jobs", "1"]].concat());
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(said.contains("going on: 20 of 20 seeds have been run before"), "{said}");
    assert_eq!(report(&folder), before);
}

#[test]
fn a_folder_that_cannot_be_one_is_refused() {
    let folder = folder("impossible");
    let file = folder.join("file");
    fs::write(&file, "").expect("writable");
    check_refused(&hunt(&file, &["--seeds", "0..5"]), &["cannot use", "as a hunt's folder"]);
    fs::write(folder.join("report.json"), "{\"scenario\": \"cut sh").expect("writable");
    check_refused(&hunt(&folder, &["--seeds", "0..5"]), &["report.json is no report of a hunt"]);
}

/// Waits until the other process has written down that it has run some seeds.
#[cfg(unix)]
fn wait_for_a_chunk(folder: &Path) -> u64 {
    for _ in 0..600 {
        #[expect(clippy::disallowed_methods, reason = "the other process runs in real time")]
        std::thread::sleep(Duration::from_millis(50));
        let Ok(text) = fs::read_to_string(folder.join("report.json")) else { continue };
        // Whole at every moment: were it ever not, this would fail.
        let object: Value = serde_json::from_str(&text).expect("a whole report");
        let seeds = object["seeds"].as_u64().expect("a number");
        if seeds > 0 {
            return seeds;
        }
    }
    panic!("nothing was written in half a minute");
}

#[cfg(unix)]
#[test]
fn a_hunt_that_is_killed_goes_on_with_the_same_command_and_the_same_result() {
    let folder = folder("killed");
    let (whole, killed) = (folder.join("whole"), folder.join("killed"));
    let scenario = seed("hunts/single-redis.toml");
    let arguments = ["hunt", path(&scenario), "--seeds", "0..20000", "--jobs", "1"];
    let arguments = [&arguments[..], &["--out", path(&killed)]].concat();
    let mut child =
        command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    let seeds = wait_for_a_chunk(&killed);
    check_refused(&fencepost(&arguments), &["another hunt is at work in"]);
    child.kill().expect("ours");
    child.wait().expect("ends");
    assert!(seeds < 20_000, "too few seeds for this machine: it was through with them");
    fs::write(killed.join("report.json.1.part"), "half of").expect("writable");

    let merged = fencepost(&["merge", path(&killed)]);
    check_refused(&merged, &["of 20000 seeds: its hunt was broken off"]);
    let resumed = fencepost(&arguments);
    let said = String::from_utf8_lossy(&resumed.stderr).into_owned();
    assert!(said.contains("of 20000 seeds have been run before"), "{said}");
    hunt(&whole, &["--seeds", "0..20000"]);
    assert_eq!(report(&killed), report(&whole));
    assert!(!killed.join("report.json.1.part").exists());
}

#[cfg(unix)]
#[test]
fn an_interrupted_hunt_leaves_its_report_so_far_in_the_folder() {
    let folder = folder("interrupted");
    let scenario = seed("race.toml");
    let arguments = ["hunt", path(&scenario), "--seeds", "0..1000000000", "--out", path(&folder)];
    let child =
        command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    wait_for_a_chunk(&folder);
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.expect("kill runs").success());
    let output = child.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(130));
    let page = String::from_utf8_lossy(&output.stdout).into_owned();
    let object: Value = serde_json::from_str(&report(&folder)).expect("whole");
    assert_eq!(object["interrupted"], true);
    let so_far = format!("{} of 1000000000 run: interrupted", object["seeds"]);
    assert!(page.contains(&so_far), "{page}");
}
