//! An ensemble of ZooKeeper in the world: what its clients were told is written is there at the end, whatever
//! befell a minority of it, and an epoch has one leader.
//! `FENCEPOST_SEEDS=0..50000 cargo test --release -p fencepost-stories --test ensemble` is the long suite.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use fencepost::claim::Seeds;
use fencepost::world::{Latency, Run, World};
use fencepost_faults::{Action, Fault, Groups, Start};
use fencepost_models::machine::NodeId;
use fencepost_models::message::Message;
use fencepost_models::note::Note;
use fencepost_models::process::{Connection, Host, Process};
use fencepost_models::random::Random;
use fencepost_models::zookeeper::EnsembleSettings;
use fencepost_models::zookeeper::protocol::{
    Answer, Connect, CreateMode, Op, Packet, Password, SessionId, Zxid,
};
use fencepost_models::zookeeper::server::Server;
use rayon::prelude::*;

const SECOND: Duration = Duration::from_secs(1);
/// When the last fault is over, and everybody has had time to come back.
const HEALED: Duration = Duration::from_secs(190);
const END: Duration = Duration::from_secs(220);

fn remark(host: &Host, text: String) {
    host.note(Note::Remark { text });
}

async fn ask(host: &Host, connection: &Connection, packet: Packet) -> Option<Packet> {
    connection.send(Message::ZooKeeper(Arc::new(packet)));
    match host.timeout(SECOND * 3, connection.receive()).await {
        Ok(Ok(Message::ZooKeeper(packet))) => Some(Arc::unwrap_or_clone(packet)),
        _ => None,
    }
}

/// A new session at a server.
async fn begin(host: &Host, server: NodeId) -> Option<Connection> {
    let connection = host.timeout(SECOND * 2, host.connect(server)).await.ok()?.ok()?;
    let connect = Connect {
        last_zxid_seen: Zxid::default(),
        timeout_ms: 10_000,
        session: SessionId::NONE,
        password: Password::default(),
    };
    let answer = ask(host, &connection, Packet::Connect(connect)).await?;
    matches!(answer, Packet::Connected(connected) if connected.session != SessionId::NONE)
        .then_some(connection)
}

/// Creates one node after the other, and goes to the next server whenever one does not answer.
async fn writes(host: Host, servers: Vec<NodeId>) {
    let until = host.mono() + (HEALED - SECOND * 10);
    let node = host.node().0;
    let mut number = 0;
    for server in servers.iter().cycle() {
        host.sleep(SECOND / 10).await;
        if host.mono() > until {
            return;
        }
        let Some(connection) = begin(&host, *server).await else { continue };
        loop {
            host.work(SECOND / 20..=SECOND / 2).await;
            if host.mono() > until {
                return;
            }
            number += 1;
            let op = Op::Create {
                path: format!("/w{node}-{number}").into(),
                data: Default::default(),
                mode: CreateMode::PERSISTENT,
                with_stat: false,
            };
            let answer = ask(&host, &connection, Packet::Request { xid: number, op }).await;
            let Some(Packet::Reply { xid, result: Ok(Answer::Created { path, .. }), .. }) = answer
            else {
                break;
            };
            assert_eq!(xid, number);
            remark(&host, format!("written {}", &path[1..]));
        }
    }
}

/// Reads all there is, at each server, once everything has healed.
async fn reads(host: Host, servers: Vec<NodeId>) {
    host.sleep(HEALED).await;
    for server in servers {
        let Some(connection) = begin(&host, server).await else { continue };
        let sync = Op::Sync { path: "/".into() };
        ask(&host, &connection, Packet::Request { xid: 1, op: sync }).await;
        let op = Op::GetChildren { path: "/".into(), watch: false, with_stat: false };
        let answer = ask(&host, &connection, Packet::Request { xid: 2, op }).await;
        if let Some(Packet::Reply { result: Ok(Answer::Children { names, .. }), .. }) = answer {
            remark(&host, format!("read {}", names.join(" ")));
        }
    }
}

/// How many servers there are under a seed: three, or five.
const fn servers_of(seed: u64) -> u16 {
    if seed.is_multiple_of(2) { 3 } else { 5 }
}

/// Five faults, one after the other, each on one server; of five servers others have five more, at the same time.
fn faults(seed: u64) -> Vec<Fault> {
    let mut random = Random::new(seed, 4242);
    match servers_of(seed) {
        3 => one_by_one(&mut random, 1..=3, 3),
        all => {
            let mut faults = one_by_one(&mut random, 1..=2, all);
            faults.extend(one_by_one(&mut random, 3..=u64::from(all), all));
            faults
        }
    }
}

