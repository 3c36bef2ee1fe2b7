//! Redis 7.0.15: the server as a machine, and the client that recipes talk to it with.
//!
//! ```text
//! server                 the machine: messages, timers, notes
//! session/               what it keeps for each connection: transactions, subscriptions, pauses
//! engine  commands/      arguments and the time in, a reply out
//! keyspace  number       what commands work on
//! channels  watched      who wants to hear of messages, and of changes
//! script/                Lua
//! resp/                  the protocol, for real sockets
//! client                 what recipes use
//! ```

mod channels;
pub mod client;
mod commands;
pub mod engine;
mod glob;
pub mod keyspace;
mod number;
pub mod resp;
mod script;
pub mod server;
mod session;
mod watched;
