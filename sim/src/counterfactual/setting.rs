//! One setting of a scenario file, changed: `shop.fencing="writes"`. It is written into the file's text, so
//! that whatever a file can say can be set, and what it cannot say is refused in the file's own words.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use toml_edit::{DocumentMut, InlineTable, Item, Key, Table, Value};

/// A key of a scenario file and what it is to be.
#[derive(Clone, Debug)]
pub struct Setting {
    key: Vec<String>,
    /// `None` where the key is to be left out.
    value: Option<Value>,
}

/// What a setting was and what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// The key, as TOML writes it: `shop.fencing`.
    pub key: String,
    /// What the file has there, as TOML; `None` where it says nothing.
    pub before: Option<String>,
    /// What is there instead; `None` where nothing is.
    pub after: Option<String>,
}

/// Why a setting cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// There is no `=` in it.
    #[error("`{text}` sets nothing: write KEY=VALUE, such as shop.fencing=\"writes\"")]
    NoValue {
        /// What was given.
        text: String,
    },
    /// The key is none.
    #[error("`{text}` is no key: write it as in TOML, such as shop.fencing")]
    NoKey {
        /// What was given.
        text: String,
    },
    /// The value begins as TOML, and is none.
    #[error("`{text}` is no value: {reason}")]
    BadValue {
        /// What was given.
        text: String,
        /// What TOML says of it.
        reason: String,
    },
    /// The seed is what the two runs have in common.
    #[error("the seed is the same in both runs: it cannot be set")]
    Seed,
    /// The key leads through something that has nothing below it.
    #[error("there is nothing below `{key}`: it is {found}")]
    NothingBelow {
        /// Through what.
        key: String,
        /// What that is.
        found: &'static str,
    },
    /// A list has no such item.
    #[error("`{key}` has no item {item}: its {length} are counted from 1")]
    NoSuchItem {
        /// The list.
        key: String,
        /// The item's number, as it was given.
        item: String,
        /// How many there are.
        length: usize,
    },
    /// What is to be left out is not there.
    #[error("the file does not say `{key}`: there is nothing to leave out")]
    NotThere {
        /// The key.
        key: String,
    },
}

impl Setting {
    /// A key to leave out: `lock.ttl`.
    ///
    /// # Errors
    ///
    /// It is no key.
    pub fn left_out(key: &str) -> Result<Self, SettingError> {
        Ok(Self { key: read_key(key)?, value: None })
    }

    /// Changes a document.
    pub(super) fn apply(&self, document: &mut DocumentMut) -> Result<Change, SettingError> {
        let mut place = document.as_item_mut();
        let (last, path) =
            self.key.split_last().ok_or_else(|| SettingError::NoKey { text: String::new() })?;
        for (depth, name) in path.iter().enumerate() {
            place = below(place, name, &self.key[..depth], self.value.is_some())?;
        }
        let parent = &self.key[..path.len()];
        let before = match place {
            Item::ArrayOfTables(_) | Item::Value(Value::Array(_)) => {
                self.replace_item(place, last, parent)?
            }
            _ => self.replace_key(place, last, parent)?,
        };
        let after = self.value.as_ref().map(|value| shown(&Item::Value(value.clone())));
        Ok(Change { key: dotted(&self.key), before, after })
    }

    fn replace_key(
        &self,
        place: &mut Item,
        name: &str,
        parent: &[String],
    ) -> Result<Option<String>, SettingError> {
        let found = place.type_name();
        let nothing_below = || SettingError::NothingBelow { key: dotted(parent), found };
        let table = place.as_table_like_mut().ok_or_else(nothing_below)?;
        let before = table.get(name).filter(|item| !item.is_none()).map(shown);
        match &self.value {
            Some(value) => {
                let mut value = value.clone();
                if let Some(old) = table.get(name).and_then(Item::as_value) {
                    // The comment behind it stays.
                    value.decor_mut().clone_from(old.decor());
                }
                table.insert(name, Item::Value(value));
            }
            None if before.is_none() => {
                return Err(SettingError::NotThere { key: dotted(&self.key) });
            }
            None => drop(table.remove(name)),
        }
        Ok(before)
    }

