//! A buyer's side of one of the shop's servers, as an HTTP client has it: one connection, a timeout on
//! every answer, and as many retries as it has been given.

use std::time::Duration;

use super::protocol::{ShopReply, ShopRequest};
use crate::machine::NodeId;
use crate::message::Message;
use crate::note::Note;
use crate::process::{Connection, Host};

/// A client with one connection, opened when it is needed and dropped when no answer comes.
pub(super) struct Client {
    host: Host,
    server: NodeId,
    timeout: Duration,
    retries: u32,
    connection: Option<Connection>,
}

impl Client {
    pub const fn new(host: Host, server: NodeId, timeout: Duration, retries: u32) -> Self {
        Self { host, server, timeout, retries, connection: None }
    }

    /// Asks, and asks the same again on a new connection when no answer comes. It cannot know
    /// whether the server has seen the request that went unanswered: a timeout and a broken
    /// connection look the same whether the request was lost or the answer. `None` when there was
    /// no answer to the last one either.
    pub async fn ask(&mut self, request: ShopRequest) -> Option<ShopReply> {
        let mut answer = self.ask_once(request).await;
        for _ in 0..self.retries {
            if answer.is_some() {
                break;
            }
            self.host
                .note(Note::RequestResent { thread: self.host.thread(), request: request.name() });
            answer = self.ask_once(request).await;
        }
        answer
    }

    async fn ask_once(&mut self, request: ShopRequest) -> Option<ShopReply> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let connecting = self.host.connect(self.server);
                self.host.timeout(self.timeout, connecting).await.ok()?.ok()?
            }
        };
        connection.send(Message::Shop(request));
        let answer = self.host.timeout(self.timeout, connection.receive()).await;
        match answer {
            Ok(Ok(Message::ShopReply(reply))) => {
                self.connection = Some(connection);
                Some(reply)
            }
            _ => None,
        }
    }
}
