//! A replica replaces its master: when it may, how it is elected, and what it does then.
//!
//! Redis never forgets the votes of the last election. A replica that won one, has become a replica
//! again, and stands anew within two node timeouts of the last time takes the old votes for new ones:
//! it is master at once, under its old epoch, until somebody tells it better.
//! `old_votes_are_counted_again` in `tests/manual.rs` shows it, and how a real server does the same.
//!
//! Source: `cluster.c`, `clusterHandleSlaveFailover`.

mod rank;
mod votes;

use super::gossip::Audience;
use super::{Body, Cluster, Turn};

/// How long a replica waits before it asks for votes: a fixed part, in which the news of the failure
/// spreads, a random part up to as much, and a part for each replica that has more data.
const DELAY_MS: i64 = 500;
const DELAY_RANDOM_MS: u64 = 500;
const DELAY_PER_RANK_MS: i64 = 1_000;

/// For how many node timeouts votes count, and how long that is at least.
const TIMEOUT_TIMEOUTS: i64 = 2;
const TIMEOUT_MIN_MS: i64 = 2_000;

/// After how many such times another election may begin.
const RETRY_TIMEOUTS: i64 = 2;

/// The election that a replica stands in, or stood in last.
#[derive(Debug, Default)]
pub(super) struct Election {
    /// When it asks for votes, or asked: `failover_auth_time`.
    pub(super) at_ms: i64,
    /// How many votes it has.
    votes: usize,
    /// It has asked.
    pub(super) has_asked: bool,
    /// How many replicas had more data when it was planned.
    pub(super) rank: usize,
    /// The epoch that the votes are for.
    epoch: u64,
    /// Why it does not come to its end.
    obstacle: Option<Obstacle>,
}

/// Why a replica does not replace its master: `CLUSTER_CANT_FAILOVER_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Obstacle {
    /// It has been without its master for too long.
    DataAge,
    /// It is not time yet.
    Delay,
    /// Too few votes have come in time.
    Expired,
    /// Too few votes have come so far.
    Votes,
}

impl Cluster {
    /// Goes on with replacing the master, as far as there is reason to and it is possible now.
    pub(super) fn go_on_with_election(&mut self, turn: Turn<'_>) {
        self.todo.failover = false;
        let now_ms = turn.now_ms;
        let is_manual = self.manual.is_under_way() && self.manual.can_start;
        if !self.has_reason(is_manual) {
            self.election.obstacle = None;
            return;
        }
        if !is_manual && self.is_too_old(turn) {
            return self.hindered(Obstacle::DataAge, turn);
        }
        let age_ms = now_ms - self.election.at_ms;
        let timeout_ms = (self.timeout_ms * TIMEOUT_TIMEOUTS).max(TIMEOUT_MIN_MS);
        if age_ms > timeout_ms * RETRY_TIMEOUTS {
            return self.plan_election(turn);
        }
        self.wait_for_rank(turn);
        if now_ms < self.election.at_ms {
            return self.hindered(Obstacle::Delay, turn);
        }
        if age_ms > timeout_ms {
            return self.hindered(Obstacle::Expired, turn);
        }
        if !self.election.has_asked {
            return self.ask_for_votes(turn);
        }
        if self.election.votes < self.majority() {
            return self.hindered(Obstacle::Votes, turn);
        }
        self.note("election-won", format!("epoch {}", self.election.epoch));
        if self.myself.config_epoch < self.election.epoch {
            self.claim_under(self.election.epoch);
        }
        self.replace_master(turn);
    }

    /// A replica has reason to replace its master when that has slots and has failed, or when it was
    /// told to.
    fn has_reason(&self, is_manual: bool) -> bool {
        let Some(master) = self.myself.master.and_then(|name| self.node(name)) else {
            return false;
        };
        let is_due = master.has_failed() && !self.settings.replica_no_failover;
        self.myself.is_replica() && (is_manual || is_due) && !master.slots.is_empty()
    }

