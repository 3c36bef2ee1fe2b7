//! What a client's requests, its listeners and its connection share.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::task::Waker;
use std::time::Duration;

use super::watches::Registered;
use super::{ClientSettings, Event, KeeperState, Reply};
use crate::machine::InputId;
use crate::zookeeper::protocol::{Answer, ErrorCode, Op, Password, SessionId, Zxid};

/// How far a connection is. Source: `ZooKeeper.java`, `States`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// There is none, or the session has not been taken up on it.
    Connecting,
    /// Requests are sent.
    Connected,
    /// The session is over.
    Closed,
}

/// A request that is not sent yet.
pub(super) struct Outgoing {
    pub(super) op: Op,
    pub(super) slot: Rc<RefCell<Slot>>,
}

/// A request that is not answered yet.
pub(super) struct Sent {
    pub(super) xid: i32,
    pub(super) op: Op,
    pub(super) slot: Rc<RefCell<Slot>>,
}

/// Where an answer is put for who waits for it.
#[derive(Default)]
pub(super) struct Slot {
    reply: Option<Reply>,
    waker: Option<Waker>,
}

impl Slot {
    pub(super) fn fill(&mut self, result: Result<Answer, ErrorCode>, input: Option<InputId>) {
        self.reply = Some(Reply { result, input });
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    pub(super) fn take(&mut self) -> Option<Reply> {
        self.reply.take()
    }

    pub(super) fn wait(&mut self, waker: &Waker) {
        self.waker = Some(waker.clone());
    }
}

/// Somebody who listens.
#[derive(Default)]
pub(super) struct Subscriber {
    pub(super) events: VecDeque<Event>,
    pub(super) waker: Option<Waker>,
}

/// All of it.
pub(super) struct State {
    pub(super) stage: Stage,
    /// The end of the session has been asked for.
    pub(super) is_closing: bool,
    pub(super) session: SessionId,
    pub(super) password: Password,
    /// The timeout that the client asks for, each time.
    pub(super) asked_timeout: Duration,
    /// The timeout that it has been granted; before that, what it asks for.
    pub(super) session_timeout: Duration,
    /// The last transaction that it has heard of.
    pub(super) last_zxid: Zxid,
    pub(super) outgoing: VecDeque<Outgoing>,
    pub(super) pending: VecDeque<Sent>,
    pub(super) watches: Registered,
    pub(super) subscribers: Vec<Weak<RefCell<Subscriber>>>,
    next_xid: i32,
    /// Wakes the connection.
    pub(super) waker: Option<Waker>,
    /// The client has given its session up: its connection is of no more use.
    pub(super) is_given_up: bool,
    /// Wakes who ends the connection then.
    pub(super) given_up: Option<Waker>,
}

impl State {
    pub(super) fn new(settings: &ClientSettings) -> Self {
        Self {
            stage: Stage::Connecting,
            is_closing: false,
            session: SessionId::NONE,
            password: Password::default(),
            asked_timeout: settings.session_timeout,
            session_timeout: settings.session_timeout,
            last_zxid: Zxid::default(),
            outgoing: VecDeque::new(),
            pending: VecDeque::new(),
            watches: Registered::default(),
            subscribers: Vec::new(),
            next_xid: 1,
            waker: None,
            is_given_up: false,
            given_up: None,
        }
    }

    pub(super) fn is_alive(&self) -> bool {
        self.stage != Stage::Closed
    }

    pub(super) const fn keeper_state(&self) -> KeeperState {
        match self.stage {
            Stage::Connecting => KeeperState::Disconnected,
            Stage::Connected => KeeperState::SyncConnected,
            Stage::Closed => KeeperState::Expired,
        }
    }

    /// What a request fails with that nobody answers. Source: `ClientCnxn.java`, `conLossPacket`.
    pub(super) const fn loss(&self) -> ErrorCode {
        match self.stage {
            Stage::Closed => ErrorCode::SessionExpired,
            Stage::Connecting | Stage::Connected => ErrorCode::ConnectionLoss,
        }
    }

    pub(super) const fn xid(&mut self) -> i32 {
        self.next_xid += 1;
        self.next_xid - 1
    }

    /// Nobody will answer what has been asked, sent or not. Source: `ClientCnxn.java`, `cleanup`.
    pub(super) fn lose_all(&mut self) {
        let error = self.loss();
        let sent = self.pending.drain(..).map(|sent| sent.slot);
        let slots: Vec<_> = sent.chain(self.outgoing.drain(..).map(|one| one.slot)).collect();
        slots.iter().for_each(|slot| slot.borrow_mut().fill(Err(error), None));
    }

    /// Tells everybody who listens.
    pub(super) fn tell(&mut self, event: &Event) {
        self.subscribers.retain(|subscriber| {
            let Some(subscriber) = subscriber.upgrade() else { return false };
            let mut subscriber = subscriber.borrow_mut();
            subscriber.events.push_back(event.clone());
            if let Some(waker) = subscriber.waker.take() {
                waker.wake();
            }
            true
        });
    }

    /// There is something to send.
    pub(super) fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// The connection is to end.
    pub(super) fn give_up(&mut self) {
        self.is_given_up = true;
        if let Some(waker) = self.given_up.take() {
            waker.wake();
        }
    }
}
