//! The same seed, the same run: runs something twice and compares the two histories record by
//! record, byte by byte. What `fencepost run --check-determinism` asks, and a test of your own can: a lock that looks
//! at a real clock does not pass.
//!
//! ```
//! use fencepost::determinism::{check, compare};
//! use fencepost::scenario::Scenario;
//!
//! let sale = Scenario::default();
//! let outcome = check(|| sale.run(7), |outcome| &outcome.run.history).expect("twice the same");
//!
//! let other = sale.run(8).expect("a run");
//! let parting = compare(&outcome.run.history, &other.run.history).expect("two seeds, two runs");
//! println!("{parting}"); // which event, when, and what each of the two has there
//! ```

use std::fmt;

use crate::world::SimTime;
use crate::world::history::{Event, History, RecordId};

/// The first place where two runs of the same seed differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The place in the history.
    pub record: RecordId,
    /// When it was, in the run that got further.
    pub at: SimTime,
    /// What the first run has there; `None` when it was over.
    pub first: Option<String>,
    /// What the second run has there.
    pub second: Option<String>,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = || "(the run was over)".to_owned();
        writeln!(
            f,
            "two runs of the same seed differ, first at event {}, {}:",
            self.record.0, self.at
        )?;
        writeln!(f, "  first run:  {}", self.first.clone().unwrap_or_else(over))?;
        write!(f, "  second run: {}", self.second.clone().unwrap_or_else(over))
    }
}

/// Runs something on this thread and once more on a new one, whose thread-local state is fresh,
/// and compares what happened. Returns the first run's result.
///
/// # Errors
///
/// The run failed, or the two differ.
pub fn check<T: Send, E: Send>(
    run: impl Fn() -> Result<T, E> + Sync,
    history: impl Fn(&T) -> &History,
) -> Result<T, NotTheSame<E>> {
    let first = run().map_err(NotTheSame::Failed)?;
    let second = on_a_new_thread(&run).map_err(NotTheSame::Failed)?;
    match compare(history(&first), history(&second)) {
        None => Ok(first),
        Some(divergence) => Err(NotTheSame::Diverged(Box::new(divergence))),
    }
}

/// Why [`check`] has no run to show.
#[derive(Debug, PartialEq, Eq)]
pub enum NotTheSame<E> {
    /// It could not be run.
    Failed(E),
    /// The two runs differ.
    Diverged(Box<Divergence>),
}

/// The first difference between two histories.
pub fn compare(first: &History, second: &History) -> Option<Divergence> {
    let (mut one, mut other) = (Vec::new(), Vec::new());
    let longer = first.records().len().max(second.records().len());
    let place = (0..longer as u32).map(RecordId).find(|id| {
        one.clear();
        other.clear();
        encode(first, *id, &mut one);
        encode(second, *id, &mut other);
        one != other || node(first, *id) != node(second, *id)
    })?;
    let at = first.record(place).or_else(|| second.record(place)).map(|record| record.at);
    Some(Divergence {
        record: place,
        at: at.unwrap_or_default(),
        first: describe(first, place),
        second: describe(second, place),
    })
}

fn encode(history: &History, id: RecordId, buffer: &mut Vec<u8>) {
    if let Some(record) = history.record(id) {
        history.encode_record(buffer, record);
    }
}

/// Two runs of other scenarios may give the same number to other nodes.
fn node(history: &History, id: RecordId) -> Option<&str> {
    history.record(id).map(|record| history.name(record.node))
}

/// A record in one line, with what it is about.
fn describe(history: &History, id: RecordId) -> Option<String> {
    let record = history.record(id)?;
    let content = match record.event {
        Event::Noted(note) => format!("{:?}", history.note(note)),
        Event::Sent(message) | Event::Delivered(message) => {
            format!("{:?} {:?}", record.event, history.message(message).message)
        }
        event => format!("{event:?}"),
    };
    Some(format!("{} {} {content}", record.at, history.name(record.node)))
}

/// Nothing is simulated across the two threads: this one waits for the other to end.
fn on_a_new_thread<T: Send>(run: &(impl Fn() -> T + Sync)) -> T {
    let joined = std::thread::scope(|scope| scope.spawn(run).join());
    joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use fencepost_models::note::Note;
    use fencepost_models::process::Process;

    use super::*;
    use crate::world::{Latency, Run, RunError, World};

    /// A world in which one process says a line.
    fn say(seed: u64, line: String) -> Result<Run, RunError> {
        let mut world = World::new(seed, Latency::Fixed(Duration::from_millis(1)));
        world.add_client("speaker", move |boot| {
            let line = line.clone();
            Process::new(boot, move |host| async move {
                host.work(Duration::ZERO..=Duration::from_millis(5)).await;
                host.note(Note::Remark { text: line });
            })
        });
        world.run(Duration::from_secs(1))
    }

    #[test]
    fn a_run_that_is_the_same_twice_passes() {
        let run = check(|| say(1, "hello".to_owned()), |run| &run.history).expect("the same");
        assert_eq!(run.history.notes().count(), 1);
    }

    #[test]
    fn the_first_event_that_differs_is_named() {
        let runs = AtomicU64::new(0);
        let count = || say(1, format!("run {}", runs.fetch_add(1, Ordering::Relaxed)));
        let Err(NotTheSame::Diverged(found)) = check(count, |run| &run.history) else {
            panic!("two runs that say different things are not the same");
        };
        assert!(found.first.as_ref().is_some_and(|line| line.contains("run 0")), "{found}");
        assert!(found.second.as_ref().is_some_and(|line| line.contains("run 1")), "{found}");
        assert!(found.to_string().contains("speaker Remark"), "{found}");
    }

    #[test]
    fn a_run_that_is_over_sooner_differs_where_it_ends() {
        let long = say(1, "hello".to_owned()).expect("runs").history;
        let short = History::new(long.nodes.clone(), Vec::new());
        let found = compare(&long, &short).expect("differ");
        assert_eq!(found.record, RecordId(0));
        assert_eq!(found.second, None);
        assert!(found.to_string().ends_with("(the run was over)"));
    }

    #[test]
    fn another_seed_gives_another_run() {
        let one = say(1, "hello".to_owned()).expect("runs").history;
        let two = say(2, "hello".to_owned()).expect("runs").history;
        assert!(compare(&one, &two).is_some());
    }
}
