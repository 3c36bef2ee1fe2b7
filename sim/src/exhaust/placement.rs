//! Placements by their numbers: the combinations of up to so many places, first those of none, then those of
//! one, and so on. A number says which places, so that any part of them can be run by itself.

/// How many ways there are to choose so many of `places`; as many as fit where it is more.
fn choose(places: u64, of: u32) -> u64 {
    let mut ways: u128 = 1;
    for step in 0..u128::from(of) {
        ways = ways.saturating_mul(u128::from(places).saturating_sub(step)) / (step + 1);
    }
    u64::try_from(ways).unwrap_or(u64::MAX)
}

/// How many placements of up to `most` there are.
pub fn count(places: u64, most: u32) -> u64 {
    (0..=most).fold(0, |sum: u64, of| sum.saturating_add(choose(places, of)))
}

/// The places of a placement, the last one first.
pub fn places(number: u64, of: u64) -> Vec<u64> {
    let (mut left, mut faults) = (number, 0);
    while left >= choose(of, faults) {
        left -= choose(of, faults);
        faults += 1;
    }
    // The combinatorial number system: the greatest place below which there are no more ways than are left.
    let mut places = Vec::new();
    let mut bound = of;
    for rank in (1..=faults).rev() {
        let place = greatest(bound, |place| choose(place, rank) <= left);
        left -= choose(place, rank);
        places.push(place);
        bound = place;
    }
    places
}

/// The greatest number below a bound for which something holds that holds up to some number; 0 is one.
fn greatest(bound: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, bound);
    while high - low > 1 {
        let middle = u64::midpoint(low, high);
        if holds(middle) { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_placement_has_one_number() {
        for (of, most) in [(1, 1), (5, 0), (5, 1), (5, 2), (7, 3), (4, 4)] {
            let all: Vec<Vec<u64>> =
                (0..count(of, most)).map(|number| places(number, of)).collect();
            assert!(all.iter().all(|places| places.len() <= most as usize));
            assert!(all.is_sorted_by_key(Vec::len), "fewer faults come first");
            assert!(all.iter().flatten().all(|place| *place < of));
            let sets: BTreeSet<BTreeSet<u64>> =
                all.iter().map(|places| places.iter().copied().collect()).collect();
            assert_eq!(sets.len() as u64, count(of, most), "{of} places, {most} faults: {all:?}");
        }
    }

    #[test]
    fn there_may_be_more_than_anybody_could_run() {
        assert_eq!(count(10_000, 2), 1 + 10_000 + 49_995_000);
        assert_eq!(count(u64::MAX, 3), u64::MAX);
    }
}
