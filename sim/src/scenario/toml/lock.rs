//! `[lock]`: how the buyers lock.

use std::fmt::{self, Write as _};
use std::time::Duration;

use fencepost_faults::show;
use fencepost_faults::toml::{MAX_DURATION, Table, Value, string};
use fencepost_models::load::KEY_PREFIX as LOAD_PREFIX;
use fencepost_models::locks::jvm::JvmLockSettings;
use fencepost_models::locks::redis::RedisLockSettings;
use fencepost_models::note::Name;
use fencepost_models::redis::client::Discovery;

use super::curator::{read_curator, write_curator};
use super::redisson::{read_multi, read_redisson, write_multi, write_redisson};
use super::redlock::{read_redlock, write_redlock};
use super::zookeeper::{read_zookeeper, write_zookeeper};
use super::{INSTANT, MILLISECOND, SECOND, ZERO, read_line, set, set_duration, write_duration};
use crate::scenario::{Backend, Recipe};

/// `own` is the recipe that is meant where somebody's own is named.
pub(super) fn read_lock<'a>(
    root: &mut Table<'a>,
    own: Option<&Recipe>,
) -> Option<(Value<'a>, Recipe)> {
    let mut table = root.required("lock", "lock.recipe = \"set-nx\"")?.table()?;
    let value = table.required("recipe", "recipe = \"set-nx\"")?;
    let own = own.filter(|recipe| matches!(recipe, Recipe::Own(_))).cloned();
    let recipes = Recipe::all().into_iter().chain(own);
    let recipes: Vec<_> = recipes.map(|recipe| (recipe.as_str(), recipe)).collect();
    let mut recipe = value.one_of("recipe", &recipes)?;
    match &mut recipe {
        Recipe::None | Recipe::ConditionalUpdate => read_unused_ttl(&mut table),
        Recipe::Jvm(settings) => {
            read_unused_ttl(&mut table);
            read_jvm(&mut table, settings);
        }
        Recipe::SetNx(settings) | Recipe::SetNxPlainDel(settings) => {
            read_redis(&mut table, settings, &MILLISECONDS_OF_PX);
        }
        Recipe::SetnxExpire(settings) => read_redis(&mut table, settings, &SECONDS_OF_EXPIRE),
        Recipe::Redisson(settings) | Recipe::RedissonFenced(settings) => {
            read_redisson(&mut table, settings);
        }
        Recipe::RedissonMulti(settings) => read_multi(&mut table, settings),
        Recipe::Redlock(settings) => read_redlock(&mut table, settings),
        Recipe::ZooKeeper(settings) => read_zookeeper(&mut table, settings),
        Recipe::Curator(settings) => read_curator(&mut table, settings),
        // What it does is nowhere but in its author's code.
        Recipe::Own(_) => {}
    }
    table.finish();
    Some((value, recipe))
}

/// These grant nothing that could run out. They take a `ttl` all the same, so that the same file
/// shows the race with a lease and without it, one word apart.
fn read_unused_ttl(table: &mut Table<'_>) {
    if let Some(ttl) = table.get("ttl") {
        ttl.duration(MILLISECOND..=MAX_DURATION);
    }
}

fn read_jvm(table: &mut Table<'_>, settings: &mut JvmLockSettings) {
    set(&mut settings.fair, table.get("fair").and_then(|fair| fair.boolean()));
    set(&mut settings.name, table.get("name").and_then(|name| read_name(&name, "the lock's name")));
}

fn read_redis(table: &mut Table<'_>, settings: &mut RedisLockSettings, unit: &TtlUnit) {
    set(&mut settings.ttl, table.get("ttl").and_then(|ttl| read_ttl(&ttl, unit)));
    set_duration(table, "poll", INSTANT, &mut settings.poll);
    set_duration(table, "poll_jitter", ZERO, &mut settings.poll_jitter);
    set_duration(table, "timeout", INSTANT, &mut settings.timeout);
    let retries = table.get("release_retries");
    set(&mut settings.release_retries, retries.and_then(|number| number.integer(0..=MAX_RETRIES)));
    let discovery = table.get("discovery");
    let discovery = discovery.and_then(|how| how.one_of("way of discovery", &Discovery::ALL));
    set(&mut settings.discovery, discovery);
    set(&mut settings.check_role, table.get("check_role").and_then(|value| value.boolean()));
    let replicas = table.get("wait_replicas");
    set(&mut settings.wait_replicas, replicas.and_then(|number| number.integer(0..=MAX_REPLICAS)));
    set_duration(table, "wait_timeout", MILLISECOND, &mut settings.wait_timeout);
    if settings.wait_replicas > 0 && settings.wait_timeout >= settings.timeout {
        let value = table.get("wait_timeout").or_else(|| table.get("timeout"));
        let (wait, timeout) = (show(settings.wait_timeout), show(settings.timeout));
        let message = format!("`wait_timeout` is {wait}, and `timeout` is {timeout}");
        if let Some(value) = value {
            let label =
                "expected a `wait_timeout` that is shorter: the client gives up before the answer";
            value.problem(message, label, None);
        }
    }
    set(&mut settings.key, table.get("key").and_then(|key| read_key(&key)));
}

/// The load's keys are not the lock's.
pub(super) fn read_key(value: &Value<'_>) -> Option<Name> {
    let key = read_name(value, "the key's name")?;
    if key.as_bytes().starts_with(LOAD_PREFIX.as_bytes()) {
        let message = format!("`{LOAD_PREFIX}…` is what a [load] calls its keys");
        value.problem(
            message,
            format!("expected a key that does not begin with `{LOAD_PREFIX}`"),
            None,
        );
        return None;
    }
    Some(key)
}

