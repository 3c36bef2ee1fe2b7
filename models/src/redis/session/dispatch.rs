//! From arguments to a handler. Source: `server.c`, `processCommand` and `call`.

use std::sync::Arc;

use bytes::Bytes;

use super::blocking::{Blocked, PauseKind};
use super::connection::{End, Replies, Session};
use super::debug::NOT_ALLOWED;
use super::{Call, Sessions};
use crate::machine::ConnectionId;
use crate::redis::commands::{self, Command, DataCommand, Flags, Handler};
use crate::redis::engine::Engine;
use crate::redis::resp::Reply;
use crate::redis::unix_time::seconds;
use crate::time::LocalClock;

/// What a client in a subscription may send. Source: `server.c`, `processCommand`.
const FOR_SUBSCRIBERS: [&str; 9] = [
    "ping",
    "subscribe",
    "ssubscribe",
    "unsubscribe",
    "sunsubscribe",
    "psubscribe",
    "punsubscribe",
    "quit",
    "reset",
];

/// What is not queued in a transaction. Source: `server.c`, `processCommand`.
const NEVER_QUEUED: [&str; 6] = ["exec", "discard", "multi", "watch", "quit", "reset"];

impl Sessions {
    /// A command has arrived.
    pub(in crate::redis) fn receive(
        &mut self,
        connection: ConnectionId,
        arguments: &Arc<[Bytes]>,
        engine: &mut Engine,
        now: LocalClock,
    ) {
        self.clock = now;
        let at = self.place(connection, None);
        let session = &mut self.list[at];
        session.active_s = seconds(now.wall);
        if session.end != End::Open {
            return;
        }
        if session.blocked.is_some() {
            session.waiting.push_back(arguments.clone());
        } else {
            self.process(at, arguments, engine);
        }
    }

    /// What has arrived is no command: the client is told what is wrong with it, and then hung up on, since
    /// nothing that follows can be understood.
    ///
    /// Source: `networking.c`, `processInputBuffer`, `setProtocolError`.
    pub(in crate::redis) fn refuse_protocol(
        &mut self,
        connection: ConnectionId,
        error: &Bytes,
        engine: &mut Engine,
        now: LocalClock,
    ) {
        self.clock = now;
        let at = self.place(connection, None);
        if self.list[at].end == End::Open {
            self.say(at, Reply::Error(error.clone()));
            self.end(at, End::AfterReply, engine);
        }
    }

    /// Carries out what an operator at the console asks for: by a client of his own, whose answers
    /// nobody reads.
    pub(in crate::redis) fn operate(
        &mut self,
        arguments: &Arc<[Bytes]>,
        engine: &mut Engine,
        now: LocalClock,
    ) {
        const CONSOLE: ConnectionId = ConnectionId(u32::MAX);
        self.receive(CONSOLE, arguments, engine, now);
        self.output.forget(CONSOLE);
        self.close(CONSOLE, engine);
    }

    /// Takes a command of a connection that does not wait.
    pub(super) fn process(&mut self, at: usize, arguments: &Arc<[Bytes]>, engine: &mut Engine) {
        engine.set_wall(self.clock.wall);
        let mut is_carried_out = false;
        match commands::find(arguments) {
            Ok(command) => {
                self.list[at].last_command = command.full_name;
                is_carried_out = self.refuse_queue_or_call(at, command, arguments, engine);
                if command.flags.any_of(Flags::TOUCHES_ARBITRARY_KEYS) {
                    engine.data.propagation.end_round();
                }
            }
            Err(_) if is_from_a_browser(&arguments[0]) => self.end(at, End::Now, engine),
            Err(error) => {
                let known = commands::lookup(arguments);
                self.list[at].last_command = known.map_or("NULL", |command| command.full_name);
                self.reject(at, arguments, error, engine);
            }
        }
        engine.end_unit();
        self.pass_on(engine);
        let session = &mut self.list[at];
        // Source: `server.c`, `processCommand`: `c->woff`.
        if is_carried_out {
            session.written_to = self.replication.offset;
        }
        session.end_asking();
        if session.replies != Replies::On && session.blocked.is_none() {
            session.end_command();
        }
    }

