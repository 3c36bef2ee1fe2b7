//! What a client sends, and what it makes of what it hears and of what it does not.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::testing::{Desk, SESSION};
use super::{ClientSettings, Event, KeeperState, Reply, ZooKeeper};
use crate::machine::{CloseReason, NodeId};
use crate::zookeeper::protocol::{
    Answer, Connected, ErrorCode, EventKind, Op, Packet, Password, Path, SessionId, SetWatches,
    Stat, WatchedEvent, Zxid,
};

const SECOND: Duration = Duration::from_secs(1);

/// A client whose test makes its requests from outside.
struct Client {
    desk: Desk,
    zookeeper: Rc<RefCell<Option<ZooKeeper>>>,
    events: Rc<RefCell<Vec<Event>>>,
    replies: Rc<RefCell<Vec<Reply>>>,
    host: Rc<RefCell<Option<crate::process::Host>>>,
}

impl Client {
    fn new() -> Self {
        let zookeeper = Rc::new(RefCell::new(None));
        let events = Rc::new(RefCell::new(Vec::new()));
        let host = Rc::new(RefCell::new(None));
        let (made, heard, on) = (Rc::clone(&zookeeper), Rc::clone(&events), Rc::clone(&host));
        let desk = Desk::new(move |host| async move {
            let settings = ClientSettings {
                servers: vec![NodeId(11), NodeId(12), NodeId(13)],
                session_timeout: 30 * SECOND,
            };
            let client = ZooKeeper::new(&host, &settings);
            let mut listener = client.listen();
            *made.borrow_mut() = Some(client);
            *on.borrow_mut() = Some(host);
            loop {
                let event = listener.wait().await;
                heard.borrow_mut().push(event);
            }
        });
        Self { desk, zookeeper, events, replies: Rc::default(), host }
    }

    fn ask(&mut self, op: Op) {
        let request = self.zookeeper.borrow().as_ref().unwrap().request(op);
        let replies = Rc::clone(&self.replies);
        let host = self.host.borrow().clone().unwrap();
        host.spawn(async move {
            let reply = request.await;
            replies.borrow_mut().push(reply);
        });
        // Whatever input comes next finds the request.
        self.desk.say(Packet::Reply { xid: -2, zxid: Zxid::default(), result: Ok(Answer::Done) });
    }

    fn admit(&mut self) {
        self.desk.admit(SESSION, 30_000);
    }

    fn events(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events.borrow_mut())
    }

    fn results(&self) -> Vec<Result<Answer, ErrorCode>> {
        self.replies.borrow_mut().drain(..).map(|reply| reply.result).collect()
    }

    fn state(&self) -> KeeperState {
        self.zookeeper.borrow().as_ref().unwrap().keeper_state()
    }

    /// The connection is lost, and the next server takes the client.
    fn come_back(&mut self) {
        self.desk.close(CloseReason::Reset);
        self.desk.pass(2 * SECOND);
        self.desk.connected();
    }
}

fn delete(path: &str) -> Op {
    Op::Delete { path: Path::from(path), version: -1 }
}

fn exists(path: &str) -> Op {
    Op::Exists { path: Path::from(path), watch: true }
}

fn zxid(counter: u32) -> Zxid {
    Zxid::new(1, counter)
}

#[test]
fn a_session_begins_at_the_first_server_that_takes_it() {
    let mut client = Client::new();
    assert_eq!(client.state(), KeeperState::Disconnected);
    let connect = client.desk.admit(SESSION, 40_000);
    assert_eq!((connect.session, connect.timeout_ms), (SessionId::NONE, 30_000));
    assert_eq!(client.events(), [Event::State(KeeperState::SyncConnected)]);
    let zookeeper = client.zookeeper.borrow();
    let zookeeper = zookeeper.as_ref().unwrap();
    assert_eq!(zookeeper.session(), SESSION);
    assert_eq!(zookeeper.session_timeout(), 40 * SECOND, "as the servers have it");
}

