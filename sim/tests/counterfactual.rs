//! `fencepost counterfactual` as scripts see it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fencepost::scenario::Scenario;
use serde_json::Value;

fn seed(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
    path.to_str().expect("UTF-8").to_owned()
}

fn counterfactual(scenario: &str, arguments: &[&str]) -> Output {
    let arguments = [&["counterfactual", scenario], arguments].concat();
    Command::new(env!("CARGO_BIN_EXE_fencepost")).args(arguments).output().expect("starts")
}

fn said(output: &Output) -> (&str, &str) {
    let text = |bytes| std::str::from_utf8(bytes).expect("UTF-8");
    (text(&output.stdout), text(&output.stderr))
}

fn object(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", said(output).1);
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

#[test]
fn an_object_says_what_was_set_where_the_runs_part_and_how_each_ends() {
    let file = seed("paused-holder.toml");
    let arguments = ["--set", "shop.fencing=\"reads-and-writes\"", "--format", "json"];
    let object = object(&counterfactual(&file, &arguments));
    assert_eq!(object["seed"], 2);
    let set = &object["settings"][0];
    assert_eq!((&set["key"], &set["before"]), (&"shop.fencing".into(), &"\"off\"".into()));
    assert_eq!(object["gone"], serde_json::json!(["oversell", "stale-write"]));
    assert_eq!(object["new"], serde_json::json!([]));
    assert_eq!(
        (&object["as_is"]["oversold"], &object["changed"]["oversold"]),
        (&1.into(), &0.into())
    );
    let parting = &object["parting"];
    assert!(parting["event"].as_u64() > Some(50), "{parting}");
    for side in ["as_is", "changed"] {
        assert_eq!(
            (&parting[side]["node"], &parting[side]["event"]),
            (&"store".into(), &"noted".into())
        );
    }
}

#[test]
fn what_the_issue_asks_for_can_be_set() {
    let gone = |file: &str, settings: &[&str]| {
        let set = settings.iter().flat_map(|setting| ["--set", setting]);
        let arguments: Vec<&str> = set.chain(["--format", "json"]).collect();
        object(&counterfactual(&seed(file), &arguments))["gone"].to_string()
    };
    assert!(gone("sentinel-lost-lock.toml", &["lock.wait_replicas=1"]).contains("two-holders"));
    let always = ["backend.persistence=\"aof-always\""];
    assert!(gone("power-loss-aof-everysec.toml", &always).contains("two-holders"));
    let recipe = ["lock.recipe=\"conditional-update\""];
    assert!(gone("paused-holder.toml", &recipe).contains("oversell"));
}

#[test]
fn a_page_has_both_and_the_changed_scenario_replays_as_a_file() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("counterfactual");
    fs::create_dir_all(&folder).expect("a folder");
    let out: PathBuf = folder.join("changed.toml");
    let _ = fs::remove_file(&out);
    let path = out.to_str().expect("UTF-8");
    let file = seed("hunts/single-redis.toml");
    let arguments = ["--seed", "7", "--set", "shop.stock=3", "--unset", "expect", "--out", path];
    let output = counterfactual(&file, &arguments);
    let (page, stderr) = said(&output);
    assert_eq!((output.status.code(), stderr), (Some(0), ""));
    for part in
        ["seed      7\n", "what if   shop.stock: 1 → 3\n", "expect: {", "as it is", "changed"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(page.ends_with("--seed 7\n"), "{page}");
    let written = fs::read_to_string(&out).expect("written");
    let scenario = Scenario::from_toml("changed.toml", &written).expect("a scenario");
    let original = Scenario::read(Path::new(&file)).expect("a scenario");
    assert_eq!((scenario.seed, scenario.shop.stock, &scenario.expect), (7, 3, &None));
    assert_eq!(scenario.plan(7), original.plan(7));
}

#[test]
fn bad_settings_are_refused_with_what_would_be_accepted() {
    let file = seed("paused-holder.toml");
    let cases: [(&[&str], &str); 6] = [
        (&[], "--set <KEY=VALUE>"),
        (&["--set", "shop.fencing"], "write KEY=VALUE"),
        (&["--set", "seed=5"], "the seed is the same in both runs"),
        (&["--set", "shop.fencing=wirtes"], "reads-and-writes"),
        (&["--set", "lock.recipe=redlock"], "redis-independent"),
        (&["--unset", "load"], "the file does not say `load`"),
    ];
    for (arguments, part) in cases {
        let output = counterfactual(&file, arguments);
        let (stdout, stderr) = said(&output);
        assert_eq!((output.status.code(), stdout), (Some(2), ""), "{arguments:?}");
        assert!(stderr.contains(part), "{arguments:?}: {stderr}");
    }
    let nowhere = counterfactual("nowhere.toml", &["--set", "shop.stock=2"]);
    assert_eq!(nowhere.status.code(), Some(2));
}
