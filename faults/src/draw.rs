//! Random plans: what `[random_faults]` allows, and a plan drawn from it.

use crate::plan::FaultKind;

/// What a random plan may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RandomFaults {
    /// The kinds to draw from.
    pub kinds: Vec<FaultKind>,
    /// At most so many faults in a plan.
    pub max: u32,
}
