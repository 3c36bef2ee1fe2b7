//! One value, turned into what is wanted of it.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use ::toml::Spanned;
use ::toml::de::DeValue;

use super::problem::{Problem, Problems, listing, near_miss, quoted};
use super::quantity::{MAX_DURATION, QuantityError, parse_duration, parse_size, show_size};
use super::table::Table;
use crate::describe::show;

/// More tables of a kind than anybody writes, or than a run could make use of.
const MAX_TABLES: usize = 1_000;

/// What a duration looks like.
const DURATION: &str = "a duration is a number with its unit in quotes: \"10s\", \"1500ms\", \
                        \"250us\", \"7ns\", \"2m\", \"1h\", \"1.5s\"";

/// What a size looks like.
const SIZE: &str = "a size is a number with its unit in quotes: \"2GiB\", \"512MiB\", \"64KiB\"";

/// The value of a key, or an item of a list. Each method answers `None` where the value is not
/// what is asked for, and has reported it then.
#[derive(Clone, Debug)]
pub struct Value<'a> {
    key: String,
    value: &'a Spanned<DeValue<'a>>,
    problems: &'a Problems,
}

impl<'a> Value<'a> {
    pub(super) fn new(
        key: String,
        value: &'a Spanned<DeValue<'a>>,
        problems: &'a Problems,
    ) -> Self {
        Self { key, value, problems }
    }

    /// The key, with its section.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Says what is wrong with the value.
    pub fn problem(&self, message: String, label: impl Into<String>, help: Option<String>) {
        let (span, key) = (self.span(), self.key.clone());
        self.problems.add(Problem { span, key, message, label: label.into(), help });
    }

