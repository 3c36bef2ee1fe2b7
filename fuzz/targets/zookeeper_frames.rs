//! Bytes between clients and servers of ZooKeeper: they make up the same frames however they are cut; what can be read
//! of a frame, as a greeting, a request, an answer or an event, does no harm, and a request that was read and is
//! written again is read as the same.

#![no_main]

use bytes::Bytes;
use fencepost_models::zookeeper::jute::{Asked, BadLength, Frames, client, server};
use fencepost_models::zookeeper::protocol::Op;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    let (frames, error) = read(bytes, bytes.len().max(1));
    assert_eq!(read(bytes, usize::from(cut).max(1)), (frames.clone(), error));
    // Each frame is an answer to the last request that could be read.
    let mut asked = Op::Ping;
    for frame in &frames {
        if let Some((connect, _)) = server::read_connect(frame) {
            assert_eq!(
                server::read_connect(&client::connect(&connect)[4..]),
                Some((connect, true))
            );
        }
        let _ = client::read_connected(frame);
        let _ = client::read_event(frame);
        let _ = client::read_reply(frame, &asked);
        if let Some((xid, Asked::Op(op))) = server::read_request(frame) {
            let again = client::request(xid, &op);
            assert_eq!(server::read_request(&again[4..]), Some((xid, Asked::Op(op.clone()))));
            asked = op;
        }
    }
});

/// What is read from bytes that come in pieces of that size, until one is wrong.
fn read(bytes: &[u8], cut: usize) -> (Vec<Bytes>, Option<BadLength>) {
    let (mut decoder, mut frames) = (Frames::default(), Vec::new());
    for piece in bytes.chunks(cut) {
        decoder.feed(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}
