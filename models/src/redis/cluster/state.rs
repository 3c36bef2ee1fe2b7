//! Whether the cluster works, as this node sees it.
//!
//! A master that is cut off with the minority goes on to take writes for a while: it has to find
//! out first. It counts itself out when it cannot reach most masters, which it knows when it has not
//! had an answer to a ping for the node timeout. And a ping is sent only when the last pong is half
//! a node timeout old, or when chance picks the node (one of five each second): so it takes between
//! 1 and 1.5 node timeouts, and a tenth of a second for the next look. Whatever is written there in
//! that time is lost when the other side promotes a replica meanwhile. That takes a bit longer, since
//! the masters there have to agree and the replica waits before it asks; but now and then it is first,
//! and for a moment two masters take writes for the same slots. `tests/minority.rs` has the figures.
//!
//! Source: `cluster.c`, `clusterUpdateState`.

use super::{Cluster, Flags, SLOTS, Turn};

/// How long a master that comes back to the majority serves nothing: the node timeout within these
/// bounds, in milliseconds.
const REJOIN_DELAY_MIN_MS: i64 = 500;
const REJOIN_DELAY_MAX_MS: i64 = 5_000;

/// How long a master serves nothing after it has started: milliseconds from the first look.
const WRITABLE_DELAY_MS: i64 = 2_000;

impl Cluster {
    /// Looks again whether the cluster works.
    pub(super) fn update_state(&mut self, turn: Turn<'_>) {
        let now_ms = turn.now_ms;
        self.todo.update_state = false;
        // A master that has just started might be one that has been replaced: others get the time
        // to tell it.
        let first_ms = *self.first_looked_ms.get_or_insert(now_ms);
        let is_master = self.myself.is_master();
        if is_master && !self.is_ok && now_ms - first_ms < WRITABLE_DELAY_MS {
            return;
        }
        let mut is_ok = !self.settings.require_full_coverage || self.is_covered();
        let (mut size, mut reachable) = (0, 0);
        for node in self.nodes().filter(|node| node.is_voter()) {
            size += 1;
            reachable += usize::from(!node.is_failing());
        }
        self.size = size;
        let is_among_majority = reachable >= self.majority();
        if !is_among_majority {
            is_ok = false;
            self.among_minority_ms = now_ms;
        }
        if is_ok == self.is_ok {
            return;
        }
        let rejoin_delay_ms = self.timeout_ms.clamp(REJOIN_DELAY_MIN_MS, REJOIN_DELAY_MAX_MS);
        if is_ok && is_master && now_ms - self.among_minority_ms < rejoin_delay_ms {
            return;
        }
        self.is_ok = is_ok;
        match (is_ok, is_among_majority) {
            (true, _) => self.note("cluster-ok", ""),
            (false, true) => self.note("cluster-down", "not all slots are served"),
            (false, false) => {
                self.note("cluster-down", format!("{reachable} of {size} masters reachable"));
            }
        }
    }

    /// Each slot is served by a node that has not failed. No slot is in two sets.
    fn is_covered(&self) -> bool {
        let working = self.nodes().filter(|node| !node.flags.any_of(Flags::FAIL));
        working.map(|node| node.slots.len()).sum::<usize>() == usize::from(SLOTS)
    }

    /// How many masters are most of those that have slots.
    pub(super) const fn majority(&self) -> usize {
        self.size / 2 + 1
    }
}
