//! ZooKeeper: the `[backend]` section of an ensemble, and `[lock]` of the recipe `zookeeper`.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use fencepost_faults::toml::{Table, Value};
use fencepost_models::locks::zookeeper::{
    Leftover, OnDisconnect, Token, Watching, ZooKeeperLockSettings,
};
use fencepost_models::note::Name;
use fencepost_models::zookeeper::is_path;

use super::lock::{read_name, write_name};
use super::{MILLISECOND, read_choice, set, write_duration, write_plain, write_word};
use crate::scenario::ZooKeeper;

/// Times travel as whole milliseconds in a signed number of four bytes, 20 ticks of them too. Source:
/// `ZooKeeperServer.java`, `setMaxSessionTimeout`.
const MAX_TICK: Duration = Duration::from_millis(i32::MAX as u64 / 20);
pub(super) const MAX_TIMEOUT: Duration = Duration::from_millis(i32::MAX as u64);
/// Limits are given in ticks; more of them than fit nobody waits for.
const LIMITS: RangeInclusive<u32> = 1..=10_000;

/// `None` when it cannot be said how many nodes there are.
pub(super) fn read_ensemble(table: &mut Table<'_>, ensemble: &mut ZooKeeper) -> Option<()> {
    const MOST: u16 = ZooKeeper::MAX_NODES;
    let servers = table.get("servers").map(|number| number.integer(1..=MOST));
    set(&mut ensemble.servers, servers.flatten());
    set(&mut ensemble.tick, table.get("tick").and_then(|tick| read_whole(&tick, MAX_TICK)));
    for (key, place) in
        [("init_limit", &mut ensemble.init_limit), ("sync_limit", &mut ensemble.sync_limit)]
    {
        set(place, table.get(key).and_then(|ticks| ticks.integer(LIMITS)));
    }
    let logs = table.get("logs_before_ack");
    set(&mut ensemble.logs_before_ack, logs.and_then(|logs| logs.boolean()));
    (servers != Some(None)).then_some(())
}

pub(super) fn write_ensemble(out: &mut String, ensemble: &ZooKeeper) -> fmt::Result {
    let defaults = ZooKeeper::default();
    write_plain(out, "servers", ensemble.servers, defaults.servers)?;
    write_duration(out, "tick", ensemble.tick, defaults.tick)?;
    write_plain(out, "init_limit", ensemble.init_limit, defaults.init_limit)?;
    write_plain(out, "sync_limit", ensemble.sync_limit, defaults.sync_limit)?;
    write_plain(out, "logs_before_ack", ensemble.logs_before_ack, defaults.logs_before_ack)
}

pub(super) fn read_zookeeper(table: &mut Table<'_>, settings: &mut ZooKeeperLockSettings) {
    let timeout = table.get("session_timeout");
    let timeout = timeout.and_then(|timeout| read_whole(&timeout, MAX_TIMEOUT));
    set(&mut settings.session_timeout, timeout);
    read_choice(table, "watching", "node to watch", Watching::ALL, &mut settings.watching);
    let reactions = OnDisconnect::ALL;
    read_choice(table, "on_disconnect", "reaction", reactions, &mut settings.on_disconnect);
    read_choice(table, "leftover", "fate of a node", Leftover::ALL, &mut settings.leftover);
    read_choice(table, "token", "kind of token", Token::ALL, &mut settings.token);
    set(&mut settings.path, table.get("path").and_then(|path| read_path(&path)));
}

pub(super) fn write_zookeeper(out: &mut String, settings: &ZooKeeperLockSettings) -> fmt::Result {
    let defaults = ZooKeeperLockSettings::default();
    write_duration(out, "session_timeout", settings.session_timeout, defaults.session_timeout)?;
    write_word(out, "watching", settings.watching.as_str(), defaults.watching.as_str())?;
    let (reaction, usual) = (settings.on_disconnect, defaults.on_disconnect);
    write_word(out, "on_disconnect", reaction.as_str(), usual.as_str())?;
    write_word(out, "leftover", settings.leftover.as_str(), defaults.leftover.as_str())?;
    write_word(out, "token", settings.token.as_str(), defaults.token.as_str())?;
    write_name(out, "path", &settings.path, &defaults.path)
}

/// Whole milliseconds.
pub(super) fn read_whole(value: &Value<'_>, most: Duration) -> Option<Duration> {
    let duration = value.duration(MILLISECOND..=most)?;
    if duration.as_nanos().is_multiple_of(MILLISECOND.as_nanos()) {
        return Some(duration);
    }
    let message = format!("`{}` is {}", value.key(), fencepost_faults::show(duration));
    let label = "expected whole milliseconds: ZooKeeper knows no others".to_owned();
    value.problem(message, label, None);
    None
}

/// The node below which the lock's nodes are: any but the root, which everybody uses.
pub(super) fn read_path(value: &Value<'_>) -> Option<Name> {
    let name = read_name(value, "a node's path")?;
    let path = name.to_string();
    if path != "/" && is_path(&path) {
        return Some(name);
    }
    let label = "expected names after slashes: \"/locks/stock\"".to_owned();
    value.problem(format!("`{}` is no path of a lock's node", value.key()), label, None);
    None
}
