//! `fencepost demo`.

use std::io::{self, Write};

use fencepost::lessons::{self, LESSONS, Lesson, Step};
use fencepost::scenario::{Outcome, Scenario};
use miette::{IntoDiagnostic, Report, miette};

use super::{DemoArguments, Ending, Failed, output};

pub fn main(arguments: &DemoArguments) -> Result<Ending, Failed> {
    let Some(name) = &arguments.name else {
        output::to_stdout(|out| list(out))?;
        return Ok(Ending::AsExpected);
    };
    let lesson = lessons::find(name).ok_or_else(|| unknown(name))?;
    let told: Result<Vec<Told>, Report> = lesson.steps.iter().map(tell_step).collect();
    let told = told?;
    let colour = output::wants_colour(&io::stdout());
    output::to_stdout(|out| tell(out, lesson, &told, colour))?;
    let all_met = told.iter().all(|one| one.scenario.is_met_by(&one.outcome));
    Ok(if all_met { Ending::AsExpected } else { Ending::NotAsExpected })
}

/// One step, run.
struct Told {
    step: &'static Step,
    scenario: Scenario,
    outcome: Outcome,
}

fn tell_step(step: &'static Step) -> Result<Told, Report> {
    let scenario = Scenario::from_toml(step.file, step.toml)?;
    let outcome = scenario.run(scenario.seed).into_diagnostic()?;
    Ok(Told { step, scenario, outcome })
}

fn unknown(name: &str) -> Report {
    let names: Vec<&str> = LESSONS.iter().map(|lesson| lesson.name).collect();
    miette!(
        help = format!("the lessons are: {}", names.join(", ")),
        "there is no lesson `{name}`"
    )
}

fn list(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "The lessons. `fencepost demo NAME` tells one with its timeline.\n")?;
    for lesson in LESSONS {
        writeln!(out, "  {:<16} {}", lesson.name, lesson.question)?;
    }
    Ok(())
}
