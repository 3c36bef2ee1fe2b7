//! Hashes: fields with their values.
//!
//! A small hash is a list in the order in which its fields came, a large one a table. Redis walks
//! through the table in the order of a hash function with a random seed, which differs from run to
//! run; here the fields of a table are sorted. A hash that has become a table stays one.
//!
//! Source: Redis 7.0.15, `t_hash.c`.

use std::collections::BTreeMap;

use bytes::Bytes;

/// How large a hash may be and still be a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListLimits {
    /// The most fields that it may have: `hash-max-listpack-entries`.
    pub fields: u64,
    /// The longest field or value: `hash-max-listpack-value`.
    pub bytes: u64,
}

impl Default for ListLimits {
    fn default() -> Self {
        // Source: `config.c`, `static_configs`.
        Self { fields: 512, bytes: 64 }
    }
}

/// Fields with their values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hash(Fields);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fields {
    List(Vec<(Bytes, Bytes)>),
    Table(BTreeMap<Bytes, Bytes>),
}

impl Default for Hash {
    fn default() -> Self {
        Self(Fields::List(Vec::new()))
    }
}

impl Hash {
    /// How many fields there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Fields::List(list) => list.len(),
            Fields::Table(table) => table.len(),
        }
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True while it is a list: Redis's `listpack`.
    pub const fn is_list(&self) -> bool {
        matches!(self.0, Fields::List(_))
    }

    /// The value of a field.
    pub fn get(&self, field: &[u8]) -> Option<&Bytes> {
        match &self.0 {
            Fields::List(list) => list.iter().find(|(other, _)| other == field).map(|(_, it)| it),
            Fields::Table(table) => table.get(field),
        }
    }

    /// Sets a field; true when it is new. A list that is too large for the limits by then becomes a table.
    ///
    /// Source: `hashTypeSet`.
    pub fn insert(&mut self, field: Bytes, value: Bytes, limits: ListLimits) -> bool {
        if field.len().max(value.len()) as u64 > limits.bytes {
            self.make_table();
        }
        let list = match &mut self.0 {
            Fields::List(list) => list,
            Fields::Table(table) => return table.insert(field, value).is_none(),
        };
        let old = list.iter_mut().find(|(other, _)| *other == field);
        let is_new = old.is_none();
        match old {
            Some((_, old)) => *old = value,
            None => list.push((field, value)),
        }
        // The limit may have become smaller since it was filled.
        if list.len() as u64 > limits.fields {
            self.make_table();
        }
        is_new
    }

    /// Removes a field; false when it is not there.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        match &mut self.0 {
            Fields::List(list) => {
                let place = list.iter().position(|(other, _)| other == field);
                place.map(|place| list.remove(place)).is_some()
            }
            Fields::Table(table) => table.remove(field).is_some(),
        }
    }

    /// The fields with their values: of a list in the order in which they came, of a table sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        let (list, table) = match &self.0 {
            Fields::List(list) => (Some(list), None),
            Fields::Table(table) => (None, Some(table)),
        };
        let list = list.into_iter().flatten().map(|(field, value)| (field, value));
        list.chain(table.into_iter().flatten())
    }

    fn make_table(&mut self) {
        if let Fields::List(list) = &mut self.0 {
            self.0 = Fields::Table(std::mem::take(list).into_iter().collect());
        }
    }
}

impl FromIterator<(Bytes, Bytes)> for Hash {
    fn from_iter<I: IntoIterator<Item = (Bytes, Bytes)>>(pairs: I) -> Self {
        let mut hash = Self::default();
        for (field, value) in pairs {
            hash.insert(field, value, ListLimits::default());
        }
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    fn fields(hash: &Hash) -> Vec<&[u8]> {
        hash.iter().map(|(field, _)| &field[..]).collect()
    }

    #[test]
    fn a_small_hash_keeps_its_order() {
        let mut hash = Hash::default();
        for field in ["c", "a", "b"] {
            assert!(hash.insert(text(field), text("1"), ListLimits::default()));
        }
        assert!(!hash.insert(text("c"), text("2"), ListLimits::default()), "is there");
        assert!(hash.remove(b"a") && !hash.remove(b"a"));
        assert!(hash.insert(text("a"), text("3"), ListLimits::default()));
        assert_eq!(fields(&hash), [b"c", b"b", b"a"]);
        assert_eq!(hash.get(b"c"), Some(&text("2")));
        assert_eq!(hash.get(b"d"), None);
        assert!(hash.is_list());
    }

    #[test]
    fn a_long_word_or_many_fields_make_a_table_for_good() {
        let mut long = Hash::from_iter([(text("b"), text("1")), (text("a"), text("2"))]);
        long.insert(text("c"), text(&"v".repeat(64)), ListLimits::default());
        assert!(long.is_list());
        long.insert(text("c"), text(&"v".repeat(65)), ListLimits::default());
        assert!(!long.is_list());
        assert_eq!(fields(&long), [b"a", b"b", b"c"]);
        assert!(long.remove(b"c") && !long.is_list());

        let numbers = |count: usize| (0..count).map(|n| (text(&n.to_string()), text("")));
        assert!(numbers(512).collect::<Hash>().is_list());
        let many: Hash = numbers(513).collect();
        assert!(!many.is_list() && many.len() == 513);
    }
}
