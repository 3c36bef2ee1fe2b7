//! What is shown with a run: the same seed with fencing on, and how likely it was, from point to point.

use fencepost_models::note::Note;
use fencepost_models::shop::Fencing;

use super::{Shown, page};
use crate::counterfactual::{Counterfactual, Parting};
use crate::likelihood::{Curve, Likelihood};
use crate::scenario::{Outcome, Scenario};

/// A curve may take so many records of simulation. Beyond that it has fewer futures, and below [`FEWEST_FUTURES`]
/// it is left to `fencepost likelihood`.
const MOST_RECORDS: usize = 12_000_000;
const POINTS: usize = 20;
const FUTURES: usize = 100;
const FEWEST_FUTURES: usize = 20;

/// A second run, under the same scale as the first.
#[derive(Clone, Debug)]
pub struct Beside {
    /// What came of it.
    pub outcome: Outcome,
    /// What is different in it.
    pub what: String,
    /// What to look at in it.
    pub notice: Option<String>,
    /// Where the two part, if they begin as one.
    pub parting: Option<Parting>,
    /// The command that shows it again, as a shell takes it.
    pub replay: Option<String>,
}

/// Whatever can be shown with a run.
///
/// ```
/// use fencepost::report::html::Besides;
/// use fencepost::scenario::{Recipe, Scenario};
///
/// let race = Scenario::default().but(|s| (s.lock, s.backend) = (Recipe::None, None));
/// let outcome = race.run(3)?;
/// let page = Besides::of(&race, &outcome).page(&race, &outcome, Some("cargo test the_race"));
/// assert!(page.contains("cargo test the_race"));
/// # Ok::<(), fencepost::scenario::Failure>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Besides {
    /// The same seed with fencing on.
    pub fenced: Option<Beside>,
    /// How many futures violate from each point of the run.
    pub curve: Option<Curve>,
}

impl Besides {
    /// What there is to show with a run that violates something; nothing with one that does not. What cannot be run
    /// is not shown.
    pub fn of(scenario: &Scenario, outcome: &Outcome) -> Self {
        if outcome.verdict.violations.is_empty() {
            return Self::default();
        }
        Self { fenced: fenced(scenario, outcome), curve: curve(scenario, outcome) }
    }

    /// A page of the run with all of it.
    pub fn page(&self, scenario: &Scenario, outcome: &Outcome, replay: Option<&str>) -> String {
        let beside = self.fenced.as_ref();
        let shown =
            Shown { replay, beside, curve: self.curve.as_ref(), ..Shown::new(scenario, outcome) };
        page(&shown)
    }
}

/// The same run with fencing on reads and writes, where it is off and the lock has tokens to fence with.
fn fenced(scenario: &Scenario, outcome: &Outcome) -> Option<Beside> {
    let seed = outcome.run.seed;
    // Somebody's own lock may say that it gives tokens, and give none: a store that checks refuses everything then.
    let gives = |note: &Note| matches!(note, Note::Acquired { token: Some(_), .. });
    let has_tokens = outcome.run.history.notes().any(|(_, _, note)| gives(note));
    if scenario.shop.fencing != Fencing::Off || !has_tokens {
        return None;
    }
    let changed =
        scenario.clone().but(|s| (s.shop.fencing, s.expect) = (Fencing::ReadsAndWrites, None));
    // The run as it is has been carried out already.
    let changed = Counterfactual::new(scenario.clone(), changed, seed).changed().clone();
    let fenced = changed.run(seed).ok()?;
    let parting = Parting::of(&outcome.run.history, &fenced.run.history);
    let what = "with shop.fencing = \"reads-and-writes\"".to_owned();
    Some(Beside { outcome: fenced, what, notice: None, parting, replay: None })
}

fn curve(scenario: &Scenario, outcome: &Outcome) -> Option<Curve> {
    let records = outcome.run.history.records().len().max(1) * POINTS;
    let futures = (MOST_RECORDS / records).min(FUTURES);
    if futures < FEWEST_FUTURES {
        return None;
    }
    let likelihood = Likelihood::new(scenario.clone(), outcome.run.seed);
    likelihood.points(POINTS).futures(futures as u32).carry_out().ok()?
}
