//! The thread that keeps a client connected: finds a server, takes the session up, sends requests and pings,
//! hears answers and events.
//!
//! Source: `ClientCnxn.java`, `SendThread`.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::servers::Servers;
use super::state::{Sent, Stage, State};
use super::{Event, KeeperState};
use crate::machine::CloseReason;
use crate::message::Message;
use crate::process::{Connection, Host, TimedOut};
use crate::time::Mono;
use crate::zookeeper::protocol::{Connect, Connected, Op, Packet, SessionId};

/// The number of every ping. Source: `ClientCnxn.java`, `PING_XID`.
const PING_XID: i32 = -2;
/// The number of what leaves the watches again. Source: `ClientCnxn.java`, `SET_WATCHES_XID`.
const SET_WATCHES_XID: i32 = -8;
/// A ping is sent after so long at the latest. Source: `MAX_SEND_PING_INTERVAL`.
const MAX_PING_INTERVAL: Duration = Duration::from_secs(10);
/// Who comes back waits for a random time, up to this. Source: `startConnect`.
const MAX_RECONNECT_WAIT: Duration = Duration::from_millis(999);

/// The connection is of no more use.
struct Lost;

impl From<TimedOut> for Lost {
    fn from(TimedOut: TimedOut) -> Self {
        Self
    }
}

impl From<CloseReason> for Lost {
    fn from(_: CloseReason) -> Self {
        Self
    }
}

/// Keeps the client connected until its session is over. Source: `run`.
pub(super) async fn run(host: Host, state: Rc<RefCell<State>>, mut servers: Servers) {
    let mut is_first = true;
    while state.borrow().is_alive() {
        let Some((server, wait)) = servers.next() else { return };
        if !wait.is_zero() {
            host.sleep(wait).await;
        }
        if !is_first {
            host.work(Duration::ZERO..=MAX_RECONNECT_WAIT).await;
        }
        let limit = state.borrow().session_timeout / servers.len();
        if let Ok(Ok(connection)) = host.timeout(limit, host.connect(server)).await {
            is_first = false;
            let now = host.mono();
            let link = Link { host: &host, state: &state, connection, heard: now, sent: now };
            let Err(Lost) = link.serve(limit, &mut servers).await;
        }
        let mut state = state.borrow_mut();
        if state.is_alive() {
            state.stage = if state.is_closing { Stage::Closed } else { Stage::Connecting };
        }
        state.lose_all();
        if state.is_alive() {
            state.tell(&Event::State(KeeperState::Disconnected));
        }
    }
}

/// Runs a connection until its client gives its session up; it is closed then, whatever it is about.
pub(super) async fn unless_given_up(
    state: Rc<RefCell<State>>,
    connection: impl Future<Output = ()>,
) {
    let mut connection = pin!(connection);
    poll_fn(|context| {
        if state.borrow().is_given_up || connection.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        state.borrow_mut().given_up = Some(context.waker().clone());
        Poll::Pending
    })
    .await;
}

/// A connection that is open.
struct Link<'a> {
    host: &'a Host,
    state: &'a RefCell<State>,
    connection: Connection,
    /// When the server was last heard of.
    heard: Mono,
    /// When something was last sent.
    sent: Mono,
}

/// What there is to do.
enum Turn {
    Heard(Message),
    Requested,
}

