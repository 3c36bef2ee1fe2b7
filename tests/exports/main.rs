//! The exports are what their readers' documentation asks for, whatever the scenario.

mod operations;
mod perfetto;
mod shiviz;

use fencepost::scenario::{Outcome, Scenario};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

/// Runs the whole corpus and holds each run against the claim.
fn for_each_of_the_corpus(claim: impl Fn(&str, &Scenario, &Outcome) + Sync) {
    fencepost_stories::corpus().into_par_iter().for_each(|(name, scenario)| {
        let outcome = scenario.run(scenario.seed).expect("runs");
        claim(&name, &scenario, &outcome);
    });
}
