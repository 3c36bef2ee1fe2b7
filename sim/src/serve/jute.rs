//! ZooKeeper's protocol, for clients: the door that stands beside the model, as one of the protocols here.

use std::sync::Arc;

use fencepost_models::message::Message;
use fencepost_models::zookeeper::jute::door::{self, Door};

use super::wire::{Next, Unspeakable, Wire};

/// A client of an ensemble.
#[derive(Debug, Default)]
pub struct Jute(Door);

impl Wire for Jute {
    fn feed(&mut self, bytes: &[u8]) {
        self.0.feed(bytes);
    }

    fn next(&mut self, out: &mut Vec<u8>) -> Next {
        match self.0.next(out) {
            door::Next::Nothing => Next::Nothing,
            door::Next::Packet(packet) => Next::Message(Message::ZooKeeper(Arc::new(packet))),
            door::Next::HangUp => Next::HangUp,
        }
    }

    fn encode(&mut self, message: &Message, out: &mut Vec<u8>) -> Result<(), Unspeakable> {
        let Message::ZooKeeper(packet) = message else { return Err(Unspeakable) };
        self.0.encode(packet, out).map_err(|_| Unspeakable)
    }
}

#[cfg(test)]
mod tests {
    use fencepost_models::zookeeper::jute::door::MOST_EXPECTED;
    use fencepost_models::zookeeper::jute::{Frames, UNIMPLEMENTED, client};
    use fencepost_models::zookeeper::protocol::{
        Answer, Connect, ErrorCode, Op, Packet, Password, SessionId, Stat, Zxid,
    };

    use super::*;

    fn greeted() -> Jute {
        let mut wire = Jute::default();
        wire.feed(&client::connect(&Connect {
            last_zxid_seen: Zxid::default(),
            timeout_ms: 4000,
            session: SessionId::NONE,
            password: Password::default(),
        }));
        let next = wire.next(&mut Vec::new());
        assert!(matches!(&next, Next::Message(message) if message.name() == "connect"), "{next:?}");
        wire
    }

    fn exists() -> Op {
        Op::Exists { path: "/a".into(), watch: false }
    }

    fn reply(xid: i32, result: Result<Answer, ErrorCode>) -> Message {
        Message::ZooKeeper(Arc::new(Packet::Reply { xid, zxid: Zxid(9), result }))
    }

    /// The numbers of the requests that are answered, each with its error.
    fn answered(bytes: &[u8]) -> Vec<(i32, i32)> {
        let mut frames = Frames::default();
        frames.feed(bytes);
        let mut seen = Vec::new();
        while let Ok(Some(frame)) = frames.next_frame() {
            let error = i32::from_be_bytes(frame[12..16].try_into().unwrap());
            seen.push((client::read_xid(&frame).unwrap(), error));
        }
        seen
    }

    #[test]
    fn what_is_not_known_is_refused_in_its_turn() {
        let mut wire = greeted();
        let whoami = [&8_i32.to_be_bytes()[..], &2_i32.to_be_bytes(), &107_i32.to_be_bytes()];
        wire.feed(&client::request(1, &exists()));
        wire.feed(&whoami.concat());
        let mut out = Vec::new();
        assert!(matches!(wire.next(&mut out), Next::Message(_)));
        assert_eq!(wire.next(&mut out), Next::Nothing);
        assert_eq!(answered(&out), []);
        wire.encode(&reply(1, Err(ErrorCode::NoNode)), &mut out).unwrap();
        assert_eq!(answered(&out), [(1, -101), (2, UNIMPLEMENTED)]);
    }

    #[test]
    fn an_acl_is_asked_for_by_asking_whether_the_node_is_there() {
        let mut wire = greeted();
        let body = [&3_i32.to_be_bytes()[..], &6_i32.to_be_bytes(), &[0, 0, 0, 2], b"/a"].concat();
        wire.feed(&[&(body.len() as u32).to_be_bytes()[..], &body].concat());
        let next = wire.next(&mut Vec::new());
        let wanted = Packet::Request { xid: 3, op: exists() };
        assert_eq!(next, Next::Message(Message::ZooKeeper(Arc::new(wanted))));
        let mut out = Vec::new();
        wire.encode(&reply(3, Ok(Answer::Stat(Stat::default()))), &mut out).unwrap();
        assert!(out.windows(5).any(|word| word == b"world"), "{out:?}");
    }

    #[test]
    fn words_of_four_letters_are_refused_and_so_are_lengths_that_are_none() {
        for (bytes, answer) in [
            (&b"ruok"[..], "ruok is not executed because it is not in the whitelist.\n"),
            (b"GET ", ""),
            (&[0xff; 4], ""),
        ] {
            let (mut wire, mut out) = (Jute::default(), Vec::new());
            wire.feed(bytes);
            assert_eq!(wire.next(&mut out), Next::HangUp);
            assert_eq!(String::from_utf8_lossy(&out), answer);
        }
    }

    #[test]
    fn whoever_asks_on_and_on_is_hung_up_on() {
        let mut wire = greeted();
        wire.feed(&client::request(1, &exists()));
        assert!(matches!(wire.next(&mut Vec::new()), Next::Message(_)));
        let mut out = Vec::new();
        let whoami = [&8_i32.to_be_bytes()[..], &2_i32.to_be_bytes(), &107_i32.to_be_bytes()];
        let whoami = whoami.concat();
        let last = (0..=MOST_EXPECTED).find_map(|_| {
            wire.feed(&whoami);
            Some(wire.next(&mut out)).filter(|next| *next != Next::Nothing)
        });
        assert_eq!(last, Some(Next::HangUp));
    }
}
