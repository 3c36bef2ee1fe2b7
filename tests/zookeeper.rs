//! Locks on an ensemble of ZooKeeper: what holds whatever goes wrong, what a hunt finds soon, and what it costs to
//! watch the wrong node.
//! `FENCEPOST_SEEDS=0..50000 cargo test --release -p fencepost-stories --test zookeeper` is the long suite.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fencepost::claim::Claims as _;
use fencepost::judge::ViolationKind::{Oversell, StuckLock, TokenRegression, TwoHolders};
use fencepost::scenario::{Backend, Outcome, Recipe, Scenario, ZooKeeper};
use fencepost_faults::FaultKind::{ClockJump, DropConnection, Pause};
use fencepost_faults::{Action, Fault, FaultKind, RandomFaults, Start};
use fencepost_models::locks::curator::CuratorSettings;
use fencepost_models::locks::zookeeper::{
    Leftover, OnDisconnect, Token, Watching, ZooKeeperLockSettings,
};
use fencepost_models::machine::NodeId;
use fencepost_models::note::Note;
use fencepost_models::shop::Fencing;
use fencepost_models::zookeeper::protocol::{NoZxid, Zxid};
use fencepost_stories::sale;

/// Servers that miss each other sooner than by default, and that have ZOOKEEPER-4643 behind them.
fn ensemble(servers: u16) -> Backend {
    Backend::ZooKeeper(ZooKeeper {
        servers,
        tick: Duration::from_millis(500),
        logs_before_ack: true,
        ..ZooKeeper::default()
    })
}

/// The documentation's recipe, but for these settings.
fn zookeeper(but: impl FnOnce(&mut ZooKeeperLockSettings)) -> Recipe {
    let session_timeout = Duration::from_secs(4);
    let mut settings = ZooKeeperLockSettings { session_timeout, ..Default::default() };
    but(&mut settings);
    Recipe::ZooKeeper(settings)
}

fn by_the_book() -> Recipe {
    zookeeper(|_| {})
}

/// Curator's, whose calls end sooner than by default.
fn curator() -> Recipe {
    Recipe::Curator(CuratorSettings {
        session_timeout: Duration::from_secs(4),
        connection_timeout: Duration::from_secs(1),
        retry_base: Duration::from_millis(100),
        ..Default::default()
    })
}

/// A sale that never ends, under up to six faults.
fn in_bad_times(lock: Recipe, servers: u16) -> Scenario {
    sale(lock, ensemble(servers)).but(|s| {
        s.title.push_str(", in bad times");
        s.duration = Duration::from_secs(60);
        s.shop.stock = 1_000_000;
        s.shop.buyer.work = (Duration::from_millis(50), Duration::from_millis(400));
        s.shop.buyer.store_timeout = Duration::from_secs(3);
        s.random_faults = Some(RandomFaults { kinds: s.stage().kinds(), max: 6 });
    })
}

fn only(kinds: &[FaultKind]) -> impl FnOnce(&mut Scenario) {
    let kinds = kinds.to_vec();
    move |s| s.random_faults = Some(RandomFaults { kinds, max: 6 })
}

#[test]
fn while_nothing_goes_wrong_every_sale_is_right() {
    let herd = || zookeeper(|lock| lock.watching = Watching::Parent);
    for (servers, lock) in
        [(1, by_the_book()), (3, by_the_book()), (5, by_the_book()), (3, herd()), (3, curator())]
    {
        sale(lock, ensemble(servers)).sweep(0..40).must_hold("a quiet sale is right", |outcome| {
            match (outcome.verdict.violations.first(), outcome.verdict.books.sold) {
                (None, 3) => Ok(()),
                (None, sold) => Err(format!("{sold} sold")),
                (Some(violation), _) => Err(violation.detail.clone()),
            }
        });
    }
}

#[test]
fn the_transaction_of_the_holders_node_grows_with_every_grant_whatever_fails() {
    let sequence = zookeeper(|lock| lock.token = Token::Sequence);
    for (servers, lock) in [(3, by_the_book()), (5, by_the_book()), (3, curator()), (3, sequence)] {
        in_bad_times(lock, servers).sweep(0..150).must_never(TokenRegression);
    }
}

/// What an ensemble has done, followed note by note.
#[derive(Default)]
struct Told {
    changes: BTreeMap<Zxid, BTreeSet<String>>,
    epochs: BTreeSet<String>,
    /// The last transaction in the log of each server, when it last looked for a leader.
    logs: BTreeMap<NodeId, String>,
}

