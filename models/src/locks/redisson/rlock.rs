//! `RLock` and `RFencedLock`, the locks of `RedissonClient.getLock` and `getFencedLock`: a try, a wait for
//! somebody else, an unlock. What they do when, the module above says; what sets the fenced one apart is
//! here.
//!
//! * **The token** is a counter beside the lock, incremented in the script that enters it, so that tokens
//!   come in the order of the grants. A thread that enters the lock once more gets a new one. The
//!   counter has no expiry, and is gone with the server that forgets it: after a failover it may
//!   begin anew, behind tokens that a store has seen.
//! * **No replica has the grant**: unlike the plain lock, the fenced one throws at once and takes nothing
//!   back. What it has entered stands until its lease is over, and is entered twice by the next try.
//!
//! Source: `RedissonLock`, `RedissonBaseLock`; `RedissonFencedLock`: `lockAndGetToken`, `tryAcquireAsync`,
//! `tryLockInnerAsync`.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;

use super::commands::{Answer, Commands, Failure, RETRY_ATTEMPTS, Resend};
use super::renewal::Renewal;
use super::wakeups::Wakeups;
use super::{RedissonSettings, prefixed, scripts};
use crate::locks::{Grant, Lock, Origin};
use crate::note::{Name, ReleaseOutcome};
use crate::process::Host;
use crate::random::Random;
use crate::redis::client::{Address, Script};
use crate::redis::resp::Reply;
use crate::time::Wall;

/// Which of the two locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `RLock`.
    Plain,
    /// `RFencedLock`.
    Fenced,
}

/// A lock, as one thread of one Redisson object uses it.
pub struct RLock {
    host: Host,
    settings: RedissonSettings,
    kind: Kind,
    commands: Rc<Commands>,
    renewal: Rc<Renewal>,
    wakeups: Wakeups,
    key: Bytes,
    channel: Bytes,
    counter: Bytes,
    /// Who holds, as the server knows him: the object's id and the thread's.
    holder: Bytes,
    /// The caller's own lease; `None` has the watchdog renew it.
    own_lease: Option<Duration>,
    /// With which lease an entry that is left gives the rest. Source: `RedissonLock.internalLockLeaseTime`.
    lease: Duration,
    /// How often this thread believes to have entered it.
    entered: u32,
    lock: Script,
    unlock: Script,
}

impl Lock for RLock {
    fn name(&self) -> Option<Name> {
        Some(self.settings.key.clone())
    }

    /// Calls `lock()` again whenever it throws.
    async fn acquire(&mut self) -> Grant {
        loop {
            match self.lock().await {
                Ok(grant) => return grant,
                Err(_) => self.host.sleep(self.settings.retry).await,
            }
        }
    }

    async fn release(&mut self, _grant: Grant) -> ReleaseOutcome {
        self.give_back().await
    }
}

/// What came of a try.
pub(super) enum Tried {
    Granted(Grant),
    /// It is somebody else's, for so long yet; `None` for ever.
    Taken(Option<Duration>),
}

impl RLock {
    /// An `RLock` on the Redis at `address`.
    pub fn plain(host: &Host, address: impl Into<Address>, settings: RedissonSettings) -> Self {
        Self::new(host, address.into(), settings, Kind::Plain)
    }

    /// An `RFencedLock` there.
    pub fn fenced(host: &Host, address: impl Into<Address>, settings: RedissonSettings) -> Self {
        Self::new(host, address.into(), settings, Kind::Fenced)
    }

    fn new(host: &Host, address: Address, settings: RedissonSettings, kind: Kind) -> Self {
        let commands = Rc::new(Commands::new(host.clone(), address, settings.clone()));
        let key = settings.key.as_bytes().clone();
        // `ServiceManager.id = UUID.randomUUID().toString()`.
        // Threads of a JVM are numbered from 1, the first one's number.
        let holder = Bytes::from(format!("{}:{}", host.random(Random::uuid), host.thread() + 1));
        let channel = prefixed("redisson_lock__channel", &settings.key);
        let renew = Script::new(scripts::RENEW)
            .call([key.clone()], [millis(settings.watchdog_timeout), holder.clone()]);
        let renewal = Renewal::new(
            host.clone(),
            commands.clone(),
            settings.key.clone(),
            renew,
            settings.watchdog_timeout / 3,
        );
        let wakeups =
            Wakeups::new(host.clone(), commands.clone(), channel.clone(), settings.timeout);
        let lock = match kind {
            Kind::Plain => scripts::LOCK,
            Kind::Fenced => scripts::LOCK_FENCED,
        };
        Self {
            host: host.clone(),
            kind,
            commands,
            renewal: Rc::new(renewal),
            wakeups,
            key,
            channel,
            counter: prefixed("redisson_lock_token", &settings.key),
            holder,
            own_lease: settings.lease,
            lease: settings.watchdog_timeout,
            entered: 0,
            lock: Script::new(lock),
            unlock: Script::new(scripts::UNLOCK),
            settings,
        }
    }

