//! One connection to one server, opened when it is needed and dropped after an error: an answer that
//! comes late must not be taken for the next one's.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::CallError;
use crate::machine::{CloseReason, NodeId};
use crate::message::Message;
use crate::process::{Connection, Host};
use crate::redis::resp::Reply;

pub(super) struct Wire {
    host: Host,
    node: NodeId,
    timeout: Duration,
    connection: Option<Connection>,
}

impl Wire {
    pub(super) const fn new(host: Host, node: NodeId, timeout: Duration) -> Self {
        Self { host, node, timeout, connection: None }
    }

    /// Another one to the same server, which is not open yet.
    pub(super) fn sibling(&self) -> Self {
        Self::new(self.host.clone(), self.node, self.timeout)
    }

    pub(super) const fn node(&self) -> NodeId {
        self.node
    }

    pub(super) const fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    pub(super) fn close(&mut self) {
        self.connection = None;
    }

    /// Sends a command and waits for its answer, each step no longer than the timeout.
    pub(super) async fn call(&mut self, command: Arc<[Bytes]>) -> Result<Reply, CallError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self
                .host
                .timeout(self.timeout, self.host.connect(self.node))
                .await
                .ok()
                .and_then(Result::ok)
                .ok_or(CallError::NotConnected)?,
        };
        connection.send(Message::Redis(command));
        let answer = self.host.timeout(self.timeout, connection.receive()).await?;
        let reply = reply(answer)?;
        self.connection = Some(connection);
        Ok(reply)
    }

    /// Sends a command and does not wait for its answer, if the connection is open.
    pub(super) fn send(&self, command: Arc<[Bytes]>) {
        if let Some(connection) = &self.connection {
            connection.send(Message::Redis(command));
        }
    }

    /// Waits for something that was not asked for, as long as it takes.
    pub(super) async fn receive(&self) -> Result<Reply, CallError> {
        match &self.connection {
            Some(connection) => reply(connection.receive().await),
            None => Err(CallError::NotConnected),
        }
    }
}

fn reply(answer: Result<Message, CloseReason>) -> Result<Reply, CallError> {
    match answer {
        Ok(Message::RedisReply(reply)) => Ok(reply),
        Ok(_) => Err(CallError::Closed(CloseReason::Reset)),
        Err(reason) => Err(CallError::Closed(reason)),
    }
}
