use serde_json::{Value, json};

use super::*;
use crate::hunt::{Hunt, Shard, TextOptions, json as write, merge, text};
use crate::judge::ViolationKind::{Oversell, TwoHolders};

/// A lock on one Redis and whatever goes wrong, and its first stories.
fn hunted() -> (Scenario, Hunt) {
    let path = format!("{}/seeds/hunts/single-redis.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("a scenario of the corpus");
    let scenario = Scenario::from_toml("single-redis.toml", &text).expect("a scenario");
    (scenario.clone(), Hunt::new(scenario, 0..300).stories(4))
}

fn told(hunt: &Hunt, scenario: &Scenario, jobs: usize) -> HuntReport {
    let mut report = hunt.run().unwrap();
    let jobs = NonZeroUsize::new(jobs).unwrap();
    report.tell_stories(scenario, jobs, || ControlFlow::Continue(())).unwrap();
    report
}

fn written(report: &HuntReport) -> String {
    let mut object = Vec::new();
    write(report, None, &mut object).unwrap();
    String::from_utf8(object).unwrap()
}

fn story(faults: &[&str], ending: Option<Ending>) -> Story {
    Story { faults: faults.iter().map(|fault| (*fault).to_owned()).collect(), ending }
}

#[test]
fn stories_are_counted_the_commonest_first_and_no_more_than_asked_for() {
    let asleep = story(&["pause client"], Some(Ending::Expired));
    let jumped = story(&["clock-jump server"], Some(Ending::ExpiredEarly));
    let mut stories = Stories::new(5);
    let seeds =
        [(3, &jumped), (4, &asleep), (7, &asleep), (8, &jumped), (9, &asleep), (11, &jumped)];
    for (seed, story) in seeds {
        stories.add(TwoHolders, [StorySeed { seed, story: Some(story.clone()) }]);
    }
    stories.count(Oversell, 12);
    assert_eq!((stories.told(TwoHolders), stories.told(Oversell), stories.untold()), (5, 0, 1));
    let counts = stories.of(TwoHolders);
    assert_eq!(counts[0], StoryCount { story: &asleep, seeds: 3, first: 4 });
    assert_eq!(counts[1], StoryCount { story: &jumped, seeds: 2, first: 3 });
    assert_eq!((counts.len(), stories.of(Oversell).len()), (2, 0));
    assert_eq!(asleep.in_words(), "pause client: the earlier grant had expired");
    assert_eq!(story(&[], None).in_words(), "no fault");
}

#[test]
fn the_first_seeds_of_each_kind_are_told_and_the_rest_of_the_report_is_the_same() {
    let (scenario, hunt) = hunted();
    let report = told(&hunt, &scenario, 2);
    let stories = report.stories.clone().unwrap();
    assert_eq!(stories.untold(), 0);
    for (kind, seeds) in &stories.seeds {
        assert_eq!(seeds.len() as u64, report.violations_by_kind[kind].min(4), "{kind}");
        assert_eq!(seeds[0].seed, report.first[kind]);
        for one in seeds {
            let shrunk = Shrink::new(scenario.clone(), one.seed).kind(*kind).most_runs(MOST_RUNS);
            let mechanism = shrunk.carry_out().unwrap().unwrap().mechanism;
            assert_eq!(one.story, Some(Story::from(&mechanism)));
        }
    }
    let without = Hunt::new(scenario, 0..300).run().unwrap();
    assert_eq!(HuntReport { stories: None, ..report.clone() }, without);
    let page = text(&report, &TextOptions::default());
    for part in ["story", "each shrunk:", "the earlier grant"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let object: Value = serde_json::from_str(&written(&report)).unwrap();
    let counted = object["stories"].as_array().unwrap();
    let sum = |key: &str| counted.iter().map(|one| one[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum("seeds"), stories.seeds.values().flatten().count() as u64);
    assert!(counted.iter().all(|one| one["low_ppm"].as_f64() < one["ppm"].as_f64()));
}

#[test]
fn a_page_has_the_commonest_stories_and_counts_the_others() {
    let (scenario, _) = hunted();
    let mut report = HuntReport::new(&scenario, 0..40);
    let mut stories = Stories::new(40);
    for seed in 0..40 {
        // The first is there as often as it can be, the later ones once each.
        let faults = [format!("fault {}", u64::from(seed > 20) * (seed % 20))];
        let story = Some(Story { faults: faults.into(), ending: None });
        stories.add(TwoHolders, [StorySeed { seed, story }]);
    }
    report.seeds = 40;
    report.violations_by_kind.insert(TwoHolders, 40);
    report.stories = Some(stories);
    let page = text(&report, &TextOptions::default());
    assert!(page.contains("two-holders, 40 seeds, each shrunk:\n"), "{page}");
    assert_eq!(page.matches("  fault ").count(), 12, "{page}");
    assert!(page.contains("8  of 8 other stories, which the JSON has\n"), "{page}");
}

#[test]
fn the_stories_of_the_parts_add_up_to_those_of_the_whole() {
    let (scenario, hunt) = hunted();
    let whole = told(&hunt, &scenario, 2);
    for of in [1, 2, 3, 7] {
        let part = |number| {
            let hunt = hunt.clone().shard(Shard::new(number, of).unwrap());
            let report = told(&hunt, &scenario, 1 + number as usize % 2);
            (number.to_string(), HuntReport::from_json("part", &written(&report)).unwrap())
        };
        let mut parts: Vec<_> = (1..=of).map(part).collect();
        parts.reverse();
        assert_eq!(written(&merge(parts).unwrap()), written(&whole), "{of} parts");
    }
}

#[test]
fn what_was_broken_off_is_gone_on_with_and_what_is_untold_is_not_merged() {
    let (scenario, hunt) = hunted();
    let mut report = hunt.run().unwrap();
    report.tell_stories(&scenario, NonZeroUsize::MIN, || ControlFlow::Break(())).unwrap();
    let all = report.stories.as_ref().unwrap().seeds.values().flatten().count();
    assert_eq!(report.stories.as_ref().unwrap().untold(), all - 1);
    let report = HuntReport::from_json("report", &written(&report)).unwrap();
    let error = merge(vec![("one".to_owned(), report.clone())]).unwrap_err().to_string();
    assert_eq!(error, "one has not told all of its stories: its hunt was broken off");

    let gone_on = hunt.clone().go_on_from(report.clone()).unwrap();
    assert_eq!(told(&gone_on, &scenario, 2), told(&hunt, &scenario, 2));
    let other = Hunt::new(scenario, 0..300).stories(5).go_on_from(report).unwrap_err();
    assert!(other.to_string().contains("stories: of 5 seeds of each kind, not of 4"), "{other}");
}

#[test]
fn what_cannot_be_the_first_seeds_is_refused() {
    let (_, hunt) = hunted();
    let object: Value = serde_json::from_str(&written(&hunt.run().unwrap())).unwrap();
    let read = |object: &Value| HuntReport::from_json("report", &object.to_string());
    assert!(read(&object).is_ok());
    let changes = [
        ("/told/sample", json!(3)),
        ("/told/seeds/two-holders/0/seed", json!(14)),
        ("/told/seeds/two-holders/1/seed", json!(13)),
        ("/told/seeds/two-holders/3/seed", json!(300)),
        ("/told/seeds/two-holders", json!([])),
        ("/told/seeds", json!({})),
    ];
    for (place, value) in changes {
        let mut changed = object.clone();
        *changed.pointer_mut(place).expect(place) = value;
        let error = read(&changed).unwrap_err().to_string();
        assert!(
            error.ends_with("`told` are not the first of the violating seeds"),
            "{place}: {error}"
        );
    }
}
