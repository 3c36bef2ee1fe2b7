//! How who waits for a lock is woken: by a message that the unlock publishes on the lock's channel.
//!
//! * **A subscription** is made after the first try has failed, and the lock is tried once more when it
//!   stands: nothing falls between the two.
//! * **Each message** lets one waiter of the process try again.
//! * **A message is lost** when the connection was down, and nobody sends it again. Then the time that
//!   the holder's lease has left wakes the waiter: it asked for it with every try.
//! * **A connection that breaks** is opened again and subscribed again, at first after 50 to 100 ms,
//!   then after longer. One without a word for half a minute is asked for one. When the Sentinels
//!   name another master, the subscription moves there.
//!
//! Redisson keeps the connection for the next subscription; here each has one of its own.
//!
//! Source: `PublishSubscribe`, `LockPubSub.onMessage`, `ConnectionWatchdog` (`reconnect`,
//! `reattachPubSub`), `PingConnectionHandler`.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use bytes::Bytes;

use super::commands::{Commands, Failure, equal_jitter};
use super::scripts::UNLOCK_MESSAGE;
use crate::process::Host;
use crate::redis::client::{CallError, Subscription};

/// How long a waiter waits for its subscription. Source: `BaseConfig.subscriptionTimeout = 7500`.
const SUBSCRIPTION_TIMEOUT: Duration = Duration::from_millis(7_500);

/// The least and the most that Redisson waits before it connects again, before it draws. Source:
/// `BaseConfig.reconnectionDelay = new EqualJitterDelay(Duration.ofMillis(100), Duration.ofSeconds(10))`.
const RECONNECTION_DELAY_MS: (u64, u64) = (100, 10_000);

/// Source: `BaseConfig.pingConnectionInterval = 30000`.
const PING_AFTER: Duration = Duration::from_secs(30);

/// The channel of a lock, as one process listens to it.
pub(super) struct Wakeups {
    host: Host,
    commands: Rc<Commands>,
    channel: Bytes,
    timeout: Duration,
    entry: Rc<RefCell<Entry>>,
}

/// What listener and waiter share. Source: `RedissonLockEntry`.
#[derive(Default)]
struct Entry {
    /// The number of the wait that goes on, or of the one that would be next.
    wait: u64,
    is_wanted: bool,
    is_subscribed: bool,
    /// How many messages have come that nobody has been woken by: the latch.
    permits: u32,
    waiter: Option<Waker>,
    listener: Option<Waker>,
}

/// A wait for a lock. It is over when this is dropped, and with it the subscription.
pub(super) struct Waiting {
    host: Host,
    entry: Rc<RefCell<Entry>>,
}

impl Wakeups {
    pub(super) fn new(
        host: Host,
        commands: Rc<Commands>,
        channel: Bytes,
        timeout: Duration,
    ) -> Self {
        Self { host, commands, channel, timeout, entry: Rc::default() }
    }

    /// Subscribes, and waits until that is confirmed.
    pub(super) async fn subscribe(&self) -> Result<Waiting, Failure> {
        let wait = self.entry.borrow().wait;
        *self.entry.borrow_mut() = Entry { wait, is_wanted: true, ..Entry::default() };
        let waiting = Waiting { host: self.host.clone(), entry: self.entry.clone() };
        let listener = Listener {
            host: self.host.clone(),
            commands: self.commands.clone(),
            channel: self.channel.clone(),
            timeout: self.timeout,
            entry: self.entry.clone(),
            wait,
        };
        self.host.spawn(listener.listen());
        let subscribed = self.host.timeout(SUBSCRIPTION_TIMEOUT, waiting.subscribed()).await;
        subscribed.map(|()| waiting).map_err(|_| Failure::NoSubscription)
    }
}

impl Waiting {
    async fn subscribed(&self) {
        self.until(|entry| entry.is_subscribed).await;
    }

    /// Waits for a message, but no longer than that.
    pub(super) async fn wake_up(&self, limit: Option<Duration>) {
        let message = self.until(|entry| {
            let has_come = entry.permits > 0;
            entry.permits -= u32::from(has_come);
            has_come
        });
        match limit {
            // Whether it was woken or not, the lock is tried next.
            Some(limit) => drop(self.host.timeout(limit, message).await),
            None => message.await,
        }
    }

    async fn until(&self, mut is_so: impl FnMut(&mut Entry) -> bool) {
        poll_fn(|context| {
            let mut entry = self.entry.borrow_mut();
            if is_so(&mut entry) {
                return Poll::Ready(());
            }
            entry.waiter = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut entry = self.entry.borrow_mut();
        entry.wait += 1;
        entry.is_wanted = false;
        if let Some(listener) = entry.listener.take() {
            listener.wake();
        }
    }
}

/// Who listens for one wait.
struct Listener {
    host: Host,
    commands: Rc<Commands>,
    channel: Bytes,
    timeout: Duration,
    entry: Rc<RefCell<Entry>>,
    wait: u64,
}

impl Listener {
    /// Listens until nobody waits any more, over as many connections as that takes.
    async fn listen(self) {
        let mut attempt = 0;
        while let Some(opened) = self.while_wanted(self.open()).await {
            if let Ok(mut subscription) = opened {
                attempt = 0;
                self.pass(|entry| entry.is_subscribed = true);
                match self.while_wanted(self.hear(&mut subscription)).await {
                    None => return,
                    Some(Moved::Elsewhere) => continue,
                    Some(Moved::Broken) => {}
                }
            }
            self.commands.forget();
            let delay = equal_jitter(&self.host, RECONNECTION_DELAY_MS, attempt);
            if self.while_wanted(self.host.sleep(delay)).await.is_none() {
                return;
            }
            attempt += 1;
        }
    }

    async fn open(&self) -> Result<Subscription, CallError> {
        let node = self.commands.home(&self.channel).await?;
        let channel = (self.commands.pub_sub, self.channel.clone());
        Subscription::open(self.host.clone(), node, channel, self.timeout, PING_AFTER).await
    }

    /// Passes messages on until none can come any more.
    async fn hear(&self, subscription: &mut Subscription) -> Moved {
        let node = subscription.node();
        let has_moved = || self.commands.heard().is_some_and(|master| master != node);
        loop {
            match self.host.unless(has_moved, subscription.message()).await {
                Some(Ok(text)) if text == UNLOCK_MESSAGE => self.pass(|entry| entry.permits += 1),
                Some(Ok(_)) => {}
                Some(Err(_)) => return Moved::Broken,
                None => return Moved::Elsewhere,
            }
        }
    }

    /// Changes what the waiter sees, and wakes it.
    fn pass(&self, change: impl FnOnce(&mut Entry)) {
        let mut entry = self.entry.borrow_mut();
        change(&mut entry);
        if let Some(waiter) = entry.waiter.take() {
            waiter.wake();
        }
    }

    /// Waits for a future for as long as somebody waits for the lock.
    async fn while_wanted<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|context| {
            {
                let mut entry = self.entry.borrow_mut();
                if !entry.is_wanted || entry.wait != self.wait {
                    return Poll::Ready(None);
                }
                entry.listener = Some(context.waker().clone());
            }
            future.as_mut().poll(context).map(Some)
        })
        .await
    }
}

/// Why nothing can be heard any more where one listens.
enum Moved {
    /// The connection is broken.
    Broken,
    /// Somebody else is the master now.
    Elsewhere,
}
