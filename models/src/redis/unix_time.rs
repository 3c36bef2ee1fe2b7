//! The wall clock in the units in which Redis keeps it.

use crate::time::Wall;

/// Unix seconds. Source: `server.c`, `updateCachedTimeWithUs`: `server.unixtime`.
pub(crate) const fn seconds(wall: Wall) -> u64 {
    wall.as_millis() / 1000
}

/// Unix milliseconds, as dates and deadlines are kept.
pub(crate) fn millis(wall: Wall) -> i64 {
    i64::try_from(wall.as_millis()).unwrap_or(i64::MAX)
}
