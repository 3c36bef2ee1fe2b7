//! The timers of a server.

use crate::machine::TimerId;

/// No news of the election for a while.
pub(in crate::zookeeper) const ELECTION: TimerId = TimerId(1);
/// Half a tick of the leader's.
pub(in crate::zookeeper) const TICK: TimerId = TimerId(2);
/// The leader looks at a bucket of sessions.
pub(in crate::zookeeper) const SESSIONS: TimerId = TimerId(3);
/// Somebody may be late.
pub(in crate::zookeeper) const DEADLINE: TimerId = TimerId(4);
/// Silent connections are closed.
pub(in crate::zookeeper) const IDLE: TimerId = TimerId(5);
/// A follower calls its leader again.
pub(in crate::zookeeper) const RETRY: TimerId = TimerId(6);