impl Told {
    fn enter(&mut self, server: NodeId, note: &Note) -> Result<(), String> {
        match note {
            Note::ZnodeCreated { path, session, zxid } => {
                self.change(*zxid, format!("+{path} {session}"));
            }
            Note::ZnodeDeleted { path, session, zxid } => {
                self.change(*zxid, format!("-{path} {session}"));
            }
            Note::ZooKeeper { event: "looking", detail } => {
                self.logs.insert(server, detail.to_string());
            }
            Note::ZooKeeper { event: "epoch-established", detail } => {
                if !self.epochs.insert(detail.to_string()) {
                    return Err(format!("there are two leaders of {detail}"));
                }
                return self.leads(server, detail);
            }
            _ => {}
        }
        Ok(())
    }

    fn change(&mut self, zxid: Zxid, what: String) {
        self.changes.entry(zxid).or_default().insert(what);
    }

    /// Whoever leads has all that was committed in earlier epochs. Who learns late that it leads may have been
    /// replaced.
    fn leads(&self, server: NodeId, epoch: &str) -> Result<(), String> {
        let epoch = epoch.strip_prefix("epoch ").and_then(|number| number.parse().ok());
        let epoch: u32 = epoch.ok_or("an epoch has a number")?;
        let mut before = self.changes.range(..Zxid::new(epoch, 0));
        let (Some(log), Some((last, _))) = (self.logs.get(&server), before.next_back()) else {
            return Ok(());
        };
        let log = log.strip_prefix("last transaction ").ok_or("a log has an end")?;
        let log: Zxid = log.parse().map_err(|error: NoZxid| error.to_string())?;
        if log < *last {
            return Err(format!("{server:?} leads with a log up to {log}, after {last}"));
        }
        Ok(())
    }

    /// A transaction is one thing. Only the end of a session deletes several nodes at once, all of them its own.
    fn agree(&self) -> Result<(), String> {
        let differs = |whats: &BTreeSet<String>| {
            let sessions: BTreeSet<_> = whats.iter().map(|what| what.rsplit(' ').next()).collect();
            let creates = whats.iter().any(|what| what.starts_with('+'));
            sessions.len() > 1 || creates && whats.len() > 1
        };
        match self.changes.iter().find(|(_, whats)| differs(whats)) {
            Some((zxid, whats)) => Err(format!("transaction {zxid} is {whats:?}")),
            None => Ok(()),
        }
    }
}

fn one_history(outcome: &Outcome) -> Result<(), String> {
    let mut told = Told::default();
    for (_, record, note) in outcome.run.history.notes() {
        let at = |problem| format!("{problem}, at {}", record.at);
        told.enter(record.node, note).map_err(at)?;
    }
    told.agree()
}

#[test]
fn leaders_have_all_that_was_committed_and_an_epoch_has_one_of_them() {
    for servers in [3, 5] {
        let scenario = in_bad_times(by_the_book(), servers);
        scenario.sweep(0..200).must_hold("one history, one leader an epoch", one_history);
    }
}

#[test]
fn a_store_that_checks_transactions_in_reads_and_writes_never_oversells() {
    let herd = zookeeper(|lock| lock.watching = Watching::Parent);
    let careless = zookeeper(|lock| lock.on_disconnect = OnDisconnect::Ignores);
    for lock in [by_the_book(), herd, careless, curator()] {
        let fenced = in_bad_times(lock, 3).but(|s| s.shop.fencing = Fencing::ReadsAndWrites);
        fenced.sweep(0..150).must_never(Oversell);
    }
}

/// ZooKeeper 3.8.0 acknowledges a new leader before it has its log on disk (ZOOKEEPER-4643). Servers that fail one after
/// the other forget the end of a node that way: it is there again, and its holder is granted the lock under the token
/// that it had. Its write of then is still under way.
const FORGETS: &str = r#"
title = "The end of a node that was forgotten"
seed = 1
duration = "90s"

[backend]
kind = "zookeeper"

[lock]
recipe = "zookeeper"

[shop]
stock = 5
buyers = 1
fencing = "reads-and-writes"
work = "2s..3s"
store_timeout = "500ms"

[[faults]]
kind = "hold-message"
when = { event = "stock-seen", node = "buyer-1" }
for = "40s"
from = "buyer-1"
to = "store"
message = "write"

[[faults]]
kind = "crash"
at = "4s"
node = "zk-1"
for = "9s"

[[faults]]
kind = "crash"
when = { event = "releasing", node = "buyer-1", after = "30ms" }
node = "zk-2"
for = "20s"

