//! A trace kept with `insta`, as `docs/snapshots.md` has it: what it says is what stands here.

use std::time::Duration;

use fencepost::report;
use fencepost::scenario::Scenario;
use fencepost_faults::{Action, Fault, Start};
use fencepost_models::load::LoadSettings;

fn the_sale_with_a_pause() -> Scenario {
    Scenario::default().but(|s| {
        s.title = "A pause longer than the lease".to_owned();
        s.shop.stock = 1;
        s.shop.buyers = 2;
        s.duration = Duration::from_secs(60);
        s.faults.push(Fault {
            start: Start::At(Duration::from_millis(5)),
            length: Some(Duration::from_secs(40)),
            action: Action::Pause { node: "buyer-1".to_owned() },
        });
    })
}

#[test]
fn a_pause_longer_than_the_lease() {
    let scenario = the_sale_with_a_pause();
    let outcome = scenario.run(1).expect("runs");
    insta::assert_snapshot!(report::trace(&scenario, &outcome));
}

/// The how-to's code is this file's.
#[test]
fn the_how_to_says_what_is_done_here() {
    let how_to = include_str!("../docs/snapshots.md");
    let blocks: Vec<&str> = how_to.split("```rust\n").skip(1).collect();
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        let code = block.split("```").next().unwrap_or_default();
        assert!(include_str!("trace.rs").contains(code), "not done here:\n{code}");
    }
}

#[test]
fn somebody_elses_keys_do_not_change_it() {
    let quiet = the_sale_with_a_pause();
    let busy = the_sale_with_a_pause().but(|s| s.load = Some(LoadSettings::default()));
    let trace = |scenario: &Scenario| report::trace(scenario, &scenario.run(1).expect("runs"));
    assert_eq!(trace(&quiet), trace(&busy));
}
