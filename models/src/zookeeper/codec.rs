//! Bytes, as ZooKeeper's files have them: numbers in big-endian order, text and data after their length.
//!
//! Source: `BinaryOutputArchive.java`, `BinaryInputArchive.java` (jute).

use bytes::Bytes;

use super::protocol::Path;

/// Writes what a [`Reader`] reads.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// One that has room for so much.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes) }
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(super) fn i32(&mut self, value: i32) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// How many come. More than four thousand million of anything is more than fits into a message.
    pub(super) fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX));
    }

    pub(super) fn data(&mut self, data: &[u8]) {
        self.count(data.len());
        self.bytes.extend_from_slice(data);
    }

    pub(super) fn path(&mut self, path: &str) {
        self.data(path.as_bytes());
    }

    /// What is written by then, after its length.
    pub(super) fn framed(&mut self, write: impl FnOnce(&mut Self)) {
        let begin = self.bytes.len();
        self.u32(0);
        let body = self.bytes.len();
        write(self);
        let length = u32::try_from(self.bytes.len() - body).unwrap_or(u32::MAX);
        self.bytes[begin..body].copy_from_slice(&length.to_be_bytes());
    }

    pub(super) fn finish(self) -> Bytes {
        self.bytes.into()
    }
}

/// Reads what a [`Writer`] has written; nothing where the bytes are not enough.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn count(&mut self) -> Option<usize> {
        usize::try_from(self.u32()?).ok()
    }

    pub(super) fn data(&mut self) -> Option<Bytes> {
        let length = self.count()?;
        self.bytes(length)
    }

    pub(super) fn bytes(&mut self, length: usize) -> Option<Bytes> {
        self.take(length).map(Bytes::copy_from_slice)
    }

    pub(super) fn path(&mut self) -> Option<Path> {
        let length = self.count()?;
        std::str::from_utf8(self.take(length)?).ok().map(Path::from)
    }
}
