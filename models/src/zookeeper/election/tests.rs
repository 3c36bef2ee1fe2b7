//! Elections among servers that are nothing else, on a network that loses what it is told to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Candidate, Election, Notification, PeerState, Told, Vote};
use crate::random::Random;
use crate::zookeeper::protocol::{ServerId, Zxid};

/// Servers that hold elections.
struct Ballot {
    elections: BTreeMap<ServerId, Election>,
    elected: BTreeMap<ServerId, Vote>,
    under_way: VecDeque<(ServerId, Notification)>,
    /// Who hears nothing and is not heard.
    cut_off: BTreeSet<ServerId>,
}

const fn id(number: u8) -> ServerId {
    ServerId(number)
}

impl Ballot {
    fn of(servers: u8) -> Self {
        let voters: BTreeSet<ServerId> = (1..=servers).map(ServerId).collect();
        let elections =
            voters.iter().map(|one| (*one, Election::new(*one, voters.clone()))).collect();
        Self {
            elections,
            elected: BTreeMap::new(),
            under_way: VecDeque::new(),
            cut_off: BTreeSet::new(),
        }
    }

    fn act(&mut self, who: ServerId, act: impl FnOnce(&mut Election, &mut Told) -> Option<Vote>) {
        let mut told = Vec::new();
        let vote = act(self.elections.get_mut(&who).unwrap(), &mut told);
        if let Some(vote) = vote {
            self.elected.insert(who, vote);
        }
        self.under_way.extend(told.into_iter().filter(|_| !self.cut_off.contains(&who)));
    }

    fn start(&mut self, who: u8, zxid: Zxid, peer_epoch: u32) {
        self.elected.remove(&id(who));
        self.act(id(who), |election, told| election.start(zxid, peer_epoch, told));
    }

    /// Delivers the first notification of those that go the same way as one that is under way.
    fn deliver(&mut self, place: usize) {
        let Some((to, Notification { from, .. })) = self.under_way.get(place).copied() else {
            return;
        };
        let is_first = |one: &(ServerId, Notification)| (one.0, one.1.from) == (to, from);
        let place = self.under_way.iter().position(is_first).unwrap_or(place);
        let Some((to, heard)) = self.under_way.remove(place) else { return };
        if self.cut_off.contains(&to) {
            return;
        }
        match self.elected.get(&to).copied() {
            None => self.act(to, |election, told| election.hear(heard, told)),
            Some(vote) => {
                let state = if vote.candidate.leader == to {
                    PeerState::Leading
                } else {
                    PeerState::Following
                };
                self.act(to, |election, told| {
                    election.answer(&heard, state, vote, told);
                    None
                });
            }
        }
    }

    fn deliver_all(&mut self) {
        while !self.under_way.is_empty() {
            self.deliver(0);
        }
    }

    /// Nobody hears anything for a while.
    fn wait(&mut self) {
        let waiting: Vec<ServerId> =
            self.elections.keys().copied().filter(|one| !self.elected.contains_key(one)).collect();
        for who in waiting {
            self.act(who, |election, told| election.wait_is_over(true, told));
        }
    }

    fn settle(&mut self) {
        for _ in 0..10 {
            self.deliver_all();
            self.wait();
        }
    }

    fn leaders(&self) -> Vec<u8> {
        self.elected.values().map(|vote| vote.candidate.leader.0).collect()
    }
}

#[test]
fn among_equals_the_greatest_number_leads() {
    let mut ballot = Ballot::of(3);
    (1..=3).for_each(|who| ballot.start(who, Zxid::default(), 0));
    ballot.deliver_all();
    assert_eq!(ballot.leaders(), [0; 0], "a quorum waits for news of a better one");
    ballot.wait();
    assert_eq!(ballot.leaders(), [3, 3, 3]);
}

#[test]
fn the_longest_log_of_the_latest_epoch_leads() {
    let mut ballot = Ballot::of(3);
    ballot.start(1, Zxid::new(1, 9), 2);
    ballot.start(2, Zxid::new(2, 5), 2);
    ballot.start(3, Zxid::new(1, 99), 1);
    ballot.settle();
    assert_eq!(ballot.leaders(), [2, 2, 2]);
}

