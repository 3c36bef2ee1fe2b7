//! `MULTI` and what belongs to it. Source: `multi.c`.

use std::sync::Arc;

use bytes::Bytes;

use super::Call;
use super::connection::{OpenArray, Session};
use crate::redis::commands::{Command, Flags};
use crate::redis::resp::Reply;

/// A transaction between `MULTI` and the end of its `EXEC`.
#[derive(Debug)]
pub(super) struct Transaction {
    queue: Vec<(&'static Command, Arc<[Bytes]>)>,
    /// How many commands were queued: it stays while `EXEC` carries them out.
    queued: usize,
    /// The flags of all that is queued.
    flags: Queued,
    /// A command was refused, so `EXEC` will be as well.
    failed: bool,
}

impl Transaction {
    const fn new() -> Self {
        let flags = Queued { any: Flags::NONE, all: Flags::ALL };
        Self { queue: Vec::new(), queued: 0, flags, failed: false }
    }

    /// Keeps a command for later, if there is any sense in it.
    pub(super) fn queue(&mut self, command: &'static Command, arguments: &Arc<[Bytes]>) {
        if !self.failed {
            self.queue.push((command, arguments.clone()));
            self.queued += 1;
            self.flags.any = self.flags.any.and(command.flags);
            self.flags.all = self.flags.all.common(command.flags);
        }
    }

    /// A command was refused.
    pub(super) fn fail(&mut self) {
        self.failed = true;
    }

    /// The keys of all that is queued.
    pub(super) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.queue.iter().flat_map(|(command, arguments)| command.keys.keys(arguments))
    }

    pub(super) const fn flags(&self) -> Flags {
        self.flags.any
    }

    /// How many commands were queued.
    pub(super) const fn queued(&self) -> usize {
        self.queued
    }
}

/// The flags of what an `EXEC` would carry out; of any other command nothing is queued.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queued {
    /// Those that some command has.
    pub(super) any: Flags,
    /// Those that every command has.
    pub(super) all: Flags,
}

impl Session {
    /// What comes with a command when it is an `EXEC`.
    pub(super) fn queued_for(&self, command: &Command) -> Queued {
        match &self.transaction {
            Some(transaction) if command.full_name == "exec" => transaction.flags,
            _ => Queued { any: Flags::NONE, all: Flags::ALL },
        }
    }
}

/// `MULTI`
pub(in crate::redis) fn multi(call: &mut Call<'_>, _: &[Bytes]) -> Option<Reply> {
    let session = call.session();
    if session.transaction.is_some() {
        return Some(Reply::error("ERR MULTI calls can not be nested"));
    }
    session.transaction = Some(Box::new(Transaction::new()));
    Some(Reply::OK)
}

/// `DISCARD`
pub(in crate::redis) fn discard(call: &mut Call<'_>, _: &[Bytes]) -> Option<Reply> {
    if call.session().transaction.is_none() {
        return Some(Reply::error("ERR DISCARD without MULTI"));
    }
    forget(call);
    Some(Reply::OK)
}

/// Ends the transaction and all watches. Source: `multi.c`, `discardTransaction`.
pub(super) fn forget(call: &mut Call<'_>) {
    let connection = call.connection();
    call.session().transaction = None;
    call.data().watched.forget(connection);
}

/// `WATCH key …`
pub(in crate::redis) fn watch(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    if call.session().transaction.is_some() {
        return Some(Reply::error("ERR WATCH inside MULTI is not allowed"));
    }
    let connection = call.connection();
    let data = call.data();
    // Nothing can be added to a transaction that will fail.
    if !data.watched.is_dirty(connection) {
        let database = data.keyspace.selected();
        for key in &arguments[1..] {
            let expired = data.is_due(key);
            data.watched.watch(database, key, connection, expired);
        }
    }
    Some(Reply::OK)
}

/// `UNWATCH`
pub(in crate::redis) fn unwatch(call: &mut Call<'_>, _: &[Bytes]) -> Option<Reply> {
    let connection = call.connection();
    call.data().watched.forget(connection);
    Some(Reply::OK)
}

/// `EXEC`
pub(in crate::redis) fn exec(call: &mut Call<'_>, _: &[Bytes]) -> Option<Reply> {
    let connection = call.connection();
    let Some(transaction) = &mut call.session().transaction else {
        return Some(Reply::error("ERR EXEC without MULTI"));
    };
    let (queue, failed) = (std::mem::take(&mut transaction.queue), transaction.failed);
    let data = call.data();
    let is_due = |(database, key): &(_, _)| data.is_due_in(*database, key);
    let changed = data.watched.is_dirty(connection) || data.watched.keys_of(connection).any(is_due);
    data.watched.forget(connection);
    let reply = if failed {
        let text = "EXECABORT Transaction discarded because of previous errors.";
        Some(Reply::error(text))
    } else if changed {
        Some(Reply::NilArray)
    } else if queue.is_empty() {
        Some(Reply::Array(Vec::new()))
    } else {
        run(call, &queue);
        None
    };
    forget(call);
    reply
}

/// Carries the queue out; what the client is told makes up the reply.
fn run(call: &mut Call<'_>, queue: &[(&'static Command, Arc<[Bytes]>)]) {
    let session = call.session();
    if session.wants_replies() && session.array.is_none() {
        session.array = Some(OpenArray { length: queue.len(), said: Vec::new() });
    }
    for (command, arguments) in queue {
        call.sessions.call(call.at, command, arguments, call.engine);
    }
}
