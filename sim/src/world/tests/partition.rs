//! Cuts: what meets one waits at its sender, and is sent again with back-off.

use super::*;

fn cut() -> Action {
    Action::Partition(groups("client", "server"))
}

fn one_way(from: &str, to: &str) -> Action {
    Action::OneWayPartition(groups(from, to))
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_message_waits_at_its_sender_and_is_sent_again_with_back_off() {
    let run = run_pair(5000, &[80, 150, 1000], vec![fault(100, 800, cut())]);
    // Sent again at 350 and 750 ms in vain, and at 1550 ms; what follows waits behind it.
    assert_eq!(
        story(&run, "client")[1..],
        ["80ms sent 80", "150ms sent 150", "150ms blocked 150", "1s sent 1000", "1s blocked 1000",]
    );
    assert_eq!(story(&run, "server")[1..], ["90ms got 80", "1560ms got 150", "1560ms got 1000"]);
    assert_eq!(fired(&run, 0), (true, 3), "each attempt counts, and the last message met no cut");
}

#[test]
fn what_is_under_way_when_the_cut_begins_comes_before_what_is_sent_during_it() {
    let run = run_pair(5000, &[95, 101, 102], vec![fault(100, 300, cut())]);
    // The first to wait is the second: it is sent again at 301 and 701 ms, and all with it.
    assert_eq!(
        story(&run, "client")[4..],
        ["102ms sent 102", "102ms blocked 102", "105ms blocked 95"]
    );
    assert_eq!(story(&run, "server")[1..], ["711ms got 95", "711ms got 101", "711ms got 102"]);
}

#[test]
fn a_cut_that_is_healed_before_a_message_would_arrive_does_not_touch_it() {
    let run = run_pair(1000, &[95, 102, 108], vec![fault(101, 3, cut())]);
    assert_eq!(story(&run, "server")[1..], ["105ms got 95", "312ms got 102", "312ms got 108"]);
    assert_eq!(fired(&run, 0), (true, 1));
}

#[test]
fn the_back_off_doubles_up_to_120_seconds_and_ends_after_15_retransmissions() {
    // 200 ms doubled nine times, six times 120 s: the sixteenth timeout is the end.
    let run = run_pair(1_000_000, &[150], vec![for_ever(100, cut())]);
    assert_eq!(
        story(&run, "client")[2..],
        ["150ms blocked 150", "924750ms lost 150: GaveUp", "924750ms timed out"]
    );
    assert_eq!(story(&run, "server"), ["30ms accepted"], "it never learns");

    // The fifteenth retransmission goes out 804.6 s after the first attempt.
    let run = run_pair(1_000_000, &[150], vec![fault(100, 804_649, cut())]);
    assert_eq!(only(&run, "server", "got"), ["804760ms got 150"]);
    let run = run_pair(1_000_000, &[150], vec![fault(100, 804_651, cut())]);
    assert_eq!(only(&run, "client", "timed out"), ["924750ms timed out"]);
    // The ninth is the last before the cap.
    let run = run_pair(1_000_000, &[150], vec![fault(100, 100_000, cut())]);
    assert_eq!(only(&run, "server", "got"), ["102360ms got 150"]);
}

#[test]
fn a_sender_that_gave_up_answers_what_comes_later_with_a_reset() {
    let mut world = world();
    let server = world.add_server("server", echo);
    world.add_client("client", sends(server, &[80, 150]));
    world.inject(vec![
        fault(95, 2_000_000, one_way("server", "client")),
        fault(100, 1_000_000, one_way("client", "server")),
    ]);
    let run = world.run(ms(3_000_000)).unwrap();
    assert_eq!(only(&run, "client", "timed out"), ["924750ms timed out"]);
    // The echo of the first message met its cut at 100 ms, and its sender gives up as well.
    assert_eq!(only(&run, "server", "timed out"), ["924700ms timed out"]);
    assert_eq!(only(&run, "client", "got"), NOTHING);
}

#[test]
fn a_side_that_closes_during_the_cut_is_heard_after_it() {
    let mut world = world();
    let server = world.add_server("server", sink);
    world.add_client("client", move |_boot| {
        let mut connection = ConnectionId(0);
        acts(move |input, context| match input {
            Input::Started => {
                connection = context.connect(server);
                context.set_timer(TimerId(1), ms(150));
            }
            Input::Timer(_) => {
                context.send(connection, Message::Number(1));
                context.close(connection);
            }
            _ => {}
        })
    });
    world.inject(vec![fault(100, 100, cut())]);
    let run = world.run(ms(5000)).unwrap();
    assert_eq!(
        story(&run, "server")[1..],
        ["360ms got 1", "360ms closed by the peer"],
        "what was written before the close still comes"
    );
}

#[test]
fn what_waits_for_a_peer_that_closed_meanwhile_never_arrives() {
    let faults = vec![fault(100, 200, cut()), for_ever(200, crash("server"))];
    let run = run_pair(5000, &[150], faults);
    // Both wait: the message until 350 ms, the end of the stream until 400 ms.
    assert_eq!(story(&run, "client")[3..], ["360ms lost 150: ConnectionGone", "370ms reset"]);
}

#[test]
fn a_one_way_cut_lets_the_other_way_through() {
    let talker = |_boot| {
        acts(|input, context| match input {
            Input::Accepted { connection, .. } => context.set_timer(TimerId(connection.0), ms(120)),
            Input::Timer(TimerId(connection)) => {
                context.send(ConnectionId(connection), Message::Number(1));
            }
            _ => {}
        })
    };
    let run = |action| {
        let mut world = world();
        let server = world.add_server("server", talker);
        world.add_client("client", sends(server, &[140]));
        world.inject(vec![fault(100, 400, action)]);
        world.run(ms(5000)).unwrap()
    };
    let forth = run(one_way("client", "server"));
    assert_eq!(only(&forth, "client", "got"), ["160ms got 1"]);
    assert_eq!(only(&forth, "server", "got"), ["750ms got 140"]);
    assert_eq!(fired(&forth, 0), (true, 2), "once more at 340 ms");

    let back = run(one_way("server", "client"));
    assert_eq!(only(&back, "client", "got"), ["760ms got 1"]);
    assert_eq!(only(&back, "server", "got"), ["150ms got 140"]);
    assert_eq!(only(&back, "client", "blocked"), NOTHING, "what arrives counts as acknowledged");
}

#[test]
fn a_request_for_a_connection_is_repeated_through_a_cut() {
    for action in [cut(), one_way("client", "server"), one_way("server", "client")] {
        let run = run_pair(10_000, &[], vec![fault(0, 2000, action.clone())]);
        assert_eq!(story(&run, "client"), ["3020ms connected"], "{action}");
        assert_eq!(story(&run, "server"), ["3030ms accepted"], "{action}");
        assert_eq!(fired(&run, 0), (true, 2), "{action}");

        let run = run_pair(200_000, &[], vec![for_ever(0, action.clone())]);
        assert_eq!(story(&run, "client"), ["127s timed out"], "{action}");
        assert_eq!(story(&run, "server"), NOTHING, "{action}");
    }
}

#[test]
fn an_answer_that_is_cut_off_under_way_is_asked_for_again() {
    let run = run_pair(10_000, &[], vec![fault(15, 100, cut())]);
    assert_eq!(story(&run, "client"), ["1020ms connected"]);
    assert_eq!(story(&run, "server"), ["1030ms accepted"]);
}

#[test]
fn a_cut_after_the_answer_leaves_the_opener_connected_and_the_listener_waiting() {
    let mut world = world();
    let server = world.add_server("server", echo);
    world.add_client("client", sends(server, &[50]));
    world.inject(vec![fault(25, 100, cut())]);
    let run = world.run(ms(5000)).unwrap();
    assert_eq!(
        story(&run, "client"),
        ["20ms connected", "50ms sent 50", "50ms blocked 50", "250ms got 50"]
    );
    assert_eq!(
        story(&run, "server"),
        ["240ms accepted", "240ms got 50", "240ms sent 50"],
        "the end of the handshake met the cut at 30 ms, and the message waits behind it"
    );
}

#[test]
fn a_group_is_cut_off_from_everybody_else_and_not_from_itself() {
    let mut world = world();
    let one = world.add_server("one", sink);
    let two = world.add_server("two", sink);
    world.add_client("in", sends(one, &[150]));
    world.add_client("across", sends(two, &[150]));
    world.add_client("out", sends(two, &[150]));
    let group = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let cut = Groups { one: group(&["one", "in", "across"]), other: Vec::new() };
    world.inject(vec![fault(100, 100, Action::Partition(cut))]);
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(only(&run, "one", "got"), ["160ms got 150"]);
    assert_eq!(only(&run, "two", "got"), ["160ms got 150", "360ms got 150"]);
    assert_eq!(fired(&run, 0), (true, 1));
}

#[test]
fn named_groups_leave_a_third_node_alone() {
    let mut world = world();
    let server = world.add_server("server", sink);
    world.add_client("client", sends(server, &[150]));
    world.add_client("other", sends(server, &[155]));
    world.inject(vec![fault(100, 100, cut())]);
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(only(&run, "server", "got"), ["165ms got 155", "360ms got 150"]);
}

#[test]
fn two_cuts_at_once_heal_with_the_later_one() {
    let run = run_pair(5000, &[150], vec![fault(100, 100, cut()), fault(120, 400, cut())]);
    assert_eq!(only(&run, "server", "got"), ["760ms got 150"]);
    assert_eq!((fired(&run, 0), fired(&run, 1)), ((true, 1), (true, 2)));
}

#[test]
fn a_cut_that_meets_nothing_has_not_fired_and_one_after_the_end_never_began() {
    let run = run_pair(1000, &[], vec![fault(100, 100, cut()), fault(1001, 1, cut())]);
    assert_eq!((fired(&run, 0), fired(&run, 1)), ((false, 0), (false, 0)));
    assert_eq!(run.faults[0].began_at.map(|at| at.as_millis()), Some(100));
    assert_eq!(run.faults[1].began_at, None);
}

#[test]
fn a_message_to_a_host_that_forgot_its_connection_waits_until_the_reset_gets_through() {
    let faults =
        vec![fault(100, 100, power_loss("server")), fault(300, 1000, one_way("server", "client"))];
    let run = run_pair(5000, &[400], faults);
    // Comes to a host that cannot answer at 410 ms; sent again at 610, 1010 and 1810 ms.
    assert_eq!(
        story(&run, "client")[2..],
        ["410ms blocked 400", "1820ms lost 400: ConnectionGone", "1830ms reset"]
    );
}

#[test]
fn what_was_sent_again_still_comes_before_what_was_under_way_all_the_time() {
    let by = ms(400);
    let faults = vec![
        fault(95, 60, Action::Delay { groups: groups("client", "server"), by }),
        fault(99, 10, cut()),
    ];
    // The first meets the cut and is sent again at 300 ms; the second, delayed, comes at 506 ms.
    let run = run_pair(5000, &[90, 96], faults.clone());
    assert_eq!(story(&run, "server")[1..], ["506ms got 90", "506ms got 96"]);

    // Here what is sent again takes longer than what was under way.
    let mut faults = faults;
    faults.push(fault(200, 500, Action::Delay { groups: groups("client", "server"), by: ms(900) }));
    let run = run_pair(5000, &[90, 96, 1000], faults);
    assert_eq!(story(&run, "server")[1..], ["1210ms got 90", "1210ms got 96", "1210ms got 1000"]);
}