[[faults]]
kind = "slow-disk"
at = "12s"
for = "30s"
node = "zk-1"
by = "2s"

[[faults]]
kind = "power-loss"
at = "18s"
node = "zk-1"
for = "5s"

[[faults]]
kind = "power-loss"
at = "18s"
node = "zk-3"
for = "60s"

[expect]
violations = ["oversell", "stale-write", "token-regression"]
"#;

#[test]
fn zookeeper_3_8_0_can_forget_and_then_no_token_helps() {
    let forgets = Scenario::from_toml("forgets.toml", FORGETS).expect("a scenario");
    let outcome = forgets.run(1).expect("runs");
    assert!(forgets.is_met_by(&outcome.verdict), "{:?}", outcome.verdict.violations);
    assert!(one_history(&outcome).is_err());
    let cured = forgets.but(|s| match &mut s.backend {
        Some(Backend::ZooKeeper(ensemble)) => ensemble.logs_before_ack = true,
        other => panic!("{other:?}"),
    });
    let outcome = cured.run(1).expect("runs");
    assert_eq!(outcome.verdict.violations, []);
    assert_eq!(one_history(&outcome), Ok(()));
}

/// The documentation's recipe, and what `WriteLock` is meant to do: whoever meets its own node again has the token that it had.
#[test]
fn a_node_that_is_used_again_has_one_token_for_two_holds() {
    let reused = zookeeper(|lock| lock.leftover = Leftover::Reused);
    let dropped = in_bad_times(reused, 3).but(only(&[DropConnection]));
    dropped.sweep(0..500).must_find(TokenRegression);
}

#[test]
fn once_all_is_healed_the_lock_can_be_taken() {
    let patient = in_bad_times(by_the_book(), 3).but(|s| {
        s.duration = Duration::from_secs(300);
        s.shop.buyer.browse = (Duration::from_millis(200), Duration::from_secs(1));
    });
    patient.sweep(0..60).must_never(StuckLock);
}

#[test]
fn a_hunt_finds_the_paused_holder_who_oversells_within_500_seeds() {
    let pauses = in_bad_times(by_the_book(), 3).but(only(&[Pause]));
    pauses.sweep(0..500).must_find(Oversell);
    in_bad_times(by_the_book(), 3).but(only(&[Pause])).sweep(0..500).must_find(TwoHolders);
}

/// Sessions are counted by the monotonic clock.
#[test]
fn no_servers_wall_clock_makes_two_holders() {
    for number in 1..=3 {
        for by_nanos in [-86_400_000_000_000, 86_400_000_000_000] {
            let jump = Fault {
                start: Start::At(Duration::from_secs(5)),
                length: Some(Duration::from_secs(20)),
                action: Action::ClockJump { node: format!("zk-{number}"), by_nanos },
            };
            let jumps = in_bad_times(by_the_book(), 3).but(|s| {
                s.random_faults = None;
                s.faults = vec![jump];
            });
            jumps.sweep(0..20).must_hold("nothing is wrong", |outcome| {
                match outcome.verdict.violations.first() {
                    None => Ok(()),
                    Some(violation) => Err(violation.detail.clone()),
                }
            });
        }
    }
    in_bad_times(by_the_book(), 3).but(only(&[ClockJump])).sweep(0..100).must_never(TwoHolders);
}

/// Ten buyers of whom all wake up, or one, when a lock is given back.
#[test]
fn the_herd_costs_messages_that_the_queue_does_not() {
    let messages = |buyers, watching| {
        let lock = zookeeper(|lock| lock.watching = watching);
        let crowd = sale(lock, ensemble(3)).but(|s| {
            s.shop.stock = 50;
            s.shop.buyers = buyers;
        });
        let outcome = crowd.run(1).expect("runs");
        assert_eq!(outcome.verdict.books.sold, 50);
        outcome.run.history.delivered()
    };
    let of = |watching| (messages(5, watching), messages(20, watching));
    let (queue, herd) = (of(Watching::Predecessor), of(Watching::Parent));
    assert!(herd.1 > 2 * queue.1, "herd {herd:?}, queue {queue:?}");
    // What twenty take more than five, the herd takes more than twice as much more.
    assert!(herd.1 - herd.0 > 2 * (queue.1 - queue.0), "herd {herd:?}, queue {queue:?}");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let scenario = in_bad_times(by_the_book(), 3);
    let digest = |seed| scenario.run(seed).expect("runs").run.history.digest();
    assert_eq!(digest(7), digest(7));
    assert_ne!(digest(7), digest(8));
}
