//! The corpus: every scenario under `seeds/` shows what it says it shows, and its timeline stays
//! as it was reviewed. What lies in a folder there, such as `seeds/hunts/`, expects something of many
//! seeds and not of one.

use fencepost::report;
use fencepost_stories::corpus;

#[test]
fn every_scenario_shows_what_it_says_and_looks_as_it_did() {
    let corpus = corpus();
    assert!(corpus.len() >= 10, "only {} scenarios in seeds/", corpus.len());
    for (name, scenario) in corpus {
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
