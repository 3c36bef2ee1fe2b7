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
    miette!(help = error.remedy(), "{error}")
}
