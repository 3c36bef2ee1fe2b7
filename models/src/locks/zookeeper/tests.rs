//! What the recipe asks its servers for, and what it makes of their answers and of silence.

use std::time::Duration;

use bytes::Bytes;

use super::{Leftover, OnDisconnect, Token, Watching, WriteLock, ZooKeeperLockSettings};
use crate::locks::Guarded;
use crate::machine::{CloseReason, NodeId};
use crate::note::ReleaseOutcome;
use crate::zookeeper::client::testing::{Desk, SESSION, children};
use crate::zookeeper::protocol::{
    Answer, Connected, CreateMode, ErrorCode, EventKind, Op, Packet, Password, Path, SessionId,
    Stat, Zxid,
};

const SERVERS: [NodeId; 2] = [NodeId(11), NodeId(12)];
const HELD_FOR: Duration = Duration::from_secs(60);
/// What the client's own node is called, without its number.
const PREFIX: &str = "x-72057594037927937-";

/// Acquires the lock, holds it for a minute, gives it back, and once more.
struct Bench {
    desk: Desk,
    zxid: u32,
}

impl Bench {
    fn new(change: impl FnOnce(&mut ZooKeeperLockSettings)) -> Self {
        let mut settings = ZooKeeperLockSettings::default();
        change(&mut settings);
        let desk = Desk::new(move |host| async move {
            let mut lock =
                Guarded::new(host.clone(), WriteLock::new(host.clone(), &SERVERS, settings));
            for _ in 0..2 {
                let held = lock.acquire().await;
                host.sleep(HELD_FOR).await;
                lock.release(held).await;
            }
        });
        Self { desk, zxid: 100 }
    }

    /// The next request, which has to be this one, is answered.
    fn answer(&mut self, name: &str, result: Result<Answer, ErrorCode>) -> Op {
        let requests = self.desk.requests();
        let [(xid, op)] = &requests[..] else { panic!("expected {name}: {requests:?}") };
        assert_eq!(op.name(), name, "{op:?}");
        self.zxid += 1;
        self.desk.reply(*xid, Zxid::new(1, self.zxid), result);
        op.clone()
    }

    /// The client is connected, and the lock's parent is there.
    fn begin(&mut self) {
        self.desk.admit(SESSION, 30_000);
        self.find_parent();
    }

    fn find_parent(&mut self) {
        self.answer("exists", Ok(Answer::Stat(Stat::default())));
        self.answer("exists", Ok(Answer::Stat(Stat::default())));
    }

    /// Its node is created, with this number.
    fn create(&mut self, number: u32) -> Op {
        self.answer("getChildren", children(&[]));
        let path = Path::from(format!("/locks/stock/{PREFIX}{number:010}"));
        let stat = Some(Stat { czxid: Zxid::new(1, 50 + number), ..Stat::default() });
        self.answer("create2", Ok(Answer::Created { path, stat }))
    }

    /// The connection goes, and the next server opens one.
    fn reconnect(&mut self) {
        self.desk.close(CloseReason::Reset);
        self.desk.pass(Duration::from_secs(3));
        self.desk.connected();
        self.desk.sent();
    }

    fn take_up(&mut self) {
        let password = SESSION.password();
        let connected = Connected { timeout_ms: 30_000, session: SESSION, password };
        self.desk.say(Packet::Connected(connected));
    }

    fn expire(&mut self) {
        let (session, password) = (SessionId::NONE, Password::default());
        self.desk.say(Packet::Connected(Connected { timeout_ms: 0, session, password }));
    }
}

fn own(number: u32) -> String {
    format!("{PREFIX}{number:010}")
}

fn watched(path: &str) -> Op {
    Op::Exists { path: Path::from(path), watch: true }
}

/// The token that goes with a node's number.
fn token(number: u32) -> Option<u64> {
    Some(Zxid::new(1, 50 + number).0)
}

