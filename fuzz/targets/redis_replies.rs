//! Bytes of a Redis: they make up the same replies, or the same error, however they are cut; and those replies,
//! written again, are read as the same.

#![no_main]

use fencepost_models::redis::resp::{ProtocolError, Reply, ReplyDecoder};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    let (replies, error) = read(bytes, bytes.len().max(1));
    assert_eq!(read(bytes, usize::from(cut).max(1)), (replies.clone(), error));
    let mut again = Vec::new();
    replies.iter().for_each(|reply| reply.encode(&mut again));
    let (read_again, error) = read(&again, again.len().max(1));
    assert_eq!(error, None);
    assert_eq!(read_again.len(), replies.len());
    // A lone line break inside a status becomes a space when it is written: the second time, nothing changes.
    let mut third = Vec::new();
    read_again.iter().for_each(|reply| reply.encode(&mut third));
    assert_eq!(third, again);
});

/// What is read from bytes that come in pieces of that size, until one is wrong.
fn read(bytes: &[u8], cut: usize) -> (Vec<Reply>, Option<ProtocolError>) {
    let (mut decoder, mut replies) = (ReplyDecoder::default(), Vec::new());
    for piece in bytes.chunks(cut) {
        decoder.feed(piece);
        loop {
            match decoder.next_reply() {
                Ok(Some(reply)) => replies.push(reply),
                Ok(None) => break,
                Err(error) => return (replies, Some(error)),
            }
        }
    }
    (replies, None)
}
