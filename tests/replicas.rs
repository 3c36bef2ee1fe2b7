//! A Redis with replicas, under Sentinels and in a cluster: what holds whatever goes wrong, and what a
//! hunt finds soon.
//! `FENCEPOST_SEEDS=0..20000 cargo test --release -p fencepost-stories --test replicas` is the long suite.

use std::collections::BTreeMap;
use std::time::Duration;

use fencepost::claim::Claims as _;
use fencepost::judge::ViolationKind::{StuckLock, TokenRegression, TwoHolders};
use fencepost::scenario::{Backend, Outcome, Recipe, RedisCluster, RedisSentinel, Scenario};
use fencepost::world::history::{Event, History, RecordId};
use fencepost_faults::FaultKind::{self, ClockDrift, ClockJump, Failover, SlowDisk};
use fencepost_faults::RandomFaults;
use fencepost_models::locks::redis::RedisLockSettings;
use fencepost_models::machine::NodeId;
use fencepost_models::note::{Name, Note};
use fencepost_models::redis::cluster::ClusterSettings;
use fencepost_stories::sale;

/// A master with two replicas and three Sentinels that react sooner than by default.
fn sentinels() -> Backend {
    Backend::RedisSentinel(RedisSentinel {
        down_after: Duration::from_secs(2),
        failover_timeout: Duration::from_secs(10),
        ..RedisSentinel::default()
    })
}

/// Three masters with a replica each that react sooner than by default.
fn cluster() -> Backend {
    let node_timeout = Duration::from_secs(2);
    let cluster = ClusterSettings { node_timeout, ..ClusterSettings::default() };
    Backend::RedisCluster(RedisCluster { cluster, ..RedisCluster::default() })
}

fn set_nx() -> Recipe {
    let ttl = Duration::from_secs(5);
    Recipe::SetNx(RedisLockSettings { ttl, ..RedisLockSettings::default() })
}

/// A sale that never ends, under up to six faults of these kinds.
fn in_bad_times(backend: Backend, kinds: impl FnOnce(&FaultKind) -> bool + Copy) -> Scenario {
    sale(set_nx(), backend).but(|s| {
        s.title.push_str(", in bad times");
        s.duration = Duration::from_secs(60);
        s.shop.stock = 1_000_000;
        s.shop.buyer.work = (Duration::from_millis(50), Duration::from_millis(400));
        s.shop.buyer.store_timeout = Duration::from_secs(3);
        let kinds = s.stage().kinds().into_iter().filter(|kind| kinds(kind)).collect();
        s.random_faults = Some(RandomFaults { kinds, max: 6 });
    })
}

/// Nobody keeps data on a disk here, and the little else that is written is seldom.
fn has_work(kind: &FaultKind) -> bool {
    *kind != SlowDisk
}

#[test]
fn while_nothing_goes_wrong_every_lock_sells_what_there_is_and_no_more() {
    let is_right = |outcome: &Outcome| {
        let sold = outcome.verdict.books.sold;
        match outcome.verdict.violations.first() {
            None if sold == 3 => Ok(()),
            None => Err(format!("{sold} sold")),
            Some(violation) => Err(violation.detail.clone()),
        }
    };
    for lock in
        Recipe::all().into_iter().filter(|lock| lock.key().is_some() && lock.fits(Some(&cluster())))
    {
        for backend in [sentinels(), cluster()] {
            sale(lock.clone(), backend).sweep(0..40).must_hold("a quiet sale is right", is_right);
        }
    }
}

#[test]
fn a_hunt_finds_two_holders_and_tokens_that_go_back() {
    for kind in [TwoHolders, TokenRegression] {
        for backend in [sentinels(), cluster()] {
            in_bad_times(backend, |_| true).sweep(0..2_000).must_find(kind);
        }
    }
}

/// The keys of a server, followed note by note.
#[derive(Clone, Default)]
struct Keys {
    entries: BTreeMap<Name, (Name, Option<u64>)>,
}

impl Keys {
    fn follow(&mut self, note: &Note) {
        match note {
            Note::KeySet { key, value, expires_at_ms } => {
                self.entries.insert(key.clone(), (value.clone(), *expires_at_ms));
            }
            Note::KeyDeleted { key } | Note::KeyExpired { key } | Note::KeyEvicted { key } => {
                self.entries.remove(key);
            }
            _ => {}
        }
    }
}

/// All states that each server has been in, and how far each replica has followed its master's.
#[derive(Default)]
struct Followed {
    keys: BTreeMap<NodeId, Keys>,
    /// After each input that changed something.
    states: BTreeMap<NodeId, Vec<Keys>>,
    /// Whom a replica is in step with, and which of its states the replica has reached.
    in_step: BTreeMap<NodeId, (NodeId, usize)>,
}

impl Followed {
    /// What one input has brought about on a server.
    fn input(&mut self, node: NodeId, notes: &[&Note]) -> Result<(), String> {
        for note in notes {
            self.keys.entry(node).or_default().follow(note);
            match note {
                Note::Synced { master, .. } => {
                    self.in_step.insert(node, (*master, 0));
                }
                Note::Promoted | Note::ReplicaOf { .. } => {
                    self.in_step.remove(&node);
                }
                _ => {}
            }
        }
        let keys = self.keys.entry(node).or_default().clone();
        let result = self.compare(node, &keys);
        self.states.entry(node).or_default().push(keys);
        result
    }

