//! Locks of somebody's own, held against real faults.

use std::cell::Cell;
use std::time::Duration;

use super::*;
use crate::claim::Claims as _;
use crate::determinism;
use crate::judge::ViolationKind::{self, Oversell, TwoHolders};
use crate::judge::{Invariant, Moment};
use crate::scenario::{FaultKind, Fencing, Recipe, Scenario};

const KEY: &str = "lock:stock";
const LEASE: Duration = Duration::from_millis(800);

/// A lease on one Redis, written by hand, with a script that counts tokens.
struct Lease {
    node: Node,
    value: Cell<u64>,
}

const TAKE: &str = "if redis.call('set', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then \
                    return redis.call('incr', KEYS[2]) else return 0 end";
const GIVE_BACK: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end";

impl Lease {
    const fn new(node: Node) -> Self {
        Self { node, value: Cell::new(0) }
    }

    fn value(&self) -> String {
        format!("{}-{}-{}", self.node.name(), self.node.host().incarnation(), self.value.get())
    }

    async fn ask(&self, words: &[&str]) -> Option<i64> {
        let ask = async {
            let connection = self.node.connect("redis").await.ok()?;
            let words = words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
            connection.send(Message::Redis(words));
            connection.receive().await.ok()
        };
        match self.node.host().timeout(Duration::from_millis(200), ask).await {
            Ok(Some(Message::RedisReply(Reply::Int(number)))) => Some(number),
            _ => None,
        }
    }
}

impl OwnLock for Lease {
    type Guard = u64;

    async fn acquire(&self) -> u64 {
        loop {
            self.value.set(self.value.get() + 1);
            let (value, lease) = (self.value(), LEASE.as_millis().to_string());
            match self.ask(&["EVAL", TAKE, "2", KEY, "token", &value, &lease]).await {
                Some(token) if token > 0 => return token.unsigned_abs(),
                _ => self.node.host().sleep(Duration::from_millis(30)).await,
            }
        }
    }

    async fn release(&self, _: &u64) -> ReleaseOutcome {
        let removed = self.ask(&["EVAL", GIVE_BACK, "1", KEY, &self.value()]).await;
        removed.map(|removed| removed == 1).into()
    }

    fn token(&self, token: &u64) -> Option<u64> {
        Some(*token)
    }
}

fn lease() -> Recipe {
    recipe(KEY, async |node| Lease::new(node)).lease(LEASE).into()
}

fn sale() -> Scenario {
    Scenario::default().but(|s| {
        s.title = "A lease of my own".to_owned();
        s.lock = lease();
        s.duration = Duration::from_secs(20);
        s.shop.stock = 20;
    })
}

#[test]
fn without_a_fault_it_sells_what_there_is() {
    sale().sweep(0..20).must_hold("all is sold, once", |outcome| match &outcome.verdict {
        verdict if !verdict.violations.is_empty() => Err(format!("{:?}", verdict.violations)),
        verdict if verdict.books.sold != 20 => Err(format!("{} sold", verdict.books.sold)),
        _ => Ok(()),
    });
}

#[test]
fn what_breaks_any_lease_breaks_it_and_is_shrunk_and_told_as_with_any_other() {
    let found = sale().under(&[], 4).sweep(0..300).must_find(TwoHolders).shrunk_to(2);
    let told = found.timeline();
    assert!(told.contains("VIOLATION two-holders"), "{told}");
    assert!(told.contains("redis sets lock:stock for buyer-"), "whose it is on the server: {told}");
}

#[test]
fn its_tokens_fence() {
    let paused = sale().under(&[FaultKind::Pause, FaultKind::Delay], 3);
    paused.clone().sweep(0..300).must_find(Oversell);
    paused.but(|s| s.shop.fencing = Fencing::ReadsAndWrites).sweep(0..300).must_never(Oversell);
}

/// A lock that is granted to whom a hash map names first: it is deterministic all the same.
struct Whimsical(Node);

impl OwnLock for Whimsical {
    type Guard = ();

    #[expect(clippy::disallowed_types, reason = "that is what is tried")]
    async fn acquire(&self) {
        let names: std::collections::HashMap<u32, u32> = (0..20).map(|name| (name, name)).collect();
        let first = names.keys().next().copied().unwrap_or_default();
        madsim::time::sleep(Duration::from_millis(u64::from(first))).await;
        self.0.host().sleep(Duration::from_millis(1)).await;
    }

    async fn release(&self, (): &()) -> ReleaseOutcome {
        ReleaseOutcome::Removed
    }
}

#[test]
fn a_users_hash_maps_do_not_make_runs_differ() {
    let whimsical =
        sale().under(&[], 3).but(|s| s.lock = recipe("none", async |node| Whimsical(node)).into());
    for seed in 0..5 {
        let same = determinism::check(|| whimsical.run(seed), |outcome| &outcome.run.history);
        assert!(same.is_ok(), "seed {seed}");
    }
}

/// A lock that gives no token, and one that nobody gets.
struct Idle {
    gives: bool,
}

