//! `[judge]`: what the judge is told beside the history.

use std::fmt::{self, Write as _};
use std::time::Duration;

use fencepost_faults::toml::{MAX_DURATION, Table, duration};

use super::MILLISECOND;

/// Reads `stuck_after`; `None` leaves it to the lock's own lease.
pub(super) fn read_judge(mut table: Table<'_>) -> Option<Duration> {
    let stuck_after = table.get("stuck_after");
    table.finish();
    stuck_after?.duration(MILLISECOND..=MAX_DURATION)
}

pub(super) fn write_judge(out: &mut String, stuck_after: Duration) -> fmt::Result {
    writeln!(out, "\n[judge]\nstuck_after = {}", duration(stuck_after))
}
