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
}

/// The commands that are to be passed on.
#[derive(Debug, Default)]
pub(crate) struct Propagation {
    is_on: bool,
    /// The command that is being carried out is to be passed on whatever it changes.
    is_forced: bool,
    /// What the command, script or transaction under way has brought about so far.
    unit: Vec<Passed>,
    ready: Vec<Passed>,
}

impl Propagation {
    /// Somebody listens from now on. Until then nothing is collected.
    pub(crate) fn turn_on(&mut self) {
        self.is_on = true;
    }

    /// True when somebody listens.
    pub(crate) const fn is_on(&self) -> bool {
        self.is_on
    }

    /// The command that is being carried out is to be passed on though it may change nothing.
    pub(crate) fn force(&mut self) {
        self.is_forced = self.is_on;
    }

    /// True when the command that has been carried out is to be passed on in any case.
    pub(crate) fn take_forced(&mut self) -> bool {
        std::mem::take(&mut self.is_forced)
    }

    /// Adds a command to what is under way.
    pub(crate) fn add(&mut self, database: Database, arguments: Arc<[Bytes]>) {
        if self.is_on {
            self.unit.push(Passed { database, arguments });
        }
    }

    /// Adds that a key is gone, though no command said so.
    ///
    /// `DEL`, since `lazyfree-lazy-expire` and `lazyfree-lazy-eviction` are off by default, or it
    /// would be `UNLINK`. Source: `db.c`, `propagateDeletion`.
    pub(crate) fn add_deletion(&mut self, database: Database, key: &Bytes) {
        if self.is_on {
            self.unit.push(Passed { database, arguments: deletion(key) });
        }
    }

    /// A client's command is done: what it brought about is passed on, as a transaction when it is
    /// more than one command. Source: `server.c`, `propagatePendingCommands`: `MULTI` goes into the
    /// database of the first, `EXEC` into that of the last.
    pub(crate) fn end_unit(&mut self) {
        let word = |word: &'static str, beside: &Passed| Passed {
            database: beside.database,
            arguments: Arc::new([Bytes::from_static(word.as_bytes())]),
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