impl Link<'_> {
    async fn serve(
        mut self,
        connect_timeout: Duration,
        servers: &mut Servers,
    ) -> Result<std::convert::Infallible, Lost> {
        self.take_up_session();
        let limit = connect_timeout;
        let message = self.host.timeout(limit, self.connection.receive()).await??;
        self.heard = self.host.mono();
        self.session_taken_up(&message)?;
        servers.connected();
        let read_timeout = self.state.borrow().session_timeout * 2 / 3;
        loop {
            self.send_requests();
            let wait = self.wait(read_timeout)?;
            match self.host.timeout(wait, self.turn()).await {
                Ok(Ok(Turn::Heard(message))) => {
                    self.heard = self.host.mono();
                    self.hear(&message)?;
                }
                Ok(Err(reason)) => return Err(reason.into()),
                Ok(Ok(Turn::Requested)) | Err(TimedOut) => {}
            }
        }
    }

    /// Source: `primeConnection`.
    fn take_up_session(&mut self) {
        let connect = {
            let state = self.state.borrow();
            let timeout_ms = u32::try_from(state.asked_timeout.as_millis()).unwrap_or(u32::MAX);
            let (session, password) = (state.session, state.password);
            Connect { last_zxid_seen: state.last_zxid, timeout_ms, session, password }
        };
        self.send(Packet::Connect(connect));
    }

    /// The server takes the session up, or says that it is over. Source: `onConnected`.
    fn session_taken_up(&mut self, message: &Message) -> Result<(), Lost> {
        let Message::ZooKeeper(packet) = message else { return Err(Lost) };
        let Packet::Connected(Connected { timeout_ms, session, password }) = **packet else {
            return Err(Lost);
        };
        let watches = {
            let mut state = self.state.borrow_mut();
            if timeout_ms == 0 || session == SessionId::NONE {
                state.stage = Stage::Closed;
                state.tell(&Event::State(KeeperState::Expired));
                return Err(Lost);
            }
            state.session = session;
            state.password = password;
            state.session_timeout = Duration::from_millis(u64::from(timeout_ms));
            state.stage = Stage::Connected;
            state.tell(&Event::State(KeeperState::SyncConnected));
            state.watches.to_set(state.last_zxid)
        };
        if let Some(watches) = watches {
            self.request(SET_WATCHES_XID, Op::SetWatches(watches));
        }
        Ok(())
    }

    fn send_requests(&mut self) {
        loop {
            let (xid, op) = {
                let mut state = self.state.borrow_mut();
                let Some(outgoing) = state.outgoing.pop_front() else { return };
                let xid = state.xid();
                let sent = Sent { xid, op: outgoing.op.clone(), slot: outgoing.slot };
                state.pending.push_back(sent);
                (xid, outgoing.op)
            };
            self.request(xid, op);
        }
    }

    /// How long nothing has to be done, after a ping if one is due. Source: `run`.
    fn wait(&mut self, read_timeout: Duration) -> Result<Duration, Lost> {
        let now = self.host.mono();
        let left = read_timeout.saturating_sub(now.saturating_since(self.heard));
        if left.is_zero() {
            return Err(Lost);
        }
        let idle = now.saturating_since(self.sent);
        let second = Duration::from_secs(1);
        let margin = if idle > second { second } else { Duration::ZERO };
        let to_next_ping = (read_timeout / 2).saturating_sub(idle).saturating_sub(margin);
        if to_next_ping.is_zero() || idle > MAX_PING_INTERVAL {
            self.request(PING_XID, Op::Ping);
            return Ok(left.min(read_timeout / 2));
        }
        Ok(left.min(to_next_ping))
    }

    /// Waits for a message, or for something to send.
    async fn turn(&self) -> Result<Turn, CloseReason> {
        let mut receive = pin!(self.connection.receive());
        poll_fn(|context| {
            if let Poll::Ready(message) = receive.as_mut().poll(context) {
                return Poll::Ready(message.map(Turn::Heard));
            }
            let mut state = self.state.borrow_mut();
            if !state.outgoing.is_empty() {
                return Poll::Ready(Ok(Turn::Requested));
            }
            state.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Source: `readResponse`.
    fn hear(&self, message: &Message) -> Result<(), Lost> {
        let Message::ZooKeeper(packet) = message else { return Err(Lost) };
        let mut state = self.state.borrow_mut();
        match &**packet {
            Packet::Event(event) => {
                if state.watches.fired(event) {
                    state.tell(&Event::Watch(event.clone()));
                }
                Ok(())
            }
            Packet::Reply { xid: PING_XID | SET_WATCHES_XID, .. } => Ok(()),
            Packet::Reply { xid, zxid, result } => {
                if state.pending.front().is_none_or(|sent| sent.xid != *xid) {
                    return Err(Lost);
                }
                let sent = state.pending.pop_front().ok_or(Lost)?;
                state.last_zxid = state.last_zxid.max(*zxid);
                state.watches.answered(&sent.op, result);
                sent.slot.borrow_mut().fill(result.clone(), self.host.last_taken());
                if sent.op == Op::CloseSession {
                    state.stage = Stage::Closed;
                    return Err(Lost);
                }
                Ok(())
            }
            _ => Err(Lost),
        }
    }

    fn request(&mut self, xid: i32, op: Op) {
        self.send(Packet::Request { xid, op });
    }

    fn send(&mut self, packet: Packet) {
        self.sent = self.host.mono();
        self.connection.send(Message::ZooKeeper(Arc::new(packet)));
    }
}
