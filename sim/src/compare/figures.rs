//! Figures in a few characters: a point is put into integers, nothing is computed with fractions.

use super::column::Clients;
use super::quiet::Load;
use super::report::RowReport;

/// What is not there.
pub const NONE: &str = "–";

/// Thousandths with one place below a hundred, with none above: `0.3`, `12.5`, `734`.
pub fn thousandths(amount: u64) -> String {
    let tenths = amount.saturating_add(50) / 100;
    if tenths < 1_000 {
        format!("{}.{}", tenths / 10, tenths % 10)
    } else {
        (amount.saturating_add(500) / 1_000).to_string()
    }
}

/// The same of something that need not be there.
pub fn thousandths_or_none(amount: Option<u64>) -> String {
    amount.map_or_else(|| NONE.to_owned(), thousandths)
}

/// Thousandths as whole hundredths: `67`. Of all but a few, no more than 99.
pub fn percent(permille: Option<u64>) -> String {
    let whole = |permille: u64| if permille < 1_000 { (permille + 5).min(990) / 10 } else { 100 };
    permille.map_or_else(|| NONE.to_owned(), |permille| whole(permille).to_string())
}

/// The figures of a row, in the order of the table.
pub fn figures(row: &RowReport) -> [String; 15] {
    let load = |clients| row.quiet.load(clients);
    let (alone, eight) = (load(Clients::One), load(Clients::Eight));
    let shown = |load: Option<&Load>, figure: fn(&Load) -> Option<u64>| {
        thousandths_or_none(load.and_then(figure))
    };
    let share = |figure: fn(&Load) -> Option<u64>| percent(eight.and_then(figure));
    let orders = |clients| {
        let orders = |load: &Load| thousandths(load.orders_per_1000_s);
        load(clients).map_or_else(|| NONE.to_owned(), orders)
    };
    let crash = row.quiet.crash.as_ref();
    let longest = match crash {
        Some(crash) if crash.freed < crash.crashes => "never".to_owned(),
        _ => thousandths_or_none(crash.and_then(|crash| crash.free_max_ms)),
    };
    [
        shown(alone, |load| load.wait_p50_us),
        shown(alone, |load| load.messages_per_1000_grants),
        shown(eight, |load| load.wait_p50_us),
        shown(eight, |load| load.wait_p99_us),
        shown(eight, |load| load.messages_per_1000_grants),
        shown(eight, |load| load.wake_ups_per_1000_grants),
        share(|load| load.in_turn_permille),
        share(|load| load.evenness_permille),
        orders(Clients::Two),
        orders(Clients::Eight),
        orders(Clients::ThirtyTwo),
        orders(Clients::OneHundredTwentyEight),
        thousandths_or_none(crash.and_then(|crash| crash.free_p50_ms)),
        longest,
        thousandths_or_none(crash.and_then(|crash| crash.asks_per_1000_s)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        let cases = [(0, "0.0"), (49, "0.0"), (50, "0.1"), (12_449, "12.4"), (99_949, "99.9")];
        for (amount, shown) in cases {
            assert_eq!(thousandths(amount), shown, "{amount}");
        }
        assert_eq!(
            (thousandths(99_950), thousandths(734_500)),
            ("100".to_owned(), "735".to_owned())
        );
        assert_eq!(thousandths_or_none(None), "–");
    }

    #[test]
    fn nearly_all_are_not_all() {
        let shown = [0, 4, 5, 994, 999, 1_000].map(|permille| percent(Some(permille)));
        assert_eq!(shown, ["0", "0", "1", "99", "99", "100"]);
        assert_eq!(percent(None), "–");
    }
}
