//! A whole ZooKeeper, and strangers who send it bytes: nothing that can be said makes it panic, and everything that it
//! answers can be written down.

#![no_main]

// The rig is that of the model's own tests, and names these as the crate's own.
use fencepost_models::{machine, message, note, process, random, time, zookeeper};
use libfuzzer_sys::fuzz_target;

#[path = "../../models/src/zookeeper/tests/disk.rs"]
#[allow(dead_code, reason = "used by the model's own tests")]
mod disk;
#[path = "../../models/src/zookeeper/tests/rig.rs"]
#[allow(dead_code, reason = "used by the model's own tests")]
mod rig;

use self::machine::ConnectionId;
use self::rig::Rig;
use self::zookeeper::jute::Frames;
use self::zookeeper::jute::door::{Door, Next};

const STRANGERS: usize = 2;

fuzz_target!(|pieces: Vec<&[u8]>| {
    let mut rig = Rig::of(1, 1, |_| {});
    // It elects itself.
    rig.pass(5_000);
    let mut strangers: Vec<Stranger> = (0..STRANGERS).map(|_| Stranger::at(&mut rig)).collect();
    for (turn, piece) in pieces.iter().enumerate() {
        strangers[turn % STRANGERS].say(&mut rig, piece);
        rig.pass(20);
        strangers.iter_mut().for_each(|stranger| stranger.hear(&mut rig));
    }
    // Sessions expire, and their nodes go.
    rig.pass(60_000);
    strangers.iter_mut().for_each(|stranger| stranger.hear(&mut rig));
});

struct Stranger {
    connection: ConnectionId,
    door: Door,
    has_hung_up: bool,
}

impl Stranger {
    fn at(rig: &mut Rig) -> Self {
        Self { connection: rig.connect(1), door: Door::default(), has_hung_up: false }
    }

    fn say(&mut self, rig: &mut Rig, bytes: &[u8]) {
        if self.has_hung_up {
            return;
        }
        self.door.feed(bytes);
        let mut out = Vec::new();
        loop {
            match self.door.next(&mut out) {
                Next::Nothing => break,
                Next::Packet(packet) => rig.tell(self.connection, packet),
                Next::HangUp => {
                    rig.hang_up(self.connection);
                    self.has_hung_up = true;
                    // Here a word of four letters may have been answered, which is no frame.
                    return;
                }
            }
        }
        are_frames(&out);
    }

    fn hear(&mut self, rig: &mut Rig) {
        let mut out = Vec::new();
        for packet in rig.heard.remove(&self.connection).unwrap_or_default() {
            self.door.encode(&packet, &mut out).expect("is for clients");
        }
        are_frames(&out);
    }
}

/// They are whole, every one.
fn are_frames(bytes: &[u8]) {
    let mut frames = Frames::default();
    frames.feed(bytes);
    let mut read = 0;
    while let Some(frame) = frames.next_frame().expect("has a length") {
        read += 4 + frame.len();
    }
    assert_eq!(read, bytes.len());
}
