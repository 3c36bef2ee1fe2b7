//! Did it fire? A claim that something never happens says nothing if what it was claimed under
//! never happened either.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use fencepost_faults::FaultKind;

use crate::judge::{Verdict, ViolationKind};
use crate::scenario::{Outcome, Recipe, Scenario};

/// In how many runs each declared fault has fired, and each kind that is drawn at random.
pub struct Fired {
    declared: Vec<(String, AtomicU64)>,
    drawn: Vec<(FaultKind, AtomicU64)>,
    runs: AtomicU64,
    /// Whether somebody is to hold a lock, and in how many runs somebody did.
    has_lock: bool,
    granted: AtomicU64,
    /// How many pieces were sold in all of them, and how many requests the store has refused.
    sold: AtomicU64,
    fenced_off: AtomicU64,
    /// For each kind of violation, in how many runs it could not have been seen, and why in one.
    unjudged: [(ViolationKind, AtomicU64, OnceLock<String>); ViolationKind::ALL.len()],
}

impl Fired {
    /// The faults of a scenario, none of which has fired yet.
    pub fn of(scenario: &Scenario) -> Self {
        let declared = scenario.faults.iter().map(|fault| (fault.to_string(), AtomicU64::new(0)));
        let kinds = scenario.random_faults.iter().filter(|random| random.max > 0);
        let kinds = kinds.flat_map(|random| &random.kinds);
        Self {
            declared: declared.collect(),
            drawn: kinds.map(|kind| (*kind, AtomicU64::new(0))).collect(),
            runs: AtomicU64::new(0),
            has_lock: !matches!(scenario.lock, Recipe::None | Recipe::ConditionalUpdate),
            granted: AtomicU64::new(0),
            sold: AtomicU64::new(0),
            fenced_off: AtomicU64::new(0),
            unjudged: ViolationKind::ALL.map(|kind| (kind, AtomicU64::new(0), OnceLock::new())),
        }
    }

    /// Counts what fired in a run.
    pub fn note(&self, outcome: &Outcome) {
        self.runs.fetch_add(1, Ordering::Relaxed);
        let Verdict { books, max_holders, .. } = &outcome.verdict;
        self.granted.fetch_add(u64::from(*max_holders > 0), Ordering::Relaxed);
        self.sold.fetch_add(books.sold, Ordering::Relaxed);
        self.fenced_off.fetch_add(books.fenced_off, Ordering::Relaxed);
        for (kind, runs, why) in &self.unjudged {
            if let Some(reason) = outcome.verdict.why_unjudged(*kind) {
                runs.fetch_add(1, Ordering::Relaxed);
                why.get_or_init(|| reason.to_owned());
            }
        }
        let (declared, drawn) = outcome.run.faults.split_at(self.declared.len());
        for (fault, (_, runs)) in declared.iter().zip(&self.declared) {
            runs.fetch_add(u64::from(fault.fired), Ordering::Relaxed);
        }
        for (kind, runs) in &self.drawn {
            let fired = drawn.iter().any(|one| one.fired && one.fault.kind() == *kind);
            runs.fetch_add(u64::from(fired), Ordering::Relaxed);
        }
    }

    /// Why a claim that nothing was seen says nothing, if so; `about` is the kind of violation that it is about, if it is
    /// about one. A single run that is replayed need not let every fault fire, nor anybody have the lock.
    pub fn says_nothing(&self, about: Option<ViolationKind>, is_replay: bool) -> Option<String> {
        let never_fired = || format!("a declared fault never fired\n{self}");
        let of_range = || {
            let unfired = self.some_never_did().then(never_fired);
            unfired.or_else(|| self.never_used(about?))
        };
        let of_range = if is_replay { None } else { of_range() };
        of_range.or_else(|| self.never_judged(about?))
    }

    /// Why nothing that is about a kind of violation was ever done, if so: a lock that nobody gets is never wrong.
    fn never_used(&self, kind: ViolationKind) -> Option<String> {
        // A law of somebody's own may be about anything.
        if matches!(kind, ViolationKind::Own(_)) || !self.has_lock {
            return None;
        }
        let all = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let refused = all(&self.fenced_off);
        if all(&self.granted) == 0 {
            return Some("nobody was granted the lock in any of them".to_owned());
        }
        (all(&self.sold) == 0 && refused > 0).then(|| {
            format!(
                "nothing was sold in any of them, since the store refused all {refused} requests: where it checks \
                 tokens, a lock has to give one with each grant (`OwnLock::token`)"
            )
        })
    }

    /// That a kind of violation could have been seen in no run, if so, and why in one of them.
    pub fn never_judged(&self, kind: ViolationKind) -> Option<String> {
        let all = self.runs.load(Ordering::Relaxed);
        let (_, runs, why) = self.unjudged.iter().find(|(one, ..)| *one == kind)?;
        let reason = (runs.load(Ordering::Relaxed) == all).then(|| why.get()).flatten()?;
        Some(format!("it could not have been seen in any of them: {reason}"))
    }

    /// Whether a declared fault, or a kind that may be drawn, has fired in no run.
    fn some_never_did(&self) -> bool {
        let declared = self.declared.iter().map(|(_, runs)| runs);
        let drawn = self.drawn.iter().map(|(_, runs)| runs);
        declared.chain(drawn).any(|runs| runs.load(Ordering::Relaxed) == 0)
    }
}

impl fmt::Display for Fired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = self.runs.load(Ordering::Relaxed);
        for (fault, runs) in &self.declared {
            writeln!(f, "  fired in {} of {of} runs: {fault}", runs.load(Ordering::Relaxed))?;
        }
        for (kind, runs) in &self.drawn {
            writeln!(f, "  fired in {} of {of} runs: {kind}, drawn", runs.load(Ordering::Relaxed))?;
        }
        Ok(())
    }
}
