//! A text, parsed: the way in to its tables, and out with its problems.

use ::toml::Spanned;
use ::toml::de::DeTable;

use super::problem::{Problem, Problems};
use super::table::Table;

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
    /// The text is not TOML: what is wrong with it, all of it that the parser could tell apart.
    pub fn parse(text: &'i str) -> Result<Self, Vec<Problem>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            return Ok(Self { table, problems: Problems::default() });
        }
        let problems = Problems::default();
        for error in errors {
            problems.add(syntax_problem(text, error.message(), error.span()));
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

fn syntax_problem(text: &str, message: &str, span: Option<std::ops::Range<usize>>) -> Problem {
    let (what, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let span = span.unwrap_or(text.len()..text.len());
    let (message, label, help) = match what {
        "duplicate key" => {
            let key = text.get(span.clone()).unwrap_or_default();
            let message = format!("{} is here twice", super::quoted(key));
            (
                message,
                "the second time".to_owned(),
                Some("a key has one value: remove one".to_owned()),
            )
        }
        "recursion limit" | "cannot recurse further; max recursion depth met" => {
            ("nested too deep".to_owned(), "here".to_owned(), None)
        }
        _ if expected.is_empty() => (format!("not TOML: {what}"), "here".to_owned(), None),
        _ => (format!("not TOML: {what}"), format!("expected {expected}"), None),
    };
    Problem { span, key: String::new(), message, label, help }
}
