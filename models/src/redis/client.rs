//! A Redis client: one connection, a timeout on every answer, scripts by their digest.

use std::time::Duration;

use bytes::Bytes;

use super::resp::Reply;
use crate::machine::{CloseReason, NodeId};
use crate::message::Message;
use crate::process::{Connection, Host, TimedOut};

/// Why a command has no answer. In every case but [`CallError::NotConnected`] it may have been
/// carried out all the same.
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
}

impl From<TimedOut> for CallError {
    fn from(_: TimedOut) -> Self {
        Self::TimedOut
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
    pub async fn call(&mut self, arguments: Vec<Bytes>) -> Result<Reply, CallError> {
        let connection = self.connected().await?;
        connection.send(Message::Redis(arguments));
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
    pub async fn run(
        &mut self,
        script: &Script,
        keys: &[Bytes],
        arguments: &[Bytes],
    ) -> Result<Reply, CallError> {
        const EVALSHA: Bytes = Bytes::from_static(b"EVALSHA");
        const EVAL: Bytes = Bytes::from_static(b"EVAL");
        let command = |name: Bytes, body: &Bytes| {
            let mut command = Vec::with_capacity(3 + keys.len() + arguments.len());
            command.extend([name, body.clone(), digits(keys.len())]);
            command.extend(keys.iter().chain(arguments).cloned());
            command
        };
        match self.call(command(EVALSHA, &script.sha1)).await? {
            Reply::Error(error) if error.starts_with(b"NOSCRIPT") => {
                self.call(command(EVAL, &script.source)).await
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
