//! How long messages take, and which random streams that hangs on.

use fencepost_models::process::Process;

use super::super::LinkId;
use super::*;

fn us(n: u64) -> Duration {
    Duration::from_micros(n)
}

/// How long each message of a client to a server took, over a connection of its own: so that none
/// waits for another.
fn latencies(latency: Latency, count: usize) -> Vec<Duration> {
    let mut world = World::new(3, Latency::Fixed(ms(1)));
    let server = world.add_server("server", sink);
    let client = world.add_client("client", move |boot| {
        Process::new(boot, move |host| async move {
            for _ in 0..count {
                let connection = host.connect(server).await.unwrap();
                connection.send(Message::Number(1));
                host.sleep(ms(500)).await;
            }
        })
    });
    world.set_latency(LinkId { from: client, to: server }, latency);
    delivery_times(&world.run(Duration::from_secs(count as u64)).unwrap())
}

fn delivery_times(run: &Run) -> Vec<Duration> {
    let delivered = run.history.records().iter().filter_map(|record| match record.event {
        Event::Delivered(id) => Some(run.history.under_way(run.history.message(id), record.at)),
        _ => None,
    });
    delivered.collect()
}

fn mean(times: &[Duration]) -> Duration {
    times.iter().sum::<Duration>() / times.len() as u32
}

#[test]
fn a_fixed_latency_is_always_the_same() {
    assert_eq!(latencies(Latency::Fixed(us(1234)), 10), [us(1234); 10]);
}

// A message follows the end of the handshake, which takes another draw, and may not overtake it.
// The distributions are therefore measured on open connections, a second apart.
fn on_one_connection(latency: Latency) -> Vec<Duration> {
    let mut world = World::new(3, Latency::Fixed(ms(1)));
    let server = world.add_server("server", sink);
    let client = world.add_client("client", move |boot| {
        Process::new(boot, move |host| async move {
            let connection = host.connect(server).await.unwrap();
            for _ in 0..4000 {
                host.sleep(ms(1000)).await;
                connection.send(Message::Number(1));
            }
            host.sleep(ms(1000)).await;
        })
    });
    world.set_latency(LinkId { from: client, to: server }, latency);
    delivery_times(&world.run(Duration::from_secs(4010)).unwrap())
}

#[test]
fn a_uniform_latency_fills_its_range_evenly() {
    let times = on_one_connection(Latency::Uniform { min: us(1000), max: us(9000) });
    assert_eq!(times.len(), 4000);
    assert!(times.iter().all(|time| (us(1000)..=us(9000)).contains(time)));
    assert!((us(4800)..us(5200)).contains(&mean(&times)), "{:?}", mean(&times));
    let low = times.iter().filter(|time| **time < us(3000)).count();
    assert!((900..1100).contains(&low), "a quarter of them: {low}");
}

#[test]
fn an_exponential_latency_has_a_floor_a_mean_and_a_tail() {
    let latency = Latency::Exponential { min: us(1000), mean_rest: us(2000) };
    let times = on_one_connection(latency);
    assert!(times.iter().all(|time| *time >= us(1000)));
    assert!((us(2850)..us(3150)).contains(&mean(&times)), "{:?}", mean(&times));
    // A rest of more than three means comes about once in e^3 = 20.1 times.
    let tail = times.iter().filter(|time| **time > us(7000)).count();
    assert!((160..240).contains(&tail), "{tail}");
}

#[test]
fn a_spiky_latency_has_as_many_spikes_as_it_says() {
    let latency = |one_in| Latency::Spiky {
        min: us(1000),
        max: us(2000),
        spike_min: us(100_000),
        spike_max: us(200_000),
        one_in,
    };
    let times = on_one_connection(latency(20));
    let (spikes, usual): (Vec<Duration>, _) =
        times.into_iter().partition(|time| *time >= us(100_000));
    assert!((160..240).contains(&spikes.len()), "{}", spikes.len());
    assert!(spikes.iter().all(|time| *time <= us(200_000)));
    assert!(usual.iter().all(|time| (us(1000)..=us(2000)).contains(time)));
    assert!((us(140_000)..us(160_000)).contains(&mean(&spikes)));

    assert!(on_one_connection(latency(0)).iter().all(|time| *time <= us(2000)), "0: none");
    assert!(on_one_connection(latency(1)).iter().all(|time| *time >= us(100_000)), "1: all");
}

