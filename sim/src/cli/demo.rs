//! `fencepost demo`.

use std::io::{self, Write as _};

use std::path::Path;

use fencepost::gallery::{self, GalleryError, Told};
use fencepost::lessons::{self, CHAPTERS, Lesson};
use miette::{IntoDiagnostic, Report, WrapErr, miette};

use super::output::{self, Out, width};
use super::{DemoArguments, Ending, Failed};

pub fn main(arguments: &DemoArguments) -> Result<Ending, Failed> {
    let named =
        arguments.name.as_deref().map(|name| lessons::find(name).ok_or_else(|| unknown(name)));
    match (named.transpose()?, &arguments.out) {
        (None, None) => output::to_stdout(list)?,
        (None, Some(folder)) => write_site(folder)?,
        (Some(lesson), None) => return tell_one(lesson),
        (Some(lesson), Some(folder)) => write_lessons(folder, &[lesson], false)?,
    }
    Ok(Ending::AsExpected)
}

fn tell_one(lesson: &Lesson) -> Result<Ending, Failed> {
    let told: Result<Vec<Told>, GalleryError> = lesson.steps.iter().map(Told::of).collect();
    let told = told.map_err(explain)?;
    let colour = output::wants_colour(&io::stdout());
    output::to_stdout(|out| tell(out, lesson, &told, colour))?;
    let all_met = told.iter().all(|one| one.scenario.is_met_by(&one.outcome.verdict));
    Ok(if all_met { Ending::AsExpected } else { Ending::NotAsExpected })
}

fn explain(error: GalleryError) -> Report {
    match error {
        GalleryError::Scenario(invalid) => Report::from(invalid),
        not_run => miette!("{not_run}"),
    }
}

/// Every lesson's page, the one that lists them, and the scenarios that they replay.
fn write_site(folder: &Path) -> Result<(), Report> {
    let all: Vec<&Lesson> = lessons::all().collect();
    write_lessons(folder, &all, true)?;
    write(&folder.join("index.html"), &gallery::index())?;
    eprintln!("{} lessons: open {}", all.len(), folder.join("index.html").display());
    Ok(())
}

fn write_lessons(folder: &Path, lessons: &[&Lesson], of_site: bool) -> Result<(), Report> {
    for lesson in lessons {
        let path = folder.join(gallery::file_name(lesson));
        write(&path, &gallery::lesson(lesson, of_site).map_err(explain)?)?;
        for step in lesson.steps {
            write(&folder.join("seeds").join(step.file), step.toml)?;
        }
        eprintln!("{}", path.display());
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Report> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let made = std::fs::create_dir_all(folder).into_diagnostic();
    made.wrap_err_with(|| format!("cannot make the folder {}", folder.display()))?;
    output::to_file(path, |out| out.write_all(text.as_bytes()))
}

fn unknown(name: &str) -> Report {
    let names: Vec<&str> = lessons::all().map(|lesson| lesson.name).collect();
    miette!(help = format!("the lessons are: {}", names.join(", ")), "there is no lesson `{name}`")
}

fn list(out: &mut Out<'_>) -> io::Result<()> {
    writeln!(out, "The lessons. `fencepost demo NAME` tells one with its timeline.\n")?;
    for chapter in CHAPTERS {
        writeln!(out, "{}", chapter.title)?;
        for lesson in chapter.lessons {
            writeln!(out, "  {:<16} {}", lesson.name, lesson.question)?;
        }
        writeln!(out)?;
    }
    writeln!(out, "`fencepost demo --out DIR` writes all of them as pages for a browser.")?;
    Ok(())
}

/// The question, each run with what to notice in it, and what to take home.
fn tell(out: &mut Out<'_>, lesson: &Lesson, told: &[Told], colour: bool) -> io::Result<()> {
    say(out, "", lesson.question)?;
    for (number, Told { step, scenario, outcome, .. }) in told.iter().enumerate() {
        let (rule, width) = (format!("── {} of {} ", number + 1, told.len()), width());
        writeln!(out, "\n{rule:─<width$}\n")?;
        let replay =
            format!("fencepost demo {} (the scenario is seeds/{})", lesson.name, step.file);
        output::page(out, scenario, outcome, colour, Some(&replay))?;
        writeln!(out)?;
        say(out, "notice    ", step.notice)?;
    }
    writeln!(out, "\n{:─<1$}\n", "", width())?;
    say(out, "", lesson.conclusion)?;
    writeln!(out)?;
    for source in lesson.sources {
        say(out, "see       ", source.what)?;
        writeln!(out, "          {}", source.address)?;
    }
    Ok(())
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
