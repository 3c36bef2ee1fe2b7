//! A run as part of a page: what it is about, room for the player, and every step as a list.

use maud::{Markup, PreEscaped, html};
use serde::Serialize;

use super::claim::claim;
use super::data::{Line, RunData};
use super::{Beside, Shown};
use crate::counterfactual::Parting;
use crate::judge::ViolationKind;
use crate::likelihood::Curve;
use crate::report::setting::setting;
use crate::report::telling::Weight;
use crate::report::words;
use crate::scenario::{Outcome, Scenario};
use crate::world::SimTime;
use crate::world::history::RecordId;

/// What the script of a section is given.
#[derive(Serialize)]
struct SectionData<'a> {
    runs: Vec<RunData<'a>>,
    parting: Option<PartingData>,
    curve: Option<CurveData>,
}

/// Where the runs part.
#[derive(Serialize)]
struct PartingData {
    at: SimTime,
    /// What the second run has there, in words.
    what: String,
}

impl PartingData {
    fn of(parting: &Parting, second: &RunData<'_>) -> Option<Self> {
        let moment = parting.changed.as_ref().or(parting.as_is.as_ref())?;
        let said = second.said.iter().find(|line| line.0 == parting.event);
        let what =
            said.map_or_else(|| format!("{} {}", moment.node, moment.did), |line| line.3.clone());
        Some(Self { at: moment.at, what })
    }
}

/// How likely a violation was.
#[derive(Serialize)]
struct CurveData {
    kind: ViolationKind,
    futures: u32,
    points: Vec<PointData>,
}

#[derive(Serialize)]
struct PointData {
    event: RecordId,
    at: SimTime,
    violating: u32,
}

impl CurveData {
    fn of(curve: &Curve) -> Self {
        let point = |point: &crate::likelihood::Point| PointData {
            event: point.event,
            at: point.at,
            violating: point.violating,
        };
        let points = curve.points.iter().map(point).collect();
        Self { kind: curve.violation.kind, futures: curve.futures, points }
    }
}

/// The section of that number.
pub fn section(number: usize, shown: &Shown<'_>) -> Markup {
    let Shown { scenario, outcome, beside, .. } = *shown;
    let id = format!("run{number}");
    let first =
        RunData::new(outcome, format!("{}: {}", scenario.title, claim(outcome)), summary(outcome));
    let second = beside.map(|beside| {
        let heading = format!("{}: {}", beside.what, claim(&beside.outcome));
        RunData::new(&beside.outcome, heading, summary(&beside.outcome))
    });
    let parting =
        beside.and_then(|beside| PartingData::of(beside.parting.as_ref()?, second.as_ref()?));
    let curve = shown.curve.map(CurveData::of);
    let data = SectionData { runs: std::iter::once(first).chain(second).collect(), parting, curve };
    html! {
        section class="run" id=(id) aria-label=(scenario.title) {
            h2 { (scenario.title) }
            @if !scenario.explain.is_empty() { p { (scenario.explain) } }
            (facts(scenario, outcome, shown.replay))
            @if let Some(notice) = shown.notice { p class="notice" { (notice) } }
            @if let Some(beside) = beside { (about_beside(beside, data.parting.as_ref())) }
            @if let Some(curve) = shown.curve { (about_curve(curve)) }
            div class="player" { noscript { p class="dim" { "The diagram needs scripts; the list below does not." } } }
            @for (place, run) in data.runs.iter().enumerate() {
                details open[place == 0] {
                    summary { "Step by step" @if place > 0 { ", " (beside.map_or("", |beside| &beside.what)) } }
                    (steps(&format!("{id}-{place}"), run))
                }
            }
            script type="application/json" class="data" { (PreEscaped(embedded(&data))) }
        }
    }
}