#[test]
fn silence_is_answered_with_a_ping_after_a_third_and_a_farewell_after_two_thirds() {
    let mut client = Client::new();
    client.admit();
    client.desk.pass(10 * SECOND - Duration::from_millis(1));
    assert_eq!(client.desk.sent(), []);
    client.desk.pass(Duration::from_millis(1));
    assert_eq!(client.desk.requests(), [(-2, Op::Ping)]);
    client.events();
    client.desk.pass(10 * SECOND - Duration::from_millis(1));
    assert_eq!(client.events(), []);
    client.desk.pass(Duration::from_millis(1));
    assert_eq!(client.events(), [Event::State(KeeperState::Disconnected)]);
    client.desk.pass(2 * SECOND);
    assert_eq!(client.desk.connects.len(), 2, "it looks for another");
}

#[test]
fn who_is_answered_goes_on() {
    let mut client = Client::new();
    client.admit();
    for _ in 0..6 {
        client.desk.pass(9 * SECOND);
        client.desk.reply(-2, zxid(1), Ok(Answer::Done));
    }
    assert_eq!(client.state(), KeeperState::SyncConnected);
    assert_eq!(client.desk.connects.len(), 1);
    assert!(client.desk.requests().iter().all(|(xid, op)| (*xid, op) == (-2, &Op::Ping)));
}

#[test]
fn all_servers_are_tried_in_turn_with_a_rest_after_each_round() {
    let mut client = Client::new();
    let mut at_ms = Vec::new();
    for _ in 0..7 {
        at_ms.push(client.desk.now_ms());
        let before = client.desk.connects.len();
        client.desk.close(CloseReason::Refused);
        while client.desk.connects.len() == before {
            client.desk.pass(Duration::from_millis(100));
        }
    }
    assert_eq!(at_ms, [0, 0, 0, 1000, 1000, 1000, 2000]);
    let tried = &client.desk.connects;
    let mut round: Vec<u16> = tried[..3].iter().map(|node| node.0).collect();
    round.sort_unstable();
    assert_eq!(round, [11, 12, 13]);
    assert_eq!(tried[..3], tried[3..6]);
}

#[test]
fn a_session_goes_on_at_another_server() {
    let mut client = Client::new();
    client.admit();
    client.ask(delete("/a"));
    client.desk.reply(1, zxid(7), Ok(Answer::Done));
    client.desk.sent();
    client.come_back();
    let sent = client.desk.sent();
    let [Packet::Connect(connect)] = sent[..] else { panic!("{sent:?}") };
    assert_eq!((connect.session, connect.password), (SESSION, SESSION.password()));
    assert_eq!(connect.last_zxid_seen, zxid(7), "no server that is behind will do");
    assert_ne!(client.desk.connects[0], client.desk.connects[1]);
}

#[test]
fn what_is_not_answered_when_the_connection_goes_may_have_happened_or_not() {
    let mut client = Client::new();
    client.admit();
    client.ask(delete("/a"));
    client.ask(delete("/b"));
    assert_eq!(client.desk.requests(), [(1, delete("/a")), (2, delete("/b"))]);
    client.desk.reply(1, zxid(1), Err(ErrorCode::NoNode));
    client.desk.close(CloseReason::Reset);
    assert_eq!(client.results(), [Err(ErrorCode::NoNode), Err(ErrorCode::ConnectionLoss)]);
    assert_eq!(client.state(), KeeperState::Disconnected);
}

#[test]
fn a_session_is_over_when_a_server_says_so_and_not_before() {
    let mut client = Client::new();
    client.admit();
    client.desk.close(CloseReason::Reset);
    client.events();
    // A client that reaches nobody believes in its session for as long as it likes.
    client.desk.pass(1000 * SECOND);
    assert!(!client.events().contains(&Event::State(KeeperState::Expired)));
    assert_eq!(client.state(), KeeperState::Disconnected);
    while client.desk.sent().is_empty() {
        client.desk.close(CloseReason::Refused);
        client.desk.pass(SECOND);
        client.desk.connected();
    }
    client.events();
    let over = Connected { timeout_ms: 0, session: SessionId::NONE, password: Password::default() };
    client.desk.say(Packet::Connected(over));
    assert_eq!(client.events(), [Event::State(KeeperState::Expired)]);
    let connects = client.desk.connects.len();
    client.desk.pass(100 * SECOND);
    assert_eq!(client.desk.connects.len(), connects, "it gives up");
    client.ask(delete("/a"));
    assert_eq!(client.results(), [Err(ErrorCode::SessionExpired)]);
}

