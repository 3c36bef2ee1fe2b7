//! `[random_faults]`: what each seed draws from.

use std::fmt::{self, Write as _};

use fencepost_faults::toml::{Table, strings};
use fencepost_faults::{FaultKind, RandomFaults};

/// More than hunts can use: a plan in which everything fails shows nothing.
const MAX_RANDOM_FAULTS: u32 = 100;

pub(super) fn read_random_faults(mut table: Table<'_>) -> Option<RandomFaults> {
    let accepted = FaultKind::ALL.map(|kind| (kind.as_str(), kind));
    let kinds = table.required("kinds", "kinds = [\"pause\", \"crash\"]");
    let max = table.required("max", "max = 6");
    table.finish();
    let kinds = kinds.and_then(|value| {
        let items = value.list()?;
        if items.is_empty() {
            let message = "`random_faults.kinds` is empty: nothing can be drawn".to_owned();
            let help = "name some, or remove [random_faults]".to_owned();
            value.problem(message, "expected kinds of faults", Some(help));
        }
        let mut kinds = Vec::new();
        for item in items {
            let kind = item.one_of("kind of fault", &accepted)?;
            if kinds.contains(&kind) {
                let message = format!("`random_faults.kinds` names `{kind}` twice");
                item.problem(message, "the second time", None);
            }
            kinds.push(kind);
        }
        Some(kinds)
    });
    let max = max.and_then(|max| max.integer(0..=MAX_RANDOM_FAULTS));
    Some(RandomFaults { kinds: kinds?, max: max? })
}

pub(super) fn write_random_faults(out: &mut String, random: &RandomFaults) -> fmt::Result {
    let kinds = strings(random.kinds.iter().map(|kind| kind.as_str()));
    writeln!(out, "\n[random_faults]\nkinds = {kinds}\nmax = {}", random.max)
}
