//! What a run is about, in a line: the lock, the shop, the seed.

use fencepost_models::shop::Orders;
use fencepost_models::shop::buyer::{BuyerSettings, LeaseCheck};

use super::words;
use crate::scenario::{Backend, Recipe, Scenario, Shop};

/// `lock set-nx on redis, lease 10s, fencing off; 1 piece for 2 buyers; seed 7`.
pub fn setting(scenario: &Scenario, seed: u64) -> String {
    let fencing = match scenario.shop.fencing {
        fencepost_models::shop::Fencing::Off => "fencing off",
        fencepost_models::shop::Fencing::Writes => "fencing on writes",
        fencepost_models::shop::Fencing::ReadsAndWrites => "fencing on reads and writes",
    };
    format!(
        "{}, {fencing}; {} for {}{}{}; seed {}",
        lock(scenario),
        words::count(scenario.shop.stock, "piece", "pieces"),
        words::count(u64::from(scenario.shop.buyers), "buyer", "buyers"),
        processes(scenario),
        habits(scenario),
        seed,
    )
}

/// What the shop and its buyers do beyond the usual, and who else is there.
fn habits(scenario: &Scenario) -> String {
    let Shop { order_id, buyer: BuyerSettings { retries, lease_check, orders, .. }, .. } =
        &scenario.shop;
    let retries = u64::from(*retries);
    let habits = [
        match lease_check {
            LeaseCheck::None => None,
            LeaseCheck::BeforeWrite => Some("a look at the lease before each write".to_owned()),
            LeaseCheck::Throughout => Some("no work beyond the lease".to_owned()),
        },
        (retries > 0).then(|| words::count(retries, "retry", "retries")),
        order_id.then(|| "orders known by an id".to_owned()),
        match orders {
            Orders::WithStock => None,
            Orders::AfterStock => Some("orders recorded elsewhere, after the stock".to_owned()),
            Orders::BeforeStock => Some("orders recorded elsewhere, before the stock".to_owned()),
        },
        scenario.load.as_ref().map(|load| {
            let keys = words::count(u64::from(load.keys_per_second), "key", "keys");
            format!("{keys} of somebody else's each second")
        }),
    ];
    habits.into_iter().flatten().map(|habit| format!(", {habit}")).collect()
}

/// The lock, where it lives and how long a grant lasts: `lock set-nx on redis, lease 10s`.
fn lock(scenario: &Scenario) -> String {
    let recipe = &scenario.lock;
    let name = recipe.as_str();
    if *recipe == Recipe::None {
        return "no lock".to_owned();
    }
    if !recipe.is_lock() {
        return format!("no lock, {name}");
    }
    let backend = scenario.backend.as_ref().map(|one| format!(" on {}", one.as_str()));
    let backend = backend.unwrap_or_default();
    let lease = recipe.lease().map(|lease| format!(", lease {}", fencepost_faults::show(lease)));
    format!("lock {name}{backend}{}", lease.unwrap_or_default())
}

/// In how many processes the buyers are, where they are not one each: ` in 2 processes`.
fn processes(scenario: &Scenario) -> String {
    match scenario.backend {
        Some(Backend::Memory { processes }) => {
            format!(" in {}", words::count(u64::from(processes), "process", "processes"))
        }
        _ => String::new(),
    }
}
