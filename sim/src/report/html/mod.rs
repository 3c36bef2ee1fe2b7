//! A run as one page for a browser: a space-time diagram to move and zoom in, a player, and a list of its steps. Nothing
//! is fetched, and the list tells the run's turning points to who cannot see the diagram or has no scripts.
//!
//! ```text
//! section    a run as part of a page         data       what the script is given
//! beside     the cure and the curve          lanes, spans, marks, books, faults: its parts
//! legend     every sign and its meaning      page/      style and script, put into the page as they are
//! ```
//!
//! ```
//! use fencepost::report::html;
//! use fencepost::scenario::Scenario;
//!
//! let scenario = Scenario::default().but(|s| s.title = "<script>alert(1)</script>".to_owned());
//! let outcome = scenario.run(1)?;
//! let page = html::page(&html::Shown::new(&scenario, &outcome));
//! assert!(page.starts_with("<!DOCTYPE html>") && !page.contains("<script>alert"));
//! # Ok::<(), fencepost::scenario::Failure>(())
//! ```

mod beside;
mod books;
mod claim;
mod data;
mod faults;
mod lanes;
mod legend;
mod marks;
mod section;
mod spans;
#[cfg(test)]
mod tests;

use maud::{Markup, PreEscaped, html};

pub use self::beside::{Beside, Besides};
pub use self::claim::claim;
use self::section::section;
use crate::likelihood::Curve;
use crate::scenario::{Outcome, Scenario};
use crate::web;

const STYLE: &str = include_str!("page/page.css");

/// The script's files, in the order in which they need each other.
const SCRIPT: [&str; 7] = [
    include_str!("page/model.js"),
    include_str!("page/scale.js"),
    include_str!("page/diagram.js"),
    include_str!("page/overview.js"),
    include_str!("page/moment.js"),
    include_str!("page/player.js"),
    include_str!("page/main.js"),
];

/// A run on a page, and what is shown with it.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// What came of it.
    pub outcome: &'a Outcome,
    /// The command that shows the same run again, as a shell takes it.
    pub replay: Option<&'a str>,
    /// A second run under the same scale.
    pub beside: Option<&'a Beside>,
    /// How many futures violate from each point of the run.
    pub curve: Option<&'a Curve>,
    /// What to look at.
    pub notice: Option<&'a str>,
}

impl<'a> Shown<'a> {
    /// A run alone.
    pub const fn new(scenario: &'a Scenario, outcome: &'a Outcome) -> Self {
        Self { scenario, outcome, replay: None, beside: None, curve: None, notice: None }
    }
}

/// A page with one run, titled with what it shows.
pub fn page(shown: &Shown<'_>) -> String {
    let claim = claim(shown.outcome);
    let body = html! {
        h1 { (claim) }
        (section(1, shown))
        (legend::legend())
    };
    document(&format!("{claim} · {}", shown.scenario.title), &body)
}

/// Sections of a longer page: each run with what is shown with it, and one legend for all.
pub(crate) fn sections(shown: &[Shown<'_>]) -> Markup {
    html! {
        @for (number, shown) in (1..).zip(shown) { (section(number, shown)) }
        (legend::legend())
    }
}

/// A whole page around a body, with the script for its runs.
pub(crate) fn document(title: &str, body: &Markup) -> String {
    let script = format!("(() => {{\n\"use strict\";\n{}}})();", SCRIPT.concat());
    web::page(title, STYLE, body, &html! { script { (PreEscaped(script)) } })
}

/// A whole page without runs.
pub(crate) fn plain(title: &str, body: &Markup) -> String {
    web::page(title, STYLE, body, &Markup::default())
}
