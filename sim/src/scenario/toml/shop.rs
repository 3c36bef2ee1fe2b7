//! `[shop]`: what the lock protects, and who buys there.

use std::fmt::{self, Write as _};

use fencepost_faults::toml::{MAX_DURATION, Table, string};
use fencepost_models::shop::Fencing;
use fencepost_models::shop::buyer::BuyerSettings;

use super::{INSTANT, ZERO, set, set_duration, write_duration, write_range};
use crate::scenario::Shop;

/// More orders than any run has time for.
const MAX_STOCK: u64 = 1_000_000_000;

const FENCING_MODES: [(&str, Fencing); 3] = [
    ("off", Fencing::Off),
    ("writes", Fencing::Writes),
    ("reads-and-writes", Fencing::ReadsAndWrites),
];

/// Reads the shop; `None` when it is not known then how many buyers there are.
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
    read_buyer(&mut table, &mut shop.buyer);
    table.finish();
    (buyers != Some(None)).then_some(())
}

fn read_buyer(table: &mut Table<'_>, buyer: &mut BuyerSettings) {
    for (key, range) in [("work", &mut buyer.work), ("browse", &mut buyer.browse)] {
        set(range, table.get(key).and_then(|value| value.duration_range(ZERO..=MAX_DURATION)));
    }
    set_duration(table, "store_timeout", INSTANT, &mut buyer.store_timeout);
}

pub(super) fn write_shop(out: &mut String, shop: &Shop) -> fmt::Result {
    let fencing = match shop.fencing {
        Fencing::Off => "off",
        Fencing::Writes => "writes",
        Fencing::ReadsAndWrites => "reads-and-writes",
    };
    let (stock, buyers) = (shop.stock, shop.buyers);
    writeln!(out, "\n[shop]\nstock = {stock}\nbuyers = {buyers}\nfencing = {}", string(fencing))?;
    let (buyer, defaults) = (&shop.buyer, BuyerSettings::default());
    write_range(out, "work", buyer.work, defaults.work)?;
    write_range(out, "browse", buyer.browse, defaults.browse)?;
    write_duration(out, "store_timeout", buyer.store_timeout, defaults.store_timeout)
}
