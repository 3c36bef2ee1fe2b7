//! Redis.
pub mod client;
pub mod resp;
pub mod server;
