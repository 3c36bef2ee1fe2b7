//! `fencepost compare`.

use std::io::{self, Write as _};
use std::ops::Range;

use fencepost::compare::{
    self, Compare, CompareError, CompareReport, Row, TextOptions, find_row, scenario_of,
};
use fencepost::seeds;
use miette::{Report, miette};

use super::{CompareArguments, CompareFormat, Ending, Failed, output, progress};

pub fn main(arguments: &CompareArguments) -> Result<Ending, Failed> {
    if let Some(cell) = &arguments.cell {
        return write_cell(arguments, cell);
    }
    let seeds = arguments.seeds.clone().unwrap_or(0..compare::DEFAULT_SEEDS);
    let mut compare = Compare::new(rows(arguments)?, seeds);
    if let Some(jobs) = arguments.jobs {
        compare = compare.jobs(jobs);
    }
    let (compared, _) =
        progress::show(compare.runs(), "runs", |progress| match compare.watch(progress) {
            Err(CompareError::Interrupted) => Ok(None),
            other => other.map(Some),
        })?;
    let Some(report) = compared else {
        eprintln!("{}", CompareError::Interrupted);
        return Ok(Ending::Interrupted);
    };
    print(arguments, &report)?;
    // Violations are what is measured. Runs that fail are nobody's wish.
    Ok(if report.failed_seeds() == 0 { Ending::AsExpected } else { Ending::NotAsExpected })
}

/// The rows that are asked for, in the order of the table.
fn rows(arguments: &CompareArguments) -> Result<Vec<Row>, Report> {
    let mut rows = compare::rows();
    if arguments.rows.is_empty() {
        return Ok(rows);
    }
    for name in &arguments.rows {
        find_row(&rows, name).map_err(|error| miette!("{error}"))?;
    }
    rows.retain(|row| arguments.rows.iter().any(|name| name == row.name));
    Ok(rows)
}

/// The scenario of one cell, as a file.
fn write_cell(arguments: &CompareArguments, cell: &str) -> Result<Ending, Failed> {
    let scenario = scenario_of(&compare::rows(), cell).map_err(|error| miette!("{error}"))?;
    let toml = scenario.to_toml();
    let write = |out: &mut output::Out<'_>| out.write_all(toml.as_bytes());
    match &arguments.out {
        Some(path) => output::to_file(path, write)?,
        None => output::to_stdout(write)?,
    }
    Ok(Ending::AsExpected)
}

fn print(arguments: &CompareArguments, report: &CompareReport) -> Result<(), Report> {
    let write = |out: &mut output::Out<'_>, colour: bool| match arguments.format {
        CompareFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, report)?;
            out.write_all(b"\n")
        }
        CompareFormat::Html => out.write_all(compare::html(report).as_bytes()),
        CompareFormat::Text => {
            out.write_all(compare::text(report, &TextOptions { colour }).as_bytes())
        }
    };
    match &arguments.out {
        Some(path) => output::to_file(path, |out| write(out, false)),
        None => output::to_stdout(|out| write(out, output::wants_colour(&io::stdout()))),
    }
}

/// Reads `--seeds`: `N` for the first N, or `A..B`.
pub fn read_seeds(text: &str) -> Result<Range<u64>, String> {
    let first = text.parse::<u64>().ok().filter(|count| *count > 0).map(|count| 0..count);
    first.or_else(|| seeds::parse_range(text)).ok_or_else(|| {
        "write N, such as 100, for the seeds from 0 up to N, or A..B with A below B".to_owned()
    })
}
