//! The lessons of `fencepost demo`: each asks a question and answers it with one run or several of
//! the scenarios under `seeds/`, which are part of the program.
//!
//! ```
//! use fencepost::lessons;
//! use fencepost::scenario::Scenario;
//!
//! let race = lessons::find("race").expect("a lesson");
//! println!("{}", race.question);
//! for step in race.steps {
//!     let scenario = Scenario::from_toml(step.file, step.toml)?;
//!     let outcome = scenario.run(scenario.seed)?;
//!     assert!(scenario.is_met_by(&outcome.verdict), "{}", step.notice);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`gallery`](crate::gallery) makes pages of them.

/// A run of a lesson.
macro_rules! step {
    ($file:literal, $notice:literal) => {
        Step {
            file: $file,
            toml: include_str!(concat!("../../seeds/", $file)),
            notice: $notice,
            is_cure: false,
        }
    };
}

/// The cure of the run before it.
macro_rules! cure {
    ($file:literal, $notice:literal) => {
        Step { is_cure: true, ..step!($file, $notice) }
    };
}

mod choosing;
mod consensus;
mod fencing;
mod leases;
mod many_redis;
mod one_redis;
mod the_race;

/// Lessons that belong together.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Chapter {
    /// What they are about.
    pub title: &'static str,
    /// The lessons, in the order in which they are best told.
    pub lessons: &'static [Lesson],
}

/// One lesson.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Lesson {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it asks.
    pub question: &'static str,
    /// The runs that answer it, in order.
    pub steps: &'static [Step],
    /// What to take home.
    pub conclusion: &'static str,
    /// Where it is described: papers, documentation, reports of incidents.
    pub sources: &'static [Source],
}

/// One run of a lesson.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Step {
    /// The scenario's file under `seeds/`.
    pub file: &'static str,
    /// What the file says.
    pub toml: &'static str,
    /// What to look at.
    pub notice: &'static str,
    /// It shows how the step before it is cured, and stands beside it.
    pub is_cure: bool,
}

/// Where a lesson is described.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Source {
    /// Who says it, where and when.
    pub what: &'static str,
    /// Its address on the web.
    pub address: &'static str,
}

/// Every lesson, in the order in which they are best told.
pub const CHAPTERS: &[Chapter] = &[
    Chapter { title: "The race", lessons: the_race::LESSONS },
    Chapter { title: "One Redis", lessons: one_redis::LESSONS },
    Chapter { title: "Leases, pauses and clocks", lessons: leases::LESSONS },
    Chapter { title: "Fencing, and when it fails", lessons: fencing::LESSONS },
    Chapter {
        title: "Many of them: Sentinel, Cluster, RedLock, Redisson",
        lessons: many_redis::LESSONS,
    },
    Chapter { title: "Consensus: ZooKeeper and Curator", lessons: consensus::LESSONS },
    Chapter { title: "Choosing", lessons: choosing::LESSONS },
];

/// Every lesson, in that order.
pub fn all() -> impl Iterator<Item = &'static Lesson> {
    CHAPTERS.iter().flat_map(|chapter| chapter.lessons)
}

/// The lesson of that name.
pub fn find(name: &str) -> Option<&'static Lesson> {
    all().find(|lesson| lesson.name == name)
}
