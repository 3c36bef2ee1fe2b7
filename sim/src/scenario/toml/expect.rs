//! `[expect]`: the violations that a run must show.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use fencepost_faults::show;
use fencepost_faults::toml::{Table, Value, strings};

use crate::judge::{Invariant, ViolationKind};
use crate::scenario::Scenario;

/// A run may be expected to break the `invariants` too.
pub(super) fn read_expect<'a>(
    mut table: Table<'a>,
    invariants: &[Invariant],
) -> Option<(Value<'a>, BTreeSet<ViolationKind>)> {
    let kinds = ViolationKind::ALL.into_iter().chain(invariants.iter().map(Invariant::kind));
    let accepted: Vec<_> = kinds.map(|kind| (kind.as_str(), kind)).collect();
    let violations = table.required("violations", "violations = [\"oversell\"], or [] for none");
    table.finish();
    let violations = violations?;
    let kinds = violations.list()?;
    let kinds = kinds.iter().map(|kind| kind.one_of("kind of violation", &accepted));
    let kinds = kinds.collect::<Option<_>>()?;
    Some((violations, kinds))
}

/// What the run has no time to show cannot be expected of it.
pub(super) fn check_in_time(
    value: &Value<'_>,
    kinds: &BTreeSet<ViolationKind>,
    scenario: &Scenario,
) {
    let bound = scenario.judge_settings().stuck_after;
    if kinds.contains(&ViolationKind::StuckLock) && bound >= scenario.duration {
        let (bound, duration) = (show(bound), show(scenario.duration));
        value.problem(
            format!("a lock counts as stuck after {bound}, and `duration` is {duration}"),
            format!("expected a run of more than {bound}"),
            Some(
                "lengthen `duration`, shorten the lock's `ttl`, or set [judge] stuck_after".into(),
            ),
        );
    }
}

pub(super) fn write_expect(out: &mut String, kinds: &BTreeSet<ViolationKind>) -> fmt::Result {
    let kinds = strings(kinds.iter().map(|kind| kind.as_str()));
    writeln!(out, "\n[expect]\nviolations = {kinds}")
}
