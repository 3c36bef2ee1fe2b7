//! A buyer: takes the lock, reads the stock, writes one less, gives the lock back, and comes
//! again until nothing is left.

use std::time::Duration;

use super::protocol::{ShopReply, ShopRequest};
use crate::locks::{Grant, Guarded, Lock};
use crate::machine::NodeId;
use crate::message::Message;
use crate::note::Note;
use crate::process::{Connection, Host};

/// How buyers behave. Every time is drawn anew, evenly between the two ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuyerSettings {
    /// What a buyer's code takes between two requests.
    pub work: (Duration, Duration),
    /// What a buyer takes from one order to the next.
    pub browse: (Duration, Duration),
    /// How long a buyer waits for the store's answer.
    pub store_timeout: Duration,
}

impl Default for BuyerSettings {
    fn default() -> Self {
        Self {
            work: (Duration::from_micros(200), Duration::from_millis(3)),
            browse: (Duration::from_millis(5), Duration::from_millis(50)),
            // PostgreSQL's and MySQL's drivers wait for ever unless told otherwise; a shop's own
            // limit is commonly half a minute (the default of nginx's and HAProxy's users).
            store_timeout: Duration::from_secs(30),
        }
    }
}

/// What came of one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Placed,
    SoldOut,
    Refused { mark: u64 },
    Unknown,
}

/// Buys under a lock until the shop is sold out.
pub async fn buy_under<L: Lock>(host: Host, lock: L, store: NodeId, settings: BuyerSettings) {
    let mut lock = Guarded::new(host.clone(), lock);
    let mut shop = Shop::new(host.clone(), store, settings.clone());
    loop {
        let order = shop.next_order();
        let held = lock.acquire().await;
        let outcome = read_and_write(&mut shop, order, held.grant()).await;
        shop.work().await;
        lock.release(held).await;
        if shop.finish(order, outcome) {
            return;
        }
        host.work(settings.browse.0..=settings.browse.1).await;
    }
}

/// Buys with the store's own conditional update, without any lock, until the shop is sold out.
pub async fn buy_conditionally(host: Host, store: NodeId, settings: BuyerSettings) {
    let mut shop = Shop::new(host.clone(), store, settings.clone());
    loop {
        let order = shop.next_order();
        let outcome = match shop.ask(ShopRequest::Take { order }).await {
            Some(ShopReply::Taken) => Outcome::Placed,
            Some(ShopReply::SoldOut) => Outcome::SoldOut,
            _ => Outcome::Unknown,
        };
        if shop.finish(order, outcome) {
            return;
        }
        host.work(settings.browse.0..=settings.browse.1).await;
    }
}

/// The critical section. Between the read and the write lies a little work of the buyer's own.
async fn read_and_write(shop: &mut Shop, order: u64, grant: Grant) -> Outcome {
    let token = grant.token;
    shop.work().await;
    let stock = match shop.ask(ShopRequest::Read { token }).await {
        Some(ShopReply::Stock { stock }) => stock,
        Some(ShopReply::Fenced { mark }) => return Outcome::Refused { mark },
        _ => return Outcome::Unknown,
    };
    shop.host.note(Note::StockSeen { stock });
    shop.work().await;
    let Some(stock) = stock.checked_sub(1) else {
        return Outcome::SoldOut;
    };
    match shop.ask(ShopRequest::Write { order, stock, token }).await {
        Some(ShopReply::Taken) => Outcome::Placed,
        Some(ShopReply::Fenced { mark }) => Outcome::Refused { mark },
        _ => Outcome::Unknown,
    }
}

/// A buyer's side of the shop: one connection to the store, opened again when it breaks.
struct Shop {
    host: Host,
    store: NodeId,
    settings: BuyerSettings,
    connection: Option<Connection>,
    orders: u64,
}

impl Shop {
    fn new(host: Host, store: NodeId, settings: BuyerSettings) -> Self {
        Self { host, store, settings, connection: None, orders: 0 }
    }

    /// A number that no other order has: the node, its incarnation and a count, a million apart;
    /// before them, a thread.
    fn next_order(&mut self) -> u64 {
        self.orders += 1;
        let (node, incarnation) =
            (u64::from(self.host.node().0), u64::from(self.host.incarnation()));
        let of_process = (node * 1_000 + incarnation) * 1_000_000 + self.orders;
        u64::from(self.host.thread()) * 1_000_000_000_000_000 + of_process
    }

    async fn work(&self) {
        self.host.work(self.settings.work.0..=self.settings.work.1).await;
    }

    /// Asks the store; `None` when no answer came in time or the connection broke.
    async fn ask(&mut self, request: ShopRequest) -> Option<ShopReply> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let connecting = self.host.connect(self.store);
                self.host.timeout(self.settings.store_timeout, connecting).await.ok()?.ok()?
            }
        };
        connection.send(Message::Shop(request));
        let answer = self.host.timeout(self.settings.store_timeout, connection.receive()).await;
        match answer {
            Ok(Ok(Message::ShopReply(reply))) => {
                self.connection = Some(connection);
                Some(reply)
            }
            _ => None,
        }
    }

    /// Writes down what came of the order; true when there is nothing left to come back for.
    fn finish(&self, order: u64, outcome: Outcome) -> bool {
        self.host.note(match outcome {
            Outcome::Placed => Note::OrderPlaced { order },
            Outcome::SoldOut => Note::SoldOut,
            Outcome::Refused { mark } => Note::OrderRefused { order, mark },
            Outcome::Unknown => Note::OrderUnknown { order },
        });
        outcome == Outcome::SoldOut
    }
}
