//! A client of an ensemble, as Java's: one connection at a time, one session over all of them.
//!
//! * **Its session** begins at the first server that takes it and goes on at any other. Only a server can say that
//!   it is over ([`KeeperState::Expired`]): a client that reaches none believes in it for as long as it likes.
//! * **Its connection** is given up after two thirds of the session's timeout without a word, and a ping is sent
//!   after a third, so that a third remains to find another server.
//! * **A request** whose connection is lost fails with [`ErrorCode::ConnectionLoss`], and may have been carried
//!   out or not.
//! * **Its watches** it leaves anew at every server that it comes to.
//!
//! Source: `ClientCnxn.java`, `StaticHostProvider.java`, `ZooKeeper.java` of 3.8.0.

mod connection;
mod servers;
mod state;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod watches;

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use serde::Serialize;

use self::state::{Outgoing, Slot, Stage, State, Subscriber};
use super::protocol::{Answer, ErrorCode, Op, SessionId, WatchedEvent};
use crate::machine::{InputId, NodeId};
use crate::process::Host;

/// Where a client finds its ensemble, and for how long it may be silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// The servers.
    pub servers: Vec<NodeId>,
    /// The session's timeout that it asks for. The servers grant 2 to 20 of their ticks.
    pub session_timeout: Duration,
}

/// What a client knows of its connection. Source: `Watcher.java`, `Event.KeeperState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeeperState {
    /// It is connected, and its session is alive.
    SyncConnected,
    /// It is not connected: its session may be alive, or over.
    Disconnected,
    /// A server has said that its session is over.
    Expired,
}

/// What those who listen are told, in this order and never twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// About the connection.
    State(KeeperState),
    /// A watch has fired.
    Watch(WatchedEvent),
}

/// The answer to a request, and what brought it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What a server said, or the client itself when none did.
    pub result: Result<Answer, ErrorCode>,
    /// The input that brought the answer, if one did.
    pub input: Option<InputId>,
}

/// A client with its session. Cheap to clone; all clones share both.
#[derive(Clone)]
pub struct ZooKeeper {
    state: Rc<RefCell<State>>,
}

impl ZooKeeper {
    /// A client that begins to look for a server at once.
    ///
    /// Source: `ZooKeeper.java`, the constructor; `ClientCnxn.java`, `start`.
    pub fn new(host: &Host, settings: &ClientSettings) -> Self {
        let state = Rc::new(RefCell::new(State::new(settings)));
        let servers = servers::Servers::new(host, settings.servers.clone());
        let connection = connection::run(host.clone(), Rc::clone(&state), servers);
        host.spawn(connection::unless_given_up(Rc::clone(&state), connection));
        Self { state }
    }

    /// Gives the session up without a server's word: to this client it is expired. The servers are told nothing, and
    /// go on counting.
    ///
    /// Source: `ZooKeeper.java`, `getTestable`; `ZooKeeperTestable.java`, `injectSessionExpiration`, which libraries
    /// call, its name notwithstanding.
    pub fn give_up_session(&self) {
        let mut state = self.state.borrow_mut();
        if state.is_alive() {
            state.stage = Stage::Closed;
            state.lose_all();
            state.tell(&Event::State(KeeperState::Expired));
            state.give_up();
        }
    }

    /// The session; [`SessionId::NONE`] before it has begun.
    pub fn session(&self) -> SessionId {
        self.state.borrow().session
    }

    /// The session's timeout, as the servers have granted it.
    pub fn session_timeout(&self) -> Duration {
        self.state.borrow().session_timeout
    }

    /// What it knows of its connection.
    pub fn keeper_state(&self) -> KeeperState {
        self.state.borrow().keeper_state()
    }

    /// Sends a request, as soon as there is a connection, and waits for the answer. Requests are answered in
    /// the order in which they were made.
    pub fn request(&self, op: Op) -> impl Future<Output = Reply> + use<> {
        let slot = Rc::new(RefCell::new(Slot::default()));
        let mut state = self.state.borrow_mut();
        if state.is_alive() && !state.is_closing {
            state.is_closing = op == Op::CloseSession;
            state.outgoing.push_back(Outgoing { op, slot: Rc::clone(&slot) });
            state.wake();
        } else {
            let error = state.loss();
            slot.borrow_mut().fill(Err(error), None);
        }
        drop(state);
        poll_fn(move |context| {
            let mut slot = slot.borrow_mut();
            match slot.take() {
                Some(reply) => Poll::Ready(reply),
                None => {
                    slot.wait(context.waker());
                    Poll::Pending
                }
            }
        })
    }

    /// Listens to all that happens from now on.
    pub fn listen(&self) -> Events {
        let queue = Rc::new(RefCell::new(Subscriber::default()));
        self.state.borrow_mut().subscribers.push(Rc::downgrade(&queue));
        Events { queue }
    }
}

/// What has happened and has not been taken yet.
pub struct Events {
    queue: Rc<RefCell<Subscriber>>,
}

impl Events {
    /// Takes no notice of what has happened so far.
    pub fn forget(&mut self) {
        self.queue.borrow_mut().events.clear();
    }

    /// Waits for the next event.
    pub fn wait(&mut self) -> impl Future<Output = Event> {
        poll_fn(|context| {
            let mut queue = self.queue.borrow_mut();
            match queue.events.pop_front() {
                Some(event) => Poll::Ready(event),
                None => {
                    queue.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
    }
}