#[test]
fn the_lowest_node_holds_the_lock_and_its_czxid_is_the_token() {
    let mut bench = Bench::new(|_| {});
    bench.desk.admit(SESSION, 30_000);
    bench.answer("exists", Err(ErrorCode::NoNode));
    bench.answer("create", Err(ErrorCode::NodeExists));
    bench.answer("exists", Err(ErrorCode::NoNode));
    let path = Path::from("/locks/stock");
    let stat = None;
    bench.answer("create", Ok(Answer::Created { path, stat }));
    let create = bench.create(3);
    let expected = Op::Create {
        path: Path::from(format!("/locks/stock/{PREFIX}")),
        data: Bytes::new(),
        mode: CreateMode::EPHEMERAL_SEQUENTIAL,
        with_stat: true,
    };
    assert_eq!(create, expected);
    // The order is that of the numbers, whatever stands before them.
    bench.answer("getChildren", children(&["a-0000000004", &own(3)]));
    assert_eq!(bench.desk.tokens(), [token(3)]);
    while bench.desk.outcomes().is_empty() {
        bench.desk.pass(Duration::from_secs(5));
        for (xid, op) in bench.desk.requests() {
            let path = Path::from(format!("/locks/stock/{}", own(3)));
            assert!(op == Op::Ping || op == Op::Delete { path, version: -1 }, "{op:?}");
            bench.desk.reply(xid, Zxid::new(1, 200), Ok(Answer::Done));
        }
    }
    assert_eq!(bench.desk.outcomes(), [ReleaseOutcome::Removed]);
    assert_eq!(bench.desk.losses(), [""; 0]);
}

#[test]
fn who_waits_watches_the_node_before_its_own_and_no_other() {
    let mut bench = Bench::new(|_| {});
    bench.begin();
    bench.create(3);
    bench.answer("getChildren", children(&["x-9-0000000001", &own(3), "x-8-0000000002"]));
    let watch = bench.answer("exists", Ok(Answer::Stat(Stat::default())));
    assert_eq!(watch, watched("/locks/stock/x-8-0000000002"));
    assert_eq!(bench.desk.requests(), []);
    bench.desk.event(EventKind::NodeDeleted, "/locks/stock/x-8-0000000002");
    bench.answer("getChildren", children(&["x-9-0000000001", &own(3)]));
    let watch = bench.answer("exists", Err(ErrorCode::NoNode));
    assert_eq!(watch, watched("/locks/stock/x-9-0000000001"));
    // It was gone already: the list is asked for again.
    bench.answer("getChildren", children(&[&own(3)]));
    assert_eq!(bench.desk.tokens(), [token(3)]);
}

#[test]
fn the_herd_watches_the_node_above() {
    let mut bench = Bench::new(|settings| settings.watching = Watching::Parent);
    bench.begin();
    bench.create(3);
    for waits in [true, true, false] {
        let names = ["x-9-0000000001", &own(3)];
        let list = bench.answer("getChildren", children(&names[usize::from(!waits)..]));
        let path = Path::from("/locks/stock");
        assert_eq!(list, Op::GetChildren { path, watch: true, with_stat: false });
        if waits {
            bench.desk.event(EventKind::NodeChildrenChanged, "/locks/stock");
        }
    }
    assert_eq!(bench.desk.tokens(), [token(3)]);
}

#[test]
fn a_node_whose_creation_was_not_answered_is_found_again() {
    let mut bench = Bench::new(|_| {});
    bench.begin();
    bench.answer("getChildren", children(&[]));
    assert_eq!(bench.desk.requests().len(), 1, "the creation, which nobody answers");
    bench.reconnect();
    bench.take_up();
    bench.find_parent();
    bench.answer("getChildren", children(&["x-9-0000000007", &own(4)]));
    let stat = Stat { czxid: Zxid::new(1, 54), ..Stat::default() };
    bench.answer("exists", Ok(Answer::Stat(stat)));
    bench.answer("getChildren", children(&["x-9-0000000007", &own(4)]));
    assert_eq!(bench.desk.tokens(), [token(4)]);
}

