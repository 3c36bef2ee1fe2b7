//! A comparison as a page to read.

mod quiet;

pub(super) use self::quiet::about as about_costs;

use std::fmt::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::compare::cell::{Cell, letter};
use crate::compare::column::Column;
use crate::compare::report::{CompareReport, RowReport};
use crate::hunt::wilson;
use crate::judge::ViolationKind;
use crate::report::paint::{PAGE_WIDTH, Painter};
use crate::report::words::count;
use crate::seeds::show_range;

/// How to show a comparison.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextOptions {
    /// With terminal colours.
    pub colour: bool,
}

/// A comparison as a page: a table of letters, then each row in numbers.
pub fn text(report: &CompareReport, options: &TextOptions) -> String {
    let mut page = String::new();
    let mut painter = Painter { out: &mut page, colour: options.colour, width: PAGE_WIDTH };
    // Writing into a string cannot fail.
    let _ = write(&mut painter, report);
    page
}

fn write<W: Write>(painter: &mut Painter<'_, W>, report: &CompareReport) -> fmt::Result {
    let bold = Style::new().bold();
    painter.paragraph("", bold, "Which fault breaks which lock")?;
    painter.paragraph("", Style::new(), &about_faults(report))?;
    painter.end_line()?;
    table(painter, report)?;
    painter.end_line()?;
    legend(painter)?;
    for row in &report.rows {
        painter.end_line()?;
        details(painter, report, row)?;
    }
    painter.end_line()?;
    painter.paragraph("", bold, "To see a cell's first seed")?;
    painter.plain("  fencepost compare --cell ROW:COLUMN --out cell.toml\n")?;
    painter.plain("  fencepost run cell.toml --seed N\n\n")?;
    quiet::write(painter, report)?;
    painter.end_line()?;
    guide(painter, report)
}

/// The selection guide, each sentence with the cells that it rests on.
fn guide<W: Write>(painter: &mut Painter<'_, W>, report: &CompareReport) -> fmt::Result {
    painter.paragraph("", Style::new().bold(), "Which one to take")?;
    let about = "Each sentence rests on the cells behind it, and is here because they say so; what was not \
                 found in so many seeds may be found in more.";
    painter.paragraph("", Style::new(), about)?;
    for sentence in &report.advice {
        painter.end_line()?;
        painter.paragraph("- ", Style::new(), &sentence.text)?;
        painter.paragraph("  ", Style::new().dimmed(), &format!("[{}]", sentence.rests_on()))?;
    }
    Ok(())
}

pub(super) fn about_faults(report: &CompareReport) -> String {
    let seeds = report.seeds.end.saturating_sub(report.seeds.start);
    format!(
        "{} in every cell ({}), {} buyers, leases and sessions of {} s. A run has up to 3 faults of \
         the column's kind, in `calm` none, in `mixed` up to 6 of all of the row's kinds; `fenced` is the \
         same with a store that checks tokens on reads and writes. Where none of {seeds} seeds shows a \
         violation, {} of all seeds still may (95 % interval).",
        count(seeds, "seed", "seeds"),
        show_range(&report.seeds),
        report.buyers,
        report.lease_ms / 1_000,
        at_most(seeds),
    )
}

/// How many of all seeds may show what none of so many has shown.
#[expect(clippy::float_arithmetic, reason = "statistics to print: no run depends on them")]
fn at_most(seeds: u64) -> String {
    format!("up to {:.1} %", wilson(0, seeds).high * 100.0)
}

/// The rows and the columns, a few letters in each cell.
fn table<W: Write>(painter: &mut Painter<'_, W>, report: &CompareReport) -> fmt::Result {
    let names = report.rows.iter().map(|row| row.name.len()).max().unwrap_or_default() + 1;
    let columns: Vec<(Column, usize)> =
        Column::of_faults().map(|column| (column, width(report, column))).collect();
    let mut head = format!("{:names$}", "");
    for (column, width) in &columns {
        write!(head, " {:<width$}", column.short())?;
    }
    painter.styled(Style::new().dimmed(), head.trim_end())?;
    painter.end_line()?;
    for row in &report.rows {
        painter.plain(&format!("{:names$}", row.name))?;
        for (place, (column, width)) in columns.iter().enumerate() {
            let shown = shown(row, *column);
            let is_last = place + 1 == columns.len();
            let width = if is_last { 0 } else { *width };
            let is_bad = shown.contains(|letter: char| letter.is_alphabetic());
            let style = if is_bad { AnsiColor::Red.on_default() } else { Style::new() };
            painter.plain(" ")?;
            painter.styled(style, &format!("{shown:width$}"))?;
        }
        painter.end_line()?;
    }
    Ok(())
}

fn width(report: &CompareReport, column: Column) -> usize {
    let cells = report.rows.iter().map(|row| shown(row, column).chars().count());
    cells.chain([column.short().len()]).max().unwrap_or_default()
}

