//! A Redis client: one connection, a timeout on every answer, scripts by their digest.
//!
//! ```text
//! address       where a server is to be found
//! sentinels     who knows where the master is
//! cluster       who has which slot
//! wire          one connection
//! subscription  a connection that messages come over
//! reshard       an operator who moves a slot
//! ```

mod address;
mod cluster;
pub mod reshard;
mod sentinels;
mod subscription;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub use self::address::{Address, Discovery};
use self::cluster::Cluster;
use self::sentinels::Sentinels;
pub use self::subscription::{PubSub, Subscription};
use self::wire::Wire;
use super::resp::Reply;
use crate::machine::{CloseReason, NodeId};
use crate::process::{Host, TimedOut};

/// Why a command has no answer. In every case but [`CallError::NotConnected`] and
/// [`CallError::Refused`] it may have been carried out all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No connection could be made, so nothing was sent.
    #[error("not connected")]
    NotConnected,
    /// The answer did not come in time.
    #[error("no answer in time")]
    TimedOut,
    /// The connection broke before the answer came.
    #[error("connection {0}")]
    Closed(CloseReason),
    /// Redis answered with an error, and did not do what it was asked for: it is loading its file, say,
    /// or has no memory left.
    #[error("refused by Redis")]
    Refused,
}

impl From<TimedOut> for CallError {
    fn from(_: TimedOut) -> Self {
        Self::TimedOut
    }
}

/// Takes an error that Redis replies with for a failed call, as the clients do that raise an exception
/// for both: redis-py, Jedis, predis.
///
/// # Errors
///
/// As [`Client::call`], and [`CallError::Refused`].
pub fn unless_refused(answer: Result<Reply, CallError>) -> Result<Reply, CallError> {
    match answer? {
        Reply::Error(_) => Err(CallError::Refused),
        reply => Ok(reply),
    }
}

/// A Lua script and the digest that `EVALSHA` knows it by.
#[derive(Clone, Debug)]
pub struct Script {
    source: Bytes,
    sha1: Bytes,
}

impl Script {
    /// A script.
    pub fn new(source: &'static str) -> Self {
        let sha1 = sha1_smol::Sha1::from(source).digest().to_string();
        Self { source: Bytes::from_static(source.as_bytes()), sha1: Bytes::from(sha1) }
    }

    /// The script with its keys and arguments: a command that can be sent again and again.
    pub fn call<const K: usize, const A: usize>(
        &self,
        keys: [Bytes; K],
        arguments: [Bytes; A],
    ) -> ScriptCall {
        const EVALSHA: Bytes = Bytes::from_static(b"EVALSHA");
        let head = [EVALSHA, self.sha1.clone(), digits(K)];
        ScriptCall {
            by_digest: head.into_iter().chain(keys).chain(arguments).collect(),
            source: self.source.clone(),
        }
    }
}

/// A script with its keys and arguments; made by [`Script::call`].
#[derive(Clone, Debug)]
pub struct ScriptCall {
    /// The `EVALSHA`.
    by_digest: Arc<[Bytes]>,
    source: Bytes,
}

impl ScriptCall {
    /// The same as an `EVAL`.
    fn by_source(&self) -> Arc<[Bytes]> {
        const EVAL: Bytes = Bytes::from_static(b"EVAL");
        let rest = self.by_digest.iter().skip(2).cloned();
        [EVAL, self.source.clone()].into_iter().chain(rest).collect()
    }
}

/// How a client finds its server and talks to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// How long to wait for a connection and for each answer.
    pub timeout: Duration,
    /// How it learns that there is a new master, where Sentinels know it.
    pub discovery: Discovery,
    /// It asks a server for its role before it uses it, where Sentinels have named it.
    pub checks_role: bool,
}

/// A client with one connection to whoever is its server.
pub struct Client {
    host: Host,
    settings: ClientSettings,
    finder: Finder,
    wire: Option<Wire>,
}

/// Who knows where the server is.
enum Finder {
    /// It is always the same.
    Nobody,
    Sentinels(Sentinels),
    /// There is one for each slot: [`Client::wire`] is not used.
    Cluster(Cluster),
}

impl Client {
    /// A client of the Redis at `address`.
    pub fn new(host: Host, address: Address, settings: ClientSettings) -> Self {
        let ClientSettings { discovery, timeout, .. } = settings;
        let (finder, wire) = match address {
            Address::Server(node) => (Finder::Nobody, Some(Wire::new(host.clone(), node, timeout))),
            Address::Sentinels { nodes, master_name } => {
                let sentinels = Sentinels::new(&host, nodes, master_name, discovery, timeout);
                (Finder::Sentinels(sentinels), None)
            }
            Address::Cluster { nodes } => {
                (Finder::Cluster(Cluster::new(host.clone(), nodes, timeout)), None)
            }
        };
        Self { host, settings, finder, wire }
    }

