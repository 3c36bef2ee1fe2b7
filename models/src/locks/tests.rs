//! What is written down about a lock that is held, and about one that is dropped.

use std::time::Duration;

use super::testing::Bench;
use super::*;
use crate::machine::NodeId;
use crate::message::Message;
use crate::process::Connection;

/// A lock that is granted by a message on its connection.
struct ByMessage {
    host: Host,
    connection: Connection,
    /// What it does between the message and its return.
    rest: Duration,
}

impl Lock for ByMessage {
    fn name(&self) -> Option<Name> {
        Some(Name::from_static("lock"))
    }

    async fn acquire(&mut self) -> Grant {
        let answer = self.connection.receive().await;
        self.host.sleep(self.rest).await;
        Grant::new(match answer {
            Ok(Message::Number(token)) => Some(token),
            _ => None,
        })
    }

    async fn release(&mut self, _grant: Grant) -> ReleaseOutcome {
        ReleaseOutcome::Removed
    }
}

/// A process that has opened a first connection, number 0, and a second, number 1.
fn with_connections<F: Future<Output = ()> + 'static>(
    main: impl FnOnce(Host, Connection, Connection) -> F + 'static,
) -> Bench {
    let mut bench = Bench::new(|host| async move {
        let first = host.connect(NodeId(2)).await.expect("opens");
        let second = host.connect(NodeId(3)).await.expect("opens");
        main(host, first, second).await;
    });
    bench.connected(0);
    bench.connected(0);
    bench
}

fn acquired(hold: u32, token: u64, granted_by: InputId) -> Note {
    Note::Acquired {
        lock: Name::from_static("lock"),
        hold,
        thread: 0,
        token: Some(token),
        reentered: false,
        granted_by: Some(granted_by),
    }
}

#[test]
fn the_message_that_granted_it_is_named_whatever_the_process_takes_until_it_returns() {
    let mut bench = with_connections(|host, connection, other| async move {
        host.spawn(async move { while other.receive().await.is_ok() {} });
        let rest = Duration::from_millis(10);
        let mut lock = Guarded::new(host.clone(), ByMessage { host, connection, rest });
        let held = lock.acquire().await;
        lock.release(held).await;
    });
    let granted_by = bench.message(1, 0, 7);
    bench.message(5, 1, 99);
    bench.time(11);
    let lock = || Name::from_static("lock");
    let expected = [
        Note::Acquiring { lock: lock(), thread: 0 },
        acquired(0, 7, granted_by),
        Note::Releasing { lock: lock(), hold: 0 },
        Note::Released { lock: lock(), outcome: ReleaseOutcome::Removed },
    ];
    assert_eq!(bench.notes, expected);
}

#[test]
fn a_message_that_another_future_reads_for_the_lock_is_found_too() {
    struct ByReader(std::rc::Rc<std::cell::Cell<Option<u64>>>);
    impl Lock for ByReader {
        fn name(&self) -> Option<Name> {
            Some(Name::from_static("lock"))
        }
        async fn acquire(&mut self) -> Grant {
            let take = || self.0.take().map_or(std::task::Poll::Pending, std::task::Poll::Ready);
            Grant::new(Some(std::future::poll_fn(|_| take()).await))
        }
        async fn release(&mut self, _grant: Grant) -> ReleaseOutcome {
            ReleaseOutcome::Removed
        }
    }
    let mut bench = with_connections(|host, connection, _other| async move {
        let slot = std::rc::Rc::new(std::cell::Cell::new(None));
        let sink = slot.clone();
        host.spawn(async move {
            if let Ok(Message::Number(number)) = connection.receive().await {
                sink.set(Some(number));
            }
        });
        let mut lock = Guarded::new(host, ByReader(slot));
        let held = lock.acquire().await;
        lock.release(held).await;
    });
    let granted_by = bench.message(1, 0, 7);
    assert_eq!(bench.notes[1], acquired(0, 7, granted_by));
}

#[test]
fn a_critical_section_that_times_out_ends_its_hold_and_no_other() {
    let mut bench = with_connections(|host, connection, _other| async move {
        let rest = Duration::ZERO;
        let mut lock =
            Guarded::new(host.clone(), ByMessage { host: host.clone(), connection, rest });
        let section = async {
            let _held = lock.acquire().await;
            std::future::pending::<()>().await;
        };
        assert!(host.timeout(Duration::from_millis(20), section).await.is_err());
        let held = lock.acquire().await;
        lock.release(held).await;
    });
    let first = bench.message(1, 0, 7);
    bench.time(20);
    let second = bench.message(30, 0, 8);
    let lock = || Name::from_static("lock");
    let expected = [
        Note::Acquiring { lock: lock(), thread: 0 },
        acquired(0, 7, first),
        Note::Abandoned { lock: lock(), hold: 0 },
        Note::Acquiring { lock: lock(), thread: 0 },
        acquired(1, 8, second),
        Note::Releasing { lock: lock(), hold: 1 },
        Note::Released { lock: lock(), outcome: ReleaseOutcome::Removed },
    ];
    assert_eq!(bench.notes, expected);
}

#[test]
fn who_drops_its_wait_has_given_up_and_may_wait_again() {
    let mut bench = with_connections(|host, connection, _other| async move {
        let rest = Duration::ZERO;
        let mut lock =
            Guarded::new(host.clone(), ByMessage { host: host.clone(), connection, rest });
        let patience = Duration::from_millis(20);
        assert!(host.timeout(patience, lock.acquire()).await.is_err());
        let held = lock.acquire().await;
        lock.release(held).await;
    });
    bench.time(20);
    let granted_by = bench.message(30, 0, 8);
    let lock = || Name::from_static("lock");
    let expected = [
        Note::Acquiring { lock: lock(), thread: 0 },
        Note::GaveUp { lock: lock(), thread: 0 },
        Note::Acquiring { lock: lock(), thread: 0 },
        acquired(0, 8, granted_by),
        Note::Releasing { lock: lock(), hold: 0 },
        Note::Released { lock: lock(), outcome: ReleaseOutcome::Removed },
    ];
    assert_eq!(bench.notes, expected);
}
