//! The state of one connection. Source: `server.h`, `struct client`.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::blocking::Blocked;
use super::resp3::Protocol;
use super::transaction::Transaction;
use crate::machine::{ConnectionId, NodeId};
use crate::redis::channels::Kind;
use crate::redis::keyspace::Database;
use crate::redis::resp::Reply;

/// What a client has asked for with `CLIENT REPLY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replies {
    /// Every command is answered.
    On,
    /// None is.
    Off,
    /// The next one is not: this is the state until it comes.
    SkipNext,
    /// This one is not.
    Skip,
}

/// How long a connection has to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// As long as it likes.
    Open,
    /// Until something is written to it. Who has switched replies off and sends `QUIT` may wait for
    /// that for ever. Source: `CLIENT_CLOSE_AFTER_REPLY`; `networking.c`, `writeToClient`.
    AfterReply,
    /// Until the event loop sleeps: something is being written to it.
    Written,
    /// Not at all. Source: `networking.c`, `freeClient`.
    Now,
}

/// What one connection has subscribed to, of each kind in the order in which it did.
#[derive(Debug, Default)]
pub(super) struct Subscriptions([Vec<Bytes>; 3]);

impl Subscriptions {
    pub(super) fn of(&self, kind: Kind) -> &[Bytes] {
        &self.0[kind as usize]
    }

    /// Adds one; false when it is there.
    pub(super) fn add(&mut self, kind: Kind, name: &Bytes) -> bool {
        let names = &mut self.0[kind as usize];
        let new = !names.contains(name);
        if new {
            names.push(name.clone());
        }
        new
    }

    /// Takes one away; false when it is not there.
    pub(super) fn remove(&mut self, kind: Kind, name: &Bytes) -> bool {
        let names = &mut self.0[kind as usize];
        let at = names.iter().position(|other| other == name);
        at.map(|at| names.remove(at)).is_some()
    }

    /// How many the client is told that it has: channels and patterns are counted together.
    ///
    /// Source: `pubsub.c`, `clientSubscriptionsCount` and `clientShardSubscriptionsCount`.
    pub(super) fn count(&self, kind: Kind) -> usize {
        match kind {
            Kind::Shard => self.of(Kind::Shard).len(),
            _ => self.of(Kind::Channel).len() + self.of(Kind::Pattern).len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }

    /// Takes all away.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = (Kind, Bytes)> + use<> {
        let [channels, patterns, shards] = std::mem::take(&mut self.0);
        let channels = channels.into_iter().map(|name| (Kind::Channel, name));
        let shards = shards.into_iter().map(|name| (Kind::Shard, name));
        let patterns = patterns.into_iter().map(|name| (Kind::Pattern, name));
        channels.chain(shards).chain(patterns)
    }
}

/// The reply to `EXEC` while it is being said.
///
/// On the wire it is a number, and then whatever the client is told. As a rule that is a reply for
/// each command. But a `SUBSCRIBE` says more than one thing, and a message may come in between: what
/// is then too much stands after the array. And `CLIENT REPLY` can make it too little: then what is
/// said later belongs to the array as well. A client reads it no other way.
#[derive(Debug)]
pub(super) struct OpenArray {
    pub(super) length: usize,
    pub(super) said: Vec<Reply>,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: ConnectionId,
    /// What `CLIENT ID` gives.
    pub(super) id: i64,
    /// Who has connected, if that was told.
    pub(super) peer: Option<NodeId>,
    /// When it connected, and when it last sent something: Unix seconds.
    pub(super) since_s: u64,
    pub(super) active_s: u64,
    /// What it last asked for, with its container.
    pub(super) last_command: &'static str,
    pub(super) name: Option<Bytes>,
    /// What it has selected.
    pub(super) database: Database,
    pub(super) no_evict: bool,
    /// It has sent `PSYNC`.
    pub(super) is_replica: bool,
    /// It has just sent `ASKING`.
    pub(super) is_asking: bool,
    /// It has sent `READONLY`.
    pub(super) is_readonly: bool,
    /// The port that it has named as a replica.
    pub(super) replica_port: u16,
    /// Up to where the stream was when it was last answered: what it has written is not after that.
    /// Source: `client.woff`.
    pub(super) written_to: i64,
    pub(super) protocol: Protocol,
    pub(super) replies: Replies,
    pub(super) end: End,
    /// Begun with `MULTI`.
    pub(super) transaction: Option<Box<Transaction>>,
    pub(super) array: Option<OpenArray>,
    pub(super) subscriptions: Subscriptions,
    /// While it waits, its commands do as well.
    pub(super) blocked: Option<Blocked>,
    pub(super) waiting: VecDeque<Arc<[Bytes]>>,
}

impl Session {
    pub(super) fn new(connection: ConnectionId, id: i64, peer: Option<NodeId>, now_s: u64) -> Self {
        Self {
            connection,
            id,
            peer,
            since_s: now_s,
            active_s: now_s,
            last_command: "NULL",
            name: None,
            database: Database::default(),
            no_evict: false,
            is_replica: false,
            is_asking: false,
            is_readonly: false,
            replica_port: Self::NO_PORT,
            written_to: 0,
            protocol: Protocol::default(),
            replies: Replies::On,
            end: End::Open,
            transaction: None,
            array: None,
            subscriptions: Subscriptions::default(),
            blocked: None,
            waiting: VecDeque::new(),
        }
    }

    /// True when it wants to hear answers.
    pub(super) fn wants_replies(&self) -> bool {
        matches!(self.replies, Replies::On | Replies::SkipNext)
    }

    /// What the client can read now that it is told something: nothing while an array is open.
    pub(super) fn readable(&mut self, message: Reply) -> Option<Reply> {
        let Some(array) = &mut self.array else {
            return Some(message);
        };
        array.said.push(message);
        if array.said.len() < array.length {
            return None;
        }
        self.array.take().map(|array| Reply::Array(array.said))
    }

    /// True when it may send only a few commands, since every message that it gets would look like an answer.
    /// Source: `server.c`, `processCommand`.
    pub(super) fn hears_pushes_alone(&self) -> bool {
        self.is_subscriber() && self.protocol == Protocol::Resp2
    }

    /// True when it has subscribed to something. Source: `CLIENT_PUBSUB`.
    pub(super) fn is_subscriber(&self) -> bool {
        !self.subscriptions.is_empty()
    }

    /// A command is over: what was said about its reply is, too.
    ///
    /// Source: `networking.c`, `resetClient`.
    pub(super) fn end_command(&mut self) {
        self.replies = match self.replies {
            Replies::SkipNext => Replies::Skip,
            Replies::Skip => Replies::On,
            lasting => lasting,
        };
    }
}