    /// A replica has what its master had, now or earlier, and never goes back.
    fn compare(&mut self, node: NodeId, keys: &Keys) -> Result<(), String> {
        let Some((master, reached)) = self.in_step.get_mut(&node) else { return Ok(()) };
        let empty = [Keys::default()];
        let states = self.states.get(master).map_or(&empty[..], Vec::as_slice);
        let found = states[*reached.min(&mut states.len())..]
            .iter()
            .position(|state| state.entries == keys.entries);
        match found {
            Some(further) => {
                *reached += further;
                Ok(())
            }
            None => Err(format!("{node:?} has {:?}, which {master:?} never had", keys.entries)),
        }
    }
}

fn replicas_follow(history: &History) -> Result<(), String> {
    let mut followed = Followed::default();
    let mut pending: Option<(NodeId, Option<RecordId>, Vec<&Note>)> = None;
    for record in history.records() {
        let note = match record.event {
            Event::Noted(id) => Some(history.note(id)),
            _ => None,
        };
        let belongs = |(node, cause, _): &(NodeId, Option<RecordId>, Vec<&Note>)| {
            *node == record.node && *cause == record.cause
        };
        let is_over = note.is_none() || !pending.as_ref().is_some_and(belongs);
        if let Some((node, _, notes)) = pending.take_if(|_| is_over) {
            let at = record.at;
            followed.input(node, &notes).map_err(|problem| format!("before {at}: {problem}"))?;
        }
        match (record.event, note) {
            (Event::Started { .. }, _) => {
                followed.keys.remove(&record.node);
                followed.in_step.remove(&record.node);
                followed.states.entry(record.node).or_default().push(Keys::default());
            }
            (_, Some(note)) => {
                pending.get_or_insert_with(|| (record.node, record.cause, Vec::new())).2.push(note);
            }
            _ => {}
        }
    }
    Ok(())
}

#[test]
fn a_replica_in_step_has_what_its_master_had_and_never_goes_back() {
    for backend in [sentinels(), cluster()] {
        let follows = |outcome: &Outcome| replicas_follow(&outcome.run.history);
        in_bad_times(backend, has_work).sweep(0..100).must_hold("a replica follows", follows);
    }
}

/// Each leader's epoch is the one that it entered last before it tried.
fn one_leader_an_epoch(outcome: &Outcome) -> Result<(), String> {
    let history = &outcome.run.history;
    let (mut entered, mut tried, mut leaders) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (_, record, note) in history.notes() {
        let Note::Sentinel { event, detail } = note else { continue };
        match *event {
            "+new-epoch" => drop(entered.insert(record.node, detail.clone())),
            "+try-failover" => {
                let epoch = entered.get(&record.node).cloned().unwrap_or_default();
                tried.insert(record.node, epoch);
            }
            "+elected-leader" => {
                let epoch = tried.get(&record.node).cloned().unwrap_or_default();
                if let Some(other) = leaders.insert(epoch.clone(), record.node)
                    && other != record.node
                {
                    return Err(format!("{other:?} and {:?} lead in epoch {epoch}", record.node));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[test]
fn no_two_sentinels_lead_in_one_epoch() {
    // Whoever is told to fail over by command asks for nobody's vote.
    in_bad_times(sentinels(), |kind| *kind != Failover)
        .sweep(0..150)
        .must_hold("an epoch has one leader", one_leader_an_epoch);
}

/// A replica stands for its own master alone, so that an epoch may have a winner in each shard: votes
/// are given once in an epoch by all but the winner itself, which may vote in its own. In a new cluster
/// the shard of a node follows from its number, and with one replica each none moves.
fn one_winner_an_epoch_and_shard(outcome: &Outcome) -> Result<(), String> {
    let mut winners = BTreeMap::new();
    for (_, record, note) in outcome.run.history.notes() {
        if let Note::Cluster { event: "election-won", detail } = note {
            let shard = record.node.0 % 3;
            if let Some(other) = winners.insert((detail.clone(), shard), record.node)
                && other != record.node
            {
                return Err(format!("{other:?} and {:?} win {detail}", record.node));
            }
        }
    }
    Ok(())
}

#[test]
fn no_two_nodes_of_a_shard_are_elected_in_one_epoch() {
    in_bad_times(cluster(), has_work)
        .sweep(0..100)
        .must_hold("a shard's epoch has one winner", one_winner_an_epoch_and_shard);
}

#[test]
fn once_all_is_healed_somebody_grants_the_lock_again() {
    // A clock that was set far ahead lets leases live for as long.
    let kinds = |kind: &FaultKind| !matches!(kind, ClockJump | ClockDrift | SlowDisk);
    for backend in [sentinels(), cluster()] {
        in_bad_times(backend, kinds)
            .but(|s| s.duration = Duration::from_secs(240))
            .sweep(0..40)
            .must_never(StuckLock);
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for backend in [sentinels(), cluster()] {
        let scenario = in_bad_times(backend, has_work);
        scenario.clone().sweep(0..100).must_hold("a run is its seed's alone", |outcome| {
            let first = outcome.run.history.digest();
            let again = scenario.run(outcome.run.seed).map_err(|failure| failure.to_string())?;
            let second = again.run.history.digest();
            if first == second { Ok(()) } else { Err(format!("{first} and {second}")) }
        });
    }
}
