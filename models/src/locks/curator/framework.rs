//! `CuratorFramework`: a client that begins a new session when the old one is over, and tells who listens how its
//! connection stands.
//!
//! A lost connection is [`ConnectionState::Suspended`]. It becomes [`ConnectionState::Lost`] when a server says that
//! the session is over, or when so much time has passed as the session's timeout is, by this host's wall clock: the
//! client gives the session up itself then, without a word to the servers, where it may live on for a while. Either
//! way a new session begins, and when a server has taken the client it is [`ConnectionState::Reconnected`].
//!
//! Source: `CuratorFrameworkImpl`, `ConnectionStateManager`, `StandardInternalConnectionHandler`;
//! `CuratorZookeeperClient`, `ConnectionState`, `HandleHolder` of curator-client. What the real
//! `ConnectionStateManager` queues for a thread of its own is told at once here, and a deletion in the background that
//! gives up tells it nothing: it knows already.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::retry::RetryPolicy;
use crate::process::Host;
use crate::time::{Mono, Wall};
use crate::zookeeper::client::{ClientSettings, Event, Events, KeeperState, Reply, ZooKeeper};
use crate::zookeeper::protocol::{Op, SessionId};

/// While there is no connection, it is looked for one so often at the least. Source:
/// `CuratorZookeeperClient.internalBlockUntilConnectedOrTimedOut`.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The least that such a look takes, as it is counted. Source: the same.
const LEAST_LOOK: Duration = Duration::from_millis(1);

/// How a client's connection stands. Source: `state/ConnectionState.java`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionState {
    /// For the first time.
    Connected,
    /// There is no connection; the session may be alive, or over.
    Suspended,
    /// There is one again, in the old session or in a new one.
    Reconnected,
    /// The session is over, or has been given up.
    Lost,
}

/// What a framework is started with. Source: `CuratorFrameworkFactory.Builder`.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) client: ClientSettings,
    pub(super) connection_timeout: Duration,
    pub(super) policy: RetryPolicy,
}

/// Who is told how the connection stands. Source: `ConnectionStateListener`.
type Listener = Box<dyn Fn(&Framework, ConnectionState)>;

/// A client of Curator's. Cheap to clone; all clones share everything.
#[derive(Clone)]
pub(super) struct Framework(Rc<Shared>);

struct Shared {
    host: Host,
    settings: Settings,
    listener: Listener,
    state: RefCell<State>,
}

struct State {
    /// The handle of the session that is going on.
    handle: ZooKeeper,
    /// How long its session may be silent, as the servers have granted it last; before that, what is asked for.
    session_timeout: Duration,
    /// What the listener was told last; [`ConnectionState::Reconnected`] for the first connection, too.
    connection: Option<ConnectionState>,
    /// While it is suspended, for how long is looked at again.
    suspension: Option<Suspension>,
    /// The listener has been told of the first connection.
    has_connected: bool,
    /// How much has happened: events of the connection, and watches.
    events: u64,
    wakers: Vec<Waker>,
}

/// A suspended connection: its age is read off the wall clock, and the next look waited for on the other one.
struct Suspension {
    since: Wall,
    look_at: Mono,
}

impl Framework {
    /// A client that begins to look for a server at once. Source: `CuratorFrameworkImpl.start`.
    pub(super) fn start(
        host: &Host,
        settings: Settings,
        listener: impl Fn(&Self, ConnectionState) + 'static,
    ) -> Self {
        let handle = ZooKeeper::new(host, &settings.client);
        let events = handle.listen();
        let state = RefCell::new(State {
            handle,
            session_timeout: settings.client.session_timeout,
            connection: None,
            suspension: None,
            has_connected: false,
            events: 0,
            wakers: Vec::new(),
        });
        let listener = Box::new(listener);
        let framework = Self(Rc::new(Shared { host: host.clone(), settings, listener, state }));
        host.spawn(framework.clone().run(events));
        framework
    }

    pub(super) fn host(&self) -> &Host {
        &self.0.host
    }

    pub(super) fn policy(&self) -> &RetryPolicy {
        &self.0.settings.policy
    }

    /// How long a connection is waited for. An operation that is put off for want of one is put off for a moment at
    /// least.
    pub(super) fn connection_timeout(&self) -> Duration {
        self.0.settings.connection_timeout.max(LEAST_LOOK)
    }

    /// Whether there is a connection. Source: `ConnectionState.isConnected`.
    pub(super) fn is_connected(&self) -> bool {
        self.handle().keeper_state() == KeeperState::SyncConnected
    }

    /// The session; [`SessionId::NONE`] before it has begun.
    pub(super) fn session(&self) -> SessionId {
        self.handle().session()
    }

    /// Sends a request in the session that is going on, once, and waits for the answer.
    pub(super) fn request(&self, op: Op) -> impl Future<Output = Reply> + use<> {
        self.handle().request(op)
    }

