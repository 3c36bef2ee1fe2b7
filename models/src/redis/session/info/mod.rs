//! `INFO`.
//!
//! The fields are those of Redis 7.0.15 in their order. What the model does not have (buffers,
//! fragments, processor time, forks) is zero. Left out are the sections that only `INFO all` gives
//! (`commandstats`, `latencystats`), and the lines that Redis adds while it loads and while it keeps
//! an append-only file.
//!
//! Source: `server.c`, `genRedisInfoString`.

/// Writes lines of fields and values.
macro_rules! fields {
    ($out:expr, { $($name:literal: $value:expr,)* }) => {
        $( let _ = write!($out, concat!($name, ":{}\r\n"), $value); )*
    };
}

mod replication;
mod unmodelled;

use std::collections::BTreeMap;
use std::fmt::Write;

use bytes::Bytes;

use self::replication::replication;
use self::unmodelled::{
    CPU, MEMORY_FUNCTIONS, MEMORY_PEAK, MEMORY_REST, MEMORY_SCRIPTS, PERSISTENCE_FORKS,
    PERSISTENCE_RDB, PERSISTENCE_REST, STATS_EVICTION, STATS_EXPIRY, STATS_FORKS, STATS_RATES,
    STATS_REST,
};
use super::blocking::Blocked;
use super::connection::{End, Session};
use super::greeting::VERSION;
use super::{Call, Sessions};
use crate::machine::{Boot, NodeId};
use crate::redis::address::redis_port;
use crate::redis::channels::Kind;
use crate::redis::engine::Data;
use crate::redis::keyspace::Database;
use crate::redis::memory::{EMPTY_SERVER_BYTES, used_bytes};
use crate::redis::resp::Reply;
use crate::redis::settings::Persistence;
use crate::redis::unix_time::seconds;
use crate::redis::usage::lru_clock;

/// Who a server is.
#[derive(Debug)]
pub(super) struct Identity {
    node: NodeId,
    /// Forty hexadecimal digits, others at each start.
    run_id: String,
    started_s: u64,
}

impl Identity {
    /// Redis draws its identity at random. Here it follows from the node and from how often it has
    /// started, which no other process has.
    pub(super) fn new(boot: &Boot) -> Self {
        let text = format!("run {} {}", boot.node.0, boot.incarnation);
        Self {
            node: boot.node,
            run_id: sha1_smol::Sha1::from(text).digest().to_string(),
            started_s: seconds(boot.clock.wall),
        }
    }

    pub(super) const fn node(&self) -> NodeId {
        self.node
    }
}

/// What is counted, until `CONFIG RESETSTAT`.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    pub(super) connections: u64,
    /// Commands that were carried out, also those of transactions.
    pub(super) commands: u64,
    /// Errors that were answered, by their code.
    errors: BTreeMap<Bytes, u64>,
    pub(super) expired_keys: u64,
    pub(super) evicted_keys: u64,
}

impl Statistics {
    /// Counts an error. Source: `networking.c`, `afterErrorReply`.
    pub(super) fn count_error(&mut self, text: &Bytes) {
        let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
        *self.errors.entry(text.slice(..end)).or_default() += 1;
    }
}

/// What a section is made of.
struct Facts<'a> {
    sessions: &'a Sessions,
    data: &'a Data,
    scripts: usize,
}

