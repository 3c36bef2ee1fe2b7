//! What the mutex asks its servers for, and what it makes of their answers, of silence, and of its connection.

mod connection;
mod creation;
mod deletion;
mod waiting;

use std::time::Duration;

use bytes::Bytes;

use super::{CuratorSettings, InterProcessMutex};
use crate::locks::Guarded;
use crate::machine::{CloseReason, InputId, NodeId};
use crate::note::{Note, ReleaseOutcome};
use crate::zookeeper::client::testing::{Desk, SESSION, children};
use crate::zookeeper::protocol::{
    Answer, Connected, ErrorCode, EventKind, Op, Packet, Password, Path, SessionId, Stat, Zxid,
};

const SERVERS: [NodeId; 2] = [NodeId(11), NodeId(12)];
const SECOND: Duration = Duration::from_secs(1);
/// How long the lock is held, unless it is lost before.
const HELD_FOR: Duration = Duration::from_secs(300);
/// The session that servers grant after the first.
const NEXT_SESSION: SessionId = SessionId(0x0100_0000_0000_0002);
const SESSION_TIMEOUT_MS: u32 = 60_000;

/// Acquires the lock, holds it until it is lost or the time is over, gives it back, and once more.
struct Bench {
    desk: Desk,
    zxid: u32,
}

impl Bench {
    fn new(change: impl FnOnce(&mut CuratorSettings)) -> Self {
        let mut settings = CuratorSettings::default();
        change(&mut settings);
        let desk = Desk::new(move |host| async move {
            let mutex = InterProcessMutex::new(host.clone(), &SERVERS, settings);
            let mut lock = Guarded::new(host.clone(), mutex);
            for _ in 0..2 {
                let held = lock.acquire().await;
                // Whether it is lost or not: it is given back.
                let _ = host.timeout(HELD_FOR, lock.lost()).await;
                lock.release(held).await;
            }
        });
        Self { desk, zxid: 100 }
    }

    /// A bench whose client is connected.
    fn connected(change: impl FnOnce(&mut CuratorSettings)) -> Self {
        let mut bench = Self::new(change);
        bench.admit(SESSION);
        bench
    }

    /// A bench whose client is connected, and interrupted when it has asked for the lock for five seconds.
    fn interrupted() -> Self {
        let mut desk = Desk::new(|host| async move {
            let settings = CuratorSettings::default();
            let mutex = InterProcessMutex::new(host.clone(), &SERVERS, settings);
            let mut lock = Guarded::new(host.clone(), mutex);
            assert!(host.timeout(5 * SECOND, lock.acquire()).await.is_err());
            host.sleep(1000 * SECOND).await;
        });
        desk.admit(SESSION, SESSION_TIMEOUT_MS);
        Self { desk, zxid: 100 }
    }

    /// A bench whose client holds the lock by its node number 3.
    fn holding(change: impl FnOnce(&mut CuratorSettings)) -> (Self, String) {
        let mut bench = Self::connected(change);
        let own = bench.create(3);
        bench.list(&[&own]);
        assert_eq!(bench.desk.tokens(), [token(3)]);
        (bench, own)
    }

    /// The requests that wait for an answer; pings are answered.
    fn requests(&mut self) -> Vec<(i32, Op)> {
        let mut requests = self.desk.requests();
        requests.retain(|(xid, op)| {
            if *op == Op::Ping {
                self.desk.reply(*xid, Zxid::default(), Ok(Answer::Done));
            }
            !matches!(op, Op::Ping | Op::SetWatches(_))
        });
        requests
    }

