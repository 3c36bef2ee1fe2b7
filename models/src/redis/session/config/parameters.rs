//! The parameters that a server can be asked about, with the defaults of Redis 7.0.15.
//!
//! Source: `config.c`, `static_configs`.

use super::replication;
use super::values::Check;
use crate::redis::number::parse_i64;
use crate::redis::settings::{
    AppendFsync, EventClasses, MaxmemoryPolicy, Persistence, RedisSettings,
};

/// What setting a parameter does.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    /// It changes what the model does.
    Sets {
        /// Shows the value.
        read: fn(&RedisSettings) -> String,
        /// Takes a value that has been checked, or says why not.
        write: fn(&mut RedisSettings, &str) -> Result<(), String>,
    },
    /// The scenario sets it: any other value is refused, in words that say so.
    Shows(fn(&RedisSettings) -> String),
    /// The model has the default alone: any other value is refused, in words that say so.
    DefaultOnly,
    /// The scenario sets it, and Redis refuses it while it runs.
    Immutable(fn(&RedisSettings) -> String),
    /// Redis refuses it, for this reason.
    Refuses(&'static str),
}

/// One parameter.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// Its name before Redis 5 or 7.
    alias: Option<&'static str>,
    pub(super) default: &'static str,
    check: Check,
    pub(super) effect: Effect,
}

impl Parameter {
    /// The one of its names that this is, whatever its letters' case.
    pub(super) fn called(&self, name: &[u8]) -> Option<&'static str> {
        self.names().find(|known| known.as_bytes().eq_ignore_ascii_case(name))
    }

    /// Its names.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once(self.name).chain(self.alias)
    }

    /// Why no value can be taken, whichever it is.
    pub(super) const fn refusal(&self) -> Option<&'static str> {
        match self.effect {
            Effect::Refuses(why) => Some(why),
            Effect::Immutable(_) => Some(IMMUTABLE),
            _ => None,
        }
    }

    /// Takes a value.
    ///
    /// # Errors
    ///
    /// Why not.
    pub(super) fn set(&self, settings: &mut RedisSettings, value: &[u8]) -> Result<(), String> {
        let value = self.check.accept(value)?;
        match self.effect {
            Effect::Sets { write, .. } => write(settings, &value),
            Effect::Refuses(why) => Err(why.to_owned()),
            Effect::Immutable(_) => Err(IMMUTABLE.to_owned()),
            Effect::Shows(read) => only(&read(settings), &value),
            Effect::DefaultOnly => only(self.default, &value),
        }
    }

    pub(super) const fn also(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }
}

/// Takes a value that is there already.
fn only(present: &str, value: &str) -> Result<(), String> {
    if value == present {
        return Ok(());
    }
    let present = if present.is_empty() { "nothing" } else { present };
    Err(format!("fencepost does not model this: it can only be {present}"))
}

pub(super) const fn set(
    name: &'static str,
    default: &'static str,
    check: Check,
    read: fn(&RedisSettings) -> String,
    write: fn(&mut RedisSettings, &str) -> Result<(), String>,
) -> Parameter {
    Parameter { name, alias: None, default, check, effect: Effect::Sets { read, write } }
}

const fn shown(
    name: &'static str,
    default: &'static str,
    check: Check,
    read: fn(&RedisSettings) -> String,
) -> Parameter {
    Parameter { name, alias: None, default, check, effect: Effect::Shows(read) }
}

const fn fixed(name: &'static str, default: &'static str, check: Check) -> Parameter {
    Parameter { name, alias: None, default, check, effect: Effect::DefaultOnly }
}

const fn refused(name: &'static str, default: &'static str, why: &'static str) -> Parameter {
    Parameter { name, alias: None, default, check: Check::Text, effect: Effect::Refuses(why) }
}

const IMMUTABLE: &str = "can't set immutable config";
pub(super) const INT_MAX: i64 = i32::MAX as i64;

