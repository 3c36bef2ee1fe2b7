//! The first run of each kind that a hunt has found, as small as it can be.

use serde::{Deserialize, Serialize};

use super::report::HuntReport;
use crate::scenario::{Failure, Scenario};
use crate::shrink::Shrink;

/// What a violating run has shrunk to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ShrunkRun {
    /// The seed.
    pub seed: u64,
    /// How many faults there were.
    pub faults_before: usize,
    /// Those that are left, in words.
    pub faults: Vec<String>,
    /// How many runs it took.
    pub runs: u32,
    /// The scenario, as a file.
    pub toml: String,
}

impl HuntReport {
    /// Shrinks the first run of each kind of violation that has not been shrunk yet, on this thread.
    ///
    /// # Errors
    ///
    /// One of them cannot be run, though the hunt has run it: the scenario is another one.
    pub fn shrink(&mut self, scenario: &Scenario) -> Result<(), Failure> {
        for (kind, seed) in &self.first {
            if self.shrunk.contains_key(kind) {
                continue;
            }
            let shrink = Shrink::new(scenario.clone(), *seed).kind(*kind);
            let Some(shrunk) = shrink.carry_out()? else { continue };
            let run = ShrunkRun {
                seed: *seed,
                faults_before: shrunk.faults_before,
                faults: shrunk.scenario.faults.iter().map(ToString::to_string).collect(),
                runs: shrunk.runs,
                toml: shrunk.scenario.to_toml(),
            };
            self.shrunk.insert(*kind, run);
        }
        Ok(())
    }
}
