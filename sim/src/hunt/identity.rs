//! Whether two reports are of the same hunt. What is counted together must be.

use std::fmt;
use std::ops::Range;

use xxhash_rust::xxh3::Xxh3;

use super::report::HuntReport;
use crate::scenario::Scenario;
use crate::seeds::show_range;
use crate::world::Digest;

/// A scenario in 128 bits, as a hunt sees it: its file, written anew, so that neither comments nor the
/// order of the keys matter. What it says of itself does not count either, nor the seed that a hunt
/// does not use.
pub(super) fn scenario_digest(scenario: &Scenario) -> Digest {
    let plain = scenario.clone().but(|s| {
        s.explain.clear();
        s.seed = 0;
    });
    let mut hasher = Xxh3::new();
    hasher.update(plain.to_toml().as_bytes());
    Digest(hasher.digest128())
}

/// Something in which two hunts differ.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// What it is.
    pub what: &'static str,
    /// How it is in the one.
    pub one: String,
    /// How it is in the other.
    pub other: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, not {}", self.what, self.one, self.other)
    }
}

impl HuntReport {
    /// In what this hunt and another one differ, apart from which part of it this is; nothing, when
    /// both are of the same hunt.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        let (one, another) = (self.identity(), other.identity());
        differing(one, another)
    }

    /// The same, and the part must be the same too: one report can go on where the other ends.
    pub fn differences_of_part(&self, other: &Self) -> Vec<Difference> {
        let shard = |report: &Self| {
            let part = report.part.as_ref();
            ("shard", part.map_or_else(|| "none".to_owned(), |part| part.shard.to_string()))
        };
        let mut differences = self.differences(other);
        differences.extend(differing([shard(self)], [shard(other)]));
        differences
    }

    /// What makes it the hunt that it is, each in words.
    fn identity(&self) -> [(&'static str, String); 5] {
        let ending = if self.stop_at_first { "at the first finding" } else { "at the last seed" };
        let stories = self.stories.as_ref().map_or_else(
            || "none".to_owned(),
            |stories| format!("of {} seeds of each kind", stories.sample),
        );
        let build = self.build.clone().unwrap_or_else(|| "unnamed".to_owned());
        [
            ("scenario", format!("`{}` (digest {})", self.scenario, self.scenario_digest)),
            ("seeds", show_range(self.whole())),
            ("end", ending.to_owned()),
            ("stories", stories),
            ("build", build),
        ]
    }

    /// The seeds of the whole hunt that it is a part of.
    pub fn whole(&self) -> &Range<u64> {
        self.part.as_ref().map_or(&self.asked, |part| &part.of)
    }
}

/// Items in words, in one line.
pub(super) fn join<T: fmt::Display>(items: &[T], between: &str) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(between)
}

fn differing<const N: usize>(
    one: [(&'static str, String); N],
    other: [(&'static str, String); N],
) -> Vec<Difference> {
    let pairs = one.into_iter().zip(other);
    let pairs = pairs.map(|((what, one), (_, other))| Difference { what, one, other });
    pairs.filter(|difference| difference.one != difference.other).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_a_scenario_does_counts_and_what_it_says_of_itself_does_not() {
        let digest = |change: fn(&mut Scenario)| scenario_digest(&Scenario::default().but(change));
        let plain = digest(|_| ());
        assert_eq!(plain, digest(|s| s.explain = "At length.".to_owned()));
        assert_eq!(plain, digest(|s| s.seed = 7));
        assert_ne!(plain, digest(|s| s.title = "Another".to_owned()));
        assert_ne!(plain, digest(|s| s.duration = Duration::from_secs(61)));
        assert_ne!(plain, digest(|s| s.shop.stock = 2));
        assert_ne!(plain, digest(|s| s.expect = Some([].into())));
    }
}
