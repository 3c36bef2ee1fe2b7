//! What `redis.conf` sets, as the `[backend]` section has it.

use std::fmt::{self, Write as _};

use fencepost_faults::toml::{Table, Value, show_size, string};
use fencepost_models::redis::server::{EventClasses, MaxmemoryPolicy, Persistence, RedisSettings};

use super::set;

/// More than a simulated server will ever have.
const MAXMEMORY_MOST: u64 = 1 << 40;

pub(super) fn read_redis(table: &mut Table<'_>, settings: &mut RedisSettings) {
    let persistence = table.get("persistence");
    let persistence = persistence.and_then(|it| it.one_of("persistence", &Persistence::ALL));
    set(&mut settings.persistence, persistence);
    let maxmemory = table.get("maxmemory").and_then(|value| value.size(0..=MAXMEMORY_MOST));
    set(&mut settings.maxmemory_bytes, maxmemory);
    let policy = table.get("maxmemory_policy");
    let policy = policy.and_then(|value| value.one_of("policy", &MaxmemoryPolicy::ALL));
    set(&mut settings.maxmemory_policy, policy);
    // Source: `config.c`, `maxmemory-samples`: up to `INT_MAX`. By redis.conf ten are nearly as good as
    // all.
    let samples = table.get("maxmemory_samples");
    let samples = samples.and_then(|value| value.integer(1..=i32::MAX.cast_unsigned()));
    set(&mut settings.maxmemory_samples, samples);
    // Source: `server.h`, `CONFIG_MIN_HZ` and `CONFIG_MAX_HZ`.
    set(&mut settings.hz, table.get("hz").and_then(|value| value.integer(1..=500)));
    let events = table.get("notify_keyspace_events").and_then(|value| read_events(&value));
    set(&mut settings.notify_keyspace_events, events);
    // Source: `config.c`, `timeout`: up to `INT_MAX`.
    let timeout_s = table.get("timeout_s");
    let timeout_s = timeout_s.and_then(|value| value.integer(0..=i32::MAX.cast_unsigned()));
    set(&mut settings.timeout_s, timeout_s);
    let debug = table.get("enable_debug_command").and_then(|value| value.boolean());
    set(&mut settings.enable_debug_command, debug);
}

fn read_events(value: &Value<'_>) -> Option<EventClasses> {
    let classes = EventClasses::parse(value.text()?);
    if classes.is_none() {
        let help =
            "letters of \"Ag$lshzxeKEtmdn\", as redis.conf has them: \"Ex\" for keys that expire";
        let message = "no class of events".to_owned();
        value.problem(message, "a letter stands for nothing", Some(help.to_owned()));
    }
    classes
}

pub(super) fn write_redis(out: &mut String, settings: &RedisSettings) -> fmt::Result {
    let defaults = RedisSettings::default();
    if settings.persistence != defaults.persistence {
        writeln!(out, "persistence = {}", string(settings.persistence.as_str()))?;
    }
    if settings.maxmemory_bytes != defaults.maxmemory_bytes {
        writeln!(out, "maxmemory = {}", string(&show_size(settings.maxmemory_bytes)))?;
    }
    if settings.maxmemory_policy != defaults.maxmemory_policy {
        writeln!(out, "maxmemory_policy = {}", string(settings.maxmemory_policy.as_str()))?;
    }
    if settings.maxmemory_samples != defaults.maxmemory_samples {
        writeln!(out, "maxmemory_samples = {}", settings.maxmemory_samples)?;
    }
    if settings.hz != defaults.hz {
        writeln!(out, "hz = {}", settings.hz)?;
    }
    if settings.notify_keyspace_events != defaults.notify_keyspace_events {
        let letters = settings.notify_keyspace_events.letters();
        writeln!(out, "notify_keyspace_events = {}", string(&letters))?;
    }
    if settings.timeout_s != defaults.timeout_s {
        writeln!(out, "timeout_s = {}", settings.timeout_s)?;
    }
    if settings.enable_debug_command != defaults.enable_debug_command {
        writeln!(out, "enable_debug_command = {}", settings.enable_debug_command)?;
    }
    Ok(())
}