/// More than anybody has.
const MAX_REPLICAS: u32 = 1_000;

/// More than any client tries.
pub(super) const MAX_RETRIES: u32 = 1_000;

pub(super) fn read_name(value: &Value<'_>, meaning: &str) -> Option<Name> {
    read_line(value, meaning).map(Name::from)
}

/// In what a command of Redis counts a time to live. It takes whole numbers alone.
pub(super) struct TtlUnit {
    one: Duration,
    several: &'static str,
    command: &'static str,
}

pub(super) const MILLISECONDS_OF_PX: TtlUnit =
    TtlUnit { one: MILLISECOND, several: "milliseconds", command: "SET … PX" };
pub(super) const MILLISECONDS_OF_PEXPIRE: TtlUnit =
    TtlUnit { one: MILLISECOND, several: "milliseconds", command: "PEXPIRE" };
const SECONDS_OF_EXPIRE: TtlUnit = TtlUnit { one: SECOND, several: "seconds", command: "EXPIRE" };

/// Redis takes whole numbers: `PX 0` is an error there, and the rest would be cut off.
pub(super) fn read_ttl(value: &Value<'_>, unit: &TtlUnit) -> Option<Duration> {
    let ttl = value.duration(unit.one..=MAX_DURATION)?;
    if !ttl.as_nanos().is_multiple_of(unit.one.as_nanos()) {
        let message = format!("`{}` is {}", value.key(), show(ttl));
        let label = format!("expected whole {}: `{}` takes no others", unit.several, unit.command);
        value.problem(message, label, None);
        return None;
    }
    Some(ttl)
}

pub(super) fn check_fit(recipe: &(Value<'_>, Recipe), backend: Option<&(Value<'_>, Backend)>) {
    let (recipe_value, recipe) = recipe;
    if recipe.fits(backend.map(|(_, backend)| backend)) {
        return;
    }
    let fitting = Backend::all().into_iter().filter(|backend| recipe.fits(Some(backend)));
    let fitting: Vec<&str> = fitting.map(|backend| backend.as_str()).collect();
    let (name, choices) = (recipe.as_str(), fitting.join(", "));
    match backend {
        Some((value, backend)) => {
            let message = format!("`{name}` cannot lock on `{}`", backend.as_str());
            value.problem(message, "not here", Some(format!("`{name}` locks on: {choices}")));
        }
        None => {
            let help = format!("add a section [backend] with a kind: {choices}");
            recipe_value.problem(format!("`{name}` needs a backend"), "locks on what?", Some(help));
        }
    }
}

pub(super) fn write_lock(out: &mut String, recipe: &Recipe) -> fmt::Result {
    writeln!(out, "\n[lock]\nrecipe = {}", string(recipe.as_str()))?;
    match recipe {
        Recipe::None | Recipe::ConditionalUpdate => Ok(()),
        Recipe::Jvm(settings) => write_jvm(out, settings),
        Recipe::SetNx(settings)
        | Recipe::SetNxPlainDel(settings)
        | Recipe::SetnxExpire(settings) => write_redis(out, settings),
        Recipe::Redisson(settings) | Recipe::RedissonFenced(settings) => {
            write_redisson(out, settings)
        }
        Recipe::RedissonMulti(settings) => write_multi(out, settings),
        Recipe::Redlock(settings) => write_redlock(out, settings),
        Recipe::ZooKeeper(settings) => write_zookeeper(out, settings),
        Recipe::Curator(settings) => write_curator(out, settings),
        // What it does is nowhere but in its author's code.
        Recipe::Own(_) => Ok(()),
    }
}

fn write_jvm(out: &mut String, settings: &JvmLockSettings) -> fmt::Result {
    let defaults = JvmLockSettings::default();
    if settings.fair != defaults.fair {
        writeln!(out, "fair = {}", settings.fair)?;
    }
    write_name(out, "name", &settings.name, &defaults.name)
}

fn write_redis(out: &mut String, settings: &RedisLockSettings) -> fmt::Result {
    let defaults = RedisLockSettings::default();
    write_duration(out, "ttl", settings.ttl, defaults.ttl)?;
    write_duration(out, "poll", settings.poll, defaults.poll)?;
    write_duration(out, "poll_jitter", settings.poll_jitter, defaults.poll_jitter)?;
    write_duration(out, "timeout", settings.timeout, defaults.timeout)?;
    if settings.release_retries != defaults.release_retries {
        writeln!(out, "release_retries = {}", settings.release_retries)?;
    }
    if settings.discovery != defaults.discovery {
        writeln!(out, "discovery = {}", string(settings.discovery.as_str()))?;
    }
    if settings.check_role != defaults.check_role {
        writeln!(out, "check_role = {}", settings.check_role)?;
    }
    if settings.wait_replicas != defaults.wait_replicas {
        writeln!(out, "wait_replicas = {}", settings.wait_replicas)?;
    }
    write_duration(out, "wait_timeout", settings.wait_timeout, defaults.wait_timeout)?;
    write_name(out, "key", &settings.key, &defaults.key)
}

pub(super) fn write_name(out: &mut String, key: &str, name: &Name, default: &Name) -> fmt::Result {
    if name == default { Ok(()) } else { writeln!(out, "{key} = {}", string(&name.to_string())) }
}
