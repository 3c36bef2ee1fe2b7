//! What a Sentinel publishes on channels of the event's name, and writes down.

use bytes::Bytes;

use super::Sentinel;
use super::instance::Id;
use crate::machine::Context;
use crate::note::Note;
use crate::redis::address::{host, redis_port, sentinel_port};

/// Every event, by its name.
pub const EVENTS: [&str; 37] = [
    "+config-update-from",
    "+convert-to-slave",
    "+elected-leader",
    "+failover-end",
    "+failover-end-for-timeout",
    "+failover-state-reconf-slaves",
    "+failover-state-select-slave",
    "+failover-state-send-slaveof-noone",
    "+failover-state-wait-promotion",
    "+fix-slave-config",
    "+monitor",
    "+new-epoch",
    "+odown",
    "+promoted-slave",
    "+reboot",
    "+reset-master",
    "+role-change",
    "+sdown",
    "+selected-slave",
    "+sentinel",
    "+slave",
    "+slave-reconf-done",
    "+slave-reconf-inprog",
    "+slave-reconf-sent",
    "+slave-reconf-sent-be",
    "+switch-master",
    "+tilt",
    "+try-failover",
    "+vote-for-leader",
    "-failover-abort-no-good-slave",
    "-failover-abort-not-elected",
    "-failover-abort-slave-timeout",
    "-odown",
    "-role-change",
    "-sdown",
    "-slave-reconf-sent-timeout",
    "-tilt",
];

impl Sentinel {
    /// Something has happened. Source: `sentinelEvent`.
    pub(super) fn event(&mut self, event: &'static str, detail: &str, context: &mut Context<'_>) {
        debug_assert!(EVENTS.contains(&event), "{event} is not listed");
        let message = Bytes::copy_from_slice(detail.as_bytes());
        self.clients.channels.publish(&Bytes::from_static(event.as_bytes()), &message);
        context.note(Note::Sentinel { event, detail: detail.to_owned() });
    }

    /// Something has happened to an instance. `rest` follows its name and address as it is.
    pub(super) fn event_about(
        &mut self,
        event: &'static str,
        id: Id,
        rest: &str,
        context: &mut Context<'_>,
    ) {
        let name = self.settings.name();
        let node = self.group.get(id).node;
        let (ip, port) = (host(node), redis_port(node));
        let master = || {
            let master = self.group.master.node;
            format!("@ {name} {} {}", host(master), redis_port(master))
        };
        let detail = match id {
            Id::Master => format!("master {name} {ip} {port}"),
            Id::Replica(_) => format!("slave {ip}:{port} {ip} {port} {}", master()),
            Id::Sentinel(at) => {
                let run_id = self.group.sentinels[at].run_id.as_deref().unwrap_or_default();
                format!("sentinel {run_id} {ip} {} {}", sentinel_port(node), master())
            }
        };
        self.event(event, &format!("{detail}{rest}"), context);
    }
}
