//! The append-only file: every change is written to it before it is acknowledged, and a Redis that
//! starts carries out again what it finds there.
//!
//! When each thing reaches the disk, and what a fault takes:
//!
//! | `appendfsync` | before the reply | later | a crash takes | a power loss takes |
//! |---|---|---|---|---|
//! | `always` | write, fsync | | nothing | nothing |
//! | `everysec` | write | fsync, once in each second | nothing, but see below | up to a second or two |
//! | `no` | write | | nothing | everything |
//!
//! Redis has one thread for commands. While it is in `write(2)` or `fsync(2)`, everybody waits: with
//! `always` and a slow disk each client waits for the writes of all. With `everysec` the fsync runs
//! on another thread; but a write to a file that is being synced would block, so it is put off, for
//! less than two seconds, and *the replies go out all the same*. In that time a crash too takes what
//! was acknowledged. After it the write is made, and the thread blocks.
//!
//! What differs from Redis 7.0.15:
//!
//! * One file. Redis 7 has a folder with a manifest, a base file and one that grows; only the last
//!   is here, under the name that it has there. The others hold nothing until the file is rewritten.
//! * The file is not rewritten: by default not before it has 64 MiB (`auto-aof-rewrite-min-size`).
//! * No RDB snapshots.
//! * Writes do not fail.
//! * While it loads, a Redis answers from time to time only (`processEventsWhileBlocked`, once in
//!   1,024 commands); here at once.
//!
//! ```text
//! aof       what is written and synced, and when
//! loading   what is read at the start
//! waiting   what comes while the thread is blocked
//! ```

mod aof;
mod loading;
mod waiting;

pub(crate) use aof::{Aof, Thread};
pub(crate) use loading::{Contents, Damage};
pub(crate) use waiting::{Waiting, hold_back};

/// The file's name. Source: `aof.c`, `getNewIncrAofName`, and `appendfilename`'s default.
pub const AOF_FILE: &str = "appendonly.aof.1.incr.aof";

#[cfg(test)]
mod tests;
