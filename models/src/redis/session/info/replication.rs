//! The section of `INFO` about replication. Sentinel reads it.
//!
//! Source: `server.c`, `genRedisInfoString`.

use std::fmt::Write;

use super::Facts;
use crate::redis::address::{host, redis_port};
use crate::redis::replication::Master;
use crate::redis::replication::link::Link;
use crate::redis::unix_time::seconds;

pub(super) fn replication(facts: &Facts<'_>, out: &mut String) {
    let replication = &facts.sessions.replication;
    let settings = facts.sessions.settings().replication;
    let now_s = seconds(facts.sessions.clock.wall).cast_signed();
    match &replication.master {
        None => out.push_str("role:master\r\n"),
        Some(master) => follower(facts, master, now_s, out),
    }
    fields!(out, { "connected_slaves": replication.replicas.len(), });
    if settings.min_replicas_to_write > 0 && settings.min_replicas_max_lag_s > 0 {
        fields!(out, { "min_slaves_good_slaves": replication.good_replicas, });
    }
    for (number, replica) in replication.replicas.iter().enumerate() {
        let lag_s = if replica.is_online() { now_s - replica.heard_s } else { 0 };
        let (ip, port, state) = (host(replica.peer), replica.port, replica.state());
        let offset = replica.acknowledged;
        let _ = write!(
            out,
            "slave{number}:ip={ip},port={port},state={state},offset={offset},lag={lag_s}\r\n"
        );
    }
    let backlog = replication.backlog.as_ref();
    let second = replication.identity.second();
    let none = "0".repeat(40);
    fields!(out, {
        "master_failover_state": "no-failover",
        "master_replid": replication.identity.id(),
        "master_replid2": second.map_or(none.as_str(), |(id, _)| id),
        "master_repl_offset": replication.offset,
        "second_repl_offset": second.map_or(-1, |(_, until)| until),
        "repl_backlog_active": u8::from(backlog.is_some()),
        "repl_backlog_size": settings.backlog_bytes,
        "repl_backlog_first_byte_offset": backlog.map_or(0, |backlog| backlog.first_byte()),
        "repl_backlog_histlen": backlog.map_or(0, |backlog| backlog.length()),
    });
}

/// What a replica says of its master.
fn follower(facts: &Facts<'_>, master: &Master, now_s: i64, out: &mut String) {
    let replication = &facts.sessions.replication;
    let settings = facts.sessions.settings().replication;
    let is_up = master.is_connected();
    let is_in_transfer = matches!(master.link, Link::Transfer(_));
    let offset = if is_up || master.can_continue { replication.offset } else { 1 };
    fields!(out, {
        "role": "slave",
        "master_host": host(master.node),
        "master_port": redis_port(master.node),
        "master_link_status": if is_up { "up" } else { "down" },
        "master_last_io_seconds_ago": if is_up { now_s - master.heard_s } else { -1 },
        "master_sync_in_progress": u8::from(is_in_transfer),
        "slave_read_repl_offset": offset,
        "slave_repl_offset": offset,
    });
    if is_in_transfer {
        fields!(out, {
            "master_sync_total_bytes": -1,
            "master_sync_read_bytes": 0,
            "master_sync_left_bytes": -1,
            "master_sync_perc": "-0.00",
            "master_sync_last_io_seconds_ago": now_s - master.heard_s,
        });
    }
    if !is_up {
        let since_s = match master.down_since_s {
            0 => -1,
            since_s => now_s - since_s,
        };
        fields!(out, { "master_link_down_since_seconds": since_s, });
    }
    fields!(out, {
        "slave_priority": settings.priority,
        "slave_read_only": u8::from(settings.read_only),
        "replica_announced": 1,
    });
}
