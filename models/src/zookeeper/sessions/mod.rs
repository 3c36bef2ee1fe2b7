//! Sessions: who counts them down, and whose they are.
//!
//! Only the leader ends a session, on its monotonic clock. The other servers tell it, with every ping that it
//! sends, which sessions they have heard of since the last. A new leader gives every session its whole timeout
//! anew, so that nobody loses a session to an election.

mod expiry;

use std::collections::BTreeMap;

pub(super) use self::expiry::ExpiryQueue;
use super::protocol::{ErrorCode, ServerId, SessionId};
use crate::machine::ConnectionId;
use crate::time::Mono;

/// Through whom a session's requests come to the leader. Source: `Request.java`, `getOwner`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// Its client is connected to the leader itself.
    Local,
    /// Its client is connected to the follower at the other end.
    Learner(ConnectionId),
}

/// The numbers that a server gives to new sessions.
#[derive(Debug)]
pub(super) struct SessionIds {
    next: u64,
}

impl SessionIds {
    /// From when the server begins to serve: its number, then the milliseconds of its monotonic clock.
    /// Source: `SessionTrackerImpl.java`, `initializeNextSessionId`.
    pub(super) const fn new(server: ServerId, now: Mono) -> Self {
        Self { next: (now.as_millis() << 24) >> 8 | (server.0 as u64) << 56 }
    }

    pub(super) const fn next(&mut self) -> SessionId {
        self.next += 1;
        SessionId(self.next - 1)
    }
}

/// What the leader knows of a session. Source: `SessionTrackerImpl.java`, `SessionImpl`.
#[derive(Debug, Default)]
struct Session {
    owner: Option<Owner>,
    is_closing: bool,
}

/// All sessions, counted down by the leader.
#[derive(Debug)]
pub(super) struct SessionTracker {
    sessions: BTreeMap<SessionId, Session>,
    queue: ExpiryQueue<SessionId>,
}

impl SessionTracker {
    /// Every session that the log knows of, with its whole timeout from now on. Source:
    /// `SessionTrackerImpl.java`, the constructor.
    pub(super) fn new(known: &BTreeMap<SessionId, u32>, tick_ms: u64, now: Mono) -> Self {
        let mut tracker =
            Self { sessions: BTreeMap::new(), queue: ExpiryQueue::new(tick_ms, now.as_millis()) };
        for (session, timeout_ms) in known {
            tracker.track(*session, *timeout_ms, now);
        }
        tracker
    }

    /// Counts a session down, from now on or anew.
    pub(super) fn track(&mut self, session: SessionId, timeout_ms: u32, now: Mono) {
        self.sessions.entry(session).or_default();
        self.queue.update(session, u64::from(timeout_ms), now.as_millis());
    }

    /// Its client has been heard of. False when it is over. Source: `touchSession`.
    pub(super) fn touch(&mut self, session: SessionId, timeout_ms: u32, now: Mono) -> bool {
        let is_alive = self.sessions.get(&session).is_some_and(|session| !session.is_closing);
        if is_alive {
            self.queue.update(session, u64::from(timeout_ms), now.as_millis());
        }
        is_alive
    }

    /// When the next bucket of sessions is looked at.
    pub(super) fn next_expiry(&self) -> Mono {
        Mono::from_nanos(self.queue.next_ms().saturating_mul(1_000_000))
    }

    /// The sessions that are over. They take no requests from now on, and are still to be closed. Source:
    /// `SessionTrackerImpl.java`, `run`.
    pub(super) fn expire(&mut self, now: Mono) -> Vec<SessionId> {
        let over = self.queue.poll(now.as_millis());
        over.iter().for_each(|session| self.set_closing(*session));
        over
    }

