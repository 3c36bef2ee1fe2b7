//! What a server passes on of what it did: to its append-only file, and to its replicas.
//!
//! Not the commands as they came, but commands that do the same whenever and wherever they are
//! carried out: dates in place of times to live, results in place of sums of decimal fractions,
//! effects in place of scripts, and a `DEL` for each key that expired or was evicted.
//!
//! A consumer takes the stream with [`Propagation::take`]. In which database it is each command says;
//! the `SELECT`s that a consumer needs are its own affair.

mod rewrite;

use std::sync::Arc;

use bytes::Bytes;

use super::keyspace::Database;

pub(crate) use rewrite::rewritten;

/// A command that is passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    /// In which database it is to be carried out.
    pub(crate) database: Database,
    /// Its argument vector, as [`Message::Redis`] carries it.
    ///
    /// [`Message::Redis`]: crate::message::Message::Redis
    pub(crate) arguments: Arc<[Bytes]>,
    /// It is nothing for the file.
    pub(crate) is_for_replicas_alone: bool,
}

/// Who listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listeners {
    /// There is an append-only file.
    pub(crate) file: bool,
    /// There are replicas, or there have been.
    pub(crate) replicas: bool,
}

/// Who is to be told of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consumers {
    /// The file and the replicas.
    All,
    /// The replicas: nothing is changed that a file could keep.
    ReplicasAlone,
}

/// The commands that are to be passed on.
#[derive(Debug, Default)]
pub(crate) struct Propagation {
    listeners: Listeners,
    /// The command that is being carried out is to be passed on to these whatever it changes.
    forced: Option<Consumers>,
    /// What the command, script or transaction under way has brought about so far.
    unit: Vec<Passed>,
    ready: Vec<Passed>,
}

impl Propagation {
    /// Others listen from now on. While nobody does, nothing is collected.
    pub(crate) const fn set_listeners(&mut self, listeners: Listeners) {
        self.listeners = listeners;
    }

    /// Who listens.
    pub(crate) const fn listeners(&self) -> Listeners {
        self.listeners
    }

    /// True when somebody listens.
    pub(crate) const fn is_on(&self) -> bool {
        self.listeners.file || self.listeners.replicas
    }

    /// The command that is being carried out is to be passed on though it may change nothing.
    pub(crate) const fn force(&mut self, consumers: Consumers) {
        // Source: `server.c`, `alsoPropagate`: `shouldPropagate`.
        if self.listeners.replicas || self.listeners.file && matches!(consumers, Consumers::All) {
            self.forced = Some(consumers);
        }
    }

    /// To whom the command that has been carried out is to be passed on in any case.
    pub(crate) const fn take_forced(&mut self) -> Option<Consumers> {
        self.forced.take()
    }

    /// Adds a command to what is under way.
    pub(crate) fn add(
        &mut self,
        database: Database,
        arguments: Arc<[Bytes]>,
        consumers: Consumers,
    ) {
        if self.is_on() {
            let is_for_replicas_alone = consumers == Consumers::ReplicasAlone;
            self.unit.push(Passed { database, arguments, is_for_replicas_alone });
        }
    }

    /// Adds that a key is gone, though no command said so.
    ///
    /// `DEL`, since `lazyfree-lazy-expire` and `lazyfree-lazy-eviction` are off by default, or it
    /// would be `UNLINK`. Source: `db.c`, `propagateDeletion`.
    pub(crate) fn add_deletion(&mut self, database: Database, key: &Bytes) {
        self.add(database, deletion(key), Consumers::All);
    }

    /// A client's command is done: what it brought about is passed on, as a transaction when it is
    /// more than one command. Source: `server.c`, `propagatePendingCommands`: `MULTI` goes into the
    /// database of the first, `EXEC` into that of the last.
    pub(crate) fn end_unit(&mut self) {
        let word = |word: &'static str, beside: &Passed| Passed {
            database: beside.database,
            arguments: Arc::new([Bytes::from_static(word.as_bytes())]),
            is_for_replicas_alone: false,
        };
        if let [first, .., last] = &self.unit[..] {
            self.ready.push(word("MULTI", first));
            let exec = word("EXEC", last);
            self.unit.push(exec);
        }
        self.ready.append(&mut self.unit);
    }

    /// A round of expiry or eviction is done: its deletions are passed on one by one. Source:
    /// `server.propagate_no_multi` in `expire.c` and `evict.c`.
    pub(crate) fn end_round(&mut self) {
        self.ready.append(&mut self.unit);
    }

    /// True when there is something to be passed on, and somebody listens.
    pub(crate) const fn is_ready(&self) -> bool {
        self.is_on() && !self.ready.is_empty()
    }

    /// What is to be passed on since this was last called, in order.
    pub(crate) fn take(&mut self) -> std::vec::Drain<'_, Passed> {
        self.ready.drain(..)
    }
}

fn deletion(key: &Bytes) -> Arc<[Bytes]> {
    Arc::new([Bytes::from_static(b"DEL"), key.clone()])
}

#[cfg(test)]
mod tests;
