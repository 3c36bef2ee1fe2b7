//! The same seed gives the same run, and what runs inside sees the simulation's time and entropy,
//! however it asks.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "what is forbidden everywhere else is put to the test here"
)]

use std::cell::RefCell;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::rc::Rc;
use std::time::{Duration, Instant};

use fencepost_models::machine::{Context, Input, Machine};
use fencepost_models::message::Message;
use fencepost_models::process::Process;

use super::{Digest, Latency, Run, World};

const LATENCY: Latency =
    Latency::Uniform { min: Duration::from_millis(1), max: Duration::from_millis(10) };

/// Sends back whatever it gets.
struct Echo;

impl Machine for Echo {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        if let Input::Message { connection, message } = input {
            context.send(connection, message.clone());
        }
    }
}

/// Two clients that ask a server over and over, with a limit that some answers miss.
fn echo_world(seed: u64, server: &str) -> Run {
    let mut world = World::new(seed, LATENCY);
    let server = world.add_server(server, |_| Echo);
    for client in ["client-1", "client-2"] {
        world.add_client(client, move |boot| {
            Process::new(boot, move |host| async move {
                let connection = host.connect(server).await.expect("opens");
                for counter in 0.. {
                    connection.send(Message::Number(counter));
                    let limit = Duration::from_millis(15);
                    let _ = host.timeout(limit, connection.receive()).await;
                }
            })
        });
    }
    world.run(Duration::from_secs(5)).expect("within the limits")
}

#[test]
fn the_same_seed_gives_the_same_history_and_another_seed_another() {
    let digests: Vec<Digest> =
        (0..8).map(|seed| echo_world(seed, "server").history.digest()).collect();
    // The second time around, each run takes over the memory of another run than the first time.
    for (seed, digest) in digests.iter().enumerate().rev() {
        assert_eq!(echo_world(seed as u64, "server").history.digest(), *digest, "seed {seed}");
    }
    let mut distinct = digests.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), digests.len());
}

#[test]
fn a_run_is_the_same_on_a_thread_that_has_run_nothing_before() {
    let here = echo_world(3, "server");
    let there = std::thread::spawn(|| echo_world(3, "server").history);
    let there = there.join().expect("does not panic");
    assert_eq!(here.history.records(), there.records());
    assert_eq!(here.history.digest(), there.digest());
}

#[test]
fn the_names_of_the_nodes_are_part_of_the_digest() {
    let (one, other) = (echo_world(1, "server"), echo_world(1, "redis"));
    assert_eq!(one.history.records(), other.history.records());
    assert_ne!(one.history.digest(), other.history.digest());
}

#[test]
fn std_shows_simulated_time_to_the_nanosecond_and_simulated_entropy() {
    /// What a client saw at each answer: the host's clock, and std's.
    type Readings = Rc<RefCell<Vec<(Duration, Duration)>>>;

    let run = |seed| {
        let (readings, entropy) = (Readings::default(), Rc::new(RefCell::new(0)));
        let mut world = World::new(seed, LATENCY);
        let server = world.add_server("server", |_| Echo);
        let (seen, drawn) = (readings.clone(), entropy.clone());
        world.add_client("client", move |boot| {
            let (seen, drawn) = (seen.clone(), drawn.clone());
            Process::new(boot, move |host| async move {
                let connection = host.connect(server).await.expect("opens");
                let (mono, instant) = (host.mono(), Instant::now());
                *drawn.borrow_mut() = RandomState::new().hash_one(1);
                for counter in 0.. {
                    connection.send(Message::Number(counter));
                    connection.receive().await.expect("stays open");
                    let simulated = host.mono().saturating_since(mono);
                    seen.borrow_mut().push((simulated, instant.elapsed()));
                }
            })
        });
        world.run(Duration::from_secs(2)).expect("within the limits");
        (readings.take(), entropy.take())
    };
    // On fresh threads, since std keeps the keys of its hash maps per thread.
    let fresh = |seed| {
        let thread = std::thread::spawn(move || run(seed));
        thread.join().expect("does not panic")
    };
    let (readings, entropy) = fresh(5);
    assert!(readings.len() > 50, "{}", readings.len());
    for (simulated, std) in &readings {
        assert_eq!(simulated, std);
    }
    assert_eq!(fresh(5), (readings, entropy));
    assert_ne!(fresh(6).1, entropy);
}
