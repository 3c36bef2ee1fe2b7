//! Fast leader election: who has the longest log of the latest epoch leads.
//!
//! Source: `FastLeaderElection.java`. Its threads are one here: what they hand to each other in queues is
//! taken at once.

mod links;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::Serialize;

pub(super) use self::links::Links;
use super::protocol::{ServerId, Zxid};

/// What a server is doing. Source: `QuorumPeer.java`, `ServerState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeerState {
    /// It looks for a leader.
    Looking,
    /// It follows one.
    Following,
    /// It leads.
    Leading,
}

/// Who is proposed as leader, and what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// Who.
    pub leader: ServerId,
    /// The last transaction that it has logged.
    pub zxid: Zxid,
    /// The epoch of the last leader that it had the whole log of.
    pub peer_epoch: u32,
}

impl Candidate {
    /// The greater epoch wins, then the greater transaction, then the greater number. Source:
    /// `totalOrderPredicate`.
    fn beats(&self, other: &Self) -> bool {
        (self.peer_epoch, self.zxid, self.leader) > (other.peer_epoch, other.zxid, other.leader)
    }
}

/// A server's vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Vote {
    /// For whom.
    pub candidate: Candidate,
    /// In which round: the logical clock.
    pub round: u64,
}

/// What servers tell each other about an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// Who tells it.
    pub from: ServerId,
    /// What it is doing.
    pub state: PeerState,
    /// Whom it votes for, or has voted for.
    pub vote: Vote,
}

/// How far an election is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It is over, or has not begun.
    Idle,
    /// Not enough are agreed.
    Voting,
    /// Enough are agreed; there may be news of a better one.
    Finalising,
}

/// A server's part in elections.
#[derive(Debug)]
pub(super) struct Election {
    me: ServerId,
    voters: BTreeSet<ServerId>,
    /// The round: `logicalclock`. It is kept for as long as the process lives.
    round: u64,
    own: Candidate,
    proposed: Candidate,
    /// The votes of this round: `recvset`.
    received: BTreeMap<ServerId, Notification>,
    /// The votes of those who follow or lead, of whatever round: `outofelection`.
    settled: BTreeMap<ServerId, Notification>,
    stage: Stage,
    wait: Duration,
    /// What the server tells itself.
    to_itself: VecDeque<Notification>,
}

/// What is to be told, and to whom.
pub(super) type Told = Vec<(ServerId, Notification)>;

impl Election {
    /// For how long a quorum waits for news of a better leader. Source: `finalizeWait`.
    const FINALIZE_WAIT: Duration = Duration::from_millis(200);
    /// After how long without news everybody is told again, at first. Source:
    /// `minNotificationInterval`.
    const MIN_WAIT: Duration = Self::FINALIZE_WAIT;
    /// And at most: it doubles each time. Source: `maxNotificationInterval`.
    const MAX_WAIT: Duration = Duration::from_secs(60);

    pub(super) fn new(me: ServerId, voters: BTreeSet<ServerId>) -> Self {
        let own = Candidate { leader: me, zxid: Zxid::default(), peer_epoch: 0 };
        Self {
            me,
            voters,
            round: 0,
            own,
            proposed: own,
            received: BTreeMap::new(),
            settled: BTreeMap::new(),
            stage: Stage::Idle,
            wait: Self::MIN_WAIT,
            to_itself: VecDeque::new(),
        }
    }

    /// Begins a round, with what this server has. Source: `lookForLeader`.
    pub(super) fn start(&mut self, zxid: Zxid, peer_epoch: u32, told: &mut Told) -> Option<Vote> {
        self.round += 1;
        self.own = Candidate { leader: self.me, zxid, peer_epoch };
        self.proposed = self.own;
        self.received.clear();
        self.settled.clear();
        self.stage = Stage::Voting;
        self.wait = Self::MIN_WAIT;
        self.tell_all(told);
        self.hear_itself(told)
    }

    /// For how long to wait for the next notification before [`Election::wait_is_over`].
    pub(super) const fn wait(&self) -> Duration {
        match self.stage {
            Stage::Finalising => Self::FINALIZE_WAIT,
            Stage::Idle | Stage::Voting => self.wait,
        }
    }

    /// No notification has come for [`Election::wait`]: the leader is found, or everybody is told again if
    /// the last notifications have got through to anybody.
    pub(super) fn wait_is_over(&mut self, has_delivered: bool, told: &mut Told) -> Option<Vote> {
        match self.stage {
            Stage::Idle => None,
            Stage::Finalising => {
                Some(self.leave(Vote { candidate: self.proposed, round: self.round }))
            }
            Stage::Voting => {
                if has_delivered {
                    self.tell_all(told);
                }
                self.wait = (self.wait * 2).min(Self::MAX_WAIT);
                self.hear_itself(told)
            }
        }
    }

