//! fencepost's own world: servers as machines, clients as futures that the loop polls, the
//! history recorded.

use fencepost::world::{Latency, SimTime, World};
use fencepost_models::machine::{Context, Input, Machine, NodeId};
use fencepost_models::message::Message;
use fencepost_models::process::{Host, Process};

use super::{CLIENTS, LATENCY, Outcome, SERVERS, TIMEOUT, pairs_of_each_client, server_for};

struct Echo;

impl Machine for Echo {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        if let Input::Message { connection, message } = input {
            context.send(connection, message.clone());
        }
    }
}

/// Runs the work; panics unless every pair was completed in time.
pub fn run(seed: u64, pairs: u32) -> Outcome {
    let latency = Latency::Uniform { min: LATENCY.start, max: LATENCY.end };
    let mut world = World::new(seed, latency);
    let servers: Vec<NodeId> = (0..SERVERS)
        .map(|number| world.add_server(&format!("server-{number}"), |_| Echo))
        .collect();
    let each = pairs_of_each_client(pairs);
    for client in 0..CLIENTS {
        let servers = servers.clone();
        world.add_client(&format!("client-{client}"), move |boot| {
            let servers = servers.clone();
            Process::new(boot, move |host| exchange(host, servers, client, each))
        });
    }
    // A round trip takes 20 ms at most, and one more opens each connection.
    let duration = (LATENCY.end * 2) * (each + u32::from(SERVERS) + 1);
    let run = world.run(duration).expect("within the limits");
    assert_eq!(run.history.delivered(), u64::from(pairs) * 2, "every request and every answer");
    // The world goes on in silence when the work is done.
    let last = run.history.records().last().map_or(SimTime::ZERO, |record| record.at);
    Outcome { pairs_done: run.history.delivered() / 2, simulated: last.elapsed() }
}

async fn exchange(host: Host, servers: Vec<NodeId>, client: u8, pairs: u32) {
    let mut connections = Vec::new();
    for server in servers {
        connections.push(host.connect(server).await.expect("opens"));
    }
    for counter in 0..pairs {
        let connection = &connections[usize::from(server_for(client, counter))];
        connection.send(Message::Number(u64::from(counter)));
        let answer = host.timeout(TIMEOUT, connection.receive()).await.expect("in time");
        assert_eq!(answer, Ok(Message::Number(u64::from(counter))));
    }
}
