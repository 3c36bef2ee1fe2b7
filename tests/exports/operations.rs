//! Jepsen's rules for histories (`jepsen.history`), and what the verdict says of the same run.

use std::collections::{BTreeMap, BTreeSet};

use fencepost::judge::holds;
use fencepost::report;
use fencepost::scenario::{Outcome, Scenario};
use fencepost_models::note::Note;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    index: u64,
    time: u64,
    process: Process,
    #[serde(rename = "type")]
    kind: Kind,
    f: String,
    value: Value,
    error: Option<Value>,
    name: Option<String>,
    #[serde(default)]
    reentered: bool,
    #[serde(default)]
    repeated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(untagged)]
enum Process {
    Client(u64),
    Nemesis(Nemesis),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Nemesis {
    Nemesis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Invoke,
    Ok,
    Fail,
    Info,
}

fn history(scenario: &Scenario, outcome: &Outcome) -> Vec<Operation> {
    let mut out = Vec::new();
    report::operations(scenario, outcome, &mut out).expect("writes to memory");
    let text = String::from_utf8(out).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("an operation")).collect()
}

/// Holds a history against the rules; returns the places of the invocations that have no completion.
fn is_well_formed(name: &str, history: &[Operation]) -> Vec<usize> {
    let mut open: BTreeMap<Process, usize> = BTreeMap::new();
    let mut gone: BTreeSet<Process> = BTreeSet::new();
    let mut names: BTreeMap<Process, &Option<String>> = BTreeMap::new();
    let mut time = 0;
    for (place, operation) in history.iter().enumerate() {
        let Operation { index, process, kind, f, .. } = operation;
        let at = format!("{name}, operation {index}");
        assert_eq!(*index, place as u64, "{at}: indices are dense");
        assert!(time <= operation.time, "{at}: time goes on");
        time = operation.time;
        assert!(!gone.contains(process), "{at}: a process that has crashed does nothing");
        assert_eq!(
            operation.error.is_some(),
            *process != Process::Nemesis(Nemesis::Nemesis)
                && matches!(kind, Kind::Fail | Kind::Info),
            "{at}: why"
        );
        let invoked = open.remove(process);
        match (process, kind, invoked) {
            // The nemesis invokes and completes with `info`, in turn.
            (Process::Nemesis(_), Kind::Info, None) => {
                open.insert(*process, place);
            }
            (Process::Nemesis(_), Kind::Info, Some(invoked)) => {
                assert_eq!(*f, history[invoked].f, "{at}");
            }
            (Process::Client(_), Kind::Invoke, None) => {
                let known = names.entry(*process).or_insert(&operation.name);
                assert!(operation.name.is_some() && **known == operation.name, "{at}: whose it is");
                open.insert(*process, place);
            }
            (Process::Client(_), Kind::Ok | Kind::Fail | Kind::Info, Some(invoked)) => {
                assert_eq!(*f, history[invoked].f, "{at}: another operation is under way");
                if *kind == Kind::Info {
                    gone.insert(*process);
                }
            }
            other => panic!("{at}: {other:?}"),
        }
    }
    open.into_values().collect()
}

#[test]
fn the_corpus_as_operation_histories() {
    super::for_each_of_the_corpus(|name, scenario, outcome| {
        let history = history(scenario, outcome);
        let open = is_well_formed(name, &history);
        let count = |f: &str, kind: Kind| {
            history.iter().filter(|operation| operation.f == f && operation.kind == kind).count()
        };

        // Everybody's beliefs.
        let holds = holds(&outcome.run.history);
        assert_eq!(count("acquire", Kind::Ok), holds.len(), "{name}");
        let entered = holds.iter().filter(|hold| hold.reentered).count();
        assert_eq!(
            history.iter().filter(|operation| operation.reentered).count(),
            entered,
            "{name}"
        );

        // What was seen and sold.
        let notes = || outcome.run.history.notes().map(|(_, _, note)| note);
        let seen = notes().filter(|note| matches!(note, Note::StockSeen { .. })).count();
        assert_eq!(count("read", Kind::Ok), seen, "{name}");
        let repeated = history.iter().filter(|operation| operation.repeated).count();
        let certain = (count("order", Kind::Ok) - repeated) as u64;
        let unfinished = open.iter().filter(|place| history[**place].f == "order").count();
        let possible = certain + (count("order", Kind::Info) + unfinished) as u64;
        let sold = outcome.verdict.books.sold;
        assert!(certain <= sold && sold <= possible, "{name}: {certain} <= {sold} <= {possible}");
        let fenced = history.iter().filter(|operation| {
            operation.error.as_ref().is_some_and(|error| error.get("fenced").is_some())
        });
        assert!(fenced.count() as u64 <= outcome.verdict.books.fenced_off, "{name}");

        // Faults: each begins with two lines.
        let starts = history.iter().filter(|operation| operation.f.starts_with("start-")).count();
        let begun = outcome.run.faults.iter().filter(|fault| fault.began_at.is_some()).count();
        assert_eq!(starts, 2 * begun, "{name}");
        for operation in &history {
            assert!(operation.value.is_object() || operation.value.is_string(), "{name}");
        }
    });
}

#[test]
fn of_the_paused_holder_both_orders_are_ok_and_its_release_fails() {
    let corpus = fencepost_stories::corpus();
    let (_, scenario) = corpus.iter().find(|(name, _)| name == "paused-holder").expect("there");
    let outcome = scenario.run(scenario.seed).expect("runs");
    let history = history(scenario, &outcome);
    let orders = history.iter().filter(|it| it.f == "order" && it.kind == Kind::Ok).count();
    assert_eq!((orders, outcome.verdict.books.sold), (2, 2));
    let failed: Vec<_> = history.iter().filter(|it| it.kind == Kind::Fail).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!((failed[0].f.as_str(), failed[0].name.as_deref()), ("release", Some("buyer-1")));
}