    /// It takes no requests from now on.
    pub(super) fn set_closing(&mut self, session: SessionId) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.is_closing = true;
        }
    }

    /// It is closed.
    pub(super) fn remove(&mut self, session: SessionId) {
        self.sessions.remove(&session);
        self.queue.remove(session);
    }

    /// Whether a request that comes through this owner may be carried out. The first owner that asks gets
    /// the session; who comes with one that has moved on is refused. Source: `checkSession`.
    pub(super) fn check(&mut self, session: SessionId, owner: Owner) -> Result<(), ErrorCode> {
        let session = self.sessions.get_mut(&session).ok_or(ErrorCode::SessionExpired)?;
        if session.is_closing {
            return Err(ErrorCode::SessionExpired);
        }
        if *session.owner.get_or_insert(owner) != owner {
            return Err(ErrorCode::SessionMoved);
        }
        Ok(())
    }

    /// Its client has come to this owner. Source: `setOwner`.
    pub(super) fn set_owner(&mut self, session: SessionId, owner: Owner) {
        if let Some(session) = self.sessions.get_mut(&session)
            && !session.is_closing
        {
            session.owner = Some(owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Mono {
        Mono::from_nanos(ms * 1_000_000)
    }

    const SESSION: SessionId = SessionId(5);
    const FIRST: Owner = Owner::Learner(ConnectionId(1));

    #[test]
    fn a_session_is_over_at_the_end_of_the_tick_in_which_its_timeout_ends() {
        let mut tracker = SessionTracker::new(&BTreeMap::new(), 2000, at(1000));
        tracker.track(SESSION, 4000, at(1000));
        assert_eq!(tracker.next_expiry(), at(2000));
        assert_eq!(tracker.expire(at(5999)), []);
        assert_eq!(tracker.next_expiry(), at(6000));
        assert_eq!(tracker.expire(at(6000)), [SESSION]);
        assert_eq!(tracker.check(SESSION, FIRST), Err(ErrorCode::SessionExpired));
        assert!(!tracker.touch(SESSION, 4000, at(6001)));
    }

    #[test]
    fn a_touch_starts_the_timeout_again() {
        let mut tracker = SessionTracker::new(&BTreeMap::new(), 2000, at(0));
        tracker.track(SESSION, 4000, at(0));
        assert!(tracker.touch(SESSION, 4000, at(3900)));
        assert_eq!(tracker.expire(at(7999)), []);
        assert_eq!(tracker.expire(at(8000)), [SESSION]);
    }

    #[test]
    fn a_new_leader_gives_every_session_its_whole_timeout() {
        let known = BTreeMap::from([(SESSION, 10_000), (SessionId(6), 4000)]);
        let mut tracker = SessionTracker::new(&known, 2000, at(99_000));
        assert_eq!(tracker.expire(at(103_999)), []);
        assert_eq!(tracker.expire(at(104_000)), [SessionId(6)]);
        assert_eq!(tracker.expire(at(109_999)), []);
        assert_eq!(tracker.expire(at(110_000)), [SESSION]);
    }

    #[test]
    fn a_session_that_has_moved_is_nobodys_but_its_new_owners() {
        let mut tracker = SessionTracker::new(&BTreeMap::from([(SESSION, 4000)]), 2000, at(0));
        assert_eq!(tracker.check(SESSION, FIRST), Ok(()));
        assert_eq!(tracker.check(SESSION, Owner::Local), Err(ErrorCode::SessionMoved));
        tracker.set_owner(SESSION, Owner::Local);
        assert_eq!(tracker.check(SESSION, Owner::Local), Ok(()));
        assert_eq!(tracker.check(SESSION, FIRST), Err(ErrorCode::SessionMoved));
        tracker.remove(SESSION);
        assert_eq!(tracker.check(SESSION, Owner::Local), Err(ErrorCode::SessionExpired));
    }

    #[test]
    fn a_sessions_number_names_its_server_and_is_given_once() {
        let mut ids = SessionIds::new(ServerId(3), at(1));
        assert_eq!(ids.next(), SessionId(0x0300_0000_0001_0000));
        assert_eq!(ids.next(), SessionId(0x0300_0000_0001_0001));
    }
}
