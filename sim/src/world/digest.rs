//! A run in 128 bits: XXH3-128 (the `xxhash-rust` crate) over the postcard encoding of every
//! record, with the messages and notes that the records name. Equal digests mean equal runs.

use std::fmt;

use serde::Serialize;
use xxhash_rust::xxh3::Xxh3;

use super::history::{Event, History, Record};

/// The digest of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub u128);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl History {
    /// The digest of everything that happened.
    pub fn digest(&self) -> Digest {
        let mut hasher = Xxh3::new();
        let mut buffer = Vec::with_capacity(256);
        encode(&mut buffer, &self.nodes);
        hasher.update(&buffer);
        for record in self.records() {
            buffer.clear();
            self.encode_record(&mut buffer, record);
            hasher.update(&buffer);
        }
        Digest(hasher.digest128())
    }

    /// One record as bytes, in full: what two runs are compared by.
    pub fn encode_record(&self, buffer: &mut Vec<u8>, record: &Record) {
        let cause = record.cause.map(|id| id.0);
        encode(buffer, &(record.at, record.node, cause, record.event));
        match record.event {
            Event::Sent(id) => encode(buffer, &self.message(id).message),
            Event::Noted(id) => encode(buffer, self.note(id)),
            _ => {}
        }
    }
}

/// Appends a value's postcard encoding. Writing to a vector cannot fail, and every type here has
/// an encoding; should one ever not, the digest would still be the same for the same run.
fn encode<T: Serialize>(buffer: &mut Vec<u8>, value: &T) {
    match postcard::to_extend(value, std::mem::take(buffer)) {
        Ok(extended) => *buffer = extended,
        Err(error) => debug_assert!(false, "no encoding: {error}"),
    }
}
