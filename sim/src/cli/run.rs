//! `fencepost run`.

use std::io;

use fencepost::determinism::{self, NotTheSame};
use fencepost::report;
use fencepost::scenario::{Outcome, Scenario};
use miette::{IntoDiagnostic, Report};

use super::{Ending, Failed, Format, RunArguments, output};

pub fn main(arguments: &RunArguments) -> Result<Ending, Failed> {
    let scenario = Scenario::read(&arguments.scenario).map_err(Report::from)?;
    let seed = arguments.seed.unwrap_or(scenario.seed);
    let outcome = if arguments.check_determinism {
        run_twice(&scenario, seed)?
    } else {
        scenario.run(seed).into_diagnostic()?
    };
    let replay = format!("fencepost run {} --seed {seed}", arguments.scenario.display());
    let write = |out: &mut output::Out<'_>, colour: bool| match arguments.format {
        Format::Text => output::page(out, &scenario, &outcome, colour, Some(&replay)),
        Format::Json => report::json(&scenario, &outcome, out),
        Format::Jsonl => report::jsonl(&scenario, &outcome, out),
    };
    match &arguments.out {
        Some(path) => output::to_file(path, |out| write(out, false))?,
        None => output::to_stdout(|out| write(out, output::wants_colour(&io::stdout())))?,
    }
    Ok(if scenario.is_met_by(&outcome.verdict) {
        Ending::AsExpected
    } else {
        Ending::NotAsExpected
    })
}

fn run_twice(scenario: &Scenario, seed: u64) -> Result<Outcome, Failed> {
    determinism::check(|| scenario.run(seed), |outcome| &outcome.run.history).map_err(|error| {
        match error {
            NotTheSame::Failed(failure) => Failed::Input(Report::msg(failure)),
            NotTheSame::Diverged(divergence) => Failed::NotDeterministic(divergence),
        }
    })
}
