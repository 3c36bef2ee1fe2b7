//! Clocks: wrong from the begin, jumping, drifting.

use super::*;

/// What the clocks of `client` show at these true times, read when a message arrives: the wall
/// clock since the epoch of the simulation, the monotonic one since the process started.
fn readings(at_ms: &'static [u64], faults: Vec<Fault>, offset: i64, ppm: i32) -> Vec<(i64, u64)> {
    const EPOCH_MS: i64 = 1_767_225_600_000;
    let mut world = World::new(1, Latency::Fixed(Duration::ZERO));
    let reader = world.add_server("reader", |boot| {
        acts(move |input, context| {
            if let Input::Message { .. } = input {
                let wall = context.clock.wall.as_millis() as i64 - EPOCH_MS;
                let mono = context.clock.mono.saturating_since(boot.clock.mono).as_millis();
                context.note(remark(format!("{wall} {mono}")));
            }
        })
    });
    world.add_client("teller", sends(reader, at_ms));
    world.set_clock(reader, offset, ppm);
    world.inject(faults);
    let run = world.run(ms(100_000)).unwrap();
    let notes = run.history.notes().map(|(_, _, note)| match note {
        Note::Remark { text } => {
            let (wall, mono) = text.split_once(' ').unwrap();
            (wall.parse().unwrap(), mono.parse().unwrap())
        }
        _ => unreachable!(),
    });
    notes.collect()
}

fn jump(by_ms: i64) -> Action {
    Action::ClockJump { node: "reader".to_owned(), by_nanos: by_ms * 1_000_000 }
}

fn drift(ppm: i32) -> Action {
    Action::ClockDrift { node: "reader".to_owned(), ppm }
}

#[test]
fn clocks_run_true_unless_told_otherwise() {
    assert_eq!(readings(&[1, 7000], Vec::new(), 0, 0), [(1, 1), (7000, 7000)]);
}

#[test]
fn a_clock_may_be_wrong_from_the_begin() {
    let read = readings(&[1000, 2000], Vec::new(), -500_000_000, 0);
    assert_eq!(read, [(500, 1000), (1500, 2000)]);
    let read = readings(&[1000, 2000], Vec::new(), 0, 100_000);
    assert_eq!(read, [(1100, 1100), (2200, 2200)]);
}

#[test]
fn only_the_wall_clock_jumps_and_it_is_set_back() {
    let faults = vec![fault(1000, 1000, jump(-300)), for_ever(3000, jump(5000))];
    let read = readings(&[999, 1001, 1999, 2001, 3001], faults, 0, 0);
    assert_eq!(read, [(999, 999), (701, 1001), (1699, 1999), (2001, 2001), (8001, 3001)]);
}

#[test]
fn jumps_add_up() {
    let faults = vec![fault(1000, 2000, jump(100)), fault(2000, 2000, jump(10))];
    let read = readings(&[1500, 2500, 3500, 4500], faults, 0, 0);
    assert_eq!(read, [(1600, 1500), (2610, 2500), (3510, 3500), (4500, 4500)]);
}

#[test]
fn a_drift_moves_both_clocks_while_it_lasts_and_what_it_moved_stays() {
    let read = readings(&[500, 2000, 3000, 4000], vec![fault(1000, 2000, drift(-500_000))], 0, 0);
    assert_eq!(read, [(500, 500), (1500, 1500), (2000, 2000), (3000, 3000)]);
}

#[test]
fn drifts_add_up() {
    let faults = vec![fault(1000, 2000, drift(100_000)), for_ever(2000, drift(200_000))];
    let read = readings(&[1000, 2000, 3000, 4000], faults, 0, 0);
    assert_eq!(read, [(1000, 1000), (2100, 2100), (3400, 3400), (4600, 4600)]);
}

/// When timers of one and two seconds fire on a clock under these faults.
fn timers(faults: Vec<Fault>) -> Vec<String> {
    let mut world = world();
    world.add_client("reader", |_boot| {
        acts(|input, context| match input {
            Input::Started => {
                context.set_timer(TimerId(1), ms(1000));
                context.set_timer(TimerId(2), ms(2000));
            }
            Input::Timer(timer) => context.note(remark(timer.0)),
            _ => {}
        })
    });
    world.inject(faults);
    story(&world.run(ms(100_000)).unwrap(), "reader")
        .into_iter()
        .filter(|line| !line.contains("clock"))
        .collect()
}

