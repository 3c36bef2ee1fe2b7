//! Faults, read from TOML.

use std::collections::BTreeSet;
use std::time::Duration;

use fencepost_models::note::NOTE_KINDS;

use super::document::Document;
use super::problem::{Problem, listing, near_miss, quoted};
use super::quantity::MAX_DURATION;
use super::table::Table;
use super::value::Value;
use crate::plan::{Action, Fault, FaultKind, Groups, Plan, Start, Trigger};

/// The shortest time that is one.
const INSTANT: Duration = Duration::from_nanos(1);

/// The nodes that a file may name.
#[derive(Clone, Copy, Debug)]
pub struct Nodes<'n> {
    known: Option<&'n [String]>,
    failover_targets: &'n [String],
}

impl<'n> Nodes<'n> {
    /// These and no others; among them those that can be told to fail over.
    pub const fn known(names: &'n [String], failover_targets: &'n [String]) -> Self {
        Self { known: Some(names), failover_targets }
    }

    /// Whatever it names: the world will check.
    pub const fn unknown() -> Self {
        Self { known: None, failover_targets: &[] }
    }

    /// Reads the name of a node that can be told to put a replica in its master's place.
    fn read_failover_target(self, value: &Value<'_>) -> Option<String> {
        let name = self.read(value)?;
        if self.known.is_some() && !self.failover_targets.contains(&name) {
            let message = format!("{} cannot be told to fail over", quoted(&name));
            let help = match self.failover_targets {
                [] => "this backend has no failover".to_owned(),
                targets => format!("there are: {}", listing(targets.iter().map(String::as_str))),
            };
            value.problem(message, "it knows no command for that", Some(help));
            return None;
        }
        Some(name)
    }

    /// Reads the name of a node.
    pub fn read(self, value: &Value<'_>) -> Option<String> {
        let name = value.text()?;
        let Some(known) = self.known else {
            return Some(name.to_owned());
        };
        if !known.iter().any(|known| known == name) {
            let names = || known.iter().map(String::as_str);
            let label = match near_miss(name, names()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "no such node".to_owned(),
            };
            let message = format!("`{}`: there is no node {}", value.key(), quoted(name));
            value.problem(message, label, Some(format!("there are: {}", listing(names()))));
            return None;
        }
        Some(name.to_owned())
    }

    /// Reads one name, or a list of at least one without repetition.
    fn read_group(self, value: &Value<'_>) -> Option<Vec<String>> {
        let items = value.list_or_one();
        if items.is_empty() {
            let message = format!("`{}` names nobody", value.key());
            value.problem(message, "expected at least one node", None);
            return None;
        }
        let (mut group, mut seen) = (Vec::new(), BTreeSet::new());
        for item in &items {
            let name = self.read(item)?;
            if !seen.insert(name.clone()) {
                let message = format!("`{}` names {} twice", item.key(), quoted(&name));
                item.problem(message, "the second time", None);
                return None;
            }
            group.push(name);
        }
        Some(group)
    }

    fn all(self, group: &[String]) -> bool {
        self.known.is_some_and(|known| known.iter().all(|name| group.contains(name)))
    }
}

/// Reads a plan of its own: a text with nothing but `[[faults]]`. Any node's name is taken.
///
/// # Errors
///
/// All that is wrong with the text.
pub fn plan_from_toml(text: &str) -> Result<Plan, Vec<Problem>> {
    let document = Document::parse(text)?;
    let mut root = document.root();
    let plan = read_plan(&mut root, Nodes::unknown());
    root.finish();
    let problems = document.into_problems();
    if problems.is_empty() { Ok(plan) } else { Err(problems) }
}

/// Reads the `[[faults]]` of a table.
pub fn read_plan(table: &mut Table<'_>, nodes: Nodes<'_>) -> Plan {
    let tables = table.get("faults").and_then(|faults| faults.tables()).unwrap_or_default();
    tables.into_iter().filter_map(|table| read_fault(table, nodes)).collect()
}

