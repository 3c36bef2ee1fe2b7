//! `fencepost demo`.

use std::io::{self, Write as _};

use fencepost::lessons::{self, LESSONS, Lesson, Step};
use fencepost::scenario::{Outcome, Scenario};
use miette::{IntoDiagnostic, Report, miette};

use super::output::{self, Out, width};
use super::{DemoArguments, Ending, Failed};

pub fn main(arguments: &DemoArguments) -> Result<Ending, Failed> {
    let Some(name) = &arguments.name else {
        output::to_stdout(list)?;
        return Ok(Ending::AsExpected);
    };
    let lesson = lessons::find(name).ok_or_else(|| unknown(name))?;
    let told: Result<Vec<Told>, Report> = lesson.steps.iter().map(tell_step).collect();
    let told = told?;
    let colour = output::wants_colour(&io::stdout());
    output::to_stdout(|out| tell(out, lesson, &told, colour))?;
    let all_met = told.iter().all(|one| one.scenario.is_met_by(&one.outcome.verdict));
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
    miette!(help = format!("the lessons are: {}", names.join(", ")), "there is no lesson `{name}`")
}

fn list(out: &mut Out<'_>) -> io::Result<()> {
    writeln!(out, "The lessons. `fencepost demo NAME` tells one with its timeline.\n")?;
    for lesson in LESSONS {
        writeln!(out, "  {:<16} {}", lesson.name, lesson.question)?;
    }
    Ok(())
}

/// The question, each run with what to notice in it, and what to take home.
fn tell(out: &mut Out<'_>, lesson: &Lesson, told: &[Told], colour: bool) -> io::Result<()> {
    say(out, "", lesson.question)?;
    for (number, Told { step, scenario, outcome }) in told.iter().enumerate() {
        let (rule, width) = (format!("── {} of {} ", number + 1, told.len()), width());
        writeln!(out, "\n{rule:─<width$}\n")?;
        let replay =
            format!("fencepost demo {} (the scenario is seeds/{})", lesson.name, step.file);
        output::page(out, scenario, outcome, colour, Some(&replay))?;
        writeln!(out)?;
        say(out, "notice    ", step.notice)?;
    }
    writeln!(out, "\n{:─<1$}\n", "", width())?;
    say(out, "", lesson.conclusion)
}

/// A paragraph, its first line behind a label.
fn say(out: &mut Out<'_>, label: &str, text: &str) -> io::Result<()> {
    let indent = " ".repeat(label.len());
    let mut start = label;
    for line in textwrap::wrap(text, width().saturating_sub(label.len())) {
        writeln!(out, "{start}{line}")?;
        start = &indent;
    }
    Ok(())
}