    /// The replica has been without its master for too long. What it took to call the master failed
    /// is not counted.
    fn is_too_old(&self, turn: Turn<'_>) -> bool {
        let factor = i64::from(self.settings.replica_validity_factor);
        let silent_s = i64::try_from(turn.facts.master_silent_s).unwrap_or(i64::MAX);
        let silent_ms = silent_s.saturating_mul(1000);
        let age_ms =
            if silent_ms > self.timeout_ms { silent_ms - self.timeout_ms } else { silent_ms };
        let ping_period_ms = i64::from(turn.facts.repl_ping_replica_period_s) * 1000;
        factor != 0 && age_ms > ping_period_ms + self.timeout_ms * factor
    }

    fn plan_election(&mut self, turn: Turn<'_>) {
        let now_ms = turn.now_ms;
        let random_ms = self.random.below(DELAY_RANDOM_MS) as i64;
        let rank = self.rank(turn);
        self.election.at_ms = now_ms + DELAY_MS + random_ms + rank as i64 * DELAY_PER_RANK_MS;
        self.election.rank = rank;
        self.election.votes = 0;
        self.election.has_asked = false;
        if self.manual.is_under_way() {
            self.election.at_ms = now_ms;
            self.election.rank = 0;
            self.todo.failover = true;
        }
        let (delay_ms, rank) = (self.election.at_ms - now_ms, self.election.rank);
        self.note("election-planned", format!("in {delay_ms} ms, rank {rank}"));
        // The other replicas learn how far the data here reach, and count anew.
        self.broadcast_pong(Audience::Shard, turn);
    }

    /// Waits longer when others turn out to have more data.
    fn wait_for_rank(&mut self, turn: Turn<'_>) {
        if self.election.has_asked || self.manual.is_under_way() {
            return;
        }
        let rank = self.rank(turn);
        if rank > self.election.rank {
            self.election.at_ms += (rank - self.election.rank) as i64 * DELAY_PER_RANK_MS;
            self.election.rank = rank;
        }
    }

    /// Source: `cluster.c`, `clusterRequestFailoverAuth`.
    fn ask_for_votes(&mut self, turn: Turn<'_>) {
        self.current_epoch += 1;
        self.election.epoch = self.current_epoch;
        self.election.has_asked = true;
        self.note("election-started", format!("epoch {}", self.current_epoch));
        let mut message = self.compose(Body::FailoverAuthRequest, turn);
        message.force_ack = self.manual.is_under_way();
        self.broadcast(message);
        self.todo.save_and_sync();
        self.todo.update_state = true;
    }

    /// Takes the master's slots and tells everybody. Under which epoch is decided before.
    ///
    /// Source: `cluster.c`, `clusterFailoverReplaceYourMaster`.
    pub(super) fn replace_master(&mut self, turn: Turn<'_>) {
        let me = self.myself.name;
        let Some(old) = self.myself.master.filter(|_| self.myself.is_replica()) else { return };
        self.set_master(me);
        self.orders.push(super::Order::Lead);
        let slots = self.node(old).map(|node| node.slots.clone()).unwrap_or_default();
        self.take_slots(old, &slots);
        self.give_slots(me, &slots);
        self.update_state(turn);
        self.save(true);
        self.broadcast_pong(Audience::All, turn);
        self.reset_manual();
    }

    /// Notes why it does not go on, once for each reason. Source: `cluster.c`,
    /// `clusterLogCantFailover`.
    fn hindered(&mut self, obstacle: Obstacle, turn: Turn<'_>) {
        if self.election.obstacle.replace(obstacle) == Some(obstacle) {
            return;
        }
        match obstacle {
            Obstacle::DataAge => {
                let silent_s = turn.facts.master_silent_s;
                self.note("replica-too-old", format!("{silent_s} s without its master"));
            }
            Obstacle::Expired => {
                let (votes, needed) = (self.election.votes, self.majority());
                self.note("election-failed", format!("{votes} of {needed} votes"));
            }
            Obstacle::Delay | Obstacle::Votes => {}
        }
    }
}
