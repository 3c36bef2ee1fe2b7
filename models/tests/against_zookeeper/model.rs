//! The model as a side: an ensemble on a small simulated network, spoken to in bytes.

use fencepost_models::machine::ConnectionId;
use fencepost_models::zookeeper::jute::Frames;
use fencepost_models::zookeeper::jute::door::{Door, Next};

use crate::play::{Heard, Side};
use crate::rig::Rig;

struct Line {
    connection: ConnectionId,
    door: Door,
    /// What the door has said.
    frames: Frames,
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
        let mut out = Vec::new();
        for packet in self.rig.heard.remove(&line.connection).unwrap_or_default() {
            line.door.encode(&packet, &mut out).expect("is for clients");
        }
        line.frames.feed(&out);
    }

    fn heard(&mut self, line: usize) -> Option<Heard> {
        let frame = self.lines[line].frames.next_frame().expect("is well formed");
        frame.map(Heard::Frame)
    }
}

impl Side for Model {
    fn open(&mut self, server: u16) -> usize {
        let connection = self.rig.connect(server);
        self.lines.push(Line { connection, door: Door::default(), frames: Frames::default() });
        self.lines.len() - 1
    }

    fn write(&mut self, line: usize, bytes: &[u8]) {
        let Line { connection, door, frames } = &mut self.lines[line];
        let mut out = Vec::new();
        door.feed(bytes);
        loop {
            match door.next(&mut out) {
                Next::Nothing => break,
                Next::Packet(packet) => self.rig.tell(*connection, packet),
                Next::HangUp => {
                    self.rig.hang_up(*connection);
                    break;
                }
            }
        }
        frames.feed(&out);
    }

    fn wait(&mut self, line: usize, limit_ms: u64) -> Heard {
        for _ in 0..=limit_ms {
            self.take_in(line);
            if let Some(heard) = self.heard(line) {
                return heard;
            }
            if !self.rig.is_open(self.lines[line].connection) {
                // What was sent before may be under way.
                self.rig.pass(10);
                self.take_in(line);
                return self.heard(line).unwrap_or(Heard::Closed);
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
