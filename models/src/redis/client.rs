//! A Redis client: one connection, a timeout on every answer, scripts by their digest.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::resp::Reply;
use crate::machine::{CloseReason, NodeId};
use crate::message::Message;
use crate::process::{Connection, Host, TimedOut};

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

/// A client with one connection, opened when it is needed and dropped after an error: an answer
/// that comes late must not be taken for the next one's.
pub struct Client {
    host: Host,
    server: NodeId,
    timeout: Duration,
    connection: Option<Connection>,
}

impl Client {
    /// A client of the Redis at `server` that waits at most `timeout` for a connection and for
    /// each answer.
    pub fn new(host: Host, server: NodeId, timeout: Duration) -> Self {
        Self { host, server, timeout, connection: None }
    }

    /// Sends one command and waits for its answer.
    ///
    /// # Errors
    ///
    /// Why there is no answer. An error that Redis replies with is a [`Reply::Error`].
    pub async fn call(&mut self, command: Arc<[Bytes]>) -> Result<Reply, CallError> {
        let connection = self.connected().await?;
        connection.send(Message::Redis(command));
        match self.host.timeout(self.timeout, connection.receive()).await? {
            Ok(Message::RedisReply(reply)) => {
                self.connection = Some(connection);
                Ok(reply)
            }
            Ok(_) => Err(CallError::Closed(CloseReason::Reset)),
            Err(reason) => Err(CallError::Closed(reason)),
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

    async fn connected(&mut self) -> Result<Connection, CallError> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => self
                .host
                .timeout(self.timeout, self.host.connect(self.server))
                .await
                .ok()
                .and_then(Result::ok)
                .ok_or(CallError::NotConnected),
        }
    }
}

/// A small number in decimal, without an allocation for the usual ones.
fn digits(number: usize) -> Bytes {
    const SMALL: [&str; 8] = ["0", "1", "2", "3", "4", "5", "6", "7"];
    match SMALL.get(number) {
        Some(text) => Bytes::from_static(text.as_bytes()),
        None => Bytes::from(number.to_string()),
    }
}
