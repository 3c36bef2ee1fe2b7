//! How values are stored.

use super::{Origin, Value};
use crate::redis::number::parse_i64;

/// How a value is stored. Source: `server.h`, `OBJ_ENCODING_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// A number in the place of a pointer.
    Int,
    /// A string in one piece with its object.
    EmbeddedString,
    /// A string of its own.
    Raw,
    /// A hash as a list.
    ListPack,
    /// A hash as a table.
    HashTable,
}

/// The longest string that lies in one piece with its object. Source: `object.c`,
/// `OBJ_ENCODING_EMBSTR_SIZE_LIMIT`.
const EMBEDDED_MAX_BYTES: usize = 44;

impl Encoding {
    /// How a value from there is stored.
    pub(crate) fn of(value: &Value, origin: Origin) -> Self {
        match value {
            Value::Hash(hash) if hash.is_list() => Self::ListPack,
            Value::Hash(_) => Self::HashTable,
            Value::String(string) => match origin {
                Origin::Given | Origin::Own if parse_i64(string).is_some() => Self::Int,
                Origin::Edited => Self::Raw,
                _ if string.len() <= EMBEDDED_MAX_BYTES => Self::EmbeddedString,
                _ => Self::Raw,
            },
        }
    }

    /// Its name, as `OBJECT ENCODING` gives it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::EmbeddedString => "embstr",
            Self::Raw => "raw",
            Self::ListPack => "listpack",
            Self::HashTable => "hashtable",
        }
    }
}
