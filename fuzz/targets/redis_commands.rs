//! Bytes of a client of Redis: they make up the same commands, or the same error, however they are cut; and those
//! commands, written again, are read as the same.

#![no_main]

use bytes::Bytes;
use fencepost_models::redis::resp::{CommandDecoder, ProtocolError, encode_command};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    let (commands, error) = read(bytes, bytes.len().max(1));
    assert_eq!(read(bytes, usize::from(cut).max(1)), (commands.clone(), error));
    let mut again = Vec::new();
    commands.iter().for_each(|command| encode_command(command, &mut again));
    assert_eq!(read(&again, again.len().max(1)), (commands, None));
});

/// What is read from bytes that come in pieces of that size, until one is wrong.
fn read(bytes: &[u8], cut: usize) -> (Vec<Vec<Bytes>>, Option<ProtocolError>) {
    let (mut decoder, mut commands) = (CommandDecoder::default(), Vec::new());
    for piece in bytes.chunks(cut) {
        decoder.feed(piece);
        loop {
            match decoder.next_command() {
                Ok(Some(command)) => commands.push(command),
                Ok(None) => break,
                Err(error) => return (commands, Some(error)),
            }
        }
        // What came in is held, and little more: lengths that are only announced take no room.
        assert!(decoder.held_bytes() <= bytes.len() * (1 + size_of::<Bytes>()));
    }
    (commands, None)
}
