//! What is written to the append-only file and synced, and when.
//!
//! Source: `aof.c`, `flushAppendOnlyFile`, which Redis calls before it goes to sleep: after the
//! commands that had come in, and before their replies are sent.

use std::sync::Arc;

use bytes::Bytes;

use super::AOF_FILE;
use crate::machine::{Context, DiskOperation, DiskToken};
use crate::redis::keyspace::Database;
use crate::redis::propagation::Passed;
use crate::redis::resp::encode_command;
use crate::redis::settings::AppendFsync;

/// Whether the thread that carries out commands may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thread {
    /// It may.
    Free,
    /// It is in a system call, and comes back when the disk is done.
    Blocked,
}

/// The append-only file of a Redis that runs.
#[derive(Debug)]
pub(crate) struct Aof {
    policy: AppendFsync,
    /// What is still to be written: `server.aof_buf`.
    buffer: Vec<u8>,
    /// The database that was named last, by this process: `server.aof_selected_db`.
    selected: Option<Database>,
    /// How much this process has written: `server.aof_last_incr_size`.
    written_bytes: u64,
    /// How much of it had been written when the last fsync began:
    /// `server.aof_last_incr_fsync_offset`.
    sync_begun_bytes: u64,
    /// The second in which that was: `server.aof_last_fsync`.
    last_sync_s: i64,
    /// The second in which a write was put off: `server.aof_flush_postponed_start`.
    postponed_since_s: Option<i64>,
    /// The thread for fsyncs is in one: `aofFsyncInProgress`.
    is_syncing_behind: bool,
    call: Option<Call>,
}

/// What the thread for commands is in.
#[derive(Clone, Copy, Debug)]
enum Call {
    Write { bytes: u64, began_s: i64, was_syncing_behind: bool },
    Sync { began_s: i64 },
}

impl Aof {
    const WRITE: DiskToken = DiskToken(0);
    const SYNC: DiskToken = DiskToken(1);
    const SYNC_BEHIND: DiskToken = DiskToken(2);
    const TRUNCATE: DiskToken = DiskToken(3);
    const REWRITE: DiskToken = DiskToken(4);

    /// For how many seconds a write is put off while an fsync is under way. Source: `aof.c`,
    /// `flushAppendOnlyFile`.
    const POSTPONED_MAX_S: i64 = 2;

    /// The file of a process that starts in the second `now_s` of its wall clock.
    pub(crate) const fn new(policy: AppendFsync, now_s: i64) -> Self {
        Self {
            policy,
            buffer: Vec::new(),
            selected: None,
            written_bytes: 0,
            sync_begun_bytes: 0,
            // Source: `server.c`, `initServerConfig`.
            last_sync_s: now_s,
            postponed_since_s: None,
            is_syncing_behind: false,
            call: None,
        }
    }

    /// Goes by another policy from the next flush on. Source: `config.c`: `appendfsync` is
    /// `server.aof_fsync`, and nothing else hangs on it.
    pub(crate) const fn set_policy(&mut self, policy: AppendFsync) {
        self.policy = policy;
    }

    /// Takes a command that changed something. Source: `aof.c`, `feedAppendOnlyFile`.
    pub(crate) fn feed(&mut self, command: &Passed) {
        if self.selected != Some(command.database) {
            let number = Bytes::from(command.database.number().to_string());
            encode_command(&[Bytes::from_static(b"SELECT"), number], &mut self.buffer);
            self.selected = Some(command.database);
        }
        encode_command(&command.arguments, &mut self.buffer);
    }

    /// Cuts the file off after its first bytes, which are given. Source: `aof.c`,
    /// `loadSingleAppendOnlyFile`: `truncate`.
    pub(crate) fn cut_off(kept: Bytes, context: &mut Context<'_>) {
        let operation = DiskOperation::Replace { file: AOF_FILE, bytes: kept };
        context.disk(Self::TRUNCATE, operation);
    }

