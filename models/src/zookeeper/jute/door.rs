//! The door of an ensemble: between the bytes of one client and the packets of a server.
//!
//! Answers come in the order of the requests. What the model does not know is refused here
//! (`UNIMPLEMENTED`), in its turn, and not passed on. What a real server refuses in a transaction, its server refuses
//! in one.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{
    AUTH_FAILED, Asked, BadLength, Frames, INVALID_ACL, MARSHALLING_ERROR, UNIMPLEMENTED, kind,
    server,
};
use crate::zookeeper::protocol::{Answer, Op, Packet, Path, Zxid};

/// How many requests a client may have that wait for their turn to be refused, and for others before them. Source:
/// `RequestThrottler.java` has no such limit; `zookeeper.globalOutstandingLimit` is 1000.
pub const MOST_EXPECTED: usize = 10_000;

/// Words of four letters, instead of a first frame. Source: `FourLetterCommands.java`.
const FOUR_LETTERS: [&str; 17] = [
    "conf", "cons", "crst", "dirs", "dump", "envi", "gtmk", "hash", "isro", "mntr", "ruok", "srst",
    "srvr", "stat", "stmk", "wchc", "wchs",
];

/// What comes of it when a client says who it is.
#[derive(Clone, Copy)]
enum Proof {
    /// It is somebody now.
    Given,
    /// It may say so, and is nobody new: its address was known.
    Needless,
    /// It is hung up on.
    Failed,
}

/// Source: `ProviderRegistry.java`, `initialize`; `ZooKeeperServer.java`, `processPacket`, where a `digest` of nothing
/// is an exception.
fn look_at(scheme: Option<&[u8]>, proof: Option<&[u8]>) -> Proof {
    match (scheme, proof) {
        (Some(b"digest"), Some(_)) => Proof::Given,
        (Some(b"ip"), _) => Proof::Needless,
        _ => Proof::Failed,
    }
}

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
    /// This error, whichever the server's is.
    Error(i32),
}

/// What is refused in a transaction, as a request that the server refuses in one: nobody removes the root.
fn refused(error: i32) -> (Op, Shape) {
    (Op::Delete { path: Path::from("/"), version: -1 }, Shape::Error(error))
}

/// What a client is to be given by whoever owns its socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing more is whole.
    Nothing,
    /// The server is to be sent this.
    Packet(Packet),
    /// There is nothing more to say to it.
    HangUp,
}

/// The door of an ensemble for one client.
#[derive(Debug, Default)]
pub struct Door {
    frames: Frames,
    has_greeted: bool,
    /// It wants to hear whether it may only read.
    is_new: bool,
    has_proved: bool,
    expected: VecDeque<Expected>,
    /// The last transaction that the server has named.
    zxid: Zxid,
}

/// A packet that no server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no server sends this")]
pub struct NotForClients;

/// The connection is over: something cannot be read at which the real one throws (`ZooKeeperServer.java`,
/// `processPacket`), or the client has been told why.
struct TheEnd;

impl Door {
    /// Takes what the client has sent.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.frames.feed(bytes);
    }

    /// What comes of it next; `out` is for what the client is answered without the server.
    pub fn next(&mut self, out: &mut Vec<u8>) -> Next {
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
                Ok(Some(packet)) => return Next::Packet(packet),
                Ok(None) if self.expected.len() > MOST_EXPECTED => return Next::HangUp,
                Ok(None) => {}
                Err(TheEnd) => return Next::HangUp,
            }
        }
    }

    /// Writes what the server says, and what was refused and has waited for its turn behind that.
    ///
    /// # Errors
    ///
    /// The packet is none that a server sends.
    pub fn encode(&mut self, packet: &Packet, out: &mut Vec<u8>) -> Result<(), NotForClients> {
        match packet {
            Packet::Connected(connected) => out.extend(server::connected(connected, self.is_new)),
            Packet::Event(event) => out.extend(server::event(event)),
            Packet::Reply { xid, zxid, result } => {
                self.zxid = *zxid;
                let shape = self.take_shape(*xid);
                out.extend(match (shape, result) {
                    (Shape::Acl, Ok(Answer::Stat(stat))) => server::open_acl(*xid, *zxid, stat),
                    (Shape::Error(error), Err(_)) => server::bare_reply(*xid, *zxid, error),
                    (Shape::Multi(parts), result) => server::reply(*xid, *zxid, result, &parts),
                    (_, result) => server::reply(*xid, *zxid, result, &[]),
                });
                self.refuse_in_turn(out);
            }
            _ => return Err(NotForClients),
        }
        Ok(())
    }

    /// What the server is to be sent, if anything.
    fn read(&mut self, frame: &[u8], out: &mut Vec<u8>) -> Result<Option<Packet>, TheEnd> {
        if !self.has_greeted {
            let (connect, is_new) = server::read_connect(frame).ok_or(TheEnd)?;
            (self.has_greeted, self.is_new) = (true, is_new);
            return Ok(Some(Packet::Connect(connect)));
        }
        let (xid, asked) = server::read_request(frame).ok_or(TheEnd)?;
        let (op, shape) = match asked {
            Asked::Op(op) => {
                let shape = match &op {
                    Op::Multi(_) => Shape::Multi(kind::of_parts(&op)),
                    _ => Shape::Plain,
                };
                (op, shape)
            }
            Asked::Acl(path) => (Op::Exists { path, watch: false }, Shape::Acl),
            Asked::OfCreator(op) if self.has_proved => (op, Shape::Plain),
            Asked::OfCreator(_) => refused(INVALID_ACL),
            Asked::Refused(error) => refused(error),
            Asked::Auth { scheme, proof } => {
                let proof = look_at(scheme.as_deref(), proof.as_deref());
                self.has_proved |= matches!(proof, Proof::Given);
                let is_over = matches!(proof, Proof::Failed);
                let error = if is_over { AUTH_FAILED } else { 0 };
                out.extend(server::bare_reply(xid, Zxid::default(), error));
                return if is_over { Err(TheEnd) } else { Ok(None) };
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