    /// The only request that waits for an answer, which has to be this one.
    fn take(&mut self, name: &str) -> (i32, Op) {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "expected {name}: {requests:?}");
        let (xid, op) = requests.remove(0);
        assert_eq!(op.name(), name, "{op:?}");
        (xid, op)
    }

    fn reply(&mut self, xid: i32, result: Result<Answer, ErrorCode>) -> InputId {
        self.zxid += 1;
        self.desk.reply(xid, Zxid::new(1, self.zxid), result)
    }

    /// The next request, which has to be this one, is answered.
    fn answer(&mut self, name: &str, result: Result<Answer, ErrorCode>) -> Op {
        let (xid, op) = self.take(name);
        self.reply(xid, result);
        op
    }

    /// All requests are answered, in the order in which they were made.
    fn answer_all(&mut self, mut answer: impl FnMut(&Op) -> Result<Answer, ErrorCode>) -> Vec<Op> {
        let requests = self.requests();
        for (xid, op) in &requests {
            self.reply(*xid, answer(op));
        }
        requests.into_iter().map(|(_, op)| op).collect()
    }

    /// The creation that is asked for is carried out, with this number; the node's name.
    fn create(&mut self, number: u32) -> String {
        let (xid, op) = self.take("create2");
        let path = created(&op, number);
        let stat = Some(stat(number));
        self.reply(xid, Ok(Answer::Created { path: path.clone(), stat }));
        name(&path)
    }

    /// The queue is asked for, and is this one; what brought the answer.
    fn list(&mut self, names: &[&str]) -> InputId {
        let (xid, op) = self.take("getChildren");
        let path = Path::from("/locks/stock");
        assert_eq!(op, Op::GetChildren { path, watch: false, with_stat: false });
        self.reply(xid, children(names))
    }

    /// The node is asked for that the lock is held by.
    fn delete(&mut self, name: &str, result: Result<Answer, ErrorCode>) {
        let delete = self.answer("delete", result);
        assert_eq!(delete, deletion(name));
    }

    /// Time passes, with nobody but the client's pings to be answered.
    fn idle(&mut self, duration: Duration) {
        let end = self.desk.now_ms() + u64::try_from(duration.as_millis()).unwrap();
        while self.desk.now_ms() < end {
            let left = Duration::from_millis(end - self.desk.now_ms());
            self.desk.pass(left.min(5 * SECOND));
            assert_eq!(self.requests(), []);
        }
    }

    /// The connection goes.
    fn disconnect(&mut self) {
        self.desk.close(CloseReason::Reset);
    }

    /// A server opens a connection to the client, which names its session.
    fn open(&mut self) -> SessionId {
        let mut waited = 0;
        loop {
            self.desk.connected();
            let sent = self.desk.sent();
            if let [Packet::Connect(connect)] = sent[..] {
                return connect.session;
            }
            assert_eq!(sent, []);
            assert!(waited < 100, "it looks for a server");
            waited += 1;
            self.desk.pass(SECOND / 10);
        }
    }

    /// A server takes the client up in a session.
    fn admit(&mut self, session: SessionId) {
        self.open();
        self.take_up(session);
    }

    fn take_up(&mut self, session: SessionId) {
        let (timeout_ms, password) = (SESSION_TIMEOUT_MS, session.password());
        self.desk.say(Packet::Connected(Connected { timeout_ms, session, password }));
    }

    /// A server opens a connection, and says that the session is over; the next one is begun.
    fn expire(&mut self) {
        assert_eq!(self.open(), SESSION);
        let (session, password) = (SessionId::NONE, Password::default());
        self.desk.say(Packet::Connected(Connected { timeout_ms: 0, session, password }));
        assert_eq!(self.open(), SessionId::NONE);
        self.take_up(NEXT_SESSION);
    }

    fn has_begun_to_release(&self) -> bool {
        self.desk.notes.iter().any(|note| matches!(note, Note::Releasing { .. }))
    }
}

/// The path of the node that a creation makes, with this number.
fn created(op: &Op, number: u32) -> Path {
    let Op::Create { path, .. } = op else { panic!("{op:?}") };
    Path::from(format!("{path}{number:010}"))
}

fn name(path: &str) -> String {
    path.rsplit('/').next().unwrap().to_owned()
}

/// The answer to whom a node is watched that is there.
fn data() -> Result<Answer, ErrorCode> {
    Ok(Answer::Data { data: Bytes::new(), stat: Stat::default() })
}

fn path(name: &str) -> Path {
    Path::from(format!("/locks/stock/{name}"))
}

fn deletion(name: &str) -> Op {
    Op::Delete { path: path(name), version: -1 }
}

/// A node's stat: its transaction goes with its number.
fn stat(number: u32) -> Stat {
    Stat { czxid: Zxid::new(1, 50 + number), ..Stat::default() }
}

fn token(number: u32) -> Option<u64> {
    Some(stat(number).czxid.0)
}

/// Somebody else's node.
fn other(number: u32) -> String {
    format!("_c_ffffffff-0000-4000-8000-000000000000-lock-{number:010}")
}
