//! From bytes to messages and back, for one connection.

use bytes::Bytes;
use fencepost_models::message::Message;

/// What the client's bytes make up.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// A message for the server.
    Message(Message),
    /// Nothing yet: the rest has not come in.
    Nothing,
    /// What the real server hangs up on, or does not take.
    HangUp,
}

/// The server's message is one that this protocol has no bytes for: it was meant for another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unspeakable;

/// A protocol, on one connection.
pub trait Wire {
    /// Takes what came in.
    fn feed(&mut self, bytes: &[u8]);

    /// The next message for the server. What the client is told without asking the server goes into `out`.
    fn next(&mut self, out: &mut Vec<u8>) -> Next;

    /// Writes down what the server says.
    ///
    /// # Errors
    ///
    /// It is nothing that a client could read.
    fn encode(&mut self, message: &Message, out: &mut Vec<u8>) -> Result<(), Unspeakable>;
}

/// A copy of bytes that holds nothing else in memory: what came in lies in the buffer of a whole read.
pub fn own(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}
