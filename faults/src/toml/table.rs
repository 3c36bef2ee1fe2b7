//! One table, read key by key.

use std::ops::Range;

use ::toml::de::DeTable;

use super::problem::{Problem, Problems, listing, near_miss, quoted};
use super::value::Value;

/// A table that is being read. It remembers which keys were asked for.
#[derive(Debug)]
pub struct Table<'a> {
    /// Its path from the top: `shop`, `network.links`; empty for the top itself.
    path: String,
    /// Where its header is.
    span: Range<usize>,
    entries: &'a DeTable<'a>,
    asked: Vec<&'static str>,
    problems: &'a Problems,
}

impl<'a> Table<'a> {
    pub(super) fn new(
        path: String,
        span: Range<usize>,
        entries: &'a DeTable<'a>,
        problems: &'a Problems,
    ) -> Self {
        Self { path, span, entries, asked: Vec::new(), problems }
    }

    /// True when there are no keys in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of a key, if it is there.
    pub fn get(&mut self, key: &'static str) -> Option<Value<'a>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        let value = self.entries.get(key)?;
        Some(Value::new(self.path_of(key), value, self.problems))
    }

    /// The value of a key that has to be there: a problem if it is not. `example` is a line with
    /// which that is put right.
    pub fn required(&mut self, key: &'static str, example: &str) -> Option<Value<'a>> {
        let value = self.get(key);
        if value.is_none() {
            self.problem(
                format!("{} is missing", quoted(&self.path_of(key))),
                format!("needs `{key}`"),
                Some(format!("for example: {example}")),
            );
        }
        value
    }

    /// The table under a key, if it is there.
    pub fn section(&mut self, key: &'static str) -> Option<Self> {
        self.get(key)?.table()
    }

    /// Says what is wrong with the table as a whole.
    pub fn problem(&self, message: String, label: String, help: Option<String>) {
        let key = self.path.clone();
        self.problems.add(Problem { span: self.span.clone(), key, message, label, help });
    }

    /// Reports every key that nobody has asked for.
    pub fn finish(self) {
        for key in self.entries.keys() {
            let name = key.get_ref().as_ref();
            if self.asked.contains(&name) {
                continue;
            }
            let label = match near_miss(name, self.asked.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "not a key of this table".to_owned(),
            };
            let accepted = listing(self.asked.iter().copied());
            self.problems.add(Problem {
                span: key.span(),
                key: self.path_of(name),
                message: format!("unknown key {}", quoted(&self.path_of(name))),
                label,
                help: Some(format!("accepted here: {accepted}")),
            });
        }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}
