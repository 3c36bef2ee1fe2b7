//! A buyer: takes the lock, reads the stock, writes one less, gives the lock back, and comes
//! again until nothing is left.
//!
//! It keeps nothing on disk. A buyer that is started again after a crash begins anew: the order that
//! was under way is forgotten, its half-done writes stay as they are, and the lock that it held stays
//! taken until it expires. Its new orders have numbers that the old ones did not have.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::client::Client;
use super::protocol::{Orders, ShopReply, ShopRequest};
use crate::locks::{Guarded, Held, Lock, Lost};
use crate::machine::NodeId;
use crate::note::Note;
use crate::process::Host;
use crate::time::Mono;

/// How buyers behave. Every time is drawn anew, evenly between the two ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuyerSettings {
    /// What a buyer's code takes between two requests.
    pub work: (Duration, Duration),
    /// What a buyer takes from one order to the next.
    pub browse: (Duration, Duration),
    /// How long a buyer waits for the store's answer.
    pub store_timeout: Duration,
    /// How often a request that went unanswered is sent again, each time at once and as it was.
    pub retries: u32,
    /// Whether a buyer looks at its clock before it writes.
    pub lease_check: LeaseCheck,
    /// Where it has its orders recorded, and when.
    pub orders: Orders,
    /// Whether the code that writes takes the lock once more, as a method does that is called by another
    /// one that holds it already. It needs a lock that is reentrant.
    pub reenters: bool,
}

impl Default for BuyerSettings {
    fn default() -> Self {
        Self {
            work: (Duration::from_micros(200), Duration::from_millis(3)),
            browse: (Duration::from_millis(5), Duration::from_millis(50)),
            // PostgreSQL's and MySQL's drivers wait for ever unless told otherwise; a shop's own
            // limit is commonly half a minute (the default of nginx's and HAProxy's users).
            store_timeout: Duration::from_secs(30),
            retries: 0,
            lease_check: LeaseCheck::default(),
            orders: Orders::default(),
            reenters: false,
        }
    }
}

/// When a buyer compares the end of its lease with its own monotonic clock. A lock without a lease
/// passes every check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeaseCheck {
    /// Never.
    #[default]
    None,
    /// Once, right before the first write. That makes the window smaller and does not close it: a
    /// pause can fall between the look and the write, the write can be under way for long, what is
    /// sent again is not checked again, and a clock that runs slow believes for too long.
    BeforeWrite,
    /// Right before the first write, and when the lease's end comes, whatever the buyer does just then: it
    /// drops its work and gives the lock back, so that while its process runs it holds nothing longer than
    /// its lease. A write that has been sent is not called back by that.
    Throughout,
}

/// Where a buyer finds the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShopAddress {
    /// The store.
    pub store: NodeId,
    /// Where orders are recorded: the store itself, where it keeps them with the stock.
    pub orders: NodeId,
}

/// What came of one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Placed,
    SoldOut,
    Refused { mark: u64 },
    LeaseOver,
    LockLost,
    Unknown,
}

/// Buys under a lock until the shop is sold out.
pub async fn buy_under<L: Lock>(host: Host, lock: L, shop: ShopAddress, settings: BuyerSettings) {
    let mut lock = Guarded::new(host.clone(), lock);
    let mut shop = Shop::new(host.clone(), shop, settings.clone());
    loop {
        let order = shop.next_order();
        let held = lock.acquire().await;
        let outcome = hold(&mut shop, order, &mut lock, &held).await;
        lock.release(held).await;
        if shop.finish(order, outcome) {
            return;
        }
        host.work(settings.browse.0..=settings.browse.1).await;
    }
}

/// Buys with the store's own conditional update, without any lock, until the shop is sold out.
pub async fn buy_conditionally(host: Host, shop: ShopAddress, settings: BuyerSettings) {
    let mut shop = Shop::new(host.clone(), shop, settings.clone());
    loop {
        let order = shop.next_order();
        let outcome = shop.place(order, ShopRequest::Take { order }).await;
        if shop.finish(order, outcome) {
            return;
        }
        host.work(settings.browse.0..=settings.browse.1).await;
    }
}

