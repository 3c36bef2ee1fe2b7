//! What faults can hit.

use std::time::Duration;

use crate::plan::FaultKind;

/// What faults can hit, and when it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The shop's store.
    pub store: String,
    /// The store of the orders, where they have one of their own.
    pub orders: Option<String>,
    /// The servers that the lock lives on.
    pub servers: Vec<String>,
    /// Servers beside those, which watch them: Sentinels.
    pub watchers: Vec<String>,
    /// Who can be told to have a replica take its master's place.
    pub failover_targets: Vec<String>,
    /// The buyers.
    pub buyers: Vec<String>,
    /// Notes of buyers that are worth a trigger.
    pub buyer_events: Vec<&'static str>,
    /// Notes of servers that are worth a trigger.
    pub server_events: Vec<&'static str>,
    /// How long the run is.
    pub duration: Duration,
    /// How long a lock lives.
    pub ttl: Duration,
    /// Faults that begin at a fixed time begin at a multiple of this.
    pub grain: Duration,
}

impl Stage {
    /// The kinds of faults that there is somebody for.
    pub fn kinds(&self) -> Vec<FaultKind> {
        let is_for_nobody =
            |kind: &FaultKind| *kind == FaultKind::Failover && self.failover_targets.is_empty();
        FaultKind::ALL.into_iter().filter(|kind| !is_for_nobody(kind)).collect()
    }

    fn stores(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.store).chain(&self.orders)
    }

    /// Every server: stores, those of the lock, and those that watch them.
    pub(crate) fn all_servers(&self) -> Vec<String> {
        self.stores().chain(&self.servers).chain(&self.watchers).cloned().collect()
    }

    /// Every node but one.
    pub(crate) fn others(&self, node: &str) -> Vec<String> {
        let everybody = self.all_servers().into_iter().chain(self.buyers.iter().cloned());
        everybody.filter(|name| name != node).collect()
    }

    /// Whom a node talks to: a buyer to every server, a store to buyers, and the lock's servers
    /// to the buyers and to each other.
    pub(crate) fn peers(&self, node: &str) -> Vec<String> {
        let is_store = |name: &str| self.stores().any(|store| store == name);
        let mut peers = self.others(node);
        if self.buyers.iter().any(|buyer| buyer == node) {
            peers.retain(|peer| !self.buyers.contains(peer));
        } else if is_store(node) {
            peers.retain(|peer| self.buyers.contains(peer));
        } else {
            peers.retain(|peer| !is_store(peer));
        }
        peers
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// Two buyers at one Redis.
    pub(crate) fn stage() -> Stage {
        Stage {
            store: "store".to_owned(),
            orders: None,
            servers: vec!["redis".to_owned()],
            watchers: Vec::new(),
            failover_targets: vec!["redis".to_owned()],
            buyers: vec!["buyer-1".to_owned(), "buyer-2".to_owned()],
            buyer_events: vec!["acquired", "stock-seen", "releasing"],
            server_events: vec!["key-set"],
            duration: Duration::from_secs(60),
            ttl: Duration::from_secs(10),
            grain: Duration::from_millis(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_talk_to_buyers_alone_and_lock_servers_to_no_store() {
        let stage = Stage {
            orders: Some("orders".to_owned()),
            servers: vec!["redis-1".to_owned(), "redis-2".to_owned()],
            ..testing::stage()
        };
        for store in ["store", "orders"] {
            assert_eq!(stage.peers(store), ["buyer-1", "buyer-2"]);
        }
        assert_eq!(stage.peers("redis-1"), ["redis-2", "buyer-1", "buyer-2"]);
        assert_eq!(stage.peers("buyer-1"), ["store", "orders", "redis-1", "redis-2"]);
    }
}
