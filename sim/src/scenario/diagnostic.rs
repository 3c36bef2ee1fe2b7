//! What is wrong with a scenario file, shown to a person: the file, the line, the key, what is
//! wrong with it, and what would be accepted.

use std::fmt::{self, Write as _};
use std::ops::Range;
use std::path::PathBuf;

use fencepost_faults::toml::Problem;
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
};

/// Of more problems than these the rest is only counted: a file of another kind has thousands.
const SHOWN: usize = 20;

/// Longer lines are not shown: a file of another kind may have but one.
const LONGEST_LINE_SHOWN: usize = 400;

/// Why a scenario file could not be used.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[non_exhaustive]
pub enum ScenarioError {
    /// The file could not be read at all.
    #[error("cannot read `{}`: {reason}", printable(&path.display().to_string()))]
    #[diagnostic(help("{help}"))]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
        /// What to do about it.
        help: String,
    },
    /// It could be read, and its content is not a scenario.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Invalid(#[from] InvalidScenario),
}

/// A text that is not a scenario, with everything that is wrong with it.
#[derive(Clone, Debug)]
pub struct InvalidScenario {
    source: NamedSource<String>,
    problems: Vec<Located>,
    /// How many more there are.
    more: usize,
}

/// A problem and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The problem.
    pub problem: Problem,
    /// The line, from 1.
    pub line: usize,
    /// The column, in characters, from 1.
    pub column: usize,
    /// Its line and those beside it are short enough to be shown.
    is_shown: bool,
}

impl InvalidScenario {
    pub(super) fn new(name: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        let more = problems.len().saturating_sub(SHOWN);
        problems.truncate(SHOWN);
        let problems = problems.into_iter().map(|problem| Located::new(problem, text)).collect();
        Self { source: NamedSource::new(printable(name), printable(text)), problems, more }
    }

    /// The name of the file, as it was given.
    pub fn name(&self) -> &str {
        self.source.name()
    }

    /// What is wrong, in the order of the text: the first twenty problems.
    pub fn problems(&self) -> &[Located] {
        &self.problems
    }
}

impl Located {
    fn new(mut problem: Problem, text: &str) -> Self {
        let Range { start, end } = on_one_line(&problem.span, text);
        problem.span = start..end;
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;

        let lines_before = before[..line_start].lines().next_back();
        let mut lines_after = text[line_start..].lines();
        let around = [lines_before, lines_after.next(), lines_after.next()];
        let longest = around.into_iter().flatten().map(str::len).max().unwrap_or(0);
        Self { problem, line, column, is_shown: longest <= LONGEST_LINE_SHOWN }
    }
}

/// Whatever a parser said of a place, made one that can be pointed at: within the text, no longer
/// than its line, and not behind the last line.
fn on_one_line(span: &Range<usize>, text: &str) -> Range<usize> {
    let last = text.trim_end().char_indices().next_back().map_or(0, |(last, _)| last);
    let start = floor_boundary(text, span.start);
    if start > last {
        return last..floor_boundary(text, last + 4).min(text.trim_end().len()).max(last);
    }
    let line_end = text[start..].find('\n').map_or(text.len(), |length| start + length);
    start..floor_boundary(text, span.end).clamp(start, line_end)
}

/// The place itself, or the begin of the character that it lies in.
fn floor_boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// The text with a question mark for every byte that could move a terminal's cursor or change its
/// colours. Every place in it stays where it is.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let ends_line = character == '\r' && characters.peek() == Some(&'\n');
        if !character.is_control() || ends_line || matches!(character, '\n' | '\t') {
            printable.push(character);
        } else {
            printable.extend(std::iter::repeat_n('?', character.len_utf8()));
        }
    }
    printable
}

impl fmt::Display for InvalidScenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self.problems.as_slice() {
            [Located { problem, line, column, is_shown }] => {
                write!(f, "{name}:{line}:{column}: {problem}")?;
                if *is_shown { Ok(()) } else { write!(f, ": {}", problem.label) }
            }
            several => write!(f, "{name}: {} problems", several.len() + self.more),
        }
    }
}

impl std::error::Error for InvalidScenario {}

impl Diagnostic for InvalidScenario {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        match self.problems.as_slice() {
            [only] => only.help(),
            _ if self.more > 0 => Some(Box::new(format!("these are the first {SHOWN} problems"))),
            _ => None,
        }
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        match self.problems.as_slice() {
            [only] => only.labels(),
            _ => None,
        }
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        match self.problems.as_slice() {
            [] | [_] => None,
            many => Some(Box::new(many.iter().map(|one| one as &dyn Diagnostic))),
        }
    }
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_shown {
            return self.problem.fmt(f);
        }
        let Self { problem, line, column, .. } = self;
        write!(f, "line {line}, column {column}: {problem}: {}", problem.label)
    }
}

impl std::error::Error for Located {}

impl Diagnostic for Located {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if !self.is_shown {
            return None;
        }
        let (label, span) = (self.problem.label.clone(), self.problem.span.clone());
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(Some(label), span))))
    }
}

/// An error as people see it, `width` columns wide, with the lines that it is about.
pub fn render(error: &dyn Diagnostic, color: bool, width: usize) -> String {
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false);
    let mut text = String::new();
    if handler.render_report(&mut text, error).is_err() {
        // Without the picture, then.
        let _ = writeln!(text, "{error}");
    }
    text
}
