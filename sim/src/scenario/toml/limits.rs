//! `[limits]`, and the duration that one of them bounds.

use std::fmt::{self, Write as _};
use std::ops::RangeInclusive;

use fencepost_faults::show;
use fencepost_faults::toml::{MAX_DURATION, Table, Value, show_size, string};

use super::{MILLISECOND, set, set_duration, write_duration};
use crate::scenario::Scenario;
use crate::world::Limits;

/// An hour of a fast machine.
const MAX_EVENTS: u64 = 100_000_000_000;
/// The smallest history that holds anything, and more memory than a scenario is worth.
const MEMORY: RangeInclusive<u64> = (1 << 20)..=(64 << 30);

pub(super) fn read_limits(root: &mut Table<'_>, limits: &mut Limits) {
    let Some(mut table) = root.section("limits") else {
        return;
    };
    set(&mut limits.events, table.get("events").and_then(|value| value.integer(1..=MAX_EVENTS)));
    set_duration(&mut table, "simulated", MILLISECOND, &mut limits.simulated);
    set(&mut limits.memory, table.get("memory").and_then(|value| value.size(MEMORY)));
    table.finish();
}

pub(super) fn read_duration(root: &Table<'_>, value: Option<Value<'_>>, scenario: &mut Scenario) {
    let limit = scenario.limits.simulated;
    let given = value.as_ref().map(|value| value.duration(MILLISECOND..=MAX_DURATION));
    set(&mut scenario.duration, given.flatten());
    if scenario.duration <= limit {
        return;
    }
    let (duration, limit) = (show(scenario.duration), show(limit));
    let help = Some(format!("shorten it, or raise the limit: [limits] simulated = \"{duration}\""));
    let message = format!("`duration` is {duration}, longer than `limits.simulated`");
    let label = format!("expected at most {limit}");
    match value {
        Some(value) => value.problem(message, label, help),
        None => root.problem(message + " (when it is not given)", label, help),
    }
}

pub(super) fn write_limits(out: &mut String, limits: Limits) -> fmt::Result {
    let defaults = Limits::default();
    if limits == defaults {
        return Ok(());
    }
    out.write_str("\n[limits]\n")?;
    if limits.events != defaults.events {
        writeln!(out, "events = {}", limits.events)?;
    }
    write_duration(out, "simulated", limits.simulated, defaults.simulated)?;
    if limits.memory != defaults.memory {
        writeln!(out, "memory = {}", string(&show_size(limits.memory)))?;
    }
    Ok(())
}