    /// The same of an item of a list. One is changed or taken away; none is added.
    fn replace_item(
        &self,
        list: &mut Item,
        name: &str,
        parent: &[String],
    ) -> Result<Option<String>, SettingError> {
        let place = place_in(list, name, parent)?;
        let before = list.get(place).map(shown);
        let sections = matches!(list, Item::ArrayOfTables(_));
        match (list, &self.value) {
            (Item::ArrayOfTables(tables), None) => drop(tables.remove(place)),
            (Item::Value(Value::Array(array)), None) => drop(array.remove(place)),
            (list, Some(value)) => {
                let found = value.type_name();
                let item = match Item::Value(value.clone()).into_table() {
                    Ok(table) if sections => Item::Table(table),
                    Err(_) if sections => {
                        let reason = format!("a section is to stand there, and it is {found}");
                        return Err(SettingError::BadValue { text: value.to_string(), reason });
                    }
                    _ => Item::Value(value.clone()),
                };
                if let Some(old) = list.get_mut(place) {
                    *old = item;
                }
            }
            (_, None) => {}
        }
        Ok(before)
    }
}

impl FromStr for Setting {
    type Err = SettingError;

    /// Reads `KEY=VALUE`. The value is one of TOML's; what does not look like one is a string, since a shell
    /// takes the quotes away: `shop.fencing=writes`, `lock.ttl=5s`. Items of lists are counted from 1:
    /// `faults.1.for=20s`.
    fn from_str(text: &str) -> Result<Self, SettingError> {
        let (key, value) =
            text.split_once('=').ok_or_else(|| SettingError::NoValue { text: text.to_owned() })?;
        Ok(Self { key: read_key(key)?, value: Some(read_value(value)?) })
    }
}

fn read_key(text: &str) -> Result<Vec<String>, SettingError> {
    let keys = Key::parse(text).map_err(|_| SettingError::NoKey { text: text.to_owned() })?;
    let names: Vec<String> = keys.iter().map(|key| key.get().to_owned()).collect();
    if names == ["seed"] { Err(SettingError::Seed) } else { Ok(names) }
}

fn read_value(text: &str) -> Result<Value, SettingError> {
    let text = text.trim();
    match text.parse::<Value>() {
        Ok(value) => Ok(value),
        Err(error) if text.starts_with(['"', '\'', '[', '{']) => Err(SettingError::BadValue {
            text: text.to_owned(),
            reason: error.message().lines().collect::<Vec<_>>().join(", "),
        }),
        Err(_) => Ok(Value::from(text)),
    }
}

/// What a table or a list has under a name; a section that is not there yet is made, if it may be.
fn below<'a>(
    place: &'a mut Item,
    name: &str,
    parent: &[String],
    may_make: bool,
) -> Result<&'a mut Item, SettingError> {
    let found = place.type_name();
    let nothing_below = || SettingError::NothingBelow { key: dotted(parent), found };
    if let Item::Value(Value::Array(_)) | Item::ArrayOfTables(_) = place {
        let at = place_in(place, name, parent)?;
        return place.get_mut(at).ok_or_else(nothing_below);
    }
    let is_inline = place.is_inline_table();
    let table = place.as_table_like_mut().ok_or_else(nothing_below)?;
    if !may_make && table.get(name).is_none() {
        let key = [parent, &[name.to_owned()]].concat();
        return Err(SettingError::NotThere { key: dotted(&key) });
    }
    Ok(table.entry(name).or_insert_with(|| match is_inline {
        true => Item::Value(Value::InlineTable(InlineTable::new())),
        false => Item::Table(Table::new()),
    }))
}

/// The place of an item that is counted from 1.
fn place_in(list: &Item, name: &str, parent: &[String]) -> Result<usize, SettingError> {
    let length = match list {
        Item::ArrayOfTables(tables) => tables.len(),
        Item::Value(Value::Array(array)) => array.len(),
        _ => 0,
    };
    let place = name.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    place.filter(|place| *place < length).ok_or_else(|| SettingError::NoSuchItem {
        key: dotted(parent),
        item: name.to_owned(),
        length,
    })
}

fn dotted(key: &[String]) -> String {
    let names = key.iter().map(|name| Key::new(name.as_str()).display_repr().into_owned());
    names.collect::<Vec<_>>().join(".")
}

/// An item as TOML has it in one line, without what stands around it.
fn shown(item: &Item) -> String {
    let value = item.clone().into_value();
    let text = value.map(|value| value.decorated("", "").to_string()).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nothing = || "nothing".to_owned();
        let before = self.before.clone().unwrap_or_else(nothing);
        let after = self.after.clone().unwrap_or_else(nothing);
        write!(f, "{}: {before} → {after}", self.key)
    }
}

#[cfg(test)]
mod tests;
