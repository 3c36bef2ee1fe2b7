//! Which seeds a claim is tried under: its own, or those that the environment asks for.

use std::fmt;
use std::ops::{Range, RangeInclusive};

use crate::seeds::{parse_range, show_range};

/// Replays one seed.
pub const ONE: &str = "FENCEPOST_SEED";

/// Runs another range.
const MANY: &str = "FENCEPOST_SEEDS";

/// The seeds of a claim: for tests that run them by other means than a [`Sweep`](super::Sweep), and obey the two
/// variables all the same.
///
/// ```
/// use fencepost::claim::Seeds;
///
/// let seeds = Seeds::from_environment(0..100);
/// let runs = seeds.range().map_or(0, |range| range.count());
/// assert!(seeds.is_replay() || runs == 100 || std::env::var("FENCEPOST_SEEDS").is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Seeds {
    /// One, to look at.
    Replay(u64),
    /// A range.
    Range(Range<u64>),
}

impl Seeds {
    /// The claim's own seeds, unless the environment says otherwise.
    ///
    /// # Panics
    ///
    /// A variable is set to something else than a seed or a range.
    pub fn from_environment(own: Range<u64>) -> Self {
        Self::choose(own, std::env::var(ONE).ok(), std::env::var(MANY).ok())
            .unwrap_or_else(|problem| panic!("{problem}"))
    }

    fn choose(own: Range<u64>, one: Option<String>, many: Option<String>) -> Result<Self, String> {
        if let Some(text) = one {
            let seed = text.trim().parse();
            return seed.map(Self::Replay).map_err(|_| {
                format!("{ONE}={text}: not a seed; write a whole number, such as {ONE}=17")
            });
        }
        match many {
            Some(text) => parse_range(&text).map(Self::Range).ok_or_else(|| {
                format!("{MANY}={text}: not a range of seeds; write it as {MANY}=0..1000")
            }),
            None => Ok(Self::Range(own)),
        }
    }

    /// The seeds, first and last; `None` when there are none.
    pub fn range(&self) -> Option<RangeInclusive<u64>> {
        match self {
            Self::Replay(seed) => Some(*seed..=*seed),
            Self::Range(range) if range.is_empty() => None,
            Self::Range(range) => Some(range.start..=range.end - 1),
        }
    }

    /// Whether somebody wants to look at one run.
    pub const fn is_replay(&self) -> bool {
        matches!(self, Self::Replay(_))
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replay(seed) => write!(f, "{seed}"),
            Self::Range(range) => f.write_str(&show_range(range)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(one: Option<&str>, many: Option<&str>) -> Result<Seeds, String> {
        Seeds::choose(0..10, one.map(str::to_owned), many.map(str::to_owned))
    }

    #[test]
    fn the_environment_overrides_a_claims_own_seeds() {
        assert_eq!(choose(None, None), Ok(Seeds::Range(0..10)));
        assert_eq!(choose(None, Some("5..900")), Ok(Seeds::Range(5..900)));
        assert_eq!(choose(Some("17"), Some("5..900")), Ok(Seeds::Replay(17)));
        assert_eq!(Seeds::Replay(17).range(), Some(17..=17));
        assert_eq!(Seeds::Replay(u64::MAX).range(), Some(u64::MAX..=u64::MAX));
        assert_eq!(Seeds::Range(5..9).range(), Some(5..=8));
        assert_eq!(Seeds::Range(5..5).range(), None);
    }

    #[test]
    fn what_is_no_seed_is_refused_with_an_example() {
        for text in ["", "x", "-1", "1.5", "18446744073709551616"] {
            assert!(choose(Some(text), None).unwrap_err().contains("FENCEPOST_SEED=17"), "{text}");
        }
        for text in ["", "5", "9..5", "5..5", "a..b", "..", "0.."] {
            let problem = choose(None, Some(text)).unwrap_err();
            assert!(problem.contains("FENCEPOST_SEEDS=0..1000"), "{text}");
        }
    }
}
