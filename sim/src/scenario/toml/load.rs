//! `[load]`: who else writes to the lock's server.

use std::fmt::{self, Write as _};

use fencepost_faults::toml::Table;
use fencepost_models::load::LoadSettings;

use super::set;

/// More than one client can ask of a Redis.
const MAX_KEYS_PER_SECOND: u32 = 100_000;
/// Redis, `redis.conf`: `proto-max-bulk-len 512mb`. Values this long would be all that a run does.
const MAX_VALUE_BYTES: u32 = 16 << 20;

/// Reads the load, if there is any; `None` when that is not known.
pub(super) fn read_load(
    root: &mut Table<'_>,
    is_taken: bool,
    load: &mut Option<LoadSettings>,
) -> Option<()> {
    let Some(section) = root.get("load") else {
        return Some(());
    };
    let mut table = section.table()?;
    if !is_taken {
        let help = "add a section [backend] with a Redis, or leave [load] out".to_owned();
        section.problem(
            "`load` needs a backend with a Redis".to_owned(),
            "sets keys on what?",
            Some(help),
        );
    }
    let load = load.get_or_insert_default();
    let keys = table.get("keys_per_second");
    let keys = keys.and_then(|keys| keys.integer(1..=MAX_KEYS_PER_SECOND));
    let bytes = table.get("value_bytes").and_then(|bytes| bytes.integer(0..=MAX_VALUE_BYTES));
    set(&mut load.keys_per_second, keys);
    set(&mut load.value_bytes, bytes);
    table.finish();
    Some(())
}

pub(super) fn write_load(out: &mut String, load: &LoadSettings) -> fmt::Result {
    let LoadSettings { keys_per_second, value_bytes } = load;
    writeln!(out, "\n[load]\nkeys_per_second = {keys_per_second}\nvalue_bytes = {value_bytes}")
}
