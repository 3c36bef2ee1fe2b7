//! RedLock: a lock on several Redis servers that know nothing of each other. Whoever has set the key on a
//! majority of them, and has some of its time to live left then, holds the lock.
//!
//! * **Success**: the clock is read; every node is asked to set the key to one random value, with an expiry
//!   (`SET … NX PX`); the clock is read again. The lock is granted when a majority has set the key and the
//!   time to live, less the time that this took and less an allowance for clocks that drift, is not used up.
//!   What is left is the *validity* ([`Grant::valid_until`]). It is granted by the answer that made the
//!   majority complete ([`Origin::Message`]).
//! * **Partial success, or no validity left**: the key is taken back on *all* nodes, also on those that
//!   refused or said nothing, and after a random delay the client tries again. With
//!   [`ReleaseAfter::Tries`] it takes the key back only when its tries are used up, and is in its own way
//!   until then: `SET NX` fails on the nodes that it has.
//! * **A node that says nothing in time, or whose connection breaks**: a vote against. The timeout is for the
//!   connection and the answer together, and much shorter than the time to live. The connection is given
//!   up, and the request may be carried out all the same, even after the release that follows on another
//!   connection: then the key stands there until it expires, and is nobody's.
//! * **Release**: compare and delete, on all nodes. A node that is not reached keeps the key until it
//!   expires, and while that is so on more nodes than a minority, nobody gets the lock.
//! * **The lock has expired when it is given back**: compare and delete finds nothing, or somebody else's
//!   value, and removes nothing.
//! * **Expiry while held**: nobody tells the holder, who has to look at the end of its validity. With
//!   `extend` the lease is renewed before that, on a majority again; where that fails until the validity is
//!   over, the client knows that it has lost the lock ([`Note::LockLost`](crate::note::Note::LockLost)).
//! * **The holder's crash**: the keys expire by themselves.
//! * **Tokens**: there are none. The value is random, so that it says nothing about which grant was
//!   first; [`ValueAsToken`](Tokens::ValueAsToken) hands it out as one to show that.
//!
//! # Whom it follows
//!
//! redis.io, "Distributed Locks with Redis", "The Redlock Algorithm", describes it; by default everything
//! is as in redsync 4 (Go), `mutex.go`, which does what is described there. node-redlock 5.0.0-beta.2
//! (`src/index.ts`) differs in ways that matter, and each is a setting:
//!
//! | | redis.io | redsync | node-redlock |
//! |---|---|---|---|
//! | `ask`: nodes are asked | in turn | in parallel | in parallel |
//! | `wait`: until | all have answered | all have | a majority agrees, for or against |
//! | `clock` | not said | monotonic (`time.Now`) | wall (`Date.now`) |
//! | `validity_check` at the grant | yes | yes | no: the user may look at `expiration` |
//! | `release_after`: taken back after | each failed try | each failed try | the last one |
//! | the allowance | not said | 1 % | 1 % and 2 ms |
//! | delay before the next try | random | 50 to 250 ms | 200 ms ± 100 ms |
//! | `tries` with one value | not said | 32 | 11 |
//! | `release_retries` | not said | 0 | 10, until a majority has removed it |
//! | `extend` by itself | no | no | in `using`, 500 ms before the end |
//!
//! redsync has one timeout for all nodes, a twentieth of the time to live; the documentation proposes 5 to
//! 50 ms for each node where the lock lives for ten seconds. When the tries are used up both raise an error,
//! and the application may ask again: here it does, after one more delay.

mod lease;
mod nodes;
mod settings;
#[cfg(test)]
mod tests;

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;

use self::lease::Lease;
use self::nodes::{Nodes, Question, Votes};
pub use self::settings::{AskNodes, Clock, RedlockSettings, ReleaseAfter, Tokens, WaitFor};
use crate::locks::redis::random_value;
use crate::locks::{Grant, Lock, Origin};
use crate::machine::NodeId;
use crate::note::{Name, ReleaseOutcome};
use crate::process::Host;
use crate::redis::client::Script;
use crate::time::{LocalClock, Mono};

/// Deletes the key if it still holds this holder's value.
const DELETE_IF_OWN: &str = "\
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0";

/// Gives the key a new expiry if it still holds this holder's value.
const EXTEND_IF_OWN: &str = "\
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0";

/// The scripts, each with a name for it.
pub(super) const SCRIPTS: [(&str, &str); 2] =
    [("redlock-release", DELETE_IF_OWN), ("redlock-extend", EXTEND_IF_OWN)];

/// One client's RedLock.
pub struct Redlock {
    host: Host,
    settings: RedlockSettings,
    nodes: Rc<Nodes>,
    ttl_ms: Bytes,
    /// What marks this client's present tries, and its hold.
    value: Bytes,
    delete_if_own: Script,
    extend_if_own: Script,
    /// The lease of the present hold, where it is extended.
    lease: Option<Rc<Lease>>,
}