#[test]
fn a_careful_holder_takes_a_lost_connection_for_a_lost_lock() {
    for (on_disconnect, losses) in [
        (OnDisconnect::GivesUp, &["disconnected"][..]),
        (OnDisconnect::Ignores, &["session expired"]),
    ] {
        let mut bench = Bench::new(|settings| settings.on_disconnect = on_disconnect);
        bench.begin();
        bench.create(1);
        bench.answer("getChildren", children(&[&own(1)]));
        assert_eq!(bench.desk.tokens().len(), 1);
        bench.reconnect();
        let before = usize::from(on_disconnect == OnDisconnect::GivesUp);
        assert_eq!(bench.desk.losses().len(), before);
        bench.expire();
        assert_eq!(bench.desk.losses(), losses);
        bench.desk.pass(HELD_FOR);
        assert_eq!(bench.desk.outcomes(), [ReleaseOutcome::NotHeld]);
    }
}

#[test]
fn a_careless_holder_whose_session_goes_on_never_hears_of_it() {
    let mut bench = Bench::new(|settings| settings.on_disconnect = OnDisconnect::Ignores);
    bench.begin();
    bench.create(1);
    bench.answer("getChildren", children(&[&own(1)]));
    bench.reconnect();
    bench.take_up();
    assert_eq!(bench.desk.losses(), [""; 0]);
}

#[test]
fn who_waits_and_loses_its_session_queues_up_again_in_a_new_one() {
    let mut bench = Bench::new(|_| {});
    bench.begin();
    bench.create(2);
    bench.answer("getChildren", children(&["x-9-0000000001", &own(2)]));
    bench.answer("exists", Ok(Answer::Stat(Stat::default())));
    bench.reconnect();
    bench.expire();
    let connect = bench.desk.admit(SESSION, 30_000);
    assert_eq!(connect.session, SessionId::NONE);
    bench.find_parent();
    bench.create(5);
    bench.answer("getChildren", children(&[&own(5)]));
    assert_eq!((bench.desk.tokens(), bench.desk.losses()), (vec![token(5)], vec![]));
}

/// The lock is held once, its release is not answered, and the client is back.
fn left_behind(leftover: Leftover) -> Bench {
    let mut bench = Bench::new(|settings| settings.leftover = leftover);
    bench.begin();
    bench.create(1);
    bench.answer("getChildren", children(&[&own(1)]));
    let mut is_asked = false;
    while !is_asked {
        bench.desk.pass(Duration::from_secs(5));
        for (xid, op) in bench.desk.requests() {
            is_asked |= matches!(op, Op::Delete { .. });
            if op == Op::Ping {
                bench.desk.reply(xid, Zxid::new(1, 200), Ok(Answer::Done));
            }
        }
    }
    bench.reconnect();
    assert_eq!(bench.desk.outcomes(), [ReleaseOutcome::Unknown]);
    bench.take_up();
    bench
}

#[test]
fn what_a_release_has_left_is_deleted_before_the_lock_is_asked_for_again() {
    for was_there in [Ok(Answer::Done), Err(ErrorCode::NoNode)] {
        let mut bench = left_behind(Leftover::Removed);
        let delete = bench.answer("delete", was_there);
        let path = Path::from(format!("/locks/stock/{}", own(1)));
        assert_eq!(delete, Op::Delete { path, version: -1 });
        bench.find_parent();
        bench.create(2);
        bench.answer("getChildren", children(&[&own(2)]));
        assert_eq!(bench.desk.tokens(), [token(1), token(2)]);
    }
}

#[test]
fn or_found_and_used_again_under_the_same_token() {
    let mut bench = left_behind(Leftover::Reused);
    bench.find_parent();
    bench.answer("getChildren", children(&[&own(1)]));
    let stat = Stat { czxid: Zxid::new(1, 51), ..Stat::default() };
    bench.answer("exists", Ok(Answer::Stat(stat)));
    bench.answer("getChildren", children(&[&own(1)]));
    assert_eq!(bench.desk.tokens(), [token(1), token(1)]);
}

#[test]
fn the_number_in_the_name_may_be_the_token() {
    let mut bench = Bench::new(|settings| settings.token = Token::Sequence);
    bench.begin();
    bench.create(7);
    bench.answer("getChildren", children(&[&own(7)]));
    assert_eq!(bench.desk.tokens(), [Some(7)]);
}