/// Reads one fault; `None` when something about it is wrong, which has been reported then.
fn read_fault(mut table: Table<'_>, nodes: Nodes<'_>) -> Option<Fault> {
    let kinds = FaultKind::ALL.map(|kind| (kind.as_str(), kind));
    let kind = table.required("kind", "kind = \"pause\"")?.one_of("kind of fault", &kinds)?;
    let start = read_start(&mut table, nodes);
    let length = read_length(&mut table, kind);
    let action = read_action(&mut table, kind, nodes);
    table.finish();
    Some(Fault { start: start?, length: length?, action: action? })
}

fn read_start(table: &mut Table<'_>, nodes: Nodes<'_>) -> Option<Start> {
    match (table.get("at"), table.get("when")) {
        (Some(at), None) => at.duration(Duration::ZERO..=MAX_DURATION).map(Start::At),
        (None, Some(when)) => read_trigger(when.table()?, nodes).map(Start::When),
        (Some(_), Some(when)) => {
            let message = "the fault has both `at` and `when`".to_owned();
            let help = "a fault begins at a time or when something happens: remove one of the two";
            when.problem(message, "this or `at`", Some(help.to_owned()));
            None
        }
        (None, None) => {
            table.problem(
                "the fault has neither `at` nor `when`".to_owned(),
                "when does it begin?".to_owned(),
                Some(
                    "for example: at = \"2s\", or when = { event = \"acquired\", node = \
                     \"buyer-1\", after = \"10ms\" }"
                        .to_owned(),
                ),
            );
            None
        }
    }
}

fn read_trigger(mut table: Table<'_>, nodes: Nodes<'_>) -> Option<Trigger> {
    let kinds = NOTE_KINDS.map(|kind| (kind, kind));
    let event = table.required("event", "event = \"acquired\"");
    let event = event.and_then(|event| event.one_of("event", &kinds));
    let node = table.get("node").map(|node| nodes.read(&node));
    let nth = table.get("nth").map(|nth| nth.integer(1..=u32::MAX));
    let after = table.get("after").map(|after| after.duration(Duration::ZERO..=MAX_DURATION));
    table.finish();
    Some(Trigger {
        node: optional(node)?,
        event: event?.to_owned(),
        nth: optional(nth)?.unwrap_or(1),
        after: optional(after)?.unwrap_or_default(),
    })
}

/// `None` for a bad length, `Some(None)` for none.
fn read_length(table: &mut Table<'_>, kind: FaultKind) -> Option<Option<Duration>> {
    // An instant has no length. Asked for nevertheless, so that the answer is better than
    // "unknown key".
    if kind.is_instant() {
        if let Some(length) = table.get("for") {
            let message = format!("`{kind}` is an instant: it cannot last");
            length.problem(message, "remove `for`", None);
            return None;
        }
        return Some(None);
    }
    optional(table.get("for").map(|length| length.duration(INSTANT..=MAX_DURATION)))
}

fn read_action(table: &mut Table<'_>, kind: FaultKind, nodes: Nodes<'_>) -> Option<Action> {
    match kind {
        FaultKind::Pause => Some(Action::Pause { node: read_node(table, nodes)? }),
        FaultKind::Crash => Some(Action::Crash { node: read_node(table, nodes)? }),
        FaultKind::PowerLoss => Some(Action::PowerLoss { node: read_node(table, nodes)? }),
        FaultKind::Partition => {
            Some(Action::Partition(read_groups(table, ("between", "and"), nodes)?))
        }
        FaultKind::OneWayPartition => {
            Some(Action::OneWayPartition(read_groups(table, ("from", "to"), nodes)?))
        }
        FaultKind::Delay => {
            let (groups, by) = (read_groups(table, ("between", "and"), nodes), read_by(table));
            Some(Action::Delay { groups: groups?, by: by? })
        }
        FaultKind::HoldMessage => read_hold(table, nodes),
        FaultKind::DropConnection => {
            Some(Action::DropConnection(read_groups(table, ("between", "and"), nodes)?))
        }
        FaultKind::ClockJump => {
            let node = read_node(table, nodes);
            let by_nanos = table.required("by", "by = \"-5s\"")?.signed_duration();
            Some(Action::ClockJump { node: node?, by_nanos: by_nanos? })
        }
        FaultKind::ClockDrift => {
            let node = read_node(table, nodes);
            let ppm = read_ppm(&table.required("ppm", "ppm = 200")?);
            Some(Action::ClockDrift { node: node?, ppm: ppm? })
        }
        FaultKind::SlowDisk => {
            let (node, by) = (read_node(table, nodes), read_by(table));
            Some(Action::SlowDisk { node: node?, by: by? })
        }
        FaultKind::Failover => {
            let node = table.required("node", "node = \"sentinel-1\"")?;
            Some(Action::Failover { node: nodes.read_failover_target(&node)? })
        }
    }
}

