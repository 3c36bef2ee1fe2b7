//! `[judge]`: what the judge is told beside the history.

use std::fmt::{self, Write as _};
use std::time::Duration;

use fencepost_faults::show;
use fencepost_faults::toml::{MAX_DURATION, Table, Value, duration};

use super::MILLISECOND;
use crate::scenario::Recipe;

/// Reads `stuck_after`; `None` leaves it to the lock's own lease.
pub(super) fn read_judge<'a>(mut table: Table<'a>) -> Option<(Value<'a>, Duration)> {
    let stuck_after = table.get("stuck_after");
    table.finish();
    let value = stuck_after?;
    let stuck_after = value.duration(MILLISECOND..=MAX_DURATION)?;
    Some((value, stuck_after))
}

/// A bound that a sound lock does not keep would accuse it.
pub(super) fn check_bound(stuck_after: Option<&(Value<'_>, Duration)>, lock: &Recipe) {
    let Some((value, stuck_after)) = stuck_after else { return };
    let least = lock.free_again_after();
    if *stuck_after < least {
        value.problem(
            format!("`stuck_after` is shorter than a sound `{}` may take", lock.as_str()),
            format!("expected at least {}", show(least)),
            Some("a holder that dies leaves its lease, and who waits has to notice its end".into()),
        );
    }
}

pub(super) fn write_judge(out: &mut String, stuck_after: Duration) -> fmt::Result {
    writeln!(out, "\n[judge]\nstuck_after = {}", duration(stuck_after))
}
