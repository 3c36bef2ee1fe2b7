//! The connections to an instance: one for commands, and to a server one more for subscriptions.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::instance::{Id, Instance};
use super::{Sentinel, command, period};
use crate::machine::{ConnectionId, Context};
use crate::message::Message;

/// What an answer will be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Ping,
    Info,
    Hello,
    IsMasterDown,
    /// Nobody looks at the answer.
    Other,
}

/// How many commands may be unanswered on a link before the periodic ones are left out. Source:
/// `SENTINEL_MAX_PENDING_COMMANDS`.
const PENDING_MOST: usize = 100;

/// One connection.
#[derive(Debug)]
struct Connection {
    id: ConnectionId,
    since_ms: i64,
    /// What was said before it was open.
    unsent: Option<Vec<Arc<[Bytes]>>>,
}

impl Connection {
    fn open(instance: &Instance, now_ms: i64, context: &mut Context<'_>) -> Self {
        Self { id: context.connect(instance.node), since_ms: now_ms, unsent: Some(Vec::new()) }
    }

    fn send(&mut self, command: Arc<[Bytes]>, context: &mut Context<'_>) {
        match &mut self.unsent {
            Some(unsent) => unsent.push(command),
            None => context.send(self.id, Message::Redis(command)),
        }
    }
}

/// The link to an instance. Source: `struct instanceLink`.
#[derive(Debug)]
pub(super) struct Link {
    commands: Option<Connection>,
    subscription: Option<Connection>,
    /// A connection is missing: `disconnected`.
    pub(super) is_disconnected: bool,
    /// What was asked and not answered, in its order.
    pub(super) pending: VecDeque<Asked>,
    /// When something last came on the subscription: `pc_last_activity`.
    heard_ms: i64,
    /// When a `PING` was last answered as it should be: `last_avail_time`.
    pub(super) available_ms: i64,
    /// Since when a `PING` has been unanswered; 0 for none: `act_ping_time`.
    pub(super) unanswered_since_ms: i64,
    /// When one was last sent, and when one was last answered in whatever way.
    pub(super) pinged_ms: i64,
    pub(super) ponged_ms: i64,
    /// When it was last tried to connect: `last_reconn_time`.
    pub(super) tried_ms: i64,
}

impl Link {
    /// One that is not connected. That a `PING` is unanswered is assumed, so that whoever cannot be
    /// connected with is found out. Source: `createInstanceLink`.
    pub(super) const fn new(now_ms: i64) -> Self {
        Self {
            commands: None,
            subscription: None,
            is_disconnected: true,
            pending: VecDeque::new(),
            heard_ms: 0,
            available_ms: now_ms,
            unanswered_since_ms: now_ms,
            pinged_ms: 0,
            ponged_ms: now_ms,
            tried_ms: 0,
        }
    }

    /// True when the periodic commands may be sent.
    pub(super) fn may_be_asked(&self) -> bool {
        !self.is_disconnected && self.pending.len() < PENDING_MOST
    }

    /// Asks for something; false where there is no connection.
    pub(super) fn ask(
        &mut self,
        asked: Asked,
        command: Arc<[Bytes]>,
        context: &mut Context<'_>,
    ) -> bool {
        let Some(connection) = &mut self.commands else { return false };
        connection.send(command, context);
        self.pending.push_back(asked);
        true
    }

    /// Closes the connection for commands. Source: `instanceLinkCloseConnection`.
    pub(super) fn close_commands(&mut self, context: &mut Context<'_>) {
        if let Some(connection) = self.commands.take() {
            context.close(connection.id);
            self.is_disconnected = true;
        }
    }

    /// Closes the other one.
    pub(super) fn close_subscription(&mut self, context: &mut Context<'_>) {
        if let Some(connection) = self.subscription.take() {
            context.close(connection.id);
            self.is_disconnected = true;
        }
    }

    /// Closes both.
    pub(super) fn close(&mut self, context: &mut Context<'_>) {
        self.close_commands(context);
        self.close_subscription(context);
    }

