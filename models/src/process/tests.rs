//! What a process asks of its host, input by input.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::time::Duration;

use super::testing::{Driven, boot};
use super::*;
use crate::machine::{CloseReason, ConnectionId, Effect, NodeId};
use crate::message::Message;
use crate::time::{LocalClock, Mono};

/// A process driven by hand, whose first connection is number 7.
struct Bench {
    driven: Driven,
    now_ms: u64,
}

impl Bench {
    fn new<F: Future<Output = ()> + 'static>(main: impl FnOnce(Host) -> F) -> Self {
        let mut driven = Driven::new(NodeId(1), main);
        driven.next_connection = 7;
        Self { driven, now_ms: 0 }
    }

    fn give(&mut self, input: Input<'_>) -> Vec<Effect> {
        self.driven.now = Mono::from_nanos(self.now_ms * 1_000_000);
        self.driven.handle(input)
    }
}

fn timer_at(effects: &[Effect]) -> Option<u64> {
    effects.iter().rev().find_map(|effect| match effect {
        Effect::SetTimer { at, .. } => Some(at.as_millis()),
        _ => None,
    })
}

#[test]
fn a_sleep_sets_a_timer_and_ends_when_its_time_has_come() {
    let mut bench = Bench::new(|host| async move { host.sleep(Duration::from_millis(20)).await });
    assert_eq!(timer_at(&bench.give(Input::Started)), Some(20));
    bench.now_ms = 20;
    assert!(bench.give(Input::Timer(TimerId(0))).is_empty());
    assert!(bench.driven.process.is_finished());
}

#[test]
fn an_answer_in_time_costs_no_timer_and_a_late_one_times_out() {
    let outcome = Rc::new(Cell::new(None));
    let seen = outcome.clone();
    let mut bench = Bench::new(|host| async move {
        let connection = host.connect(NodeId(2)).await.expect("opens");
        for _ in 0..2 {
            connection.send(Message::Number(1));
            let limit = Duration::from_millis(200);
            seen.set(Some(host.timeout(limit, connection.receive()).await));
        }
    });
    let id = ConnectionId(7);
    assert!(
        matches!(bench.give(Input::Started)[..], [Effect::Connect { connection, .. }] if connection == id)
    );
    let effects = bench.give(Input::Connected { connection: id });
    assert_eq!(timer_at(&effects), Some(200));

    bench.now_ms = 5;
    let effects = bench.give(Input::Message { connection: id, message: &Message::Number(2) });
    assert_eq!(outcome.take(), Some(Ok(Ok(Message::Number(2)))));
    assert_eq!(timer_at(&effects), None, "the armed timer comes first and moves on");

    bench.now_ms = 200;
    assert_eq!(timer_at(&bench.give(Input::Timer(TimerId(0)))), Some(205));
    bench.now_ms = 205;
    let effects = bench.give(Input::Timer(TimerId(0)));
    assert_eq!(outcome.take(), Some(Err(TimedOut)));
    assert!(matches!(effects[..], [Effect::Close { connection }] if connection == id));
}

#[test]
fn what_arrived_before_the_close_can_still_be_read() {
    let seen = Rc::new(Cell::new(0));
    let count = seen.clone();
    let mut bench = Bench::new(|host| async move {
        let connection = host.connect(NodeId(2)).await.expect("opens");
        host.sleep(Duration::from_millis(10)).await;
        while connection.receive().await.is_ok() {
            count.set(count.get() + 1);
        }
        count.set(count.get() + 100);
    });
    let id = ConnectionId(7);
    bench.give(Input::Started);
    bench.give(Input::Connected { connection: id });
    bench.give(Input::Message { connection: id, message: &Message::Number(1) });
    bench.give(Input::Closed { connection: id, reason: CloseReason::ByPeer });
    bench.now_ms = 10;
    bench.give(Input::Timer(TimerId(0)));
    assert_eq!(seen.get(), 101);
}

