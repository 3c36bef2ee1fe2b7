//! `fencepost run`.

use std::io::{self, Write as _};

use fencepost::determinism::{self, NotTheSame};
use fencepost::report;
use fencepost::report::html::Besides;
use fencepost::scenario::{Failure, Outcome, Scenario};
use fencepost::world::RunError;
use fencepost::world::history::RecordId;
use miette::{Report, miette};

use super::{Ending, Failed, Format, RunArguments, output};

pub fn main(arguments: &RunArguments) -> Result<Ending, Failed> {
    let scenario = Scenario::read(&arguments.scenario).map_err(Report::from)?;
    let seed = arguments.seed.unwrap_or(scenario.seed);
    let outcome = if arguments.check_determinism {
        run_twice(arguments, &scenario, seed)?
    } else {
        run(arguments, &scenario, seed).map_err(|failure| explain(arguments, seed, &failure))?
    };
    let mut replay = format!("{} --seed {seed}", output::replay(&arguments.scenario));
    if let (Some(from), Some(future)) = (arguments.from, arguments.future) {
        replay.push_str(&format!(" --from {from} --future {future}"));
    }
    let write = |out: &mut output::Out<'_>, colour: bool| match arguments.format {
        Format::Text => output::page(out, &scenario, &outcome, colour, Some(&replay)),
        Format::Json => report::json(&scenario, &outcome, out),
        Format::Jsonl => report::jsonl(&scenario, &outcome, out),
        Format::Html => {
            // Of another future there is neither: both begin with the seed's own run.
            let besides = match arguments.from {
                None => Besides::of(&scenario, &outcome),
                Some(_) => Besides::default(),
            };
            out.write_all(besides.page(&scenario, &outcome, Some(&replay)).as_bytes())
        }
        Format::Trace => out.write_all(report::trace(&scenario, &outcome).as_bytes()),
        Format::Perfetto => report::perfetto(&scenario, &outcome, out),
        Format::Shiviz => report::shiviz(&outcome, out),
        Format::Operations => report::operations(&scenario, &outcome, out),
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

/// Runs the scenario as it is, or as it could have gone on.
fn run(arguments: &RunArguments, scenario: &Scenario, seed: u64) -> Result<Outcome, Failure> {
    match (arguments.from, arguments.future) {
        (Some(from), Some(future)) => scenario.run_otherwise(seed, RecordId(from), future),
        _ => scenario.run(seed),
    }
}

fn run_twice(arguments: &RunArguments, scenario: &Scenario, seed: u64) -> Result<Outcome, Failed> {
    match determinism::check(|| run(arguments, scenario, seed), |outcome| &outcome.run.history) {
        Ok(outcome) => {
            let events = outcome.run.history.records().len();
            eprintln!(
                "deterministic: two runs of seed {seed} agree in all of their {events} events"
            );
            Ok(outcome)
        }
        Err(NotTheSame::Failed(failure)) => Err(explain(arguments, seed, &failure).into()),
        Err(NotTheSame::Diverged(divergence)) => Err(Failed::NotDeterministic(divergence)),
    }
}

/// Which run failed, and what can be done about it.
fn explain(arguments: &RunArguments, seed: u64, failure: &Failure) -> Report {
    let file = arguments.scenario.display();
    let message = format!("seed {seed} of {file} could not be run: {failure}");
    match failure {
        Failure::Run(RunError::Limit(limit)) => {
            let help = format!("if it does not run away, raise the limit: {}", limit.remedy());
            miette!(help = help, "{message}")
        }
        _ => miette!("{message}"),
    }
}
