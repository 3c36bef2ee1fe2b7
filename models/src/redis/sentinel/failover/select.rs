//! Which replica becomes the next master.

use std::cmp::Reverse;

use crate::redis::sentinel::instance::Instance;
use crate::redis::sentinel::{Sentinel, period};

impl Sentinel {
    /// The place of the best replica that can be relied on: by priority, then by how much of the master's
    /// stream it has, then by its run id. Source: `sentinelSelectSlave`, `compareSlavesForPromotion`.
    pub(in crate::redis::sentinel) fn best_replica(&self) -> Option<usize> {
        let replicas = self.group.replicas.iter().enumerate();
        let usable = replicas.filter(|(_, replica)| self.is_usable(replica));
        let order = |replica: &Instance| {
            let facts = &replica.replica;
            let run_id = replica.run_id.clone();
            // Who has not said its run id comes last.
            (facts.priority, Reverse(facts.offset), run_id.is_none(), run_id)
        };
        usable.min_by_key(|(_, replica)| order(replica)).map(|(at, _)| at)
    }

    fn is_usable(&self, replica: &Instance) -> bool {
        let now_ms = self.now_ms;
        let master = &self.group.master;
        let down_for_ms = if master.is_down { now_ms - master.down_since_ms } else { 0 };
        // While the master is down its replicas are asked every second.
        let info_most_ms = if master.is_down { period::PING * 5 } else { period::INFO * 3 };
        let link_down_most_ms =
            down_for_ms.saturating_add(self.settings.down_after_ms().saturating_mul(10));
        !replica.is_down
            && !replica.link.is_disconnected
            && now_ms - replica.link.available_ms <= period::PING * 5
            && replica.replica.priority != 0
            && now_ms - replica.info_ms <= info_most_ms
            && replica.replica.link_down_ms <= link_down_most_ms
    }
}
