//! What can be said on a console.
//!
//! A fault is said in the words that it has in a scenario, on one line: as an inline table, or as the kind and then
//! `key=value`. One that says neither `at` nor `when` begins now, and `at` counts from now.
//!
//! ```text
//! pause node=redis-1 for=5s
//! partition between=redis-1,redis-2 and=sentinel-1 for=10s
//! { kind = "crash", when = { event = "key-set", node = "redis" }, node = "redis", for = "2s" }
//! ```

use std::fmt::Write as _;

use fencepost_faults::toml::{Document, Nodes, Problem, read_plan, string};
use fencepost_faults::{Fault, FaultKind, Plan, Start};
use fencepost_models::note::SHOP_KINDS;

use super::CLIENT;

/// What somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// These faults are to happen.
    Inject(Plan),
    /// Every fault is to be over.
    Heal,
    /// How is everybody?
    Status,
    /// What can be said here?
    Help,
}

/// What `help` says.
pub const HELP: &str =
    "a fault, as KIND KEY=VALUE ... or { kind = \"KIND\", KEY = VALUE, ... }; heal; status; help";

/// Reads a line. The nodes are those that there are, and those that can be told to fail over.
///
/// # Errors
///
/// What is wrong with it, on one line.
pub fn read(line: &str, names: &[String], targets: &[String]) -> Result<Order, String> {
    match line {
        "heal" => return Ok(Order::Heal),
        "status" => return Ok(Order::Status),
        "help" => return Ok(Order::Help),
        _ => {}
    }
    let table = if line.starts_with('{') { with_start(line) } else { spelt_out(line) };
    let text = format!("faults = [{table}]");
    let plan = read_faults(&text, Nodes::known(names, targets)).map_err(|found| shown(&found))?;
    match plan.iter().find_map(refusal) {
        Some(refusal) => Err(refusal),
        None => Ok(Order::Inject(plan)),
    }
}

fn read_faults(text: &str, nodes: Nodes<'_>) -> Result<Plan, Vec<Problem>> {
    let document = Document::parse(text)?;
    let mut root = document.root();
    let plan = read_plan(&mut root, nodes);
    root.finish();
    let problems = document.into_problems();
    if problems.is_empty() { Ok(plan) } else { Err(problems) }
}

/// Why a fault cannot be had here, though its words are right.
pub fn refusal(fault: &Fault) -> Option<String> {
    if let Start::When(trigger) = &fault.start
        // There are no buyers here, no shop, and nobody's own code that makes remarks.
        && let event = trigger.event.as_str()
        && (SHOP_KINDS.contains(&event) || event == "remark")
    {
        return Some(format!(
            "`{event}`: nobody outside writes that down, only servers do, such as `key-set`"
        ));
    }
    let is_of_links = matches!(
        fault.kind(),
        FaultKind::Partition
            | FaultKind::OneWayPartition
            | FaultKind::Delay
            | FaultKind::HoldMessage
            | FaultKind::DropConnection
    );
    let names_client = fault.action.nodes().contains(&CLIENT);
    (names_client && !is_of_links)
        .then(|| format!("`{CLIENT}` is everybody outside: only links to it can be faulty"))
}

/// An inline table with a time in it, if it has none.
fn with_start(line: &str) -> String {
    let table: Option<toml::Table> = toml::from_str(&format!("fault = {line}")).ok();
    let fault = table.as_ref().and_then(|table| table.get("fault")?.as_table());
    if fault.is_some_and(|fault| !fault.contains_key("at") && !fault.contains_key("when")) {
        return line.replacen('{', "{ at = \"0s\", ", 1);
    }
    line.to_owned()
}

/// The inline table that `KIND KEY=VALUE ...` stands for.
fn spelt_out(line: &str) -> String {
    let mut words = line.split_whitespace();
    let mut table = format!("{{ kind = {}", string(words.next().unwrap_or_default()));
    let mut has_start = false;
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        has_start |= matches!(key, "at" | "when");
        let bare = |key: &str| key.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        let key = if !key.is_empty() && bare(key) { key.to_owned() } else { string(key) };
        // Writing into a string cannot fail.
        let _ = write!(table, ", {key} = {}", value_of(value));
    }
    table.push_str(if has_start { " }" } else { ", at = \"0s\" }" });
    table
}

/// Numbers and what is quoted already are as they are, words with commas between them a list, the rest text.
fn value_of(word: &str) -> String {
    let is_toml = word.starts_with(['"', '\'', '[', '{']) || word.parse::<i64>().is_ok();
    if is_toml {
        return word.to_owned();
    }
    if word.contains(',') {
        let words: Vec<String> = word.split(',').map(string).collect();
        return format!("[{}]", words.join(", "));
    }
    string(word)
}

/// All that is wrong, on one line.
fn shown(problems: &[Problem]) -> String {
    let show = |problem: &Problem| {
        let help = problem.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        format!("{} ({}){help}", problem.message, problem.label).replace('\n', " ")
    };
    problems.iter().map(show).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> String {
        let names = ["redis-1", "redis-2", "sentinel-1", CLIENT].map(str::to_owned);
        match read(line, &names, &names[2..3]) {
            Ok(Order::Inject(plan)) => {
                plan.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
            }
            Ok(order) => format!("{order:?}"),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn a_fault_is_said_in_the_words_of_a_scenario() {
        let pause = "pause redis-1 at 0s for 5s";
        assert_eq!(said("pause node=redis-1 for=5s"), pause);
        assert_eq!(said(r#"{ kind = "pause", node = "redis-1", for = "5s" }"#), pause);
        assert_eq!(
            said("clock-drift node=redis-1 ppm=200 at=3s"),
            said(r#"{ kind = "clock-drift", node = "redis-1", ppm = 200, at = "3s" }"#)
        );
        let cut = said("partition between=redis-1,redis-2 and=client");
        assert!(
            cut.contains("redis-1") && cut.contains("redis-2") && cut.contains("client"),
            "{cut}"
        );
        assert!(said("failover node=sentinel-1").contains("failover"));
        assert_eq!(said("heal"), "Heal");
    }

    #[test]
    fn what_is_wrong_is_said_on_one_line() {
        for line in [
            "",
            "pasue node=redis-1",
            "pause node=redis-9",
            "pause",
            "pause node=redis-1 for=x",
            "pause node=client",
            r#"{ kind = "pause", when = { event = "acquired" }, node = "redis-1" }"#,
            "pause =",
            "pause node=\"",
            "{ kind = ",
            "{",
            "failover node=redis-1",
            "pause\u{0} node=\u{7f}",
        ] {
            let answer = said(line);
            assert!(answer.starts_with("error: ") && !answer.contains('\n'), "{line}: {answer}");
        }
        assert!(said("pasue node=redis-1").contains("pause"), "{}", said("pasue node=redis-1"));
    }
}
