//! Power loss: the host is gone, and says nothing.

use fencepost_models::machine::{DiskOperation, DiskToken};

use super::*;

#[test]
fn peers_hear_nothing_until_the_host_is_back_and_then_a_reset() {
    let run = run_pair(5000, &[150], vec![fault(100, 1000, power_loss("server"))]);
    // The message comes to a dark host at 160 ms; it is sent again at 360, 760 and 1560 ms.
    assert_eq!(
        story(&run, "client")[1..],
        ["150ms sent 150", "160ms blocked 150", "1570ms lost 150: ConnectionGone", "1580ms reset"]
    );
    assert_eq!(story(&run, "server")[1..], ["100ms power lost", "1100ms restarted 1"]);
}

#[test]
fn an_idle_connection_learns_of_it_at_its_first_message() {
    let run = run_pair(60_000, &[30_000], vec![fault(100, 1000, power_loss("server"))]);
    assert_eq!(
        story(&run, "client")[1..],
        ["30s sent 30000", "30010ms lost 30000: ConnectionGone", "30020ms reset"]
    );
}

#[test]
fn a_host_that_stays_dark_is_given_up_after_924_6_seconds() {
    let run = run_pair(1_000_000, &[150], vec![for_ever(100, power_loss("server"))]);
    assert_eq!(
        story(&run, "client")[2..],
        ["160ms blocked 150", "924760ms lost 150: GaveUp", "924760ms timed out"]
    );
}

#[test]
fn a_request_for_a_connection_to_a_dark_host_is_given_up_after_127_seconds() {
    let run = run_pair(200_000, &[], vec![for_ever(0, power_loss("server"))]);
    assert_eq!(story(&run, "client"), ["127s timed out"]);
}

#[test]
fn a_host_that_comes_back_in_time_takes_the_repeated_request() {
    let mut world = world();
    let server = world.add_server("server", echo);
    world.add_client("client", sends(server, &[4000]));
    world.inject(vec![fault(5, 2000, power_loss("server"))]);
    let run = world.run(ms(10_000)).unwrap();
    // Requests go out at 0, 1 s and 3 s.
    assert_eq!(story(&run, "client"), ["3020ms connected", "4s sent 4000", "4020ms got 4000"]);
}

#[test]
fn what_had_not_left_the_host_is_lost_and_what_had_arrives() {
    let run = run_pair(1000, &[94, 98], vec![for_ever(100, power_loss("client"))]);
    assert_eq!(story(&run, "server"), ["30ms accepted", "104ms got 94"], "and no close");
    assert_eq!(only(&run, "client", "lost 98"), ["108ms lost 98: SenderLostPower"]);
}

#[test]
fn what_left_a_dead_host_and_meets_a_cut_is_not_sent_again() {
    let faults = vec![
        for_ever(100, power_loss("client")),
        fault(101, 100, Action::Partition(groups("client", "server"))),
    ];
    let run = run_pair(5000, &[94], faults);
    assert_eq!(only(&run, "server", "got"), Vec::<String>::new());
    assert_eq!(only(&run, "client", "94")[1..], ["104ms lost 94: SenderLostPower"]);
}

#[test]
fn what_waits_behind_a_cut_is_lost_with_the_power() {
    let faults = vec![
        fault(100, 300, Action::Partition(groups("client", "server"))),
        fault(200, 10, power_loss("client")),
    ];
    let run = run_pair(5000, &[150], faults);
    assert_eq!(
        story(&run, "client")[2..],
        [
            "150ms blocked 150",
            "200ms power lost",
            "200ms lost 150: SenderLostPower",
            "210ms restarted 1"
        ]
    );
    assert_eq!(story(&run, "server"), ["30ms accepted"]);
}

#[test]
fn a_server_that_writes_to_a_client_which_lost_its_power_gets_a_reset() {
    let mut world = world();
    let server = world.add_server("server", |_boot| {
        let mut open = ConnectionId(u32::MAX);
        acts(move |input, context| match input {
            Input::Accepted { connection, .. } => {
                open = connection;
                context.set_timer(TimerId(1), ms(470));
            }
            Input::Timer(_) => context.send(open, Message::Number(1)),
            _ => {}
        })
    });
    world.add_client("client", sends(server, &[]));
    world.inject(vec![fault(100, 100, power_loss("client"))]);
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(
        story(&run, "server"),
        ["30ms accepted", "500ms sent 1", "510ms lost 1: ConnectionGone", "520ms reset"]
    );
}

