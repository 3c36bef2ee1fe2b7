//! `fencepost hunt`.

use std::io::{self, IsTerminal as _};
use std::num::NonZeroUsize;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use fencepost::hunt::{self, Hunt, HuntReport, Pace, TextOptions};
use fencepost::scenario::Scenario;
use fencepost::seeds;
use indicatif::{ProgressBar, ProgressStyle};
use miette::{IntoDiagnostic, Report, WrapErr};
use signal_hook::consts::SIGINT;

use super::{Ending, Failed, HuntArguments, HuntFormat, INTERRUPTED, output};

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
    let (mut report, pace) = carry_out(&hunt, &arguments.seeds)?;
    if arguments.shrink {
        report.shrink(&scenario).into_diagnostic()?;
    }
    let replay = output::replay(&arguments.scenario);
    output::to_stdout(|out| match arguments.format {
        HuntFormat::Json => hunt::json(&report, pace, out),
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

/// Hunts, shows how far it is, and ends early when the user presses Ctrl-C.
#[expect(
    clippy::disallowed_methods,
    reason = "real time is what a pace is measured in; no simulation runs on this thread"
)]
fn carry_out(hunt: &Hunt, seeds: &Range<u64>) -> Result<(HuntReport, Pace), Report> {
    let interrupted = listen_for_interrupts()?;
    let bar = progress_bar(seeds.end - seeds.start)?;
    let start = Instant::now();
    let report = hunt.watch(|so_far| {
        show(&bar, so_far);
        if interrupted.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    let elapsed = start.elapsed();
    bar.finish_and_clear();
    Ok((report.into_diagnostic()?, Pace { elapsed, jobs: hunt.threads() }))
}

/// A flag that the first Ctrl-C sets. The second ends the process.
fn listen_for_interrupts() -> Result<Arc<AtomicBool>, Report> {
    let flag = Arc::new(AtomicBool::new(false));
    let kill = || {
        // In this order: the first Ctrl-C finds the flag unset.
        let status = i32::from(INTERRUPTED);
        signal_hook::flag::register_conditional_shutdown(SIGINT, status, flag.clone())?;
        signal_hook::flag::register(SIGINT, flag.clone())
    };
    kill().into_diagnostic().wrap_err("cannot listen for Ctrl-C")?;
    Ok(flag)
}

/// On standard error, when that is a terminal.
fn progress_bar(seeds: u64) -> Result<ProgressBar, Report> {
    if !io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let template = "{wide_bar} {pos}/{len} seeds, {msg}, {per_sec}, {eta} to go";
    let style = ProgressStyle::with_template(template).into_diagnostic()?;
    Ok(ProgressBar::new(seeds).with_style(style).with_message("nothing found"))
}

fn show(bar: &ProgressBar, so_far: &HuntReport) {
    let (violating, failed) = (so_far.violating_seeds, so_far.failed_seeds);
    bar.set_message(match failed {
        0 => format!("{violating} violate"),
        _ => format!("{violating} violate, {failed} failed"),
    });
    bar.set_position(so_far.seeds);
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
