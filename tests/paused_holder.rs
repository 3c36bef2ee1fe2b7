//! The story that fencepost was first written for: a holder stops, its lease runs out, and it does
//! not know. Told under many seeds, and in Rust rather than in TOML.

use std::time::Duration;

use fencepost::claim::Claims as _;
use fencepost::judge::ViolationKind::{self, Oversell, StaleWrite, TwoHolders};
use fencepost::scenario::{Recipe, Scenario};
use fencepost_faults::{Action, Fault, Start, Trigger};
use fencepost_models::locks::redis::RedisLockSettings;
use fencepost_models::shop::Fencing;

const TTL: Duration = Duration::from_secs(10);

fn flash_sale() -> Scenario {
    Scenario::default().but(|s| {
        s.title = "The flash sale".to_owned();
        s.lock = Recipe::SetNx(RedisLockSettings { ttl: TTL, ..RedisLockSettings::default() });
        s.shop.stock = 3;
        s.shop.buyers = 3;
    })
}

/// buyer-1 stops for so long, right after its first look at the stock.
fn pause_after_the_read(length: Duration) -> Fault {
    let seen = Trigger {
        node: Some("buyer-1".to_owned()),
        event: "stock-seen".to_owned(),
        nth: 1,
        after: Duration::ZERO,
    };
    Fault {
        start: Start::When(seen),
        length: Some(length),
        action: Action::Pause { node: "buyer-1".to_owned() },
    }
}

fn flash_sale_with_a_pause_of(length: Duration) -> Scenario {
    flash_sale().but(|s| s.faults.push(pause_after_the_read(length)))
}

#[test]
fn nobody_is_harmed_while_nothing_goes_wrong() {
    for kind in ViolationKind::ALL {
        flash_sale().sweep(0..300).must_never(kind);
    }
}

#[test]
fn a_pause_shorter_than_the_lease_is_harmless() {
    for kind in ViolationKind::ALL {
        flash_sale_with_a_pause_of(TTL / 2).sweep(0..300).must_never(kind);
    }
}

#[test]
fn a_pause_longer_than_the_lease_hands_one_lock_to_two_holders_and_oversells() {
    let scenario = || flash_sale_with_a_pause_of(TTL * 3 / 2);
    scenario().sweep(0..300).must_find(TwoHolders);
    scenario().sweep(0..300).must_find(StaleWrite);
    let found = scenario().sweep(0..300).must_find(Oversell);
    insta::assert_snapshot!(found.timeline());
}

#[test]
fn tokens_checked_on_reads_and_writes_make_the_same_seeds_harmless() {
    let scenario = || {
        flash_sale_with_a_pause_of(TTL * 3 / 2).but(|s| s.shop.fencing = Fencing::ReadsAndWrites)
    };
    scenario().sweep(0..300).must_never(Oversell);
    scenario().sweep(0..300).must_never(StaleWrite);
}

#[test]
fn no_token_keeps_two_clients_from_believing_that_they_hold_one_lock() {
    flash_sale_with_a_pause_of(TTL * 3 / 2)
        .but(|s| s.shop.fencing = Fencing::ReadsAndWrites)
        .sweep(0..300)
        .must_find(TwoHolders);
}

#[test]
fn the_conditional_update_needs_no_lock() {
    flash_sale_with_a_pause_of(TTL * 3 / 2)
        .but(|s| {
            s.lock = Recipe::ConditionalUpdate;
            // It sees no stock, so nothing would pull the trigger.
            s.faults[0].start = Start::At(Duration::from_millis(2));
        })
        .sweep(0..300)
        .must_never(Oversell);
}
