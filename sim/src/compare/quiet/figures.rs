//! Figures of integers.

use super::watch::Cost;

/// The smallest of the values, which are in order, that so many in a hundred do not exceed.
pub fn nearest_rank(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// `amount · scale / of`, rounded to the nearest; `None` of nothing.
pub fn ratio(amount: u64, scale: u64, of: u64) -> Option<u64> {
    if of == 0 {
        return None;
    }
    let (amount, of) = (u128::from(amount) * u128::from(scale), u128::from(of));
    u64::try_from((amount + of / 2) / of).ok()
}

/// How many there are for a thousand.
pub fn per_thousand(amount: u64, of: u64) -> Option<u64> {
    ratio(amount, 1_000, of)
}

/// Jain's index of the clients' grants, in thousandths; `None` where there was no grant.
pub fn jain(cost: &Cost, clients: u16) -> Option<u64> {
    let sum: u64 = cost.grants.values().sum();
    let squares: u64 = cost.grants.values().map(|grants| grants * grants).sum();
    ratio(sum * sum, 1_000, squares * u64::from(clients))
}

#[cfg(test)]
mod tests {
    use fencepost_models::machine::NodeId;

    use super::*;

    #[test]
    fn ranks_are_of_values_that_are_there() {
        let values: Vec<u64> = (1..=200).collect();
        assert_eq!(nearest_rank(&values, 50), Some(100));
        assert_eq!(nearest_rank(&values, 99), Some(198));
        assert_eq!(nearest_rank(&[7], 1), Some(7));
        assert_eq!(nearest_rank(&[], 50), None);
    }

    #[test]
    fn ratios_are_rounded_and_of_nothing_there_is_none() {
        assert_eq!(ratio(2, 10, 3), Some(7));
        assert_eq!(per_thousand(1, 3), Some(333));
        assert_eq!(ratio(u64::MAX, 1_000, u64::MAX), Some(1_000));
        assert_eq!(ratio(1, 1, 0), None);
    }

    #[test]
    fn evenness_goes_from_one_of_the_clients_to_all_alike() {
        let grants = |of: &[u64]| {
            let grants = (0..).zip(of).map(|(node, grants)| ((NodeId(node), 0), *grants));
            Cost { grants: grants.collect(), ..Cost::default() }
        };
        assert_eq!(jain(&grants(&[5, 5, 5, 5]), 4), Some(1_000));
        assert_eq!(jain(&grants(&[20]), 4), Some(250));
        assert_eq!(jain(&grants(&[]), 4), None);
    }
}
