//! turmoil as it comes: a host with a tokio runtime each, UDP, ticks of 1 ms.
//!
//! Its latencies cannot be made uniform: within the bounds asked for they are exponential, of
//! whole milliseconds, and their mean is lower. A pair so takes less simulated time here than
//! elsewhere, and since turmoil's cost goes by the tick, that is in its favour in pairs per
//! second: with a curve whose mean is that of the others it does half as many. The table's round
//! trips show it; simulated seconds per second are nearly free of it.

use super::{CLIENTS, LATENCY, Outcome, SERVERS, TIMEOUT, pairs_of_each_client, server_for};
use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use turmoil::net::UdpSocket;

/// Runs the work once.
pub fn run(seed: u64, pairs: u32) -> Outcome {
    let pairs_each = pairs_of_each_client(pairs);
    let mut sim = turmoil::Builder::new()
        .rng_seed(seed)
        .min_message_latency(LATENCY.start)
        .max_message_latency(LATENCY.end)
        // turmoil gives up after ten simulated seconds unless told how many it takes at most.
        .simulation_duration(TIMEOUT * (pairs_each + 1))
        .build();

    for id in 0..SERVERS {
        sim.host(server_name(id), serve);
    }
    let pairs_done = Rc::new(Cell::new(0));
    for id in 0..CLIENTS {
        sim.client(format!("client-{id}"), ask(id, pairs_each, Rc::clone(&pairs_done)));
    }
    sim.run().expect("every client ends without an error");

    let pairs_done = pairs_done.get();
    assert_eq!(pairs_done, u64::from(pairs), "every request has its reply");
    Outcome { pairs_done, simulated: sim.elapsed() }
}

const PORT: u16 = 7000;

/// A server: echoes.
async fn serve() -> turmoil::Result {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    let mut buffer = [0; 4];
    loop {
        let (length, client) = socket.recv_from(&mut buffer).await?;
        socket.send_to(&buffer[..length], client).await?;
    }
}

/// A client: one request under way at a time. Counts those that got their reply.
async fn ask(id: u8, pairs: u32, pairs_done: Rc<Cell<u64>>) -> turmoil::Result {
    let servers: Vec<SocketAddr> =
        (0..SERVERS).map(|id| (turmoil::lookup(server_name(id)), PORT).into()).collect();
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    let mut buffer = [0; 4];
    for counter in 0..pairs {
        let server = servers[server_for(id, counter) as usize];
        let round_trip = async {
            socket.send_to(&counter.to_le_bytes(), server).await?;
            socket.recv_from(&mut buffer).await
        };
        let (length, from) = tokio::time::timeout(TIMEOUT, round_trip).await??;
        assert_eq!((from, &buffer[..length]), (server, &counter.to_le_bytes()[..]));
        pairs_done.set(pairs_done.get() + 1);
    }
    Ok(())
}

fn server_name(id: u8) -> String {
    format!("server-{id}")
}