    /// Gives it back once. What throws does so after the watchdog has been told.
    pub(super) async fn give_back(&mut self) -> ReleaseOutcome {
        self.entered = self.entered.saturating_sub(1);
        match self.unlock().await {
            Ok(true) => ReleaseOutcome::Removed,
            // `IllegalMonitorStateException`.
            Ok(false) => ReleaseOutcome::NotHeld,
            Err(_) => ReleaseOutcome::Unknown,
        }
    }

    /// Source: `RedissonLock.lock`.
    async fn lock(&mut self) -> Result<Grant, Failure> {
        if let Tried::Granted(grant) = self.try_acquire().await? {
            return Ok(grant);
        }
        let waiting = self.wakeups.subscribe().await?;
        loop {
            match self.try_acquire().await? {
                Tried::Granted(grant) => return Ok(grant),
                Tried::Taken(time_left) => waiting.wake_up(time_left).await,
            }
        }
    }

    /// Waits for so long at most, by the wall clock (`System.currentTimeMillis`); nothing when that was not
    /// long enough. Source: `RedissonLock.tryLock`.
    pub(super) async fn try_lock(&mut self, wait: Duration) -> Result<Option<Grant>, Failure> {
        let end = self.host.wall() + wait;
        if let Tried::Granted(grant) = self.try_acquire().await? {
            return Ok(Some(grant));
        }
        let Some(left) = self.time_until(end) else { return Ok(None) };
        let Ok(Ok(waiting)) = self.host.timeout(left, self.wakeups.subscribe()).await else {
            return Ok(None);
        };
        while self.time_until(end).is_some() {
            let time_left = match self.try_acquire().await {
                Ok(Tried::Granted(grant)) => return Ok(Some(grant)),
                Ok(Tried::Taken(time_left)) => time_left,
                Err(Failure::NoAnswer) => return Ok(None),
                Err(failure) => return Err(failure),
            };
            let Some(left) = self.time_until(end) else { return Ok(None) };
            waiting.wake_up(Some(time_left.map_or(left, |time_left| time_left.min(left)))).await;
        }
        Ok(None)
    }

    /// What is left until then on this host's clock; `None` when nothing is.
    fn time_until(&self, end: Wall) -> Option<Duration> {
        Some(end.saturating_since(self.host.wall())).filter(|left| !left.is_zero())
    }

    /// Has the next tries ask for that lease.
    pub(super) const fn ask_for(&mut self, lease: Option<Duration>) {
        self.own_lease = lease;
    }

    /// Sets how long the lock lasts from now on, whosever it is. Sent again without an answer, as all that
    /// can be. Source: `RedissonExpirable.expireAsync`.
    pub(super) async fn expire(&self, lease: Duration) -> Result<(), Failure> {
        let expire = Script::new(scripts::EXPIRE).call([self.key.clone()], [millis(lease)]);
        self.commands.eval(&expire, Resend::Again).await.map(|_| ())
    }

    /// Leaves it when it is not known whether it was entered: whatever comes of that.
    pub(super) async fn leave_unheard(&mut self) {
        let _ = self.unlock().await;
    }

    /// A try; once more, some time later, when no replica has it. The fenced lock neither takes such a grant
    /// back nor tries again: it throws. Source: `RedissonLock.tryAcquireAsync0`,
    /// `ServiceManager.execute`, `RedissonBaseLock.handleNoSync`; `RedissonFencedLock.tryAcquireAsync`.
    async fn try_acquire(&mut self) -> Result<Tried, Failure> {
        let mut attempt = 0;
        loop {
            let tried = self.try_once().await;
            if !matches!(tried, Err(Failure::NoSyncedSlaves)) || self.kind == Kind::Fenced {
                return tried;
            }
            // Whatever comes of that, it has failed for want of replicas.
            let _ = self.leave(&self.host.random(Random::uuid)).await;
            if attempt == RETRY_ATTEMPTS {
                return tried;
            }
            attempt += 1;
            self.host.sleep(self.commands.retry_delay(attempt)).await;
        }
    }

