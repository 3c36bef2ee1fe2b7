//! What holds whatever goes wrong.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::Rig;

/// What may go wrong, one after the other.
#[derive(Clone, Debug)]
enum Trouble {
    Cut(BTreeSet<usize>),
    Heal,
    Crash(usize),
    PowerLoss(usize),
    Lag(usize, bool),
    FailOver(usize, bool),
    Write(usize),
}

fn troubles() -> impl Strategy<Value = Vec<(Trouble, u64)>> {
    let trouble = prop_oneof![
        prop::collection::btree_set(0..6_usize, 1..4).prop_map(Trouble::Cut),
        Just(Trouble::Heal),
        (0..6_usize).prop_map(Trouble::Crash),
        (0..6_usize).prop_map(Trouble::PowerLoss),
        (3..6_usize, any::<bool>()).prop_map(|(place, lags)| Trouble::Lag(place, lags)),
        (0..6_usize, any::<bool>()).prop_map(|(place, force)| Trouble::FailOver(place, force)),
        (0..3_usize).prop_map(Trouble::Write),
    ];
    prop::collection::vec((trouble, 0..12_000_u64), 1..10)
}

/// Lets all that happen, then heals everything.
fn suffer(seed: u64, troubles: &[(Trouble, u64)]) -> Rig {
    let mut rig = Rig::new(seed);
    for (trouble, ms) in troubles {
        match trouble {
            Trouble::Cut(apart) => {
                rig.heal();
                rig.cut(&apart.iter().copied().collect::<Vec<_>>());
            }
            Trouble::Heal => rig.heal(),
            Trouble::Crash(place) | Trouble::PowerLoss(place) if !rig.hosts[*place].is_up => {
                rig.restart(*place, false);
            }
            Trouble::Crash(place) => rig.crash(*place),
            Trouble::PowerLoss(place) => {
                rig.crash(*place);
                rig.run(500);
                rig.restart(*place, true);
            }
            Trouble::Lag(place, lags) => rig.hosts[*place].is_lagging = *lags,
            Trouble::FailOver(place, force) if rig.hosts[*place].is_up => {
                let force = if *force { " FORCE" } else { "" };
                rig.command(*place, &format!("CLUSTER FAILOVER{force}"));
            }
            Trouble::FailOver(..) => {}
            Trouble::Write(place) => rig.hosts[*place].offset += 10,
        }
        rig.run(*ms);
    }
    for place in 0..6 {
        rig.hosts[place].is_lagging = false;
        if !rig.hosts[place].is_up {
            rig.restart(place, false);
        }
    }
    rig.heal();
    rig
}

/// The epoch in a note's text: the last word.
fn epoch(detail: &str) -> u64 {
    let word = detail.rsplit(' ').next().expect("a word");
    word.parse().unwrap_or_else(|_| panic!("{detail}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// No two nodes are elected for the same slots in one epoch, no master votes twice in one, and in
    /// the end all agree whose each slot is. For different slots two may be elected in one epoch, see
    /// `votes.rs`.
    #[test]
    fn an_epoch_has_one_winner_for_a_slot_and_a_slot_one_owner(seed in any::<u64>(), troubles in troubles()) {
        let mut rig = suffer(seed, &troubles);
        let agreed = |rig: &Rig| [0, 5_461, 16_383].iter().all(|slot| {
            let owners: BTreeSet<_> = (0..6).map(|seen_by| rig.owner(*slot, seen_by)).collect();
            let claimers = (0..6).filter(|place| rig.cluster(*place).myself.slots.contains(*slot));
            owners.len() == 1 && !owners.contains(&None) && claimers.count() == 1
        });
        let works = |rig: &Rig| (0..6).all(|place| rig.cluster(place).is_ok);
        prop_assert!(rig.wait(180_000, |rig| agreed(rig) && works(rig)).is_some(), "no agreement");

        let mut winners: BTreeMap<(u64, usize), usize> = BTreeMap::new();
        for place in 0..6 {
            for detail in rig.details(place, "election-won") {
                let shard = place % 3;
                let before = winners.insert((epoch(detail), shard), place);
                prop_assert!(before.is_none_or(|before| before == place), "two winners: {}", detail);
            }
            let votes: Vec<u64> =
                rig.details(place, "vote-given").into_iter().map(epoch).collect();
            prop_assert!(votes.is_sorted_by(|one, next| one < next), "{place}: {votes:?}");
        }
        let epochs: Vec<u64> = (0..6)
            .filter(|place| !rig.cluster(*place).myself.slots.is_empty())
            .map(|place| rig.cluster(place).myself.config_epoch)
            .collect();
        let distinct: BTreeSet<_> = epochs.iter().collect();
        prop_assert_eq!(distinct.len(), epochs.len(), "{:?}", epochs);
    }

    /// The same again is the same.
    #[test]
    fn a_story_is_told_the_same_way_twice(seed in any::<u64>(), troubles in troubles()) {
        let told = || {
            let rig = suffer(seed, &troubles);
            let notes: Vec<_> = rig.hosts.iter().map(|host| host.notes.clone()).collect();
            (notes, rig.said.len())
        };
        prop_assert_eq!(told(), told());
    }
}
