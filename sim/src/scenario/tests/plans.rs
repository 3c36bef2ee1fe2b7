//! Plans that are drawn for a run.

use std::time::Duration;

use fencepost_faults::RandomFaults;
use fencepost_models::shop::Fencing;

use super::FULL;
use crate::scenario::{LinkSettings, Recipe, Scenario};
use crate::world::Latency;

fn hunted() -> Scenario {
    Scenario::default().but(|s| {
        s.random_faults = Some(RandomFaults { kinds: s.stage().kinds(), max: 6 });
    })
}

#[test]
fn a_plan_depends_on_the_seed_and_on_nothing_that_cures() {
    let latency = Latency::Fixed(Duration::from_millis(5));
    let link = LinkSettings { from: "buyer-1".into(), to: "store".into(), latency };
    for seed in 0..100 {
        let plan = hunted().plan(seed);
        assert!((1..=6).contains(&plan.len()));
        assert_eq!(plan, hunted().plan(seed));
        assert_ne!(plan, hunted().plan(seed + 1));
        let cured = hunted().but(|s| {
            s.shop.fencing = Fencing::ReadsAndWrites;
            s.shop.stock = 10;
            s.network.links.push(link.clone());
        });
        assert_eq!(plan, cured.plan(seed));
    }
}

#[test]
fn the_scenarios_own_faults_come_first() {
    let scenario = Scenario::from_toml("full.toml", FULL).unwrap();
    let plan = scenario.plan(3);
    assert_eq!(plan[..5], scenario.faults[..]);
    assert!((1..=6).contains(&(plan.len() - 5)));
    let none = scenario.but(|s| s.random_faults = None);
    assert_eq!(none.plan(3), none.faults);
}

#[test]
fn the_world_knows_every_node_of_a_drawn_plan_and_carries_it_out() {
    let scenario = hunted().but(|s| {
        s.lock = Recipe::None;
        s.shop.stock = 20;
        s.duration = Duration::from_secs(2);
    });
    let mut begun = 0;
    for seed in 0..50 {
        let outcome = scenario.run(seed).unwrap();
        assert_eq!(outcome.plan, scenario.plan(seed));
        assert_eq!(outcome.run.faults.len(), outcome.plan.len());
        begun += outcome.run.faults.iter().filter(|fault| fault.began_at.is_some()).count();
    }
    assert!(begun > 50, "{begun}");
}