/// What a buyer does while it holds the lock: for no longer than its lease where it looks at that, and no
/// longer than the recipe knows the lock to be held.
async fn hold<L: Lock>(shop: &mut Shop, order: u64, lock: &mut Guarded<L>, held: &Held) -> Outcome {
    let grant = held.grant();
    let lost = lock.lost();
    if shop.settings.reenters {
        // No lock that can be entered twice moves the end that it has told, or is asked whether it is held.
        let end = || grant.valid_until;
        let section =
            Section { order, token: grant.token, end: &end, is_held: &async || None, lost };
        return section.carry_out(shop, Some(lock)).await;
    }
    let lock = &*lock;
    let (end, is_held) = (|| lock.valid_until(held), async || lock.is_held(held).await);
    let section = Section { order, token: grant.token, end: &end, is_held: &is_held, lost };
    section.carry_out::<L>(shop, None).await
}

/// What one order is placed under.
struct Section<'a, E, H> {
    order: u64,
    token: Option<u64>,
    /// Until when the lease lasts, as far as is known by now.
    end: &'a E,
    /// Whether the lock is still held, where it can be asked.
    is_held: &'a H,
    lost: Lost,
}

/// Why a buyer drops what it does under a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    LeaseOver,
    LockLost,
}

impl<E: Fn() -> Option<Mono>, H: AsyncFn() -> Option<bool>> Section<'_, E, H> {
    /// Places the order, under the lock that is entered once more where there is one.
    async fn carry_out<L: Lock>(self, shop: &mut Shop, lock: Option<&mut Guarded<L>>) -> Outcome {
        let Self { order, token, end, is_held, lost } = self;
        let (host, lease_check) = (shop.host.clone(), shop.settings.lease_check);
        // What came of the order, as soon as that is known.
        let known = Cell::new(None);
        let section = async {
            let outcome = read_and_write(shop, (order, token), end, is_held, lock).await;
            known.set(Some(outcome));
            // Whoever knows that its lease is over does nothing more under it.
            if outcome != Outcome::LeaseOver {
                shop.work().await;
            }
            outcome
        };
        let section = async { lost.cuts(section).await.ok_or(Stop::LockLost) };
        let stopped = match lease_check {
            LeaseCheck::Throughout => until_end(&host, section, end).await,
            LeaseCheck::None | LeaseCheck::BeforeWrite => section.await,
        };
        let stop = match stopped {
            Ok(outcome) => return outcome,
            Err(stop) => stop,
        };
        if let Some(outcome) = known.get() {
            return outcome;
        }
        if shop.is_placing {
            return Outcome::Unknown;
        }
        match stop {
            Stop::LockLost => Outcome::LockLost,
            Stop::LeaseOver => {
                host.note(Note::LeaseOver { thread: host.thread(), order, ended_ms_ago: 0 });
                Outcome::LeaseOver
            }
        }
    }
}

/// Goes on with a section until it is done or the lease is over. The lease may be extended meanwhile.
async fn until_end<T>(
    host: &Host,
    section: impl Future<Output = Result<T, Stop>>,
    end: &impl Fn() -> Option<Mono>,
) -> Result<T, Stop> {
    let mut section = pin!(section);
    while let Some(known) = end() {
        let left = known.saturating_since(host.mono());
        if let Ok(output) = host.timeout(left, section.as_mut()).await {
            return output;
        }
        if end() == Some(known) {
            return Err(Stop::LeaseOver);
        }
    }
    section.await
}

/// The critical section. Between the read and the write lies a little work of the buyer's own.
async fn read_and_write<L: Lock>(
    shop: &mut Shop,
    (order, token): (u64, Option<u64>),
    end: &impl Fn() -> Option<Mono>,
    is_held: &impl AsyncFn() -> Option<bool>,
    lock: Option<&mut Guarded<L>>,
) -> Outcome {
    shop.work().await;
    let stock = match shop.store.ask(ShopRequest::Read { token }).await {
        Some(ShopReply::Stock { stock }) => stock,
        Some(ShopReply::Fenced { mark }) => return Outcome::Refused { mark },
        _ => return Outcome::Unknown,
    };
    shop.host.note(Note::StockSeen { thread: shop.host.thread(), stock });
    shop.work().await;
    let Some(stock) = stock.checked_sub(1) else {
        return Outcome::SoldOut;
    };
    if !shop.lease_holds(order, end).await {
        return Outcome::LeaseOver;
    }
    match is_held().await {
        // From the answer to the write, code takes its time again.
        Some(true) => shop.work().await,
        Some(false) => return Outcome::LockLost,
        None => {}
    }
    let Some(lock) = lock else {
        return shop.place(order, ShopRequest::Write { order, stock, token }).await;
    };
    let held = lock.acquire().await;
    shop.work().await;
    let token = held.grant().token;
    let outcome = shop.place(order, ShopRequest::Write { order, stock, token }).await;
    lock.release(held).await;
    outcome
}

