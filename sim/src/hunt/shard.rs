//! Parts of a hunt that run apart, on other machines perhaps, and whose reports are merged.

use std::fmt;
use std::num::NonZeroU32;
use std::ops::Range;

use serde::{Serialize, Serializer};

use crate::seeds::show_range;

/// One of so many parts of a hunt. Each takes a run of neighbouring seeds, as long as the others' or
/// one longer; together they take all, and none twice.
///
/// ```
/// use fencepost::hunt::Shard;
///
/// let shards: Vec<Shard> = ["1/3", "2/3", "3/3"].map(|text| Shard::parse(text).unwrap()).into();
/// let seeds: Vec<_> = shards.iter().map(|shard| shard.seeds(&(0..10))).collect();
/// assert_eq!(seeds, [0..3, 3..6, 6..10]);
/// assert_eq!(Shard::parse("0/3"), None, "the first is 1/3");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    number: NonZeroU32,
    of: NonZeroU32,
}

impl Shard {
    /// The part with this number, from 1 to `of`; `None` when there is no such part.
    pub fn new(number: u32, of: u32) -> Option<Self> {
        let shard = Self { number: NonZeroU32::new(number)?, of: NonZeroU32::new(of)? };
        (number <= of).then_some(shard)
    }

    /// Reads `I/N`; `None` unless both are whole numbers and I is one of 1 to N.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, of) = text.split_once('/')?;
        Self::new(number.trim().parse().ok()?, of.trim().parse().ok()?)
    }

    /// Which one it is, from 1 on.
    pub const fn number(self) -> u32 {
        self.number.get()
    }

    /// How many there are.
    pub const fn of(self) -> u32 {
        self.of.get()
    }

    /// Its share of the seeds of a hunt: none, where there are more shards than seeds.
    pub fn seeds(self, hunt: &Range<u64>) -> Range<u64> {
        let (of, seeds) = (u128::from(self.of()), u128::from(hunt.end.saturating_sub(hunt.start)));
        // The quotient is at most the number of seeds.
        let border = |shard: u32| hunt.start + (seeds * u128::from(shard) / of) as u64;
        border(self.number() - 1)..border(self.number())
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// A shard, and what it is a part of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Which one.
    #[serde(serialize_with = "as_text")]
    pub shard: Shard,
    /// The seeds of the whole hunt.
    #[serde(serialize_with = "as_range")]
    pub of: Range<u64>,
}

fn as_text<S: Serializer>(shard: &Shard, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(shard)
}

fn as_range<S: Serializer>(range: &Range<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&show_range(range))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_shards_take_every_seed_once_and_share_them_evenly(
            start in any::<u64>(),
            seeds in prop_oneof![0_u64..50, any::<u64>()],
            of in 1_u32..40,
        ) {
            let hunt = start..start.saturating_add(seeds);
            let all = hunt.end - hunt.start;
            let mut next = hunt.start;
            for number in 1..=of {
                let share = Shard::new(number, of).unwrap().seeds(&hunt);
                prop_assert_eq!(share.start, next);
                let (taken, even) = (share.end - share.start, all / u64::from(of));
                prop_assert!(taken == even || taken == even + 1, "{} of {}", taken, all);
                next = share.end;
            }
            prop_assert_eq!(next, hunt.end);
        }

        #[test]
        fn what_is_shown_is_read(number in 1_u32.., of in 1_u32..) {
            let shard = Shard::new(number.min(of), of).unwrap();
            prop_assert_eq!(Shard::parse(&shard.to_string()), Some(shard));
        }
    }

    #[test]
    fn what_is_no_shard_is_not_read() {
        for text in ["", "1", "/", "1/", "/2", "0/2", "3/2", "1/0", "-1/2", "1/2/3", "a/b"] {
            assert_eq!(Shard::parse(text), None, "{text}");
        }
        assert_eq!(Shard::parse(" 2 / 2 "), Shard::new(2, 2));
    }
}
