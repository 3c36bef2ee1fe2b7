//! By which mechanism did it go wrong? Two runs that violate the same may have nothing in common: in one a buyer
//! slept through its lease, in the other the server's clock jumped. What they have in common, where they have,
//! is a [`Mechanism`]; violations of one kind by one mechanism are one story.
//!
//! ```
//! use fencepost::judge::ViolationKind::TwoHolders;
//! use fencepost::lessons;
//! use fencepost::scenario::Scenario;
//! use fencepost::story::Mechanism;
//!
//! let paused = lessons::find("paused-holder").expect("a lesson").steps[0];
//! let sale = Scenario::from_toml(paused.file, paused.toml)?;
//! let mechanism = Mechanism::of(&sale, &sale.run(sale.seed)?, TwoHolders).expect("two holders");
//! assert_eq!(mechanism.to_string(), "pause client: the earlier grant had expired");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A mechanism is the chain of causes from what went wrong to the violation, with the names taken away:
//!
//! * **the faults** that had begun and done something when the violation came (for `stuck-lock`, which is a
//!   matter of time, all that did something): the kind of each, and what its target was there for: a client, a
//!   server that keeps the lock, its replica, a Sentinel, the store, or the links between two of these;
//! * **how the earlier grant ended** ([`Ending`]), where the violation is about two grants of one lock: that of
//!   the hold that stood, or under which the write was sent, and the one after it. For `two-holders` these are
//!   the hold that stood and the one that began; for `stale-write` the writer's hold and the one that had
//!   superseded it; for `oversell` those of the last two-holders before it that its writer had a part in. Where
//!   there is none of these the mechanism says nothing about grants: a race without a lock, a token that
//!   went backwards, a lock that is stuck, an invariant of somebody's own, which may be about anything.
//!
//! The mechanism of a run as it was drawn holds whatever had happened by then, and says little. That of the
//! shrunken run, in which every fault is needed, is the story's ([`crate::hunt::Hunt::stories`]); and shrinking
//! itself must not come to another: it refuses what violates the same without the same end of the earlier
//! grant, or by faults of which the run that it began with had none before its violation
//! ([`Mechanism::may_come_of`]).

mod ending;
mod role;

use std::fmt;

pub use self::ending::Ending;
use self::ending::ending;
use self::role::Cast;
pub use self::role::{Blow, Role, Target};
use crate::judge::{Hold, Violation, ViolationKind, holds};
use crate::scenario::{Outcome, Scenario};
use crate::world::FaultOutcome;

/// How a violation came about, with the names taken away.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Mechanism {
    /// How the earlier of the two grants ended that the violation is about, if it is about two.
    pub ending: Option<Ending>,
    /// The faults, in the order of their kinds; two of a kind are there twice.
    pub blows: Vec<Blow>,
}

impl Mechanism {
    /// The mechanism of the first violation of a kind; `None` when the run shows none.
    pub fn of(scenario: &Scenario, outcome: &Outcome, kind: ViolationKind) -> Option<Self> {
        let violation = outcome.verdict.first(kind)?;
        let cast = Cast::of(scenario);
        let had_struck = |fault: &&FaultOutcome| {
            let in_time = fault.began_at.is_some_and(|began| began <= violation.at);
            fault.fired && (in_time || kind == ViolationKind::StuckLock)
        };
        let faults = outcome.run.faults.iter().filter(had_struck);
        let mut blows: Vec<Blow> = faults.map(|fault| Blow::of(&fault.fault, &cast)).collect();
        blows.sort();
        let history = &outcome.run.history;
        let holds = holds(history);
        let two = two_grants(outcome, violation, &holds);
        let ending = two.map(|[one, other]| ending(history, one, other, scenario.lock.lease()));
        Some(Self { ending, blows })
    }

    /// Whether it may be what is left of another one when faults have been taken away or made simpler.
    pub fn may_come_of(&self, other: &Self) -> bool {
        let comes_of_one =
            |blow: &Blow| other.blows.iter().any(|original| blow.may_come_of(original));
        self.ending == other.ending && self.blows.iter().all(comes_of_one)
    }
}

/// The two holds of one lock that a violation is about.
fn two_grants<'h>(
    outcome: &Outcome,
    violation: &Violation,
    holds: &'h [Hold],
) -> Option<[&'h Hold; 2]> {
    match violation.kind {
        ViolationKind::TwoHolders => {
            let later = holds.iter().find(|hold| hold.begin == violation.record)?;
            let stood = |hold: &&Hold| {
                hold.lock == later.lock
                    && hold.holder() != later.holder()
                    && hold.stands_at(later.begin)
            };
            Some([holds.iter().find(stood)?, later])
        }
        ViolationKind::StaleWrite => {
            let [writer, newer] = violation.nodes[..] else { return None };
            let before = || holds.iter().rev().filter(|hold| hold.begin < violation.record);
            let newest = before().find(|hold| hold.node == newer)?;
            let is_own = |hold: &&Hold| {
                hold.node == writer && hold.lock == newest.lock && hold.granted < newest.granted
            };
            Some([before().find(is_own)?, newest])
        }
        ViolationKind::Oversell => {
            let writer = violation.nodes.first()?;
            let is_its_own = |one: &&Violation| {
                one.kind == ViolationKind::TwoHolders
                    && one.record <= violation.record
                    && one.nodes.contains(writer)
            };
            let two_holders = outcome.verdict.violations.iter().rev().find(is_its_own)?;
            two_grants(outcome, two_holders, holds)
        }
        ViolationKind::TokenRegression
        | ViolationKind::ForeignRelease
        | ViolationKind::StuckLock
        | ViolationKind::Own(_) => None,
    }
}

impl fmt::Display for Mechanism {
    /// `pause client: the earlier grant had expired`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.blows.as_slice() {
            [] => f.write_str("no fault")?,
            blows => {
                let blows: Vec<String> = blows.iter().map(Blow::to_string).collect();
                f.write_str(&blows.join(", "))?;
            }
        }
        self.ending.map_or(Ok(()), |ending| write!(f, ": {}", ending.in_words()))
    }
}

#[cfg(test)]
mod tests;
