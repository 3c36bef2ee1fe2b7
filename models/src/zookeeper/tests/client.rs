//! A client that a test drives by hand.

use super::rig::Rig;
use crate::machine::ConnectionId;
use crate::zookeeper::protocol::{
    Answer, Connect, Connected, CreateMode, ErrorCode, Op, Packet, Password, SessionId, Stat,
    WatchedEvent, Zxid,
};

/// One client, its connection and its session.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) connection: ConnectionId,
    pub(super) session: SessionId,
    pub(super) password: Password,
    pub(super) timeout_ms: u32,
    pub(super) last_zxid: Zxid,
    /// What watches have told it, with all answers in between: their numbers.
    pub(super) log: Vec<Heard>,
    xid: i32,
}

/// What a client has heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Event(WatchedEvent),
    Reply(i32, Result<Answer, ErrorCode>),
}

impl Client {
    /// A session that begins at a server. `None` when there is no answer in so many milliseconds.
    pub(super) fn new(rig: &mut Rig, server: u16, timeout_ms: u32) -> Option<Self> {
        let mut client = Self {
            connection: ConnectionId(0),
            session: SessionId::NONE,
            password: Password::default(),
            timeout_ms,
            last_zxid: Zxid::default(),
            log: Vec::new(),
            xid: 0,
        };
        client.reconnect(rig, server).then_some(client)
    }

    /// Takes the session up at a server. False when it is over, or there is no answer.
    pub(super) fn reconnect(&mut self, rig: &mut Rig, server: u16) -> bool {
        self.connection = rig.connect(server);
        let connect = Connect {
            last_zxid_seen: self.last_zxid,
            timeout_ms: self.timeout_ms,
            session: self.session,
            password: self.password,
        };
        rig.tell(self.connection, Packet::Connect(connect));
        for _ in 0..3000 {
            rig.pass(1);
            let heard = rig.heard.get_mut(&self.connection).and_then(|heard| heard.pop_front());
            if let Some(Packet::Connected(Connected { timeout_ms, session, password })) = heard {
                (self.timeout_ms, self.session, self.password) = (timeout_ms, session, password);
                return session != SessionId::NONE;
            }
            if !rig.is_open(self.connection) {
                return false;
            }
        }
        false
    }

    /// Asks for something, and does not wait.
    pub(super) fn send(&mut self, rig: &mut Rig, op: Op) -> i32 {
        self.xid += 1;
        rig.tell(self.connection, Packet::Request { xid: self.xid, op });
        self.xid
    }

    /// Takes in what has come.
    pub(super) fn listen(&mut self, rig: &mut Rig) {
        for packet in rig.heard.remove(&self.connection).unwrap_or_default() {
            match packet {
                Packet::Reply { xid, zxid, result } => {
                    self.last_zxid = self.last_zxid.max(zxid);
                    self.log.push(Heard::Reply(xid, result));
                }
                Packet::Event(event) => self.log.push(Heard::Event(event)),
                _ => {}
            }
        }
    }

    /// The answer to a request, once it has come.
    pub(super) fn answer(&self, xid: i32) -> Option<Result<Answer, ErrorCode>> {
        self.log.iter().find_map(|heard| match heard {
            Heard::Reply(of, result) if *of == xid => Some(result.clone()),
            _ => None,
        })
    }

    /// Asks for something, and waits for three seconds at most.
    pub(super) fn ask(&mut self, rig: &mut Rig, op: Op) -> Option<Result<Answer, ErrorCode>> {
        let xid = self.send(rig, op);
        for _ in 0..3000 {
            rig.pass(1);
            self.listen(rig);
            if let Some(result) = self.answer(xid) {
                return Some(result);
            }
        }
        None
    }

    /// Creates a node; its path.
    pub(super) fn create(&mut self, rig: &mut Rig, path: &str, mode: CreateMode) -> Option<String> {
        match self.ask(rig, create(path, mode))? {
            Ok(Answer::Created { path, .. }) => Some(path.to_string()),
            _ => None,
        }
    }

    /// A node's stat, as the server has it.
    pub(super) fn stat(&mut self, rig: &mut Rig, path: &str) -> Option<Stat> {
        match self.ask(rig, Op::Exists { path: path.into(), watch: false })? {
            Ok(Answer::Stat(stat)) => Some(stat),
            _ => None,
        }
    }

    /// What watches have told it since it was last asked.
    pub(super) fn events(&mut self, rig: &mut Rig) -> Vec<WatchedEvent> {
        self.listen(rig);
        let log = std::mem::take(&mut self.log);
        log.into_iter()
            .filter_map(|heard| match heard {
                Heard::Event(event) => Some(event),
                Heard::Reply(..) => None,
            })
            .collect()
    }
}

pub(super) fn create(path: &str, mode: CreateMode) -> Op {
    Op::Create { path: path.into(), data: bytes::Bytes::new(), mode, with_stat: false }
}
