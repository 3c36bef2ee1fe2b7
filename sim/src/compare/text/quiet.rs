//! The tables without faults, and the seeds to the first `two-holders`.

use std::fmt::{self, Write};

use anstyle::Style;

use crate::compare::figures::figures;
use crate::compare::report::{CompareReport, RowReport};
use crate::report::paint::Painter;
use crate::report::words::count;

/// What the figures of a row are called, with the widths of their columns. Two lines: what they are figures of,
/// and the figures.
const HEAD: [&str; 2] = [
    "alone     8 clients                     orders per second with  crashed holder",
    "p50  msgs p50  p99  msgs wake turn even 2    8    32   128  free max  asks",
];

/// What the locks cost.
pub fn write<W: Write>(painter: &mut Painter<'_, W>, report: &CompareReport) -> fmt::Result {
    painter.paragraph("", Style::new().bold(), "What the locks cost where nothing goes wrong")?;
    painter.paragraph("", Style::new(), about())?;
    painter.end_line()?;
    let names = report.rows.iter().map(|row| row.name.len()).max().unwrap_or_default() + 1;
    for line in HEAD {
        painter.styled(Style::new().dimmed(), &format!("{:names$}{line}\n", ""))?;
    }
    for row in &report.rows {
        painter.plain(&format!("{:names$}{}\n", row.name, line(row).trim_end()))?;
    }
    painter.end_line()?;
    first(painter, report, names)
}

/// What the figures mean.
pub const fn about() -> &'static str {
    "In simulated time. p50 and p99: milliseconds from when a client begins to wait until it has the lock. \
     msgs: messages for each grant, but for the shop's and what servers say to each other anyway. wake: how \
     often a client asks again while it waits. turn: of the grants that others waited for, how many in a \
     hundred went to whoever had waited longest. even: Jain's index of the clients' grants, of a hundred. \
     free: seconds from a holder's crash until somebody else has the lock, half of the time no longer; max: the \
     longest; asks: how often each who waits asks again in a second of that. Cells: 1-client, 8-clients and so on, crashed-holder."
}

fn line(row: &RowReport) -> String {
    let figures = figures(row);
    figures.map(|figure| format!("{figure:<4}")).join(" ")
}

/// How soon hunts find two holders.
fn first<W: Write>(
    painter: &mut Painter<'_, W>,
    report: &CompareReport,
    names: usize,
) -> fmt::Result {
    painter.paragraph("", Style::new().bold(), "How many seeds to the first two-holders")?;
    let hunts = report.rows.iter().find_map(|row| row.first.as_ref());
    let Some(hunts) = hunts else { return painter.plain("No row has a lock.\n") };
    let about = format!(
        "The median of {} in the cell `mixed`, each in up to {} of its own.",
        count(hunts.hunts, "hunt", "hunts"),
        count(hunts.seeds_at_most, "seed", "seeds"),
    );
    painter.paragraph("", Style::new(), &about)?;
    painter.end_line()?;
    for row in &report.rows {
        let Some(first) = &row.first else { continue };
        let median = first.median.map_or_else(
            || format!("more than {}", first.seeds_at_most),
            |median| median.to_string(),
        );
        let found = format!("found by {} of {}", first.found, first.hunts);
        painter.plain(&format!("{:names$}{median:14}{found}\n", row.name))?;
    }
    painter.end_line()?;
    painter.plain("  fencepost compare --cell ROW:mixed --out cell.toml\n")?;
    let range = format!("{}..{}", report.seeds.start, report.seeds.start + hunts.seeds_at_most);
    painter.plain(&format!("  fencepost hunt cell.toml --seeds {range}\n"))
}
