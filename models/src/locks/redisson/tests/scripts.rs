//! What the scripts do in a Redis, in real Lua.

use crate::locks::redisson::scripts::{LOCK, LOCK_FENCED, RENEW, UNLOCK};
use crate::redis::engine::Engine;
use crate::redis::resp::Reply;
use crate::time::Wall;
use bytes::Bytes;

struct Server {
    engine: Engine,
    now_ms: u64,
}

impl Server {
    fn new() -> Self {
        Self { engine: Engine::default(), now_ms: 1_000_000 }
    }

    fn run(&mut self, words: &[&str]) -> Reply {
        let words: Vec<Bytes> = words.iter().map(|word| Bytes::from(word.to_string())).collect();
        self.engine.execute(&words, Wall::from_nanos(self.now_ms * 1_000_000))
    }

    fn lock(&mut self, holder: &str) -> Reply {
        self.run(&["EVAL", LOCK, "1", "lock", "30000", holder])
    }

    fn unlock(&mut self, holder: &str, request: &str) -> Reply {
        let arguments = ["0", "30000", holder, "PUBLISH", "20000"];
        let head = ["EVAL", UNLOCK, "3", "lock", "channel", request];
        self.run(&[&head[..], &arguments].concat())
    }

    fn renew(&mut self, holder: &str) -> Reply {
        self.run(&["EVAL", RENEW, "1", "lock", "30000", holder])
    }

    fn count(&mut self, holder: &str) -> Reply {
        self.run(&["HGET", "lock", holder])
    }
}

fn bulk(text: &'static str) -> Reply {
    Reply::Bulk(Bytes::from_static(text.as_bytes()))
}

#[test]
fn the_holder_enters_as_often_as_it_likes_and_nobody_else_does() {
    let mut server = Server::new();
    assert_eq!(server.lock("a:1"), Reply::Nil);
    server.now_ms += 1_000;
    assert_eq!(server.lock("a:1"), Reply::Nil);
    assert_eq!(server.count("a:1"), bulk("2"));
    server.now_ms += 4_000;
    assert_eq!(server.lock("b:1"), Reply::Int(26_000), "for how long yet, since the last entry");
    assert_eq!(server.lock("a:2"), Reply::Int(26_000), "another thread is somebody else");
}

#[test]
fn it_is_free_when_it_was_left_as_often_and_each_request_leaves_once() {
    let mut server = Server::new();
    server.lock("a:1");
    server.lock("a:1");
    assert_eq!(server.unlock("a:1", "r1"), Reply::Int(0));
    assert_eq!(server.unlock("a:1", "r1"), Reply::Int(0), "the same request once more");
    assert_eq!(server.count("a:1"), bulk("1"));
    assert_eq!(server.unlock("a:1", "r2"), Reply::Int(1));
    assert_eq!(server.unlock("a:1", "r2"), Reply::Int(1), "though it is free");
    assert_eq!(server.unlock("a:1", "r3"), Reply::Nil, "IllegalMonitorStateException");
    assert_eq!(server.lock("b:1"), Reply::Nil);
}

#[test]
fn nobody_leaves_or_renews_what_is_somebody_elses() {
    let mut server = Server::new();
    server.lock("a:1");
    assert_eq!(server.unlock("b:1", "r1"), Reply::Nil);
    assert_eq!(server.renew("b:1"), Reply::Array(vec![Reply::Int(0)]));
    assert_eq!(server.count("a:1"), bulk("1"));
}

#[test]
fn a_renewal_gives_the_whole_lease_and_brings_nothing_back() {
    let mut server = Server::new();
    server.lock("a:1");
    server.now_ms += 20_000;
    assert_eq!(server.renew("a:1"), Reply::Array(vec![Reply::Int(1)]));
    assert_eq!(server.run(&["PTTL", "lock"]), Reply::Int(30_000));
    server.now_ms += 30_001;
    assert_eq!(server.renew("a:1"), Reply::Array(vec![Reply::Int(0)]));
    assert_eq!(server.lock("b:1"), Reply::Nil);
}

#[test]
fn each_entry_of_a_fenced_lock_has_a_token_of_its_own() {
    let mut server = Server::new();
    let lock = |server: &mut Server, holder: &str| {
        server.run(&["EVAL", LOCK_FENCED, "2", "lock", "token", "30000", holder])
    };
    let granted = |token: i64| Reply::Array(vec![Reply::Int(-1), Reply::Int(token)]);
    assert_eq!(lock(&mut server, "a:1"), granted(1));
    assert_eq!(lock(&mut server, "a:1"), granted(2));
    let taken = Reply::Array(vec![Reply::Int(30_000), Reply::Int(-1)]);
    assert_eq!(lock(&mut server, "b:1"), taken);
    server.now_ms += 30_001;
    assert_eq!(lock(&mut server, "b:1"), granted(3));
}
