//! What being a master or a replica means for the commands that a server carries out.

use crate::redis::commands::Flags;
use crate::redis::resp::Reply;

/// A server's standing, as far as commands go by it. A server on its own has the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// It follows a master: no key expires here before the master says so.
    pub(crate) is_replica: bool,
    /// It refuses its clients' writes.
    pub(crate) is_read_only: bool,
    /// It has lost its master, and may not answer from what it has.
    pub(crate) is_stale: bool,
    /// It is a master without enough replicas in step.
    pub(crate) lacks_replicas: bool,
    /// What is carried out just now comes from the master, whom it obeys.
    pub(crate) obeys: bool,
}

impl Standing {
    const NO_REPLICAS: Reply = Reply::error("NOREPLICAS Not enough good replicas to write.");
    const READ_ONLY: Reply = Reply::error("READONLY You can't write against a read only replica.");
    const MASTER_DOWN: Reply = Reply::error(
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    );

    /// Why a write is refused, if it is. Source: `server.c`, `processCommand`.
    pub(crate) const fn refuses_writes(self) -> Option<Reply> {
        if self.obeys {
            None
        } else if self.lacks_replicas {
            Some(Self::NO_REPLICAS)
        } else if self.is_read_only {
            Some(Self::READ_ONLY)
        } else {
            None
        }
    }

    /// Why a command is refused that may not answer from old data, if it is. Source: `server.c`,
    /// `processCommand`.
    pub(crate) const fn refuses_stale(self) -> Option<Reply> {
        if self.is_stale && !self.obeys { Some(Self::MASTER_DOWN) } else { None }
    }

    /// Why a script's command is refused, if it is. The order is the other way round there, and a replica's
    /// error comes first. Source: `script.c`, `scriptVerifyAllowStale`, `scriptVerifyWriteCommandAllow`.
    pub(crate) const fn refuses_script(self, flags: Flags) -> Option<Reply> {
        const STALE: Reply = Reply::error("ERR Can not execute the command on a stale replica");
        if self.is_stale && !flags.any_of(Flags::STALE) {
            Some(STALE)
        } else if !flags.any_of(Flags::WRITE) {
            None
        } else if self.is_read_only {
            Some(Self::READ_ONLY)
        } else if self.lacks_replicas {
            Some(Self::NO_REPLICAS)
        } else {
            None
        }
    }

    /// True when nothing is refused.
    pub(crate) const fn is_free(self) -> bool {
        !self.is_read_only && !self.is_stale && !self.lacks_replicas
    }
}