impl Redlock {
    /// A lock on all of those servers.
    pub fn new(host: Host, servers: &[NodeId], settings: RedlockSettings) -> Self {
        Self {
            nodes: Rc::new(Nodes::new(&host, servers, &settings)),
            ttl_ms: Bytes::from(settings.ttl.as_millis().to_string()),
            value: Bytes::new(),
            delete_if_own: Script::new(DELETE_IF_OWN),
            extend_if_own: Script::new(EXTEND_IF_OWN),
            lease: None,
            host,
            settings,
        }
    }

    fn key(&self) -> Bytes {
        self.settings.key.as_bytes().clone()
    }

    /// One try: a grant, or `None` where there was no majority or it took too long.
    async fn attempt(&mut self, set: &Question) -> Option<Grant> {
        let began = Began::now(&self.host);
        let votes = self.nodes.ask(set).await;
        let left = self.settings.left(began, &self.host);
        let is_valid = !left.is_zero() || !self.settings.validity_check;
        (votes.are_for() && is_valid).then(|| Grant {
            origin: Origin::Message(votes.decided_by),
            ..Grant::new(self.token()).valid_until(self.host.mono() + left)
        })
    }

    /// The first 64 bits of the value, where that is to pass for a token.
    fn token(&self) -> Option<u64> {
        let digits =
            self.value.get(..16).filter(|_| self.settings.token == Tokens::ValueAsToken)?;
        u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    }

    async fn release_everywhere(&self) -> Votes {
        let call = self.delete_if_own.call([self.key()], [self.value.clone()]);
        self.nodes.ask(&Question::Script(call)).await
    }

    /// Waits until the next try.
    async fn wait(&self) {
        self.host.work(self.settings.retry_delay.0..=self.settings.retry_delay.1).await;
    }

    /// Renews the lease of a grant for as long as it is held.
    fn extend(&mut self, until: Mono) {
        let call = self.extend_if_own.call([self.key()], [self.value.clone(), self.ttl_ms.clone()]);
        let lease = Rc::new(Lease::new(until));
        let keep = lease::keep(
            self.host.clone(),
            Rc::clone(&self.nodes),
            self.settings.clone(),
            Rc::clone(&lease),
            Question::Script(call),
        );
        self.lease = Some(lease);
        self.host.spawn(keep);
    }

    /// Nothing is extended any more. An extension that is under way is before whatever is asked next.
    fn stop_extending(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.end();
        }
    }
}

impl Lock for Redlock {
    fn name(&self) -> Option<Name> {
        Some(self.settings.key.clone())
    }

    async fn acquire(&mut self) -> Grant {
        self.stop_extending();
        loop {
            self.value = random_value(&self.host);
            let words = [b"SET".as_slice(), b"", b"", b"NX", b"PX", b""].map(Bytes::from_static);
            let [set, _, _, nx, px, _] = words;
            let words = [set, self.key(), self.value.clone(), nx, px, self.ttl_ms.clone()];
            let set = Question::Command(words.into());
            for tries_left in (0..self.settings.tries).rev() {
                if let Some(grant) = self.attempt(&set).await {
                    if let Some(until) = grant.valid_until.filter(|_| self.settings.extend) {
                        self.extend(until);
                    }
                    return grant;
                }
                if self.settings.release_after == ReleaseAfter::EachTry || tries_left == 0 {
                    self.release_everywhere().await;
                }
                self.wait().await;
            }
        }
    }

    async fn release(&mut self, _grant: Grant) -> ReleaseOutcome {
        self.stop_extending();
        for retries_left in (0..=self.settings.release_retries).rev() {
            let votes = self.release_everywhere().await;
            if votes.are_for() {
                return ReleaseOutcome::Removed;
            }
            if retries_left == 0 && votes.are_against() {
                return ReleaseOutcome::NotHeld;
            }
            if retries_left > 0 {
                self.wait().await;
            }
        }
        ReleaseOutcome::Unknown
    }

    fn valid_until(&self, grant: &Grant) -> Option<Mono> {
        self.lease.as_ref().map_or(grant.valid_until, |lease| Some(lease.until()))
    }
}

/// When the nodes were asked, on both clocks of the host.
#[derive(Clone, Copy)]
struct Began(LocalClock);

impl Began {
    fn now(host: &Host) -> Self {
        Self(LocalClock { wall: host.wall(), mono: host.mono() })
    }
}

impl RedlockSettings {
    /// How much is left of a lease that was asked for then: the time to live, less the time since then, on
    /// the clock that the client goes by, less the allowance.
    fn left(&self, began: Began, host: &Host) -> Duration {
        let lease = self.ttl.saturating_sub(self.allowance());
        match self.clock {
            Clock::Monotonic => (began.0.mono + lease).saturating_since(host.mono()),
            Clock::Wall => (began.0.wall + lease).saturating_since(host.wall()),
        }
    }
}