/// What stands in a cell of the table of letters.
pub(super) fn shown(row: &RowReport, column: Column) -> String {
    let Some(cell) = row.cell(column) else { return "–".to_owned() };
    let mut letters = cell.letters();
    if cell.failed_seeds > 0 {
        letters.push('!');
    }
    match (letters.is_empty(), cell.is_telling()) {
        (false, _) => letters,
        (true, true) => "·".to_owned(),
        (true, false) => "?".to_owned(),
    }
}

fn legend<W: Write>(painter: &mut Painter<'_, W>) -> fmt::Result {
    let kinds = ViolationKind::ALL.map(|kind| format!("{} {kind}", letter(kind)));
    let letters = format!(
        "{}; a capital where it was in a tenth of the seeds or more, a small letter where in fewer.",
        kinds.join(", ")
    );
    painter.paragraph("letters   ", Style::new(), &letters)?;
    let signs = "· none found in so many seeds, which is no proof that there is none; ? no fault has hit \
                 anybody, so the cell says nothing; – nothing that could be run; ! seeds without a run to \
                 judge.";
    painter.paragraph("signs     ", Style::new(), signs)?;
    let columns: Vec<String> =
        Column::of_faults().map(|column| format!("{} {column}", column.short())).collect();
    painter.paragraph("columns   ", Style::new(), &format!("{}.", columns.join(", ")))
}

/// A row in numbers.
fn details<W: Write>(
    painter: &mut Painter<'_, W>,
    report: &CompareReport,
    row: &RowReport,
) -> fmt::Result {
    painter.styled(Style::new().bold(), &format!("{:<22}", row.name))?;
    painter.plain(&format!("{}\n", row.title))?;
    let (found, nothing): (Vec<&Cell>, Vec<&Cell>) =
        row.cells.iter().partition(|cell| cell.violating_seeds + cell.failed_seeds > 0);
    for (numbers, columns) in grouped(found) {
        let (first, others) = columns.split_first().map_or(("", &[][..]), |(one, all)| (*one, all));
        let same = match others {
            [] => String::new(),
            _ => format!("; the same under {}", others.join(", ")),
        };
        painter.paragraph(&label(first), Style::new(), &format!("{numbers}{same}"))?;
    }
    let (fired, silent): (Vec<&Cell>, Vec<&Cell>) =
        nothing.into_iter().partition(|cell| cell.is_telling());
    let seeds = report.seeds.end.saturating_sub(report.seeds.start);
    let none = format!("none in {}", count(seeds, "seed", "seeds"));
    list(painter, &none, fired.iter().map(|cell| cell.cell.column))?;
    list(painter, "hit nobody", silent.iter().map(|cell| cell.cell.column))?;
    let mut reasons: Vec<&str> = row.empty.iter().map(|gap| gap.why.as_str()).collect();
    reasons.dedup();
    for why in reasons {
        let columns = row.empty.iter().filter(|gap| gap.why == why).map(|gap| gap.what);
        list(painter, why, columns)?;
    }
    for gap in &row.unjudged {
        painter.paragraph(
            &label("not judged"),
            Style::new(),
            &format!("{}: {}", gap.what, gap.why),
        )?;
    }
    Ok(())
}

/// Cells with the same numbers together, in the order of the first of them.
fn grouped(cells: Vec<&Cell>) -> Vec<(String, Vec<&'static str>)> {
    let mut groups: Vec<(String, Vec<&'static str>)> = Vec::new();
    for cell in cells {
        let (numbers, column) = (numbers(cell), cell.cell.column.as_str());
        match groups.iter_mut().find(|(others, _)| *others == numbers) {
            Some((_, columns)) => columns.push(column),
            None => groups.push((numbers, vec![column])),
        }
    }
    groups
}

/// `two-holders 12 (first seed 17), oversell 3 (40)`.
pub(super) fn numbers(cell: &Cell) -> String {
    let mut parts = Vec::new();
    for (kind, seeds) in &cell.violations_by_kind {
        let first = cell.first.get(kind).map(u64::to_string).unwrap_or_default();
        let seed = if parts.is_empty() { "first seed " } else { "" };
        parts.push(format!("{kind} {seeds} ({seed}{first})"));
    }
    if let Some(failure) = &cell.failure {
        let failed = count(cell.failed_seeds, "seed", "seeds");
        parts.push(format!("{failed} failed ({}: {})", failure.seed, failure.message));
    }
    parts.join(", ")
}

fn list<W: Write>(
    painter: &mut Painter<'_, W>,
    first: &str,
    columns: impl Iterator<Item = Column>,
) -> fmt::Result {
    let columns: Vec<&str> = columns.map(Column::as_str).collect();
    if columns.is_empty() {
        return Ok(());
    }
    painter.paragraph(&label(first), Style::new(), &columns.join(", "))
}

fn label(text: &str) -> String {
    format!("  {text:<20}")
}
