//! Redis 7.0.15: the server as a machine, and the client that recipes talk to it with.
//!
//! ```text
//! server                 the machine: messages, timers, notes
//! supervised             a server whose supervisor waits before it starts it again
//! session/               what it keeps for each connection: transactions, subscriptions, pauses
//! engine  commands/      arguments and the time in, a reply out
//! sentinel/              Sentinel
//! cluster/               Redis Cluster: the bus, failures, elections, slots
//! keyspace  number  glob what commands work on
//! propagation/           what the append-only file and replicas are told
//! replication/           masters and replicas: the stream of writes, and who has how much of it
//! persistence/           the append-only file: written, synced, read again
//! memory/                maxmemory: what keys weigh, and which of them go
//! channels  watched      who wants to hear of messages, and of changes
//! events                 changes as messages
//! script/                Lua
//! resp/                  the protocol, for real sockets
//! usage                  when keys were used, and how often
//! address                how servers name each other
//! rig  real              for tests: servers on a small network, and a real Redis beside them
//! unix_time              the clock as Redis reads it
//! client                 what recipes use
//! ```

pub mod address;
mod channels;
pub mod client;
pub mod cluster;
mod commands;
pub mod engine;
mod events;
mod glob;
pub mod keyspace;
mod memory;
mod number;
mod persistence;
mod propagation;
#[cfg(test)]
pub(crate) mod real;
mod replication;
pub mod resp;
#[cfg(test)]
pub(crate) mod rig;
mod script;
pub mod sentinel;
pub mod server;
mod session;
mod settings;
pub mod supervised;
mod unix_time;
mod usage;
mod watched;
