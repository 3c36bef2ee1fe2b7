//! A store takes an order, its answer is lost, and the buyer's client sends the request again. The lock
//! is held all the while, and nobody is paused: it is the same buyer that writes twice.

use std::time::Duration;

use fencepost::claim::Claims as _;
use fencepost::judge::ViolationKind::{Oversell, StaleWrite, TwoHolders};
use fencepost::scenario::{Recipe, Scenario};
use fencepost_faults::{Action, Fault, Groups, Start, Trigger};
use fencepost_models::shop::Fencing;

/// Whoever's order is taken first does not get to hear of it: its connection breaks.
fn the_first_answer_is_lost() -> Scenario {
    let taken = Trigger {
        node: Some("store".to_owned()),
        event: "write-taken".to_owned(),
        nth: 1,
        after: Duration::ZERO,
    };
    let everybody = Groups { one: vec!["store".to_owned()], other: Vec::new() };
    Scenario::default().but(|s| {
        s.title = "The order that was sent again".to_owned();
        s.shop.stock = 3;
        s.faults.push(Fault {
            start: Start::When(taken),
            length: None,
            action: Action::DropConnection(everybody),
        });
    })
}

fn retried() -> Scenario {
    the_first_answer_is_lost().but(|s| s.shop.buyer.retries = 3)
}

#[test]
fn who_does_not_retry_does_not_know_and_harms_nobody() {
    the_first_answer_is_lost().sweep(0..200).must_never(Oversell);
    let outcome = the_first_answer_is_lost().run(1).expect("runs");
    assert_eq!(outcome.verdict.books.doubled, 0);
    let is_unknown = |kind: &str| kind == "order-unknown";
    assert_eq!(outcome.run.history.notes().filter(|one| is_unknown(one.2.kind())).count(), 1);
}

#[test]
fn a_retried_order_is_sold_twice() {
    let found = retried().sweep(0..200).must_find(Oversell);
    insta::assert_snapshot!(found.timeline());
}

#[test]
fn it_is_sold_twice_under_one_lock_and_one_token() {
    let fenced = || retried().but(|s| s.shop.fencing = Fencing::ReadsAndWrites);
    fenced().sweep(0..200).must_find(Oversell);
    fenced().sweep(0..200).must_never(TwoHolders);
    fenced().sweep(0..200).must_never(StaleWrite);
}

#[test]
fn with_an_order_id_it_is_sold_once() {
    let known = || retried().but(|s| s.shop.order_id = true);
    known().sweep(0..200).must_never(Oversell);
    let outcome = known().run(1).expect("runs");
    let books = outcome.verdict.books;
    assert_eq!((books.sold, books.doubled), (3, 0));
    let repeated = outcome.run.history.notes().filter(|one| one.2.kind() == "order-repeated");
    assert_eq!(repeated.count(), 1, "it was sent twice");
}

#[test]
fn a_conditional_update_sells_a_piece_twice_to_one_buyer_and_its_books_balance() {
    let conditional = || retried().but(|s| s.lock = Recipe::ConditionalUpdate);
    conditional().sweep(0..200).must_never(Oversell);
    let books = |scenario: Scenario| scenario.run(1).expect("runs").verdict.books;
    let charged_twice = books(conditional());
    assert_eq!((charged_twice.surplus(), charged_twice.doubled), (0, 1));
    let cured = books(conditional().but(|s| s.shop.order_id = true));
    assert_eq!((cured.surplus(), cured.doubled, cured.sold), (0, 0, 3));
}
