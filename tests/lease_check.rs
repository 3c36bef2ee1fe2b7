//! A buyer that looks at its clock before it writes. The look makes the window smaller, and does not
//! close it: what it says was true when it was taken.

use std::time::Duration;

use fencepost::claim::Claims as _;
use fencepost::judge::ViolationKind::{Oversell, StaleWrite};
use fencepost::scenario::{Recipe, Scenario};
use fencepost_faults::{Action, Fault, Start, Trigger};
use fencepost_models::locks::redis::RedisLockSettings;
use fencepost_models::shop::buyer::LeaseCheck;

const TTL: Duration = Duration::from_secs(10);
const BUYER: &str = "buyer-1";

fn flash_sale() -> Scenario {
    Scenario::default().but(|s| {
        s.title = "The look at the clock".to_owned();
        s.lock = Recipe::SetNx(RedisLockSettings { ttl: TTL, ..RedisLockSettings::default() });
        s.shop.buyers = 3;
        s.shop.buyer.lease_check = LeaseCheck::BeforeWrite;
    })
}

/// buyer-1 stops for so long when it writes that down for the first time.
fn paused_at(event: &str, length: Duration) -> Scenario {
    let trigger = Trigger {
        node: Some(BUYER.to_owned()),
        event: event.to_owned(),
        nth: 1,
        after: Duration::ZERO,
    };
    let pause = Fault {
        start: Start::When(trigger),
        length: Some(length),
        action: Action::Pause { node: BUYER.to_owned() },
    };
    flash_sale().but(|s| s.faults.push(pause))
}

#[test]
fn a_pause_before_the_look_is_seen_and_nothing_is_written() {
    let paused = || paused_at("stock-seen", TTL * 3 / 2);
    paused().sweep(0..200).must_never(Oversell);
    paused().sweep(0..200).must_never(StaleWrite);
    paused().but(|s| s.shop.buyer.lease_check = LeaseCheck::None).sweep(0..200).must_find(Oversell);
}

#[test]
fn a_pause_between_the_look_and_the_write_is_not() {
    let found = paused_at("lease-checked", TTL * 3 / 2).sweep(0..200).must_find(Oversell);
    insta::assert_snapshot!(found.timeline());
}

#[test]
fn a_write_that_is_under_way_for_longer_than_the_lease_was_in_time_when_it_was_sent() {
    let hold = Fault {
        start: Start::At(Duration::ZERO),
        length: Some(TTL * 3 / 2),
        action: Action::HoldMessage {
            from: BUYER.to_owned(),
            to: "store".to_owned(),
            message: Some("write".to_owned()),
        },
    };
    flash_sale().but(|s| s.faults.push(hold)).sweep(0..200).must_find(Oversell);
}

#[test]
fn a_clock_that_runs_slow_believes_for_too_long() {
    let paused = || paused_at("stock-seen", Duration::from_millis(10_500));
    paused().sweep(0..200).must_never(Oversell);
    let slow = Fault {
        start: Start::At(Duration::ZERO),
        length: None,
        action: Action::ClockDrift { node: BUYER.to_owned(), ppm: -100_000 },
    };
    paused().but(|s| s.faults.push(slow)).sweep(0..200).must_find(Oversell);
}
