//! A connection that is subscribed to one channel: messages come over it unasked.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::CallError;
use super::wire::Wire;
use crate::machine::NodeId;
use crate::process::Host;
use crate::redis::resp::Reply;

/// Which of Redis's two kinds of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PubSub {
    /// Of the whole server, or of the whole cluster.
    Plain,
    /// Of a shard of a cluster: the channel lies in a slot, as a key does.
    Sharded,
}

impl PubSub {
    /// The command that publishes.
    pub const fn publish(self) -> &'static str {
        match self {
            Self::Plain => "PUBLISH",
            Self::Sharded => "SPUBLISH",
        }
    }

    const fn subscribe(self) -> &'static str {
        match self {
            Self::Plain => "SUBSCRIBE",
            Self::Sharded => "SSUBSCRIBE",
        }
    }

    /// What a message is called, and what the end of a subscription that the server ends.
    const fn words(self) -> (&'static [u8], &'static [u8]) {
        match self {
            Self::Plain => (b"message", b"unsubscribe"),
            Self::Sharded => (b"smessage", b"sunsubscribe"),
        }
    }
}

/// A connection that is subscribed to a channel.
pub struct Subscription {
    host: Host,
    wire: Wire,
    kind: PubSub,
    /// After so long without a word the server is asked for one.
    ping_after: Duration,
    timeout: Duration,
}

impl Subscription {
    /// Subscribes to a channel of a server. `timeout` is for the connection and for each answer.
    ///
    /// # Errors
    ///
    /// Why there is no connection, or no confirmation; [`CallError::Refused`] when the server answers
    /// with an error, as one does that does not have the slot.
    pub async fn open(
        host: Host,
        node: NodeId,
        (kind, channel): (PubSub, Bytes),
        timeout: Duration,
        ping_after: Duration,
    ) -> Result<Self, CallError> {
        let mut wire = Wire::new(host.clone(), node, timeout);
        let subscribe = Bytes::from_static(kind.subscribe().as_bytes());
        match wire.call([subscribe, channel].into()).await? {
            Reply::Array(_) => Ok(Self { host, wire, kind, ping_after, timeout }),
            _ => Err(CallError::Refused),
        }
    }

    /// Whose channel it is.
    pub const fn node(&self) -> NodeId {
        self.wire.node()
    }

    /// Waits for the next message: its text.
    ///
    /// # Errors
    ///
    /// Why none can come any more: the connection is broken, the server has not answered a `PING`, or has
    /// ended the subscription.
    pub async fn message(&mut self) -> Result<Bytes, CallError> {
        let (message, end) = self.kind.words();
        loop {
            let Reply::Array(items) = self.receive().await? else { continue };
            match &items[..] {
                [Reply::Bulk(kind), _, Reply::Bulk(text)] if &kind[..] == message => {
                    return Ok(text.clone());
                }
                [Reply::Bulk(kind), ..] if &kind[..] == end => return Err(CallError::Refused),
                _ => {}
            }
        }
    }

    /// Waits for a word of the server, and asks for one when none comes.
    async fn receive(&self) -> Result<Reply, CallError> {
        if let Ok(word) = self.host.timeout(self.ping_after, self.wire.receive()).await {
            return word;
        }
        let ping: Arc<[Bytes]> = [Bytes::from_static(b"PING")].into();
        self.wire.send(ping);
        self.host.timeout(self.timeout, self.wire.receive()).await?
    }
}