    async fn try_once(&mut self) -> Result<Tried, Failure> {
        let asked_at = self.host.mono();
        let arguments = [millis(self.own_lease.unwrap_or(self.lease)), self.holder.clone()];
        let script = match self.kind {
            Kind::Plain => self.lock.call([self.key.clone()], arguments),
            Kind::Fenced => self.lock.call([self.key.clone(), self.counter.clone()], arguments),
        };
        let Answer { reply, brought_by } = self.commands.eval(&script, Resend::Never).await?;
        let token = match granted(&reply) {
            Ok(token) => token,
            Err(time_left) => return Ok(Tried::Taken(time_left)),
        };
        let mut grant = Grant {
            origin: Origin::Message(brought_by),
            reentered: self.entered > 0,
            ..Grant::new(token)
        };
        match self.own_lease {
            Some(lease) => {
                self.lease = lease;
                grant.valid_until = Some(asked_at + lease);
            }
            None => self.renewal.add(),
        }
        self.entered += 1;
        Ok(Tried::Granted(grant))
    }

    /// Leaves it once; false when it is not this thread's. Source: `RedissonBaseLock.unlockAsync`.
    async fn unlock(&mut self) -> Result<bool, Failure> {
        let request = self.host.random(Random::uuid);
        let mut attempt = 0;
        loop {
            let left = self.leave(&request).await;
            self.renewal.cancel();
            if !matches!(left, Ok(Some(0))) {
                self.lease = self.settings.watchdog_timeout;
            }
            if left != Err(Failure::NoSyncedSlaves) || attempt == RETRY_ATTEMPTS {
                return left.map(|left| left.is_some());
            }
            attempt += 1;
            self.host.sleep(self.commands.retry_delay(attempt)).await;
        }
    }

    /// One request to leave: 1 when the lock is free now, 0 when it is still held, nothing when it is not
    /// this thread's. The answer that the server keeps for the request is removed behind the caller's back.
    /// Source: `RedissonBaseLock.unlockInnerAsync`.
    async fn leave(&self, request: &str) -> Result<Option<i64>, Failure> {
        let latch = prefixed("redisson_unlock_latch", &self.settings.key);
        let latch = Bytes::from([&latch[..], b":", request.as_bytes()].concat());
        let answer_kept = (self.settings.timeout + self.commands.retry_delay(RETRY_ATTEMPTS))
            .saturating_mul(RETRY_ATTEMPTS);
        let script = self.unlock.call(
            [self.key.clone(), self.channel.clone(), latch.clone()],
            [
                Bytes::from_static(scripts::UNLOCK_MESSAGE.as_bytes()),
                millis(self.lease),
                self.holder.clone(),
                Bytes::from_static(self.commands.pub_sub.publish().as_bytes()),
                millis(answer_kept),
            ],
        );
        let answer = self.commands.eval(&script, Resend::Never).await?;
        let commands = self.commands.clone();
        self.host.spawn(async move {
            commands.tell(&[Bytes::from_static(b"DEL"), latch]).await;
        });
        Ok(match answer.reply {
            Reply::Int(left) => Some(left),
            _ => None,
        })
    }
}

/// Whether an answer grants the lock, and with which token; or else for how long it is taken yet.
fn granted(reply: &Reply) -> Result<Option<u64>, Option<Duration>> {
    match reply {
        Reply::Nil => Ok(None),
        Reply::Array(items) => match items[..] {
            [Reply::Int(-1), Reply::Int(token)] => Ok(u64::try_from(token).ok()),
            [Reply::Int(left_ms), _] => Err(time_left(left_ms)),
            _ => Err(None),
        },
        Reply::Int(left_ms) => Err(time_left(*left_ms)),
        _ => Err(None),
    }
}

/// A key without an expiry has -1.
fn time_left(left_ms: i64) -> Option<Duration> {
    u64::try_from(left_ms).ok().map(Duration::from_millis)
}

fn millis(duration: Duration) -> Bytes {
    Bytes::from(duration.as_millis().to_string())
}
