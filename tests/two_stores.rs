//! The stock in one store, the orders in another: two messages, two machines, no transaction. And a
//! token that one of the two checks.

use std::collections::BTreeSet;
use std::time::Duration;

use fencepost::claim::Claims as _;
use fencepost::judge::ViolationKind::{self, Oversell, StaleWrite};
use fencepost::scenario::{Outcome, Recipe, Scenario};
use fencepost_faults::{Action, Fault, Start, Trigger};
use fencepost_models::locks::redis::RedisLockSettings;
use fencepost_models::note::Note;
use fencepost_models::shop::{Fencing, Orders};

const TTL: Duration = Duration::from_secs(10);

fn shop(orders: Orders) -> Scenario {
    Scenario::default().but(|s| {
        s.title = "Two stores".to_owned();
        s.lock = Recipe::SetNx(RedisLockSettings { ttl: TTL, ..RedisLockSettings::default() });
        (s.shop.stock, s.shop.buyers) = (3, 2);
        s.shop.fencing = Fencing::ReadsAndWrites;
        s.shop.buyer.orders = orders;
    })
}

/// Something happens to buyer-1 when a store writes that down for the first time.
fn when(node: &str, event: &str, action: Action, length: Duration) -> Fault {
    let trigger = Trigger {
        node: Some(node.to_owned()),
        event: event.to_owned(),
        nth: 1,
        after: Duration::ZERO,
    };
    Fault { start: Start::When(trigger), length: Some(length), action }
}

fn pause() -> Action {
    Action::Pause { node: "buyer-1".to_owned() }
}

fn crash() -> Action {
    Action::Crash { node: "buyer-1".to_owned() }
}

fn orders_recorded(outcome: &Outcome) -> Vec<u64> {
    let order = |note: &Note| match note {
        Note::OrderRecorded { order, .. } => Some(*order),
        _ => None,
    };
    outcome.run.history.notes().filter_map(|(_, _, note)| order(note)).collect()
}

#[test]
fn nobody_is_harmed_while_nothing_goes_wrong_wherever_the_run_ends() {
    for orders in [Orders::AfterStock, Orders::BeforeStock] {
        for kind in ViolationKind::ALL {
            shop(orders).sweep(0..100).must_never(kind);
        }
        for milliseconds in 1..200 {
            let cut = shop(orders).but(|s| s.duration = Duration::from_millis(milliseconds));
            let verdict = cut.run(1).expect("runs").verdict;
            assert_eq!(verdict.violations, [], "{orders:?}, cut at {milliseconds} ms");
        }
    }
}

#[test]
fn a_crash_after_the_stock_loses_a_piece() {
    let crashed = |event| {
        move |s: &mut Scenario| {
            s.faults.push(when("store", event, crash(), Duration::from_secs(1)));
        }
    };
    let found =
        shop(Orders::AfterStock).but(crashed("stock-written")).sweep(0..100).must_find(Oversell);
    insta::assert_snapshot!(found.timeline());
    // One transaction keeps the two together, whenever the buyer dies.
    shop(Orders::WithStock).but(crashed("write-taken")).sweep(0..100).must_never(Oversell);
}

#[test]
fn a_buyer_that_starts_again_has_forgotten_the_order_and_makes_others() {
    let crashed = shop(Orders::AfterStock)
        .but(|s| s.faults.push(when("store", "stock-written", crash(), Duration::from_secs(1))));
    let outcomes = (0..100).map(|seed| crashed.run(seed).expect("runs"));
    let lost: Vec<Outcome> = outcomes.filter(|one| one.verdict.books.missing() == 1).collect();
    assert!(!lost.is_empty());
    for outcome in lost {
        let orders = orders_recorded(&outcome);
        assert_eq!(orders.len(), 2, "of three pieces");
        let distinct: BTreeSet<u64> = orders.iter().copied().collect();
        assert_eq!(distinct.len(), orders.len());
        assert_eq!(outcome.verdict.kinds(), BTreeSet::from([Oversell]));
        assert_eq!(outcome.verdict.books.oversold(), 0);
    }
}

#[test]
fn an_order_before_the_stock_is_not_undone_when_the_token_is_refused() {
    let paused = |orders, node, event| {
        shop(orders).but(|s| {
            s.shop.stock = 1;
            s.faults.push(when(node, event, pause(), TTL * 3 / 2));
        })
    };
    let found =
        paused(Orders::BeforeStock, "orders", "order-recorded").sweep(0..100).must_find(Oversell);
    insta::assert_snapshot!(found.timeline());
    // The store that checks the token keeps its own books straight.
    paused(Orders::WithStock, "buyer-1", "stock-seen").sweep(0..100).must_never(Oversell);
}

#[test]
fn a_store_without_a_mark_takes_the_order_of_a_holder_that_was() {
    let paused = || {
        shop(Orders::AfterStock)
            .but(|s| s.faults.push(when("store", "stock-written", pause(), TTL * 3 / 2)))
    };
    paused().sweep(0..100).must_find(StaleWrite);
    paused().sweep(0..100).must_never(Oversell);
}
