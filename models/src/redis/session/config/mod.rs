//! `CONFIG`: what `redis.conf` sets. Source: `config.c`.

mod parameters;
mod replication;
mod values;

use bytes::Bytes;

use self::parameters::{Effect, PARAMETERS, Parameter};
use super::Call;
use super::info::Statistics;
use crate::redis::commands::{Command, SYNTAX_ERROR, error, session};
use crate::redis::engine::Lookups;
use crate::redis::glob::{self, Case};
use crate::redis::resp::Reply;
use crate::redis::server::RedisSettings;

/// The subcommands, in the order of their names.
pub(in crate::redis) const SUBCOMMANDS: &[Command] = &[
    session("get", "config|get", -3, get),
    session("resetstat", "config|resetstat", 2, resetstat),
    session("rewrite", "config|rewrite", 2, rewrite),
    session("set", "config|set", -4, set),
];

/// The parameters of a server.
#[derive(Debug)]
pub(super) struct Config {
    settings: RedisSettings,
}

impl Config {
    pub(super) const fn new(settings: RedisSettings) -> Self {
        Self { settings }
    }

    pub(super) const fn settings(&self) -> &RedisSettings {
        &self.settings
    }

    /// A parameter's value, as `CONFIG GET` shows it.
    fn value(&self, parameter: &Parameter) -> Bytes {
        match parameter.effect {
            Effect::Sets { read, .. } | Effect::Shows(read) | Effect::Immutable(read) => {
                Bytes::from(read(&self.settings))
            }
            _ => Bytes::from_static(parameter.default.as_bytes()),
        }
    }
}

/// `CONFIG GET pattern …`: names and values in turn, each name once.
///
/// A word without a wildcard is answered under the name that it was asked for with.
fn get(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    let mut found: Vec<(Bytes, &Parameter)> = Vec::new();
    let mut add = |name: Bytes, parameter| {
        if found.iter().all(|(other, _)| !other.eq_ignore_ascii_case(&name)) {
            found.push((name, parameter));
        }
    };
    for pattern in &arguments[2..] {
        if !pattern.iter().any(|byte| b"[*?".contains(byte)) {
            if let Some((_, parameter)) = lookup(pattern) {
                add(pattern.clone(), parameter);
            }
            continue;
        }
        for parameter in PARAMETERS {
            for name in parameter.names() {
                if glob::fits(pattern, name.as_bytes(), Case::Ignored) {
                    add(Bytes::from_static(name.as_bytes()), parameter);
                }
            }
        }
    }
    let config = &call.sessions.config;
    let pairs = found.into_iter().flat_map(|(name, parameter)| [name, config.value(parameter)]);
    Some(Reply::Array(pairs.map(Reply::Bulk).collect()))
}

/// `CONFIG SET parameter value …`: all or none. An older name of a parameter counts as one of its own.
fn set(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    let (pairs, []) = arguments[2..].as_chunks::<2>() else {
        return Some(SYNTAX_ERROR);
    };
    let mut chosen: Vec<(&str, &Parameter, &Bytes)> = Vec::new();
    for [name, value] in pairs {
        let Some((known, parameter)) = lookup(name) else {
            let text = b"Unknown option or number of arguments for CONFIG SET - '";
            return Some(error([&text[..], name, b"'"].concat()));
        };
        if let Some(why) = parameter.refusal() {
            return Some(failed(name, why));
        }
        if chosen.iter().any(|(other, ..)| *other == known) {
            return Some(failed(name, "duplicate parameter"));
        }
        chosen.push((known, parameter, value));
    }
    let config = &mut call.sessions.config;
    let mut settings = config.settings;
    for (known, parameter, value) in chosen {
        if let Err(why) = parameter.set(&mut settings, value) {
            return Some(failed(known.as_bytes(), &why));
        }
    }
    let is_other_limit = settings.maxmemory_bytes != config.settings.maxmemory_bytes;
    config.settings = settings;
    // A stream of its own: who sets a limit leaves all other draws alone.
    let mut random = call.engine.data.random.beside();
    call.engine.apply(&settings, &mut random);
    // Source: `config.c`, `updateGoodReplicas`.
    call.sessions.count_good_replicas(call.engine);
    // Source: `config.c`, `updateMaxmemory`.
    call.engine.is_eviction_due = is_other_limit && settings.maxmemory_bytes > 0;
    Some(Reply::OK)
}

fn failed(name: &[u8], why: &str) -> Reply {
    let head = b"CONFIG SET failed (possibly related to argument '";
    error([&head[..], name, b"') - ", why.as_bytes()].concat())
}

/// The parameter of that name, and which of its names that is.
fn lookup(name: &[u8]) -> Option<(&'static str, &'static Parameter)> {
    PARAMETERS.iter().find_map(|parameter| Some((parameter.called(name)?, parameter)))
}

/// `CONFIG REWRITE`. Source: `configRewriteCommand`.
fn rewrite(call: &mut Call<'_>, _: &[Bytes]) -> Option<Reply> {
    if !call.sessions.settings().has_config_file {
        return Some(Reply::error("ERR The server is running without a config file"));
    }
    call.sessions.is_config_rewritten = true;
    Some(Reply::OK)
}

/// `CONFIG RESETSTAT`
fn resetstat(call: &mut Call<'_>, _: &[Bytes]) -> Option<Reply> {
    call.sessions.statistics = Statistics::default();
    call.data().lookups = Lookups::default();
    Some(Reply::OK)
}