    /// The file holds other commands from now on. Redis writes a new one in another process, and takes it
    /// in place of the old one when it is synced; here that is done at once. Source: `aof.c`,
    /// `rewriteAppendOnlyFileBackground`, `backgroundRewriteDoneHandler`.
    pub(crate) fn begin_anew(&mut self, commands: &[Arc<[Bytes]>], context: &mut Context<'_>) {
        let mut bytes = Vec::new();
        for command in commands {
            encode_command(command, &mut bytes);
        }
        self.buffer.clear();
        self.selected = None;
        let operation = DiskOperation::Replace { file: AOF_FILE, bytes: bytes.into() };
        context.disk(Self::TRUNCATE, operation);
        context.disk(Self::REWRITE, DiskOperation::Sync { file: AOF_FILE });
    }

    /// True while the thread for commands is blocked.
    pub(crate) const fn is_blocking(&self) -> bool {
        self.call.is_some()
    }

    /// True while time alone may bring on a write or an fsync.
    pub(crate) fn waits_for_time(&self) -> bool {
        self.postponed_since_s.is_some()
            || self.policy == AppendFsync::EverySecond
                && self.sync_begun_bytes != self.written_bytes
    }

    /// Writes and syncs what is due in the second `now_s` of the wall clock.
    ///
    /// Seconds are counted on the wall clock: after it was set back, nothing is synced before it has
    /// caught up.
    pub(crate) fn flush(&mut self, now_s: i64, context: &mut Context<'_>) {
        if self.buffer.is_empty() {
            let is_unsynced = self.sync_begun_bytes != self.written_bytes;
            if is_unsynced && !self.is_syncing_behind {
                self.sync_if_due(now_s, false, context);
            }
        } else if !self.is_syncing_behind || self.has_waited_enough(now_s) {
            self.write(now_s, context);
        }
    }

    fn has_waited_enough(&mut self, now_s: i64) -> bool {
        let since_s = *self.postponed_since_s.get_or_insert(now_s);
        now_s.saturating_sub(since_s) >= Self::POSTPONED_MAX_S
    }

    fn write(&mut self, now_s: i64, context: &mut Context<'_>) {
        let bytes = Bytes::from(std::mem::take(&mut self.buffer));
        self.postponed_since_s = None;
        self.call = Some(Call::Write {
            bytes: bytes.len() as u64,
            began_s: now_s,
            was_syncing_behind: self.is_syncing_behind,
        });
        context.disk(Self::WRITE, DiskOperation::Append { file: AOF_FILE, bytes });
    }

    /// Redis's clock stands still while its thread is in a call: `now_s` is when the flush began, and
    /// so is `was_syncing_behind`.
    fn sync_if_due(&mut self, now_s: i64, was_syncing_behind: bool, context: &mut Context<'_>) {
        const SYNC: DiskOperation = DiskOperation::Sync { file: AOF_FILE };
        match self.policy {
            AppendFsync::No => {}
            AppendFsync::Always => {
                self.call = Some(Call::Sync { began_s: now_s });
                context.disk(Self::SYNC, SYNC);
            }
            AppendFsync::EverySecond if now_s > self.last_sync_s => {
                if !was_syncing_behind {
                    self.is_syncing_behind = true;
                    self.sync_begun_bytes = self.written_bytes;
                    context.disk(Self::SYNC_BEHIND, SYNC);
                }
                self.last_sync_s = now_s;
            }
            AppendFsync::EverySecond => {}
        }
    }

    /// The disk is done with something. Says whether the thread for commands is free *again*: it was
    /// blocked before.
    pub(crate) fn disk_done(&mut self, token: DiskToken, context: &mut Context<'_>) -> Thread {
        match (token, self.call) {
            (Self::SYNC_BEHIND, _) => {
                self.is_syncing_behind = false;
                return Thread::Blocked;
            }
            (Self::WRITE, Some(Call::Write { bytes, began_s, was_syncing_behind })) => {
                self.call = None;
                self.written_bytes += bytes;
                self.sync_if_due(began_s, was_syncing_behind, context);
            }
            (Self::SYNC, Some(Call::Sync { began_s })) => {
                self.call = None;
                self.sync_begun_bytes = self.written_bytes;
                self.last_sync_s = began_s;
            }
            _ => return Thread::Blocked,
        }
        if self.call.is_none() { Thread::Free } else { Thread::Blocked }
    }
}
