//! Decisions, asked for one by one. Whatever generates a fault plan asks [`Choices`], so that the
//! same generator is driven by a random stream (hunt), by a recorded list (replay, shrink) or by
//! an enumerator (exhaust).

use std::ops::RangeInclusive;

use fencepost_models::random::Random;

/// Somebody who decides.
pub trait Choices {
    /// A number below `bound`; 0 when `bound` is 0. Generators put the simplest choice at 0.
    fn below(&mut self, bound: u64) -> u64;

    /// A number of the range; its start when the range is empty.
    fn range(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (start, end) = range.into_inner();
        start + self.below(end.saturating_sub(start).saturating_add(1))
    }

    /// One of the items; `None` when there are none.
    fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(usize::try_from(self.below(items.len() as u64)).ok()?)
    }

    /// Yes `numerator` times out of `denominator`; a decision of 0 means no.
    fn ratio(&mut self, numerator: u64, denominator: u64) -> bool {
        self.below(denominator) >= denominator.saturating_sub(numerator)
    }
}

impl Choices for Random {
    fn below(&mut self, bound: u64) -> u64 {
        Self::below(self, bound)
    }
}

/// Decisions from a list; when it is at its end, 0. A decision out of bounds becomes the largest
/// that is in: a list that was cut, or changed by a shrinker, is a list of decisions still.
///
/// ```
/// use fencepost_faults::{Choices, Recorded};
/// let mut choices = Recorded::new(vec![3, 9]);
/// assert_eq!([choices.below(5), choices.below(5), choices.below(5)], [3, 4, 0]);
/// ```
#[derive(Clone, Debug)]
pub struct Recorded {
    decisions: std::vec::IntoIter<u64>,
}

impl Recorded {
    /// These decisions.
    pub fn new(decisions: Vec<u64>) -> Self {
        Self { decisions: decisions.into_iter() }
    }
}

impl Choices for Recorded {
    fn below(&mut self, bound: u64) -> u64 {
        self.decisions.next().unwrap_or(0).min(bound.saturating_sub(1))
    }
}

/// Lets another decide, and keeps a list for [`Recorded`].
#[derive(Clone, Debug)]
pub struct Recorder<C> {
    choices: C,
    decisions: Vec<u64>,
}

impl<C: Choices> Recorder<C> {
    /// Records what `choices` decides.
    pub fn new(choices: C) -> Self {
        Self { choices, decisions: Vec::new() }
    }

    /// What was decided.
    pub fn into_decisions(self) -> Vec<u64> {
        self.decisions
    }
}

impl<C: Choices> Choices for Recorder<C> {
    fn below(&mut self, bound: u64) -> u64 {
        let decision = self.choices.below(bound);
        self.decisions.push(decision);
        decision
    }
}

/// Every sequence of decisions, one after another: an odometer whose wheels are made as the
/// generator asks for them, in the style of matklad's *exhaustigen*.
///
/// ```
/// use fencepost_faults::{Choices, Enumerator};
/// let mut choices = Enumerator::default();
/// let mut pairs = Vec::new();
/// while choices.advance() {
///     let first = choices.below(3);
///     pairs.push((first, choices.below(first)));
/// }
/// assert_eq!(pairs, [(0, 0), (1, 0), (2, 0), (2, 1)]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Enumerator {
    /// Each decision with its bound.
    wheels: Vec<(u64, u64)>,
    next: usize,
    started: bool,
}

impl Enumerator {
    /// Goes to the next sequence; false when there are no more.
    pub fn advance(&mut self) -> bool {
        self.next = 0;
        if !self.started {
            self.started = true;
            return true;
        }
        while let Some((decision, bound)) = self.wheels.pop() {
            if decision + 1 < bound {
                self.wheels.push((decision + 1, bound));
                return true;
            }
        }
        false
    }
}

impl Choices for Enumerator {
    fn below(&mut self, bound: u64) -> u64 {
        if self.next == self.wheels.len() {
            self.wheels.push((0, bound));
        }
        let (decision, _) = self.wheels[self.next];
        self.next += 1;
        decision
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_recorded_replays() {
        let ask = |choices: &mut dyn FnMut(u64) -> u64| -> Vec<u64> {
            [10, 1, u64::MAX, 0, 7].map(choices).to_vec()
        };
        let mut recorder = Recorder::new(Random::new(1, 2));
        let first = ask(&mut |bound| recorder.below(bound));
        let mut recorded = Recorded::new(recorder.into_decisions());
        assert_eq!(ask(&mut |bound| recorded.below(bound)), first);
    }

    #[test]
    fn an_enumerator_that_is_asked_nothing_has_one_sequence() {
        let mut choices = Enumerator::default();
        assert!(choices.advance());
        assert!(!choices.advance());
    }

    #[test]
    fn ranges_and_picks_take_both_ends() {
        let mut choices = Enumerator::default();
        let mut seen = Vec::new();
        while choices.advance() {
            let number = choices.range(3..=4);
            let letter = choices.pick(&["a", "b"]).copied();
            seen.push((number, letter, choices.ratio(1, 2)));
        }
        assert_eq!(seen.len(), 8);
        assert_eq!(seen.first(), Some(&(3, Some("a"), false)));
        assert_eq!(seen.last(), Some(&(4, Some("b"), true)));
        assert_eq!(choices.range(5..=5), 5);
        assert_eq!(choices.pick::<u8>(&[]), None);
    }
}
