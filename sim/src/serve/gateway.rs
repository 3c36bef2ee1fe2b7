//! The process through which everything outside comes in: for each connection from outside, one in the world,
//! to the same server.
//!
//! Neither side can make it hold more than a bounded amount. What a client has sent and the server has not been
//! given yet is at most [`WINDOW_BYTES`], as if it lay in the buffers of two kernels; until there is room again, no
//! more is read from the client. What a client does not read is kept up to [`OUTPUT_BYTES`], then it is hung up on.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use fencepost_models::machine::{
    CloseReason, ConnectionId, Context, Input, Machine, NodeId, TimerId,
};
use fencepost_models::message::Message;
use fencepost_models::zookeeper::protocol::{Op, Packet};

use super::queue::Queue;
use super::wire::{Next, Wire};
use crate::world::history::{Event, History, Record};

/// How much a client can have sent that its server has not been given. Linux keeps up to 6 MiB for a receiver
/// (`tcp_rmem`), and mostly far less.
const WINDOW_BYTES: usize = 1024 * 1024;

/// What a message takes beside what it says: so many of one byte are bounded too.
const MESSAGE_BYTES: usize = 128;

/// A client that has so much yet to read is asked for nothing more.
const ENOUGH_OUTPUT_BYTES: usize = 1024 * 1024;

/// A client that has so much yet to read is hung up on when there is more for it. Source: `config.c`,
/// `client-output-buffer-limit pubsub`, 32 MB.
const OUTPUT_BYTES: usize = 32 * 1024 * 1024;

/// A client that has ended its half of a connection with something unanswered may be waiting for the answer.
const LINGER: Duration = Duration::from_millis(50);

/// A connection from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientId(pub usize);

/// What is to become of a connection from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays.
    Stays,
    /// It is closed when all that was said has been written.
    Ends,
    /// It is reset.
    Breaks,
}

/// One of them.
struct Client {
    node: NodeId,
    wire: Box<dyn Wire>,
    /// Its connection in the world, once that was asked for.
    connection: Option<ConnectionId>,
    is_open: bool,
    /// It will send nothing more.
    has_ended: bool,
    /// What it has sent and its server has not been given.
    under_way_bytes: usize,
    /// How many messages it has sent, less those that it was sent.
    unanswered: u64,
    output: Output,
    fate: Fate,
}

/// What a client has yet to read.
#[derive(Debug, Default)]
struct Output {
    bytes: Vec<u8>,
    written: usize,
}

impl Output {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    fn wrote(&mut self, count: usize) {
        self.written += count;
        if self.written == self.bytes.len() {
            self.bytes.clear();
            self.bytes.shrink_to(ENOUGH_OUTPUT_BYTES);
            self.written = 0;
        } else if self.written > self.bytes.len() / 2 {
            self.bytes.drain(..self.written);
            self.written = 0;
        }
    }
}

/// All connections from outside.
#[derive(Default)]
pub struct Gateway {
    clients: BTreeMap<ClientId, Client>,
    by_connection: BTreeMap<ConnectionId, ClientId>,
    /// They may have something to say.
    to_hear: Queue,
    /// They have something to read, or are to be closed.
    to_tell: BTreeSet<ClientId>,
}

impl Gateway {
    /// Somebody has connected to a node.
    pub fn come(&mut self, id: ClientId, node: NodeId, wire: Box<dyn Wire>) {
        let client = Client {
            node,
            wire,
            connection: None,
            is_open: false,
            has_ended: false,
            under_way_bytes: 0,
            unanswered: 0,
            output: Output::default(),
            fate: Fate::Stays,
        };
        self.clients.insert(id, client);
        self.to_hear.push(id);
    }

    /// Whether a client is to be read from.
    pub fn listens_to(&self, id: ClientId) -> bool {
        self.clients.get(&id).is_some_and(Client::is_heard)
    }

