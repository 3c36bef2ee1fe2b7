//! What if? The same seed with settings changed: where the two runs part, and how each of them ends.
//!
//! ```
//! use fencepost::counterfactual::Counterfactual;
//! use fencepost::judge::ViolationKind::Oversell;
//! use fencepost::scenario::{Recipe, Scenario};
//!
//! let race = Scenario::default().but(|s| (s.lock, s.backend, s.shop.stock) = (Recipe::None, None, 20));
//! let cured = race.clone().but(|s| s.lock = Recipe::ConditionalUpdate);
//! let compared = Counterfactual::new(race, cured, 7).carry_out()?;
//! assert!(compared.gone().contains(&Oversell) && compared.brought().is_empty());
//! assert!(compared.parting.is_some_and(|parting| parting.event.0 > 0));
//! # Ok::<(), fencepost::counterfactual::NotRun>(())
//! ```
//!
//! Each purpose and node has a random stream of its own, so that two runs under one seed are the same up to
//! the first event in which a setting makes a difference, and draw the same numbers for the same purposes after
//! it. That holds for as long as the nodes keep their numbers: with another number of servers, say, the buyers
//! have other numbers and other streams, and the report says so ([`Compared::nodes_differ`]).
//!
//! The faults are the same too. Those that the seed draws are drawn once, in the scenario as it is, and both runs
//! are put through them; but where the settings themselves are about faults, the changed scenario says what
//! happens.

mod json;
mod parting;
mod setting;
mod text;

use std::collections::BTreeSet;

use toml_edit::DocumentMut;

pub use self::json::json;
pub use self::parting::{Moment, Parting};
pub use self::setting::{Change, Setting, SettingError};
pub use self::text::{TextOptions, text};
use crate::judge::ViolationKind;
use crate::scenario::{Failure, InvalidScenario, Outcome, Scenario};

/// A scenario, the same scenario with something changed, and the seed of both.
#[derive(Clone, Debug)]
#[must_use = "nothing is run until it is asked for"]
pub struct Counterfactual {
    as_is: Scenario,
    changed: Scenario,
    changes: Vec<Change>,
    seed: u64,
}

/// Why there is nothing to compare.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unsettable {
    /// A setting cannot be made.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The file is no scenario, or none with the settings made.
    #[error(transparent)]
    Invalid(#[from] InvalidScenario),
}

/// One of the two could not be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} could not be run: {failure}", which(.changed))]
#[non_exhaustive]
pub struct NotRun {
    /// Whether it is the one with something changed.
    pub changed: bool,
    /// Why.
    pub failure: Failure,
}

const fn which(changed: &bool) -> &'static str {
    if *changed { "the scenario with the settings changed" } else { "the scenario as it is" }
}

/// Two runs under one seed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Compared {
    /// The scenario as it is.
    pub as_is: (Scenario, Outcome),
    /// The scenario with something changed; the faults that the seed has drawn are its own.
    pub changed: (Scenario, Outcome),
    /// What was set, where it was set in a file.
    pub changes: Vec<Change>,
    /// Where the runs part; `None` when they are the same to the end.
    pub parting: Option<Parting>,
}

impl Counterfactual {
    /// Two scenarios, the second of which is the first with something changed.
    pub fn new(as_is: Scenario, changed: Scenario, seed: u64) -> Self {
        let same_faults = changed.faults == as_is.faults;
        let same_draw = changed.random_faults == as_is.random_faults;
        let changed = if as_is.random_faults.is_some() && same_faults && same_draw {
            changed.but(|s| (s.faults, s.random_faults) = (as_is.plan(seed), None))
        } else {
            changed
        };
        let changed = changed.but(|s| s.seed = seed);
        Self { as_is, changed, changes: Vec::new(), seed }
    }

    /// A scenario file, and the same with settings made. `name` is what errors call it. Without a seed, it is
    /// the one that the file names.
    ///
    /// # Errors
    ///
    /// The text is no scenario, a setting cannot be made, or what comes of it is no scenario.
    pub fn of_toml(
        name: &str,
        text: &str,
        settings: &[Setting],
        seed: Option<u64>,
    ) -> Result<Self, Unsettable> {
        let as_is = Scenario::from_toml(name, text)?;
        let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
            SettingError::BadValue { text: name.to_owned(), reason: error.message().to_owned() }
        })?;
        let changes: Result<Vec<Change>, SettingError> =
            settings.iter().map(|setting| setting.apply(&mut document)).collect();
        let (changes, seed) = (changes?, seed.unwrap_or(as_is.seed));
        let changed = Scenario::from_toml(&format!("{name}, as set"), &document.to_string())?;
        Ok(Self { changes, ..Self::new(as_is, changed, seed) })
    }

    /// The scenario with something changed, as it will be run.
    pub const fn changed(&self) -> &Scenario {
        &self.changed
    }

    /// The seed of both runs.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Runs both and compares them.
    ///
    /// # Errors
    ///
    /// One of them cannot be run.
    pub fn carry_out(self) -> Result<Compared, NotRun> {
        let run = |scenario: &Scenario, changed: bool| {
            scenario.run(self.seed).map_err(|failure| NotRun { changed, failure })
        };
        let (as_is, changed) = (run(&self.as_is, false)?, run(&self.changed, true)?);
        let parting = Parting::of(&as_is.run.history, &changed.run.history);
        Ok(Compared {
            as_is: (self.as_is, as_is),
            changed: (self.changed, changed),
            changes: self.changes,
            parting,
        })
    }
}

impl Compared {
    /// The kinds of violations that the change does away with.
    pub fn gone(&self) -> BTreeSet<ViolationKind> {
        &self.as_is.1.verdict.kinds() - &self.changed.1.verdict.kinds()
    }

    /// The kinds of violations that the change brings.
    pub fn brought(&self) -> BTreeSet<ViolationKind> {
        &self.changed.1.verdict.kinds() - &self.as_is.1.verdict.kinds()
    }

    /// Whether the two have other nodes, or the same ones under other numbers: then they draw from other
    /// random streams too, and differ for that reason alone.
    pub fn nodes_differ(&self) -> bool {
        self.as_is.1.run.history.nodes != self.changed.1.run.history.nodes
    }

    /// How many faults of both plans have fired in the run as it is and not in the changed one: what is gone
    /// may be gone because they were not there.
    pub fn idle_faults(&self) -> usize {
        let [as_is, changed] = [&self.as_is.1, &self.changed.1].map(|outcome| &outcome.run.faults);
        let both = as_is.iter().zip(changed).filter(|(one, other)| one.fault == other.fault);
        both.filter(|(one, other)| one.fired && !other.fired).count()
    }

    /// Whether the two are put through other faults.
    pub fn faults_differ(&self) -> bool {
        self.as_is.1.plan != self.changed.1.plan
    }
}

#[cfg(test)]
mod tests;
