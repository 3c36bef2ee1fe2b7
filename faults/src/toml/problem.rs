//! What is wrong with a file, for a person to put right.

use std::cell::RefCell;
use std::ops::Range;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// Where: bytes of the text.
    pub span: Range<usize>,
    /// Which key, with its section: `shop.buyers`. Empty where the text is not TOML.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What belongs there, in a few words.
    pub label: String,
    /// What would be accepted, where that takes more than a few words.
    pub help: Option<String>,
}

/// The problems found so far.
#[derive(Debug, Default)]
pub struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    /// Adds one.
    pub fn add(&self, problem: Problem) {
        self.0.borrow_mut().push(problem);
    }

    /// All of them, in the order of the text.
    pub fn into_sorted(self) -> Vec<Problem> {
        let mut problems = self.0.into_inner();
        problems.sort_by_key(|problem| problem.span.start);
        problems
    }
}

/// Names in a row; of many, the first few and how many more there are.
pub fn listing<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 40;
    let names: Vec<&str> = names.into_iter().collect();
    let shown = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>();
    let rest = names.len().saturating_sub(SHOWN);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    shown.join(", ") + &more
}

/// The name that was probably meant: the nearest one, if it is a slip or two away.
///
/// ```
/// use fencepost_faults::toml::near_miss;
/// assert_eq!(near_miss("byers", ["stock", "buyers"]), Some("buyers"));
/// assert_eq!(near_miss("zookeeper", ["redis"]), None);
/// ```
pub fn near_miss<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// No name is longer: comparing takes time and memory in proportion to both lengths.
    const LONGEST: usize = 64;
    if name.len() > LONGEST {
        return None;
    }
    let name = name.to_lowercase().replace('_', "-");
    let slips = |known: &str| strsim::osa_distance(&name, &known.replace('_', "-"));
    let nearest = names.into_iter().map(|known| (slips(known), known)).min()?;
    let tolerated = (name.chars().count() / 3).clamp(1, 3);
    (nearest.0 <= tolerated).then_some(nearest.1)
}

/// Somebody's text between backticks: short, on one line, with nothing invisible in it.
pub fn quoted(text: &str) -> String {
    format!("`{}`", shortened(text))
}

/// The same without backticks.
pub(super) fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    let escaped: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    let dots = if text.chars().nth(SHOWN).is_some() { "…" } else { "" };
    escaped.replace("\\\"", "\"").replace("\\'", "'") + dots
}
