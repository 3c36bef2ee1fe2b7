//! Redis.
pub mod client;
pub mod resp;
