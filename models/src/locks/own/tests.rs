use std::cell::RefCell;

use super::*;
use crate::locks::testing::Bench;
use crate::machine::{Input, TimerId};

/// A lock whose extension and whose answers are written down beforehand.
struct Scripted {
    extensions: Rc<RefCell<Vec<bool>>>,
    is_held: Option<bool>,
}

impl OwnLock for Scripted {
    type Guard = u64;

    async fn acquire(&self) -> u64 {
        7
    }

    async fn release(&self, guard: &u64) -> ReleaseOutcome {
        (*guard == 7).into()
    }

    fn token(&self, guard: &u64) -> Option<u64> {
        Some(guard * 10)
    }

    async fn is_held(&self, _: &u64) -> Option<bool> {
        self.is_held
    }

    fn extends_every(&self) -> Option<Duration> {
        Some(Duration::from_secs(1))
    }

    async fn extend(&self, _: &u64) -> bool {
        self.extensions.borrow_mut().pop().unwrap_or(true)
    }
}

const NAME: Name = Name::from_static("mine");

fn scripted(extensions: &[bool], is_held: Option<bool>) -> Scripted {
    let extensions = extensions.iter().rev().copied().collect();
    Scripted { extensions: Rc::new(RefCell::new(extensions)), is_held }
}

/// A client that holds the lock for three and a half seconds, or until it is lost, and says which.
fn holder(lock: Scripted) -> Bench {
    Bench::new(move |host| async move {
        let mut lock = Guarded::new(host.clone(), Own::new(host.clone(), NAME, lock));
        let held = lock.acquire().await;
        let stopped = host.timeout(Duration::from_millis(3_500), lock.lost()).await.is_ok();
        let is_held = lock.is_held(&held).await;
        host.note(Note::Remark { text: format!("stopped: {stopped}, held: {is_held:?}") });
        lock.release(held).await;
    })
}

/// Lets the seconds pass; what it has written down by then, by kinds.
fn after_five_seconds(bench: &mut Bench) -> Vec<String> {
    for tenth in 1..=50 {
        bench.give(tenth * 100, Input::Timer(TimerId(0)));
    }
    let said = bench.notes.iter().map(|note| match note {
        Note::Remark { text } => text.clone(),
        Note::Acquired { token, .. } => format!("acquired, token {token:?}"),
        Note::Released { outcome, .. } => format!("released, {outcome:?}"),
        note => note.kind().to_owned(),
    });
    said.collect()
}

#[test]
fn a_lease_is_extended_while_the_lock_is_held_and_not_after() {
    let lock = scripted(&[true, true, true, false], None);
    let left = Rc::clone(&lock.extensions);
    let said = after_five_seconds(&mut holder(lock));
    let expected = [
        "acquiring",
        "acquired, token Some(70)",
        "stopped: false, held: None",
        "releasing",
        "released, Removed",
    ];
    assert_eq!(said, expected);
    assert_eq!(*left.borrow(), [false], "nobody has asked for a fourth extension");
}

#[test]
fn a_lease_that_cannot_be_extended_is_lost_and_its_holder_stops() {
    let said = after_five_seconds(&mut holder(scripted(&[true, false], None)));
    let expected = [
        "acquiring",
        "acquired, token Some(70)",
        "lock-lost",
        "stopped: true, held: None",
        "releasing",
        "released, Removed",
    ];
    assert_eq!(said, expected);
}

#[test]
fn who_asks_and_is_no_holder_knows_that_the_lock_is_lost() {
    let said = after_five_seconds(&mut holder(scripted(&[], Some(false))));
    let lost = said.iter().position(|one| one == "lock-lost").unwrap();
    assert_eq!(said[lost + 1], "stopped: false, held: Some(false)");
}

#[test]
fn work_is_dropped_when_the_lock_is_lost_and_begins_again_with_the_next_grant() {
    let lock = scripted(&[false], None);
    let mut bench = Bench::new(move |host| async move {
        let own = Own::new(host.clone(), NAME, lock);
        let second = Duration::from_secs(1);
        let work = async |token| {
            host.note(Note::Remark { text: format!("begins with {token:?}") });
            host.sleep(Duration::from_millis(2_500)).await;
            host.note(Note::Remark { text: "ends".to_owned() });
        };
        work_under(host.clone(), own, (second, second), work).await;
    });
    let said = after_five_seconds(&mut bench);
    let expected = [
        "acquiring",
        "acquired, token Some(70)",
        "begins with Some(70)",
        "lock-lost",
        "releasing",
        "released, Removed",
        "acquiring",
        "acquired, token Some(70)",
        "begins with Some(70)",
        "ends",
        "releasing",
        "released, Removed",
    ];
    assert_eq!(said, expected);
}