fn one_by_one(random: &mut Random, of: RangeInclusive<u64>, all: u16) -> Vec<Fault> {
    (0..5)
        .map(|place| {
            let node = format!("zookeeper-{}", random.range(of.clone()));
            let action = match random.below(5) {
                0 => Action::Pause { node },
                1 => Action::Crash { node },
                2 => Action::PowerLoss { node },
                3 => Action::SlowDisk { node, by: SECOND / 2 },
                _ => {
                    let servers = (1..=all).map(|number| format!("zookeeper-{number}"));
                    let other = servers.filter(|other| *other != node).collect();
                    Action::Partition(Groups { one: vec![node], other })
                }
            };
            let at = SECOND * 5 + SECOND * 35 * place + random.duration(Duration::ZERO..=SECOND);
            let length = Some(random.duration(SECOND / 2..=SECOND * 15));
            Fault { start: Start::At(at), length, action }
        })
        .collect()
}

fn run(seed: u64) -> Run {
    let millis = Duration::from_millis;
    let mut world = World::new(seed, Latency::Uniform { min: millis(1), max: millis(5) });
    let first = world.next_node().0;
    let servers: Vec<NodeId> = (first..first + servers_of(seed)).map(NodeId).collect();
    let mut settings = EnsembleSettings::new(servers.clone());
    settings.logs_before_ack = true;
    for number in 1..=servers_of(seed) {
        let settings = settings.clone();
        world.add_server(&format!("zookeeper-{number}"), move |boot| {
            Server::new(&boot, settings.clone())
        });
    }
    for number in 1..=3 {
        let servers = servers.clone();
        world.add_client(&format!("writer-{number}"), move |boot| {
            let servers = servers.clone();
            Process::new(boot, |host| writes(host, servers))
        });
    }
    world.add_client("reader", move |boot| {
        let servers = servers.clone();
        Process::new(boot, |host| reads(host, servers))
    });
    world.inject(faults(seed));
    world.run(END).expect("the plan names nodes that are there")
}

/// What a run shows: how much was answered as written, and how many leaders there were.
#[derive(Clone, Copy, Default)]
struct Shown {
    written: usize,
    epochs: usize,
}

/// Nothing that was answered is lost, all servers have the same in the end, and an epoch has one leader.
fn check(seed: u64) -> Shown {
    let run = run(seed);
    let mut written = BTreeSet::new();
    let mut read: Vec<BTreeSet<&str>> = Vec::new();
    let mut epochs = Vec::new();
    for (_, _, note) in run.history.notes() {
        match note {
            Note::Remark { text } => match text.split_once(' ') {
                Some(("written", name)) => {
                    written.insert(name);
                }
                Some(("read", names)) => read.push(names.split(' ').collect()),
                _ => panic!("{text}"),
            },
            Note::ZooKeeper { event: "epoch-established", detail } => epochs.push(detail),
            _ => {}
        }
    }
    assert_eq!(
        read.len(),
        usize::from(servers_of(seed)),
        "seed {seed}: every server serves in the end"
    );
    assert!(read.iter().all(|names| *names == read[0]), "seed {seed}: the servers differ");
    let unique: BTreeSet<_> = epochs.iter().collect();
    assert_eq!(unique.len(), epochs.len(), "seed {seed}: {epochs:?}");
    let lost: Vec<_> = written.iter().filter(|name| !read[0].contains(**name)).collect();
    assert!(lost.is_empty(), "seed {seed}: {lost:?}");
    Shown { written: written.len(), epochs: epochs.len() }
}

#[test]
fn whatever_befalls_a_minority_nothing_that_was_answered_is_lost_and_no_server_differs() {
    let Some(seeds) = Seeds::from_environment(0..100).range() else { return };
    let runs = seeds.end() - seeds.start() + 1;
    let shown: Vec<Shown> = seeds.into_par_iter().map(check).collect();
    let (written, epochs) = shown
        .iter()
        .fold((0, 0), |(written, epochs), one| (written + one.written, epochs + one.epochs));
    assert!(written as u64 > runs * 300, "{written} in {runs} runs");
    assert!(epochs as u64 * 2 > runs * 3, "{epochs} in {runs} runs");
}

#[test]
fn the_same_seed_is_the_same_run() {
    assert_eq!(run(7).history.digest(), run(7).history.digest());
    assert_ne!(run(7).history.digest(), run(8).history.digest());
}
