//! Commands: from the client to the server.

use bytes::{Bytes, BytesMut};

use super::{ProtocolError, bulk, header, inline};
use crate::redis::number::parse_i64;

/// How long an inline command or a length may be before Redis gives up on finding its end.
///
/// Source: `server.h`, `PROTO_INLINE_MAX_SIZE`.
const INLINE_MAX_BYTES: usize = 64 * 1024;

/// The longest argument. Source: `config.c`, `proto-max-bulk-len`, 512 MB.
pub(crate) const BULK_MAX_BYTES: i64 = 512 * 1024 * 1024;

/// Room made at once for arguments that are only announced. Source: `networking.c`,
/// `processMultibulkBuffer`: `min(c->multibulklen, 1024)`.
const ANNOUNCED_ARGUMENTS_MAX: usize = 1024;

/// Appends a command as it goes over the wire.
pub fn encode_command(arguments: &[Bytes], out: &mut Vec<u8>) {
    // Room at once: the append-only file has a new buffer for each flush, which would grow several times.
    out.reserve(encoded_len(arguments));
    header(out, b'*', arguments.len());
    arguments.iter().for_each(|argument| bulk(out, argument));
}

/// How many bytes that makes. The offsets of replication count them.
pub(crate) fn encoded_len(arguments: &[Bytes]) -> usize {
    let bulk = |argument: &Bytes| 1 + digits(argument.len()) + 2 + argument.len() + 2;
    1 + digits(arguments.len()) + 2 + arguments.iter().map(bulk).sum::<usize>()
}

const fn digits(number: usize) -> usize {
    match number {
        0..10 => 1,
        10..100 => 2,
        _ => number.ilog10() as usize + 1,
    }
}

/// Takes bytes as they come in and gives the commands that they make up.
#[derive(Debug, Default)]
pub struct CommandDecoder {
    buffer: BytesMut,
    arguments: Vec<Bytes>,
    /// How long they are, all together.
    taken_bytes: usize,
    /// How many arguments are still to come.
    missing: usize,
    /// The length of the next argument, once it is known.
    next_bytes: Option<usize>,
}

impl CommandDecoder {
    /// Takes what came in.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// About how much memory is taken by what no command has been made of.
    pub fn held_bytes(&self) -> usize {
        self.buffer.len() + self.taken_bytes + self.arguments.len() * size_of::<Bytes>()
    }

    /// How much of what came in no command has been made of.
    pub(crate) fn unread_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// The next command; `None` when it has not come in whole. A command without arguments
    /// (`*0`, an empty line) is passed over, as Redis does.
    ///
    /// # Errors
    ///
    /// What came in is no command. Nothing that follows can be understood: the connection has
    /// to be closed.
    pub fn next_command(&mut self) -> Result<Option<Vec<Bytes>>, ProtocolError> {
        while self.missing == 0 {
            match self.buffer.first() {
                None => return Ok(None),
                Some(b'*') => {
                    let Some(count) = self.length("invalid multibulk length", "mbulk")? else {
                        return Ok(None);
                    };
                    if count > i64::from(i32::MAX) {
                        return Err(error("invalid multibulk length"));
                    }
                    self.missing = usize::try_from(count).unwrap_or(0);
                    self.arguments = Vec::with_capacity(self.missing.min(ANNOUNCED_ARGUMENTS_MAX));
                }
                Some(_) => match self.inline_command()? {
                    Some(arguments) if arguments.is_empty() => {}
                    command => return Ok(command),
                },
            }
        }
        while self.missing > 0 {
            if !self.take_argument()? {
                return Ok(None);
            }
        }
        self.taken_bytes = 0;
        Ok(Some(std::mem::take(&mut self.arguments)))
    }

    /// Takes one argument; false when it has not come in whole.
    fn take_argument(&mut self) -> Result<bool, ProtocolError> {
        let bytes = match self.next_bytes {
            Some(bytes) => bytes,
            None => {
                // Redis looks at the type only when the whole line is there.
                let first = self.buffer.first().copied().unwrap_or(b'$');
                let Some(bytes) = self.bulk_length(first)? else {
                    return Ok(false);
                };
                bytes
            }
        };
        self.next_bytes = Some(bytes);
        if self.buffer.len() < bytes + 2 {
            return Ok(false);
        }
        self.arguments.push(self.buffer.split_to(bytes).freeze());
        self.taken_bytes += bytes;
        // Redis does not look at the two bytes either.
        let _ = self.buffer.split_to(2);
        self.next_bytes = None;
        self.missing -= 1;
        Ok(true)
    }

    fn bulk_length(&mut self, first: u8) -> Result<Option<usize>, ProtocolError> {
        if first != b'$' {
            return match self.line_end("bulk")? {
                Some(_) => Err(ProtocolError(format!("expected '$', got '{}'", char::from(first)))),
                None => Ok(None),
            };
        }
        let Some(length) = self.length("invalid bulk length", "bulk")? else {
            return Ok(None);
        };
        match usize::try_from(length) {
            Ok(bytes) if length <= BULK_MAX_BYTES => Ok(Some(bytes)),
            _ => Err(error("invalid bulk length")),
        }
    }

    /// Takes a line that is a type and a number.
    fn length(&mut self, invalid: &str, what: &str) -> Result<Option<i64>, ProtocolError> {
        let Some(end) = self.line_end(what)? else {
            return Ok(None);
        };
        let line = self.buffer.split_to(end + 2);
        parse_i64(&line[1..end]).map(Some).ok_or_else(|| error(invalid))
    }

    /// Where the line ends that the buffer begins with, once its line feed is there too.
    fn line_end(&self, what: &str) -> Result<Option<usize>, ProtocolError> {
        match self.buffer.iter().position(|byte| *byte == b'\r') {
            Some(end) if end + 2 <= self.buffer.len() => Ok(Some(end)),
            None if self.buffer.len() > INLINE_MAX_BYTES => {
                Err(ProtocolError(format!("too big {what} count string")))
            }
            _ => Ok(None),
        }
    }

    /// A command typed by hand: words on a line.
    fn inline_command(&mut self) -> Result<Option<Vec<Bytes>>, ProtocolError> {
        let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') else {
            if self.buffer.len() > INLINE_MAX_BYTES {
                return Err(error("too big inline request"));
            }
            return Ok(None);
        };
        let line = self.buffer.split_to(end + 1);
        let line = &line[..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        inline::split(line).map(Some).ok_or_else(|| error("unbalanced quotes in request"))
    }
}

fn error(text: &str) -> ProtocolError {
    ProtocolError(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_command_is_that_of_its_encoding() {
        for line in
            ["PING", "SET lock 0123456789abcdef PXAT 1700000000000", "a b c d e f g h i j k"]
        {
            let words: Vec<Bytes> =
                line.split(' ').map(|word| Bytes::from(word.to_owned())).collect();
            let mut bytes = Vec::new();
            encode_command(&words, &mut bytes);
            assert_eq!(encoded_len(&words), bytes.len(), "{line}");
        }
        let long = [Bytes::from(vec![b'x'; 1234])];
        let mut bytes = Vec::new();
        encode_command(&long, &mut bytes);
        assert!(bytes.starts_with(b"*1\r\n$1234\r\nx"));
        assert_eq!(encoded_len(&long), bytes.len());
        assert_eq!(encoded_len(&[Bytes::new()]), "*1\r\n$0\r\n\r\n".len());
    }
}
