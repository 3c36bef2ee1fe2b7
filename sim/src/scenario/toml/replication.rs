//! What `redis.conf` sets about replicas, as the `[backend]` section has it.

use std::fmt::{self, Write as _};

use fencepost_faults::toml::{Table, show_size, string};
use fencepost_models::redis::server::ReplicationSettings;

use super::set;

/// More than a simulated server will ever have; and the least that Redis takes (`server.h`,
/// `CONFIG_REPL_BACKLOG_MIN_SIZE`).
const BACKLOG: std::ops::RangeInclusive<u64> = 16 << 10..=1 << 40;

/// A number with its name and the least that it can be. Source of the ranges: `config.c`, up to
/// `INT_MAX`.
type Number = (&'static str, u32, fn(&mut ReplicationSettings) -> &mut u32);

const NUMBERS: [Number; 7] = [
    ("replica_priority", 0, |settings| &mut settings.priority),
    ("min_replicas_to_write", 0, |settings| &mut settings.min_replicas_to_write),
    ("min_replicas_max_lag_s", 0, |settings| &mut settings.min_replicas_max_lag_s),
    ("repl_timeout_s", 1, |settings| &mut settings.timeout_s),
    ("repl_ping_replica_period_s", 1, |settings| &mut settings.ping_period_s),
    ("repl_backlog_ttl_s", 0, |settings| &mut settings.backlog_ttl_s),
    ("repl_diskless_sync_delay_s", 0, |settings| &mut settings.sync_delay_s),
];

type Switch = (&'static str, fn(&mut ReplicationSettings) -> &mut bool);

const SWITCHES: [Switch; 2] = [
    ("replica_read_only", |settings| &mut settings.read_only),
    ("replica_serve_stale_data", |settings| &mut settings.serve_stale_data),
];

pub(super) fn read_replication(table: &mut Table<'_>, settings: &mut ReplicationSettings) {
    for (key, least, place) in NUMBERS {
        let number = table.get(key);
        let number = number.and_then(|number| number.integer(least..=i32::MAX.cast_unsigned()));
        set(place(settings), number);
    }
    for (key, place) in SWITCHES {
        set(place(settings), table.get(key).and_then(|switch| switch.boolean()));
    }
    let backlog = table.get("repl_backlog_size").and_then(|size| size.size(BACKLOG));
    set(&mut settings.backlog_bytes, backlog);
}

pub(super) fn write_replication(out: &mut String, settings: &ReplicationSettings) -> fmt::Result {
    let (mut settings, mut defaults) = (*settings, ReplicationSettings::default());
    for (key, _, place) in NUMBERS {
        let number = *place(&mut settings);
        if number != *place(&mut defaults) {
            writeln!(out, "{key} = {number}")?;
        }
    }
    for (key, place) in SWITCHES {
        let switch = *place(&mut settings);
        if switch != *place(&mut defaults) {
            writeln!(out, "{key} = {switch}")?;
        }
    }
    if settings.backlog_bytes != defaults.backlog_bytes {
        writeln!(out, "repl_backlog_size = {}", string(&show_size(settings.backlog_bytes)))?;
    }
    Ok(())
}
