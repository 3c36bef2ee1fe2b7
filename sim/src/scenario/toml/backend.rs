//! `[backend]`: the servers that the lock lives on.

use std::fmt::{self, Write as _};

use fencepost_faults::show;
use fencepost_faults::toml::{MAX_DURATION, Table, Value, string};
use fencepost_models::redis::cluster::ClusterSettings;

use super::redis::{read_redis, write_redis};
use super::replication::{read_replication, write_replication};
use super::zookeeper::{read_ensemble, write_ensemble};
use super::{MILLISECOND, ZERO, set, set_duration, write_duration};
use crate::scenario::{Backend, RedisCluster, RedisIndependent, RedisSentinel};

/// `Some(None)` where there is no backend, `None` where it is wrong. There are `buyers` to run in
/// processes. `own` is the backend that is meant where somebody's own is named.
pub(super) fn read_backend<'a>(
    section: Option<&Value<'a>>,
    buyers: u16,
    own: Option<&Backend>,
) -> Option<Option<(Value<'a>, Backend)>> {
    let Some(section) = section else {
        return Some(None);
    };
    let mut table = section.table()?;
    let kind = table.required("kind", "kind = \"redis\"");
    let mut is_clear = true;
    let found = kind.and_then(|kind| {
        let own = own.filter(|backend| matches!(backend, Backend::Own(_))).cloned();
        let backends = Backend::all().into_iter().chain(own);
        let backends: Vec<_> = backends.map(|backend| (backend.as_str(), backend)).collect();
        let mut backend = kind.one_of("backend", &backends)?;
        match &mut backend {
            Backend::Redis(settings) => read_redis(&mut table, settings),
            Backend::RedisSentinel(group) => is_clear = read_sentinel(&mut table, group).is_some(),
            Backend::RedisCluster(cluster) => {
                is_clear = read_cluster(&mut table, cluster).is_some();
            }
            Backend::RedisIndependent(masters) => {
                is_clear = read_independent(&mut table, masters).is_some();
            }
            Backend::ZooKeeper(ensemble) => {
                is_clear = read_ensemble(&mut table, ensemble).is_some();
            }
            Backend::Memory { processes } => {
                let given = table.get("processes");
                set(processes, given.and_then(|number| number.integer(1..=buyers)));
            }
            // What they do is nowhere but in their author's code.
            Backend::Own(_) => {}
        }
        Some((kind, backend))
    });
    // What else an unknown backend may be given, nobody knows.
    if found.is_some() {
        table.finish();
    }
    // Which nodes there are is not known then.
    found.filter(|_| is_clear).map(Some)
}

pub(super) fn write_backend(out: &mut String, backend: Option<&Backend>) -> fmt::Result {
    let Some(backend) = backend else { return Ok(()) };
    writeln!(out, "\n[backend]\nkind = {}", string(backend.as_str()))?;
    match backend {
        Backend::Redis(settings) => write_redis(out, settings),
        Backend::RedisSentinel(group) => write_sentinel(out, group),
        Backend::RedisCluster(cluster) => write_cluster(out, cluster),
        Backend::RedisIndependent(masters) => write_independent(out, masters),
        Backend::ZooKeeper(ensemble) => write_ensemble(out, ensemble),
        // What they do is nowhere but in their author's code.
        Backend::Memory { processes: 1 } | Backend::Own(_) => Ok(()),
        Backend::Memory { processes } => writeln!(out, "processes = {processes}"),
    }
}

/// `None` when it cannot be said how many nodes there are.
fn read_sentinel(table: &mut Table<'_>, group: &mut RedisSentinel) -> Option<()> {
    const MOST: u16 = RedisSentinel::MAX_NODES;
    let replicas = table.get("replicas").map(|number| number.integer(1..=MOST));
    let sentinels = table.get("sentinels").map(|number| number.integer(1..=MOST));
    set(&mut group.replicas, replicas.flatten());
    set(&mut group.sentinels, sentinels.flatten());
    // Fewer Sentinels than the default quorum asks for have one of their own.
    group.quorum = group.quorum.min(u32::from(group.sentinels));
    let quorum = table.get("quorum");
    let most = u32::from(group.sentinels);
    set(&mut group.quorum, quorum.and_then(|number| number.integer(1..=most)));
    set_duration(table, "down_after", MILLISECOND, &mut group.down_after);
    set_duration(table, "failover_timeout", MILLISECOND, &mut group.failover_timeout);
    let parallel = table.get("parallel_syncs");
    set(&mut group.parallel_syncs, parallel.and_then(|number| number.integer(1..=u32::from(MOST))));
    read_redis(table, &mut group.redis);
    read_replication(table, &mut group.redis.replication);
    (replicas != Some(None) && sentinels != Some(None)).then_some(())
}

