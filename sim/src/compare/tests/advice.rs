//! Sentences rest on cells.

use super::*;
use crate::compare::advice::advise;

/// What is said when the cells are others.
fn said(change: impl FnOnce(&mut CompareReport)) -> Vec<String> {
    let mut report = REPORT.clone();
    change(&mut report);
    advise(&report).into_iter().map(|sentence| sentence.text).collect()
}

fn cells_of(report: &mut CompareReport, column: Column) -> impl Iterator<Item = &mut Cell> {
    let cells = report.rows.iter_mut().flat_map(|row| &mut row.cells);
    cells.filter(move |cell| cell.cell.column == column)
}

/// Whether one of them begins so.
fn has(said: &[String], start: &str) -> bool {
    said.iter().any(|text| text.starts_with(start))
}

const PAUSE: Column = Column::Kind(fencepost_faults::FaultKind::Pause);

#[test]
fn every_sentence_names_cells_that_are_there() {
    assert!(REPORT.advice.len() > 8, "{:?}", REPORT.advice);
    for Sentence { text, cells } in &REPORT.advice {
        assert!(!cells.is_empty(), "{text}");
        for cell in cells {
            assert!(scenario_of(&rows(), &cell.to_string()).is_ok(), "{cell} of: {text}");
            let row = REPORT.row(&cell.row).expect("a measured row");
            let quiet = row.quiet.loads.iter().map(|load| &load.cell);
            let quiet = quiet.chain(row.quiet.crash.as_ref().map(|crash| &crash.cell));
            let measured = row.cells.iter().map(|measured| &measured.cell).chain(quiet);
            assert!(measured.clone().any(|measured| measured == cell), "{cell} of: {text}");
        }
        assert!(!text.contains("safe") && !text.contains("never"), "{text}");
    }
}

#[test]
fn a_sentence_is_gone_when_its_cells_say_otherwise() {
    let all = said(|_| ());
    assert_eq!(all, REPORT.advice.iter().map(|one| one.text.clone()).collect::<Vec<_>>());
    for start in ["If the store can check", "A lock has to be shared", "Against busy waiting"] {
        assert!(has(&all, start), "{start}: {all:?}");
    }
    let oversold = said(|report| {
        let row = report.rows.iter_mut().find(|row| row.name == "conditional-update");
        let cell = row.and_then(|row| row.cells.first_mut()).expect("a cell");
        cell.violations_by_kind.insert(Oversell, 1);
    });
    assert!(!has(&oversold, "If the store can check"));
    let shared =
        said(|report| cells_of(report, Column::Calm).for_each(|c| c.violations_by_kind.clear()));
    assert!(!has(&shared, "A lock has to be shared"));
    let quiet = said(|report| report.rows.iter_mut().for_each(|row| row.quiet.crash = None));
    assert!(!has(&quiet, "Against busy waiting"));
}

#[test]
fn pauses_are_blamed_for_what_they_do_alone() {
    let pauses = "Do not count on a lock alone";
    let one = |cell: &mut Cell| {
        cell.violations_by_kind.insert(TwoHolders, 1);
    };
    let broken = said(|report| cells_of(report, PAUSE).for_each(one));
    let sentence = broken.iter().find(|text| text.starts_with(pauses)).expect("said");
    assert!(sentence.contains("set-nx in 1") && !sentence.contains("jvm-2"), "{sentence}");
    assert!(!has(&broken, "The same pauses"), "there is none that they did not break");
    let whole = said(|report| cells_of(report, PAUSE).for_each(|c| c.violations_by_kind.clear()));
    assert!(!has(&whole, pauses));
}

#[test]
fn what_hit_nobody_and_what_was_not_judged_says_nothing() {
    let pauses = ["Do not count on a lock alone", "The same pauses"];
    let silent = said(|report| cells_of(report, PAUSE).for_each(|cell| cell.fired.clear()));
    let failed = said(|report| cells_of(report, PAUSE).for_each(|cell| cell.failed_seeds = 1));
    for said in [silent, failed] {
        assert!(!pauses.iter().any(|start| has(&said, start)), "{said:?}");
    }
}

#[test]
fn fencing_is_advised_where_it_left_nothing_and_not_where_it_did() {
    let counts = |report: &mut CompareReport, mixed: u64, fenced: u64| {
        let of = |column| if column == Column::Mixed { mixed } else { fenced };
        for column in [Column::Mixed, Column::Fenced] {
            cells_of(report, column).for_each(|cell| {
                cell.violations_by_kind = [(Oversell, of(column))].into();
                cell.violations_by_kind.retain(|_, seeds| *seeds > 0);
            });
        }
    };
    let fence = "Have the store check a fencing token";
    assert!(has(&said(|report| counts(report, 2, 0)), fence));
    assert!(!has(&said(|report| counts(report, 2, 1)), fence));
    assert!(!has(&said(|report| counts(report, 0, 0)), fence), "there was nothing to cure");
}

#[test]
fn differences_that_chance_would_make_are_none() {
    let deletes = |bare: u64, compared: u64| {
        let kind = ViolationKind::ForeignRelease;
        said(|report| {
            let row = report.rows.iter().find(|row| row.name == "set-nx").expect("a row").clone();
            let mut other = RowReport { name: "set-nx-plain-del", ..row };
            for cell in &mut other.cells {
                cell.cell.row = other.name.to_owned();
            }
            report.rows.push(other);
            for (row, seeds) in [("set-nx-plain-del", bare), ("set-nx", compared)] {
                let row = report.rows.iter_mut().find(|found| found.name == row).expect("a row");
                for cell in &mut row.cells {
                    cell.violations_by_kind.remove(&kind);
                }
                row.cells[0].violations_by_kind.insert(kind, seeds);
            }
        })
    };
    let start = "Release by compare-and-delete";
    assert!(has(&deletes(4, 0), start) && has(&deletes(30, 10), start));
    assert!(!has(&deletes(3, 0), start) && !has(&deletes(12, 8), start));
    assert!(!has(&deletes(0, 9), start));
}

#[test]
fn cells_are_named_in_groups() {
    let cell =
        |(row, column): &(&str, Column)| CellName { row: (*row).to_owned(), column: *column };
    let cells = [("a", PAUSE), ("b", PAUSE), ("a", Column::Mixed), ("b", Column::Mixed)];
    let sentence = Sentence { text: String::new(), cells: cells.iter().map(cell).collect() };
    assert_eq!(sentence.rests_on(), "a, b: pause, mixed");
    let sentence = Sentence { text: String::new(), cells: cells[1..].iter().map(cell).collect() };
    assert_eq!(sentence.rests_on(), "b: pause; a, b: mixed");
}
