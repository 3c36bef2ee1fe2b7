//! `fencepost merge`.

use std::io::{self, Write as _};

use fencepost::hunt::{self, MergeError, TextOptions};
use miette::{Report, miette};

use super::folder::read_report;
use super::{Ending, Failed, HuntFormat, MergeArguments, output};

pub fn main(arguments: &MergeArguments) -> Result<Ending, Failed> {
    let read = |path: &std::path::PathBuf| {
        read_report(path).map(|report| (path.display().to_string(), report))
    };
    let reports: Result<Vec<_>, Report> = arguments.reports.iter().map(read).collect();
    let merged = hunt::merge(reports?).map_err(explain)?;
    let write = |out: &mut output::Out<'_>, colour: bool| match arguments.format {
        HuntFormat::Json => hunt::json(&merged, None, out),
        HuntFormat::Text => {
            let options = TextOptions { colour, ..TextOptions::default() };
            out.write_all(hunt::text(&merged, &options).as_bytes())
        }
    };
    match &arguments.out {
        Some(path) => output::to_file(path, |out| write(out, false))?,
        None => output::to_stdout(|out| write(out, output::wants_colour(&io::stdout())))?,
    }
    Ok(if merged.is_as_expected() { Ending::AsExpected } else { Ending::NotAsExpected })
}

/// What can be done about it.
fn explain(error: MergeError) -> Report {
    let help = match &error {
        MergeError::Nothing => "name the reports of all shards",
        MergeError::DifferentHunts { .. } => {
            "the shards of a hunt have the scenario, the seeds and the program in common"
        }
        MergeError::Unfinished { .. } => {
            "hunt its seeds again; with the same `--out DIR` the hunt goes on where it was"
        }
        MergeError::Overlap { .. } => "name each shard's report once",
        MergeError::Missing { .. } => {
            "name the reports of all shards; hunt those that are not there"
        }
        MergeError::Untold { .. } => "the same `hunt` command with the same `--out DIR` tells them",
        MergeError::NotShrunk { .. } => "hunt all shards with `--shrink`, or none",
    };
    miette!(help = help, "{error}")
}