impl OwnLock for Idle {
    type Guard = ();

    async fn acquire(&self) {
        if !self.gives {
            std::future::pending::<()>().await;
        }
        madsim::time::sleep(Duration::from_millis(1)).await;
    }

    async fn release(&self, (): &()) -> ReleaseOutcome {
        ReleaseOutcome::Removed
    }
}

#[test]
#[should_panic(expected = "says nothing: nobody was granted the lock in any of them")]
fn a_claim_about_a_lock_that_nobody_gets_fails() {
    let idle = recipe("idle", async |_| Idle { gives: false });
    sale().but(|s| s.lock = idle.into()).sweep(0..3).must_never(Oversell);
}

#[test]
#[should_panic(expected = "a lock has to give one with each grant (`OwnLock::token`)")]
fn a_claim_about_a_store_that_refuses_everything_fails() {
    let idle = recipe("idle", async |_| Idle { gives: true });
    let fenced = sale().but(|s| (s.lock, s.shop.fencing) = (idle.into(), Fencing::ReadsAndWrites));
    fenced.sweep(0..3).must_never(Oversell);
}

#[test]
fn a_panic_of_theirs_is_a_finding_with_its_seed() {
    struct Panics;
    impl OwnLock for Panics {
        type Guard = ();
        async fn acquire(&self) {
            panic!("not written yet");
        }
        async fn release(&self, (): &()) -> ReleaseOutcome {
            ReleaseOutcome::Removed
        }
    }
    let scenario = sale().but(|s| s.lock = recipe("mine", async |_| Panics).into());
    let failure = crate::hunt::quiet::quietly(|| scenario.run(3)).0.unwrap_err();
    assert!(failure.to_string().contains("not written yet"), "{failure}");
}

#[test]
fn a_server_that_is_not_there_is_named_with_those_that_are() {
    let looks = recipe("mine", async |node: Node| {
        let error = node.connect("redis-7").await.err().map(|error| error.to_string());
        let text = error.unwrap_or_default();
        node.host().note(fencepost_models::note::Note::Remark { text });
        Lease::new(node)
    });
    let outcome = sale().but(|s| s.lock = looks.into()).run(0).unwrap();
    let told = outcome.run.history.notes().any(|(_, _, note)| {
        format!("{note:?}").contains("there is no node `redis-7` (there are: store, redis, buyer-1")
    });
    assert!(told);
}

#[test]
fn a_failing_claim_says_how_to_see_it_and_leaves_a_page() {
    let panic =
        std::panic::catch_unwind(|| sale().under(&[], 4).sweep(0..300).must_never(TwoHolders));
    let said = *panic.unwrap_err().downcast::<String>().unwrap();
    assert!(said.contains("The smallest run that does the same"), "{said}");
    assert!(said.contains("recipe = \"own\"") && said.contains("[[faults]]"), "{said}");
    assert!(said.contains("# In code, and in no file: the recipe of \"lock:stock\"."), "{said}");
    let test = "own::tests::a_failing_claim_says_how_to_see_it_and_leaves_a_page";
    assert!(said.contains("FENCEPOST_SEED=") && said.contains(test), "{said}");
    let file = |what| said.lines().find_map(|line| line.strip_prefix(what)).unwrap();
    let path = file("look at: ");
    let page = std::fs::read_to_string(path).unwrap();
    assert!(page.contains("A lease of my own"), "{path}");
    let (smallest, _) = file("smallest: ").split_once(" (").unwrap();
    let smallest = std::fs::read_to_string(smallest).unwrap();
    let again = sale().read_toml("smallest.toml", &smallest).unwrap();
    let outcome = again.run(again.seed).unwrap();
    assert!(again.is_met_by(&outcome.verdict) && again.random_faults.is_none());
}

#[test]
fn what_was_written_down_is_put_together_again_with_its_code_and_with_no_other() {
    struct Silent;
    impl machine::Machine for Silent {
        fn handle(&mut self, _: machine::Input<'_>, _: &mut machine::Context<'_>) {}
    }
    let keeps = |_: &Moment<'_>| Ok(());
    let mine = sale().but(|s| {
        s.backend = Some(OwnServers::new().server("mine", |_| Silent).into());
        s.invariants = vec![Invariant::new("all-is-well", move || keeps)];
    });
    let kept = mine.clone().but(|s| {
        s.shop.buyers = 5;
        s.expect = Some([ViolationKind::Own("all-is-well"), TwoHolders].into());
        s.faults = s.clone().under(&[FaultKind::Crash], 3).plan(7);
    });
    let text = kept.to_toml();
    let parts = "# In code, and in no file: the recipe of \"lock:stock\", the server \"mine\", the invariant \"all-is-well\".";
    assert!(text.starts_with(parts), "{text}");
    assert_eq!(mine.read_toml("kept.toml", &text).unwrap(), kept);
    let problem = sale().read_toml("kept.toml", &mine.to_toml()).unwrap_err().to_string();
    assert!(problem.contains("there is no backend `own`"), "{problem}");
}
