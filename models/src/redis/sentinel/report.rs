//! What a Sentinel tells about those whom it watches. Source: `addReplySentinelRedisInstance`,
//! `sentinelInfoCommand`.

use bytes::Bytes;

use super::Sentinel;
use super::instance::{Id, Instance, Reconfiguration, Role};
use crate::redis::address::{host, redis_port, sentinel_port};
use crate::redis::resp::Reply;

/// Names and values in turn.
#[derive(Default)]
struct Fields(Vec<Reply>);

impl Fields {
    fn add(&mut self, name: &'static str, value: impl ToString) {
        self.0.push(Reply::Bulk(Bytes::from_static(name.as_bytes())));
        self.0.push(Reply::Bulk(Bytes::from(value.to_string())));
    }
}

impl Sentinel {
    /// All that is known of an instance.
    pub(super) fn fields(&self, id: Id) -> Reply {
        let instance = self.group.get(id);
        let mut fields = Fields::default();
        let ip = host(instance.node);
        let port = match id {
            Id::Sentinel(_) => sentinel_port(instance.node),
            Id::Master | Id::Replica(_) => redis_port(instance.node),
        };
        match id {
            Id::Master => fields.add("name", self.settings.name()),
            Id::Replica(_) => fields.add("name", format!("{ip}:{port}")),
            Id::Sentinel(_) => fields.add("name", instance.run_id.as_deref().unwrap_or_default()),
        }
        fields.add("ip", ip);
        fields.add("port", port);
        fields.add("runid", instance.run_id.as_deref().unwrap_or_default());
        fields.add("flags", self.flags(id, instance));
        self.add_link(id, instance, &mut fields);
        match id {
            Id::Master => {
                self.add_role(instance, &mut fields);
                self.add_master(&mut fields);
            }
            Id::Replica(_) => {
                self.add_role(instance, &mut fields);
                add_replica(instance, &mut fields);
            }
            Id::Sentinel(_) => {
                let peer = &instance.peer;
                fields.add("last-hello-message", self.now_ms - peer.hello_ms);
                fields.add("voted-leader", peer.voted_for.as_deref().unwrap_or("?"));
                fields.add("voted-leader-epoch", peer.voted_epoch);
            }
        }
        Reply::Array(fields.0)
    }

    fn flags(&self, id: Id, instance: &Instance) -> String {
        let is_master = id == Id::Master;
        let reconfiguration = instance.replica.reconfiguration;
        let flags = [
            ("s_down", instance.is_down),
            ("o_down", is_master && self.group.is_objectively_down),
            ("master", is_master),
            ("slave", matches!(id, Id::Replica(_))),
            ("sentinel", matches!(id, Id::Sentinel(_))),
            ("disconnected", instance.link.is_disconnected),
            ("master_down", instance.peer.says_down),
            ("failover_in_progress", is_master && self.group.failover.is_in_progress()),
            ("promoted", instance.replica.is_promoted),
            ("reconf_sent", reconfiguration == Reconfiguration::Sent),
            ("reconf_inprog", reconfiguration == Reconfiguration::InProgress),
            ("reconf_done", instance.replica.is_done()),
            ("force_failover", is_master && self.group.failover.is_forced),
        ];
        let set: Vec<&str> = flags.iter().filter(|(_, set)| *set).map(|(flag, _)| *flag).collect();
        set.join(",")
    }

    fn add_link(&self, id: Id, instance: &Instance, fields: &mut Fields) {
        let (now_ms, link) = (self.now_ms, &instance.link);
        fields.add("link-pending-commands", link.pending.len());
        fields.add("link-refcount", 1);
        if id == Id::Master
            && let Some(step) = self.group.failover.step
        {
            fields.add("failover-state", step.as_str());
        }
        let since_ms = match link.unanswered_since_ms {
            0 => 0,
            since_ms => now_ms - since_ms,
        };
        fields.add("last-ping-sent", since_ms);
        fields.add("last-ok-ping-reply", now_ms - link.available_ms);
        fields.add("last-ping-reply", now_ms - link.ponged_ms);
        if instance.is_down {
            fields.add("s-down-time", now_ms - instance.down_since_ms);
        }
        if id == Id::Master && self.group.is_objectively_down {
            fields.add("o-down-time", now_ms - self.group.objectively_down_since_ms);
        }
        fields.add("down-after-milliseconds", self.settings.down_after_ms());
    }

    fn add_role(&self, instance: &Instance, fields: &mut Fields) {
        let since_ms = match instance.info_ms {
            0 => 0,
            info_ms => self.now_ms - info_ms,
        };
        fields.add("info-refresh", since_ms);
        let role = if instance.role == Role::Master { "master" } else { "slave" };
        fields.add("role-reported", role);
        fields.add("role-reported-time", self.now_ms - instance.role_since_ms);
    }

    fn add_master(&self, fields: &mut Fields) {
        fields.add("config-epoch", self.group.config_epoch);
        fields.add("num-slaves", self.group.replicas.len());
        fields.add("num-other-sentinels", self.group.sentinels.len());
        fields.add("quorum", self.settings.quorum);
        fields.add("failover-timeout", self.settings.failover_timeout_ms());
        fields.add("parallel-syncs", self.settings.parallel_syncs);
    }

    /// The section of `INFO` about what is watched; the others say nothing that the model has.
    pub(super) fn info(&self) -> Reply {
        let since_s = self.tilt_since_ms.map_or(-1, |since_ms| (self.now_ms - since_ms) / 1000);
        let status = match (self.group.is_objectively_down, self.group.master.is_down) {
            (true, _) => "odown",
            (false, true) => "sdown",
            (false, false) => "ok",
        };
        let text = format!(
            "# Sentinel\r\nsentinel_masters:1\r\nsentinel_tilt:{}\r\n\
             sentinel_tilt_since_seconds:{since_s}\r\nsentinel_running_scripts:0\r\n\
             sentinel_scripts_queue_length:0\r\nsentinel_simulate_failure_flags:0\r\n\
             master0:name={},status={status},address={}:{},slaves={},sentinels={}\r\n",
            u8::from(self.tilt_since_ms.is_some()),
            self.settings.name(),
            host(self.group.master.node),
            redis_port(self.group.master.node),
            self.group.replicas.len(),
            self.group.sentinels.len() + 1,
        );
        Reply::Bulk(text.into())
    }
}

fn add_replica(instance: &Instance, fields: &mut Fields) {
    let facts = &instance.replica;
    fields.add("master-link-down-time", facts.link_down_ms);
    fields.add("master-link-status", if facts.is_link_up { "ok" } else { "err" });
    fields.add("master-host", facts.follows.map_or_else(|| "?".to_owned(), host));
    fields.add("master-port", facts.follows.map_or(0, redis_port));
    fields.add("slave-priority", facts.priority);
    fields.add("slave-repl-offset", facts.offset);
    fields.add("replica-announced", 1);
}
