//! ZooKeeper's protocol, for clients.
//!
//! Answers come in the order of the requests. What the model does not know is refused here
//! (`UNIMPLEMENTED`), in its turn, and not passed on.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use fencepost_models::message::Message;
use fencepost_models::zookeeper::jute::{
    Asked, BadLength, Frames, MARSHALLING_ERROR, UNIMPLEMENTED, kind, server,
};
use fencepost_models::zookeeper::protocol::{Answer, Op, Packet, Zxid};

use super::wire::{Next, Unspeakable, Wire};

/// How many requests a client may have that wait for their turn to be refused, and for others before them. Source:
/// `RequestThrottler.java` has no such limit; `zookeeper.globalOutstandingLimit` is 1000.
const MOST_EXPECTED: usize = 10_000;

/// Words of four letters, instead of a first frame. Source: `FourLetterCommands.java`.
const FOUR_LETTERS: [&str; 17] = [
    "conf", "cons", "crst", "dirs", "dump", "envi", "gtmk", "hash", "isro", "mntr", "ruok", "srst",
    "srvr", "stat", "stmk", "wchc", "wchs",
];

/// An answer that a client waits for.
#[derive(Debug)]
enum Expected {
    /// That of the server.
    Reply { xid: i32, shape: Shape },
    /// None but this error.
    Refusal { xid: i32, error: i32 },
}

/// How the server's answer is written.
#[derive(Debug)]
enum Shape {
    Plain,
    Multi(Vec<i32>),
    /// The stat of a node whose ACL is wanted.
    Acl,
}

/// A client of an ensemble.
#[derive(Debug, Default)]
pub struct Jute {
    frames: Frames,
    has_greeted: bool,
    /// It wants to hear whether it may only read.
    is_new: bool,
    expected: VecDeque<Expected>,
    /// The last transaction that the server has named.
    zxid: Zxid,
}

impl Wire for Jute {
    fn feed(&mut self, bytes: &[u8]) {
        self.frames.feed(bytes);
    }

    fn next(&mut self, out: &mut Vec<u8>) -> Next {
        loop {
            let frame = match self.frames.next_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => return Next::Nothing,
                Err(BadLength(length)) => {
                    if !self.has_greeted {
                        refuse_word(length, out);
                    }
                    return Next::HangUp;
                }
            };
            match self.read(&frame, out) {
                Ok(Some(packet)) => return Next::Message(Message::ZooKeeper(Arc::new(packet))),
                Ok(None) if self.expected.len() > MOST_EXPECTED => return Next::HangUp,
                Ok(None) => {}
                Err(NoFrame) => return Next::HangUp,
            }
        }
    }

    fn encode(&mut self, message: &Message, out: &mut Vec<u8>) -> Result<(), Unspeakable> {
        let Message::ZooKeeper(packet) = message else { return Err(Unspeakable) };
        match &**packet {
            Packet::Connected(connected) => out.extend(server::connected(connected, self.is_new)),
            Packet::Event(event) => out.extend(server::event(event)),
            Packet::Reply { xid, zxid, result } => {
                self.zxid = *zxid;
                let shape = self.take_shape(*xid);
                out.extend(match (shape, result) {
                    (Shape::Acl, Ok(Answer::Stat(stat))) => server::open_acl(*xid, *zxid, stat),
                    (Shape::Multi(parts), result) => server::reply(*xid, *zxid, result, &parts),
                    (_, result) => server::reply(*xid, *zxid, result, &[]),
                });
                self.refuse_in_turn(out);
            }
            _ => return Err(Unspeakable),
        }
        Ok(())
    }
}

/// Not even the head of a request can be read. Source: `ZooKeeperServer.java`, `processPacket`, which throws.
struct NoFrame;

impl Jute {
    /// What the server is to be sent, if anything.
    fn read(&mut self, frame: &[u8], out: &mut Vec<u8>) -> Result<Option<Packet>, NoFrame> {
        if !self.has_greeted {
            let (connect, is_new) = server::read_connect(frame).ok_or(NoFrame)?;
            (self.has_greeted, self.is_new) = (true, is_new);
            return Ok(Some(Packet::Connect(connect)));
        }
        let (xid, asked) = server::read_request(frame).ok_or(NoFrame)?;
        let (op, shape) = match asked {
            Asked::Op(op) => {
                let shape = match &op {
                    Op::Multi(_) => Shape::Multi(kind::of_parts(&op)),
                    _ => Shape::Plain,
                };
                (op, shape)
            }
            Asked::Acl(path) => (Op::Exists { path, watch: false }, Shape::Acl),
            Asked::Auth => {
                out.extend(server::bare_reply(xid, Zxid::default(), 0));
                return Ok(None);
            }
            Asked::Unknown(_) => return Ok(self.refuse(xid, UNIMPLEMENTED, out)),
            Asked::Malformed => return Ok(self.refuse(xid, MARSHALLING_ERROR, out)),
        };
        // Pings and the like have numbers of their own, and no turn.
        if xid >= 0 {
            self.expected.push_back(Expected::Reply { xid, shape });
        }
        Ok(Some(Packet::Request { xid, op }))
    }

    fn refuse(&mut self, xid: i32, error: i32, out: &mut Vec<u8>) -> Option<Packet> {
        self.expected.push_back(Expected::Refusal { xid, error });
        self.refuse_in_turn(out);
        None
    }

    fn refuse_in_turn(&mut self, out: &mut Vec<u8>) {
        while let Some(Expected::Refusal { xid, error }) = self.expected.front() {
            out.extend(server::bare_reply(*xid, self.zxid, *error));
            self.expected.pop_front();
        }
    }

    fn take_shape(&mut self, answered: i32) -> Shape {
        match self.expected.front_mut() {
            Some(Expected::Reply { xid, shape }) if *xid == answered => {
                let shape = std::mem::replace(shape, Shape::Plain);
                self.expected.pop_front();
                shape
            }
            _ => Shape::Plain,
        }
    }
}

/// Answers a word of four letters, all of which are switched off. Source: `NIOServerCnxn.java`,
/// `checkFourLetterWord`; `NopCommand.java`.
fn refuse_word(word: i32, out: &mut Vec<u8>) {
    let word = Bytes::copy_from_slice(&word.to_be_bytes());
    if let Some(known) = FOUR_LETTERS.iter().find(|known| known.as_bytes() == &word[..]) {
        let text = format!("{known} is not executed because it is not in the whitelist.\n");
        out.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use fencepost_models::zookeeper::jute::client;
    use fencepost_models::zookeeper::protocol::{Connect, ErrorCode, Password, SessionId, Stat};

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
