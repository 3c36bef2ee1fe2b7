//! Redis 7.0.15: the server as a machine, and the client that recipes talk to it with.
//!
//! ```text
//! server                 the machine: messages, timers, notes
//! session/               what it keeps for each connection: transactions, subscriptions, pauses
//! engine  commands/      arguments and the time in, a reply out
//! keyspace  number  glob what commands work on
//! propagation/           what the append-only file and replicas are told
//! persistence/           the append-only file: written, synced, read again
//! memory/                maxmemory: what keys weigh, and which of them go
//! channels  watched      who wants to hear of messages, and of changes
//! events                 changes as messages
//! script/                Lua
//! resp/                  the protocol, for real sockets
//! usage                  when keys were used, and how often
//! address                how servers name each other
//! cluster/               Redis Cluster: the bus, failures, elections, slots
//! unix_time              the clock as Redis reads it
//! client                 what recipes use
//! ```

pub mod address;
mod channels;
pub mod client;
// Until a server calls it.
#[cfg_attr(not(test), allow(dead_code, unused_imports, reason = "no server calls it yet"))]
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
pub mod resp;
mod script;
pub mod server;
mod session;
mod settings;
mod unix_time;
mod usage;
mod watched;
