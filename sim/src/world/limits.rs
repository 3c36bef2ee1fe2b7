//! Bounds that keep a scenario which runs away from running for ever.

use std::time::Duration;

use super::kernel::Kernel;

/// How far a run may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many events the loop may handle.
    pub events: u64,
    /// How much simulated time a run may ask for.
    pub simulated: Duration,
    /// How many bytes of memory the history may take, about.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            events: 20_000_000,
            simulated: Duration::from_secs(24 * 3600),
            memory: 2 * 1024 * 1024 * 1024,
        }
    }
}

/// A run was stopped by one of its [`Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitReached {
    /// Too many events: something goes round in circles, or the limit is too low.
    #[error("stopped by limits.events: {limit} events handled, and only {simulated:?} simulated")]
    Events {
        /// The limit.
        limit: u64,
        /// How far the run had come.
        simulated: Duration,
    },
    /// The run asks for more simulated time than allowed.
    #[error("stopped by limits.simulated: {asked:?} asked for, {limit:?} allowed")]
    Simulated {
        /// The limit.
        limit: Duration,
        /// What was asked for.
        asked: Duration,
    },
    /// The history has grown too large.
    #[error("stopped by limits.memory: the history takes {limit} bytes after {simulated:?}")]
    Memory {
        /// The limit.
        limit: u64,
        /// How far the run had come.
        simulated: Duration,
    },
}

impl Limits {
    pub(super) fn check_duration(&self, asked: Duration) -> Result<(), LimitReached> {
        let limit = self.simulated;
        if asked > limit { Err(LimitReached::Simulated { limit, asked }) } else { Ok(()) }
    }

    #[inline]
    pub(super) fn check(&self, events: u64, kernel: &Kernel) -> Result<(), LimitReached> {
        let simulated = kernel.now.elapsed();
        if events >= self.events {
            return Err(LimitReached::Events { limit: self.events, simulated });
        }
        if kernel.history.memory() > self.memory {
            return Err(LimitReached::Memory { limit: self.memory, simulated });
        }
        Ok(())
    }
}
