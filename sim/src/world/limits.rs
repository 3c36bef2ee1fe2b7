//! Bounds that keep a scenario which runs away from running for ever.

use std::time::Duration;

use super::kernel::Kernel;
use super::network::Network;

/// How many events lie between two looks at the memory.
const MEMORY_INTERVAL: u64 = 64;

/// How far a run may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many events the loop may handle.
    pub events: u64,
    /// How much simulated time a run may ask for.
    pub simulated: Duration,
    /// How many bytes of memory the history, the connections and what is to come may take, about.
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
#[non_exhaustive]
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
    /// The history, or the queue of what is to come, has grown too large.
    #[error("stopped by limits.memory: the run takes more than {limit} bytes after {simulated:?}")]
    Memory {
        /// The limit.
        limit: u64,
        /// How far the run had come.
        simulated: Duration,
    },
}

impl LimitReached {
    /// The lines of a scenario file that allow twice as much.
    pub fn remedy(&self) -> String {
        match self {
            Self::Events { limit, .. } => format!("[limits] events = {}", limit.saturating_mul(2)),
            Self::Simulated { asked, .. } => {
                format!("[limits] simulated = \"{}s\"", asked.as_secs().saturating_add(1))
            }
            Self::Memory { limit, .. } => {
                format!("[limits] memory = \"{}MiB\"", (limit >> 19).max(1))
            }
        }
    }
}

impl Limits {
    pub(super) fn check_duration(&self, asked: Duration) -> Result<(), LimitReached> {
        let limit = self.simulated;
        if asked > limit { Err(LimitReached::Simulated { limit, asked }) } else { Ok(()) }
    }

    /// Checked after each event. The memory is looked at after every [`MEMORY_INTERVAL`]th only:
    /// a few kilobytes more or less do not matter.
    #[inline]
    pub(super) fn check(
        &self,
        events: u64,
        kernel: &Kernel,
        network: &Network,
    ) -> Result<(), LimitReached> {
        if events >= self.events {
            let simulated = kernel.now.elapsed();
            return Err(LimitReached::Events { limit: self.events, simulated });
        }
        if events.is_multiple_of(MEMORY_INTERVAL) {
            self.check_memory(kernel, network)
        } else {
            Ok(())
        }
    }

    pub(super) fn check_memory(
        &self,
        kernel: &Kernel,
        network: &Network,
    ) -> Result<(), LimitReached> {
        let taken = kernel.history.memory() + kernel.queue.memory() + network.memory();
        if taken > self.memory || kernel.queue.is_full() {
            let simulated = kernel.now.elapsed();
            return Err(LimitReached::Memory { limit: self.memory, simulated });
        }
        Ok(())
    }
}
