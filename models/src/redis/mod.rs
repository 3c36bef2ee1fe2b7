//! Redis 7.0.15: the server as a machine, and the client that recipes talk to it with.
//!
//! ```text
//! server                 the machine: messages, timers, notes
//! engine  commands/      arguments and the time in, a reply out
//! keyspace  number  glob what commands work on
//! script/                Lua
//! resp/                  the protocol, for real sockets
//! client                 what recipes use
//! ```

pub mod client;
mod commands;
pub mod engine;
#[allow(dead_code, reason = "who ignores the case of letters comes with `CONFIG GET`")]
mod glob;
pub mod keyspace;
mod number;
pub mod resp;
mod script;
pub mod server;
