use fencepost_faults::{FaultKind, RandomFaults};

use super::*;
use crate::judge::ViolationKind::{Oversell, StaleWrite, TwoHolders};
use crate::scenario::Recipe;

/// A scenario of the corpus.
fn file(name: &str) -> String {
    let path = format!("{}/seeds/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("a scenario of the corpus")
}

fn compare(name: &str, settings: &[&str], seed: Option<u64>) -> Compared {
    let settings: Vec<Setting> = settings.iter().map(|one| one.parse().unwrap()).collect();
    let what_if = Counterfactual::of_toml(name, &file(name), &settings, seed).unwrap();
    what_if.carry_out().unwrap()
}

fn kinds(kinds: &[ViolationKind]) -> BTreeSet<ViolationKind> {
    kinds.iter().copied().collect()
}

#[test]
fn with_fencing_the_runs_part_where_the_store_refuses_the_first_write() {
    let compared = compare("paused-holder.toml", &["shop.fencing=reads-and-writes"], None);
    let as_is = Scenario::from_toml("x", &file("paused-holder.toml")).unwrap();
    let alone = as_is.run(as_is.seed).unwrap();
    assert_eq!(compared.as_is.1.run.history.digest(), alone.run.history.digest());
    assert_eq!(compared.gone(), kinds(&[Oversell, StaleWrite]));
    assert!(compared.brought().is_empty() && !compared.nodes_differ() && !compared.faults_differ());

    let Parting { event, as_is, changed } = compared.parting.clone().unwrap();
    let (as_is, changed) = (as_is.unwrap(), changed.unwrap());
    assert_eq!((as_is.node.as_str(), changed.node.as_str()), ("store", "store"));
    assert_eq!(as_is.at, changed.at);
    assert!(as_is.did.starts_with("notes WriteTaken { from: buyer-1,"), "{}", as_is.did);
    assert!(changed.did.starts_with("notes Fenced { from: buyer-1,"), "{}", changed.did);
    let histories = [&compared.as_is.1, &compared.changed.1].map(|outcome| &outcome.run.history);
    let before = event.0 as usize;
    assert_eq!(histories[0].records()[..before], histories[1].records()[..before]);
}

#[test]
fn what_was_drawn_for_the_scenario_as_it_is_happens_to_both() {
    let name = "hunts/single-redis.toml";
    let original = Scenario::from_toml(name, &file(name)).unwrap();
    let set: Setting = "lock.ttl=3s".parse().unwrap();
    // Another lease has other faults drawn: their lengths go by it.
    let other = Counterfactual::of_toml(name, &file(name), &[set], None).unwrap().changed().clone();
    let other = other.but(|s| {
        s.faults.clear();
        s.random_faults.clone_from(&original.random_faults);
    });
    let seed = (0..).find(|seed| other.plan(*seed) != original.plan(*seed)).unwrap();
    let compared = compare(name, &["lock.ttl=3s"], Some(seed));
    let (scenario, outcome) = &compared.changed;
    assert_eq!((&outcome.plan, &scenario.random_faults), (&original.plan(seed), &None));
    assert!(!compared.faults_differ());

    let compared = compare(name, &["random_faults.max=0"], Some(seed));
    assert!(compared.faults_differ() && compared.changed.1.plan.is_empty());
}

#[test]
fn another_recipe_parts_at_its_first_word_and_the_nodes_stay() {
    let compared = compare("paused-holder.toml", &["lock.recipe=conditional-update"], None);
    assert_eq!(compared.gone(), kinds(&[TwoHolders, Oversell, StaleWrite]));
    assert!(!compared.nodes_differ());
    assert_eq!(
        compared.idle_faults(),
        1,
        "no buyer of this recipe looks at the stock, then pauses"
    );
    let page = text(&compared, &TextOptions::default());
    assert!(page.contains("1 fault that fired as it is did not after the change"), "{page}");
    let changed = compared.parting.unwrap().changed.unwrap();
    assert_eq!((changed.node.as_str(), changed.event.as_str()), ("buyer-1", "connecting"));
}

#[test]
fn other_nodes_are_told_and_the_runs_part_where_names_do() {
    let compared = compare("sentinel-lost-lock.toml", &["backend.replicas=1"], None);
    assert!(compared.nodes_differ());
    let Parting { as_is, changed, .. } = compared.parting.unwrap();
    assert_ne!(as_is.unwrap().node, changed.unwrap().node);
}

#[test]
fn a_setting_that_makes_no_difference_makes_none() {
    let compared = compare("paused-holder.toml", &["explain=shorter"], None);
    assert_eq!(compared.parting, None);
    assert_eq!(compared.as_is.1.run.history.digest(), compared.changed.1.run.history.digest());
    let page = text(&compared, &TextOptions::default());
    assert!(page.contains("never: all") && page.contains("no difference: two-holders"), "{page}");
}

#[test]
fn the_errors_are_those_of_the_file() {
    let refused = |settings: &[&str]| {
        let settings: Vec<Setting> = settings.iter().map(|one| one.parse().unwrap()).collect();
        let text = file("paused-holder.toml");
        Counterfactual::of_toml("paused.toml", &text, &settings, None).unwrap_err().to_string()
    };
    let misspelt = refused(&["shop.fencing=wirtes"]);
    assert!(misspelt.starts_with("paused.toml, as set:20:11: "), "{misspelt}");
    assert!(refused(&["shop.fencng=writes"]).contains("unknown key"));
    assert!(refused(&["shop.stock=many"]).contains("stock"));
    assert!(refused(&["lock.recipe=redlock"]).contains("cannot lock on `redis`"));
    assert!(refused(&["shop.stock.x=1"]).contains("nothing below"));
}

#[test]
fn a_plan_that_no_longer_fits_is_an_error() {
    let random = RandomFaults { kinds: vec![FaultKind::Pause], max: 6 };
    let sale = Scenario::default().but(|s| {
        (s.shop.buyers, s.random_faults) = (9, Some(random));
    });
    let seed = (0..).find(|seed| sale.plan(*seed).iter().any(|f| f.action.nodes() == ["buyer-9"]));
    let fewer = sale.clone().but(|s| s.shop.buyers = 2);
    let not_run = Counterfactual::new(sale, fewer, seed.unwrap()).carry_out().unwrap_err();
    assert!(not_run.changed, "{not_run}");
    assert!(not_run.to_string().starts_with("the scenario with the settings changed could not"));
}

#[test]
fn a_race_and_its_cure_as_a_page_and_as_an_object() {
    let race = Scenario::default().but(|s| (s.lock, s.backend) = (Recipe::None, None));
    let cured = race.clone().but(|s| s.lock = Recipe::ConditionalUpdate);
    let compared = Counterfactual::new(race, cured, 3).carry_out().unwrap();
    let options = TextOptions { replay: Some("fencepost run race.toml"), ..TextOptions::default() };
    insta::assert_snapshot!("race_text", text(&compared, &options));
    let mut object = Vec::new();
    json(&compared, &mut object).unwrap();
    insta::assert_snapshot!("race_json", String::from_utf8(object).unwrap());
}
