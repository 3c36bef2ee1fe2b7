//! A run in 128 bits: XXH3-128 (the `xxhash-rust` crate) over the nodes' names and every record,
//! with the messages and notes that the records name. Equal digests mean equal runs.

use std::fmt;

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use xxhash_rust::xxh3::Xxh3;

use super::history::{Event, History, Record};

/// How many bytes are hashed at a time: XXH3 is at its best far above the dozen of a record.
const CHUNK_BYTES: usize = 4096;

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
        let mut buffer = Vec::with_capacity(2 * CHUNK_BYTES);
        encode(&mut buffer, &self.nodes);
        hasher.update(&buffer);
        for record in self.records() {
            self.encode_record(&mut buffer, record);
            if buffer.len() >= CHUNK_BYTES {
                hasher.update(&buffer);
                buffer.clear();
            }
        }
        hasher.update(&buffer);
        Digest(hasher.digest128())
    }

    /// Appends one record as bytes, in full: what two runs are compared by. Time, cause and node
    /// have a fixed width; the rest is in postcard's encoding.
    pub fn encode_record(&self, buffer: &mut Vec<u8>, record: &Record) {
        let cause = record.cause.map_or(u32::MAX, |id| id.0);
        let mut head = [0; 14];
        head[..8].copy_from_slice(&record.at.as_nanos().to_le_bytes());
        head[8..12].copy_from_slice(&cause.to_le_bytes());
        head[12..].copy_from_slice(&record.node.0.to_le_bytes());
        buffer.extend_from_slice(&head);
        encode(buffer, &record.event);
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
    if let Err(error) = postcard::serialize_with_flavor(value, Appender(buffer)) {
        debug_assert!(false, "no encoding: {error}");
    }
}

/// postcard writes to the end of a vector. Its own flavor for that calls `memcpy` for each integer.
struct Appender<'a>(&'a mut Vec<u8>);

impl Flavor for Appender<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        /// The longest encoding of an integer.
        const SHORT: usize = 10;
        if bytes.len() <= SHORT {
            bytes.iter().for_each(|byte| self.0.push(*byte));
        } else {
            self.0.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