#[test]
fn watches_that_have_not_fired_are_left_at_the_next_server() {
    let mut client = Client::new();
    client.admit();
    client.events();
    let children = Op::GetChildren { path: Path::from("/locks"), watch: true, with_stat: false };
    for op in [exists("/there"), exists("/fires"), exists("/not"), children] {
        client.ask(op);
    }
    client.desk.reply(1, zxid(3), Ok(Answer::Stat(Stat::default())));
    client.desk.reply(2, zxid(3), Ok(Answer::Stat(Stat::default())));
    client.desk.reply(3, zxid(3), Err(ErrorCode::NoNode));
    client.desk.reply(4, zxid(4), Ok(Answer::Children { names: vec![], stat: None }));
    client.desk.event(EventKind::NodeDeleted, "/fires");
    let fired = WatchedEvent { kind: EventKind::NodeDeleted, path: Path::from("/fires") };
    assert_eq!(client.events(), [Event::Watch(fired)]);
    client.desk.event(EventKind::NodeDeleted, "/fires");
    assert_eq!(client.events(), [], "once");
    client.come_back();
    client.desk.sent();
    let session = Connected { timeout_ms: 30_000, session: SESSION, password: SESSION.password() };
    client.desk.say(Packet::Connected(session));
    let set = SetWatches {
        relative_zxid: zxid(4),
        data: vec![Path::from("/there")],
        exist: vec![Path::from("/not")],
        child: vec![Path::from("/locks")],
    };
    assert_eq!(client.desk.requests(), [(-8, Op::SetWatches(set))]);
}

#[test]
fn an_answer_out_of_order_ends_the_connection() {
    let mut client = Client::new();
    client.admit();
    client.ask(delete("/a"));
    client.desk.reply(2, zxid(1), Ok(Answer::Done));
    assert_eq!(client.results(), [Err(ErrorCode::ConnectionLoss)]);
}

#[test]
fn a_session_that_is_closed_takes_no_more_requests() {
    let mut client = Client::new();
    client.admit();
    client.ask(Op::CloseSession);
    client.ask(delete("/a"));
    assert_eq!(client.desk.requests(), [(1, Op::CloseSession)]);
    client.desk.reply(1, zxid(1), Ok(Answer::Done));
    assert_eq!(client.results(), [Err(ErrorCode::ConnectionLoss), Ok(Answer::Done)]);
    client.desk.pass(100 * SECOND);
    assert_eq!(client.desk.connects.len(), 1);
}

#[test]
fn a_session_that_the_client_gives_up_is_over_to_it_alone() {
    let mut client = Client::new();
    client.admit();
    client.ask(delete("/a"));
    client.desk.requests();
    client.events();
    client.zookeeper.borrow().as_ref().unwrap().give_up_session();
    // Whatever input comes next finds it.
    client.desk.pass(Duration::from_millis(1));
    client.desk.say(Packet::Reply { xid: 1, zxid: zxid(1), result: Ok(Answer::Done) });
    assert_eq!(client.events(), [Event::State(KeeperState::Expired)]);
    assert_eq!(client.results(), [Err(ErrorCode::SessionExpired)], "the answer came too late");
    client.desk.pass(100 * SECOND);
    assert_eq!(client.desk.sent(), [], "no server is told");
    assert_eq!(client.desk.connects.len(), 1);
}

#[test]
fn a_session_can_be_given_up_without_a_connection() {
    let mut client = Client::new();
    client.admit();
    client.desk.close(CloseReason::Reset);
    client.events();
    client.zookeeper.borrow().as_ref().unwrap().give_up_session();
    client.desk.pass(100 * SECOND);
    assert_eq!(client.events(), [Event::State(KeeperState::Expired)]);
    client.ask(delete("/a"));
    assert_eq!(client.results(), [Err(ErrorCode::SessionExpired)]);
    assert!(client.desk.connects.len() <= 2, "it looks for no other server");
}
