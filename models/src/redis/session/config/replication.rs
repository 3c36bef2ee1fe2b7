//! Parameters about replicas. Source: `config.c`, `static_configs`.

use super::parameters::{INT_MAX, Parameter, number, set, yes_no};
use super::values::Check;

/// A number of seconds, or of replicas.
macro_rules! number {
    ($name:literal, $default:literal, $least:literal, $field:ident) => {
        set(
            $name,
            $default,
            Check::Integer($least, INT_MAX),
            |settings| settings.replication.$field.to_string(),
            |settings, digits| {
                settings.replication.$field = number(digits);
                Ok(())
            },
        )
    };
}

/// A switch that is on by default.
macro_rules! switch {
    ($name:literal, $field:ident) => {
        set(
            $name,
            "yes",
            Check::YesNo,
            |settings| yes_no(settings.replication.$field),
            |settings, word| {
                settings.replication.$field = word == "yes";
                Ok(())
            },
        )
    };
}

pub(super) const MIN_REPLICAS_MAX_LAG: Parameter =
    number!("min-replicas-max-lag", "10", 0, min_replicas_max_lag_s).also("min-slaves-max-lag");
pub(super) const MIN_REPLICAS_TO_WRITE: Parameter =
    number!("min-replicas-to-write", "0", 0, min_replicas_to_write).also("min-slaves-to-write");
pub(super) const REPL_BACKLOG_SIZE: Parameter = set(
    "repl-backlog-size",
    "1048576",
    Check::Memory(1, i64::MAX as u64),
    |settings| settings.replication.backlog_bytes.to_string(),
    |settings, digits| {
        /// Source: `server.h`, `CONFIG_REPL_BACKLOG_MIN_SIZE`.
        const LEAST: u64 = 16 << 10;
        let bytes: u64 = digits.parse().map_err(|_| "is no number".to_owned())?;
        settings.replication.backlog_bytes = bytes.max(LEAST);
        Ok(())
    },
);
pub(super) const REPL_BACKLOG_TTL: Parameter =
    number!("repl-backlog-ttl", "3600", 0, backlog_ttl_s);
pub(super) const REPL_DISKLESS_SYNC_DELAY: Parameter =
    number!("repl-diskless-sync-delay", "5", 0, sync_delay_s);
pub(super) const REPL_PING_REPLICA_PERIOD: Parameter =
    number!("repl-ping-replica-period", "10", 1, ping_period_s).also("repl-ping-slave-period");
pub(super) const REPL_TIMEOUT: Parameter = number!("repl-timeout", "60", 1, timeout_s);
pub(super) const REPLICA_PRIORITY: Parameter =
    number!("replica-priority", "100", 0, priority).also("slave-priority");
pub(super) const REPLICA_READ_ONLY: Parameter =
    switch!("replica-read-only", read_only).also("slave-read-only");
pub(super) const REPLICA_SERVE_STALE_DATA: Parameter =
    switch!("replica-serve-stale-data", serve_stale_data).also("slave-serve-stale-data");