    /// True when the command is carried out.
    fn refuse_queue_or_call(
        &mut self,
        at: usize,
        command: &'static Command,
        arguments: &Arc<[Bytes]>,
        engine: &mut Engine,
    ) -> bool {
        let other_database = self.refuses_database(command, arguments);
        let early = self.early_refusal(at, command).or(other_database);
        if let Some(error) = early {
            self.reject(at, arguments, error, engine);
        } else if let Some(redirection) = self.redirect(at, command, arguments, engine) {
            self.say(at, redirection);
        } else if let Some(error) = self.refusal(at, command, engine) {
            self.reject(at, arguments, error, engine);
        } else if self.pause.is_on() && !self.list[at].is_replica && self.is_held_back(at, command)
        {
            self.block(at, Blocked::Postponed(arguments.clone()));
        } else if self.queue(at, command, arguments, engine) {
            self.say(at, Reply::status("QUEUED"));
        } else {
            self.call(at, command, arguments, engine);
            return true;
        }
        false
    }

    /// A transaction takes a command, to carry it out later; false when there is none, or it is not for one.
    fn queue(
        &mut self,
        at: usize,
        command: &'static Command,
        arguments: &Arc<[Bytes]>,
        engine: &Engine,
    ) -> bool {
        let session = &mut self.list[at];
        let Some(transaction) = &mut session.transaction else { return false };
        if NEVER_QUEUED.contains(&command.full_name) {
            return false;
        }
        // What will fail anyway is not kept. Source: `multi.c`, `queueMultiCommand`.
        if !engine.data.watched.is_dirty(session.connection) {
            transaction.queue(command, arguments);
        }
        true
    }

    /// Why a command is not carried out here at all, though there is one of that name.
    fn early_refusal(&self, at: usize, command: &Command) -> Option<Reply> {
        let session = &self.list[at];
        if command.full_name == "debug" && !self.settings().enable_debug_command {
            return Some(NOT_ALLOWED);
        }
        if session.transaction.is_some() && command.flags.any_of(Flags::NO_MULTI) {
            return Some(Reply::error("ERR Command not allowed inside a transaction"));
        }
        None
    }

    /// Why a command is not carried out now: in the order in which Redis looks.
    fn refusal(&self, at: usize, command: &Command, engine: &mut Engine) -> Option<Reply> {
        let session = &self.list[at];
        engine.make_room();
        if engine.data.is_out_of_memory && may_need_memory(session, command) {
            return Some(commands::OUT_OF_MEMORY);
        }
        let standing = engine.data.standing;
        if !standing.is_free() {
            let queued = session.queued_for(command);
            if command.flags.and(queued.any).any_of(Flags::WRITE)
                && let Some(refusal) = standing.refuses_writes()
            {
                return Some(refusal);
            }
        }
        if session.hears_pushes_alone() && !FOR_SUBSCRIBERS.contains(&command.full_name) {
            return Some(commands::error(format!(
                "Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET \
                 are allowed in this context",
                command.full_name
            )));
        }
        if let Some(refusal) = standing.refuses_stale()
            && !(command.flags.any_of(Flags::STALE)
                && session.queued_for(command).all.any_of(Flags::STALE))
        {
            return Some(refusal);
        }
        if engine.data.is_loading && !command.flags.any_of(Flags::LOADING) {
            return Some(commands::LOADING);
        }
        // Source: `server.c`, `processCommand`: replicas are exempt from pauses, and are not to abuse it.
        const DATA: Flags = Flags::WRITE.and(Flags::MAY_REPLICATE).and(Flags::READONLY);
        if session.is_replica && command.flags.any_of(DATA) {
            return Some(Reply::error("ERR Replica can't interact with the keyspace"));
        }
        None
    }

