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
//! script/                Lua
//! resp/                  the protocol, for real sockets
//! lru  unix_time         clocks as Redis reads them
//! client                 what recipes use
//! ```

mod channels;
pub mod client;
mod commands;
pub mod engine;
mod glob;
pub mod keyspace;
mod lru;
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
mod watched;
