//! Leader election: whoever holds the lease leads, and extends it for as long as it does. Two leaders at once are the
//! violation. What the shop sells meanwhile is beside the point.

use std::time::Duration;

use fencepost::claim::Claims as _;
use fencepost::judge::ViolationKind::TwoHolders;
use fencepost::own::redis::Connection;
use fencepost::own::{Node, OwnLock, ReleaseOutcome, recipe};
use fencepost::scenario::FaultKind::Pause;
use fencepost::scenario::Scenario;
use redis::Script;

const KEY: &str = "leader";
const LEASE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_millis(500);

/// Extends a lease that is still one's own.
const EXTEND: &str = r"
    if redis.call('GET', KEYS[1]) == ARGV[1] then
        return redis.call('PEXPIRE', KEYS[1], ARGV[2])
    end
    return 0";

const STEP_DOWN: &str = r"
    if redis.call('GET', KEYS[1]) == ARGV[1] then
        return redis.call('DEL', KEYS[1])
    end
    return 0";

struct Election(Node);

impl Election {
    async fn connected(&self) -> Option<Connection> {
        let opened = self.0.host().timeout(PATIENCE, self.0.redis("redis")).await;
        opened.ok()?.ok().map(|connection| connection.with_timeout(PATIENCE))
    }

    /// Whether the lease was still one's own; nothing where the server does not say.
    async fn run(&self, script: &str) -> Option<bool> {
        let mut redis = self.connected().await?;
        let script = Script::new(script);
        let mut call = script.key(KEY);
        call.arg(self.0.name()).arg(LEASE.as_millis() as u64);
        call.invoke_async(&mut redis).await.ok()
    }

    async fn stand(&self) -> bool {
        let Some(mut redis) = self.connected().await else { return false };
        let mut set = redis::cmd("SET");
        set.arg(KEY).arg(self.0.name()).arg("NX").arg("PX").arg(LEASE.as_millis() as u64);
        matches!(set.query_async::<Option<String>>(&mut redis).await, Ok(Some(_)))
    }
}

impl OwnLock for Election {
    type Guard = ();

    async fn acquire(&self) {
        while !self.stand().await {
            self.0.host().sleep(POLL).await;
        }
    }

    async fn release(&self, (): &()) -> ReleaseOutcome {
        self.run(STEP_DOWN).await.into()
    }

    fn extends_every(&self) -> Option<Duration> {
        Some(LEASE / 3)
    }

    async fn extend(&self, (): &()) -> bool {
        self.run(EXTEND).await == Some(true)
    }
}

/// Three candidates; a leader works for a while between half a second and eight, and then steps down.
fn election() -> Scenario {
    Scenario::default().but(|s| {
        s.title = "Who leads?".to_owned();
        s.lock = recipe(KEY, async |node| Election(node)).lease(LEASE).without_tokens().into();
        s.shop.stock = 1_000;
        s.shop.buyer.work = (Duration::from_millis(500), Duration::from_secs(8));
        s.duration = Duration::from_secs(120);
    })
}

#[test]
fn a_leader_that_works_for_longer_than_its_lease_leads_alone() {
    election().sweep(0..100).must_never(TwoHolders);
}

#[test]
fn a_leader_that_is_paused_is_one_of_two() {
    let found = election().under(&[Pause], 3).sweep(0..200).must_find(TwoHolders).shrunk_to(1);
    assert!(found.timeline().contains("pause buyer-"), "{}", found.timeline());
}
