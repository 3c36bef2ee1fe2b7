//! The hosts that the benchmark compares, and the work that all of them do.
//!
//! [`CLIENTS`] clients and [`SERVERS`] servers. A client sends a request that carries a counter,
//! waits for the reply that echoes it, for [`TIMEOUT`] at most, and goes on to the next server.
//! Each message takes [`LATENCY`]. Nothing is lost, so no timeout is ever due: but every host
//! has to set one for each request, since a lock client does, and it is a cost like any other.

use std::ops::Range;
use std::time::Duration;

pub mod bare_heap;
pub mod fencepost_world;
pub mod madsim_endpoint;
pub mod turmoil_udp;

/// How many servers answer.
pub const SERVERS: u8 = 5;

/// How many clients ask, each with one request under way at a time.
pub const CLIENTS: u8 = 3;

/// How long a client waits for a reply.
pub const TIMEOUT: Duration = Duration::from_millis(200);

/// How long a message takes one way; uniform, where the host can do that.
pub const LATENCY: Range<Duration> = Duration::from_millis(1)..Duration::from_millis(10);

/// A host to measure.
pub struct Peer {
    /// What the table calls it.
    pub name: &'static str,
    /// Does the work once, on the calling thread: seed, and requests of all clients together.
    /// Panics if a single one of them stays without its reply.
    pub run: fn(seed: u64, pairs: u32) -> Outcome,
}

/// What a run did.
pub struct Outcome {
    /// Requests that got their reply.
    pub pairs_done: u64,
    /// The time that passed inside the simulation.
    pub simulated: Duration,
}

/// Each client's part of `pairs`.
pub fn pairs_of_each_client(pairs: u32) -> u32 {
    let clients = u32::from(CLIENTS);
    assert_eq!(pairs % clients, 0, "the clients share the work evenly");
    pairs / clients
}

/// The server that a client's request goes to. Round robin from a start of the client's own:
/// the same on every host, whatever its random numbers.
pub fn server_for(client: u8, counter: u32) -> u8 {
    ((u32::from(client) + counter) % u32::from(SERVERS)) as u8
}
