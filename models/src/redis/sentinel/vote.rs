//! Who leads a failover: each Sentinel votes once in an epoch.

use std::collections::BTreeMap;

use super::Sentinel;
use crate::machine::Context;

impl Sentinel {
    /// Votes for a Sentinel, unless this one has voted in that epoch; gives the vote that stands.
    /// Source: `sentinelVoteLeader`.
    pub(super) fn vote(
        &mut self,
        epoch: u64,
        candidate: &str,
        context: &mut Context<'_>,
    ) -> (Option<String>, u64) {
        if epoch > self.current_epoch {
            self.enter_epoch(epoch, context);
        }
        if self.group.leader_epoch < epoch && self.current_epoch <= epoch {
            self.group.leader = Some(candidate.to_owned());
            self.group.leader_epoch = self.current_epoch;
            self.is_config_changed = true;
            let detail = format!("{candidate} {}", self.current_epoch);
            self.event("+vote-for-leader", &detail, context);
            // Whoever has voted for another one does not try itself for a while.
            if candidate != self.my_id {
                self.group.failover.started_ms = self.now_ms + self.desynchronization();
            }
        }
        (self.group.leader.clone(), self.group.leader_epoch)
    }

    /// Who has been elected in an epoch: whoever has the votes of a majority of all known Sentinels, and
    /// of a quorum. Source: `sentinelGetLeader`.
    pub(super) fn leader(&mut self, epoch: u64, context: &mut Context<'_>) -> Option<String> {
        let voters = self.group.sentinels.len() + 1;
        let mut votes: BTreeMap<String, usize> = BTreeMap::new();
        for peer in &self.group.sentinels {
            if let Some(leader) = &peer.peer.voted_for
                && peer.peer.voted_epoch == self.current_epoch
            {
                *votes.entry(leader.clone()).or_default() += 1;
            }
        }
        let mut winner = most(&votes);
        // This Sentinel's own vote goes to whoever has most, or else to itself.
        let candidate = winner.as_ref().map_or(&self.my_id, |(name, _)| name).clone();
        let (vote, vote_epoch) = self.vote(epoch, &candidate, context);
        if let Some(vote) = vote.filter(|_| vote_epoch == epoch) {
            let count = votes.entry(vote.clone()).or_default();
            *count += 1;
            if winner.as_ref().is_none_or(|(_, most)| *count > *most) {
                winner = Some((vote, *count));
            }
        }
        let enough = (voters / 2 + 1).max(self.settings.quorum as usize);
        winner.filter(|(_, count)| *count >= enough).map(|(name, _)| name)
    }
}

/// Who has most votes; of several the first by name. In Redis it is the first of a hash table.
fn most(votes: &BTreeMap<String, usize>) -> Option<(String, usize)> {
    let mut best: Option<(&String, usize)> = None;
    for (name, count) in votes {
        if best.is_none_or(|(_, most)| *count > most) {
            best = Some((name, *count));
        }
    }
    best.map(|(name, count)| (name.clone(), count))
}