#[test]
fn a_spawned_future_runs_beside_the_first() {
    let seen = Rc::new(Cell::new(0));
    let (first, second) = (seen.clone(), seen.clone());
    let mut bench = Bench::new(|host| async move {
        let inner = host.clone();
        host.spawn(async move {
            inner.sleep(Duration::from_millis(1)).await;
            second.set(second.get() + 1);
        });
        host.sleep(Duration::from_millis(2)).await;
        first.set(first.get() + 10);
    });
    bench.give(Input::Started);
    bench.now_ms = 1;
    bench.give(Input::Timer(TimerId(0)));
    assert_eq!(seen.get(), 1);
    bench.now_ms = 2;
    bench.give(Input::Timer(TimerId(0)));
    assert_eq!(seen.get(), 11);
    assert!(bench.driven.process.is_finished());
}

#[test]
fn a_connection_that_is_refused_is_an_error() {
    let refused = Rc::new(Cell::new(None));
    let seen = refused.clone();
    let mut bench = Bench::new(|host| async move {
        seen.set(host.connect(NodeId(2)).await.err());
    });
    bench.give(Input::Started);
    bench.give(Input::Closed { connection: ConnectionId(7), reason: CloseReason::Refused });
    assert_eq!(refused.get(), Some(CloseReason::Refused));
}

/// A hand-made channel of one value.
#[derive(Default)]
struct Slot {
    value: Cell<Option<u64>>,
    waker: Cell<Option<Waker>>,
}

impl Slot {
    fn put(&self, value: u64) {
        self.value.set(Some(value));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    async fn get(&self) -> u64 {
        poll_fn(|context| match self.value.take() {
            Some(value) => Poll::Ready(value),
            None => {
                self.waker.set(Some(context.waker().clone()));
                Poll::Pending
            }
        })
        .await
    }
}

#[test]
fn a_future_is_woken_by_a_later_one_in_the_moment_in_which_it_was_told() {
    let seen = Rc::new(Cell::new(None));
    let out = seen.clone();
    let mut bench = Bench::new(|host| async move {
        let slot = Rc::new(Slot::default());
        let (inner, sink) = (host.clone(), slot.clone());
        host.spawn(async move {
            loop {
                inner.sleep(Duration::from_millis(10)).await;
                sink.put(inner.mono().as_millis());
            }
        });
        loop {
            out.set(Some((slot.get().await, host.mono().as_millis())));
        }
    });
    bench.give(Input::Started);
    for now_ms in [10, 20] {
        bench.now_ms = now_ms;
        bench.give(Input::Timer(TimerId(0)));
        assert_eq!(seen.take(), Some((now_ms, now_ms)));
    }
}

#[test]
fn a_process_in_which_nobody_wakes_anybody_is_polled_once_an_input() {
    let polls = Rc::new(Cell::new(0));
    let seen = polls.clone();
    let mut bench = Bench::new(|_host| {
        poll_fn(move |_| {
            seen.set(seen.get() + 1);
            Poll::<()>::Pending
        })
    });
    for inputs in 1..4 {
        bench.give(Input::Timer(TimerId(0)));
        assert_eq!(polls.get(), inputs);
    }
}

/// Counts how often a future is polled.
async fn counted(polls: Rc<Cell<u32>>, future: impl Future) {
    let mut future = pin!(future);
    poll_fn(|context| {
        polls.set(polls.get() + 1);
        future.as_mut().poll(context).map(drop)
    })
    .await;
}

#[test]
fn of_several_futures_those_are_polled_that_wait_for_what_has_come() {
    let polls: [Rc<Cell<u32>>; 3] = Default::default();
    let [main, first, second] = polls.clone();
    let mut bench = Bench::new(move |host| async move {
        for (node, polls) in [(NodeId(2), first), (NodeId(3), second)] {
            let inner = host.clone();
            host.spawn(counted(polls, async move {
                let connection = inner.connect(node).await.expect("opens");
                let limit = Duration::from_millis(if node == NodeId(2) { 20 } else { 30 });
                while let Ok(Ok(_)) = inner.timeout(limit, connection.receive()).await {}
                Slot::default().get().await;
            }));
        }
        // Nothing says what it waits for.
        counted(main, poll_fn(|_| Poll::<()>::Pending)).await;
    });
    let polled = |bench: &mut Bench, now_ms, input: Input<'_>| {
        bench.now_ms = now_ms;
        bench.give(input);
        polls.each_ref().map(|polls| polls.take())
    };
    let [first, second] = [ConnectionId(7), ConnectionId(8)];
    let message = &Message::Number(1);
    polled(&mut bench, 0, Input::Started);
    assert_eq!(polled(&mut bench, 1, Input::Connected { connection: first }), [1, 1, 0]);
    assert_eq!(polled(&mut bench, 1, Input::Connected { connection: second }), [1, 0, 1]);
    let heard = Input::Message { connection: second, message };
    assert_eq!(polled(&mut bench, 2, heard), [1, 0, 1]);
    assert_eq!(polled(&mut bench, 20, heard), [1, 0, 1]);
    // A limit that is over is, whatever has come.
    assert_eq!(polled(&mut bench, 21, heard), [1, 1, 1]);
    assert_eq!(polled(&mut bench, 22, heard), [1, 0, 1], "it waits to be woken, which nobody does");
    let lost = Input::Closed { connection: second, reason: CloseReason::Reset };
    let [_, waits, told] = polled(&mut bench, 23, lost);
    assert_eq!((waits, told), (0, 1));
}

