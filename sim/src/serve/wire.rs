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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::jute::Jute;
    use super::super::resp::Resp;
    use super::*;

    /// What bytes make up that come in pieces of that size, and what is said to them at once.
    fn made_of(wire: &mut dyn Wire, bytes: &[u8], cut: usize) -> (Vec<Next>, Vec<u8>) {
        let (mut seen, mut out) = (Vec::new(), Vec::new());
        for piece in bytes.chunks(cut) {
            wire.feed(piece);
            loop {
                match wire.next(&mut out) {
                    Next::Nothing => break,
                    Next::HangUp => {
                        seen.push(Next::HangUp);
                        return (seen, out);
                    }
                    message => seen.push(message),
                }
            }
        }
        (seen, out)
    }

    /// Bytes of which some make sense.
    fn bytes(sense: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            3 => prop::sample::select(sense).prop_map(<[u8]>::to_vec),
            1 => prop::collection::vec(any::<u8>(), 0..8),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    const RESP: &[&[u8]] = &[
        b"*1\r\n",
        b"*2\r\n",
        b"$4\r\n",
        b"PING\r\n",
        b"\r\n",
        b"*-1\r\n",
        b"$0\r\n\r\n",
        b"*2147483647\r\n",
        b"$536870912\r\n",
        b"set \"a\"\r\n",
    ];

    const JUTE: &[&[u8]] = &[
        &[0, 0, 0, 45],
        &[0; 44],
        &[0],
        &[0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 11],
        &[0, 0, 0, 8, 0, 0, 0, 2, 0, 0, 0, 107],
        &[0, 0, 0, 14, 0, 0, 0, 3, 0, 0, 0, 9, 0, 0, 0, 2, b'/', b'a'],
        &[0, 0, 0, 8, 255, 255, 255, 252, 0, 0, 0, 100],
    ];

    proptest! {
        #[test]
        fn resp_is_the_same_however_it_comes(bytes in bytes(RESP), cut in 1..9_usize) {
            let whole = made_of(&mut Resp::default(), &bytes, bytes.len().max(1));
            prop_assert_eq!(made_of(&mut Resp::default(), &bytes, cut), whole);
        }

        #[test]
        fn jute_is_the_same_however_it_comes(bytes in bytes(JUTE), cut in 1..9_usize) {
            let whole = made_of(&mut Jute::default(), &bytes, bytes.len().max(1));
            prop_assert_eq!(made_of(&mut Jute::default(), &bytes, cut), whole);
        }
    }
}
