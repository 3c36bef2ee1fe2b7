//! Crash: the process is gone, its kernel is not.

use fencepost_models::machine::{DiskOperation, DiskToken};

use super::*;

#[test]
fn what_a_process_had_written_still_arrives_and_then_the_end_of_the_stream() {
    let run = run_pair(1000, &[98, 99], vec![for_ever(100, crash("client"))]);
    assert_eq!(
        story(&run, "server")[1..],
        ["108ms got 98", "109ms got 99", "110ms closed by the peer"]
    );
    assert!(fired(&run, 0).0);
}

#[test]
fn what_is_on_its_way_to_a_process_that_dies_is_lost() {
    let run = run_pair(1000, &[85, 95, 150], vec![for_ever(100, crash("server"))]);
    assert_eq!(only(&run, "server", "got"), ["95ms got 85"]);
    assert_eq!(
        story(&run, "client")[3..],
        [
            "105ms lost 95: ConnectionGone",
            "110ms closed by the peer",
            "150ms sent 150",
            "150ms lost 150: ConnectionGone",
        ]
    );
}

#[test]
fn nobody_listens_while_the_process_is_down_and_somebody_does_after_the_restart() {
    let mut world = world();
    let server = world.add_server("server", sink);
    world.add_client("early", opens(server, 150, &[]));
    world.add_client("late", opens(server, 195, &[]));
    world.inject(vec![fault(100, 100, crash("server"))]);
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(story(&run, "early"), ["170ms refused"]);
    assert_eq!(story(&run, "late"), ["215ms connected"]);
    assert_eq!(story(&run, "server"), ["100ms crashed", "200ms restarted 1", "225ms accepted"]);
}

#[test]
fn a_connection_that_opens_while_the_process_dies_is_reset() {
    let run = run_pair(1000, &[], vec![fault(25, 1, crash("server"))]);
    assert_eq!(story(&run, "client"), ["20ms connected", "40ms reset"]);
    assert_eq!(only(&run, "server", "accepted"), Vec::<String>::new());
}

#[test]
fn a_client_takes_no_connections() {
    let mut world = world();
    let client = world.add_client("client", sink);
    world.add_client("other", opens(client, 0, &[]));
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(story(&run, "other"), ["20ms refused"]);
}

#[test]
fn timers_and_disk_requests_die_with_the_process_and_its_files_do_not() {
    let mut world = world();
    world.add_client("client", |boot| {
        acts(move |input, context| match input {
            Input::Started => {
                context.note(remark(format!("{:?}", boot.files.get("log"))));
                if boot.incarnation == 0 {
                    context.set_timer(TimerId(1), ms(100));
                    let bytes = "written".into();
                    context.disk(DiskToken(1), DiskOperation::Append { file: "log", bytes });
                    context.disk(DiskToken(2), DiskOperation::Sync { file: "log" });
                }
            }
            Input::Timer(_) => context.note(remark("timer")),
            _ => {}
        })
    });
    // The write is done after 10 us, the sync after 1 ms.
    let begin = Start::At(Duration::from_micros(5));
    let fault = Fault { start: begin, length: Some(ms(50)), action: crash("client") };
    world.inject(vec![fault, super::fault(200, 50, power_loss("client"))]);
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(
        story(&run, "client"),
        [
            "0s None",
            "5us crashed",
            "50005us restarted 1",
            "50005us Some(b\"written\")",
            "200ms power lost",
            "250ms restarted 2",
            "250ms Some(b\"written\")",
        ],
        "the kernel carried out the sync that the dead process had asked for"
    );
}

#[test]
fn what_waits_behind_a_cut_is_sent_by_the_kernel_of_a_dead_process() {
    let faults = vec![
        fault(100, 300, Action::Partition(groups("client", "server"))),
        for_ever(200, crash("client")),
    ];
    let run = run_pair(1000, &[150], faults);
    // Retransmitted at 350 ms in vain, and at 750 ms.
    assert_eq!(story(&run, "server")[1..], ["760ms got 150", "760ms closed by the peer"]);
}

#[test]
fn a_second_crash_keeps_the_process_down_and_fires_only_if_it_did() {
    let faults = vec![fault(100, 100, crash("server")), fault(150, 20, crash("server"))];
    let run = run_pair(1000, &[], faults);
    assert_eq!(story(&run, "server")[1..], ["100ms crashed", "200ms restarted 1"]);
    assert_eq!((fired(&run, 0).0, fired(&run, 1).0), (true, false));

    let faults = vec![fault(100, 100, crash("server")), fault(150, 200, crash("server"))];
    let run = run_pair(1000, &[], faults);
    assert_eq!(story(&run, "server")[1..], ["100ms crashed", "350ms restarted 1"]);
    assert_eq!((fired(&run, 0).0, fired(&run, 1).0), (true, true));
}

#[test]
fn a_crash_at_the_very_begin_finds_a_process() {
    let run = run_pair(1000, &[], vec![fault(0, 500, crash("server"))]);
    assert_eq!(story(&run, "server"), ["0s crashed", "500ms restarted 1"]);
    assert_eq!(story(&run, "client"), ["20ms refused"]);
    assert!(fired(&run, 0).0);
}

#[test]
fn each_incarnation_draws_from_a_stream_of_its_own() {
    let mut world = world();
    world.add_client("client", |mut boot| {
        acts(move |input, context| {
            if let Input::Started = input {
                context.note(remark(boot.random.bits()));
            }
        })
    });
    world.inject(vec![fault(100, 0, crash("client"))]);
    let run = world.run(ms(1000)).unwrap();
    let drawn: Vec<&Note> = run.history.notes().map(|(_, _, note)| note).collect();
    assert_eq!(drawn.len(), 2);
    assert_ne!(drawn[0], drawn[1]);
}
