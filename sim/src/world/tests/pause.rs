//! Pause: SIGSTOP. The process gets no turn, and its kernel goes on.

use std::cell::Cell;
use std::rc::Rc;

use fencepost_models::machine::{DiskOperation, DiskToken};

use super::*;

#[test]
fn what_comes_during_a_pause_is_handed_over_at_its_end_in_order() {
    let run = run_pair(300, &[85, 95, 150, 195], vec![fault(100, 100, pause("server"))]);
    assert_eq!(
        story(&run, "server"),
        [
            "30ms accepted",
            "95ms got 85",
            "100ms paused",
            "105ms waiting 95",
            "160ms waiting 150",
            "200ms resumed",
            "200ms got 95",
            "200ms got 150",
            "205ms got 195",
        ]
    );
    assert_eq!(fired(&run, 0), (true, 2));
}

#[test]
fn the_kernel_of_a_paused_process_accepts_connections_and_acknowledges() {
    let run = run_pair(2_000_000, &[150], vec![fault(5, 1_999_000, pause("server"))]);
    let client = story(&run, "client");
    assert_eq!(client, ["20ms connected", "150ms sent 150"], "it is never told of any trouble");
    assert_eq!(only(&run, "server", "accepted"), ["1999005ms accepted"]);
    assert_eq!(only(&run, "server", "got"), ["1999005ms got 150"]);
}

#[test]
fn what_a_process_sent_before_its_pause_arrives_during_it() {
    let run = run_pair(300, &[95], vec![fault(100, 100, pause("client"))]);
    assert_eq!(only(&run, "server", "got"), ["105ms got 95"]);
}

#[test]
fn a_timer_that_is_due_during_a_pause_fires_once_at_its_end() {
    let mut world = world();
    world.add_client("client", |_boot| {
        acts(|input, context| match input {
            Input::Started => {
                context.set_timer(TimerId(1), ms(50));
                context.set_timer(TimerId(2), ms(60));
                context.set_timer(TimerId(3), ms(250));
            }
            Input::Timer(timer) => context.note(remark(timer.0)),
            _ => {}
        })
    });
    world.inject(vec![fault(20, 180, pause("client"))]);
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(
        story(&run, "client"),
        ["20ms paused", "200ms resumed", "200ms 1", "200ms 2", "250ms 3"]
    );
    assert_eq!(fired(&run, 0), (true, 2));
}

#[test]
fn a_timer_that_a_late_input_cancels_does_not_fire_at_the_end_of_a_pause() {
    let mut world = world();
    let server = world.add_server("server", |_boot| {
        acts(|input, context| match input {
            Input::Started => context.set_timer(TimerId(1), ms(150)),
            Input::Message { .. } => context.cancel_timer(TimerId(1)),
            Input::Timer(_) => context.note(remark("late")),
            _ => {}
        })
    });
    world.add_client("client", sends(server, &[110]));
    world.inject(vec![fault(100, 100, pause("server"))]);
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(only(&run, "server", "late"), Vec::<String>::new());
    assert_eq!(only(&run, "server", "got"), ["200ms got 110"]);
}

#[test]
fn a_disk_operation_is_done_during_a_pause_and_seen_at_its_end() {
    let found = Rc::new(Cell::new(0));
    let seen = found.clone();
    let mut world = world();
    world.add_client("client", move |boot| {
        let seen = seen.clone();
        acts(move |input, context| {
            if let Input::Started = input {
                seen.set(boot.files.get("log").map_or(0, |file| file.len()));
                let bytes = "four".into();
                context.disk(DiskToken(1), DiskOperation::Append { file: "log", bytes });
                context.disk(DiskToken(2), DiskOperation::Sync { file: "log" });
            }
        })
    });
    let mut faults = vec![fault(0, 100, pause("client"))];
    world.inject(faults.clone());
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(only(&run, "client", "disk"), ["100ms disk done", "100ms disk done"]);
    assert_eq!(fired(&run, 0), (true, 2));

    // The kernel went on with it: half-way through the pause, it is on the disk.
    let seen = found.clone();
    let mut world = super::world();
    world.add_client("client", move |boot| {
        let seen = seen.clone();
        acts(move |input, context| {
            if let Input::Started = input {
                seen.set(boot.files.get("log").map_or(0, |file| file.len()));
                let bytes = "four".into();
                context.disk(DiskToken(1), DiskOperation::Append { file: "log", bytes });
                context.disk(DiskToken(2), DiskOperation::Sync { file: "log" });
            }
        })
    });
    faults.push(fault(50, 10, power_loss("client")));
    world.inject(faults);
    world.run(ms(1000)).unwrap();
    assert_eq!(found.get(), 4);
}

#[test]
fn two_pauses_at_once_end_with_the_later_one() {
    let faults = vec![fault(100, 100, pause("server")), fault(150, 150, pause("server"))];
    let run = run_pair(400, &[110, 210], faults);
    assert_eq!(
        story(&run, "server")[1..],
        [
            "100ms paused",
            "120ms waiting 110",
            "220ms waiting 210",
            "300ms resumed",
            "300ms got 110",
            "300ms got 210",
        ]
    );
    assert_eq!((fired(&run, 0), fired(&run, 1)), ((true, 1), (true, 1)));
}

#[test]
fn a_pause_for_ever_does_not_end() {
    let run = run_pair(100_000, &[150], vec![for_ever(100, pause("server"))]);
    assert_eq!(story(&run, "server")[1..], ["100ms paused", "160ms waiting 150"]);
}

