//! `fencepost exhaust`.

use std::io::Write as _;

use fencepost::exhaust::{self, Exhaust};
use fencepost::scenario::Scenario;
use miette::{Report, miette};

use super::{Ending, ExhaustArguments, Failed, HuntFormat, output, progress};

pub fn main(arguments: &ExhaustArguments) -> Result<Ending, Failed> {
    let scenario = Scenario::read(&arguments.scenario).map_err(Report::from)?;
    let file = arguments.scenario.display();
    let mut exhaust = Exhaust::of(scenario, arguments.max_faults)
        .map_err(|failure| miette!("{file} could not be run without faults: {failure}"))?;
    if let Some(jobs) = arguments.jobs {
        exhaust = exhaust.jobs(jobs);
    }
    let (report, _) = progress::show(exhaust.placements(), "placements", |progress| {
        exhaust.watch(|so_far| progress(so_far))
    })?;
    output::to_stdout(|out| match arguments.format {
        HuntFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, &report)?;
            out.write_all(b"\n")
        }
        HuntFormat::Text => out.write_all(exhaust::text(&report).as_bytes()),
    })?;
    Ok(match (report.counts.interrupted, report.counts.is_as_expected()) {
        (true, _) => Ending::Interrupted,
        (false, true) => Ending::AsExpected,
        (false, false) => Ending::NotAsExpected,
    })
}
