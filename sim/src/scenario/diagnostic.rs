//! What is wrong with a scenario file, shown to a person: the file, the line, the key, what is
//! wrong with it, and what would be accepted.

use std::fmt::{self, Write as _};
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
pub enum ScenarioError {
    /// The file could not be read at all.
    #[error("cannot read `{}`: {reason}", path.display())]
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
        Self { source: NamedSource::new(name, text.to_owned()), problems, more }
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
        // Whatever a parser said of a span, it is made to be one of this text, on one line.
        let start = floor_boundary(text, problem.span.start);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |length| start + length);
        problem.span = start..floor_boundary(text, problem.span.end).clamp(start, line_end);
        let line = before.matches('\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;

        let line_before = before[..line_start].lines().next_back().map_or(0, str::len);
        let line_after = text[line_end..].lines().nth(1).map_or(0, str::len);
        let longest = (line_end - line_start).max(line_before).max(line_after);
        Self { problem, line, column, is_shown: longest <= LONGEST_LINE_SHOWN }
    }
}

/// The place itself, or the begin of the character that it lies in.
fn floor_boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

impl fmt::Display for InvalidScenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self.problems.as_slice() {
            [Located { problem, line, column, .. }] => {
                write!(f, "{name}:{line}:{column}: {problem}")
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
        if !self.is_shown {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        self.problem.fmt(f)
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
