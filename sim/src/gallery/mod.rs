//! The lessons as a small static site: a page for each, and one that lists them. Nothing on it is fetched, so that it
//! can be read from a folder.
//!
//! ```
//! use fencepost::{gallery, lessons};
//!
//! let race = lessons::find("race").expect("a lesson");
//! let page = gallery::lesson(race, false)?;
//! assert!(page.contains(race.question) && page.contains("fencepost demo race"));
//! # Ok::<(), gallery::GalleryError>(())
//! ```

use maud::{Markup, html};

use crate::counterfactual::Parting;
use crate::lessons::{self, CHAPTERS, Lesson, Source, Step};
use crate::report::html::{Beside, Shown, document, plain, sections};
use crate::scenario::{Failure, InvalidScenario, Outcome, Scenario};

/// A lesson could not be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GalleryError {
    /// A file is no scenario.
    #[error(transparent)]
    Scenario(#[from] InvalidScenario),
    /// A scenario could not be run.
    #[error(transparent)]
    Run(#[from] Failure),
}

/// A step that has been run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Told {
    /// The step.
    pub step: &'static Step,
    /// Its scenario.
    pub scenario: Scenario,
    /// What came of it under its own seed.
    pub outcome: Outcome,
}

impl Told {
    /// Runs a step.
    ///
    /// # Errors
    ///
    /// Its file is no scenario, or cannot be run.
    pub fn of(step: &'static Step) -> Result<Self, GalleryError> {
        let scenario = Scenario::from_toml(step.file, step.toml)?;
        let outcome = scenario.run(scenario.seed)?;
        Ok(Self { step, scenario, outcome })
    }
}

/// What a lesson's page is called in the site's folder.
pub fn file_name(lesson: &Lesson) -> String {
    format!("{}.html", lesson.name)
}

/// The command that replays a step, in a folder that has the lessons' scenarios under `seeds`.
pub fn replay(step: &Step) -> String {
    format!("fencepost run seeds/{}", step.file)
}

/// The page that lists the lessons.
pub fn index() -> String {
    let body = html! {
        h1 { "What can go wrong with a lock" }
        p {
            "A shop sells more than it has because two buyers raced. A lock keeps them apart, until something pauses, \
             dies, is cut off or has a wrong clock. Each page asks a question and answers it with runs of a simulator \
             that replays them, event by event, from a seed."
        }
        nav class="lessons" {
            @for chapter in CHAPTERS {
                h2 { (chapter.title) }
                ul {
                    @for lesson in chapter.lessons {
                        li { a href=(file_name(lesson)) { b { (lesson.name) } } ": " (lesson.question) }
                    }
                }
            }
        }
        p class="dim" { "In a terminal: " code { "fencepost demo" } }
    };
    plain("What can go wrong with a lock · fencepost", &body)
}

/// A lesson's page, alone or as one of the site's, with links to the others.
///
/// # Errors
///
/// A step cannot be run.
pub fn lesson(lesson: &Lesson, of_site: bool) -> Result<String, GalleryError> {
    let told: Result<Vec<Told>, GalleryError> = lesson.steps.iter().map(Told::of).collect();
    let told = told?;
    let pairs = pairs(&told);
    let replays: Vec<String> = pairs.iter().map(|(one, _)| replay(one.step)).collect();
    let shown: Vec<Shown<'_>> = pairs
        .iter()
        .zip(&replays)
        .map(|((one, cure), replay)| Shown {
            replay: Some(replay),
            beside: cure.as_ref(),
            notice: Some(one.step.notice),
            ..Shown::new(&one.scenario, &one.outcome)
        })
        .collect();
    let body = html! {
        @if of_site { (around(lesson)) }
        h1 { (lesson.question) }
        p class="dim" { "In a terminal: " code { "fencepost demo " (lesson.name) } }
        (sections(&shown))
        h2 { "What to take home" }
        p class="notice" { (lesson.conclusion) }
        (sources(lesson.sources))
        @if of_site { (around(lesson)) }
    };
    Ok(document(&format!("{} · fencepost", lesson.question), &body))
}

/// Each step that is no cure, with its cure beside it where the next step is one.
fn pairs(told: &[Told]) -> Vec<(&Told, Option<Beside>)> {
    let mut pairs: Vec<(&Told, Option<Beside>)> = Vec::new();
    for one in told {
        match pairs.last_mut() {
            Some((before, beside @ None)) if one.step.is_cure => *beside = Some(cure(before, one)),
            _ => pairs.push((one, None)),
        }
    }
    pairs
}

/// A step as the second run beside another.
fn cure(before: &Told, cure: &Told) -> Beside {
    let [one, other] = [&before.outcome.run, &cure.outcome.run];
    let is_same_world = one.seed == other.seed && one.history.nodes == other.history.nodes;
    let parting = is_same_world.then(|| Parting::of(&one.history, &other.history)).flatten();
    Beside {
        outcome: cure.outcome.clone(),
        what: cure.scenario.title.clone(),
        notice: Some(cure.step.notice.to_owned()),
        parting,
        replay: Some(replay(cure.step)),
    }
}

/// The way to the lesson before, to the list, to the next.
fn around(lesson: &Lesson) -> Markup {
    let all: Vec<&Lesson> = lessons::all().collect();
    let place = all.iter().position(|one| one.name == lesson.name).unwrap_or_default();
    let before = place.checked_sub(1).map(|before| all[before]);
    html! {
        nav class="around" {
            @if let Some(before) = before { a rel="prev" href=(file_name(before)) { "← " (before.name) } }
            a href="index.html" { "all lessons" }
            @if let Some(next) = all.get(place + 1) { a rel="next" href=(file_name(next)) { (next.name) " →" } }
        }
    }
}

fn sources(sources: &[Source]) -> Markup {
    html! {
        h2 { "Where it is described" }
        ul { @for source in sources { li { a href=(source.address) { (source.what) } } } }
    }
}

#[cfg(test)]
mod tests;
