//! Code that was written for tokio runs as it is: its timers, tasks, channels and macros, in simulated time. The same seed
//! gives the same run.

use std::rc::Rc;
use std::time::Duration;

use fencepost::determinism;
use fencepost::own::{Node, Note, OwnLock, ReleaseOutcome, recipe};
use fencepost::scenario::FaultKind::{Crash, Pause};
use fencepost::scenario::Scenario;
use tokio::sync::{Mutex, Notify, mpsc, oneshot, watch};
use tokio::task::spawn_local;
use tokio::time::{Instant, interval, sleep, timeout};

/// A lock of one process whose holder is told through channels; what it is told of tokio is written down.
struct Told {
    node: Node,
    mutex: Mutex<u64>,
}

impl Told {
    fn say(&self, text: impl Into<String>) {
        self.node.host().note(Note::Remark { text: text.into() });
    }

    async fn timers(&self) {
        let begin = Instant::now();
        let late = timeout(Duration::from_millis(10), sleep(Duration::from_secs(9))).await;
        let mut ticks = interval(Duration::from_millis(5));
        for _ in 0..3 {
            ticks.tick().await;
        }
        // Each may be up to a millisecond late, as tokio's are.
        let is_about_20_ms = (20..=23).contains(&begin.elapsed().as_millis());
        self.say(format!("late {}, after 20 ms {is_about_20_ms}", late.is_err()));
    }

    async fn tasks(&self) {
        let (numbers, mut answers) = mpsc::channel(1);
        let task = spawn_local(async move {
            for number in 1..=3 {
                sleep(Duration::from_millis(1)).await;
                let _ = numbers.send(number).await;
            }
            "done"
        });
        let mut sum = 0;
        while let Some(number) = answers.recv().await {
            sum += number;
        }
        let sent = tokio::spawn(async { 7 }).await;
        self.say(format!("{sum}, {:?}, {}", task.await.ok(), sent.unwrap_or_default()));
    }

    async fn channels(&self) {
        let (answer, asked) = oneshot::channel();
        let (state, mut states) = watch::channel("waits");
        let bell = Rc::new(Notify::new());
        let rung = Rc::clone(&bell);
        spawn_local(async move {
            rung.notified().await;
            let _ = state.send("works");
            let _ = answer.send(42);
        });
        bell.notify_one();
        let changed = states.changed().await.is_ok();
        let (state, answer) = tokio::join!(async { *states.borrow() }, asked);
        self.say(format!("{changed}, {state}, {answer:?}"));
    }

    /// Both branches are ready; `biased` says which is looked at first.
    async fn choices(&self) {
        let chosen = tokio::select! {
            biased;
            () = std::future::ready(()) => "first",
            () = sleep(Duration::ZERO) => "second",
        };
        let slow = tokio::select! {
            biased;
            () = sleep(Duration::from_millis(20)) => "slow",
            () = sleep(Duration::from_millis(2)) => "quick",
        };
        self.say(format!("{chosen}, {slow}"));
    }
}

impl OwnLock for Told {
    type Guard = u64;

    async fn acquire(&self) -> u64 {
        self.timers().await;
        self.tasks().await;
        self.channels().await;
        self.choices().await;
        let mut grants = self.mutex.lock().await;
        *grants += 1;
        *grants
    }

    async fn release(&self, _: &u64) -> ReleaseOutcome {
        sleep(Duration::from_millis(3)).await;
        ReleaseOutcome::Removed
    }
}

fn told() -> Scenario {
    let make = async |node| Told { node, mutex: Mutex::new(0) };
    Scenario::default().but(|s| {
        s.lock = recipe("told", make).without_tokens().into();
        (s.shop.buyers, s.shop.stock) = (1, 2);
        s.duration = Duration::from_secs(5);
    })
}

#[test]
fn timers_tasks_channels_and_macros_do_what_they_do_in_tokio() {
    let outcome = told().run(1).unwrap();
    let notes = outcome.run.history.notes();
    let said = notes.filter_map(|(_, _, note)| match note {
        Note::Remark { text } => Some(text.as_str()),
        _ => None,
    });
    let said: Vec<&str> = said.take(4).collect();
    let expected = [
        "late true, after 20 ms true",
        "6, Some(\"done\"), 7",
        "true, works, Ok(42)",
        "first, quick",
    ];
    assert_eq!(said, expected);
}

#[test]
fn each_seed_gives_the_same_run_again_under_faults_too() {
    let troubled = told().under(&[Pause, Crash], 3);
    for seed in 0..10 {
        let run = || troubled.run(seed);
        assert!(determinism::check(run, |outcome| &outcome.run.history).is_ok(), "seed {seed}");
    }
}

/// Chooses between what is ready at once, as tokio draws it.
struct Whimsical(Node);

impl OwnLock for Whimsical {
    type Guard = ();

    async fn acquire(&self) {
        for _ in 0..64 {
            let wait = tokio::select! {
                () = std::future::ready(()) => 1,
                () = std::future::ready(()) => 2,
            };
            self.0.host().sleep(Duration::from_millis(wait)).await;
        }
    }

    async fn release(&self, (): &()) -> ReleaseOutcome {
        ReleaseOutcome::Removed
    }
}

#[test]
fn a_select_without_biased_is_found_out() {
    let whimsical = told().but(|s| {
        s.lock = recipe("whimsical", async |node| Whimsical(node)).without_tokens().into();
    });
    let same = determinism::check(|| whimsical.run(1), |outcome| &outcome.run.history);
    assert!(
        same.is_err(),
        "tokio draws from numbers that the seed gives: the guide need not warn of it"
    );
}
