//! What servers of an ensemble do together, and what they do for their clients.

mod agreement;
mod client;
mod contention;
mod curator;
mod disk;
mod elections;
mod laws;
mod recipe;
mod rig;
mod seen;
mod sessions;
mod timings;