    /// Any text.
    pub fn text(&self) -> Option<&'a str> {
        self.text_as("a text in quotes", None)
    }

    /// A whole number of the range.
    pub fn integer<T>(&self, range: RangeInclusive<T>) -> Option<T>
    where
        T: Copy + Into<i128> + TryFrom<i128>,
    {
        let (least, most): (i128, i128) = ((*range.start()).into(), (*range.end()).into());
        let expected = format!("a whole number from {least} to {most}");
        let DeValue::Integer(integer) = self.value.get_ref() else {
            self.wrong_type(&expected, None);
            return None;
        };
        // A number that does not even fit into 128 bits is outside every range.
        let number = i128::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let message =
                format!("`{}` is out of range: {}", self.key, quoted(&integer.to_string()));
            self.problem(message, format!("expected {expected}"), None);
        }
        T::try_from(number?).ok()
    }

    /// True or false.
    pub fn boolean(&self) -> Option<bool> {
        let boolean = self.value.get_ref().as_bool();
        if boolean.is_none() {
            self.wrong_type("true or false", None);
        }
        boolean
    }

    /// A duration of the range.
    pub fn duration(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        let text = self.text_as("a duration", Some(DURATION))?;
        self.duration_in(text, range)
    }

    /// A duration of the range, where something else than a text would do as well: `help` says what.
    pub fn duration_or(&self, help: &str, range: RangeInclusive<Duration>) -> Option<Duration> {
        let text = self.text_as("a duration or a table", Some(help))?;
        self.duration_in(text, range)
    }

    /// A positive or negative duration, in nanoseconds; not zero.
    pub fn signed_duration(&self) -> Option<i64> {
        let text = self.text_as("a duration, which may be negative", Some(DURATION))?;
        let (sign, size) = match text.strip_prefix('-') {
            Some(size) => (-1, size),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let least = Duration::from_nanos(1);
        let duration = self.duration_in(size, least..=MAX_DURATION)?;
        i64::try_from(duration.as_nanos()).ok().map(|nanos| sign * nanos)
    }

    /// Two durations as in `"200us..3ms"`, or one for both.
    pub fn duration_range(&self, range: RangeInclusive<Duration>) -> Option<(Duration, Duration)> {
        let help = "one duration (\"1ms\") or two with dots between (\"200us..3ms\")";
        let text = self.text_as("a duration or a range of them", Some(help))?;
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let from = self.duration_in(from.trim(), range.clone())?;
        let to = self.duration_in(to.trim(), range)?;
        if from > to {
            let message = format!("`{}` ends before it begins: {}", self.key, quoted(text));
            self.problem(message, "the shorter one comes first", Some(help.to_owned()));
            return None;
        }
        Some((from, to))
    }

    /// A number of bytes of the range.
    pub fn size(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let text = self.text_as("a size", Some(SIZE))?;
        match parse_size(text) {
            Ok(size) if range.contains(&size) => Some(size),
            Ok(_) => {
                let (least, most) = (show_size(*range.start()), show_size(*range.end()));
                self.out_of_range(text, &format!("{least} to {most}"));
                None
            }
            Err(error) => {
                self.bad_quantity(text, error, "a size", SIZE);
                None
            }
        }
    }

    /// One of some names, each with what it stands for. `noun` says what they name.
    pub fn one_of<T: Clone>(&self, noun: &str, accepted: &[(&str, T)]) -> Option<T> {
        let name = self.text_as(&format!("a {noun}"), Some(&accepted_names(accepted)))?;
        let found = accepted.iter().find(|(known, _)| *known == name);
        if found.is_none() {
            let names = accepted.iter().map(|(known, _)| *known);
            let label = match near_miss(name, names) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("no such {noun}"),
            };
            let message = format!("`{}`: there is no {noun} {}", self.key, quoted(name));
            self.problem(message, label, Some(accepted_names(accepted)));
        }
        found.map(|(_, meaning)| meaning.clone())
    }

    /// The items of a list.
    pub fn list(&self) -> Option<Vec<Self>> {
        let DeValue::Array(items) = self.value.get_ref() else {
            self.wrong_type("a list in brackets", None);
            return None;
        };
        Some(items.iter().map(|item| Self::new(self.key.clone(), item, self.problems)).collect())
    }

    /// The items of a list, or the value itself where there is only one.
    pub fn list_or_one(&self) -> Vec<Self> {
        match self.value.get_ref() {
            DeValue::Array(_) => self.list().unwrap_or_default(),
            _ => vec![self.clone()],
        }
    }

    /// A table.
    pub fn table(&self) -> Option<Table<'a>> {
        if self.key.contains('.') {
            return self.table_as("a table in braces");
        }
        self.table_as(&format!("a section: `[{}]`", self.key))
    }

    fn table_as(&self, expected: &str) -> Option<Table<'a>> {
        let DeValue::Table(entries) = self.value.get_ref() else {
            self.wrong_type(expected, None);
            return None;
        };
        Some(Table::new(self.key.clone(), self.span(), entries, self.problems))
    }

    /// The tables of a list such as `[[faults]]`.
    pub fn tables(&self) -> Option<Vec<Table<'a>>> {
        let expected = format!("tables: `[[{}]]`", self.key);
        let DeValue::Array(items) = self.value.get_ref() else {
            self.wrong_type(&expected, None);
            return None;
        };
        if items.len() > MAX_TABLES {
            let message = format!("there are {} `[[{}]]`", items.len(), self.key);
            self.problem(message, format!("expected at most {MAX_TABLES}"), None);
            return None;
        }
        Some(self.list()?.iter().filter_map(|item| item.table_as(&expected)).collect())
    }

    /// True for a table, false for anything else.
    pub fn is_table(&self) -> bool {
        self.value.get_ref().is_table()
    }

    /// Where the value is.
    fn span(&self) -> Range<usize> {
        self.value.span()
    }

    fn text_as(&self, expected: &str, help: Option<&str>) -> Option<&'a str> {
        let text = self.value.get_ref().as_str();
        if text.is_none() {
            self.wrong_type(expected, help);
        }
        text
    }

    fn duration_in(&self, text: &str, range: RangeInclusive<Duration>) -> Option<Duration> {
        let (least, most) = range.into_inner();
        let expected = match parse_duration(text) {
            Ok(duration) if (least..=most).contains(&duration) => return Some(duration),
            Ok(duration) if duration < least => format!("at least {}", show(least)),
            Ok(_) | Err(QuantityError::TooLarge) if most < MAX_DURATION => {
                format!("at most {}", show(most))
            }
            Ok(_) | Err(QuantityError::TooLarge) => "at most 876000h, a hundred years".to_owned(),
            Err(error) => {
                self.bad_quantity(text, error, "a duration", DURATION);
                return None;
            }
        };
        self.out_of_range(text, &expected);
        None
    }

    fn out_of_range(&self, found: &str, expected: &str) {
        let message = format!("`{}` is out of range: {}", self.key, quoted(found));
        self.problem(message, format!("expected {expected}"), None);
    }

    fn bad_quantity(&self, text: &str, error: QuantityError, expected: &str, help: &str) {
        let message = format!("`{}` {error}: {}", self.key, quoted(text));
        self.problem(message, format!("expected {expected}"), Some(help.to_owned()));
    }

    fn wrong_type(&self, expected: &str, help: Option<&str>) {
        let found = match self.value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a decimal number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let message = format!("`{}` is {found}", self.key);
        self.problem(message, format!("expected {expected}"), help.map(str::to_owned));
    }
}

fn accepted_names<T>(accepted: &[(&str, T)]) -> String {
    format!("accepted: {}", listing(accepted.iter().map(|(name, _)| *name)))
}
