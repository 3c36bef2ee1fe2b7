//! The corpus: every scenario under `seeds/` shows what it says it shows, and its timeline stays
//! as it was reviewed. What lies in a folder there, such as `seeds/hunts/`, expects something of many
//! seeds and not of one.

use std::fs;
use std::path::{Path, PathBuf};

use fencepost::report;
use fencepost::scenario::Scenario;

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../seeds")
}

fn files() -> Vec<PathBuf> {
    let entries = fs::read_dir(seeds()).expect("seeds/ is there");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    files
}

#[test]
fn every_scenario_shows_what_it_says_and_looks_as_it_did() {
    let files = files();
    assert!(files.len() >= 10, "only {} scenarios in seeds/", files.len());
    for path in files {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let scenario = Scenario::read(&path).unwrap_or_else(|error| panic!("{error:?}"));
        assert!(scenario.expect.is_some(), "{name} says nothing about what to expect");
        assert!(scenario.faults.len() <= 2, "{name} needs more than two faults");
        let outcome = scenario.run(scenario.seed).expect("runs");
        insta::assert_snapshot!(name.clone(), report::text(&scenario, &outcome));
        assert!(
            scenario.is_met_by(&outcome.verdict),
            "{name} expects {:?} and shows {:?}",
            scenario.expect,
            outcome.verdict.kinds()
        );
        for fault in &outcome.run.faults {
            assert!(fault.fired, "{name}: {} never fired", fault.fault);
        }
    }
}
