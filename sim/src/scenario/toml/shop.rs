//! `[shop]`: what the lock protects, and who buys there.

use std::fmt::{self, Write as _};

use fencepost_faults::toml::{MAX_DURATION, Table, string};
use fencepost_models::shop::buyer::{BuyerSettings, LeaseCheck};
use fencepost_models::shop::{Fencing, Orders};

use super::{INSTANT, ZERO, duration, set, set_duration, write_duration, write_range};
use crate::scenario::Shop;

/// More orders than any run has time for.
const MAX_STOCK: u64 = 1_000_000_000;

const FENCING_MODES: [(&str, Fencing); 3] = [
    ("off", Fencing::Off),
    ("writes", Fencing::Writes),
    ("reads-and-writes", Fencing::ReadsAndWrites),
];

/// More retries than any client makes.
const MAX_RETRIES: u32 = 1_000;

const LEASE_CHECKS: [(&str, LeaseCheck); 3] = [
    ("none", LeaseCheck::None),
    ("before-write", LeaseCheck::BeforeWrite),
    ("throughout", LeaseCheck::Throughout),
];

const ORDERS: [(&str, Orders); 3] = [
    ("with-stock", Orders::WithStock),
    ("after-stock", Orders::AfterStock),
    ("before-stock", Orders::BeforeStock),
];

/// Reads the shop; `None` when it is not known then which buyers and stores there are.
pub(super) fn read_shop(root: &mut Table<'_>, shop: &mut Shop) -> Option<()> {
    let Some(section) = root.get("shop") else {
        return Some(());
    };
    let mut table = section.table()?;
    let stock = table.get("stock").and_then(|stock| stock.integer(0..=MAX_STOCK));
    let buyers = table.get("buyers").map(|buyers| buyers.integer(1..=Shop::MAX_BUYERS));
    let fencing = table.get("fencing");
    let fencing = fencing.and_then(|mode| mode.one_of("fencing mode", &FENCING_MODES));
    set(&mut shop.stock, stock);
    set(&mut shop.buyers, buyers.flatten());
    set(&mut shop.fencing, fencing);
    set(&mut shop.order_id, table.get("order_id").and_then(|value| value.boolean()));
    let orders = table.get("orders").map(|orders| orders.one_of("place for orders", &ORDERS));
    set(&mut shop.buyer.orders, orders.flatten());
    let opens = table.get("opens").and_then(|opens| opens.duration(ZERO..=MAX_DURATION));
    shop.opens = opens.or(shop.opens);
    read_buyer(&mut table, &mut shop.buyer);
    table.finish();
    (buyers != Some(None) && orders != Some(None)).then_some(())
}

fn read_buyer(table: &mut Table<'_>, buyer: &mut BuyerSettings) {
    for (key, range) in [("work", &mut buyer.work), ("browse", &mut buyer.browse)] {
        set(range, table.get(key).and_then(|value| value.duration_range(ZERO..=MAX_DURATION)));
    }
    set_duration(table, "store_timeout", INSTANT, &mut buyer.store_timeout);
    set(
        &mut buyer.retries,
        table.get("retries").and_then(|retries| retries.integer(0..=MAX_RETRIES)),
    );
    let check = table.get("lease_check");
    let check = check.and_then(|check| check.one_of("lease check", &LEASE_CHECKS));
    set(&mut buyer.lease_check, check);
    set(&mut buyer.reenters, table.get("reenters").and_then(|value| value.boolean()));
}

pub(super) fn write_shop(out: &mut String, shop: &Shop) -> fmt::Result {
    let (stock, buyers) = (shop.stock, shop.buyers);
    let fencing = name_of(&FENCING_MODES, shop.fencing);
    writeln!(out, "\n[shop]\nstock = {stock}\nbuyers = {buyers}\nfencing = {fencing}")?;
    if shop.order_id {
        writeln!(out, "order_id = true")?;
    }
    if let Some(opens) = shop.opens {
        writeln!(out, "opens = {}", duration(opens))?;
    }
    let (buyer, defaults) = (&shop.buyer, BuyerSettings::default());
    if buyer.orders != defaults.orders {
        writeln!(out, "orders = {}", name_of(&ORDERS, buyer.orders))?;
    }
    write_range(out, "work", buyer.work, defaults.work)?;
    write_range(out, "browse", buyer.browse, defaults.browse)?;
    write_duration(out, "store_timeout", buyer.store_timeout, defaults.store_timeout)?;
    if buyer.retries != defaults.retries {
        writeln!(out, "retries = {}", buyer.retries)?;
    }
    if buyer.lease_check != defaults.lease_check {
        writeln!(out, "lease_check = {}", name_of(&LEASE_CHECKS, buyer.lease_check))?;
    }
    if buyer.reenters {
        writeln!(out, "reenters = true")?;
    }
    Ok(())
}

/// The word for a value, in quotes.
fn name_of<T: PartialEq>(names: &[(&str, T)], value: T) -> String {
    let name = names.iter().find(|(_, named)| *named == value);
    string(name.map_or("", |(name, _)| *name))
}