    /// Drops connections on which nothing comes, so that they are made anew. Source:
    /// `sentinelCheckSubjectivelyDown`, first half.
    pub(super) fn close_if_silent(
        &mut self,
        now_ms: i64,
        down_after_ms: i64,
        context: &mut Context<'_>,
    ) {
        let is_old = |connection: &Option<Connection>| {
            let since_ms = connection.as_ref().map(|connection| connection.since_ms);
            since_ms.is_some_and(|since_ms| now_ms - since_ms > period::LINK_LEAST)
        };
        if is_old(&self.commands)
            && self.unanswered_since_ms != 0
            && now_ms - self.unanswered_since_ms > down_after_ms / 2
            && now_ms - self.ponged_ms > down_after_ms / 2
        {
            self.close_commands(context);
        }
        if is_old(&self.subscription) && now_ms - self.heard_ms > period::PUBLISH * 3 {
            self.close_subscription(context);
        }
    }

    /// A connection is open: what was to be said is said. False when it is none of these.
    fn opened(&mut self, id: ConnectionId, context: &mut Context<'_>) -> bool {
        let mut both = [&mut self.commands, &mut self.subscription].into_iter().flatten();
        let Some(connection) = both.find(|connection| connection.id == id) else { return false };
        for command in connection.unsent.take().into_iter().flatten() {
            context.send(id, Message::Redis(command));
        }
        true
    }

    /// A connection is gone. False when it was none of these. Source: `instanceLinkConnectionError`.
    fn closed(&mut self, id: ConnectionId) -> bool {
        for connection in [&mut self.commands, &mut self.subscription] {
            if connection.as_ref().is_some_and(|connection| connection.id == id) {
                *connection = None;
                self.is_disconnected = true;
                return true;
            }
        }
        false
    }

    /// Whether something came on the connection for commands.
    pub(super) fn is_for_commands(&self, id: ConnectionId) -> bool {
        self.commands.as_ref().is_some_and(|connection| connection.id == id)
    }

    /// Whether something came on the other one, which then counts as alive.
    pub(super) fn heard_on_subscription(&mut self, id: ConnectionId, now_ms: i64) -> bool {
        let is_it = self.subscription.as_ref().is_some_and(|connection| connection.id == id);
        if is_it {
            self.heard_ms = now_ms;
        }
        is_it
    }
}

impl Sentinel {
    /// Connects with an instance, as far as a connection is missing, at most once in a second. Source:
    /// `sentinelReconnectInstance`.
    pub(super) fn reconnect(&mut self, id: Id, context: &mut Context<'_>) {
        let now_ms = self.now_ms;
        let instance = self.group.get_mut(id);
        let is_server = !matches!(id, Id::Sentinel(_));
        if !instance.link.is_disconnected || now_ms - instance.link.tried_ms < period::PING {
            return;
        }
        instance.link.tried_ms = now_ms;
        if instance.link.commands.is_none() {
            let connection = Connection::open(instance, now_ms, context);
            instance.link.commands = Some(connection);
            instance.link.pending.clear();
            let name = format!("sentinel-{}-cmd", &self.my_id[..8]);
            instance.link.ask(Asked::Other, command(["CLIENT", "SETNAME", &name]), context);
            instance.ping(now_ms, context);
        }
        if is_server && instance.link.subscription.is_none() {
            let mut connection = Connection::open(instance, now_ms, context);
            let name = format!("sentinel-{}-pubsub", &self.my_id[..8]);
            connection.send(command(["CLIENT", "SETNAME", &name]), context);
            connection.send(command(["SUBSCRIBE", super::hello::CHANNEL]), context);
            instance.link.subscription = Some(connection);
        }
        instance.link.is_disconnected = false;
    }

    /// A connection that was asked for is open.
    pub(super) fn link_opened(&mut self, connection: ConnectionId, context: &mut Context<'_>) {
        let mut ids = self.group.ids();
        ids.any(|id| self.group.get_mut(id).link.opened(connection, context));
    }

    /// A connection is gone; false when it was no link.
    pub(super) fn link_closed(&mut self, connection: ConnectionId) -> bool {
        let mut ids = self.group.ids();
        ids.any(|id| self.group.get_mut(id).link.closed(connection))
    }
}
