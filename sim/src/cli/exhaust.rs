//! `fencepost exhaust`.

use std::io::Write as _;

use fencepost::exhaust::{self, Exhaust};
use fencepost::scenario::{Failure, Scenario};
use fencepost_faults::FaultKind;
use miette::{Report, miette};

use super::folder::{self, Folder};
use super::{Ending, ExhaustArguments, Failed, HuntFormat, hunt, output, progress};

pub fn main(arguments: &ExhaustArguments) -> Result<Ending, Failed> {
    let scenario = Scenario::read(&arguments.scenario).map_err(Report::from)?;
    let file = arguments.scenario.display();
    let mut exhaust = set_up(arguments, scenario)
        .map_err(|failure| miette!("{file} could not be run without faults: {failure}"))?
        .build(&hunt::build()?);
    if let Some(jobs) = arguments.jobs {
        exhaust = exhaust.jobs(jobs);
    }
    if let Some(shard) = arguments.shard {
        exhaust = exhaust.shard(shard);
    }
    let mut folder = arguments.out.as_deref().map(Folder::open).transpose()?;
    let earlier = folder.as_ref().map(Folder::earlier).transpose()?.flatten();
    let what = "placements";
    exhaust = folder::go_on(folder.as_ref(), earlier, what, exhaust, Exhaust::go_on_from)?;
    let all = 0..exhaust.placements();
    let part = arguments.shard.map_or(all.clone(), |shard| shard.seeds(&all));
    let (report, _) = progress::show(part.end - part.start, what, |progress| {
        folder::watch(folder.as_mut(), progress, |tick| exhaust.watch(tick))
    })?;
    let report = report?;
    if let Some(folder) = &mut folder {
        folder.write(&report.counts)?;
    }
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

fn set_up(arguments: &ExhaustArguments, scenario: Scenario) -> Result<Exhaust, Failure> {
    let mut exhaust = Exhaust::of(scenario, arguments.max_faults)?;
    if !arguments.kinds.is_empty() {
        exhaust = exhaust.only(&arguments.kinds.iter().copied().collect());
    }
    Ok(if arguments.at_changes { exhaust.at_changes() } else { exhaust })
}

/// Reads the name of a kind of fault.
pub fn read_kind(text: &str) -> Result<FaultKind, String> {
    FaultKind::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
        let all: Vec<&str> = FaultKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("accepted: {}", all.join(", "))
    })
}