/// JSON that may stand in a script element: there is no `<` in it that could end the element.
fn embedded(data: &impl Serialize) -> String {
    let json = serde_json::to_string(data).unwrap_or_default();
    json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

fn summary(outcome: &Outcome) -> String {
    let history = &outcome.run.history;
    format!(
        "Space-time diagram of {}, {} and {}. {}. The list below the diagram tells its turning points.",
        words::count(history.nodes.len() as u64, "node", "nodes"),
        words::count(history.messages().len() as u64, "message", "messages"),
        words::count(outcome.run.faults.len() as u64, "fault", "faults"),
        claim(outcome),
    )
}

fn facts(scenario: &Scenario, outcome: &Outcome, replay: Option<&str>) -> Markup {
    let verdict = &outcome.verdict;
    let fired = outcome.run.faults.iter().filter(|fault| fault.fired).count();
    let is_bad = !verdict.violations.is_empty();
    html! {
        ul class="facts" {
            li { (setting(scenario, outcome.run.seed)) }
            li { "digest " code { (outcome.run.history.digest()) } }
            li { (words::count(outcome.run.faults.len() as u64, "fault", "faults")) ", " (fired) " fired" }
            li { "stock " (verdict.books.initial) ", left " (verdict.books.remaining) ", sold " (verdict.books.sold) ", refused " (verdict.books.fenced_off) }
        }
        @if let Some(replay) = replay { pre { (replay) } }
        p class=(if is_bad { "verdict bad" } else { "verdict good" }) {
            @if is_bad { "✖ " (words::kinds(&verdict.kinds())) } @else { "✓ nothing was wrong" }
        }
        ul {
            @for kind in verdict.kinds() {
                @if let Some(first) = verdict.first(kind) { li { b { (kind.as_str()) } " at " (first.at) ": " (first.detail) } }
            }
            @for unjudged in &verdict.unjudged {
                li class="dim" { (unjudged.kind.as_str()) " is not judged: " (unjudged.reason) }
            }
        }
    }
}

fn about_beside(beside: &Beside, parting: Option<&PartingData>) -> Markup {
    html! {
        p {
            "Under it a second run, " b { (beside.what) } ": " (claim(&beside.outcome)) "."
            @if let Some(parting) = parting { " They are the same up to " (parting.at) ", where " (parting.what) "." }
        }
        @if let Some(notice) = &beside.notice { p class="notice" { (notice) } }
        @if let Some(replay) = &beside.replay { pre { (replay) } }
    }
}

fn about_curve(curve: &Curve) -> Markup {
    html! {
        p {
            "The red line above the lanes: of " (curve.futures) " other futures from each point of the run, how many show "
            (curve.violation.kind.as_str()) ". "
            @if let Some(lost) = &curve.lost {
                "From " (lost.from.at) " on it is half of them or more"
                @if let Some(moment) = lost.between.last() { ", after " (moment.node) " " (moment.did) }
                "."
            }
        }
    }
}

fn steps(anchor: &str, run: &RunData<'_>) -> Markup {
    let chosen: Vec<(usize, &Line)> =
        run.said.iter().enumerate().filter(|(_, line)| line.4).collect();
    let left_out = |place: usize| {
        let before = place.checked_sub(1).map_or(0, |before| chosen[before].0 + 1);
        chosen[place].0 - before
    };
    let after = run.said.len() - chosen.last().map_or(0, |(place, _)| place + 1);
    let mut anchored = None;
    html! {
        ol class="steps" {
            @for (place, (_, Line(id, weight, sign, text, _))) in chosen.iter().enumerate() {
                @if left_out(place) > 0 { (gap(left_out(place))) }
                @let is_new = anchored.replace(*id) != Some(*id);
                li class=(class(*weight)) id=[is_new.then(|| format!("{anchor}-{}", id.0))] {
                    a class="moment-link" href={ "#" (anchor) "-" (id.0) } { (run.at[id.0 as usize]) }
                    span { (sign) }
                    span { (text) }
                }
            }
            @if after > 0 { (gap(after)) }
        }
    }
}

fn gap(left_out: usize) -> Markup {
    html! {
        li class="gap" { span {} span { "…" } span { (words::count(left_out as u64, "more step", "more steps")) } }
    }
}

fn class(weight: u8) -> &'static str {
    match weight {
        weight if weight == Weight::Violation as u8 => "violated",
        weight if weight == Weight::Turn as u8 => "turn",
        _ => "",
    }
}
