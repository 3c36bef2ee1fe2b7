//! What servers of an ensemble do together, and what they do for their clients.

mod client;
mod disk;
mod elections;
mod rig;
mod seen;
