//! `[lock]`: how the buyers lock.

use std::fmt::{self, Write as _};
use std::time::Duration;

use fencepost_faults::show;
use fencepost_faults::toml::{MAX_DURATION, Table, Value, string};
use fencepost_models::locks::set_nx::SetNxSettings;
use fencepost_models::note::Name;

use super::{INSTANT, MILLISECOND, ZERO, read_line, set, set_duration, write_duration};
use crate::scenario::{Backend, Recipe};

pub(super) fn read_lock<'a>(root: &mut Table<'a>) -> Option<(Value<'a>, Recipe)> {
    let mut table = root.required("lock", "lock.recipe = \"set-nx\"")?.table()?;
    let value = table.required("recipe", "recipe = \"set-nx\"")?;
    let recipes = Recipe::all().map(|recipe| (recipe.as_str(), recipe));
    let mut recipe = value.one_of("recipe", &recipes)?;
    match &mut recipe {
        Recipe::None | Recipe::ConditionalUpdate => read_unused_ttl(&mut table),
        Recipe::SetNx(settings) => read_set_nx(&mut table, settings),
    }
    table.finish();
    Some((value, recipe))
}

/// These grant nothing that could run out. They take a `ttl` all the same, so that the same file
/// shows the race with the lock and without it, one word apart.
fn read_unused_ttl(table: &mut Table<'_>) {
    if let Some(ttl) = table.get("ttl") {
        ttl.duration(MILLISECOND..=MAX_DURATION);
    }
}

fn read_set_nx(table: &mut Table<'_>, settings: &mut SetNxSettings) {
    if let Some(ttl) = table.get("ttl") {
        set(&mut settings.ttl, read_ttl(&ttl));
    }
    set_duration(table, "poll", INSTANT, &mut settings.poll);
    set_duration(table, "poll_jitter", ZERO, &mut settings.poll_jitter);
    set_duration(table, "timeout", INSTANT, &mut settings.timeout);
    if let Some(key) = table.get("key") {
        set(&mut settings.key, read_line(&key, "the key's name").map(Name::from));
    }
}

/// Redis takes whole milliseconds: `PX 0` is an error there, and the rest would be cut off.
fn read_ttl(value: &Value<'_>) -> Option<Duration> {
    let ttl = value.duration(MILLISECOND..=MAX_DURATION)?;
    if ttl.subsec_nanos() % 1_000_000 != 0 {
        let message = format!("`{}` is {}", value.key(), show(ttl));
        value.problem(message, "expected whole milliseconds: `SET … PX` takes no others", None);
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
        Recipe::SetNx(settings) => write_set_nx(out, settings),
    }
}

fn write_set_nx(out: &mut String, settings: &SetNxSettings) -> fmt::Result {
    let defaults = SetNxSettings::default();
    write_duration(out, "ttl", settings.ttl, defaults.ttl)?;
    write_duration(out, "poll", settings.poll, defaults.poll)?;
    write_duration(out, "poll_jitter", settings.poll_jitter, defaults.poll_jitter)?;
    write_duration(out, "timeout", settings.timeout, defaults.timeout)?;
    if settings.key != defaults.key {
        writeln!(out, "key = {}", string(&settings.key.to_string()))?;
    }
    Ok(())
}