    /// A notification has come while this server looks for a leader; who it is, once that is found. Who is
    /// still in an earlier round is told of this one. Source: `WorkerReceiver.run`.
    pub(super) fn hear(&mut self, heard: Notification, told: &mut Told) -> Option<Vote> {
        if heard.state == PeerState::Looking && heard.vote.round < self.round {
            told.push((heard.from, self.notification()));
        }
        self.take(heard, told).or_else(|| self.hear_itself(told))
    }

    /// What a server that follows or leads answers to one that looks for a leader. Source:
    /// `WorkerReceiver.run`.
    pub(super) fn answer(
        &self,
        heard: &Notification,
        state: PeerState,
        vote: Vote,
        told: &mut Told,
    ) {
        if heard.state == PeerState::Looking {
            told.push((heard.from, Notification { from: self.me, state, vote }));
        }
    }

    fn hear_itself(&mut self, told: &mut Told) -> Option<Vote> {
        while let Some(heard) = self.to_itself.pop_front() {
            if let Some(vote) = self.take(heard, told) {
                return Some(vote);
            }
        }
        None
    }

    fn take(&mut self, heard: Notification, told: &mut Told) -> Option<Vote> {
        if !self.voters.contains(&heard.from) || !self.voters.contains(&heard.vote.candidate.leader)
        {
            return None;
        }
        match self.stage {
            Stage::Idle => return None,
            // What does not name a better one is dropped, whatever it is.
            Stage::Finalising if !heard.vote.candidate.beats(&self.proposed) => return None,
            Stage::Finalising | Stage::Voting => self.stage = Stage::Voting,
        }
        match heard.state {
            PeerState::Looking => {
                self.take_vote(heard, told);
                None
            }
            PeerState::Following | PeerState::Leading => self.take_settled(heard),
        }
    }

    fn take_vote(&mut self, heard: Notification, told: &mut Told) {
        let Vote { candidate, round } = heard.vote;
        if round < self.round {
            return;
        }
        if round > self.round {
            self.round = round;
            self.received.clear();
            self.proposed = if candidate.beats(&self.own) { candidate } else { self.own };
            self.tell_all(told);
        } else if candidate.beats(&self.proposed) {
            self.proposed = candidate;
            self.tell_all(told);
        }
        self.received.insert(heard.from, heard);
        let agreed = Vote { candidate: self.proposed, round: self.round };
        if self.is_quorum(self.received.values().filter(|one| one.vote == agreed).count()) {
            self.stage = Stage::Finalising;
        }
    }

    /// Somebody has a leader: so has this server, if enough say so, and the leader among them. Source:
    /// `receivedFollowingNotification`.
    fn take_settled(&mut self, heard: Notification) -> Option<Vote> {
        let Vote { candidate, round } = heard.vote;
        let leader = candidate.leader;
        if round == self.round {
            self.received.insert(heard.from, heard);
            // Votes of those who still look have to be the same, of the others only for the same server.
            // Source: `Vote.java`, `equals`: the versions differ.
            let agrees = |one: &&Notification| match one.state {
                PeerState::Looking => one.vote == heard.vote,
                _ => one.vote.candidate.leader == leader,
            };
            let agreed = self.received.values().filter(agrees).count();
            if self.is_quorum(agreed) && self.is_leading(&self.received, leader, round) {
                return Some(self.leave(heard.vote));
            }
        }
        self.settled.insert(heard.from, heard);
        let agrees = |one: &&Notification| {
            let other = one.vote.candidate;
            (other.leader, other.peer_epoch) == (leader, candidate.peer_epoch)
        };
        let agreed = self.settled.values().filter(agrees).count();
        if self.is_quorum(agreed) && self.is_leading(&self.settled, leader, round) {
            self.round = round;
            return Some(self.leave(heard.vote));
        }
        None
    }

    /// Whether the leader itself says that it leads: a follower may not have noticed that it is gone.
    /// Source: `checkLeader`.
    fn is_leading(
        &self,
        votes: &BTreeMap<ServerId, Notification>,
        leader: ServerId,
        round: u64,
    ) -> bool {
        if leader == self.me {
            return self.round == round;
        }
        votes.get(&leader).is_some_and(|vote| vote.state == PeerState::Leading)
    }

    fn is_quorum(&self, votes: usize) -> bool {
        votes > self.voters.len() / 2
    }

    fn leave(&mut self, vote: Vote) -> Vote {
        self.stage = Stage::Idle;
        self.to_itself.clear();
        vote
    }

    fn notification(&self) -> Notification {
        let vote = Vote { candidate: self.proposed, round: self.round };
        Notification { from: self.me, state: PeerState::Looking, vote }
    }

    fn tell_all(&mut self, told: &mut Told) {
        let notification = self.notification();
        told.extend(
            self.voters.iter().filter(|one| **one != self.me).map(|one| (*one, notification)),
        );
        self.to_itself.push_back(notification);
    }
}