/// A buyer's side of the shop.
struct Shop {
    host: Host,
    settings: BuyerSettings,
    store: Client,
    orders: Client,
    /// How many orders there have been.
    count: u64,
    /// The present order has been sent, in whole or in part.
    is_placing: bool,
}

impl Shop {
    fn new(host: Host, address: ShopAddress, settings: BuyerSettings) -> Self {
        let client =
            |server| Client::new(host.clone(), server, settings.store_timeout, settings.retries);
        let (store, orders) = (client(address.store), client(address.orders));
        Self { host, settings, store, orders, count: 0, is_placing: false }
    }

    /// A number that no other order has: the node, its incarnation and a count, a million apart;
    /// before them, a thread.
    fn next_order(&mut self) -> u64 {
        self.count += 1;
        self.is_placing = false;
        let (node, incarnation) =
            (u64::from(self.host.node().0), u64::from(self.host.incarnation()));
        let of_process = (node * 1_000 + incarnation) * 1_000_000 + self.count;
        u64::from(self.host.thread()) * 1_000_000_000_000_000 + of_process
    }

    async fn work(&self) {
        self.host.work(self.settings.work.0..=self.settings.work.1).await;
    }

    /// The look at the clock, where a buyer takes one.
    async fn lease_holds(&self, order: u64, end: &impl Fn() -> Option<Mono>) -> bool {
        let looks = self.settings.lease_check != LeaseCheck::None;
        let Some(end) = end().filter(|_| looks) else {
            return true;
        };
        let now = self.host.mono();
        if now >= end {
            let ended_ms_ago = millis(now.saturating_since(end));
            self.host.note(Note::LeaseOver { thread: self.host.thread(), order, ended_ms_ago });
            return false;
        }
        let left_ms = millis(end.saturating_since(now));
        self.host.note(Note::LeaseChecked { thread: self.host.thread(), left_ms });
        // From here to the write, code takes its time again.
        self.work().await;
        true
    }

    /// Writes the stock, and has the order recorded with it, after it or before it.
    async fn place(&mut self, order: u64, write: ShopRequest) -> Outcome {
        let orders = self.settings.orders;
        self.is_placing = true;
        if orders == Orders::BeforeStock {
            if !self.record(order).await {
                return Outcome::Unknown;
            }
            self.work().await;
        }
        match self.store.ask(write).await {
            Some(ShopReply::Taken | ShopReply::TakenBefore) => {}
            Some(ShopReply::SoldOut) => return Outcome::SoldOut,
            Some(ShopReply::Fenced { mark }) => return Outcome::Refused { mark },
            _ => return Outcome::Unknown,
        }
        if orders == Orders::AfterStock {
            self.work().await;
            if !self.record(order).await {
                return Outcome::Unknown;
            }
        }
        Outcome::Placed
    }

    /// Has the order recorded in its own store; false when nobody confirms it.
    async fn record(&mut self, order: u64) -> bool {
        let answer = self.orders.ask(ShopRequest::Record { order }).await;
        matches!(answer, Some(ShopReply::Taken | ShopReply::TakenBefore))
    }

    /// Writes down what came of the order; true when there is nothing left to come back for.
    fn finish(&self, order: u64, outcome: Outcome) -> bool {
        let thread = self.host.thread();
        match outcome {
            Outcome::Placed => self.host.note(Note::OrderPlaced { thread, order }),
            Outcome::SoldOut => self.host.note(Note::SoldOut { thread }),
            Outcome::Refused { mark } => {
                self.host.note(Note::OrderRefused { thread, order, mark });
            }
            Outcome::Unknown => self.host.note(Note::OrderUnknown { thread, order }),
            // It has been written down when the buyer looked at its clock, or when the recipe knew.
            Outcome::LeaseOver | Outcome::LockLost => {}
        }
        outcome == Outcome::SoldOut
    }
}

/// Whole milliseconds; what does not fit (584 million years) is cut off there.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
