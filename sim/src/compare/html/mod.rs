//! A comparison as one page for a browser: nothing is fetched, and no script runs.

mod tables;

use maud::{Markup, html};

use super::cell::{Cell, letter};
use super::column::Column;
use super::report::{CompareReport, RowReport};
use super::text::{about_costs, about_faults, numbers};
use crate::judge::ViolationKind;
use crate::web;

const STYLE: &str = include_str!("page.css");

/// A comparison as an HTML page.
pub fn html(report: &CompareReport) -> String {
    let title = "fencepost: which fault breaks which lock";
    let body = html! {
        h1 { "Which fault breaks which lock" }
        p { (about_faults(report)) }
        (tables::faults(report))
        (letters())
        h2 id="rows" { "In numbers" }
        p { "Each command shows the first seed with a violation." }
        @for row in &report.rows { (details(row)) }
        h2 { "What the locks cost where nothing goes wrong" }
        p { (about_costs()) }
        (tables::costs(report))
        h2 { "How many seeds to the first two-holders" }
        (tables::first(report))
        h2 { "Which one to take" }
        (guide(report))
    };
    web::page(title, STYLE, &body, &Markup::default())
}

fn letters() -> Markup {
    html! {
        p class="dim" {
            @for kind in ViolationKind::ALL { b { (letter(kind)) } " " (kind.as_str()) ", " }
            "a capital where it was in a tenth of the seeds or more, a small letter where in fewer; "
            b { "·" } " none found in so many seeds, which is no proof that there is none; "
            b { "?" } " no fault has hit anybody, so the cell says nothing; "
            b { "–" } " nothing that could be run; "
            b { "!" } " seeds without a run to judge."
        }
    }
}

/// A row's cells in numbers, folded.
fn details(row: &RowReport) -> Markup {
    let found = |cell: &&Cell| cell.violating_seeds + cell.failed_seeds > 0;
    let columns = |cells: Vec<&Cell>| {
        cells.iter().map(|cell| cell.cell.column.as_str()).collect::<Vec<_>>().join(", ")
    };
    let nothing = |fired: bool| {
        let cells = row.cells.iter().filter(|cell| !found(cell) && cell.is_telling() == fired);
        columns(cells.collect())
    };
    let (none, silent) = (nothing(true), nothing(false));
    html! {
        details id=(row.name) {
            summary { b { (row.name) } " " span class="dim" { (row.title) } }
            dl {
                @for cell in row.cells.iter().filter(found) {
                    dt id=(cell.cell.to_string()) { (cell.cell.column.as_str()) }
                    dd {
                        (numbers(cell)) ", of " (cell.seeds) " seeds"
                        @if let Some(replay) = &cell.replay { pre { (replay) } }
                    }
                }
                @if !none.is_empty() {
                    dt { "none found in " (row.cells.first().map_or(0, |cell| cell.seeds)) " seeds each" }
                    dd { (none) }
                }
                @if !silent.is_empty() { dt { "hit nobody" } dd { (silent) } }
                @for gap in &row.empty { dt { (gap.what.as_str()) } dd { (gap.why) } }
                @for gap in &row.unjudged {
                    dt { (gap.what.as_str()) " is not judged" }
                    dd { (gap.why) }
                }
            }
        }
    }
}

fn guide(report: &CompareReport) -> Markup {
    html! {
        p {
            "Each sentence rests on the cells behind it, and is here because they say so; what was not found \
             in so many seeds may be found in more."
        }
        ul {
            @for sentence in &report.advice {
                li {
                    (sentence.text) " "
                    span class="cells" { "[" (sentence.rests_on()) "]" }
                }
            }
        }
    }
}

/// How a cell looks: a class for how often it was violated.
fn class(row: &RowReport, column: Column) -> &'static str {
    let Some(cell) = row.cell(column) else { return "" };
    match cell.violating_seeds {
        0 => "",
        seeds if seeds.saturating_mul(10) >= cell.seeds => "often",
        _ => "rarely",
    }
}
