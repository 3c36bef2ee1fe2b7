//! Runs that would not end.

use std::task::Poll;

use super::super::{LimitReached, Limits, RunError};
use super::*;

fn limited(limits: Limits, machine: impl FnMut(Boot) -> AnyActs + 'static) -> LimitReached {
    let mut world = world();
    world.add_server("server", machine);
    world.set_limits(limits);
    let Err(RunError::Limit(reached)) = world.run(ms(60_000)) else {
        panic!("no limit reached");
    };
    reached
}

/// Sets a timer that is due after this, again and again.
fn ticks(delay: Duration) -> impl FnMut(Boot) -> AnyActs {
    move |_boot| {
        Acts(Box::new(move |_input: Input<'_>, context: &mut Context<'_>| {
            context.set_timer(TimerId(1), delay);
        }))
    }
}

#[test]
fn a_machine_that_goes_round_in_circles_at_one_instant_is_caught() {
    let limits = Limits { events: 10_000, ..Limits::default() };
    let reached = limited(limits, ticks(Duration::ZERO));
    assert_eq!(reached, LimitReached::Events { limit: 10_000, simulated: Duration::ZERO });
    assert_eq!(
        reached.to_string(),
        "stopped by limits.events: 10000 events handled, and only 0ns simulated"
    );
}

#[test]
fn a_machine_that_does_too_much_is_caught_where_it_is() {
    let limits = Limits { events: 10_000, ..Limits::default() };
    let reached = limited(limits, ticks(ms(1)));
    assert_eq!(reached, LimitReached::Events { limit: 10_000, simulated: ms(9999) });
}

#[test]
fn a_run_below_its_limits_is_left_alone() {
    let mut world = world();
    world.add_server("server", ticks(ms(1)));
    world.set_limits(Limits { events: 1003, simulated: ms(1000), memory: 1 << 20 });
    assert_eq!(world.run(ms(1000)).unwrap().events, 1001);
}

#[test]
fn a_run_that_asks_for_too_much_time_does_not_begin() {
    let mut world = world();
    world.set_limits(Limits { simulated: ms(10_000), ..Limits::default() });
    let Err(RunError::Limit(reached)) = world.run(ms(10_001)) else {
        panic!("no limit reached");
    };
    assert_eq!(reached, LimitReached::Simulated { limit: ms(10_000), asked: ms(10_001) });
    assert_eq!(reached.to_string(), "stopped by limits.simulated: 10.001s asked for, 10s allowed");
}

#[test]
fn a_history_that_grows_too_large_is_caught() {
    let mut world = world();
    let server = world.add_server("server", sink);
    world.add_client("client", move |_boot| {
        let mut connection = ConnectionId(0);
        acts(move |input, context| {
            match input {
                Input::Started => connection = context.connect(server),
                Input::Timer(_) => {
                    context.send(connection, Message::Bytes(vec![0; 10_000].into()));
                }
                _ => {}
            }
            context.set_timer(TimerId(1), ms(1));
        })
    });
    world.set_limits(Limits { memory: 1_000_000, ..Limits::default() });
    let Err(RunError::Limit(reached)) = world.run(ms(60_000)) else {
        panic!("no limit reached");
    };
    let LimitReached::Memory { limit: 1_000_000, simulated } = reached else {
        panic!("{reached}");
    };
    assert!((ms(90)..ms(110)).contains(&simulated), "{simulated:?}");
    assert!(
        reached
            .to_string()
            .starts_with("stopped by limits.memory: the run takes more than 1000000")
    );
}

#[test]
fn connections_that_are_over_count_as_memory_too() {
    let run = |memory| {
        let mut world = world();
        // Ten thousand, one after the other.
        world.add_client("client", |_boot| {
            let mut left = 10_000;
            acts(move |input, context| {
                if let Input::Started | Input::Closed { .. } = input
                    && left > 0
                {
                    left -= 1;
                    context.connect(NodeId(99));
                }
            })
        });
        world.set_limits(Limits { memory, ..Limits::default() });
        world.run(ms(1))
    };
    let history = run(u64::MAX).unwrap().history.memory();
    assert!(matches!(
        run(history + 10_000 * 48),
        Err(RunError::Limit(LimitReached::Memory { .. }))
    ));
    assert!(run(history + 10_000 * 48 + 10_000).is_ok(), "and next to nothing waits in the queue");
}

#[test]
fn a_storm_of_connections_is_caught() {
    let mut world = world();
    let server = world.add_server("server", sink);
    world.add_client("client", move |_boot| {
        acts(move |input, context| {
            if let Input::Started | Input::Connected { .. } = input {
                context.connect(server);
                context.connect(server);
            }
        })
    });
    world.set_limits(Limits { events: 20_000, ..Limits::default() });
    let Err(RunError::Limit(LimitReached::Events { limit: 20_000, .. })) = world.run(ms(60_000))
    else {
        panic!("no limit reached");
    };
}

#[test]
fn foreign_code_that_never_stops_talking_is_caught() {
    let mut world = world();
    world.add_foreign("talker", |host| async move {
        loop {
            host.note(remark("and"));
            let mut has_yielded = false;
            std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::replace(&mut has_yielded, true) {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
        }
    });
    world.set_limits(Limits { events: 10_000, ..Limits::default() });
    let Err(RunError::Limit(LimitReached::Events { limit: 10_000, .. })) = world.run(ms(60_000))
    else {
        panic!("no limit reached");
    };
}