    /// How much has happened so far.
    pub(super) fn events(&self) -> u64 {
        self.0.state.borrow().events
    }

    /// Waits until more has happened than that: a watch has fired, or the connection has changed, of which whoever
    /// has left a watch is told, too.
    pub(super) async fn event_after(&self, seen: u64) {
        poll_fn(|context| {
            let mut state = self.0.state.borrow_mut();
            if state.events > seen {
                return Poll::Ready(());
            }
            if !state.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                state.wakers.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// Waits for a connection, or until the connection timeout is over. Source:
    /// `CuratorZookeeperClient.internalBlockUntilConnectedOrTimedOut`.
    pub(super) async fn block_until_connected(&self) {
        let mut left = self.0.settings.connection_timeout;
        while !self.is_connected() && !left.is_zero() {
            let began = self.host().wall();
            let event = self.event_after(self.events());
            // Whether it came or not: there is a connection, or there is none.
            let _ = self.host().timeout(left.min(LOOK_AGAIN), event).await;
            let looked = self.host().wall().saturating_since(began);
            left = left.saturating_sub(looked.max(LEAST_LOOK));
        }
    }

    fn handle(&self) -> ZooKeeper {
        self.0.state.borrow().handle.clone()
    }

    /// Hears of the connection, and counts while it is suspended. Source: `ConnectionState.process`;
    /// `ConnectionStateManager.processEvents`.
    async fn run(self, mut events: Events) {
        loop {
            let event = match self.until_next_look() {
                Some(left) => self.host().timeout(left, events.wait()).await.ok(),
                None => Some(events.wait().await),
            };
            match event {
                Some(Event::State(state)) => {
                    if state == KeeperState::Expired {
                        events = self.reset();
                    }
                    self.changed(state);
                }
                Some(Event::Watch(_)) => {}
                None => {
                    self.check_session_expiration();
                    continue;
                }
            }
            let mut state = self.0.state.borrow_mut();
            state.events += 1;
            state.wakers.drain(..).for_each(Waker::wake);
        }
    }

    fn until_next_look(&self) -> Option<Duration> {
        let state = self.0.state.borrow();
        let suspension = state.suspension.as_ref()?;
        Some(suspension.look_at.saturating_since(self.host().mono()))
    }

    /// Gives the session up when it has been suspended for as long as it may be silent: the next event is that it is
    /// over. The wall clock may have been set back meanwhile. Source: `ConnectionStateManager.checkSessionExpiration`,
    /// `getUseSessionTimeoutMs` with its default, `sessionExpirationPercent` of 100.
    fn check_session_expiration(&self) {
        let left = {
            let mut state = self.0.state.borrow_mut();
            let (wall, mono, timeout) =
                (self.host().wall(), self.host().mono(), state.session_timeout);
            let Some(suspension) = &mut state.suspension else { return };
            let left = (suspension.since + timeout).saturating_since(wall);
            if left.is_zero() {
                *suspension = Suspension { since: wall, look_at: mono + timeout };
            } else {
                suspension.look_at = mono + left;
            }
            left
        };
        if left.is_zero() {
            self.handle().give_up_session();
        }
    }

    /// Begins a new session. Source: `ConnectionState.reset`, `HandleHolder.closeAndReset`.
    fn reset(&self) -> Events {
        let handle = ZooKeeper::new(self.host(), &self.0.settings.client);
        let events = handle.listen();
        self.0.state.borrow_mut().handle = handle;
        events
    }

    /// Source: `CuratorFrameworkImpl.validateConnection`. That a handle is another than before is known to be a
    /// loss already (`checkInstanceIndex`).
    fn changed(&self, keeper: KeeperState) {
        match keeper {
            KeeperState::Disconnected => {
                let connection = self.0.state.borrow().connection;
                if connection != Some(ConnectionState::Lost) {
                    self.now(ConnectionState::Suspended);
                }
            }
            KeeperState::Expired => self.now(ConnectionState::Lost),
            KeeperState::SyncConnected => {
                let session_timeout = self.handle().session_timeout();
                self.0.state.borrow_mut().session_timeout = session_timeout;
                self.now(ConnectionState::Reconnected);
            }
        }
    }

    /// Tells the listener, unless it knows. Source: `ConnectionStateManager.setToSuspended`, `addStateChange`,
    /// `setCurrentConnectionState`.
    fn now(&self, connection: ConnectionState) {
        let told = {
            let mut state = self.0.state.borrow_mut();
            if state.connection.replace(connection) == Some(connection) {
                return;
            }
            let (since, look_at) = (self.host().wall(), self.host().mono() + state.session_timeout);
            let is_suspended = connection == ConnectionState::Suspended;
            state.suspension = is_suspended.then_some(Suspension { since, look_at });
            let is_connected = connection == ConnectionState::Reconnected;
            if is_connected && !std::mem::replace(&mut state.has_connected, true) {
                ConnectionState::Connected
            } else {
                connection
            }
        };
        (self.0.listener)(self, told);
    }
}
