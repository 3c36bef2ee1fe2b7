//! What the pages look like.

use super::*;
use crate::hunt::{FailedSeed, FailureKind};

#[test]
fn the_page() {
    let page = text(&REPORT, &TextOptions::default());
    for line in page.lines().filter(|line| !line.starts_with("  fencepost")) {
        assert!(line.chars().count() <= 100, "{line}");
    }
    insta::assert_snapshot!(page);
    let coloured = text(&REPORT, &TextOptions { colour: true });
    assert!(coloured.contains("\u{1b}["));
}

#[test]
fn the_object() {
    let mut report = REPORT.clone();
    report.rows.retain(|row| row.name == "set-nx");
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).expect("JSON"));
}

/// A cell that failed, one that hit nobody, and a name as nobody should have.
fn odd() -> CompareReport {
    let mut report = REPORT.clone();
    report.rows.retain(|row| row.name == "redlock");
    let row = &mut report.rows[0];
    row.title = "<b>a & b</b>";
    row.cells[1].failed_seeds = 1;
    row.cells[1].failure = Some(FailedSeed {
        seed: 2,
        kind: FailureKind::Panic,
        message: "<script>alert(1)</script>".to_owned(),
        at: None,
    });
    row.cells[2].violations_by_kind.clear();
    row.cells[2].violating_seeds = 0;
    row.cells[2].fired.clear();
    report
}

#[test]
fn what_failed_and_what_hit_nobody_is_told() {
    let page = text(&odd(), &TextOptions::default());
    let line = page.lines().find(|line| line.starts_with("redlock ")).expect("a row");
    let cells: Vec<&str> = line.split_whitespace().collect();
    assert!(cells[2].ends_with('!') && cells[3] == "?", "{line}");
    assert!(page.contains("1 seed failed (2: <script>"), "{page}");
    assert!(page.contains("hit nobody          crash"), "{page}");
    assert_eq!(odd().failed_seeds(), 1);
}

#[test]
fn the_html_page_is_whole_and_nothing_in_it_is_taken_for_markup() {
    let page = html(&odd());
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
    assert!(page.contains("&lt;b&gt;a &amp; b&lt;/b&gt;") && !page.contains("<b>a & b"), "{page}");
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
    for elsewhere in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
    for needed in ["name=\"viewport\"", "prefers-color-scheme: dark", "overflow-x: auto"] {
        assert!(page.contains(needed), "{needed}");
    }
}

#[test]
fn the_html_page_has_every_cell_and_every_sentence() {
    let page = html(&REPORT);
    for cell in REPORT.rows.iter().flat_map(|row| &row.cells) {
        let is_found = cell.violating_seeds > 0;
        assert_eq!(page.contains(&format!("id=\"{}\"", cell.cell)), is_found, "{}", cell.cell);
        let replay = cell.replay.as_ref().map(|replay| replay.replace('&', "&amp;"));
        assert!(replay.is_none_or(|replay| page.contains(&replay)), "{}", cell.cell);
    }
    for sentence in &REPORT.advice {
        assert!(page.contains(&sentence.rests_on()), "{}", sentence.text);
    }
}
