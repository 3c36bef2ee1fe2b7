//! What a buyer asks, and what it writes down, when answers are lost or slow.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use super::*;
use crate::locks::Grant;
use crate::locks::none::NoLock;
use crate::locks::standing::Standing;
use crate::machine::{ConnectionId, Effect, Input, NodeId, TimerId};
use crate::message::Message;
use crate::note::{Name, ReleaseOutcome};
use crate::process::testing::Driven;
use crate::shop::ids::OrderIds;
use crate::shop::orders::OrderStore;
use crate::shop::store::{Books, Store, StoreSettings};
use crate::time::Mono;

const STORE: NodeId = NodeId(0);
const ORDERS: NodeId = NodeId(1);
const BUYER: NodeId = NodeId(2);
const ADDRESS: ShopAddress = ShopAddress { store: STORE, orders: ORDERS };
/// The buyer's first order.
const FIRST: u64 = 2_000_000_001;

/// Nobody else wants it, and it lasts for ten seconds.
struct TenSeconds(Host);

impl Lock for TenSeconds {
    fn name(&self) -> Option<Name> {
        Some(Name::from_static("lock"))
    }

    async fn acquire(&mut self) -> Grant {
        Grant::new(None).valid_until(self.0.mono() + Duration::from_secs(10))
    }

    async fn release(&mut self, _grant: Grant) -> ReleaseOutcome {
        ReleaseOutcome::Removed
    }
}

/// Each hold of it is lost after ten seconds, and the recipe knows.
struct LostAfterTenSeconds(Host, Standing);

impl Lock for LostAfterTenSeconds {
    fn name(&self) -> Option<Name> {
        Some(Name::from_static("lock"))
    }

    async fn acquire(&mut self) -> Grant {
        let (host, standing) = (self.0.clone(), self.1.clone());
        standing.grant();
        self.0.spawn(async move {
            host.sleep(Duration::from_secs(10)).await;
            if standing.lose() {
                let lock = Name::from_static("lock");
                host.note(Note::LockLost { lock, hold: None, reason: "ten seconds" });
            }
        });
        Grant::new(None)
    }

    async fn release(&mut self, _grant: Grant) -> ReleaseOutcome {
        self.1.give_back();
        ReleaseOutcome::NotHeld
    }

    fn lost(&self) -> Lost {
        self.1.lost()
    }
}

/// What happens to the answer to one request, counted from 0.
#[derive(Clone, Copy)]
enum Fate {
    Lost,
    Late(Duration),
}

/// One buyer with a store that has 3 pieces and a store for the orders, both served at once.
struct Bench {
    driven: Driven,
    store: Store,
    orders: OrderStore,
    fates: Vec<(usize, Fate)>,
    timer: Option<Mono>,
    peers: BTreeMap<ConnectionId, NodeId>,
    asked: Vec<(NodeId, ShopRequest)>,
    notes: Vec<Note>,
}

impl Bench {
    fn new(settings: &BuyerSettings, ids_checked: bool, fates: &[(usize, Fate)]) -> Self {
        let (buyer, orders) = (settings.clone(), settings.orders);
        Self::of(orders, ids_checked, fates, move |host| {
            buy_under(host.clone(), TenSeconds(host), ADDRESS, buyer)
        })
    }

    fn of<F: Future<Output = ()> + 'static>(
        orders: Orders,
        ids_checked: bool,
        fates: &[(usize, Fate)],
        main: impl FnOnce(Host) -> F,
    ) -> Self {
        let books = Books::opened_with(3, OrderIds::new(ids_checked));
        let store = StoreSettings { orders, ..StoreSettings::default() };
        Self {
            driven: Driven::new(BUYER, main),
            store: Store::new(books, store, 0),
            orders: OrderStore::new(Rc::new(RefCell::new(OrderIds::new(ids_checked)))),
            fates: fates.to_vec(),
            timer: None,
            peers: BTreeMap::new(),
            asked: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Runs until the buyer leaves.
    fn run(mut self) -> Self {
        self.give(Input::Started);
        while !self.driven.process.is_finished() {
            let due = self.timer.take().expect("the buyer waits for something");
            // A slow answer may have taken longer than what it waits for.
            self.driven.now = self.driven.now.max(due);
            self.give(Input::Timer(TimerId(0)));
        }
        self
    }

    /// Hands over an input, and then what the servers answer to what comes of it.
    fn give(&mut self, input: Input<'_>) {
        let mut effects = VecDeque::from(self.driven.handle(input));
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Connect { connection, peer } => {
                    self.peers.insert(connection, peer);
                    effects.extend(self.driven.handle(Input::Connected { connection }));
                }
                Effect::Send { connection, message: Message::Shop(request) } => {
                    if let Some(message) = self.answer(connection, request) {
                        let input = Input::Message { connection, message: &message };
                        effects.extend(self.driven.handle(input));
                    }
                }
                Effect::SetTimer { at, .. } => self.timer = Some(at),
                Effect::Note(note) => self.notes.push(note),
                _ => {}
            }
        }
    }

    /// What the buyer gets to hear; time passes meanwhile, where it is slow.
    fn answer(&mut self, connection: ConnectionId, request: ShopRequest) -> Option<Message> {
        let (number, server) = (self.asked.len(), self.peers[&connection]);
        self.asked.push((server, request));
        let (reply, note) = if server == STORE {
            self.store.serve(BUYER, request).expect("a request to the store")
        } else {
            let (reply, note) = self.orders.serve(BUYER, request).expect("an order");
            (reply, Some(note))
        };
        self.notes.extend(note);
        match self.fates.iter().find(|(which, _)| *which == number).map(|(_, fate)| *fate) {
            Some(Fate::Lost) => return None,
            Some(Fate::Late(by)) => self.driven.now = self.driven.now + by,
            None => {}
        }
        Some(Message::ShopReply(reply))
    }

    fn kinds(&self) -> Vec<&'static str> {
        self.notes.iter().map(Note::kind).collect()
    }

    fn count(&self, kind: &str) -> usize {
        self.notes.iter().filter(|note| note.kind() == kind).count()
    }
}

