//! Redis's protocol, and that of Sentinel: RESP2, and RESP3 once a client has asked for it (the server says
//! which of the two a reply is in).

use bytes::Bytes;
use fencepost_models::message::Message;
use fencepost_models::redis::resp::{CommandDecoder, ProtocolError};

use super::wire::{Next, Unspeakable, Wire, own};

/// How much of commands that are not whole is held for a client. Source: `config.c`,
/// `client-query-buffer-limit`, 1 GB.
const QUERY_BUFFER_BYTES: usize = 1024 * 1024 * 1024;

/// A client of a Redis, or of a Sentinel.
#[derive(Debug, Default)]
pub struct Resp {
    decoder: CommandDecoder,
    /// It has sent what is no command: nothing that follows can be understood.
    is_lost: bool,
}

impl Wire for Resp {
    fn feed(&mut self, bytes: &[u8]) {
        if !self.is_lost {
            self.decoder.feed(bytes);
        }
    }

    fn next(&mut self, _: &mut Vec<u8>) -> Next {
        if self.is_lost {
            return Next::Nothing;
        }
        match self.decoder.next_command() {
            Ok(Some(arguments)) => {
                Next::Message(Message::Redis(arguments.iter().map(|one| own(one)).collect()))
            }
            Ok(None) if self.decoder.held_bytes() > QUERY_BUFFER_BYTES => Next::HangUp,
            Ok(None) => Next::Nothing,
            // The server says so, after all that it answers before, and hangs up.
            Err(error) => {
                self.is_lost = true;
                self.decoder = CommandDecoder::default();
                Next::Message(no_command(&error))
            }
        }
    }

    fn encode(&mut self, message: &Message, out: &mut Vec<u8>) -> Result<(), Unspeakable> {
        let Message::RedisReply(reply) = message else { return Err(Unspeakable) };
        reply.encode(out);
        Ok(())
    }
}

/// What a server is given that was sent something else than a command: what is wrong with it.
fn no_command(error: &ProtocolError) -> Message {
    Message::Bytes(Bytes::from(format!("ERR {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(wire: &mut Resp) -> Vec<Message> {
        let mut messages = Vec::new();
        while let Next::Message(message) = wire.next(&mut Vec::new()) {
            messages.push(message);
        }
        messages
    }

    #[test]
    fn commands_come_out_and_after_a_bad_one_nothing_more() {
        let mut wire = Resp::default();
        wire.feed(b"*1\r\n$4\r\nPING\r\n*x\r\nPING\r\n");
        let ping = Message::Redis([Bytes::from_static(b"PING")].into());
        let error =
            Message::Bytes(Bytes::from_static(b"ERR Protocol error: invalid multibulk length"));
        assert_eq!(said(&mut wire), [ping, error]);
        wire.feed(b"PING\r\n");
        assert_eq!(said(&mut wire), []);
    }

    #[test]
    fn a_message_between_servers_is_for_no_client() {
        let stream = Message::RedisStream(std::sync::Arc::from([]));
        assert_eq!(Resp::default().encode(&stream, &mut Vec::new()), Err(Unspeakable));
    }
}
