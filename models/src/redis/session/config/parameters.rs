//! The parameters that a server can be asked about, with the defaults of Redis 7.0.15.
//!
//! Source: `config.c`, `static_configs`.

use super::values::Check;
use crate::redis::number::parse_i64;
use crate::redis::server::RedisSettings;

/// What setting a parameter does.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    /// It changes what the model does.
    Sets {
        /// Shows the value.
        read: fn(&RedisSettings) -> String,
        /// Takes a value that has been checked.
        write: fn(&mut RedisSettings, &str),
    },
    /// The model has the default alone: any other value is refused, in words that say so.
    DefaultOnly,
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
    /// Its names.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once(self.name).chain(self.alias)
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
            Effect::Refuses(why) => return Err(why.to_owned()),
            Effect::DefaultOnly if value == self.default => {}
            Effect::DefaultOnly => {
                let default = if self.default.is_empty() { "nothing" } else { self.default };
                return Err(format!("fencepost does not model this: it can only be {default}"));
            }
        }
        Ok(())
    }

    const fn also(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }
}

const fn fixed(name: &'static str, default: &'static str, check: Check) -> Parameter {
    Parameter { name, alias: None, default, check, effect: Effect::DefaultOnly }
}

const fn refused(name: &'static str, default: &'static str, why: &'static str) -> Parameter {
    Parameter { name, alias: None, default, check: Check::Text, effect: Effect::Refuses(why) }
}

const IMMUTABLE: &str = "can't set immutable config";
const INT_MAX: i64 = i32::MAX as i64;

/// `hz`: what is out of range is brought into it. Source: `config.c`, `updateHZ`; `server.h`,
/// `CONFIG_MIN_HZ` and `CONFIG_MAX_HZ`.
const HZ: Parameter = Parameter {
    name: "hz",
    alias: None,
    default: "10",
    check: Check::Integer(0, INT_MAX),
    effect: Effect::Sets {
        read: |settings| settings.hz.to_string(),
        write: |settings, value| {
            let hz = parse_i64(value.as_bytes()).unwrap_or(i64::MAX).clamp(1, 500);
            settings.hz = u32::try_from(hz).unwrap_or(settings.hz);
        },
    },
};

/// The table, in the order of the names.
pub(super) static PARAMETERS: &[Parameter] = &[
    fixed("appendfsync", "everysec", Check::OneOf(&["everysec", "always", "no"])),
    fixed("appendonly", "no", Check::YesNo),
    fixed("busy-reply-threshold", "5000", Check::Integer(0, i64::MAX)).also("lua-time-limit"),
    refused("databases", "1", IMMUTABLE),
    refused("dir", "/", "can't set protected config"),
    fixed("dynamic-hz", "yes", Check::YesNo),
    HZ,
    fixed("maxclients", "10000", Check::Integer(1, u32::MAX as i64)),
    fixed("maxmemory", "0", Check::Memory),
    fixed(
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
    ),
    fixed("maxmemory-samples", "5", Check::Integer(1, INT_MAX)),
    fixed("min-replicas-max-lag", "10", Check::Integer(0, INT_MAX)).also("min-slaves-max-lag"),
    fixed("min-replicas-to-write", "0", Check::Integer(0, INT_MAX)).also("min-slaves-to-write"),
    fixed("notify-keyspace-events", "", Check::Text),
    fixed("port", "6379", Check::Integer(0, 65_535)),
    fixed("repl-timeout", "60", Check::Integer(1, INT_MAX)),
    fixed("replica-serve-stale-data", "yes", Check::YesNo).also("slave-serve-stale-data"),
    fixed("requirepass", "", Check::Text),
    fixed("save", "", Check::Text),
    fixed("tcp-keepalive", "300", Check::Integer(0, INT_MAX)),
    fixed("timeout", "0", Check::Integer(0, INT_MAX)),
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
            assert_eq!(
                set.is_err(),
                matches!(parameter.effect, Effect::Refuses(_)),
                "{}",
                parameter.name
            );
            assert_eq!(settings, RedisSettings::default(), "{}", parameter.name);
            if let Effect::Sets { read, .. } = parameter.effect {
                assert_eq!(read(&settings), parameter.default);
            }
        }
    }
}