fn settings(change: impl FnOnce(&mut BuyerSettings)) -> BuyerSettings {
    let mut settings = BuyerSettings::default();
    change(&mut settings);
    settings
}

#[test]
fn undisturbed_a_buyer_buys_everything_whatever_its_settings() {
    for orders in [Orders::WithStock, Orders::AfterStock, Orders::BeforeStock] {
        for lease_check in [LeaseCheck::None, LeaseCheck::BeforeWrite] {
            let settings = settings(|s| {
                (s.orders, s.lease_check, s.retries) = (orders, lease_check, 3);
            });
            let bench = Bench::new(&settings, true, &[]).run();
            assert_eq!(bench.count("order-placed"), 3);
            assert_eq!(bench.count("request-resent") + bench.count("order-repeated"), 0);
        }
    }
}

#[test]
fn without_retries_an_order_that_goes_unanswered_stays_unknown() {
    let bench = Bench::new(&settings(|_| {}), false, &[(1, Fate::Lost)]).run();
    assert_eq!(bench.count("write-taken"), 3);
    assert_eq!((bench.count("order-placed"), bench.count("order-unknown")), (2, 1));
}

#[test]
fn a_retry_sends_the_same_write_again_and_makes_a_second_order() {
    let bench = Bench::new(&settings(|s| s.retries = 1), false, &[(1, Fate::Lost)]).run();
    assert_eq!(bench.asked[1], bench.asked[2], "the same in every byte");
    let taken =
        |before| Note::WriteTaken { from: BUYER, order: FIRST, before, after: 2, token: None };
    assert!(bench.notes.contains(&taken(3)) && bench.notes.contains(&taken(2)));
    assert_eq!(bench.count("write-taken"), 4, "four orders");
    assert_eq!(bench.count("order-placed"), 3, "for three purchases");
}

#[test]
fn with_an_order_id_the_same_retry_makes_one_order() {
    let bench = Bench::new(&settings(|s| s.retries = 1), true, &[(1, Fate::Lost)]).run();
    assert_eq!(bench.asked[1], bench.asked[2]);
    assert_eq!((bench.count("write-taken"), bench.count("order-repeated")), (3, 1));
    assert_eq!(bench.count("order-placed"), 3);
}

#[test]
fn a_buyer_gives_up_after_its_last_retry() {
    let lost = [1, 2, 3].map(|number| (number, Fate::Lost));
    let bench = Bench::new(&settings(|s| s.retries = 2), true, &lost).run();
    assert_eq!((bench.count("request-resent"), bench.count("order-unknown")), (2, 1));
}

#[test]
fn a_conditional_update_that_is_sent_again_takes_another_piece() {
    let settings = settings(|s| s.retries = 1);
    let fates = [(0, Fate::Lost)];
    for (ids_checked, confirmed) in [(false, 2), (true, 3)] {
        let buyer = settings.clone();
        let main = |host| buy_conditionally(host, ADDRESS, buyer);
        let bench = Bench::of(Orders::WithStock, ids_checked, &fates, main).run();
        assert_eq!(bench.count("write-taken"), 3, "no piece is sold twice");
        assert_eq!(bench.count("order-placed"), confirmed);
    }
}

#[test]
fn who_finds_its_lease_over_sends_nothing_gives_the_lock_back_and_comes_again() {
    let settings = settings(|s| s.lease_check = LeaseCheck::BeforeWrite);
    let bench = Bench::new(&settings, false, &[(0, Fate::Late(Duration::from_secs(15)))]).run();
    let kinds = bench.kinds();
    let until_its_second_try = [
        "acquiring",
        "acquired",
        "stock-served",
        "stock-seen",
        "lease-over",
        "releasing",
        "released",
        "acquiring",
    ];
    assert_eq!(kinds[..8], until_its_second_try);
    let over = bench.notes.iter().find_map(|note| match note {
        Note::LeaseOver { order, ended_ms_ago, .. } => Some((*order, *ended_ms_ago)),
        _ => None,
    });
    assert!(over.is_some_and(|(order, ago)| order == FIRST && (5_000..5_010).contains(&ago)));
    assert_eq!(bench.count("order-placed"), 3);
}

