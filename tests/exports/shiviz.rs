//! ShiViz: its expression, and what its parser and its graph ask of vector clocks. Each host counts its own events from
//! 1 on, by one; a clock names hosts that have events, and no more of these than there are.

use std::collections::BTreeMap;

use fencepost::report::{self, SHIVIZ_REGEX};
use fencepost::scenario::Outcome;
use regex::Regex;

struct Event {
    millis: u64,
    host: String,
    clock: BTreeMap<String, usize>,
    text: String,
}

fn log(outcome: &Outcome) -> String {
    let mut out = Vec::new();
    report::shiviz(outcome, &mut out).expect("writes to memory");
    String::from_utf8(out).expect("UTF-8")
}

/// Reads a file as ShiViz does that is chosen there: the first line is the expression, between `^` and `$`, the second
/// would tell several runs apart.
fn read(log: &str) -> Vec<Event> {
    let mut parts = log.splitn(3, '\n');
    let (expression, delimiter, rest) = (parts.next(), parts.next(), parts.next());
    assert_eq!((expression, delimiter), (Some(SHIVIZ_REGEX), Some("")));
    let rest = rest.expect("a log");
    let expression = Regex::new(&format!("(?m)^{SHIVIZ_REGEX}$")).expect("an expression");
    let events = expression.captures_iter(rest).map(|event| Event {
        millis: event["time"].replace(['.', 's'], "").parse().expect("seconds with three places"),
        host: event["host"].to_owned(),
        clock: serde_json::from_str(&event["clock"]).expect("a clock"),
        text: event["event"].to_owned(),
    });
    let events: Vec<Event> = events.collect();
    assert_eq!(events.len() * 2, rest.lines().count(), "some lines are no event");
    events
}

/// What ShiViz takes when the text is pasted, without the expression of the file.
const DEFAULT: &str = r"(?m)(?<event>.*)\n(?<host>\S*) (?<clock>\{.*\})";

#[test]
fn the_corpus_as_logs_for_shiviz() {
    super::for_each_of_the_corpus(|name, _, outcome| {
        let log = log(outcome);
        let events = read(&log);
        let by_default = Regex::new(DEFAULT).expect("an expression").captures_iter(&log).count();
        assert_eq!(by_default, events.len(), "{name}: pasted, it is another log");

        let mut hosts: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
        for event in &events {
            let of_host = hosts.entry(&event.host).or_default();
            of_host.push(event);
            assert_eq!(event.clock.get(&event.host), Some(&of_host.len()), "{name}: own entry");
            assert!(outcome.run.history.nodes.contains(&event.host), "{name}: {}", event.host);
        }
        for event in &events {
            for (host, count) in &event.clock {
                let known = hosts.get(host.as_str()).and_then(|it| it.get(count.checked_sub(1)?));
                let known = known.unwrap_or_else(|| panic!("{name}: no event {count} of {host}"));
                // Whoever knows of an event knows all that lies behind it, and is no earlier.
                assert!(
                    known.millis <= event.millis,
                    "{name}: {} knows {}",
                    event.text,
                    known.text
                );
                let lies_behind =
                    |(host, count): (&String, &usize)| event.clock.get(host) >= Some(count);
                assert!(known.clock.iter().all(lies_behind), "{name}: {}", event.text);
            }
        }
    });
}

#[test]
fn who_gets_a_message_knows_of_its_sending() {
    super::for_each_of_the_corpus(|name, _, outcome| {
        let history = &outcome.run.history;
        let events = read(&log(outcome));
        // On each connection's way messages of one name stay in order but for those that are lost: so compare with the
        // history itself, for all that clients and the store say.
        let is_client =
            |node: &str| node.starts_with("buyer-") || node.starts_with("jvm-") || node == "store";
        let told = history
            .messages()
            .iter()
            .filter(|sent| is_client(history.name(sent.from)) || is_client(history.name(sent.to)));
        let sent = events.iter().filter(|event| {
            let to = event.text.rsplit(' ').next().unwrap_or_default();
            event.text.starts_with("sends ") && (is_client(&event.host) || is_client(to))
        });
        assert_eq!(sent.count(), told.count(), "{name}");
        for event in events.iter().filter(|event| event.text.starts_with("gets ")) {
            let from = event.text.rsplit(' ').next().unwrap_or_default();
            let sends = |other: &&Event| {
                other.host == from
                    && other.text.starts_with("sends ")
                    && other.text.ends_with(&event.host)
            };
            let known = event.clock.get(from).copied().unwrap_or(0);
            let mut sendings = events.iter().filter(sends).filter(|it| it.clock[from] <= known);
            assert!(sendings.next().is_some(), "{name}: {} {}", event.host, event.text);
        }
    });
}
