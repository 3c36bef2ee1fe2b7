//! A text, parsed: the way in to its tables, and out with its problems.

use std::ops::Range;

use ::toml::Spanned;
use ::toml::de::DeTable;

use super::problem::{Problem, Problems, quoted, shortened};
use super::table::Table;

/// Of a longer text only the first error is looked at: it is no scenario but a file of another
/// kind, and there are as many errors as lines in it.
const LONGEST_RECOVERED: usize = 64 * 1024;

/// A text that is TOML, whatever it says.
#[derive(Debug)]
pub struct Document<'i> {
    table: Spanned<DeTable<'i>>,
    problems: Problems,
}

impl<'i> Document<'i> {
    /// Parses a text. Nesting is bounded by the parser (80 levels), time and memory by the text.
    ///
    /// # Errors
    ///
    /// The text is not TOML: what is wrong with it, all of it that the parser could tell apart; of
    /// a long text only the first.
    pub fn parse(text: &'i str) -> Result<Self, Vec<Problem>> {
        let first_error = match DeTable::parse(text) {
            Ok(table) => return Ok(Self { table, problems: Problems::default() }),
            Err(error) => error,
        };
        let errors = match text.len() {
            0..=LONGEST_RECOVERED => DeTable::parse_recoverable(text).1,
            _ => vec![first_error],
        };
        // What is nested too deep is skipped, and all that follows from that is noise.
        let too_deep = errors.iter().position(|error| NESTED_TOO_DEEP.contains(&error.message()));
        let errors = match too_deep {
            Some(place) => &errors[place..=place],
            None => &errors,
        };
        let problems = Problems::default();
        for error in errors {
            let span = error.span().unwrap_or(text.len()..text.len());
            problems.add(syntax_problem(text, error.message(), span));
        }
        Err(problems.into_sorted())
    }

    /// The top level.
    pub fn root(&self) -> Table<'_> {
        Table::new(String::new(), 0..0, self.table.get_ref(), &self.problems)
    }

    /// All that was found wrong with it, in the order of the text.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems.into_sorted()
    }
}

/// What the parser says of keys and of values.
const NESTED_TOO_DEEP: [&str; 2] =
    ["recursion limit", "cannot recurse further; max recursion depth met"];

/// Says in other words what the parser says too briefly.
fn syntax_problem(text: &str, parser_says: &str, span: Range<usize>) -> Problem {
    let (what, expected) = parser_says.split_once(", expected ").unwrap_or((parser_says, ""));
    let there = text.get(span.clone()).unwrap_or_default();
    let (message, label, help) = match what {
        "duplicate key" => (
            format!("{} is here twice", quoted(there)),
            "the second time".to_owned(),
            Some("a key has one value: remove one".to_owned()),
        ),
        "string values must be quoted" if there.is_empty() => {
            ("not TOML: a value is missing".to_owned(), "expected a value".to_owned(), None)
        }
        "string values must be quoted" => {
            (format!("not TOML: {what}"), format!("expected \"{}\"", shortened(there)), None)
        }
        _ if NESTED_TOO_DEEP.contains(&what) => {
            ("nested too deep".to_owned(), "expected fewer levels".to_owned(), None)
        }
        _ if expected.is_empty() => (format!("not TOML: {what}"), "here".to_owned(), None),
        _ => (format!("not TOML: {what}"), format!("expected {expected}"), None),
    };
    Problem { span, key: String::new(), message, label, help }
}