    /// A client has sent something.
    pub fn feed(&mut self, id: ClientId, bytes: &[u8]) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.wire.feed(bytes);
            self.to_hear.push(id);
        }
    }

    /// A client will send nothing more.
    pub fn end(&mut self, id: ClientId) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.has_ended = true;
            self.to_hear.push(id);
        }
    }

    /// A client is gone, or its connection closed: nothing can be written to it.
    pub fn lose(&mut self, id: ClientId) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.fate = Fate::Breaks;
            client.output = Output::default();
            self.to_hear.push(id);
        }
    }

    /// Those that have something to read, or are to be closed.
    pub fn take_to_tell(&mut self) -> BTreeSet<ClientId> {
        std::mem::take(&mut self.to_tell)
    }

    /// What a client is to read, and what is to become of it then.
    pub fn output(&self, id: ClientId) -> (&[u8], Fate) {
        self.clients
            .get(&id)
            .map_or((&[], Fate::Breaks), |client| (client.output.rest(), client.fate))
    }

    /// So much of it was written.
    pub fn wrote(&mut self, id: ClientId, count: usize) {
        if let Some(client) = self.clients.get_mut(&id) {
            let had_room = client.has_room();
            client.output.wrote(count);
            // Who had room has nothing left that it said before: its place is that of what it says next.
            if !had_room {
                self.to_hear.push(id);
            }
        }
    }

    /// What has come of what clients have sent: what a server was given, or never will be, is no longer under way.
    pub fn hear(&mut self, history: &History, news: &[Record]) {
        for record in news {
            let (Event::Delivered(message) | Event::Lost { message, .. }) = record.event else {
                continue;
            };
            let envelope = history.message(message);
            let Some(id) = self.by_connection.get(&envelope.connection) else { continue };
            if let Some(client) = self.clients.get_mut(id).filter(|one| one.node == envelope.to) {
                let was_heard = client.is_heard();
                client.under_way_bytes =
                    client.under_way_bytes.saturating_sub(size_of_message(&envelope.message));
                if !was_heard {
                    self.to_hear.push(*id);
                }
            }
        }
    }

    /// Whether somebody may have something to say.
    pub fn has_to_speak(&self) -> bool {
        !self.to_hear.is_empty()
    }

    /// Says in the world what clients have said outside.
    pub fn speak(&mut self, context: &mut Context<'_>) {
        for id in self.to_hear.take() {
            self.speak_for(id, context);
        }
    }

    fn speak_for(&mut self, id: ClientId, context: &mut Context<'_>) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        if client.fate == Fate::Breaks {
            return self.hang_up(id, context);
        }
        let Some(connection) = client.connection else {
            let connection = context.connect(client.node);
            client.connection = Some(connection);
            self.by_connection.insert(connection, id);
            return;
        };
        while client.is_open && client.fate == Fate::Stays && client.has_room() {
            let before = client.output.bytes.len();
            let next = client.wire.next(&mut client.output.bytes);
            if client.output.bytes.len() > before {
                self.to_tell.insert(id);
            }
            match next {
                Next::Message(message) => {
                    client.under_way_bytes += size_of_message(&message);
                    client.unanswered += 1;
                    context.send(connection, message);
                }
                Next::Nothing if !client.has_ended => break,
                // The last words of somebody who may yet be listening, or of somebody who is gone.
                Next::Nothing if client.unanswered > 0 => {
                    context.set_timer(TimerId(connection.0), LINGER);
                    break;
                }
                Next::HangUp | Next::Nothing => {
                    client.fate = Fate::Ends;
                    self.to_tell.insert(id);
                    return self.close(connection, context);
                }
            }
        }
    }

    /// A client is gone, or was hung up on.
    fn hang_up(&mut self, id: ClientId, context: &mut Context<'_>) {
        if let Some(connection) = self.clients.remove(&id).and_then(|client| client.connection) {
            self.close(connection, context);
        }
    }

    fn close(&mut self, connection: ConnectionId, context: &mut Context<'_>) {
        if self.by_connection.remove(&connection).is_some() {
            context.cancel_timer(TimerId(connection.0));
            context.close(connection);
        }
    }

    /// The world says something to a client.
    fn told(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        let connection = match input {
            Input::Connected { connection }
            | Input::Message { connection, .. }
            | Input::Closed { connection, .. } => connection,
            Input::Timer(TimerId(number)) => ConnectionId(number),
            _ => return,
        };
        let Some(id) = self.by_connection.get(&connection).copied() else { return };
        let Some(client) = self.clients.get_mut(&id) else { return };
        match input {
            Input::Connected { .. } => {
                client.is_open = true;
                self.to_hear.push(id);
            }
            Input::Message { message, .. } => {
                client.unanswered = client.unanswered.saturating_sub(1);
                let is_too_slow = client.output.rest().len() > OUTPUT_BYTES;
                if is_too_slow || client.wire.encode(message, &mut client.output.bytes).is_err() {
                    client.fate = Fate::Breaks;
                    self.close(connection, context);
                }
                self.to_tell.insert(id);
            }
            Input::Closed { reason, .. } => {
                client.fate = match reason {
                    CloseReason::ByPeer => Fate::Ends,
                    CloseReason::Reset | CloseReason::Refused | CloseReason::TimedOut => {
                        Fate::Breaks
                    }
                };
                self.by_connection.remove(&connection);
                self.to_tell.insert(id);
            }
            _ => {
                client.fate = Fate::Ends;
                self.to_tell.insert(id);
                self.close(connection, context);
            }
        }
    }
}

impl Client {
    fn has_room(&self) -> bool {
        self.under_way_bytes < WINDOW_BYTES && self.output.rest().len() < ENOUGH_OUTPUT_BYTES
    }

    fn is_heard(&self) -> bool {
        self.is_open && !self.has_ended && self.fate == Fate::Stays && self.has_room()
    }
}

fn size_of_message(message: &Message) -> usize {
    MESSAGE_BYTES
        + match message {
            Message::Redis(arguments) => {
                arguments.iter().map(|argument| size_of_val(argument) + argument.len()).sum()
            }
            Message::Bytes(bytes) => bytes.len(),
            Message::ZooKeeper(packet) => match &**packet {
                Packet::Request { op, .. } => size_of_request(op),
                _ => 0,
            },
            _ => 0,
        }
}

fn size_of_request(op: &Op) -> usize {
    match op {
        Op::Create { path, data, .. } | Op::SetData { path, data, .. } => path.len() + data.len(),
        Op::Delete { path, .. }
        | Op::Exists { path, .. }
        | Op::GetData { path, .. }
        | Op::GetChildren { path, .. }
        | Op::Check { path, .. }
        | Op::Sync { path } => path.len(),
        Op::Multi(parts) => {
            parts.iter().map(|part| size_of_val(part) + size_of_request(part)).sum()
        }
        Op::SetWatches(watches) => {
            let all = [&watches.data, &watches.exist, &watches.child].into_iter().flatten();
            all.map(|path| size_of_val(path) + path.len()).sum()
        }
        Op::Ping | Op::CloseSession => 0,
    }
}

/// The gateway's process. It shares its state with whoever owns the sockets.
pub struct Entrance(pub Rc<RefCell<Gateway>>);

impl Machine for Entrance {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        self.0.borrow_mut().told(input, context);
    }
}

#[cfg(test)]
mod tests;
