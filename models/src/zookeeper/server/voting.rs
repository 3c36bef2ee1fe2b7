//! A server's part in elections: what it asks, what it answers, and what it becomes.

use super::core::note;
use super::{Role, Server, timer};
use crate::machine::Context;
use crate::zookeeper::election::{Election, Notification, PeerState, Told, Vote};
use crate::zookeeper::zab::{Follower, Leader};

impl Server {
    /// Looks for a leader.
    pub(super) fn look(&mut self, context: &mut Context<'_>) {
        self.role = Role::Looking;
        let zxid = self.core.database.tree.last_zxid();
        note("looking", format!("last transaction {zxid}"), context);
        let epoch = self.core.storage.current_epoch();
        self.vote_on(context, |election, told| election.start(zxid, epoch, told));
    }

    /// Goes on with the election, and leads or follows once it is over.
    pub(super) fn vote_on(
        &mut self,
        context: &mut Context<'_>,
        act: impl FnOnce(&mut Election, &mut Told) -> Option<Vote>,
    ) {
        let mut told = Vec::new();
        let elected = act(&mut self.election, &mut told);
        for (to, notification) in told {
            self.links.send(to, notification, context);
        }
        match elected {
            Some(vote) => self.elected(vote, context),
            None => context.set_timer(timer::ELECTION, self.election.wait()),
        }
    }

    fn elected(&mut self, vote: Vote, context: &mut Context<'_>) {
        context.cancel_timer(timer::ELECTION);
        self.vote = vote;
        let leader = vote.candidate.leader;
        if leader == self.core.id {
            note("elected", format!("server {leader}"), context);
            self.role = Role::Leading(Box::new(Leader::new(&mut self.core, context)));
        } else if let Some(node) = self.core.settings.servers.get(&leader) {
            let follower = Follower::new(*node, &self.core, context);
            self.role = Role::Following(Box::new(follower));
        }
    }

    /// What it says of itself in elections.
    pub(super) const fn state(&self) -> PeerState {
        match self.role {
            Role::Stopping(state, _) => state,
            Role::Looking => PeerState::Looking,
            Role::Leading(_) => PeerState::Leading,
            Role::Following(_) => PeerState::Following,
        }
    }

    pub(super) fn hear_vote(&mut self, heard: Notification, context: &mut Context<'_>) {
        if matches!(self.role, Role::Looking) {
            return self.vote_on(context, |election, told| election.hear(heard, told));
        }
        let mut told = Vec::new();
        self.election.answer(&heard, self.state(), self.vote(), &mut told);
        for (to, notification) in told {
            self.links.send(to, notification, context);
        }
    }

    /// What it tells those who look for a leader: once the epoch has begun, that. Source: `updateElectionVote`.
    fn vote(&self) -> Vote {
        let established = match &self.role {
            Role::Leading(leader) => leader.established(),
            Role::Following(follower) => follower.established(),
            Role::Stopping(..) | Role::Looking => None,
        };
        let mut vote = self.vote;
        vote.candidate.peer_epoch = established.unwrap_or(vote.candidate.peer_epoch);
        vote
    }
}