/// A section's name in small letters, its title, and what writes its lines.
type Section = (&'static str, &'static str, fn(&Facts<'_>, &mut String));

/// The sections that there are without an argument, in their order.
const SECTIONS: [Section; 11] = [
    ("server", "Server", server),
    ("clients", "Clients", clients),
    ("memory", "Memory", memory),
    ("persistence", "Persistence", persistence),
    ("stats", "Stats", stats),
    ("replication", "Replication", replication),
    ("cpu", "CPU", |_, out| out.push_str(CPU)),
    ("module_list", "Modules", |_, _| {}),
    ("errorstats", "Errorstats", errors),
    ("cluster", "Cluster", |facts, out| {
        fields!(out, { "cluster_enabled": u8::from(facts.sessions.is_in_cluster()), });
    }),
    ("keyspace", "Keyspace", keyspace),
];

/// `INFO [section …]`
pub(in crate::redis) fn info(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    let facts = Facts {
        sessions: call.sessions,
        data: &call.engine.data,
        scripts: call.engine.scripts.len(),
    };
    let asked = &arguments[1..];
    let mut text = String::new();
    for (name, title, write) in SECTIONS {
        if asked.is_empty() || asked.iter().any(|word| is_asked(word, name)) {
            if !text.is_empty() {
                text.push_str("\r\n");
            }
            text.push_str(&format!("# {title}\r\n"));
            write(&facts, &mut text);
        }
    }
    Some(Reply::Bulk(text.into()))
}

/// True when a word asks for a section. `modules` is only the name of the title.
fn is_asked(word: &[u8], section: &str) -> bool {
    let words = [section.as_bytes(), b"default", b"all", b"everything"];
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

fn server(facts: &Facts<'_>, out: &mut String) {
    let identity = &facts.sessions.identity;
    let now = facts.sessions.clock.wall;
    let uptime_s = seconds(now).saturating_sub(identity.started_s);
    let hz = facts.sessions.settings().hz;
    fields!(out, {
        "redis_version": VERSION,
        "redis_git_sha1": "00000000",
        "redis_git_dirty": 0,
        "redis_build_id": 0,
        "redis_mode": if facts.sessions.is_in_cluster() { "cluster" } else { "standalone" },
        "os": "fencepost",
        "arch_bits": 64,
        "monotonic_clock": "POSIX clock_gettime",
        "multiplexing_api": "epoll",
        "atomicvar_api": "c11-builtin",
        "gcc_version": "0.0.0",
        "process_id": 1,
        "process_supervised": "no",
        "run_id": identity.run_id,
        "tcp_port": redis_port(identity.node),
        "server_time_usec": now.as_nanos() / 1000,
        "uptime_in_seconds": uptime_s,
        "uptime_in_days": uptime_s / 86_400,
        "hz": hz,
        "configured_hz": hz,
        "lru_clock": lru_clock(seconds(now)),
        "executable": "/usr/bin/redis-server",
        "config_file": "",
        "io_threads_active": 0,
    });
}

fn clients(facts: &Facts<'_>, out: &mut String) {
    let sessions = facts.sessions;
    let has_timeout =
        |session: &&Session| session.blocked.as_ref().is_some_and(Blocked::has_deadline);
    fields!(out, {
        "connected_clients": sessions.list.iter().filter(|session| session.end != End::Now).count(),
        "cluster_connections": 0,
        "maxclients": 10_000,
        "client_recent_max_input_buffer": 0,
        "client_recent_max_output_buffer": 0,
        "blocked_clients": sessions.blocked,
        "tracking_clients": 0,
        "clients_in_timeout_table": sessions.list.iter().filter(has_timeout).count(),
    });
}

fn memory(facts: &Facts<'_>, out: &mut String) {
    let (used, settings) = (used_bytes(&facts.data.keyspace), facts.sessions.settings());
    fields!(out, { "used_memory": used, "used_memory_human": human(used), });
    out.push_str(MEMORY_PEAK);
    fields!(out, { "used_memory_startup": EMPTY_SERVER_BYTES, });
    out.push_str(MEMORY_SCRIPTS);
    fields!(out, { "number_of_cached_scripts": facts.scripts, });
    out.push_str(MEMORY_FUNCTIONS);
    fields!(out, {
        "maxmemory": settings.maxmemory_bytes,
        "maxmemory_human": human(settings.maxmemory_bytes),
        "maxmemory_policy": settings.maxmemory_policy.as_str(),
    });
    out.push_str(MEMORY_REST);
}

/// Bytes with two decimals and a unit. Source: `server.c`, `bytesToHuman`; `printf` rounds what lies
/// in the middle to the even side.
fn human(bytes: u64) -> String {
    let (unit_bytes, unit): (u64, _) = match bytes {
        0..1024 => return format!("{bytes}B"),
        1024..0x10_0000 => (1 << 10, 'K'),
        0x10_0000..0x4000_0000 => (1 << 20, 'M'),
        0x4000_0000..0x100_0000_0000 => (1 << 30, 'G'),
        0x100_0000_0000..0x4_0000_0000_0000 => (1 << 40, 'T'),
        _ => (1 << 50, 'P'),
    };
    let scaled = u128::from(bytes) * 100;
    let (down, rest) = (scaled / u128::from(unit_bytes), scaled % u128::from(unit_bytes) * 2);
    let is_up = rest > u128::from(unit_bytes) || rest == u128::from(unit_bytes) && down % 2 == 1;
    let hundredths = down + u128::from(is_up);
    format!("{}.{:02}{unit}", hundredths / 100, hundredths % 100)
}

fn persistence(facts: &Facts<'_>, out: &mut String) {
    fields!(out, { "loading": u8::from(facts.data.is_loading), });
    out.push_str(PERSISTENCE_FORKS);
    fields!(out, { "rdb_changes_since_last_save": facts.data.dirty(), });
    out.push_str(PERSISTENCE_RDB);
    let keeps_file = facts.sessions.settings().persistence != Persistence::None;
    fields!(out, { "aof_enabled": u8::from(keeps_file), });
    out.push_str(PERSISTENCE_REST);
}

fn stats(facts: &Facts<'_>, out: &mut String) {
    let (statistics, channels) = (&facts.sessions.statistics, &facts.data.channels);
    fields!(out, {
        "total_connections_received": statistics.connections,
        "total_commands_processed": statistics.commands,
    });
    out.push_str(STATS_RATES);
    fields!(out, { "expired_keys": statistics.expired_keys, });
    out.push_str(STATS_EXPIRY);
    fields!(out, { "evicted_keys": statistics.evicted_keys, });
    out.push_str(STATS_EVICTION);
    fields!(out, {
        "keyspace_hits": facts.data.lookups.hits,
        "keyspace_misses": facts.data.lookups.misses,
        "pubsub_channels": channels.of(Kind::Channel).len(),
        "pubsub_patterns": channels.of(Kind::Pattern).len(),
        "pubsubshard_channels": channels.of(Kind::Shard).len(),
    });
    out.push_str(STATS_FORKS);
    fields!(out, { "total_error_replies": statistics.errors.values().sum::<u64>(), });
    out.push_str(STATS_REST);
}

fn errors(facts: &Facts<'_>, out: &mut String) {
    for (code, count) in &facts.sessions.statistics.errors {
        let _ = write!(out, "errorstat_{}:count={count}\r\n", String::from_utf8_lossy(code));
    }
}

fn keyspace(facts: &Facts<'_>, out: &mut String) {
    for database in Database::all() {
        let (number, keyspace) = (database.number(), facts.data.keyspace.of(database));
        let (keys, expires) = (keyspace.len(), keyspace.volatile_len());
        if keys > 0 {
            let _ = write!(out, "db{number}:keys={keys},expires={expires},avg_ttl=0\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_rounded_as_printf_rounds() {
        for (bytes, shown) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.00K"),
            (1024 + 128, "1.12K"),
            (1024 + 384, "1.38K"),
            (1_087_784, "1.04M"),
            (1_500_000, "1.43M"),
            (u64::MAX, "16384.00P"),
        ] {
            assert_eq!(human(bytes), shown);
        }
    }
}
