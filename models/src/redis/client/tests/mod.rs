//! Clients among scripted servers: whom they ask, for what, and what they make of the answers.

mod cluster;
mod sentinels;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use super::*;
use crate::machine::{CloseReason, ConnectionId, Effect, Input, NodeId, TimerId};
use crate::message::Message;
use crate::process::testing::Driven;
use crate::redis::address;

const REDIS_1: NodeId = NodeId(1);
const REDIS_2: NodeId = NodeId(2);
const REDIS_3: NodeId = NodeId(3);
const SENTINEL_1: NodeId = NodeId(11);
const SENTINEL_2: NodeId = NodeId(12);
const SENTINEL_3: NodeId = NodeId(13);
const CLIENT: NodeId = NodeId(20);

/// How long a client waits for a connection or an answer.
const TIMEOUT: Duration = Duration::from_secs(2);

const fn settings(discovery: Discovery) -> ClientSettings {
    ClientSettings { timeout: TIMEOUT, discovery, checks_role: false }
}

fn name_of(node: NodeId) -> String {
    match node.0 {
        redis @ 1..=9 => format!("redis-{redis}"),
        sentinel => format!("sentinel-{}", sentinel - 10),
    }
}

/// A command in words, and whether it is for the connection of the last one alone.
struct Asked {
    words: Arc<[Bytes]>,
    on_same: bool,
}

type Answers = Rc<RefCell<Vec<Result<Reply, CallError>>>>;

/// A client that calls what the test wants, and servers that take every connection and answer when the
/// test says so.
struct Rig {
    driven: Driven,
    to_call: Rc<RefCell<VecDeque<Asked>>>,
    answers: Answers,
    /// Connections that are open or being opened, and whom they are to.
    connections: BTreeMap<ConnectionId, NodeId>,
    /// Nodes that nothing is heard of.
    silent: BTreeSet<NodeId>,
    /// What was sent, and on which connection.
    sent: Vec<(ConnectionId, String)>,
    /// What the client has done since somebody looked: `redis-1: GET foo`, `redis-1 is left`.
    log: Vec<String>,
}

impl Rig {
    fn new(address: Address, settings: ClientSettings) -> Self {
        let (to_call, answers) = (Rc::<RefCell<VecDeque<Asked>>>::default(), Answers::default());
        let (queue, results) = (to_call.clone(), answers.clone());
        let driven = Driven::new(CLIENT, |host| async move {
            let mut client = Client::new(host, address, settings);
            loop {
                let next =
                    poll_fn(|_| queue.borrow_mut().pop_front().map_or(Poll::Pending, Poll::Ready));
                let Asked { words, on_same } = next.await;
                let result = if on_same {
                    client.call_on_same(words).await
                } else {
                    client.call(words).await
                };
                results.borrow_mut().push(result);
            }
        });
        let mut rig = Self {
            driven,
            to_call,
            answers,
            connections: BTreeMap::new(),
            silent: BTreeSet::new(),
            sent: Vec::new(),
            log: Vec::new(),
        };
        rig.give(Input::Started);
        rig
    }

    /// The client calls.
    fn call(&mut self, command: &str) {
        self.ask(command, false);
    }

    /// The client calls on the connection of the last call.
    fn call_on_same(&mut self, command: &str) {
        self.ask(command, true);
    }

    fn ask(&mut self, command: &str, on_same: bool) {
        let words = command.split(' ').map(|word| Bytes::from(word.to_owned())).collect();
        self.to_call.borrow_mut().push_back(Asked { words, on_same });
        self.give(Input::Timer(TimerId(0)));
    }

    /// Time passes.
    fn pass(&mut self, time: Duration) {
        self.driven.now = self.driven.now + time;
        self.give(Input::Timer(TimerId(0)));
    }

    /// A server answers on the connection on which it was last sent that command.
    fn answer(&mut self, node: NodeId, command: &str, reply: Reply) {
        let mut sent = self.sent.iter().rev();
        let on = sent.find(|(on, text)| text == command && self.connections.get(on) == Some(&node));
        let Some((connection, _)) = on else {
            panic!("{} was not sent {command}: {:?}", name_of(node), self.sent)
        };
        let (connection, message) = (*connection, &Message::RedisReply(reply));
        self.give(Input::Message { connection, message });
    }

    /// Every connection to a node is reset, and it takes no more.
    fn lose(&mut self, node: NodeId) {
        self.silent.insert(node);
        let lost = self.connections.iter().filter(|(_, peer)| **peer == node);
        for connection in lost.map(|(connection, _)| *connection).collect::<Vec<_>>() {
            self.connections.remove(&connection);
            self.give(Input::Closed { connection, reason: CloseReason::Reset });
        }
    }

    /// What the client has done since this was last asked.
    fn done(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    /// What has come of the calls since this was last asked.
    fn results(&self) -> Vec<Result<Reply, CallError>> {
        self.answers.borrow_mut().drain(..).collect()
    }

    fn give(&mut self, input: Input<'_>) {
        let mut opened = Vec::new();
        for effect in self.driven.handle(input) {
            match effect {
                Effect::Connect { connection, peer } => {
                    self.connections.insert(connection, peer);
                    let is_silent = self.silent.contains(&peer);
                    opened.extend((!is_silent).then_some(connection));
                }
                Effect::Send { connection, message: Message::Redis(words) } => {
                    let words: Vec<_> =
                        words.iter().map(|word| String::from_utf8_lossy(word)).collect();
                    let (text, peer) = (words.join(" "), self.connections[&connection]);
                    self.log.push(format!("{}: {text}", name_of(peer)));
                    self.sent.push((connection, text));
                }
                Effect::Close { connection } => {
                    if let Some(peer) = self.connections.remove(&connection) {
                        self.log.push(format!("{} is left", name_of(peer)));
                    }
                }
                _ => {}
            }
        }
        for connection in opened {
            self.give(Input::Connected { connection });
        }
    }
}

fn bulk(text: impl Into<String>) -> Reply {
    Reply::Bulk(Bytes::from(text.into()))
}

#[test]
fn a_client_of_one_server_keeps_its_connection_until_it_breaks() {
    let mut rig = Rig::new(Address::Server(REDIS_1), settings(Discovery::OnConnect));
    rig.call("GET foo");
    rig.answer(
        REDIS_1,
        "GET foo",
        Reply::error("READONLY You can't write against a read only replica."),
    );
    rig.call("GET foo");
    assert_eq!(rig.done(), ["redis-1: GET foo"; 2]);
    rig.pass(TIMEOUT);
    assert_eq!(rig.done(), ["redis-1 is left"], "an answer that is late is none");
    assert!(matches!(rig.results()[..], [Ok(Reply::Error(_)), Err(CallError::TimedOut)]));
    rig.call_on_same("WAIT 1 100");
    assert_eq!(rig.results(), [Err(CallError::NotConnected)]);
    assert_eq!(rig.done(), [""; 0], "on a new connection nothing has been written");
}
