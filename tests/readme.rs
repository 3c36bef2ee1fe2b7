//! What the README shows is what the program prints.

use std::fs;
use std::path::{Path, PathBuf};

use fencepost::report;
use fencepost::scenario::Scenario;

fn at_the_top(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn readme() -> String {
    fs::read_to_string(at_the_top("README.md")).expect("there is a README")
}

/// The fenced blocks of a language, in order.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    let blocks = text.split(fence.as_str()).skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or_default()).collect()
}

fn page(seed: &str) -> String {
    let scenario = Scenario::read(&at_the_top("seeds").join(seed)).expect("a scenario");
    let outcome = scenario.run(scenario.seed).expect("runs");
    report::text(&scenario, &outcome)
}

#[test]
fn the_readmes_timelines_are_excerpts_of_the_real_ones() {
    let readme = readme();
    let shown = blocks(&readme, "text");
    let pages = [page("paused-holder.toml"), page("paused-holder-reads-and-writes.toml")];
    assert_eq!(shown.len(), pages.len());
    for (block, page) in shown.iter().zip(&pages) {
        let mut rest = page.lines();
        for line in block.lines() {
            assert!(rest.any(|real| real == line), "not printed, or not in this order: {line}");
        }
    }
}

#[test]
fn the_readmes_scenario_is_one_of_the_corpus() {
    let readme = readme();
    let shown = blocks(&readme, "toml");
    let mut shown = Scenario::from_toml("README.md", shown[0]).expect("a scenario");
    let corpus = Scenario::read(&at_the_top("seeds/late-write.toml")).expect("a scenario");
    shown.explain.clone_from(&corpus.explain);
    assert_eq!(shown, corpus);
}
