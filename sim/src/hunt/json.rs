//! A hunt as one JSON object.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;

use super::report::{HuntReport, Pace};
use super::stories::{Stories, Story, StoryCount};
use super::wilson::{Interval, wilson};
use crate::judge::ViolationKind;

/// What `fencepost hunt --format json` prints.
#[derive(Serialize)]
struct Object<'a> {
    #[serde(flatten)]
    report: &'a HuntReport,
    as_expected: bool,
    /// Of each kind that was found, and of `any` kind.
    rates: BTreeMap<&'static str, Rate>,
    /// What the seeds that were told have in common; not there where none were to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    stories: Option<Vec<StoryObject<'a>>>,
    #[serde(flatten)]
    pace: Option<PaceObject>,
}

/// A story and how many of the seeds that were told have it.
#[derive(Serialize)]
struct StoryObject<'a> {
    kind: ViolationKind,
    #[serde(flatten)]
    story: &'a Story,
    seeds: u64,
    of: u64,
    first: u64,
    #[serde(flatten)]
    rate: Rate,
}

/// What is not about the result.
#[derive(Serialize)]
struct PaceObject {
    jobs: usize,
    elapsed_ms: u64,
    runs_per_second: f64,
    simulated_seconds_per_second: f64,
}

/// So many seeds in a million, and the 95 % interval around it.
#[derive(Serialize)]
pub(crate) struct Rate {
    ppm: f64,
    low_ppm: f64,
    high_ppm: f64,
}

/// Writes a hunt as one JSON object, indented, with a newline at its end. Without the pace, it depends
/// on the scenario and the seeds alone. [`HuntReport::from_json`] reads it.
///
/// # Errors
///
/// What the writer says.
pub fn json(
    report: &HuntReport,
    pace: Option<Pace>,
    out: &mut (impl io::Write + ?Sized),
) -> io::Result<()> {
    let kinds = report.violations_by_kind.iter().map(|(kind, seeds)| (kind.as_str(), *seeds));
    let counts = kinds.chain([("any", report.violating_seeds)]);
    let object = Object {
        report,
        as_expected: report.is_as_expected(),
        rates: counts.map(|(kind, count)| (kind, rate(count, report.seeds))).collect(),
        stories: report.stories.as_ref().map(stories),
        pace: pace.map(|pace| PaceObject {
            jobs: pace.jobs,
            elapsed_ms: u64::try_from(pace.elapsed.as_millis()).unwrap_or(u64::MAX),
            runs_per_second: places(pace.runs_per_second(report), 1),
            simulated_seconds_per_second: places(pace.simulated_seconds_per_second(report), 1),
        }),
    };
    serde_json::to_writer_pretty(&mut *out, &object)?;
    out.write_all(b"\n")
}

fn stories(stories: &Stories) -> Vec<StoryObject<'_>> {
    let of_kind = |kind: &ViolationKind| {
        let (kind, of) = (*kind, stories.told(*kind));
        let counts = stories.of(kind).into_iter();
        let counts = counts.map(move |StoryCount { story, seeds, first }| StoryObject {
            kind,
            story,
            seeds,
            of,
            first,
            rate: rate(seeds, of),
        });
        counts.collect::<Vec<_>>()
    };
    stories.seeds.keys().flat_map(of_kind).collect()
}

#[expect(clippy::float_arithmetic, reason = "statistics to print: no run depends on them")]
pub(crate) fn rate(count: u64, of: u64) -> Rate {
    let Interval { rate, low, high } = wilson(count, of);
    let [ppm, low_ppm, high_ppm] = [rate, low, high].map(|share| places(share * 1e6, 3));
    Rate { ppm, low_ppm, high_ppm }
}

/// Rounded to so many places: more would say more than is known.
#[expect(clippy::float_arithmetic, reason = "statistics to print: no run depends on them")]
fn places(number: f64, places: i32) -> f64 {
    let scale = 10_f64.powi(places);
    (number * scale).round() / scale
}
