//! A client driven by hand, for its own tests and those of the recipes: its timers come when they are due, and
//! the test says what its servers say.

use std::sync::Arc;
use std::time::Duration;

use crate::machine::{CloseReason, ConnectionId, Effect, Input, InputId, NodeId, TimerId};
use crate::message::Message;
use crate::note::{Note, ReleaseOutcome};
use crate::process::Host;
use crate::process::testing::Driven;
use crate::time::Mono;
use crate::zookeeper::protocol::{
    Answer, Connect, Connected, ErrorCode, EventKind, Op, Packet, Path, SessionId, WatchedEvent,
    Zxid,
};

/// A process, and what it has done and not been asked about.
pub(crate) struct Desk {
    driven: Driven,
    timer: Option<Mono>,
    /// The connections that it has asked for.
    pub(crate) connects: Vec<NodeId>,
    connection: ConnectionId,
    sent: Vec<Packet>,
    pub(crate) notes: Vec<Note>,
}

/// The session that servers grant here.
pub(crate) const SESSION: SessionId = SessionId(0x0100_0000_0000_0001);

impl Desk {
    pub(crate) fn new<F: Future<Output = ()> + 'static>(main: impl FnOnce(Host) -> F) -> Self {
        let mut desk = Self {
            driven: Driven::new(NodeId(1), main),
            timer: None,
            connects: Vec::new(),
            connection: ConnectionId(0),
            sent: Vec::new(),
            notes: Vec::new(),
        };
        desk.give(Input::Started);
        desk
    }

    fn give(&mut self, input: Input<'_>) -> InputId {
        let number = self.driven.next_input();
        for effect in self.driven.handle(input) {
            match effect {
                Effect::Note(note) => self.notes.push(note),
                Effect::Connect { connection, peer } => {
                    self.connects.push(peer);
                    self.connection = connection;
                }
                Effect::Send { message: Message::ZooKeeper(packet), .. } => {
                    self.sent.push((*packet).clone());
                }
                Effect::SetTimer { at, .. } => self.timer = Some(at),
                Effect::CancelTimer { .. } => self.timer = None,
                _ => {}
            }
        }
        number
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, duration: Duration) {
        let end = self.driven.now + duration;
        while let Some(at) = self.timer.take_if(|at| *at <= end) {
            self.driven.now = self.driven.now.max(at);
            self.give(Input::Timer(TimerId(0)));
        }
        self.driven.now = end;
    }

    /// The token of each grant, if it had one.
    pub(crate) fn tokens(&self) -> Vec<Option<u64>> {
        let token = |note: &Note| match note {
            Note::Acquired { token, .. } => Some(*token),
            _ => None,
        };
        self.notes.iter().filter_map(token).collect()
    }

    /// Why locks were taken for lost.
    pub(crate) fn losses(&self) -> Vec<&'static str> {
        let reason = |note: &Note| match note {
            Note::LockLost { reason, .. } => Some(*reason),
            _ => None,
        };
        self.notes.iter().filter_map(reason).collect()
    }

    /// What came of releases.
    pub(crate) fn outcomes(&self) -> Vec<ReleaseOutcome> {
        let outcome = |note: &Note| match note {
            Note::Released { outcome, .. } => Some(*outcome),
            _ => None,
        };
        self.notes.iter().filter_map(outcome).collect()
    }

    /// What time it is, in milliseconds.
    pub(crate) fn now_ms(&self) -> u64 {
        self.driven.now.as_millis()
    }

    /// The connection that was asked for last is open.
    pub(crate) fn connected(&mut self) {
        self.give(Input::Connected { connection: self.connection });
    }

    /// The connection that was asked for last is gone.
    pub(crate) fn close(&mut self, reason: CloseReason) {
        self.give(Input::Closed { connection: self.connection, reason });
    }

    /// A server says something.
    pub(crate) fn say(&mut self, packet: Packet) -> InputId {
        let message = Message::ZooKeeper(Arc::new(packet));
        self.give(Input::Message { connection: self.connection, message: &message })
    }

    /// A server opens the connection and takes the session up.
    pub(crate) fn admit(&mut self, session: SessionId, timeout_ms: u32) -> Connect {
        self.connected();
        let sent = self.sent();
        let [Packet::Connect(connect)] = sent[..] else { panic!("no connect: {sent:?}") };
        let password = session.password();
        self.say(Packet::Connected(Connected { timeout_ms, session, password }));
        connect
    }

    /// A server answers.
    pub(crate) fn reply(
        &mut self,
        xid: i32,
        zxid: Zxid,
        result: Result<Answer, ErrorCode>,
    ) -> InputId {
        self.say(Packet::Reply { xid, zxid, result })
    }

    /// A watch has fired.
    pub(crate) fn event(&mut self, kind: EventKind, path: &str) {
        self.say(Packet::Event(WatchedEvent { kind, path: Path::from(path) }));
    }

    /// What was sent since this was last asked.
    pub(crate) fn sent(&mut self) -> Vec<Packet> {
        std::mem::take(&mut self.sent)
    }

    /// The requests that were sent since this was last asked.
    pub(crate) fn requests(&mut self) -> Vec<(i32, Op)> {
        let request = |packet| match packet {
            Packet::Request { xid, op } => Some((xid, op)),
            _ => None,
        };
        self.sent().into_iter().filter_map(request).collect()
    }
}

/// The answer that lists these.
pub(crate) fn children(names: &[&str]) -> Result<Answer, ErrorCode> {
    let names = names.iter().map(|name| Path::from(*name)).collect();
    Ok(Answer::Children { names, stat: None })
}