/// `None` when it cannot be said how many nodes there are.
fn read_cluster(table: &mut Table<'_>, cluster: &mut RedisCluster) -> Option<()> {
    const MOST: u16 = RedisCluster::MAX_NODES;
    let masters = table.get("masters").map(|number| number.integer(1..=MOST));
    let replicas = table.get("replicas").map(|number| number.integer(0..=9_u16));
    set(&mut cluster.masters, masters.flatten());
    set(&mut cluster.replicas, replicas.flatten());
    let settings = &mut cluster.cluster;
    set_duration(table, "node_timeout", MILLISECOND, &mut settings.node_timeout);
    for (key, place) in switches(settings) {
        set(place, table.get(key).and_then(|switch| switch.boolean()));
    }
    if let Some(after) = table.get("moves_slot_after") {
        cluster.moves_slot_after = after.duration(ZERO..=MAX_DURATION);
    }
    let settings = &mut cluster.cluster;
    let factor = table.get("replica_validity_factor");
    let most = i32::MAX.cast_unsigned();
    set(&mut settings.replica_validity_factor, factor.and_then(|it| it.integer(0..=most)));
    read_redis(table, &mut cluster.redis);
    read_replication(table, &mut cluster.redis.replication);
    (masters != Some(None) && replicas != Some(None)).then_some(())
}

/// `None` when it cannot be said how many nodes there are.
fn read_independent(table: &mut Table<'_>, masters: &mut RedisIndependent) -> Option<()> {
    const MOST: u16 = RedisIndependent::MAX_NODES;
    let servers = table.get("servers").map(|number| number.integer(1..=MOST));
    set(&mut masters.servers, servers.flatten());
    set_duration(table, "restart_delay", ZERO, &mut masters.restart_delay);
    read_redis(table, &mut masters.redis);
    (servers != Some(None)).then_some(())
}

fn write_independent(out: &mut String, masters: &RedisIndependent) -> fmt::Result {
    let defaults = RedisIndependent::default();
    if masters.servers != defaults.servers {
        writeln!(out, "servers = {}", masters.servers)?;
    }
    write_duration(out, "restart_delay", masters.restart_delay, defaults.restart_delay)?;
    write_redis(out, &masters.redis)
}

fn switches(settings: &mut ClusterSettings) -> [(&'static str, &mut bool); 4] {
    [
        ("require_full_coverage", &mut settings.require_full_coverage),
        ("allow_replica_migration", &mut settings.allow_replica_migration),
        ("allow_reads_when_down", &mut settings.allow_reads_when_down),
        ("replica_no_failover", &mut settings.replica_no_failover),
    ]
}

fn write_cluster(out: &mut String, cluster: &RedisCluster) -> fmt::Result {
    let defaults = RedisCluster::default();
    if cluster.masters != defaults.masters {
        writeln!(out, "masters = {}", cluster.masters)?;
    }
    if cluster.replicas != defaults.replicas {
        writeln!(out, "replicas = {}", cluster.replicas)?;
    }
    let (mut settings, mut usual) = (cluster.cluster.clone(), defaults.cluster);
    write_duration(out, "node_timeout", settings.node_timeout, usual.node_timeout)?;
    for ((key, switch), (_, default)) in
        switches(&mut settings).into_iter().zip(switches(&mut usual))
    {
        if *switch != *default {
            writeln!(out, "{key} = {switch}")?;
        }
    }
    if settings.replica_validity_factor != usual.replica_validity_factor {
        writeln!(out, "replica_validity_factor = {}", settings.replica_validity_factor)?;
    }
    if let Some(after) = cluster.moves_slot_after {
        writeln!(out, "moves_slot_after = {}", string(&show(after)))?;
    }
    write_redis(out, &cluster.redis)?;
    write_replication(out, &cluster.redis.replication)
}

fn write_sentinel(out: &mut String, group: &RedisSentinel) -> fmt::Result {
    let defaults = RedisSentinel::default();
    if group.replicas != defaults.replicas {
        writeln!(out, "replicas = {}", group.replicas)?;
    }
    if group.sentinels != defaults.sentinels {
        writeln!(out, "sentinels = {}", group.sentinels)?;
    }
    if group.quorum != defaults.quorum.min(u32::from(group.sentinels)) {
        writeln!(out, "quorum = {}", group.quorum)?;
    }
    write_duration(out, "down_after", group.down_after, defaults.down_after)?;
    write_duration(out, "failover_timeout", group.failover_timeout, defaults.failover_timeout)?;
    if group.parallel_syncs != defaults.parallel_syncs {
        writeln!(out, "parallel_syncs = {}", group.parallel_syncs)?;
    }
    write_redis(out, &group.redis)?;
    write_replication(out, &group.redis.replication)
}
