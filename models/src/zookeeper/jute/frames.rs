//! Frames: a length, and so many bytes.

use bytes::{Buf as _, Bytes, BytesMut};

/// The longest frame. Source: `BinaryInputArchive.java`, `maxBuffer`: `jute.maxbuffer`, 0xfffff.
pub const MAX_FRAME_BYTES: usize = 0xf_ffff;

/// How long the length itself is.
const HEAD: usize = 4;

/// A length is none, or too much. Nothing that follows can be understood: the connection has to be closed.
/// Source: `NIOServerCnxn.java`, `readLength`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Len error {0}")]
pub struct BadLength(pub i32);

/// Takes bytes as they come in and gives the frames that they make up.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: BytesMut,
}

impl Frames {
    /// Takes what came in.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame; `None` when it has not come in whole.
    ///
    /// # Errors
    ///
    /// Its length cannot be one.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, BadLength> {
        let Some(head) = self.buffer.first_chunk::<HEAD>() else { return Ok(None) };
        let length = i32::from_be_bytes(*head);
        let bytes = usize::try_from(length).ok().filter(|bytes| *bytes <= MAX_FRAME_BYTES);
        let bytes = bytes.ok_or(BadLength(length))?;
        if self.buffer.len() < HEAD + bytes {
            return Ok(None);
        }
        self.buffer.advance(HEAD);
        Ok(Some(self.buffer.split_to(bytes).freeze()))
    }
}

/// A frame of these bytes.
pub(super) fn frame(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], bytes].concat()
}
