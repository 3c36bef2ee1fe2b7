//! `fencepost shrink`.

use std::io::Write as _;

use fencepost::judge::ViolationKind;
use fencepost::scenario::Scenario;
use fencepost::shrink::{Shrink, Shrunk};
use miette::{Report, miette};

use super::{Ending, Failed, ShrinkArguments, output};

pub fn main(arguments: &ShrinkArguments) -> Result<Ending, Failed> {
    let scenario = Scenario::read(&arguments.scenario).map_err(Report::from)?;
    let seed = arguments.seed.unwrap_or(scenario.seed);
    let file = arguments.scenario.display();
    let mut shrink = Shrink::new(scenario, seed);
    if let Some(kind) = arguments.kind {
        shrink = shrink.kind(kind);
    }
    let shrunk = shrink
        .carry_out()
        .map_err(|failure| miette!("seed {seed} of {file} could not be run: {failure}"))?;
    let Some(shrunk) = shrunk else {
        let kind = arguments.kind.map_or_else(|| "nothing".to_owned(), |kind| format!("no {kind}"));
        eprintln!("seed {seed} of {file} shows {kind}: there is nothing to shrink");
        return Ok(Ending::NotAsExpected);
    };
    let origin = format!("{file} under seed {seed}");
    let toml = explained(&shrunk, &origin).to_toml();
    let write = |out: &mut output::Out<'_>| out.write_all(toml.as_bytes());
    match &arguments.out {
        Some(path) => output::to_file(path, write)?,
        None => output::to_stdout(write)?,
    }
    eprintln!("{}", summary(&shrunk));
    eprintln!("how: {}", shrunk.mechanism);
    if let Some(path) = &arguments.out {
        eprintln!("replay: {}", output::replay(path));
    }
    Ok(Ending::AsExpected)
}

/// What has become smaller: `two-holders: 7 faults → 1, after 213 runs`.
pub fn summary(shrunk: &Shrunk) -> String {
    let Shrunk { scenario, kind, faults_before, runs, .. } = shrunk;
    let faults = if *faults_before == 1 { "fault" } else { "faults" };
    format!("{kind}: {faults_before} {faults} → {}, after {runs} runs", scenario.faults.len())
}

/// The scenario, which says where it comes from.
pub fn explained(shrunk: &Shrunk, origin: &str) -> Scenario {
    shrunk.scenario.clone().but(|s| {
        s.explain = format!("Shrunk from {origin}; {}.", summary(shrunk));
    })
}

/// Reads `--kind`.
pub fn read_kind(text: &str) -> Result<ViolationKind, String> {
    let mut kinds = ViolationKind::ALL.into_iter();
    kinds.find(|kind| kind.as_str() == text).ok_or_else(|| {
        let accepted = ViolationKind::ALL.map(ViolationKind::as_str).join(", ");
        format!("accepted: {accepted}")
    })
}