/// What a process that writes, syncs and writes again finds when it starts the second time.
fn found_after(power_lost: Duration) -> String {
    let mut world = world();
    world.add_client("client", |boot| {
        acts(move |input, context| match input {
            Input::Started if boot.incarnation == 0 => {
                let write = |bytes: &'static str| DiskOperation::Append {
                    file: "log",
                    bytes: bytes.into(),
                };
                context.disk(DiskToken(1), write("synced "));
                context.disk(DiskToken(2), DiskOperation::Sync { file: "log" });
                context.disk(DiskToken(3), write("cached"));
            }
            Input::Started => context.note(remark(format!("{:?}", boot.files.get("log")))),
            _ => {}
        })
    });
    let start = Start::At(power_lost);
    world.inject(vec![Fault { start, length: Some(ms(1)), action: power_loss("client") }]);
    let run = world.run(ms(1000)).unwrap();
    story(&run, "client").last().unwrap().split_once(' ').unwrap().1.to_owned()
}

#[test]
fn only_a_sync_that_is_done_keeps_what_was_written_before_it() {
    assert_eq!(found_after(Duration::from_micros(500)), "None", "the sync is under way");
    assert_eq!(found_after(Duration::from_micros(1001)), "Some(b\"synced \")");
}

#[test]
fn the_monotonic_clock_begins_anew_and_the_wall_clock_goes_on() {
    let mut world = world();
    world.add_client("client", |boot| {
        acts(move |input, context| {
            if let Input::Started = input {
                let wall = boot.clock.wall.as_millis() % 1_000_000;
                let fresh = boot.clock.mono.as_nanos() == 0;
                context.note(remark(format!("wall {wall}, fresh {fresh}")));
            }
        })
    });
    world.inject(vec![fault(100, 50, power_loss("client")), fault(300, 50, crash("client"))]);
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(
        only(&run, "client", "wall"),
        [
            "0s wall 600000, fresh false",
            "150ms wall 600150, fresh true",
            "350ms wall 600350, fresh false"
        ]
    );
}

#[test]
fn a_host_whose_process_stays_down_refuses_when_its_power_is_back() {
    let mut world = world();
    let server = world.add_server("server", sink);
    world.add_client("client", opens(server, 500, &[]));
    world.inject(vec![for_ever(100, crash("server")), fault(200, 100, power_loss("server"))]);
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(story(&run, "server"), ["100ms crashed", "200ms power lost"]);
    assert_eq!(story(&run, "client"), ["520ms refused"]);
    assert_eq!((fired(&run, 0).0, fired(&run, 1).0), (true, true));
}

#[test]
fn a_second_power_loss_keeps_the_host_dark_and_fires_only_if_it_did() {
    let off = || power_loss("server");
    let run = run_pair(1000, &[], vec![fault(100, 100, off()), fault(150, 10, off())]);
    assert_eq!(story(&run, "server")[1..], ["100ms power lost", "200ms restarted 1"]);
    assert_eq!((fired(&run, 0).0, fired(&run, 1).0), (true, false));
    let run = run_pair(1000, &[], vec![fault(100, 100, off()), fault(150, 100, off())]);
    assert_eq!(story(&run, "server")[1..], ["100ms power lost", "250ms restarted 1"]);
    assert_eq!((fired(&run, 0).0, fired(&run, 1).0), (true, true));
}

#[test]
fn a_crash_of_a_dark_host_hits_nothing() {
    let faults = vec![fault(100, 100, power_loss("server")), fault(120, 10, crash("server"))];
    let run = run_pair(1000, &[], faults);
    assert_eq!(story(&run, "server")[1..], ["100ms power lost", "200ms restarted 1"]);
    assert_eq!(fired(&run, 1), (false, 0));
}

#[test]
fn a_paused_process_loses_its_pause_with_its_host() {
    let faults = vec![fault(100, 900, pause("server")), fault(200, 100, power_loss("server"))];
    let run = run_pair(2000, &[150], faults);
    assert_eq!(
        story(&run, "server")[1..],
        [
            "100ms paused",
            "160ms waiting 150",
            "200ms power lost",
            "200ms lost 150: ReceiverGone",
            "300ms restarted 1",
        ]
    );
    assert_eq!(only(&run, "client", "reset"), Vec::<String>::new(), "nobody is told");
}
