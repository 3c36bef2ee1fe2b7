//! The tables of the page.

use maud::{Markup, html};

use super::class;
use crate::compare::column::Column;
use crate::compare::figures::figures;
use crate::compare::report::{CompareReport, RowReport};
use crate::compare::text::{numbers, shown};

/// Rows and kinds of faults.
pub fn faults(report: &CompareReport) -> Markup {
    html! {
        div class="wide" {
            table {
                thead {
                    tr {
                        th { "" }
                        @for column in Column::of_faults() { th { (column.as_str()) } }
                    }
                }
                tbody {
                    @for row in &report.rows {
                        tr {
                            th scope="row" title=(row.title) { a href={ "#" (row.name) } { (row.name) } }
                            @for column in Column::of_faults() { (cell(row, column)) }
                        }
                    }
                }
            }
        }
    }
}

fn cell(row: &RowReport, column: Column) -> Markup {
    let said = match row.cell(column) {
        Some(cell) if cell.violating_seeds + cell.failed_seeds > 0 => numbers(cell),
        Some(cell) if cell.is_telling() => format!("none found in {} seeds", cell.seeds),
        Some(_) => "hit nobody".to_owned(),
        None => row.why_empty(column).unwrap_or_default().to_owned(),
    };
    html! { td class=(class(row, column)) title=(said) { (shown(row, column)) } }
}

/// What the locks cost.
pub fn costs(report: &CompareReport) -> Markup {
    let heads = [
        "p50, alone",
        "messages, alone",
        "p50, 8 clients",
        "p99, 8 clients",
        "messages",
        "wake-ups",
        "in turn",
        "even",
        "orders/s, 2",
        "8",
        "32",
        "128",
        "free, p50",
        "longest",
        "asks/s",
    ];
    html! {
        div class="wide" {
            table {
                thead { tr { th { "" } @for head in heads { th { (head) } } } }
                tbody {
                    @for row in &report.rows {
                        tr {
                            th scope="row" title=(row.title) { (row.name) }
                            @for figure in figures(row) { td class="number" { (figure) } }
                        }
                    }
                }
            }
        }
    }
}

fn first_of(row: &RowReport) -> Option<[String; 2]> {
    let first = row.first.as_ref()?;
    let most = || format!("more than {}", first.seeds_at_most);
    let median = first.median.map_or_else(most, |median| median.to_string());
    Some([median, format!("{} of {}", first.found, first.hunts)])
}

/// How soon hunts find two holders.
pub fn first(report: &CompareReport) -> Markup {
    html! {
        div class="wide" {
            table {
                thead {
                    tr { th { "" } th { "median" } th { "found by" } th { "the first hunt" } }
                }
                tbody {
                    @for row in &report.rows {
                        @if let (Some([median, found]), Some(first)) = (first_of(row), &row.first) {
                            tr {
                                th scope="row" { (row.name) }
                                td class="number" { (median) }
                                td class="number" { (found) }
                                td { code { (first.replay) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