    /// Another client of the same servers, with a connection of its own: the next one of a pool. What
    /// one of them hears from Sentinels, all do.
    #[must_use]
    pub fn sibling(&self) -> Self {
        let (finder, wire) = match &self.finder {
            Finder::Nobody => (Finder::Nobody, self.wire.as_ref().map(Wire::sibling)),
            Finder::Sentinels(sentinels) => (Finder::Sentinels(sentinels.sibling()), None),
            Finder::Cluster(cluster) => (Finder::Cluster(cluster.sibling()), None),
        };
        Self { host: self.host.clone(), settings: self.settings, finder, wire }
    }

    /// The server that has a key, as far as this client knows.
    ///
    /// # Errors
    ///
    /// [`CallError::NotConnected`] when nobody says.
    pub async fn home(&mut self, key: &[u8]) -> Result<NodeId, CallError> {
        match &mut self.finder {
            Finder::Nobody => self.wire.as_ref().map(Wire::node),
            Finder::Sentinels(sentinels) => sentinels.find().await,
            Finder::Cluster(cluster) => return cluster.home(key).await,
        }
        .ok_or(CallError::NotConnected)
    }

    /// The server that a listener or a scanner has heard of last, where there is one.
    pub fn heard(&self) -> Option<NodeId> {
        match &self.finder {
            Finder::Sentinels(sentinels) => sentinels.heard(),
            Finder::Nobody | Finder::Cluster(_) => None,
        }
    }

    /// Asks anew where keys are before the next command: somebody else has been told that they have
    /// moved, or has had no answer.
    pub fn forget_slots(&mut self) {
        if let Finder::Cluster(cluster) = &mut self.finder {
            cluster.forget();
        }
    }

    /// Sends one command and waits for its answer.
    ///
    /// # Errors
    ///
    /// Why there is no answer. An error that Redis replies with is a [`Reply::Error`]; but a server that
    /// Sentinels have named and that says `READONLY` is none to talk to any more, which is
    /// [`CallError::Refused`].
    pub async fn call(&mut self, command: Arc<[Bytes]>) -> Result<Reply, CallError> {
        if let Finder::Cluster(cluster) = &mut self.finder {
            return cluster.call(&command).await;
        }
        let reply = self.wire().await?.call(command).await?;
        if matches!(self.finder, Finder::Sentinels(_))
            && let Reply::Error(text) = &reply
            && text.starts_with(b"READONLY")
        {
            self.wire = None;
            return Err(CallError::Refused);
        }
        Ok(reply)
    }

    /// The same on the connection of the last call and on no other one: for what is about the
    /// connection.
    ///
    /// # Errors
    ///
    /// As [`Client::call`]; [`CallError::NotConnected`] when that connection is gone.
    pub async fn call_on_same(&mut self, command: Arc<[Bytes]>) -> Result<Reply, CallError> {
        if let Finder::Cluster(cluster) = &mut self.finder {
            return cluster.call_on_same(command).await;
        }
        match &mut self.wire {
            Some(wire) if wire.is_open() => wire.call(command).await,
            _ => Err(CallError::NotConnected),
        }
    }

    /// Runs a script by its digest; sends its source when the server does not know it, as
    /// redis-py's and Jedis's script objects do.
    ///
    /// # Errors
    ///
    /// As [`Client::call`].
    pub async fn run(&mut self, script: &ScriptCall) -> Result<Reply, CallError> {
        match self.call(script.by_digest.clone()).await? {
            Reply::Error(error) if error.starts_with(b"NOSCRIPT") => {
                self.call(script.by_source()).await
            }
            reply => Ok(reply),
        }
    }

    /// The connection to the server; whoever it is just now.
    async fn wire(&mut self) -> Result<&mut Wire, CallError> {
        if let Finder::Sentinels(sentinels) = &mut self.finder {
            let heard = sentinels.heard();
            let is_current =
                |wire: &Wire| wire.is_open() && heard.is_none_or(|master| wire.node() == master);
            if !self.wire.as_ref().is_some_and(is_current) {
                self.wire = None;
                let node = sentinels.find().await.ok_or(CallError::NotConnected)?;
                let mut wire = Wire::new(self.host.clone(), node, self.settings.timeout);
                if self.settings.checks_role && !is_master(&mut wire).await? {
                    return Err(CallError::NotConnected);
                }
                self.wire = Some(wire);
            }
        }
        self.wire.as_mut().ok_or(CallError::NotConnected)
    }
}

/// Whether a server says that it is a master.
async fn is_master(wire: &mut Wire) -> Result<bool, CallError> {
    let role = wire.call([Bytes::from_static(b"ROLE")].into()).await?;
    let Reply::Array(items) = role else { return Ok(false) };
    Ok(matches!(items.first(), Some(Reply::Bulk(role)) if &role[..] == b"master"))
}

/// A small number in decimal, without an allocation for the usual ones.
fn digits(number: usize) -> Bytes {
    const SMALL: [&str; 8] = ["0", "1", "2", "3", "4", "5", "6", "7"];
    match SMALL.get(number) {
        Some(text) => Bytes::from_static(text.as_bytes()),
        None => Bytes::from(number.to_string()),
    }
}