#[test]
fn timers_run_on_the_monotonic_clock() {
    assert_eq!(timers(vec![for_ever(500, jump(3_600_000))]), ["1s 1", "2s 2"]);
    assert_eq!(timers(vec![for_ever(500, jump(-3_600_000))]), ["1s 1", "2s 2"]);
    assert_eq!(timers(vec![for_ever(0, drift(1_000_000))]), ["500ms 1", "1s 2"]);
    assert_eq!(timers(vec![for_ever(500, drift(-500_000))]), ["1500ms 1", "3500ms 2"]);
    assert_eq!(timers(vec![fault(500, 500, drift(-500_000))]), ["1250ms 1", "2250ms 2"]);
}

#[test]
fn a_timer_that_became_due_in_a_pause_fires_once_though_the_clock_changed_its_rate() {
    let faults = vec![
        fault(900, 2000, Action::Pause { node: "reader".to_owned() }),
        fault(1500, 100, drift(500_000)),
    ];
    assert_eq!(timers(faults), ["900ms paused", "2900ms resumed", "2900ms 1", "2900ms 2"]);
}

#[test]
fn hosts_have_been_up_for_different_times() {
    let mut world = world();
    for name in ["one", "other"] {
        world.add_client(name, |boot| {
            acts(move |input, context| {
                if let Input::Started = input {
                    context.note(remark(boot.clock.mono.as_nanos()));
                }
            })
        });
    }
    let run = world.run(ms(1)).unwrap();
    assert_ne!(story(&run, "one"), story(&run, "other"));
}

fn faulty_clocks(node: &str) -> Vec<Fault> {
    let node = || node.to_owned();
    vec![
        fault(100, 100, Action::ClockJump { node: node(), by_nanos: 5 }),
        fault(100, 100, Action::ClockDrift { node: node(), ppm: 5 }),
    ]
}

#[test]
fn a_clock_fault_that_somebody_lived_through_has_fired() {
    let run = run_pair(1000, &[140], faulty_clocks("server"));
    assert_eq!((fired(&run, 0), fired(&run, 1)), ((true, 1), (true, 1)));
    assert_eq!(
        only(&run, "server", "clock"),
        [
            "100ms clock set by 5 ns",
            "100ms clock drifts 5",
            "200ms clock set by -5 ns",
            "200ms clock drifts 0"
        ]
    );
}

#[test]
fn a_jump_that_nobody_saw_has_not_fired_and_what_a_drift_moved_is_seen_later() {
    let run = run_pair(1000, &[], faulty_clocks("server"));
    assert_eq!((fired(&run, 0), fired(&run, 1)), ((false, 0), (false, 0)));
    let run = run_pair(1000, &[500, 600], faulty_clocks("server"));
    assert_eq!((fired(&run, 0), fired(&run, 1)), ((false, 0), (true, 2)));
}

#[test]
fn clock_faults_of_a_dark_host_and_of_nothing_do_nothing() {
    let mut faults = vec![fault(50, 100, power_loss("server"))];
    faults.extend(faulty_clocks("server"));
    faults.push(for_ever(300, Action::ClockJump { node: "client".to_owned(), by_nanos: 0 }));
    faults.push(for_ever(300, Action::ClockDrift { node: "client".to_owned(), ppm: 0 }));
    faults.push(fault(300, 0, Action::ClockDrift { node: "client".to_owned(), ppm: 9 }));
    let run = run_pair(1000, &[500], faults);
    for place in 1..6 {
        assert_eq!(fired(&run, place), (false, 0), "{}", run.faults[place].fault);
    }
    assert_eq!(only(&run, "server", "clock"), Vec::<String>::new());
    assert_eq!(only(&run, "client", "clock"), Vec::<String>::new());
}

#[test]
fn a_drift_that_puts_a_timer_off_beyond_the_end_has_fired() {
    let drift = Action::ClockDrift { node: "client".to_owned(), ppm: -500_000 };
    let run = run_pair(1000, &[900], vec![for_ever(500, drift)]);
    assert_eq!(fired(&run, 0), (true, 0));
    assert_eq!(only(&run, "client", "sent"), Vec::<String>::new());
}
