//! `fencepost hunt`.

use std::io;
use std::num::NonZeroUsize;
use std::ops::Range;

use fencepost::hunt::{self, Hunt, Pace, TextOptions};
use fencepost::scenario::Scenario;
use fencepost::seeds;
use miette::{IntoDiagnostic, Report};

use super::{Ending, Failed, HuntArguments, HuntFormat, output, progress};

/// More threads than this are a slip of the finger.
const MAX_JOBS: usize = 1024;

pub fn main(arguments: &HuntArguments) -> Result<Ending, Failed> {
    let scenario = Scenario::read(&arguments.scenario).map_err(Report::from)?;
    let mut hunt = Hunt::new(scenario.clone(), arguments.seeds.clone());
    if let Some(jobs) = arguments.jobs {
        hunt = hunt.jobs(jobs);
    }
    if arguments.stop_at_first {
        hunt = hunt.stop_at_first();
    }
    let seeds = arguments.seeds.end - arguments.seeds.start;
    let (mut report, elapsed) =
        progress::show(seeds, "seeds", |progress| hunt.watch(|so_far| progress(so_far)))?;
    let pace = Pace { elapsed, jobs: hunt.threads(), seeds_before: 0, simulated_before: std::time::Duration::ZERO };
    if arguments.shrink {
        report.shrink(&scenario).into_diagnostic()?;
    }
    let replay = output::replay(&arguments.scenario);
    output::to_stdout(|out| match arguments.format {
        HuntFormat::Json => hunt::json(&report, Some(pace), out),
        HuntFormat::Text => {
            let colour = output::wants_colour(&io::stdout());
            let options = TextOptions { colour, replay: Some(&replay), pace: Some(pace) };
            io::Write::write_all(out, hunt::text(&report, &options).as_bytes())
        }
    })?;
    Ok(match (report.interrupted, report.is_as_expected()) {
        (true, _) => Ending::Interrupted,
        (false, true) => Ending::AsExpected,
        (false, false) => Ending::NotAsExpected,
    })
}

/// Reads `--seeds`.
pub fn read_seeds(text: &str) -> Result<Range<u64>, String> {
    let accepted = "write A..B, with A below B, such as 0..1000: from A up to B, without B";
    seeds::parse_range(text).ok_or_else(|| accepted.to_owned())
}

/// Reads `--jobs`.
pub fn read_jobs(text: &str) -> Result<NonZeroUsize, String> {
    let jobs = text.parse::<NonZeroUsize>().ok().filter(|jobs| jobs.get() <= MAX_JOBS);
    jobs.ok_or_else(|| format!("write a whole number from 1 to {MAX_JOBS}"))
}