#[test]
fn the_epoch_that_was_followed_counts_for_more_than_the_log() {
    let smaller = Candidate { leader: id(9), zxid: Zxid::new(1, 50), peer_epoch: 1 };
    let greater = Candidate { leader: id(1), zxid: Zxid::new(1, 20), peer_epoch: 2 };
    assert!(greater.beats(&smaller));
    assert!(!smaller.beats(&greater) && !greater.beats(&greater));
}

#[test]
fn a_minority_elects_nobody() {
    let mut ballot = Ballot::of(5);
    ballot.cut_off = [3, 4, 5].map(id).into();
    (1..=5).for_each(|who| ballot.start(who, Zxid::default(), 0));
    ballot.settle();
    assert_eq!(ballot.leaders(), [0; 0]);
    ballot.cut_off = [4, 5].map(id).into();
    ballot.settle();
    assert_eq!(ballot.leaders(), [3, 3, 3]);
}

#[test]
fn who_comes_late_joins_the_leader_that_there_is_although_it_would_be_the_better_one() {
    let mut ballot = Ballot::of(3);
    ballot.start(1, Zxid::new(1, 1), 1);
    ballot.start(2, Zxid::new(1, 1), 1);
    ballot.settle();
    assert_eq!(ballot.leaders(), [2, 2]);
    // It has held many elections alone, and its round is greater than theirs.
    (0..5).for_each(|_| ballot.start(3, Zxid::new(1, 1), 1));
    ballot.settle();
    assert_eq!(ballot.leaders(), [2, 2, 2]);
    assert_eq!(ballot.elections[&id(3)].round, ballot.elections[&id(1)].round);
}

#[test]
fn nobody_joins_a_leader_that_does_not_say_that_it_leads() {
    let mut ballot = Ballot::of(3);
    (1..=3).for_each(|who| ballot.start(who, Zxid::default(), 0));
    ballot.settle();
    // 3 is gone, and 1 has not noticed; 2 looks for another.
    ballot.cut_off.insert(id(3));
    ballot.start(2, Zxid::default(), 0);
    ballot.settle();
    assert!(!ballot.elected.contains_key(&id(2)));
    ballot.start(1, Zxid::default(), 0);
    ballot.settle();
    assert_eq!(ballot.elected[&id(1)].candidate.leader, id(2));
    assert_eq!(ballot.elected[&id(2)].candidate.leader, id(2));
}

#[test]
fn who_hears_nothing_waits_twice_as_long_each_time() {
    let mut ballot = Ballot::of(3);
    ballot.start(1, Zxid::default(), 0);
    let waits: Vec<u128> = (0..10)
        .map(|_| {
            ballot.wait();
            ballot.elections[&id(1)].wait().as_millis()
        })
        .collect();
    assert_eq!(waits, [400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]);
}

/// In whatever order notifications come, and whoever misses some: all agree on one leader, and no majority has
/// a longer log.
#[test]
fn the_order_of_the_news_does_not_matter() {
    for seed in 0..300 {
        let mut random = Random::new(seed, 1);
        let mut ballot = Ballot::of(5);
        let zxids: Vec<Zxid> =
            (0..5).map(|_| Zxid::new(1, u32::try_from(random.below(4)).unwrap())).collect();
        let mut deliver_one = |ballot: &mut Ballot| {
            let under_way = ballot.under_way.len() as u64;
            ballot.deliver(usize::try_from(random.below(under_way.max(1))).unwrap());
        };
        for (who, zxid) in (1..).zip(&zxids) {
            ballot.start(who, *zxid, 1);
            (0..who).for_each(|_| deliver_one(&mut ballot));
        }
        while !ballot.under_way.is_empty() {
            deliver_one(&mut ballot);
        }
        ballot.settle();
        let leaders = ballot.leaders();
        let leader = leaders[0];
        assert_eq!(leaders, [leader; 5], "seed {seed}");
        let its = zxids[usize::from(leader) - 1];
        assert!(zxids.iter().filter(|zxid| **zxid <= its).count() >= 3, "seed {seed}");
    }
}