/// What a checked word stands for; it is one of the table.
fn named<T: Copy>(table: &[(&'static str, T)], word: &str) -> Result<T, String> {
    let found = table.iter().find(|(name, _)| *name == word);
    found.map(|(_, it)| *it).ok_or_else(|| format!("fencepost does not model {word}"))
}

/// A switch as it is shown.
pub(super) fn yes_no(is_on: bool) -> String {
    if is_on { "yes" } else { "no" }.to_owned()
}

/// A checked number, brought into what its type holds.
pub(super) fn number(digits: &str) -> u32 {
    let number = parse_i64(digits.as_bytes()).unwrap_or(i64::MAX);
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

/// A checked number that may be large.
fn large(digits: &str) -> Result<u64, String> {
    digits.parse().map_err(|_| "is no number".to_owned())
}

/// Without a file there is nothing to sync: the value cannot be kept.
const APPENDFSYNC: Parameter = set(
    "appendfsync",
    AppendFsync::EverySecond.as_str(),
    Check::OneOf(&["everysec", "always", "no"]),
    |settings| settings.persistence.appendfsync().as_str().to_owned(),
    |settings, word| match &mut settings.persistence {
        Persistence::Aof(policy) => {
            *policy = named(&AppendFsync::ALL, word)?;
            Ok(())
        }
        none => only(none.appendfsync().as_str(), word),
    },
);

const HASH_MAX_LISTPACK_ENTRIES: Parameter = set(
    "hash-max-listpack-entries",
    "512",
    Check::Integer(0, i64::MAX),
    |settings| settings.hash_limits.fields.to_string(),
    |settings, digits| {
        settings.hash_limits.fields = large(digits)?;
        Ok(())
    },
)
.also("hash-max-ziplist-entries");

const HASH_MAX_LISTPACK_VALUE: Parameter = set(
    "hash-max-listpack-value",
    "64",
    Check::Memory(0, i64::MAX as u64),
    |settings| settings.hash_limits.bytes.to_string(),
    |settings, digits| {
        settings.hash_limits.bytes = large(digits)?;
        Ok(())
    },
)
.also("hash-max-ziplist-value");

/// What is out of range is brought into it. Source: `config.c`, `updateHZ`; `server.h`,
/// `CONFIG_MIN_HZ` and `CONFIG_MAX_HZ`.
const HZ: Parameter = set(
    "hz",
    "10",
    Check::Integer(0, INT_MAX),
    |settings| settings.hz.to_string(),
    |settings, digits| {
        settings.hz = number(digits).clamp(1, 500);
        Ok(())
    },
);

const MAXMEMORY: Parameter = set(
    "maxmemory",
    "0",
    Check::Memory(0, u64::MAX),
    |settings| settings.maxmemory_bytes.to_string(),
    |settings, digits| {
        settings.maxmemory_bytes = large(digits)?;
        Ok(())
    },
);

const MAXMEMORY_POLICY: Parameter = set(
    "maxmemory-policy",
    "noeviction",
    Check::OneOf(&[
        "volatile-lru",
        "volatile-lfu",
        "volatile-random",
        "volatile-ttl",
        "allkeys-lru",
        "allkeys-lfu",
        "allkeys-random",
        "noeviction",
    ]),
    |settings| settings.maxmemory_policy.as_str().to_owned(),
    |settings, word| {
        settings.maxmemory_policy = named(&MaxmemoryPolicy::ALL, word)?;
        Ok(())
    },
);

const MAXMEMORY_SAMPLES: Parameter = set(
    "maxmemory-samples",
    "5",
    Check::Integer(1, INT_MAX),
    |settings| settings.maxmemory_samples.to_string(),
    |settings, digits| {
        settings.maxmemory_samples = number(digits);
        Ok(())
    },
);

/// Source: `config.c`, `setConfigNotifyKeyspaceEventsOption`.
const NOTIFY_KEYSPACE_EVENTS: Parameter = set(
    "notify-keyspace-events",
    "",
    Check::Text,
    |settings| settings.notify_keyspace_events.to_string(),
    |settings, letters| {
        settings.notify_keyspace_events = EventClasses::parse(letters)
            .ok_or_else(|| "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".to_owned())?;
        Ok(())
    },
);

const TIMEOUT: Parameter = set(
    "timeout",
    "0",
    Check::Integer(0, INT_MAX),
    |settings| settings.timeout_s.to_string(),
    |settings, digits| {
        settings.timeout_s = number(digits);
        Ok(())
    },
);

/// The table, in the order of the names.
pub(super) static PARAMETERS: &[Parameter] = &[
    APPENDFSYNC,
    // Redis would write a base file (`BGREWRITEAOF`), which is not modelled.
    shown("appendonly", "no", Check::YesNo, |settings| {
        yes_no(settings.persistence != Persistence::None)
    }),
    fixed("busy-reply-threshold", "5000", Check::Integer(0, i64::MAX)).also("lua-time-limit"),
    refused("databases", "16", IMMUTABLE),
    refused("dir", "/", "can't set protected config"),
    fixed("dynamic-hz", "yes", Check::YesNo),
    Parameter {
        effect: Effect::Immutable(|settings| yes_no(settings.enable_debug_command)),
        ..refused("enable-debug-command", "no", IMMUTABLE)
    },
    HASH_MAX_LISTPACK_ENTRIES,
    HASH_MAX_LISTPACK_VALUE,
    HZ,
    fixed("maxclients", "10000", Check::Integer(1, u32::MAX as i64)),
    MAXMEMORY,
    MAXMEMORY_POLICY,
    MAXMEMORY_SAMPLES,
    replication::MIN_REPLICAS_MAX_LAG,
    replication::MIN_REPLICAS_TO_WRITE,
    NOTIFY_KEYSPACE_EVENTS,
    fixed("port", "6379", Check::Integer(0, 65_535)),
    fixed("proto-max-bulk-len", "536870912", Check::Memory(1 << 20, i64::MAX as u64)),
    replication::REPL_BACKLOG_SIZE,
    replication::REPL_BACKLOG_TTL,
    fixed("repl-diskless-sync", "yes", Check::YesNo),
    replication::REPL_DISKLESS_SYNC_DELAY,
    replication::REPL_PING_REPLICA_PERIOD,
    replication::REPL_TIMEOUT,
    replication::REPLICA_PRIORITY,
    replication::REPLICA_READ_ONLY,
    replication::REPLICA_SERVE_STALE_DATA,
    fixed("requirepass", "", Check::Text),
    fixed("save", "", Check::Text),
    fixed("tcp-keepalive", "300", Check::Integer(0, INT_MAX)),
    TIMEOUT,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_accepted_and_the_names_are_in_order() {
        assert!(PARAMETERS.is_sorted_by_key(|parameter| parameter.name));
        for parameter in PARAMETERS {
            let mut settings = RedisSettings::default();
            let set = parameter.set(&mut settings, parameter.default.as_bytes());
            assert_eq!(set.is_err(), parameter.refusal().is_some(), "{}", parameter.name);
            assert_eq!(settings, RedisSettings::default(), "{}", parameter.name);
            if let Effect::Sets { read, .. } | Effect::Shows(read) | Effect::Immutable(read) =
                parameter.effect
            {
                assert_eq!(read(&settings), parameter.default);
            }
        }
    }
}
