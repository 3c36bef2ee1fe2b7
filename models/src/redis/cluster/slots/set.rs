//! Sets of slots. A master has few ranges of them, every ping carries them, and most are compared
//! only to find that nothing has changed: so they are lists of ranges that are shared.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::SLOTS;

/// A set of slots.
#[derive(Clone, Default)]
pub struct SlotSet(
    /// First and last slot of each range, in order, none next to another; none for no slots.
    Option<Arc<[(u16, u16)]>>,
);

impl SlotSet {
    /// No slots.
    pub const EMPTY: Self = Self(None);

    /// The slots of a range. What lies beyond the last slot is left out.
    pub fn range(range: RangeInclusive<u16>) -> Self {
        let (first, last) = (*range.start(), (*range.end()).min(SLOTS - 1));
        Self::of_ranges(if first <= last { vec![(first, last)] } else { Vec::new() })
    }

    fn of_ranges(ranges: Vec<(u16, u16)>) -> Self {
        Self((!ranges.is_empty()).then(|| ranges.into()))
    }

    /// First and last slot of each range, in order.
    pub fn ranges(&self) -> &[(u16, u16)] {
        self.0.as_deref().unwrap_or_default()
    }

    /// All slots, in order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.ranges().iter().flat_map(|(first, last)| *first..=*last)
    }

    /// The lowest slot.
    pub fn first(&self) -> Option<u16> {
        self.ranges().first().map(|(first, _)| *first)
    }

    /// True when there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ranges().iter().map(|(first, last)| usize::from(last - first) + 1).sum()
    }

    /// True when a slot is among them.
    #[inline]
    pub fn contains(&self, slot: u16) -> bool {
        let ranges = self.ranges();
        let at = ranges.partition_point(|(_, last)| *last < slot);
        ranges.get(at).is_some_and(|(first, _)| *first <= slot)
    }

    /// The slots of either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.combine(other, |ours, theirs| ours || theirs)
    }

    /// The slots of both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |ours, theirs| ours && theirs)
    }

    /// These slots without the other's.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.combine(other, |ours, theirs| ours && !theirs)
    }

    /// The slots of which `keep` says so, given whether each set has them.
    fn combine(&self, other: &Self, keep: impl Fn(bool, bool) -> bool) -> Self {
        let (mut ours, mut theirs) = (self.ranges(), other.ranges());
        let mut kept: Vec<(u16, u16)> = Vec::new();
        let mut from = 0;
        while from < SLOTS {
            let (in_ours, ours_until) = standing(&mut ours, from);
            let (in_theirs, theirs_until) = standing(&mut theirs, from);
            let until = ours_until.min(theirs_until);
            if keep(in_ours, in_theirs) {
                match kept.last_mut() {
                    Some((_, last)) if *last + 1 == from => *last = until - 1,
                    _ => kept.push((from, until - 1)),
                }
            }
            from = until;
        }
        Self::of_ranges(kept)
    }
}

/// Whether the ranges have a slot, and the next one of which that is not true. Drops the ranges that
/// end before it.
fn standing(ranges: &mut &[(u16, u16)], slot: u16) -> (bool, u16) {
    while let [(_, last), rest @ ..] = ranges
        && *last < slot
    {
        *ranges = rest;
    }
    match ranges.first() {
        Some((first, last)) if *first <= slot => (true, last + 1),
        Some((first, _)) => (false, *first),
        None => (false, SLOTS),
    }
}

impl FromIterator<u16> for SlotSet {
    fn from_iter<I: IntoIterator<Item = u16>>(slots: I) -> Self {
        let mut slots: Vec<u16> = slots.into_iter().filter(|slot| *slot < SLOTS).collect();
        slots.sort_unstable();
        slots.dedup();
        let mut ranges: Vec<(u16, u16)> = Vec::new();
        for slot in slots {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == slot => *last = slot,
                _ => ranges.push((slot, slot)),
            }
        }
        Self::of_ranges(ranges)
    }
}

impl PartialEq for SlotSet {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs) || ours == theirs,
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        }
    }
}

impl Eq for SlotSet {}

/// As `CLUSTER NODES` shows them: `0-5460 5462`.
impl fmt::Display for SlotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (first, last)) in self.ranges().iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            if first == last {
                write!(f, "{space}{first}")?;
            } else {
                write!(f, "{space}{first}-{last}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for SlotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{self}]")
    }
}

impl Serialize for SlotSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.ranges().serialize(serializer)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn slots() -> impl Strategy<Value = BTreeSet<u16>> {
        let near = prop::collection::btree_set(0..12_u16, 0..12);
        let far = prop::collection::btree_set(SLOTS - 6..SLOTS, 0..6);
        (near, far).prop_map(|(near, far)| near.union(&far).copied().collect())
    }

    proptest! {
        #[test]
        fn a_set_is_a_set(ours in slots(), theirs in slots()) {
            let one: SlotSet = ours.iter().copied().collect();
            let other: SlotSet = theirs.iter().copied().collect();
            let list = |set: SlotSet| set.iter().collect::<Vec<_>>();
            let sorted = |set: Vec<&u16>| set.into_iter().copied().collect::<Vec<_>>();
            prop_assert_eq!(list(one.union(&other)), sorted(ours.union(&theirs).collect()));
            prop_assert_eq!(
                list(one.intersection(&other)),
                sorted(ours.intersection(&theirs).collect())
            );
            prop_assert_eq!(list(one.minus(&other)), sorted(ours.difference(&theirs).collect()));
            prop_assert_eq!(one.len(), ours.len());
            prop_assert_eq!(one.is_empty(), ours.is_empty());
            prop_assert_eq!(one.first(), ours.first().copied());
            prop_assert_eq!(one == other, ours == theirs);
            for slot in (0..14).chain(SLOTS - 8..SLOTS) {
                prop_assert_eq!(one.contains(slot), ours.contains(&slot));
            }
            // One set has one form.
            prop_assert_eq!(one.union(&other).minus(&other).union(&one.intersection(&other)), one);
        }
    }

    #[test]
    fn a_set_is_shown_as_redis_shows_it() {
        assert_eq!(SlotSet::EMPTY.to_string(), "");
        let set: SlotSet = [9, 1, 2, 3, 16_383].into_iter().collect();
        assert_eq!(set.to_string(), "1-3 9 16383");
        assert_eq!(SlotSet::range(16_000..=20_000).to_string(), "16000-16383");
    }
}
