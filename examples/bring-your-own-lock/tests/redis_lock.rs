//! The naive lock and the mended one, each under the same faults.

use std::cell::Cell;
use std::time::Duration;

use bring_your_own_lock::{FencedLock, NaiveLock};
use fencepost::claim::Claims as _;
use fencepost::judge::ViolationKind::{ForeignRelease, Oversell, TwoHolders};
use fencepost::own::redis::Connection;
use fencepost::own::{Node, OwnLock, ReleaseOutcome, recipe};
use fencepost::scenario::FaultKind::{Delay, DropConnection, Partition, Pause};
use fencepost::scenario::{Fencing, Scenario};
use tokio::time::sleep;

const KEY: &str = "lock:stock";
const LEASE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_millis(500);

/// Connects, however often that takes.
async fn connected(node: &Node) -> Connection {
    loop {
        let opened = node.host().timeout(PATIENCE, node.redis("redis")).await;
        if let Ok(Ok(connection)) = opened {
            return connection.with_timeout(PATIENCE);
        }
        sleep(POLL).await;
    }
}

struct Naive(Node);

impl Naive {
    async fn lock(&self) -> NaiveLock<Connection> {
        NaiveLock::new(connected(&self.0).await, KEY, LEASE)
    }
}

impl OwnLock for Naive {
    type Guard = ();

    async fn acquire(&self) {
        while !matches!(self.lock().await.try_acquire(self.0.name()).await, Ok(true)) {
            sleep(POLL).await;
        }
    }

    async fn release(&self, (): &()) -> ReleaseOutcome {
        self.lock().await.release().await.into()
    }
}

struct Fenced {
    node: Node,
    grants: Cell<u64>,
}

/// The value that was written, and its token.
struct Grant {
    me: String,
    token: u64,
}

impl Fenced {
    async fn lock(&self) -> FencedLock<Connection> {
        FencedLock::new(connected(&self.node).await, KEY, LEASE)
    }
}

impl OwnLock for Fenced {
    type Guard = Grant;

    async fn acquire(&self) -> Grant {
        loop {
            self.grants.set(self.grants.get() + 1);
            let (name, start) = (self.node.name(), self.node.host().incarnation());
            let me = format!("{name}/{start}/{}", self.grants.get());
            if let Ok(Some(token)) = self.lock().await.try_acquire(&me).await {
                return Grant { me, token };
            }
            sleep(POLL).await;
        }
    }

    async fn release(&self, grant: &Grant) -> ReleaseOutcome {
        self.lock().await.release(&grant.me).await.into()
    }

    fn token(&self, grant: &Grant) -> Option<u64> {
        Some(grant.token)
    }
}

/// Three buyers, twenty pieces, and faults between the buyers and what they speak to.
fn sale() -> Scenario {
    let sale = Scenario::default().but(|s| {
        s.title = "A lock of my own".to_owned();
        s.duration = Duration::from_secs(20);
        s.shop.stock = 20;
    });
    sale.under(&[Pause, Delay, Partition, DropConnection], 4)
}

fn naive() -> Scenario {
    let own = recipe(KEY, async |node| Naive(node)).lease(LEASE).without_tokens();
    sale().but(|s| s.lock = own.into())
}

fn fenced() -> Scenario {
    let own = recipe(KEY, async |node| Fenced { node, grants: Cell::new(0) }).lease(LEASE);
    sale().but(|s| (s.lock, s.shop.fencing) = (own.into(), Fencing::ReadsAndWrites))
}

#[test]
fn the_naive_lock_has_two_holders_and_oversells() {
    let found = naive().sweep(0..500).must_find(TwoHolders).shrunk_to(1);
    assert!(found.timeline().contains("VIOLATION two-holders"));
    naive().sweep(0..500).must_find(Oversell);
}

#[test]
fn the_naive_lock_removes_what_is_somebody_elses() {
    let found = naive().sweep(0..500).must_find(ForeignRelease).shrunk_to(1);
    assert!(found.timeline().contains("VIOLATION foreign-release"));
}

#[test]
fn the_mended_lock_may_have_two_holders_and_never_oversells() {
    fenced().sweep(0..500).must_find(TwoHolders);
    fenced().sweep(0..500).must_never(Oversell);
    fenced().sweep(0..500).must_never(ForeignRelease);
}
