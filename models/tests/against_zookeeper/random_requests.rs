//! Random requests of three clients, to the model and to a real server.

use std::collections::BTreeSet;

use fencepost_models::random::Random;

use crate::model::Model;
use crate::play::{Play, Side};
use crate::real::Real;
use crate::setting::setting;
use crate::shrink::shrink;

const CLIENTS: [&str; 3] = ["A", "B", "C"];
const PATHS: [&str; 8] =
    ["/a", "/b", "/a/x", "/a/y", "/a/x/z", "/b/x", "/b/n-0000000001", "/a/n-0000000000"];
/// None of them can be made.
const ODD_PATHS: [&str; 5] = ["/", "/zookeeper", "/a/", "a", "/none/x"];
const MODES: [&str; 4] =
    ["persistent", "ephemeral", "persistent-sequential", "ephemeral-sequential"];
const STEPS_PER_ROUND: usize = 100;

/// Makes steps, as a transcript has them.
pub struct Generator {
    random: Random,
}

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self { random: Random::new(seed, 0) }
    }

    /// The steps of one round.
    pub fn steps(&mut self, count: usize) -> Vec<String> {
        let mut closed = BTreeSet::new();
        (0..count)
            .map(|_| {
                let client = self.one_of(&CLIENTS);
                if closed.remove(client) {
                    return format!("{client} connect");
                }
                match self.random.range(0..=99) {
                    0..=2 => {
                        closed.insert(client);
                        format!("{client} close")
                    }
                    3..=4 => format!("{client} reconnect"),
                    // What is sent at once is answered up to the next that is waited for.
                    5..=24 => format!("{client} sends {}", self.request()),
                    _ => format!("{client} {}", self.request()),
                }
            })
            .collect()
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        let last = u64::try_from(all.len() - 1).expect("is short");
        all[usize::try_from(self.random.range(0..=last)).expect("is short")]
    }

    fn path(&mut self) -> &'static str {
        match self.random.range(0..=19) {
            0 => self.one_of(&ODD_PATHS),
            _ => self.one_of(&PATHS),
        }
    }

    fn request(&mut self) -> String {
        let path = self.path();
        let watch = self.one_of(&["", " watch"]);
        match self.random.range(0..=19) {
            0..=7 => self.part(),
            8..=9 => format!("exists {path}{watch}"),
            10..=11 => format!("get {path}{watch}"),
            12 => format!("children {path}{watch}"),
            13 => format!("children2 {path}{watch}"),
            14..=16 => {
                let parts: Vec<String> =
                    (0..self.random.range(0..=4)).map(|_| self.checked()).collect();
                format!("multi {}", parts.join(" ; "))
            }
            17 => format!("sync {path}"),
            18 => {
                let (since, data, exist, child) =
                    (self.random.range(0..=80), path, self.path(), self.path());
                format!("set-watches @{since} data {data} exist {exist} child {child}")
            }
            _ => "ping".to_owned(),
        }
    }

    fn checked(&mut self) -> String {
        match self.random.range(0..=3) {
            0 => format!("check {} {}", self.path(), self.version()),
            _ => self.part(),
        }
    }

    fn version(&mut self) -> &'static str {
        self.one_of(&["any", "any", "0", "1", "2"])
    }

    fn part(&mut self) -> String {
        match self.random.range(0..=9) {
            0..=4 => {
                let create = self.one_of(&["create", "create", "create2"]);
                let mode = self.one_of(&MODES);
                let path = match mode.contains("sequential") {
                    true => self.one_of(&["/a/n-", "/b/n-", "/a/"]),
                    false => self.path(),
                };
                format!("{create} {path} {mode} {}", self.one_of(&["", "d", "data"]))
            }
            5..=7 => format!("delete {} {}", self.path(), self.version()),
            _ => {
                format!("set {} {} {}", self.path(), self.version(), self.one_of(&["", "x", "yy"]))
            }
        }
    }
}

/// A step that was answered otherwise: its place, and both answers.
type Difference = (usize, [Vec<String>; 2]);

/// Plays the steps on both sides, each on an empty tree. What clients have not read when they come to their end is
/// compared too.
fn difference(steps: &[String], model: &mut dyn Side, real: &mut dyn Side) -> Option<Difference> {
    let (mut ours, mut theirs) = (Play::begin(model), Play::begin(real));
    let mut loose = BTreeSet::new();
    let mut found = None;
    for (place, step) in in_turn(steps).iter().enumerate() {
        let client = step.split(' ').next().unwrap_or_default();
        let mut answers = [ours.step(step), theirs.step(step)];
        // Nodes go with their session in the order of a hash set.
        if loose.contains(client) {
            answers.iter_mut().for_each(|lines| sort_events(lines));
        }
        if !step.contains(" sends ") {
            loose.remove(client);
        }
        if step.ends_with(" close") {
            loose.extend(CLIENTS);
        }
        if answers[0] != answers[1] {
            found = Some((place, answers));
            break;
        }
    }
    ours.end();
    theirs.end();
    found
}

/// The steps, where nobody has anything under way when another one asks: what comes first would be left to chance.
fn in_turn(steps: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    let mut waits: Option<String> = None;
    let last = CLIENTS.map(|client| format!("{client} ping"));
    for step in steps.iter().chain(&last) {
        let client = step.split(' ').next().unwrap_or_default();
        all.extend(
            waits
                .filter(|other| other != client || step.ends_with("connect"))
                .map(|other| format!("{other} ping")),
        );
        waits = step.contains(" sends ").then(|| client.to_owned());
        all.push(step.clone());
    }
    all
}

/// Sorts events that come one behind the other.
fn sort_events(lines: &mut [String]) {
    let is_event = |line: &String| line.starts_with("event ");
    for run in lines.chunk_by_mut(|one, next| is_event(one) && is_event(next)) {
        run.sort();
    }
}

#[test]
#[ignore = "starts a real server"]
fn random_requests_are_answered_alike() {
    let requests = setting("FENCEPOST_REQUESTS", 20_000);
    let first = setting("FENCEPOST_SEED", 1);
    let seeds = setting("FENCEPOST_SEEDS", 4);
    let mut count = 0;
    for seed in first..first + seeds {
        let (mut model, mut real) = (Model::of(1, 2000), Real::of(1, 2000));
        let mut generator = Generator::new(seed);
        let mut of_seed = 0;
        while of_seed < requests.div_ceil(seeds) {
            let steps = generator.steps(STEPS_PER_ROUND);
            of_seed += u64::try_from(steps.len()).expect("is short");
            let Some(mut shown) = difference(&steps, &mut model, &mut real) else { continue };
            println!("seed {seed}: differs after {of_seed} requests, is shrunk");
            let fewest = shrink(&steps, |steps| {
                let found = difference(steps, &mut model, &mut real);
                found.map(|found| shown = found).is_some()
            });
            let (place, [ours, theirs]) = shown;
            panic!(
                "seed {seed}: step {place} of these differs\n{}\nmodel {ours:#?}\nZooKeeper {theirs:#?}",
                in_turn(&fewest).join("\n")
            );
        }
        count += of_seed;
    }
    println!("{count} requests under {seeds} seeds answered alike");
}
