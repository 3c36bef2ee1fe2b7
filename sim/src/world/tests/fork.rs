//! A run that goes on otherwise.

use std::num::NonZeroU64;

use fencepost_faults::Trigger;

use super::super::history::RecordId;
use super::super::{Fork, RunError, SimTime};
use super::*;

/// A node that draws how long it waits, from 80 ms to 120 ms, and says so each time.
fn remarks(boot: Boot) -> impl Machine {
    let mut random = boot.random;
    acts(move |input, context| {
        if let Input::Timer(_) = input {
            context.note(remark("here"));
        }
        context.set_timer(TimerId(1), random.duration(ms(80)..=ms(120)));
    })
}

fn when(nth: u32, after_ms: u64) -> Fault {
    let trigger = Trigger { node: None, event: "remark".to_owned(), nth, after: ms(after_ms) };
    Fault { start: Start::When(trigger), length: Some(ms(10)), action: pause("one") }
}

fn at(at_ms: u64) -> Fault {
    fault(at_ms, 10, pause("one"))
}

/// A run with these faults, the first of which is not drawn, which goes on otherwise from a record on.
fn forked(faults: &[Fault], fork: Option<(u32, &[Fault])>) -> Run {
    let mut world = world();
    world.add_client("one", remarks);
    world.inject(faults.to_vec());
    if let Some((at, drawn)) = fork {
        let future = NonZeroU64::new(3).unwrap();
        world.fork(Fork { at: RecordId(at), future, kept_faults: 1, drawn: drawn.to_vec() });
    }
    world.run(ms(1000)).unwrap()
}

/// How many records there are up to the `nth` remark.
fn up_to_remark(run: &Run, nth: usize) -> u32 {
    run.history.notes().nth(nth - 1).unwrap().0.0 + 1
}

fn begins(run: &Run) -> Vec<Option<SimTime>> {
    run.faults.iter().map(|fault| fault.began_at).collect()
}

#[test]
fn up_to_the_point_it_is_the_same_run_and_then_the_draws_are_others() {
    let as_it_was = forked(&[at(5_000)], None);
    let point = up_to_remark(&as_it_was, 3);
    let other = forked(&[at(5_000)], Some((point, &[])));
    let (one, two) = (as_it_was.history.records(), other.history.records());
    assert_eq!(one[..point as usize], two[..point as usize]);
    // The timer had been set before, so it goes off when it would have.
    let remark = |run: &Run, nth: usize| run.history.notes().nth(nth - 1).unwrap().1.at;
    assert_eq!(remark(&as_it_was, 4), remark(&other, 4));
    assert_ne!(remark(&as_it_was, 5), remark(&other, 5));
    let again = forked(&[at(5_000)], Some((point, &[])));
    assert_eq!(again.history.digest(), other.history.digest());
    assert_eq!(forked(&[at(5_000)], None).history.digest(), as_it_was.history.digest());
}

#[test]
fn drawn_faults_that_have_not_begun_are_called_off_and_others_come() {
    // One of the scenario's own, then drawn ones: begun by then, to come, pulled, waiting.
    let faults = [at(700), at(50), at(600), when(2, 300), when(5, 0)];
    let as_it_was = forked(&faults, None);
    assert!(begins(&as_it_was).iter().all(Option::is_some));
    let point = up_to_remark(&as_it_was, 3);
    let now = as_it_was.history.record(RecordId(point - 1)).unwrap().at;
    let remark = |run: &Run, nth: usize| run.history.notes().nth(nth - 1).unwrap().1.at;

    let drawn = [at(50), at(800), when(1, 0), when(2, 300), when(4, 7), when(3, 0)];
    let run = forked(&faults, Some((point, &drawn)));
    let second = remark(&as_it_was, 2);
    let fourth = remark(&run, 4);
    assert!(second + ms(300) > now);
    let (old, new) = (
        [Some(ms(700)), Some(ms(50)), None, None, None].map(|at| at.map(SimTime::after)),
        [Some(SimTime::after(ms(800))), Some(second + ms(300)), Some(fourth + ms(7))],
    );
    assert_eq!(begins(&run), [&old[..], &new[..]].concat(), "what would have begun is left out");
    assert_eq!(run.history.faults.len(), run.faults.len());
    let paused = run.history.records().iter().filter(|record| record.event == Event::Paused);
    assert_eq!(paused.count(), 5, "each of those that have begun");
}

#[test]
fn a_fork_behind_the_end_is_never_come_to() {
    let as_it_was = forked(&[at(5_000)], None);
    let run = forked(&[at(5_000)], Some((1_000_000, &[at(1)])));
    assert_eq!(run.history.digest(), as_it_was.history.digest());
    assert_eq!(run.faults.len(), 1);
}

#[test]
fn a_drawn_fault_at_nobody_is_an_error_before_anything_runs() {
    let mut world = world();
    world.add_client("one", remarks);
    let drawn = vec![fault(1, 1, pause("nobody"))];
    let future = NonZeroU64::MIN;
    world.fork(Fork { at: RecordId(1_000_000), future, kept_faults: 0, drawn });
    assert!(matches!(world.run(ms(10)), Err(RunError::UnknownNode(_))));
}
