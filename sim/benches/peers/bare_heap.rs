//! The limit: an event loop that does nothing but this work.
//!
//! A binary heap, state machines, a random number per message. No futures, no interposed clock,
//! no faults, no history: what any host adds to this is the price of what it offers.

use super::{CLIENTS, LATENCY, Outcome, SERVERS, TIMEOUT, pairs_of_each_client, server_for};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Runs the work once.
pub fn run(seed: u64, pairs: u32) -> Outcome {
    let mut world = World::new(seed);
    let mut servers = [const { Server { handled: 0 } }; SERVERS as usize];
    let mut clients: Vec<Client> =
        (0..CLIENTS).map(|id| Client::new(id, pairs_of_each_client(pairs))).collect();

    for client in &mut clients {
        client.ask(&mut world);
    }
    let mut pairs_done = 0;
    // The timeouts of the last requests are still in the heap when all is done.
    while pairs_done < u64::from(pairs) {
        let Some(event) = world.next() else { break };
        match event {
            Event::Request { client, server, counter } => {
                servers[server as usize].handle(&mut world, client, counter);
            }
            Event::Reply { client, counter } => {
                clients[client as usize].on_reply(&mut world, counter);
                pairs_done += 1;
            }
            Event::Timeout { client, counter } => clients[client as usize].on_timeout(counter),
        }
    }

    assert_eq!(pairs_done, u64::from(pairs), "every request has its reply");
    assert_eq!(servers.iter().map(|server| server.handled).sum::<u64>(), pairs_done);
    Outcome { pairs_done, simulated: Duration::from_nanos(world.now) }
}

/// Something that happens to a client or a server.
enum Event {
    Request { client: u8, server: u8, counter: u32 },
    Reply { client: u8, counter: u32 },
    Timeout { client: u8, counter: u32 },
}

/// An event in the heap.
struct Scheduled {
    /// When, in nanoseconds since the start.
    at: u64,
    /// Of two events due at once, the one scheduled first comes first.
    sequence: u64,
    event: Event,
}

impl Ord for Scheduled {
    /// Reversed, since std's heap gives out its greatest item and the earliest is wanted.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Scheduled {}

/// The clock, what is to come, and the network's random numbers.
struct World {
    now: u64,
    sequence: u64,
    events: BinaryHeap<Scheduled>,
    random: ChaCha8Rng,
}

impl World {
    fn new(seed: u64) -> Self {
        World {
            now: 0,
            sequence: 0,
            events: BinaryHeap::new(),
            random: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// Advances the clock to the next event.
    fn next(&mut self) -> Option<Event> {
        let scheduled = self.events.pop()?;
        self.now = scheduled.at;
        Some(scheduled.event)
    }

    /// Lets a message arrive after a random latency.
    fn send(&mut self, message: Event) {
        const FROM: u64 = LATENCY.start.as_nanos() as u64;
        const SPAN: u64 = LATENCY.end.as_nanos() as u64 - FROM;
        // The high half of a product is uniform enough: off by at most one part in 2^40.
        let offset = (u128::from(self.random.next_u64()) * u128::from(SPAN)) >> 64;
        self.schedule(FROM + offset as u64, message);
    }

    fn schedule(&mut self, after: u64, event: Event) {
        self.sequence += 1;
        self.events.push(Scheduled { at: self.now + after, sequence: self.sequence, event });
    }
}

/// A server: echoes.
struct Server {
    handled: u64,
}

impl Server {
    fn handle(&mut self, world: &mut World, client: u8, counter: u32) {
        self.handled += 1;
        world.send(Event::Reply { client, counter });
    }
}

/// A client: one request under way at a time.
struct Client {
    id: u8,
    /// How many requests to make.
    pairs: u32,
    /// How many of them have their reply; also the counter of the one under way.
    done: u32,
}

impl Client {
    fn new(id: u8, pairs: u32) -> Self {
        Client { id, pairs, done: 0 }
    }

    /// Sends the next request, if one is left, and sets its timeout.
    fn ask(&mut self, world: &mut World) {
        if self.done == self.pairs {
            return;
        }
        let (client, counter) = (self.id, self.done);
        world.send(Event::Request { client, server: server_for(client, counter), counter });
        world.schedule(TIMEOUT.as_nanos() as u64, Event::Timeout { client, counter });
    }

    fn on_reply(&mut self, world: &mut World, counter: u32) {
        assert_eq!(counter, self.done, "the reply to the request under way");
        self.done += 1;
        self.ask(world);
    }

    /// Timeouts stay in the heap when their reply comes: a stale one is known by its counter.
    fn on_timeout(&self, counter: u32) {
        assert!(counter < self.done, "a reply took longer than {TIMEOUT:?}");
    }
}
