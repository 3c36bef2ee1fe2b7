//! madsim as it comes: a node and a task each, and its own network.
//!
//! Its latency is what the work asks for. On top of it, each send and each receive sleeps for
//! "a small random time" that its clock rounds up to 1 ms, hence a round trip of about 15 ms
//! where 11 ms were asked for. That is madsim's own doing, so it stays.

use super::{CLIENTS, LATENCY, Outcome, SERVERS, TIMEOUT, pairs_of_each_client, server_for};
use madsim::net::Endpoint;
use madsim::runtime::{Handle, Runtime};
use madsim::time::{TimeHandle, timeout};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Runs the work once.
pub fn run(seed: u64, pairs: u32) -> Outcome {
    let mut config = madsim::Config::default();
    config.net.send_latency = LATENCY;
    let runtime = Runtime::with_seed_and_config(seed, config);
    let (pairs_done, simulated) = runtime.block_on(simulate(pairs_of_each_client(pairs)));

    assert_eq!(pairs_done, u64::from(pairs), "every request has its reply");
    Outcome { pairs_done, simulated }
}

/// madsim's endpoints sort messages by a tag.
const REQUEST: u64 = 1;
/// See [`REQUEST`].
const REPLY: u64 = 2;

/// Starts the nodes and waits for the clients.
async fn simulate(pairs_each: u32) -> (u64, Duration) {
    let handle = Handle::current();
    for id in 0..SERVERS {
        let address = server_address(id);
        let node = handle.create_node().ip(address.ip()).build();
        drop(node.spawn(serve(address)));
    }
    let clients: Vec<_> = (0..CLIENTS)
        .map(|id| {
            let address = client_address(id);
            let node = handle.create_node().ip(address.ip()).build();
            node.spawn(ask(id, address, pairs_each))
        })
        .collect();

    let mut pairs_done = 0;
    for client in clients {
        let asked = client.await.expect("the client did not panic");
        pairs_done += asked.expect("the network of a client without faults works");
    }
    (pairs_done, TimeHandle::current().elapsed())
}

/// A server: echoes.
async fn serve(address: SocketAddr) -> io::Result<()> {
    let endpoint = Endpoint::bind(address).await?;
    let mut buffer = [0; 4];
    loop {
        let (length, client) = endpoint.recv_from(REQUEST, &mut buffer).await?;
        endpoint.send_to(client, REPLY, &buffer[..length]).await?;
    }
}

/// A client: one request under way at a time. Returns how many got their reply.
async fn ask(id: u8, address: SocketAddr, pairs: u32) -> io::Result<u64> {
    let endpoint = Endpoint::bind(address).await?;
    let mut buffer = [0; 4];
    let mut done = 0;
    for counter in 0..pairs {
        let server = server_address(server_for(id, counter));
        let round_trip = async {
            endpoint.send_to(server, REQUEST, &counter.to_le_bytes()).await?;
            endpoint.recv_from(REPLY, &mut buffer).await
        };
        let (length, from) = timeout(TIMEOUT, round_trip).await??;
        assert_eq!((from, &buffer[..length]), (server, &counter.to_le_bytes()[..]));
        done += 1;
    }
    Ok(done)
}

fn server_address(id: u8) -> SocketAddr {
    (Ipv4Addr::from_bits(0x0a00_0001 + u32::from(id)), 7000).into()
}

fn client_address(id: u8) -> SocketAddr {
    (Ipv4Addr::from_bits(0x0a00_0101 + u32::from(id)), 7000).into()
}
