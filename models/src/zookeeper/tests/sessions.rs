//! Sessions: how they begin, move and end, and what ends with them.

use super::client::{Client, Heard, create};
use super::rig::Rig;
use crate::zookeeper::protocol::{
    Answer, CreateMode, ErrorCode, EventKind, Op, Password, SetWatches, WatchedEvent,
};

const EPHEMERAL: CreateMode = CreateMode::EPHEMERAL;

fn ensemble(seed: u64) -> Rig {
    let mut rig = Rig::of(3, seed, |_| {});
    rig.settle();
    rig
}

fn event(kind: EventKind, path: &str) -> WatchedEvent {
    WatchedEvent { kind, path: path.into() }
}

fn watch(path: &str) -> Op {
    Op::Exists { path: path.into(), watch: true }
}

#[test]
fn a_timeout_is_between_two_ticks_and_twenty() {
    let mut rig = ensemble(1);
    for (asked, given) in [(1, 4000), (10_000, 10_000), (999_999, 40_000)] {
        assert_eq!(Client::new(&mut rig, 1, asked).unwrap().timeout_ms, given);
    }
}

#[test]
fn a_session_is_known_by_its_password_at_every_server() {
    let mut rig = ensemble(2);
    let mut client = Client::new(&mut rig, 1, 10_000).unwrap();
    assert_eq!(client.session.0 >> 56, 1);
    for server in [2, 3, 1] {
        assert!(client.reconnect(&mut rig, server), "{server}");
    }
    for server in [1, 3] {
        let mut thief = client.clone();
        thief.password = Password([7; 16]);
        assert!(!thief.reconnect(&mut rig, server));
        assert!(
            !rig.is_open(thief.connection) || {
                rig.pass(10);
                !rig.is_open(thief.connection)
            }
        );
    }
}

/// Timeouts are counted in ticks: one of four seconds is over after four to six.
#[test]
fn a_silent_clients_nodes_go_with_its_session() {
    let mut rig = ensemble(3);
    for server in [1, 3] {
        let mut watcher = Client::new(&mut rig, 2, 40_000).unwrap();
        let mut client = Client::new(&mut rig, server, 4000).unwrap();
        assert!(client.create(&mut rig, "/mine", EPHEMERAL).is_some());
        rig.pass(10);
        watcher.ask(&mut rig, watch("/mine"));
        let silent_at = rig.now_ms();
        while watcher.events(&mut rig) != [event(EventKind::NodeDeleted, "/mine")] {
            rig.pass(10);
            assert!(rig.now_ms() - silent_at < 9000);
        }
        // A follower tells the leader of its clients when it is next called, up to a second later.
        let took = rig.now_ms() - silent_at;
        assert!((3900..=7100).contains(&took), "{took}");
        rig.pass(10);
        assert!(!rig.is_open(client.connection), "the server closes the connection");
        assert!(!client.reconnect(&mut rig, server), "the session is over");
    }
}

#[test]
fn pings_keep_a_session_through_any_server() {
    let mut rig = ensemble(4);
    let mut client = Client::new(&mut rig, 1, 4000).unwrap();
    client.create(&mut rig, "/mine", EPHEMERAL);
    for turn in 0..30 {
        assert_eq!(client.ask(&mut rig, Op::Ping), Some(Ok(Answer::Done)));
        rig.pass(1333);
        if turn % 10 == 9 {
            assert!(client.reconnect(&mut rig, 1 + turn / 10));
        }
    }
    assert!(client.stat(&mut rig, "/mine").is_some());
}

#[test]
fn a_new_leader_gives_every_session_its_whole_timeout_again() {
    let mut rig = ensemble(5);
    let mut client = Client::new(&mut rig, 1, 10_000).unwrap();
    client.create(&mut rig, "/mine", EPHEMERAL);
    rig.pass(9000);
    rig.crash(3);
    assert_eq!(rig.leader(), 2);
    let established = rig.now_ms();
    rig.pass(8000);
    assert!(rig.server(2).unwrap().tree().stat("/mine").is_ok());
    rig.pass(4500);
    assert!(rig.server(2).unwrap().tree().stat("/mine").is_err(), "{established}");
}

#[test]
fn a_session_that_is_closed_ends_at_once() {
    let mut rig = ensemble(6);
    let mut client = Client::new(&mut rig, 1, 40_000).unwrap();
    client.create(&mut rig, "/mine", EPHEMERAL);
    assert_eq!(client.ask(&mut rig, Op::CloseSession), Some(Ok(Answer::Done)));
    rig.pass(10);
    assert!(!rig.is_open(client.connection));
    assert!((1..=3).all(|server| rig.server(server).unwrap().tree().stat("/mine").is_err()));
    assert!(!client.reconnect(&mut rig, 2));
}