#[test]
fn a_pause_from_the_begin_finds_the_process_running() {
    let run = run_pair(1000, &[], vec![fault(0, 500, pause("server"))]);
    assert_eq!(story(&run, "server"), ["0s paused", "500ms resumed", "500ms accepted"]);
}

#[test]
fn a_pause_of_a_process_that_is_not_there_hits_nothing() {
    let faults = vec![fault(100, 50, crash("server")), fault(120, 500, pause("server"))];
    let run = run_pair(1000, &[], faults);
    assert_eq!(story(&run, "server")[1..], ["100ms crashed", "150ms restarted 1"]);
    assert_eq!(fired(&run, 1), (false, 0));
    assert_eq!(run.faults[1].began_at.map(|at| at.as_millis()), Some(120));
}

#[test]
fn a_process_that_is_killed_in_a_pause_has_read_nothing_and_its_peer_gets_a_reset() {
    let faults = vec![fault(100, 400, pause("server")), fault(200, 100, crash("server"))];
    let run = run_pair(1000, &[50, 150, 195], faults);
    assert_eq!(
        story(&run, "server"),
        [
            "30ms accepted",
            "60ms got 50",
            "100ms paused",
            "160ms waiting 150",
            "200ms crashed",
            "200ms lost 150: ReceiverGone",
            "300ms restarted 1",
        ],
        "the new process is not paused"
    );
    assert_eq!(
        story(&run, "client")[4..],
        ["205ms lost 195: ConnectionGone", "210ms reset"],
        "what was on its way then meets a host that knows nothing of it"
    );
}

#[test]
fn a_process_that_is_killed_in_a_pause_with_all_read_closes_as_usual() {
    let faults = vec![fault(100, 400, pause("server")), for_ever(200, crash("server"))];
    let run = run_pair(1000, &[50], faults);
    assert_eq!(only(&run, "client", "closed"), ["210ms closed by the peer"]);
}

#[test]
fn a_connection_that_waits_to_be_accepted_is_reset_when_the_process_dies() {
    let faults = vec![for_ever(5, pause("server")), for_ever(200, crash("server"))];
    let run = run_pair(1000, &[], faults);
    assert_eq!(story(&run, "client"), ["20ms connected", "210ms reset"]);
}

#[test]
fn nothing_more_is_read_from_a_connection_that_the_process_closes_at_resume() {
    let mut world = world();
    let server = world.add_server("server", |_boot| {
        acts(|input, context| {
            if let Input::Message { connection, .. } = input {
                context.close(connection);
            }
        })
    });
    world.add_client("client", sends(server, &[110, 120]));
    world.inject(vec![fault(100, 100, pause("server"))]);
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(
        story(&run, "server")[4..],
        ["200ms resumed", "200ms got 110", "200ms closed", "200ms lost 120: ReceiverGone"]
    );
    assert_eq!(only(&run, "client", "reset"), ["210ms reset"], "as it closed with data unread");
}

#[test]
fn the_news_of_a_closed_connection_waits_too() {
    let faults = vec![fault(100, 300, pause("client")), for_ever(200, crash("server"))];
    let run = run_pair(1000, &[], faults);
    assert_eq!(
        story(&run, "client")[1..],
        ["100ms paused", "400ms resumed", "400ms closed by the peer"]
    );
}

#[test]
fn a_connection_that_opens_in_a_pause_after_its_opener_lost_patience_is_never_news() {
    let mut world = world();
    let server = world.add_server("server", sink);
    world.add_client("client", move |_boot| {
        let mut connection = ConnectionId(0);
        acts(move |input, context| match input {
            Input::Started => {
                connection = context.connect(server);
                context.set_timer(TimerId(1), ms(15));
            }
            Input::Timer(_) => context.close(connection),
            _ => {}
        })
    });
    world.inject(vec![fault(5, 95, pause("client"))]);
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(story(&run, "client"), ["5ms paused", "100ms resumed", "100ms closed"]);
    assert_eq!(story(&run, "server"), ["30ms accepted", "110ms closed by the peer"]);
}

#[test]
fn a_pause_in_which_nothing_waits_has_not_fired() {
    let run = run_pair(1000, &[50], vec![fault(100, 100, pause("server"))]);
    assert_eq!(fired(&run, 0), (false, 0));
    assert_eq!(story(&run, "server")[2..], ["100ms paused", "200ms resumed"]);
}

#[test]
fn a_cancelled_timer_does_not_wait_in_a_pause() {
    let mut world = world();
    world.add_client("client", |_boot| {
        acts(|input, context| {
            if let Input::Started = input {
                context.set_timer(TimerId(1), ms(150));
                context.cancel_timer(TimerId(1));
            }
        })
    });
    world.inject(vec![fault(100, 100, pause("client"))]);
    assert_eq!(fired(&world.run(ms(1000)).unwrap(), 0), (false, 0));
}

#[test]
fn a_pause_that_takes_over_what_waits_has_fired() {
    let faults = vec![for_ever(200, pause("server")), fault(100, 100, pause("server"))];
    let run = run_pair(1000, &[110], faults);
    assert_eq!(only(&run, "server", "got"), Vec::<String>::new());
    assert_eq!((fired(&run, 0), fired(&run, 1)), ((true, 0), (true, 1)));
}