#[test]
fn who_does_not_look_writes_under_a_lease_that_is_over() {
    let late = [(0, Fate::Late(Duration::from_secs(15)))];
    let bench = Bench::new(&settings(|_| {}), false, &late).run();
    assert_eq!(bench.kinds()[3..5], ["stock-seen", "write-taken"]);
}

#[test]
fn who_looks_throughout_drops_its_work_when_the_lease_ends() {
    let settings = settings(|s| s.lease_check = LeaseCheck::Throughout);
    let bench = Bench::new(&settings, false, &[(0, Fate::Lost)]).run();
    assert_eq!((bench.count("lease-over"), bench.count("order-placed")), (1, 3));
    let over = bench.notes.iter().position(|note| note.kind() == "lease-over").unwrap();
    assert!(matches!(bench.notes[over], Note::LeaseOver { order: FIRST, ended_ms_ago: 0, .. }));
    assert_eq!(bench.notes[over + 1].kind(), "releasing", "at that moment");
}

#[test]
fn a_write_that_has_been_sent_is_not_called_back_by_the_end_of_the_lease() {
    let settings = settings(|s| s.lease_check = LeaseCheck::Throughout);
    let bench = Bench::new(&settings, false, &[(1, Fate::Lost)]).run();
    assert_eq!((bench.count("order-unknown"), bench.count("write-taken")), (1, 3));
    assert_eq!(bench.count("lease-over"), 0);
}

#[test]
fn who_hears_that_the_lock_is_lost_drops_its_work() {
    // The first answer is that to the read, the second that to the write.
    for (lost, placed, unknown) in [(0, 3, 0), (1, 2, 1)] {
        let settings = settings(|_| {});
        let main = |host: Host| {
            let lock = LostAfterTenSeconds(host.clone(), Standing::default());
            buy_under(host, lock, ADDRESS, settings)
        };
        let bench = Bench::of(Orders::WithStock, false, &[(lost, Fate::Lost)], main).run();
        assert_eq!((bench.count("order-placed"), bench.count("order-unknown")), (placed, unknown));
        let loss = bench.notes.iter().position(|note| note.kind() == "lock-lost").unwrap();
        assert_eq!(bench.notes[loss + 1].kind(), "releasing", "at that moment");
        assert_eq!(bench.count("write-taken"), 3);
    }
}

#[test]
fn between_the_look_and_the_write_time_passes() {
    let settings = settings(|s| {
        s.lease_check = LeaseCheck::BeforeWrite;
        s.work = (Duration::from_millis(2), Duration::from_millis(2));
    });
    let mut bench = Bench::new(&settings, false, &[]);
    bench.give(Input::Started);
    while bench.count("lease-checked") == 0 {
        bench.driven.now = bench.timer.take().unwrap();
        bench.give(Input::Timer(TimerId(0)));
    }
    assert_eq!(bench.asked.len(), 1, "it has read, and not written yet");
    assert_eq!(bench.timer.map(|at| at.saturating_since(bench.driven.now)), Some(settings.work.0));
}

#[test]
fn a_lock_without_a_lease_passes_every_check() {
    let settings = settings(|s| s.lease_check = LeaseCheck::BeforeWrite);
    let late = [(0, Fate::Late(Duration::from_secs(25)))];
    let main = |host: Host| buy_under(host, NoLock, ADDRESS, settings);
    let bench = Bench::of(Orders::WithStock, false, &late, main).run();
    assert_eq!((bench.count("lease-over"), bench.count("order-placed")), (0, 3));
}

#[test]
fn an_order_goes_to_its_own_store_before_or_after_the_stock() {
    for (orders, servers) in [
        (Orders::WithStock, vec![STORE, STORE]),
        (Orders::AfterStock, vec![STORE, STORE, ORDERS]),
        (Orders::BeforeStock, vec![STORE, ORDERS, STORE]),
    ] {
        let bench = Bench::new(&settings(|s| s.orders = orders), false, &[]).run();
        let asked: Vec<NodeId> = bench.asked.iter().map(|(server, _)| *server).collect();
        assert_eq!(asked[..servers.len()], servers);
    }
}

#[test]
fn what_is_lost_between_the_two_stores_stays_half_done() {
    for (orders, stock_writes, orders_recorded) in
        [(Orders::AfterStock, 3, 2), (Orders::BeforeStock, 3, 4)]
    {
        let bench = Bench::new(&settings(|s| s.orders = orders), false, &[(1, Fate::Lost)]).run();
        assert_eq!(bench.count("order-unknown"), 1);
        assert_eq!(bench.count("stock-written"), stock_writes);
        assert_eq!(bench.count("order-recorded"), orders_recorded);
    }
}
