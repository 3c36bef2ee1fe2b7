//! A run that goes on otherwise than it did: up to some point it is the same, and from there on everything that
//! is left to chance comes out in another way.
//!
//! There is no picture of a world that could be gone back to: the run is run again up to the point, which is the
//! same run since the draws are the same, and then every random stream gives other numbers
//! ([`OtherFuture`]). Latencies of messages that are under way, and timers that have been set, have been drawn
//! before and stay.
//!
//! Faults that were drawn are left to chance as well. Those that have begun by then go on and end as they would
//! have; those that have not are called off, and others are in their place: of a plan that is drawn anew,
//! whatever does not begin before the point.

use std::num::NonZeroU64;

use fencepost_faults::{Plan, Start};
use fencepost_models::random::OtherFuture;

use super::history::RecordId;
use super::injector::{Injector, UnknownNode};
use super::running::Running;
use super::time::SimTime;

/// Where a run goes on otherwise, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The first record that may differ: as many before it, at least, are those of the run as it was. All that
    /// one event of the loop brings about is on one side.
    pub at: RecordId,
    /// Which of the many futures.
    pub future: NonZeroU64,
    /// So many faults of the plan stay, whenever they begin: those that are not drawn.
    pub kept_faults: usize,
    /// A plan that was drawn for this future.
    pub drawn: Plan,
}

/// A fork that a world in motion may come to.
pub(super) struct Ahead {
    pub at: RecordId,
    pub future: NonZeroU64,
    pub kept_faults: usize,
    /// The drawn plan, armed as if the run had just begun.
    pub injector: Injector,
}

impl Ahead {
    pub fn new(fork: Fork, names: &[String]) -> Result<Self, UnknownNode> {
        let Fork { at, future, kept_faults, drawn } = fork;
        Ok(Self { at, future, kept_faults, injector: Injector::new(&drawn, names)? })
    }
}

impl Running {
    /// Takes the fork, if it is time to.
    #[cold]
    pub(super) fn fork(&mut self) {
        let Some(ahead) =
            self.ahead.take_if(|ahead| self.kernel.history.records().len() >= ahead.at.0 as usize)
        else {
            return;
        };
        self.future = Some(OtherFuture::begin(ahead.future));
        self.injector.call_off(ahead.kept_faults);
        for mut armed in ahead.injector.faults {
            let begins = match armed.fault.start {
                Start::At(at) => Some(SimTime::after(at)),
                Start::When(_) => armed.pulled_in(&self.kernel.history),
            };
            if begins.is_some_and(|begins| begins <= self.kernel.now) {
                continue;
            }
            self.add_fault(armed, begins);
        }
    }
}
