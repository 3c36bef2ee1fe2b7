//! The command line as scripts see it: exit codes, formats, files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fencepost::report;
use fencepost::scenario::Scenario;
use serde_json::Value;

fn seed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name)
}

/// A folder of the test's own, under the target directory.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn fencepost<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fencepost")).args(arguments).output().expect("starts")
}

fn run(scenario: &Path, more: &[&str]) -> Output {
    let path = scenario.to_str().expect("UTF-8");
    fencepost(["run", path].into_iter().chain(more.iter().copied()))
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

#[test]
fn a_run_as_expected_exits_with_0_and_any_other_with_1() {
    let expected = run(&seed("paused-holder.toml"), &[]);
    assert_eq!(expected.status.code(), Some(0), "{}", stderr(&expected));

    let text = fs::read_to_string(seed("paused-holder.toml")).expect("readable");
    let (before, _) = text.split_once("[expect]").expect("an expectation");
    let silent = folder("silent").join("paused-holder.toml");
    fs::write(&silent, before).expect("writable");
    assert_eq!(run(&silent, &[]).status.code(), Some(1));
    fs::write(&silent, format!("{before}[expect]\nviolations = [\"oversell\"]\n"))
        .expect("writable");
    assert_eq!(run(&silent, &[]).status.code(), Some(1), "some of the kinds are not all of them");
}

#[test]
fn json_has_the_promised_keys() {
    let output = run(&seed("paused-holder.toml"), &["--format", "json"]);
    let object = json(&output);
    for key in [
        "scenario",
        "seed",
        "digest",
        "simulated_ms",
        "events",
        "messages",
        "stock_initial",
        "stock_remaining",
        "sold",
        "oversold",
        "fenced_off",
        "max_holders",
        "violations",
        "faults",
    ] {
        assert!(object.get(key).is_some(), "no {key} in {object}");
    }
    assert_eq!(object["stock_initial"], 1);
    assert_eq!(object["sold"], 2);
    assert_eq!(object["oversold"], 1);
    assert_eq!(object["max_holders"], 2);
    assert_eq!(object["simulated_ms"], 60_000);
    for violation in object["violations"].as_array().expect("a list") {
        for key in ["kind", "at_ms", "nodes", "detail"] {
            assert!(violation.get(key).is_some(), "no {key} in {violation}");
        }
    }
    let fault = &object["faults"][0];
    assert_eq!(fault["kind"], "pause");
    assert_eq!(fault["target"], "buyer-1");
    assert_eq!(fault["fired"], true);
    assert!(fault["at_ms"].is_u64(), "{fault}");
}

#[test]
fn fencing_sells_exactly_the_stock_under_the_same_seed() {
    for name in ["paused-holder-writes.toml", "paused-holder-reads-and-writes.toml"] {
        let object = json(&run(&seed(name), &["--format", "json"]));
        assert_eq!(object["sold"], 1, "{name}");
        assert_eq!(object["stock_remaining"], 0, "{name}");
        assert_eq!(object["oversold"], 0, "{name}");
        assert_eq!(object["max_holders"], 2, "{name}");
        assert!(object["fenced_off"].as_u64() > Some(0), "{name}");
    }
}

#[test]
fn another_seed_is_another_run_and_the_same_one_is_the_same() {
    let digest = |seed_number: &str| {
        let output = run(&seed("race.toml"), &["--seed", seed_number, "--format", "json"]);
        json(&output)["digest"].as_str().expect("a digest").to_owned()
    };
    assert_eq!(digest("5"), digest("5"));
    assert_ne!(digest("5"), digest("6"));
}

#[test]
fn json_lines_are_one_object_each() {
    let output = run(&seed("paused-holder.toml"), &["--format", "jsonl"]);
    let lines: Vec<Value> = stdout(&output)
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object a line"))
        .collect();
    assert!(lines.len() > 50, "{} lines", lines.len());
    assert!(lines.iter().all(Value::is_object));
}

#[test]
fn each_format_for_others_is_what_the_library_writes() {
    let scenario = Scenario::read(&seed("paused-holder.toml")).expect("a scenario");
    let outcome = scenario.run(scenario.seed).expect("runs");
    let written = |write: &dyn Fn(&mut Vec<u8>) -> std::io::Result<()>| {
        let mut out = Vec::new();
        write(&mut out).expect("writes to memory");
        String::from_utf8(out).expect("UTF-8")
    };
    for (format, expected) in [
        ("trace", report::trace(&scenario, &outcome)),
        ("perfetto", written(&|out| report::perfetto(&scenario, &outcome, out))),
        ("shiviz", written(&|out| report::shiviz(&outcome, out))),
        ("operations", written(&|out| report::operations(&scenario, &outcome, out))),
    ] {
        let output = run(&seed("paused-holder.toml"), &["--format", format]);
        assert_eq!(output.status.code(), Some(0), "{format}: {}", stderr(&output));
        assert!(stdout(&output) == expected, "{format}");
    }
}

#[test]
fn out_writes_the_file_and_leaves_nothing_beside_it() {
    let folder = folder("out");
    let file = folder.join("run.json");
    fs::write(&file, "what was there before").expect("writable");
    let path = file.to_str().expect("UTF-8");
    let output = run(&seed("race.toml"), &["--format", "json", "--out", path]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
    let written = fs::read_to_string(&file).expect("readable");
    assert!(serde_json::from_str::<Value>(&written).is_ok());
    assert_eq!(fs::read_dir(&folder).expect("readable").count(), 1);
}

#[test]
fn out_to_where_nothing_can_be_written_is_a_failure_of_our_own() {
    let output = run(&seed("race.toml"), &["--out", "/no/such/folder/run.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("/no/such/folder/run.json"), "{}", stderr(&output));
}

#[test]
#[cfg(unix)]
fn out_writes_to_what_is_no_file_and_keeps_links_and_permissions() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let folder = folder("out-special");
    let (target, link) = (folder.join("target.json"), folder.join("link.json"));
    let _ = fs::remove_file(&link);
    fs::write(&target, "old").expect("writable");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).expect("ours");
    symlink(&target, &link).expect("a link");
    let path = link.to_str().expect("UTF-8");
    let output = run(&seed("race.toml"), &["--format", "json", "--out", path]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
    let written = fs::read_to_string(&target).expect("readable");
    assert!(serde_json::from_str::<Value>(&written).is_ok(), "{written}");
    let mode = fs::metadata(&target).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let output = run(&seed("race.toml"), &["--format", "json", "--out", "/dev/stdout"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(json(&output).is_object(), "it went through the device, not over it");
}

#[test]
fn a_runaway_ends_with_the_limit_the_seed_and_the_remedy() {
    let text = fs::read_to_string(seed("paused-holder.toml")).expect("readable");
    let file = folder("runaway").join("runaway.toml");
    fs::write(&file, format!("{text}\n[limits]\nevents = 50\n")).expect("writable");
    let output = run(&file, &["--seed", "7"]);
    assert_eq!(output.status.code(), Some(2));
    for part in ["seed 7", "runaway.toml", "limits.events", "events = 100"] {
        assert!(stderr(&output).contains(part), "no {part} in {}", stderr(&output));
    }
}

#[test]
fn a_deterministic_run_passes_the_check() {
    let output = run(&seed("paused-holder.toml"), &["--check-determinism"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("agree in all of their"), "{}", stderr(&output));
}

#[test]
fn bad_input_exits_with_2_and_says_where() {
    let folder = folder("bad-input");
    let text = fs::read_to_string(seed("paused-holder.toml")).expect("readable");
    let cases = [
        ("unknown-key", text.replace("stock = 1", "stok = 1"), "stok"),
        ("wrong-type", text.replace("stock = 1", "stock = \"one\""), "stock"),
        ("negative-time", text.replace("\"15s\"", "\"-15s\""), "-15s"),
        ("no-such-node", text.replace("node = \"buyer-1\"", "node = \"buyer-9\""), "buyer-9"),
        ("no-such-recipe", text.replace("\"set-nx\"", "\"set-nxx\""), "set-nxx"),
        ("unfit", text.replace("[backend]\nkind = \"redis\"\n", ""), "set-nx"),
        ("empty", String::new(), "empty"),
    ];
    for (name, content, named) in cases {
        let file = folder.join(format!("{name}.toml"));
        fs::write(&file, &content).expect("writable");
        let output = run(&file, &[]);
        assert_eq!(output.status.code(), Some(2), "{name}: {}", stdout(&output));
        assert!(stderr(&output).contains(&format!("{name}.toml")), "{name}: {}", stderr(&output));
        assert!(stderr(&output).contains(named), "{name}: {}", stderr(&output));
        assert!(!stderr(&output).contains("panicked"), "{name}: {}", stderr(&output));
    }
}

#[test]
fn files_that_are_no_scenarios_exit_with_2() {
    let folder = folder("no-scenario");
    let binary = folder.join("binary.toml");
    fs::write(&binary, b"title = \"\xff\xfe\"\n").expect("writable");
    let huge = folder.join("huge.toml");
    fs::write(&huge, "# nothing\n".repeat(1_000_000)).expect("writable");
    for file in [binary, huge, folder.join("missing.toml"), folder.clone()] {
        let output = run(&file, &[]);
        assert_eq!(output.status.code(), Some(2), "{}", file.display());
        assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
        assert!(stderr(&output).len() < 2_000, "{}", stderr(&output));
    }
}

#[test]
fn unknown_arguments_exit_with_2() {
    for arguments in [&["fly"][..], &["run"], &["run", "a.toml", "--format", "xml"]] {
        assert_eq!(fencepost(arguments.iter().copied()).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn demo_lists_the_lessons_and_tells_each() {
    let list = fencepost(["demo"]);
    assert_eq!(list.status.code(), Some(0));
    let names: Vec<&str> = fencepost::lessons::all().map(|lesson| lesson.name).collect();
    for name in names {
        assert!(stdout(&list).contains(name), "{name}");
        let told = fencepost(["demo", name]);
        assert_eq!(told.status.code(), Some(0), "{name}: {}", stderr(&told));
        // An address is not broken.
        for line in stdout(&told).lines().filter(|line| !line.contains("://")) {
            assert!(line.chars().count() <= 100, "{name}: {line}");
        }
    }
    let unknown = fencepost(["demo", "nonsense"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("paused-holder"), "{}", stderr(&unknown));
}

#[test]
fn the_lessons_are_written_as_a_site_whose_links_and_commands_lead_somewhere() {
    let folder = std::env::temp_dir().join(format!("fencepost-site-{}", std::process::id()));
    let out = folder.to_str().unwrap();
    let written = fencepost(["demo", "--out", out]);
    assert_eq!(written.status.code(), Some(0), "{}", stderr(&written));
    let index = std::fs::read_to_string(folder.join("index.html")).unwrap();
    let links = |page: &str| -> Vec<String> {
        let targets = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        targets
            .filter(|target| !target.starts_with("http") && !target.starts_with('#'))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(links(&index).len(), fencepost::lessons::all().count());
    for lesson in fencepost::lessons::all() {
        let page = std::fs::read_to_string(folder.join(format!("{}.html", lesson.name))).unwrap();
        for link in links(&page) {
            assert!(folder.join(&link).is_file(), "{}: {link}", lesson.name);
        }
        for step in lesson.steps {
            let file = folder.join("seeds").join(step.file);
            assert_eq!(std::fs::read_to_string(file).unwrap(), step.toml);
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn one_lesson_alone_can_be_written() {
    let folder = std::env::temp_dir().join(format!("fencepost-lesson-{}", std::process::id()));
    let written = fencepost(["demo", "race", "--out", folder.to_str().unwrap()]);
    assert_eq!(written.status.code(), Some(0), "{}", stderr(&written));
    assert!(folder.join("race.html").is_file() && !folder.join("jvm.html").exists());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_run_is_written_as_a_page_with_the_command_that_replays_it() {
    let page = fencepost(["run", "seeds/race.toml", "--format", "html"]);
    assert_eq!(page.status.code(), Some(0), "{}", stderr(&page));
    let page = stdout(&page);
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
    assert!(page.contains("fencepost run seeds/race.toml --seed"));
}
