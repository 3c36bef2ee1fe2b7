//! The model as a side: an ensemble on a small simulated network, spoken to in bytes.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use fencepost_models::machine::ConnectionId;
use fencepost_models::zookeeper::jute::{
    Asked, Frames, MARSHALLING_ERROR, UNIMPLEMENTED, kind, server,
};
use fencepost_models::zookeeper::protocol::{Answer, Op, Packet, Zxid};

use crate::play::{Heard, Side};
use crate::rig::Rig;

struct Line {
    connection: ConnectionId,
    has_greeted: bool,
    /// The kinds of the parts of each `multi`, and who asked for an ACL.
    parts: BTreeMap<i32, Vec<i32>>,
    acls: Vec<i32>,
    out: VecDeque<Bytes>,
}

/// Servers of the model.
pub struct Model {
    rig: Rig,
    lines: Vec<Line>,
}

impl Model {
    /// An ensemble that serves.
    pub fn of(servers: u16, tick_ms: u64) -> Self {
        let mut rig = Rig::of(servers, 1, |settings| {
            settings.tick = std::time::Duration::from_millis(tick_ms)
        });
        rig.settle();
        Self { rig, lines: Vec::new() }
    }

    fn take_in(&mut self, line: usize) {
        let line = &mut self.lines[line];
        for packet in self.rig.heard.remove(&line.connection).unwrap_or_default() {
            let frame = match packet {
                Packet::Connected(connected) => server::connected(&connected, true),
                Packet::Event(event) => server::event(&event),
                Packet::Reply { xid, zxid, result: Ok(Answer::Stat(stat)) }
                    if line.acls.contains(&xid) =>
                {
                    server::open_acl(xid, zxid, &stat)
                }
                Packet::Reply { xid, zxid, result } => {
                    let parts = line.parts.remove(&xid).unwrap_or_default();
                    server::reply(xid, zxid, &result, &parts)
                }
                _ => continue,
            };
            line.push(frame);
        }
    }
}

impl Line {
    /// A frame without its length.
    fn push(&mut self, frame: Vec<u8>) {
        let mut frames = Frames::default();
        frames.feed(&frame);
        self.out.push_back(frames.next_frame().expect("is short").expect("is whole"));
    }
}

impl Side for Model {
    fn open(&mut self, server: u16) -> usize {
        let connection = self.rig.connect(server);
        self.lines.push(Line {
            connection,
            has_greeted: false,
            parts: BTreeMap::new(),
            acls: Vec::new(),
            out: VecDeque::new(),
        });
        self.lines.len() - 1
    }

    fn write(&mut self, line: usize, bytes: &[u8]) {
        let line = &mut self.lines[line];
        let mut frames = Frames::default();
        frames.feed(bytes);
        let frame = frames.next_frame().expect("is short").expect("is whole");
        if !line.has_greeted {
            line.has_greeted = true;
            let (connect, _) = server::read_connect(&frame).expect("is a greeting");
            return self.rig.tell(line.connection, Packet::Connect(connect));
        }
        let (xid, asked) = server::read_request(&frame).expect("has a head");
        let op = match asked {
            Asked::Op(op) => op,
            Asked::Acl(path) => {
                line.acls.push(xid);
                Op::Exists { path, watch: false }
            }
            // What the gateway of `fencepost serve` says to what the model does not know.
            Asked::Auth => return line.push(server::bare_reply(xid, Zxid::default(), 0)),
            Asked::Unknown(_) => {
                return line.push(server::bare_reply(xid, Zxid::default(), UNIMPLEMENTED));
            }
            Asked::Malformed => {
                return line.push(server::bare_reply(xid, Zxid::default(), MARSHALLING_ERROR));
            }
        };
        line.parts.insert(xid, kind::of_parts(&op));
        self.rig.tell(line.connection, Packet::Request { xid, op });
    }

    fn wait(&mut self, line: usize, limit_ms: u64) -> Heard {
        for _ in 0..=limit_ms {
            self.take_in(line);
            if let Some(frame) = self.lines[line].out.pop_front() {
                return Heard::Frame(frame);
            }
            if !self.rig.is_open(self.lines[line].connection) {
                // What was sent before may be under way.
                self.rig.pass(10);
                self.take_in(line);
                return self.lines[line].out.pop_front().map_or(Heard::Closed, Heard::Frame);
            }
            self.rig.pass(1);
        }
        Heard::Nothing
    }

    fn close(&mut self, line: usize) {
        self.rig.hang_up(self.lines[line].connection);
    }

    fn pass(&mut self, ms: u64) {
        self.rig.pass(ms);
    }

    fn now_ms(&self) -> u64 {
        self.rig.now_ms()
    }
}
