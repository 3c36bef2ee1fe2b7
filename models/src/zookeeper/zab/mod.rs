//! Zab: how a leader and its followers agree on a log.
//!
//! A leader first learns from a majority what they have (discovery), then makes them have what it has
//! (synchronisation), and only then proposes: what a majority has on disk is committed, in order.
//!
//! Source: `Leader.java`, `LearnerHandler.java`, `Learner.java`, `Follower.java`.

mod broadcast;
mod follower;
mod joining;
mod leader;
mod learners;
mod sync;

pub(super) use self::follower::Follower;
pub(super) use self::leader::Leader;

/// Why a server gives up its leader, or its lead.
pub(super) type GivesUp = &'static str;
