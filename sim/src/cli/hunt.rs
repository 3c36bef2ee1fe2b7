//! `fencepost hunt`.

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::Ordering;

use fencepost::hunt::{self, Hunt, HuntReport, Pace, Shard, Stories, TextOptions};
use fencepost::scenario::Scenario;
use fencepost::seeds;
use miette::{IntoDiagnostic, Report, WrapErr};
use xxhash_rust::xxh3::Xxh3;

use super::folder::{self, Folder};
use super::{Ending, Failed, HuntArguments, HuntFormat, output, progress};

/// More threads than this are a slip of the finger.
const MAX_JOBS: usize = 1024;

pub fn main(arguments: &HuntArguments) -> Result<Ending, Failed> {
    let scenario = Scenario::read(&arguments.scenario).map_err(Report::from)?;
    let mut hunt = set_up(arguments, scenario.clone())?;
    let mut folder = arguments.out.as_deref().map(Folder::open).transpose()?;
    let earlier = folder.as_ref().map(Folder::earlier).transpose()?.flatten();
    let before = earlier.clone().unwrap_or_else(|| hunt.blank());
    hunt = folder::go_on(folder.as_ref(), earlier, "seeds", hunt, Hunt::go_on_from)?;
    let seeds = before.asked.end - before.asked.start;
    let (report, elapsed) = progress::show(seeds, "seeds", |progress| {
        folder::watch(folder.as_mut(), progress, |tick| hunt.watch(tick))
    })?;
    let mut report = report?;
    if arguments.shrink {
        report.shrink(&scenario).into_diagnostic()?;
    } else {
        // An earlier call may have been asked to; what is printed is what this one was asked for.
        report.shrunk.clear();
    }
    let are_told = tell_stories(&mut report, &scenario, hunt.threads())?;
    if let Some(folder) = &mut folder {
        folder.write(&report)?;
    }
    let pace = Pace {
        elapsed,
        jobs: hunt.threads(),
        seeds_before: before.seeds,
        simulated_before: before.simulated,
    };
    print(arguments, &report, pace)?;
    Ok(match (report.interrupted || !are_told, report.is_as_expected()) {
        (true, _) => Ending::Interrupted,
        (false, true) => Ending::AsExpected,
        (false, false) => Ending::NotAsExpected,
    })
}

/// Shrinks what stories are to be told of, unless the hunt was broken off; whether all are told.
fn tell_stories(report: &mut HuntReport, scenario: &Scenario, jobs: usize) -> Result<bool, Report> {
    let untold = |report: &HuntReport| report.stories.as_ref().map_or(0, Stories::untold);
    if report.interrupted || untold(report) == 0 {
        return Ok(true);
    }
    let jobs = NonZeroUsize::new(jobs).unwrap_or(NonZeroUsize::MIN);
    let interrupted = progress::listen_for_interrupts()?;
    let bar = progress::bar(untold(report) as u64, "stories")?;
    let told = report.tell_stories(scenario, jobs, || {
        bar.inc(1);
        if interrupted.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    bar.finish_and_clear();
    told.into_diagnostic()?;
    Ok(untold(report) == 0)
}

fn set_up(arguments: &HuntArguments, scenario: Scenario) -> Result<Hunt, Report> {
    let mut hunt = Hunt::new(scenario, arguments.seeds.clone()).build(build()?);
    if let Some(shard) = arguments.shard {
        hunt = hunt.shard(shard);
    }
    if let Some(jobs) = arguments.jobs {
        hunt = hunt.jobs(jobs);
    }
    if let Some(sample) = arguments.stories {
        hunt = hunt.stories(sample);
    }
    Ok(if arguments.stop_at_first { hunt.stop_at_first() } else { hunt })
}

fn print(arguments: &HuntArguments, report: &HuntReport, pace: Pace) -> Result<(), Report> {
    let replay = output::replay(&arguments.scenario);
    output::to_stdout(|out| match arguments.format {
        HuntFormat::Json => hunt::json(report, Some(pace), out),
        HuntFormat::Text => {
            let colour = output::wants_colour(&io::stdout());
            let options = TextOptions { colour, replay: Some(&replay), pace: Some(pace) };
            io::Write::write_all(out, hunt::text(report, &options).as_bytes())
        }
    })
}

/// This program: its version, and what its file hashes to. Two that differ in anything at all may simulate
/// something else.
pub fn build() -> Result<String, Report> {
    let digest = || {
        let mut hasher = Xxh3::new();
        let mut program = File::open(std::env::current_exe()?)?;
        io::copy(&mut program, &mut Hashing(&mut hasher))?;
        io::Result::Ok(hasher.digest128())
    };
    let digest = digest().into_diagnostic().wrap_err("cannot read this program's own file")?;
    Ok(format!("fencepost {} (file {digest:032x})", env!("CARGO_PKG_VERSION")))
}

/// Hashes what is written to it.
struct Hashing<'a>(&'a mut Xxh3);

impl io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads `--seeds`.
pub fn read_seeds(text: &str) -> Result<Range<u64>, String> {
    let accepted = "write A..B, with A below B, such as 0..1000: from A up to B, without B";
    seeds::parse_range(text).ok_or_else(|| accepted.to_owned())
}

/// Reads `--shard`.
pub fn read_shard(text: &str) -> Result<Shard, String> {
    let accepted = "write I/N, such as 1/3: the shards of three are 1/3, 2/3 and 3/3";
    Shard::parse(text).ok_or_else(|| accepted.to_owned())
}

/// Reads `--jobs`.
pub fn read_jobs(text: &str) -> Result<NonZeroUsize, String> {
    let jobs = text.parse::<NonZeroUsize>().ok().filter(|jobs| jobs.get() <= MAX_JOBS);
    jobs.ok_or_else(|| format!("write a whole number from 1 to {MAX_JOBS}"))
}
