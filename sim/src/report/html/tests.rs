use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::data::RunData;
use super::*;
use crate::judge::ViolationKind;
use crate::report::testing;

fn seed_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    files.sort();
    files
}

fn data(outcome: &Outcome) -> Value {
    json!(RunData::new(outcome, String::new(), String::new()))
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().unwrap()
}

#[test]
fn one_of_everything() {
    let mut data = data(&testing::medley());
    // The columns are long and say what the JSON lines say.
    for column in ["at", "node", "cause", "event", "about", "words", "messages"] {
        data.as_object_mut().unwrap().remove(column);
    }
    // A list a line.
    let lines: Vec<String> = data
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(key, value)| match value {
            Value::Array(items) => items.iter().map(|item| format!("{key} {item}")).collect(),
            other => vec![format!("{key} {other}")],
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

/// On all scenarios under `seeds/`: what is drawn is well formed, and what the eye sees is what the judge says.
#[test]
fn two_are_drawn_as_holders_where_the_judge_sees_two() {
    let mut with_overlap = 0;
    for file in seed_files() {
        let scenario = Scenario::read(&file).unwrap();
        let outcome = scenario.run(scenario.seed).unwrap();
        let data = data(&outcome);
        let name = file.display();
        let two = outcome.verdict.first(ViolationKind::TwoHolders);
        let overlaps = list(&data, "overlaps");
        // Threads of one process share a lane, and some runs have several locks.
        assert!(
            two.is_none()
                || !overlaps.is_empty()
                || outcome.run.history.nodes.iter().any(|node| node.starts_with("jvm")),
            "{name}"
        );
        if let Some(two) = two.filter(|_| !overlaps.is_empty()) {
            assert!(overlaps.iter().any(|one| one["from"] == two.record.0), "{name}: {overlaps:?}");
            with_overlap += 1;
        }
        if two.is_none() {
            assert!(overlaps.is_empty(), "{name}: {overlaps:?}");
        }
        let records = outcome.run.history.records().len() as i64;
        for column in ["at", "node", "cause", "event", "about"] {
            assert_eq!(list(&data, column).len() as i64, records, "{name}: {column}");
        }
        let lanes = list(&data, "lanes").len() as i64;
        assert_eq!(lanes, outcome.run.history.nodes.len() as i64, "{name}: a lane for each node");
        for span in list(&data, "spans") {
            let (lane, from, to) =
                (span[0].as_i64().unwrap(), span[3].as_i64().unwrap(), span[4].as_i64().unwrap());
            assert!(lane < lanes && from < records && (to == -1 || from < to), "{name}: {span}");
        }
        for (place, sent) in list(&data["messages"], "sent").iter().enumerate() {
            let (sent, end) =
                (sent.as_i64().unwrap(), data["messages"]["end"][place].as_i64().unwrap());
            assert!(end == -1 || sent < end, "{name}: message {place}");
        }
    }
    assert!(with_overlap > 20, "{with_overlap}");
}

#[test]
fn every_violation_and_every_fault_that_began_is_drawn() {
    let outcome = testing::medley();
    let data = data(&outcome);
    assert_eq!(list(&data, "violations").len(), outcome.verdict.violations.len());
    let begun =
        outcome.run.history.incidents().filter(|(_, record)| {
            matches!(record.event, crate::world::history::Event::FaultBegan(_))
        });
    assert_eq!(list(&data, "faults").len(), begun.count());
}

#[test]
fn names_and_texts_are_text_wherever_they_stand() {
    let evil = "</script><img src=x onerror=alert(1)>&\"'";
    let scenario = Scenario::default().but(|s| {
        (s.title, s.explain) = (evil.to_owned(), evil.to_owned());
    });
    let mut outcome = scenario.run(1).unwrap();
    outcome.run.history.nodes[0] = evil.to_owned();
    let besides = Besides::of(&scenario, &outcome);
    let page = besides.page(&scenario, &outcome, Some(evil));
    assert!(!page.contains("<img"));
    assert_eq!(page.matches("</script>").count(), 2, "the data's and the program's");
    assert!(page.contains("&lt;img src=x"), "it is there as text");
}

#[test]
fn the_page_of_a_run_that_goes_wrong_shows_the_cure_and_the_curve() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/paused-holder.toml");
    let scenario = Scenario::read(&file).unwrap();
    let outcome = scenario.run(scenario.seed).unwrap();
    let besides = Besides::of(&scenario, &outcome);
    let fenced = besides.fenced.as_ref().unwrap();
    assert!(!fenced.outcome.verdict.kinds().contains(&ViolationKind::Oversell));
    assert!(fenced.outcome.verdict.books.fenced_off > 0);
    let parting = fenced.parting.as_ref().unwrap();
    assert!(parting.event.0 > 0);
    let curve = besides.curve.as_ref().unwrap();
    assert_eq!(curve.points.last().unwrap().violating, curve.futures);
    let page = besides.page(&scenario, &outcome, None);
    assert!(page.contains("<h1>Two holders of one lock; 2 sold of 1"));
    assert!(page.contains("refused by the store"));
}

#[test]
fn a_run_without_a_violation_needs_no_cure() {
    let scenario = Scenario::default();
    let outcome = scenario.run(1).unwrap();
    assert!(outcome.verdict.violations.is_empty());
    let besides = Besides::of(&scenario, &outcome);
    assert!(besides.fenced.is_none() && besides.curve.is_none());
    assert!(besides.page(&scenario, &outcome, None).contains("<h1>Nothing went wrong</h1>"));
}

#[test]
fn what_is_left_out_of_the_list_is_counted() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/sentinel-minority.toml");
    let scenario = Scenario::read(&file).unwrap();
    let outcome = scenario.run(scenario.seed).unwrap();
    let data = data(&outcome);
    let said = list(&data, "said");
    let chosen = said.iter().filter(|line| line[4] == true).count();
    assert!(chosen < said.len() && chosen <= 160, "{chosen} of {}", said.len());
    let page = page(&Shown::new(&scenario, &outcome));
    let left: usize = page
        .split(" more step")
        .filter_map(|before| before.rsplit('>').next()?.parse::<usize>().ok())
        .sum();
    assert_eq!(chosen + left, said.len());
}
