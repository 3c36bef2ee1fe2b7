//! Buckets of things that end together. Source: `ExpiryQueue.java`.

use std::collections::{BTreeMap, BTreeSet};

/// Each element ends at the end of an interval: to move it on costs nothing while it stays in its bucket.
#[derive(Debug)]
pub(in crate::zookeeper) struct ExpiryQueue<E> {
    interval_ms: u64,
    next_ms: u64,
    ends_ms: BTreeMap<E, u64>,
    buckets: BTreeMap<u64, BTreeSet<E>>,
}

impl<E: Copy + Ord> ExpiryQueue<E> {
    pub(in crate::zookeeper) fn new(interval_ms: u64, now_ms: u64) -> Self {
        let interval_ms = interval_ms.max(1);
        let next_ms = (now_ms / interval_ms + 1) * interval_ms;
        Self { interval_ms, next_ms, ends_ms: BTreeMap::new(), buckets: BTreeMap::new() }
    }

    /// The element ends with the interval in which so much time will have passed.
    pub(in crate::zookeeper) fn update(&mut self, element: E, timeout_ms: u64, now_ms: u64) {
        let end_ms = ((now_ms + timeout_ms) / self.interval_ms + 1) * self.interval_ms;
        let previous_ms = self.ends_ms.insert(element, end_ms);
        if previous_ms == Some(end_ms) {
            return;
        }
        self.buckets.entry(end_ms).or_default().insert(element);
        if let Some(previous_ms) = previous_ms {
            self.take_from(previous_ms, element);
        }
    }

    pub(in crate::zookeeper) fn remove(&mut self, element: E) {
        if let Some(end_ms) = self.ends_ms.remove(&element) {
            self.take_from(end_ms, element);
        }
    }

    fn take_from(&mut self, end_ms: u64, element: E) {
        if let Some(bucket) = self.buckets.get_mut(&end_ms) {
            bucket.remove(&element);
        }
    }

    /// When the next bucket's time is over.
    pub(in crate::zookeeper) const fn next_ms(&self) -> u64 {
        self.next_ms
    }

    /// What has ended by now. Whoever looks late finds several buckets.
    pub(in crate::zookeeper) fn poll(&mut self, now_ms: u64) -> Vec<E> {
        let mut over = Vec::new();
        while self.next_ms <= now_ms {
            over.extend(self.buckets.remove(&self.next_ms).unwrap_or_default());
            self.next_ms += self.interval_ms;
        }
        over
    }
}
