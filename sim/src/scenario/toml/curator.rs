//! Curator: `[lock]` of the recipe `curator`.

use std::fmt;

use fencepost_faults::toml::Table;
use fencepost_models::locks::curator::{
    CuratorSettings, MAX_RETRIES_LIMIT, OnReconnected, Reaction,
};
use fencepost_models::locks::zookeeper::Token;

use super::lock::write_name;
use super::zookeeper::{MAX_TIMEOUT, read_path, read_whole};
use super::{read_choice, set, write_duration, write_plain, write_word};

pub(super) fn read_curator(table: &mut Table<'_>, settings: &mut CuratorSettings) {
    for (key, place) in [
        ("session_timeout", &mut settings.session_timeout),
        ("connection_timeout", &mut settings.connection_timeout),
        ("retry_base", &mut settings.retry_base),
    ] {
        set(place, table.get(key).and_then(|time| read_whole(&time, MAX_TIMEOUT)));
    }
    let retries = table.get("max_retries");
    set(&mut settings.max_retries, retries.and_then(|it| it.integer(0..=MAX_RETRIES_LIMIT)));
    set(&mut settings.protection, table.get("protection").and_then(|it| it.boolean()));
    let reactions = Reaction::ALL;
    read_choice(table, "on_suspended", "reaction", reactions, &mut settings.on_suspended);
    read_choice(table, "on_lost", "reaction", reactions, &mut settings.on_lost);
    let reactions = OnReconnected::ALL;
    read_choice(table, "on_reconnected", "reaction", reactions, &mut settings.on_reconnected);
    read_choice(table, "token", "kind of token", Token::ALL, &mut settings.token);
    set(&mut settings.path, table.get("path").and_then(|path| read_path(&path)));
}

pub(super) fn write_curator(out: &mut String, settings: &CuratorSettings) -> fmt::Result {
    let usual = CuratorSettings::default();
    write_duration(out, "session_timeout", settings.session_timeout, usual.session_timeout)?;
    let timeout = settings.connection_timeout;
    write_duration(out, "connection_timeout", timeout, usual.connection_timeout)?;
    write_duration(out, "retry_base", settings.retry_base, usual.retry_base)?;
    write_plain(out, "max_retries", settings.max_retries, usual.max_retries)?;
    write_plain(out, "protection", settings.protection, usual.protection)?;
    let suspended = settings.on_suspended.as_str();
    write_word(out, "on_suspended", suspended, usual.on_suspended.as_str())?;
    write_word(out, "on_lost", settings.on_lost.as_str(), usual.on_lost.as_str())?;
    let reconnected = settings.on_reconnected.as_str();
    write_word(out, "on_reconnected", reconnected, usual.on_reconnected.as_str())?;
    write_word(out, "token", settings.token.as_str(), usual.token.as_str())?;
    write_name(out, "path", &settings.path, &usual.path)
}
