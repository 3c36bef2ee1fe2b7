//! What an exhaustive search has covered and found, as a page to read.

use std::fmt::Write as _;

use super::ExhaustReport;
use crate::report::paint::wrap;
use crate::report::words::count;

/// The page.
pub fn text(report: &ExhaustReport) -> String {
    let mut page = String::new();
    // Writing into a string cannot fail.
    let _ = write(report, &mut page);
    page
}

fn write(report: &ExhaustReport, page: &mut String) -> std::fmt::Result {
    let ExhaustReport { seed, max_faults, faults, kinds, moments, placements, counts, first } =
        report;
    writeln!(page, "{}", counts.scenario)?;
    writeln!(
        page,
        "covered   {} of {placements} placements: up to {} out of {faults},\n          each right after \
         each of {moments} moments of the run without faults, seed {seed}",
        counts.seeds,
        count(u64::from(*max_faults), "fault", "faults"),
    )?;
    writeln!(page, "kinds     {}", wrap(&kinds.join(", "), 90).join("\n          "))?;
    writeln!(page)?;
    for (kind, number) in &counts.violations_by_kind {
        writeln!(page, "{:<18}{number:>10}  {}", kind.as_str(), shown(report, *kind))?;
    }
    for failure in &counts.failures {
        writeln!(
            page,
            "{:<18}placement {}: {}",
            failure.kind.as_str(),
            failure.seed,
            failure.message
        )?;
    }
    if !first.is_empty() || !counts.failures.is_empty() {
        writeln!(page)?;
    }
    let most = count(u64::from(*max_faults), "fault", "faults");
    let found = match (counts.seeds < *placements, counts.has_findings()) {
        (_, true) => format!(
            "{} violate, {} failed",
            count(counts.violating_seeds, "placement", "placements"),
            counts.failed_seeds
        ),
        (true, false) => "nothing was wrong so far".to_owned(),
        (false, false) => format!(
            "none within that bound: no placement of {most} of this menu violates anything under this seed"
        ),
    };
    let expectation = match counts.is_as_expected() {
        true if counts.expected.is_some() => ", as expected",
        true => "",
        false => ", which is not what is expected",
    };
    writeln!(page, "verdict   {found}{expectation}")?;
    if counts.interrupted {
        writeln!(page, "          interrupted: what comes after is not known")?;
    }
    Ok(())
}

/// The first placement that shows a kind.
fn shown(report: &ExhaustReport, kind: crate::judge::ViolationKind) -> String {
    let Some(first) = report.first.get(&kind) else { return String::new() };
    match first.faults.as_slice() {
        [] => "without any fault".to_owned(),
        faults => format!("first: {}", faults.join("; ")),
    }
}
