//! `[lock]` of the recipes `redisson`, `redisson-fenced` and `redisson-multi`.

use std::fmt::{self, Write as _};

use fencepost_faults::toml::{Table, string};
use fencepost_models::locks::redisson::RedissonSettings;
use fencepost_models::locks::redisson::multi::Needs;

use super::lock::{MILLISECONDS_OF_PEXPIRE, read_key, read_ttl, write_name};
use super::{INSTANT, MILLISECOND, duration, set, set_duration, write_duration};
use crate::scenario::RedissonMulti;

pub(super) fn read_redisson(table: &mut Table<'_>, settings: &mut RedissonSettings) {
    let mut whole =
        |key| table.get(key).and_then(|value| read_ttl(&value, &MILLISECONDS_OF_PEXPIRE));
    let (lease, watchdog_timeout) = (whole("lease"), whole("watchdog_timeout"));
    settings.lease = lease.or(settings.lease);
    set(&mut settings.watchdog_timeout, watchdog_timeout);
    let check = table.get("check_synced_slaves");
    set(&mut settings.check_synced_slaves, check.and_then(|check| check.boolean()));
    set_duration(table, "slaves_sync_timeout", MILLISECOND, &mut settings.slaves_sync_timeout);
    set_duration(table, "timeout", INSTANT, &mut settings.timeout);
    set_duration(table, "retry", INSTANT, &mut settings.retry);
    set(&mut settings.key, table.get("key").and_then(|key| read_key(&key)));
}

pub(super) fn read_multi(table: &mut Table<'_>, settings: &mut RedissonMulti) {
    read_redisson(table, &mut settings.lock);
    let needs = table.get("needs").and_then(|needs| needs.one_of("number of locks", &Needs::ALL));
    set(&mut settings.needs, needs);
}

pub(super) fn write_redisson(out: &mut String, settings: &RedissonSettings) -> fmt::Result {
    let defaults = RedissonSettings::default();
    if let Some(lease) = settings.lease {
        writeln!(out, "lease = {}", duration(lease))?;
    }
    let (timeout, default) = (settings.watchdog_timeout, defaults.watchdog_timeout);
    write_duration(out, "watchdog_timeout", timeout, default)?;
    if settings.check_synced_slaves != defaults.check_synced_slaves {
        writeln!(out, "check_synced_slaves = {}", settings.check_synced_slaves)?;
    }
    let (timeout, default) = (settings.slaves_sync_timeout, defaults.slaves_sync_timeout);
    write_duration(out, "slaves_sync_timeout", timeout, default)?;
    write_duration(out, "timeout", settings.timeout, defaults.timeout)?;
    write_duration(out, "retry", settings.retry, defaults.retry)?;
    write_name(out, "key", &settings.key, &defaults.key)
}

pub(super) fn write_multi(out: &mut String, settings: &RedissonMulti) -> fmt::Result {
    write_redisson(out, &settings.lock)?;
    let (name, _) = Needs::ALL[usize::from(settings.needs == Needs::Majority)];
    if settings.needs == Needs::default() {
        return Ok(());
    }
    writeln!(out, "needs = {}", string(name))
}
