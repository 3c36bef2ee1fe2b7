//! What holds whatever fails: what a client was told is written is never lost, no two servers disagree about what
//! is committed, and an epoch has one leader.
//!
//! At most a minority is down at any moment. A host that comes back counts as down until it is in step: the
//! promise is not that a majority may fail one after the other faster than that.

use std::collections::{BTreeMap, BTreeSet};

use super::client::{Client, create};
use super::rig::Rig;
use crate::random::Random;
use crate::zookeeper::EnsembleSettings;
use crate::zookeeper::protocol::{Answer, CreateMode, Path, Zxid};

/// What happens to servers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Failures {
    Crashes,
    PowerLosses,
}

/// One run: clients write while servers come and go.
struct Run {
    rig: Rig,
    random: Random,
    failures: Failures,
    clients: Vec<Client>,
    asked: Vec<(usize, i32)>,
    /// The nodes that a client was told of, and by which transaction.
    written: BTreeSet<Path>,
    /// What was created by which transaction, as any server had it when it was seen.
    seen: BTreeMap<Zxid, Path>,
    next: u32,
}

impl Run {
    fn new(seed: u64, failures: Failures, adjust: impl FnOnce(&mut EnsembleSettings)) -> Self {
        let servers = if seed.is_multiple_of(3) { 5 } else { 3 };
        Self {
            rig: Rig::of(servers, seed, adjust),
            random: Random::new(seed, 5),
            failures,
            clients: Vec::new(),
            asked: Vec::new(),
            written: BTreeSet::new(),
            seen: BTreeMap::new(),
            next: 0,
        }
    }

    fn go(&mut self) {
        self.rig.settle();
        self.rig.sync_takes_ms = *self.random.choice(&[1, 1, 20, 300]).unwrap();
        for _ in 0..60 {
            match self.random.below(10) {
                0 | 1 => self.fail_one(),
                2 | 3 => self.bring_back(),
                4 => self.cut_one(),
                5 => self.rig.heal(),
                _ => self.write(),
            }
            let millis = match self.random.below(4) {
                0 => self.random.below(5),
                1 => self.random.below(50),
                2 => self.random.below(1000),
                _ => self.random.below(15_000),
            };
            self.rig.pass(millis);
            self.look();
        }
        self.rig.heal();
        for server in 1..=self.rig.servers() {
            if !self.rig.is_up(server) {
                self.rig.start(server);
            }
        }
        self.rig.pass(60_000);
        self.rig.settle();
        self.look();
    }

    /// A server fails, if the others are a majority without it that is in step.
    fn fail_one(&mut self) {
        let server = self.any_server();
        let others = (1..=self.rig.servers()).filter(|other| *other != server);
        let serving =
            others.filter(|other| self.rig.server(*other).is_some_and(|one| one.serves())).count();
        if !self.rig.is_up(server) || serving <= usize::from(self.rig.servers() / 2) {
            return;
        }
        match self.failures {
            Failures::Crashes => self.rig.crash(server),
            Failures::PowerLosses => self.rig.lose_power(server),
        }
    }

    fn bring_back(&mut self) {
        let server = self.any_server();
        if !self.rig.is_up(server) {
            self.rig.start(server);
        }
    }

    fn cut_one(&mut self) {
        let server = self.any_server();
        self.rig.heal();
        if self.random.ratio(1, 3) {
            self.rig.silence(server);
        } else {
            self.rig.isolate(server);
        }
    }

    fn any_server(&mut self) -> u16 {
        let servers = u64::from(self.rig.servers());
        u16::try_from(self.random.range(1..=servers)).unwrap()
    }

    fn write(&mut self) {
        let server = self.any_server();
        if self.rig.is_up(server)
            && self.random.ratio(1, 2)
            && let Some(client) = Client::new(&mut self.rig, server, 40_000)
        {
            self.clients.push(client);
        }
        for place in 0..self.clients.len() {
            self.next += 1;
            let op = create(&format!("/n{}", self.next), CreateMode::PERSISTENT);
            let xid = self.clients[place].send(&mut self.rig, op);
            self.asked.push((place, xid));
        }
    }

    fn look(&mut self) {
        for client in &mut self.clients {
            client.listen(&mut self.rig);
        }
        for (place, xid) in &self.asked {
            if let Some(Ok(Answer::Created { path, .. })) = self.clients[*place].answer(*xid) {
                self.written.insert(path);
            }
        }
        // What a server serves to clients is committed, all of it.
        for server in 1..=self.rig.servers() {
            let Some(server) = self.rig.server(server).filter(|server| server.serves()) else {
                continue;
            };
            let (names, _) = server.tree().children("/").unwrap();
            for name in names.iter().filter(|name| &***name != "zookeeper") {
                let czxid = server.tree().stat(&format!("/{name}")).unwrap().czxid;
                let known = self.seen.entry(czxid).or_insert_with(|| name.clone());
                assert_eq!(known, name, "{czxid} is two transactions");
            }
        }
    }

    /// What must hold at the end; returns how much was written.
    fn check(&self, seed: u64) -> usize {
        let leaders = self.rig.events("epoch-established");
        let epochs: BTreeSet<&String> = leaders.iter().map(|(_, epoch)| epoch).collect();
        assert_eq!(epochs.len(), leaders.len(), "seed {seed}: {leaders:?}");
        let trees: Vec<_> = (1..=self.rig.servers())
            .map(|server| self.rig.server(server).unwrap().tree().children("/").unwrap().0)
            .collect();
        for (server, names) in (1..).zip(&trees) {
            assert_eq!(names, &trees[0], "seed {seed}: servers 1 and {server} disagree");
        }
        for path in &self.written {
            let name = Path::from(&path[1..]);
            assert!(trees[0].contains(&name), "seed {seed}: {path} is lost");
        }
        self.written.len()
    }
}

fn sweep(
    seeds: std::ops::Range<u64>,
    failures: Failures,
    adjust: impl Fn(&mut EnsembleSettings) + Copy,
) {
    let (mut written, mut epochs) = (0, 0);
    for seed in seeds.clone() {
        let mut run = Run::new(seed, failures, adjust);
        run.go();
        written += run.check(seed);
        epochs += run.rig.events("epoch-established").len();
    }
    let runs = usize::try_from(seeds.end - seeds.start).unwrap();
    assert!(written > 10 * runs, "{written} writes say little");
    assert!(epochs > 2 * runs, "{epochs} epochs say little");
}

#[test]
fn crashes_of_a_minority_lose_nothing_that_was_answered() {
    sweep(0..150, Failures::Crashes, |settings| settings.logs_before_ack = true);
}

#[test]
fn power_losses_of_a_minority_lose_nothing_that_was_answered() {
    sweep(1000..1150, Failures::PowerLosses, |settings| settings.logs_before_ack = true);
}
