//! RedLock's settings, as the `[lock]` section has them.

use std::fmt;
use std::time::Duration;

use fencepost_faults::show;
use fencepost_faults::toml::{MAX_DURATION, Table};
use fencepost_models::locks::redlock::{
    AskNodes, Clock, RedlockSettings, ReleaseAfter, Tokens, WaitFor,
};

use super::lock::{MAX_RETRIES, MILLISECONDS_OF_PX, read_key, read_ttl, write_name};
use super::{
    INSTANT, ZERO, read_choice, set, set_duration, write_duration, write_plain, write_range,
    write_word,
};

/// node-redlock refuses a lease that is extended sooner than that after it was granted. Source:
/// `src/index.ts`, `using`.
const LEAST_BEFORE_EXTENSION: Duration = Duration::from_millis(100);

pub(super) fn read_redlock(table: &mut Table<'_>, settings: &mut RedlockSettings) {
    set(&mut settings.ttl, table.get("ttl").and_then(|ttl| read_ttl(&ttl, &MILLISECONDS_OF_PX)));
    set_duration(table, "timeout", INSTANT, &mut settings.timeout);
    read_choice(table, "ask", "way of asking", AskNodes::ALL, &mut settings.ask);
    read_choice(table, "wait", "wait", WaitFor::ALL, &mut settings.wait);
    read_choice(table, "clock", "clock", Clock::ALL, &mut settings.clock);
    let drift = table.get("drift_ppm").and_then(|value| value.integer(0..=1_000_000));
    set(&mut settings.drift_ppm, drift);
    set_duration(table, "drift_margin", ZERO, &mut settings.drift_margin);
    let check = table.get("validity_check").and_then(|value| value.boolean());
    set(&mut settings.validity_check, check);
    let delay = table.get("retry_delay");
    let delay = delay.and_then(|value| value.duration_range(ZERO..=MAX_DURATION));
    set(&mut settings.retry_delay, delay);
    set(&mut settings.tries, table.get("tries").and_then(|value| value.integer(1..=MAX_RETRIES)));
    read_choice(table, "release_after", "moment", ReleaseAfter::ALL, &mut settings.release_after);
    let retries = table.get("release_retries").and_then(|value| value.integer(0..=MAX_RETRIES));
    set(&mut settings.release_retries, retries);
    let extend = table.get("extend");
    set(&mut settings.extend, extend.as_ref().and_then(|value| value.boolean()));
    set_duration(table, "extend_before", ZERO, &mut settings.extend_before);
    if let Some(extend) = extend.filter(|_| settings.extend) {
        let least = settings.extend_before.saturating_add(LEAST_BEFORE_EXTENSION);
        if settings.ttl < least {
            let message = format!("a lease of {} cannot be extended in time", show(settings.ttl));
            let label = format!("expected a ttl of {} or more, or less extend_before", show(least));
            extend.problem(message, label, None);
        }
    }
    read_choice(table, "token", "kind of token", Tokens::ALL, &mut settings.token);
    set(&mut settings.key, table.get("key").and_then(|key| read_key(&key)));
}

pub(super) fn write_redlock(out: &mut String, settings: &RedlockSettings) -> fmt::Result {
    let defaults = RedlockSettings::default();
    write_duration(out, "ttl", settings.ttl, defaults.ttl)?;
    write_duration(out, "timeout", settings.timeout, defaults.timeout)?;
    write_word(out, "ask", settings.ask.as_str(), defaults.ask.as_str())?;
    write_word(out, "wait", settings.wait.as_str(), defaults.wait.as_str())?;
    write_word(out, "clock", settings.clock.as_str(), defaults.clock.as_str())?;
    write_plain(out, "drift_ppm", settings.drift_ppm, defaults.drift_ppm)?;
    write_duration(out, "drift_margin", settings.drift_margin, defaults.drift_margin)?;
    write_plain(out, "validity_check", settings.validity_check, defaults.validity_check)?;
    write_range(out, "retry_delay", settings.retry_delay, defaults.retry_delay)?;
    write_plain(out, "tries", settings.tries, defaults.tries)?;
    let (after, usual) = (settings.release_after, defaults.release_after);
    write_word(out, "release_after", after.as_str(), usual.as_str())?;
    write_plain(out, "release_retries", settings.release_retries, defaults.release_retries)?;
    write_plain(out, "extend", settings.extend, defaults.extend)?;
    write_duration(out, "extend_before", settings.extend_before, defaults.extend_before)?;
    write_word(out, "token", settings.token.as_str(), defaults.token.as_str())?;
    write_name(out, "key", &settings.key, &defaults.key)
}