#[test]
fn what_nobody_is_woken_for_is_seen_whatever_comes() {
    let is_over = Rc::new(Cell::new(false));
    let ended = Rc::new(Cell::new(0));
    let (seen, end) = (is_over.clone(), ended.clone());
    let mut bench = Bench::new(move |host| async move {
        let other = host.clone();
        host.spawn(async move { other.sleep(Duration::from_secs(1)).await });
        let sleep = host.sleep(Duration::from_secs(2));
        assert_eq!(host.unless(|| seen.get(), sleep).await, None);
        end.set(host.mono().as_millis());
    });
    bench.give(Input::Started);
    bench.now_ms = 3;
    bench.give(Input::Message { connection: ConnectionId(1), message: &Message::Number(1) });
    assert_eq!(ended.get(), 0);
    is_over.set(true);
    bench.now_ms = 5;
    bench.give(Input::Message { connection: ConnectionId(1), message: &Message::Number(1) });
    assert_eq!(ended.get(), 5);
}

/// A waker that says whether it was used.
#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// An executor that polls as often as it likes.
struct Elsewhere;

impl Outside for Elsewhere {
    fn clock(&self) -> LocalClock {
        LocalClock::default()
    }

    fn next_connection(&self) -> ConnectionId {
        ConnectionId(0)
    }

    fn has_effects(&self) {}

    fn spawn(&self, _future: BoxedFuture) {}
}

#[test]
fn a_future_elsewhere_that_is_polled_often_waits_once() {
    let (mut hosted, host) = Hosted::new(boot(NodeId(1)), Rc::new(Elsewhere));
    let woken = Arc::<Flag>::default();
    let waker = Waker::from(woken.clone());
    let mut wait = pin!(host.accept());
    for _ in 0..1000 {
        assert!(wait.as_mut().poll(&mut TaskContext::from_waker(&waker)).is_pending());
    }
    assert_eq!(Arc::strong_count(&woken), 3, "this one, the waker, and the one that waits");
    let (mut next_connection, mut outbox) = (0, Vec::new());
    let mut context = Context::new(LocalClock::default(), &mut next_connection, &mut outbox);
    let accepted = Input::Accepted { connection: ConnectionId(3), peer: NodeId(2) };
    hosted.handle(accepted, &mut context);
    assert!(woken.0.load(Ordering::Relaxed));
}
