//! What travels over a connection. In the world a message is a value, not bytes: one message is
//! one `write`. Behind a real port the codecs beside the models turn it into bytes and back.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::redis::cluster::BusMessage;
use crate::redis::resp::Reply;
use crate::shop::protocol::{ShopReply, ShopRequest};
use crate::zookeeper::protocol::Packet;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// A Redis command: its argument vector. A client that polls sends the same one again, and the
    /// history keeps what the server is given: neither copies it.
    Redis(Arc<[Bytes]>),
    /// What Redis answers.
    RedisReply(Reply),
    /// A request to the shop's store.
    Shop(ShopRequest),
    /// What the store answers.
    ShopReply(ShopReply),
    /// Bytes of somebody's own protocol.
    Bytes(Bytes),
    /// A number: all that examples and benchmarks need.
    Number(u64),
    /// What a Redis master passes on to a replica: all commands of one `write`.
    RedisStream(Arc<[Arc<[Bytes]>]>),
    /// A copy of all that a Redis master has, as the commands that make it: what an RDB file is.
    RedisSnapshot(Arc<[Arc<[Bytes]>]>),
    /// What nodes of a Redis Cluster say to each other.
    ClusterBus(Arc<BusMessage>),
    /// What clients and servers of ZooKeeper say to each other.
    ZooKeeper(Arc<Packet>),
}

impl Message {
    /// The message's name: a Redis command's, a request's, `reply`, `stream` or `snapshot`.
    ///
    /// Faults choose messages by it, without regard to case.
    pub fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Redis(arguments) => match arguments.first() {
                Some(command) => String::from_utf8_lossy(command),
                None => Cow::Borrowed("empty"),
            },
            Self::Shop(request) => Cow::Borrowed(request.name()),
            Self::RedisReply(_) | Self::ShopReply(_) => Cow::Borrowed("reply"),
            Self::RedisStream(_) => Cow::Borrowed("stream"),
            Self::RedisSnapshot(_) => Cow::Borrowed("snapshot"),
            Self::Bytes(_) => Cow::Borrowed("bytes"),
            Self::Number(_) => Cow::Borrowed("number"),
            Self::ClusterBus(message) => message.name(),
            Self::ZooKeeper(packet) => Cow::Borrowed(packet.name()),
        }
    }
}
