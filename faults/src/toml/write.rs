//! Faults, written as TOML.

use std::fmt::Write as _;
use std::time::Duration;

use ::toml::Value;

use crate::describe::show;
use crate::plan::{Action, Fault, Groups, Plan, Start, Trigger};

/// A text as a TOML string, over several lines where it has several.
pub fn string(text: &str) -> String {
    Value::from(text).to_string()
}

/// Texts as a TOML list on one line.
pub fn strings<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(string).collect();
    format!("[{}]", texts.join(", "))
}

/// A duration as a TOML string, in its largest whole unit.
pub fn duration(duration: Duration) -> String {
    string(&show(duration))
}

/// A plan as TOML: one `[[faults]]` each, with an empty line between. What
/// [`plan_from_toml`](super::plan_from_toml) reads of it is the same plan.
pub fn plan_to_toml(plan: &Plan) -> String {
    let faults: Vec<String> = plan.iter().map(fault).collect();
    faults.join("\n")
}

fn fault(fault: &Fault) -> String {
    let mut lines = Lines(format!("[[faults]]\nkind = {}\n", string(fault.kind().as_str())));
    match &fault.start {
        Start::At(at) => lines.add("at", duration(*at)),
        Start::When(when) => lines.add("when", trigger(when)),
    }
    if let Some(length) = fault.length {
        lines.add("for", duration(length));
    }
    match &fault.action {
        Action::Pause { node }
        | Action::Crash { node }
        | Action::PowerLoss { node }
        | Action::Failover { node } => lines.add("node", string(node)),
        Action::Partition(groups) | Action::DropConnection(groups) => {
            lines.groups(("between", "and"), groups);
        }
        Action::OneWayPartition(groups) => lines.groups(("from", "to"), groups),
        Action::Delay { groups, by } => {
            lines.groups(("between", "and"), groups);
            lines.add("by", duration(*by));
        }
        Action::HoldMessage { from, to, message } => {
            lines.add("from", string(from));
            lines.add("to", string(to));
            if let Some(message) = message {
                lines.add("message", string(message));
            }
        }
        Action::ClockJump { node, by_nanos } => {
            lines.add("node", string(node));
            let sign = if *by_nanos < 0 { "-" } else { "" };
            let size = show(Duration::from_nanos(by_nanos.unsigned_abs()));
            lines.add("by", string(&format!("{sign}{size}")));
        }
        Action::ClockDrift { node, ppm } => {
            lines.add("node", string(node));
            lines.add("ppm", ppm.to_string());
        }
        Action::SlowDisk { node, by } => {
            lines.add("node", string(node));
            lines.add("by", duration(*by));
        }
    }
    lines.0
}

fn trigger(trigger: &Trigger) -> String {
    let mut text = format!("{{ event = {}", string(&trigger.event));
    // Writing into a string cannot fail, here and below.
    if let Some(node) = &trigger.node {
        let _ = write!(text, ", node = {}", string(node));
    }
    if trigger.nth != 1 {
        let _ = write!(text, ", nth = {}", trigger.nth);
    }
    if !trigger.after.is_zero() {
        let _ = write!(text, ", after = {}", duration(trigger.after));
    }
    text + " }"
}

struct Lines(String);

impl Lines {
    fn add(&mut self, key: &str, value: String) {
        let _ = writeln!(self.0, "{key} = {value}");
    }

    fn groups(&mut self, (one_key, other_key): (&str, &str), groups: &Groups) {
        self.add(one_key, strings(groups.one.iter().map(String::as_str)));
        if !groups.other.is_empty() {
            self.add(other_key, strings(groups.other.iter().map(String::as_str)));
        }
    }
}