fn read_node(table: &mut Table<'_>, nodes: Nodes<'_>) -> Option<String> {
    nodes.read(&table.required("node", "node = \"buyer-1\"")?)
}

fn read_by(table: &mut Table<'_>) -> Option<Duration> {
    table.required("by", "by = \"100ms\"")?.duration(INSTANT..=MAX_DURATION)
}

/// At −1,000,000 ppm a clock stands still; at 1,000,000 it runs twice as fast.
fn read_ppm(value: &Value<'_>) -> Option<i32> {
    let ppm = value.integer(-999_999..=1_000_000)?;
    if ppm == 0 {
        let message = "`faults.ppm` is 0: the clock would run as before".to_owned();
        value.problem(message, "parts in a million, not 0", None);
        return None;
    }
    Some(ppm)
}

fn read_groups(
    table: &mut Table<'_>,
    (one_key, other_key): (&'static str, &'static str),
    nodes: Nodes<'_>,
) -> Option<Groups> {
    let example = format!("{one_key} = [\"buyer-1\"]");
    let one = table.required(one_key, &example).and_then(|one| nodes.read_group(&one));
    let Some(other_value) = table.get(other_key) else {
        let one = one?;
        if nodes.all(&one) {
            let message = format!("`{one_key}` names every node: nobody is on the other side");
            table.problem(message, "leave some out".to_owned(), None);
            return None;
        }
        return Some(Groups { one, other: Vec::new() });
    };
    let (one, other) = (one, nodes.read_group(&other_value)?);
    let one = one?;
    let one_side: BTreeSet<&String> = one.iter().collect();
    if let Some(both) = other.iter().find(|name| one_side.contains(name)) {
        let message = format!("{} is on both sides", quoted(both));
        let help = format!("leave `{other_key}` out to mean everybody else");
        other_value.problem(message, format!("also in `{one_key}`"), Some(help));
        return None;
    }
    Some(Groups { one, other })
}

fn read_hold(table: &mut Table<'_>, nodes: Nodes<'_>) -> Option<Action> {
    let from = table.required("from", "from = \"buyer-1\"").and_then(|from| nodes.read(&from));
    let to_value = table.required("to", "to = \"store\"");
    let to = to_value.as_ref().and_then(|to| nodes.read(to));
    let message = table.get("message").map(|message| read_message(&message));
    let (from, to, message) = (from?, to?, optional(message)?);
    if from == to {
        let same = format!("{} sends itself no messages", quoted(&to));
        to_value?.problem(same, "expected another node than in `from`", None);
        return None;
    }
    Some(Action::HoldMessage { from, to, message })
}

fn read_message(value: &Value<'_>) -> Option<String> {
    let name = value.text()?;
    if name.is_empty() {
        let help = "a message's name: `read`, `write`, `take`, `reply`, or a Redis command";
        let message = "`faults.message` is empty".to_owned();
        value.problem(message, "leave it out to mean any", Some(help.to_owned()));
        return None;
    }
    Some(name.to_owned())
}

/// An optional value: `None` when it is there and bad.
fn optional<T>(value: Option<Option<T>>) -> Option<Option<T>> {
    match value {
        None => Some(None),
        Some(value) => value.map(Some),
    }
}