#[test]
fn a_link_of_its_own_latency_differs_from_its_way_back_and_from_the_others() {
    let mut world = world();
    let server = world.add_server("server", echo);
    let client = world.add_client("client", sends(server, &[500]));
    world.add_client("other", sends(server, &[600]));
    world.set_latency(LinkId { from: client, to: server }, Latency::Fixed(ms(50)));
    world.set_latency(LinkId { from: client, to: NodeId(99) }, Latency::Fixed(ms(70)));
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(only(&run, "client", "got"), ["560ms got 500"]);
    assert_eq!(only(&run, "other", "got"), ["620ms got 600"]);
}

#[test]
fn messages_keep_their_order_on_a_connection_and_may_overtake_on_another() {
    let mut world = World::new(5, Latency::Uniform { min: us(1), max: us(20_000) });
    let server = world.add_server("server", sink);
    world.add_client("client", move |boot| {
        Process::new(boot, move |host| async move {
            let one = host.connect(server).await.unwrap();
            let other = host.connect(server).await.unwrap();
            for number in 0..500 {
                [&one, &other][number % 2].send(Message::Number(number as u64));
                host.sleep(ms(1)).await;
            }
            host.sleep(ms(100)).await;
        })
    });
    let run = world.run(ms(2000)).unwrap();
    let order: Vec<u64> = run
        .history
        .records()
        .iter()
        .filter_map(|record| match record.event {
            Event::Delivered(id) => match run.history.message(id).message {
                Message::Number(number) => Some(number),
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(order.len(), 500);
    for parity in 0..2 {
        assert!(order.iter().filter(|number| *number % 2 == parity).is_sorted());
    }
    assert!(!order.is_sorted(), "two connections are two streams");
}

/// What a node saw when, in a world where everything is drawn, beside two others.
fn drawn(faults: Vec<Fault>, bystander: bool) -> (Vec<String>, Vec<String>) {
    let chatter = |server: NodeId| {
        move |boot| {
            Process::new(boot, move |host| async move {
                let Ok(connection) = host.connect(server).await else { return };
                loop {
                    host.work(ms(1)..=ms(50)).await;
                    host.note(remark(host.random(|random| random.below(1000))));
                    connection.send(Message::Number(0));
                    if connection.receive().await.is_err() {
                        return;
                    }
                }
            })
        }
    };
    let mut world = World::new(11, Latency::Exponential { min: us(100), mean_rest: us(3000) });
    let one = world.add_server("one", echo);
    let two = world.add_server("two", echo);
    world.add_client("a", chatter(one));
    world.add_client("b", chatter(two));
    if bystander {
        world.add_client("c", sink);
    }
    world.inject(faults);
    let run = world.run(ms(2000)).unwrap();
    (story(&run, "a"), story(&run, "b"))
}

#[test]
fn a_fault_more_or_less_leaves_the_draws_of_everybody_else_alone() {
    let calm = drawn(Vec::new(), false);
    assert!(calm.0.len() > 100 && calm.0 != calm.1);
    for action in [
        crash("one"),
        power_loss("a"),
        pause("one"),
        Action::Partition(groups("a", "one")),
        Action::Delay { groups: groups("a", "one"), by: ms(30) },
        Action::DropConnection(groups("a", "one")),
        Action::ClockDrift { node: "a".to_owned(), ppm: 100_000 },
    ] {
        let (a, b) = drawn(vec![fault(500, 300, action.clone())], false);
        assert_ne!(a, calm.0, "{action}");
        assert_eq!(b, calm.1, "{action}");
    }
}

#[test]
fn a_node_more_leaves_the_draws_of_the_others_alone() {
    assert_eq!(drawn(Vec::new(), true), drawn(Vec::new(), false));
}

#[test]
fn a_pause_shifts_a_machines_draws_and_does_not_change_them() {
    let numbers = |story: &[String]| -> Vec<String> {
        story
            .iter()
            .filter(|line| line.split(' ').count() == 2)
            .map(|line| line.split_once(' ').unwrap().1.to_owned())
            .filter(|word| word.parse::<u64>().is_ok())
            .collect()
    };
    let calm = numbers(&drawn(Vec::new(), false).0);
    let paused = numbers(&drawn(vec![fault(500, 300, pause("a"))], false).0);
    assert!(paused.len() < calm.len() && paused.len() > 20);
    assert_eq!(paused, calm[..paused.len()]);
}