/// What is still under way from the server that a client has left is refused there, and the client sent away.
#[test]
fn a_session_that_has_moved_takes_no_requests_where_it_was() {
    let mut rig = ensemble(7);
    let mut client = Client::new(&mut rig, 1, 40_000).unwrap();
    let mut old = client.clone();
    assert!(client.reconnect(&mut rig, 2));
    let xid = old.send(&mut rig, create("/a", EPHEMERAL));
    rig.pass(100);
    old.listen(&mut rig);
    assert_eq!(old.answer(xid), None);
    assert!(!rig.is_open(old.connection));
    assert!(client.create(&mut rig, "/a", EPHEMERAL).is_some());
}

#[test]
fn who_has_seen_more_than_a_server_has_is_refused_by_it() {
    let mut rig = ensemble(8);
    let mut client = Client::new(&mut rig, 3, 40_000).unwrap();
    rig.isolate(1);
    client.create(&mut rig, "/a", EPHEMERAL);
    assert!(!client.reconnect(&mut rig, 1));
    assert!(client.reconnect(&mut rig, 2));
}

/// The event comes before the answer that would show the change, whoever made it.
#[test]
fn a_watch_is_told_before_the_change_is_seen() {
    let mut rig = ensemble(9);
    for server in 1..=3 {
        let mut client = Client::new(&mut rig, server, 40_000).unwrap();
        let path = format!("/a{server}");
        let error = Some(Err(ErrorCode::NoNode));
        assert_eq!(client.ask(&mut rig, watch(&path)), error);
        client.log.clear();
        let created = client.send(&mut rig, create(&path, EPHEMERAL));
        rig.pass(100);
        client.listen(&mut rig);
        let told = Heard::Event(event(EventKind::NodeCreated, &path));
        let answer = Heard::Reply(created, Ok(Answer::Created { path: path.into(), stat: None }));
        assert_eq!(client.log, [told, answer]);
    }
}

#[test]
fn a_client_that_comes_back_leaves_its_watches_anew_and_hears_what_it_has_missed() {
    let mut rig = ensemble(10);
    let mut client = Client::new(&mut rig, 1, 40_000).unwrap();
    let mut other = Client::new(&mut rig, 3, 40_000).unwrap();
    client.create(&mut rig, "/a", CreateMode::PERSISTENT);
    client.ask(&mut rig, watch("/a"));
    client.ask(&mut rig, watch("/b"));
    rig.hang_up(client.connection);
    other.create(&mut rig, "/b", CreateMode::PERSISTENT);
    rig.pass(10);
    assert_eq!(client.events(&mut rig), []);
    assert!(client.reconnect(&mut rig, 2));
    let watches = SetWatches {
        relative_zxid: client.last_zxid,
        data: vec!["/a".into()],
        exist: vec!["/b".into()],
        child: Vec::new(),
    };
    assert_eq!(client.ask(&mut rig, Op::SetWatches(watches)), Some(Ok(Answer::Done)));
    assert_eq!(client.events(&mut rig), [event(EventKind::NodeCreated, "/b")]);
    other.ask(&mut rig, Op::Delete { path: "/a".into(), version: -1 });
    rig.pass(10);
    assert_eq!(client.events(&mut rig), [event(EventKind::NodeDeleted, "/a")]);
}

/// The recipe of a lock, by hand: the lowest number has it, the next one watches it.
#[test]
fn a_lock_passes_on_when_the_session_of_its_holder_ends() {
    let mut rig = ensemble(11);
    let mut first = Client::new(&mut rig, 1, 4000).unwrap();
    let mut second = Client::new(&mut rig, 2, 40_000).unwrap();
    first.create(&mut rig, "/lock", CreateMode::PERSISTENT);
    rig.pass(10);
    let mode = CreateMode::EPHEMERAL_SEQUENTIAL;
    assert_eq!(first.create(&mut rig, "/lock/n-", mode).unwrap(), "/lock/n-0000000000");
    assert_eq!(second.create(&mut rig, "/lock/n-", mode).unwrap(), "/lock/n-0000000001");
    let first_token = second.stat(&mut rig, "/lock/n-0000000000").unwrap().czxid;
    second.ask(&mut rig, watch("/lock/n-0000000000"));
    rig.pass(8000);
    let deleted = event(EventKind::NodeDeleted, "/lock/n-0000000000");
    assert_eq!(second.events(&mut rig), [deleted]);
    assert!(second.stat(&mut rig, "/lock/n-0000000001").unwrap().czxid > first_token);
}
