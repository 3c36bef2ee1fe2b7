//! What a leader knows of each server that follows it. Source: `LearnerHandler.java`.

use std::time::Duration;

use crate::time::Mono;
use crate::zookeeper::protocol::{ServerId, Zxid};

/// How far a follower is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It has told its accepted epoch; there is no new one yet.
    WaitsForEpoch,
    /// It is asked to accept the new epoch.
    AcceptsEpoch,
    /// It has accepted, and has everything up to this; too few others have.
    WaitsForQuorum { last_zxid: Zxid },
    /// It is being sent what it lacks.
    Synchronises,
    /// It has what the leader has; too few others do.
    WaitsForStart,
    /// It serves clients.
    Serves,
}

/// One follower.
#[derive(Debug)]
pub(super) struct Learner {
    pub(super) server: ServerId,
    pub(super) stage: Stage,
    /// When the leader gives it up, unless it hears of it before.
    pub(super) deadline: Mono,
    /// Up to which tick it counts as a follower. Source: `tickOfNextAckDeadline`.
    pub(super) ack_deadline_tick: u64,
    pub(super) proposals: SyncLimit,
}

impl Learner {
    /// Whether it is sent what is proposed: from when it has been sent what was there before.
    pub(super) const fn is_forwarded(&self) -> bool {
        matches!(self.stage, Stage::Synchronises | Stage::WaitsForStart | Stage::Serves)
    }
}

/// Whether a follower is too slow with a proposal. Only the oldest that it was sent and one more are
/// remembered. Source: `LearnerHandler.java`, `SyncLimitCheck`.
#[derive(Debug, Default)]
pub(super) struct SyncLimit {
    is_started: bool,
    current: Option<(Zxid, Mono)>,
    next: Option<(Zxid, Mono)>,
}

impl SyncLimit {
    pub(super) const fn start(&mut self) {
        self.is_started = true;
    }

    pub(super) const fn proposed(&mut self, zxid: Zxid, now: Mono) {
        if !self.is_started {
            return;
        }
        if self.current.is_none() {
            self.current = Some((zxid, now));
        } else {
            self.next = Some((zxid, now));
        }
    }

    pub(super) fn acked(&mut self, zxid: Zxid) {
        if self.current.is_some_and(|(current, _)| current == zxid) {
            self.current = self.next.take();
        } else if self.next.is_some_and(|(next, _)| next == zxid) {
            self.next = None;
        }
    }

    /// False when it is.
    pub(super) fn check(&self, limit: Duration, now: Mono) -> bool {
        self.current.is_none_or(|(_, since)| now.saturating_since(since) < limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_follower_is_too_slow_when_its_oldest_proposal_is() {
        let at = |ms: u64| Mono::from_nanos(ms * 1_000_000);
        let zxid = |counter| Zxid::new(1, counter);
        let limit = Duration::from_secs(10);
        let mut check = SyncLimit::default();
        check.proposed(zxid(1), at(0));
        assert!(check.check(limit, at(99_000)), "it counts from when the follower is in step");
        check.start();
        check.proposed(zxid(2), at(1000));
        check.proposed(zxid(3), at(5000));
        assert!(check.check(limit, at(10_999)));
        assert!(!check.check(limit, at(11_000)));
        check.acked(zxid(2));
        assert!(check.check(limit, at(14_999)));
        assert!(!check.check(limit, at(15_000)));
        check.acked(zxid(3));
        assert!(check.check(limit, at(99_000)));
    }
}
