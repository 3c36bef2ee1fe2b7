//! A menu of faults: each kind at each target, once, with a length that matters. What an exhaustive search
//! goes through, at every moment of a run.

use std::time::Duration;

use crate::plan::{Action, Fault, Groups, Start};
use crate::stage::Stage;

/// Whoever restarts does so soon: before anybody has given up on it, with most timeouts.
const RESTART: Duration = Duration::from_millis(100);

/// As far as a broken hypervisor lets a clock drift, in parts in a million.
const DRIFT_PPM: i32 = 100_000;

impl Stage {
    /// Each kind of fault at each target, as it begins at once: pauses, cuts, delays, held messages, slow disks
    /// and drifts for one and a half times to live of the lock; clocks that jump so far, either way; crashes and
    /// losses of power with a restart and for good.
    pub fn menu(&self) -> Vec<Fault> {
        let long = self.ttl / 2 * 3;
        let servers = self.all_servers();
        let everybody: Vec<&String> = servers.iter().chain(&self.buyers).collect();
        let mut menu = Vec::new();
        let mut add = |action, length| {
            menu.push(Fault { start: Start::At(Duration::ZERO), length, action });
        };
        for node in &everybody {
            let node = || (*node).clone();
            let alone = || Groups { one: vec![node()], other: Vec::new() };
            add(Action::Pause { node: node() }, Some(long));
            for length in [Some(RESTART), None] {
                add(Action::Crash { node: node() }, length);
                add(Action::PowerLoss { node: node() }, length);
            }
            add(Action::Partition(alone()), Some(long));
            add(Action::OneWayPartition(alone()), Some(long));
            let others = self.others(&node());
            add(Action::OneWayPartition(Groups { one: others, other: vec![node()] }), Some(long));
            add(Action::Delay { groups: alone(), by: long }, Some(long));
            add(Action::DropConnection(alone()), None);
        }
        for buyer in &self.buyers {
            for peer in self.peers(buyer) {
                for (from, to) in [(buyer, &peer), (&peer, buyer)] {
                    let (from, to) = (from.clone(), to.clone());
                    add(Action::HoldMessage { from, to, message: None }, Some(long));
                }
            }
        }
        let far = i64::try_from(long.as_nanos()).unwrap_or(i64::MAX);
        for node in self.servers.iter().chain(&self.watchers).chain(&self.buyers) {
            for (by_nanos, ppm) in [(far, DRIFT_PPM), (-far, -DRIFT_PPM)] {
                add(Action::ClockJump { node: node.clone(), by_nanos }, None);
                add(Action::ClockDrift { node: node.clone(), ppm }, Some(long));
            }
        }
        for node in &servers {
            add(Action::SlowDisk { node: node.clone(), by: long }, Some(long));
        }
        for node in &self.failover_targets {
            add(Action::Failover { node: node.clone() }, None);
        }
        menu
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::stage::testing::stage;
    use crate::toml::{plan_from_toml, plan_to_toml};

    #[test]
    fn every_kind_is_on_it_at_every_target_and_nothing_twice() {
        let stage = Stage {
            servers: vec!["redis-1".to_owned(), "redis-2".to_owned()],
            watchers: vec!["sentinel-1".to_owned()],
            failover_targets: vec!["sentinel-1".to_owned()],
            ..stage()
        };
        let menu = stage.menu();
        let kinds: BTreeSet<_> = menu.iter().map(Fault::kind).collect();
        assert_eq!(kinds, stage.kinds().into_iter().collect());
        let shown: BTreeSet<String> = menu.iter().map(ToString::to_string).collect();
        assert_eq!(shown.len(), menu.len());
        // Ten things to each of 6 nodes; 2 buyers, each to and from 4 peers; 4 of clocks for 5 nodes, 4 disks.
        assert_eq!(menu.len(), 6 * 10 + 2 * 4 * 2 + 5 * 4 + 4 + 1);
        assert_eq!(plan_from_toml(&plan_to_toml(&menu)), Ok(menu));
    }
}
