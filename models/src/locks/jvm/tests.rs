use std::time::Duration;

use super::*;
use crate::locks::Guarded;
use crate::locks::testing::Bench;
use crate::note::Note;

/// A process whose threads each come at their millisecond and hold for ten.
fn threads(fair: bool, come_at_micros: &'static [u64]) -> Bench {
    Bench::new(move |host| async move {
        let lock = JvmLock::new(JvmLockSettings { fair, ..JvmLockSettings::default() });
        for at in come_at_micros {
            host.spawn_thread(|host| hold(host.clone(), lock.of_thread(host), *at));
        }
    })
}

async fn hold(host: Host, lock: JvmThread, at_micros: u64) {
    let mut lock = Guarded::new(host.clone(), lock);
    host.sleep(Duration::from_micros(at_micros)).await;
    let held = lock.acquire().await;
    host.sleep(Duration::from_millis(10)).await;
    lock.release(held).await;
}

/// Each grant: its thread, its token.
fn grants(bench: &Bench) -> Vec<(u32, Option<u64>)> {
    let grant = |note: &Note| match note {
        Note::Acquired { thread, token, granted_by: None, .. } => Some((*thread, *token)),
        _ => None,
    };
    bench.notes.iter().filter_map(grant).collect()
}

/// Lets so many milliseconds pass, in steps in which nothing can be missed.
fn pass(bench: &mut Bench, until_ms: u64) {
    for now_ms in 0..=until_ms {
        bench.time(now_ms);
    }
}

#[test]
fn threads_get_it_one_after_the_other_in_the_order_in_which_they_queued() {
    let mut bench = threads(false, &[0, 2_000, 1_000]);
    pass(&mut bench, 5);
    assert_eq!(grants(&bench), [(1, Some(1))]);
    pass(&mut bench, 60);
    assert_eq!(grants(&bench), [(1, Some(1)), (3, Some(2)), (2, Some(3))]);
}

#[test]
fn a_thread_that_comes_while_the_first_in_the_queue_wakes_gets_by_unless_the_lock_is_fair() {
    // The third comes in the very moment of the release.
    let come: &[u64] = &[0, 1_000, 10_000];
    for (fair, order) in [(false, [1, 3, 2]), (true, [1, 2, 3])] {
        let mut bench = threads(fair, come);
        pass(&mut bench, 60);
        let threads: Vec<u32> = grants(&bench).iter().map(|(thread, _)| *thread).collect();
        assert_eq!(threads, order, "fair: {fair}");
    }
}

#[test]
fn a_thread_enters_once_more_and_leaves_as_often() {
    let mut bench = Bench::new(|host| async move {
        let lock = JvmLock::new(JvmLockSettings::default());
        let other = lock.clone();
        host.spawn_thread(|host| async move {
            let mut lock = Guarded::new(host.clone(), lock.of_thread(host.clone()));
            let (outer, inner) = (lock.acquire().await, lock.acquire().await);
            assert_eq!(inner.grant().token, outer.grant().token);
            assert!(inner.grant().reentered && !outer.grant().reentered);
            host.sleep(Duration::from_millis(5)).await;
            lock.release(inner).await;
            host.sleep(Duration::from_millis(5)).await;
            lock.release(outer).await;
        });
        host.spawn_thread(|host| hold(host.clone(), other.of_thread(host), 1_000));
    });
    pass(&mut bench, 8);
    assert_eq!(grants(&bench).len(), 2, "one release of two frees nothing");
    pass(&mut bench, 20);
    assert_eq!(grants(&bench)[2], (2, Some(2)));
}

#[test]
fn what_a_thread_does_not_hold_it_cannot_give_back() {
    let mut bench = Bench::new(|host| async move {
        let lock = JvmLock::new(JvmLockSettings::default());
        let mut stranger = lock.of_thread(host.clone());
        host.spawn_thread(|host| hold(host.clone(), lock.of_thread(host), 0));
        host.sleep(Duration::from_millis(1)).await;
        assert_eq!(stranger.release(Grant::default()).await, ReleaseOutcome::NotHeld);
        host.note(Note::SoldOut { thread: 0 });
    });
    pass(&mut bench, 5);
    assert!(bench.notes.contains(&Note::SoldOut { thread: 0 }));
}

#[test]
fn who_gives_up_waiting_leaves_the_queue_and_stands_in_nobodys_way() {
    let mut bench = Bench::new(|host| async move {
        let lock = JvmLock::new(JvmLockSettings::default());
        let (first, second, third) = (lock.clone(), lock.clone(), lock);
        host.spawn_thread(|host| hold(host.clone(), first.of_thread(host), 0));
        host.spawn_thread(|host| async move {
            host.sleep(Duration::from_millis(1)).await;
            let mut lock = second.of_thread(host.clone());
            assert!(host.timeout(Duration::from_millis(2), lock.acquire()).await.is_err());
        });
        host.spawn_thread(|host| hold(host.clone(), third.of_thread(host), 2_000));
    });
    pass(&mut bench, 40);
    assert_eq!(grants(&bench), [(1, Some(1)), (3, Some(2))]);
}