    /// Answers with an error. A transaction fails with it; an `EXEC` is its end.
    ///
    /// Source: `server.c`, `rejectCommand`; `multi.c`, `execCommandAbort`.
    fn reject(&mut self, at: usize, arguments: &[Bytes], error: Reply, engine: &mut Engine) {
        let session = &mut self.list[at];
        if let Some(transaction) = &mut session.transaction {
            transaction.fail();
        }
        if !arguments[0].eq_ignore_ascii_case(b"exec") {
            return self.say(at, error);
        }
        session.transaction = None;
        engine.data.watched.forget(session.connection);
        let Reply::Error(text) = error else {
            return self.say(at, error);
        };
        let head = b"EXECABORT Transaction discarded because of: ";
        // An error without a code of its own is quoted without one. Redis adds `ERR` only when it
        // answers with it.
        let text = text.strip_prefix(b"ERR ").unwrap_or(&text);
        self.say(at, Reply::Error([&head[..], text].concat().into()));
    }

    /// True when the pause concerns a command; a transaction by what is queued in it.
    fn is_held_back(&self, at: usize, command: &Command) -> bool {
        const MAY_WRITE: Flags = Flags::WRITE.and(Flags::MAY_REPLICATE);
        let queued = self.list[at].queued_for(command).any;
        self.pause.kind() == PauseKind::All || command.flags.and(queued).any_of(MAY_WRITE)
    }

    /// Carries a command out and answers it.
    pub(super) fn call(
        &mut self,
        at: usize,
        command: &'static Command,
        arguments: &[Bytes],
        engine: &mut Engine,
    ) {
        self.statistics.commands += 1;
        engine.data.keyspace.select(self.list[at].database);
        let reply = match command.handler {
            Handler::Data(_)
                if command.full_name == "ping" && self.list[at].hears_pushes_alone() =>
            {
                Some(pong_for_subscriber(arguments))
            }
            Handler::Data(run) => {
                Some(engine.data.call(DataCommand { row: command, run }, arguments))
            }
            Handler::Engine(run) => {
                Some(self.run_within_reach(at, engine, |engine| run(engine, arguments)))
            }
            Handler::Session(run) => run(&mut Call { sessions: self, engine, at }, arguments),
        };
        self.list[at].database = engine.data.keyspace.selected();
        self.publish_in_cluster(engine);
        self.push_published(engine);
        if let Some(reply) = reply {
            let reply = self.list[at].protocol.answer(command.full_name, arguments, reply);
            self.say(at, reply);
        }
    }
}

/// What is refused when memory is full: whatever is flagged so, an `EXEC` of such commands, and what
/// would be queued, since a queue needs memory too.
///
/// Source: `server.c`, `processCommand`.
fn may_need_memory(session: &Session, command: &Command) -> bool {
    let flags = match &session.transaction {
        None => command.flags,
        Some(transaction) => match command.full_name {
            "exec" => transaction.flags(),
            "discard" | "quit" | "reset" => Flags::NONE,
            _ => return true,
        },
    };
    flags.any_of(Flags::DENYOOM)
}

/// `PING [message]` from a subscriber, whose parser expects pushes. Source: `server.c`,
/// `pingCommand`.
pub(in crate::redis) fn pong_for_subscriber(arguments: &[Bytes]) -> Reply {
    let pong = |message| {
        Reply::Array(vec![Reply::Bulk(Bytes::from_static(b"pong")), Reply::Bulk(message)])
    };
    match arguments {
        [_] => pong(Bytes::new()),
        [_, message] => pong(message.clone()),
        _ => commands::wrong_arity("ping"),
    }
}

/// A web page may try to talk to a Redis: what it sends begins with one of these words, and Redis
/// hangs up. Source: `server.c`, `processCommand`; `networking.c`, `securityWarningCommand`.
fn is_from_a_browser(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:")
}
