//! In order, once, and nothing behind what is missing: what comes out of a stream when segments
//! meet cuts, come late, or lose their sender on the way.

use super::*;

fn cut(from: &str, to: &str) -> Action {
    Action::OneWayPartition(groups(from, to))
}

fn delay(by_ms: u64) -> Action {
    Action::Delay { groups: groups("client", "server"), by: ms(by_ms) }
}

const NOTHING: [&str; 0] = [];

/// A server that sends its own times in milliseconds over its one connection at these times.
fn talks(at_ms: &'static [u64]) -> impl Fn(Boot) -> AnyActs {
    move |_boot| {
        let mut open = ConnectionId(u32::MAX);
        Acts(Box::new(move |input: Input<'_>, context: &mut Context<'_>| match input {
            Input::Accepted { connection, .. } => {
                open = connection;
                for &at in at_ms {
                    // Accepted at 30 ms.
                    context.set_timer(TimerId(at as u32), ms(at - 30));
                }
            }
            Input::Timer(TimerId(at)) => context.send(open, Message::Number(u64::from(at))),
            _ => {}
        }))
    }
}

/// A run of such a server and a client that sends at these times.
fn run_talk(
    for_ms: u64,
    server_sends: &'static [u64],
    client_sends: &'static [u64],
    faults: Vec<Fault>,
) -> Run {
    let mut world = world();
    let server = world.add_server("server", talks(server_sends));
    world.add_client("client", sends(server, client_sends));
    world.inject(faults);
    world.run(ms(for_ms)).unwrap()
}

#[test]
fn what_is_sent_again_with_newer_segments_still_comes_before_what_was_under_way() {
    let faults = vec![fault(50, 2000, delay(250)), fault(355, 10, cut("client", "server"))];
    // The first meets the cut at 360 ms, the third at 400 ms waits behind it; both are sent again
    // at 560 ms. The second comes at 570 ms and has its turn at 820 ms.
    let run = run_pair(3000, &[100, 310, 400], faults);
    assert_eq!(story(&run, "server")[1..], ["820ms got 100", "820ms got 310", "820ms got 400"]);
}

#[test]
fn what_came_ahead_of_its_turn_is_not_sent_again() {
    // The first meets the cut at 110 ms. The second comes at 118 ms, when the link is whole, and
    // is there when the first is sent again, at 310 ms.
    let faults = vec![fault(109, 3, cut("client", "server"))];
    let run = run_pair(1000, &[100, 108], faults);
    assert_eq!(only(&run, "client", "blocked"), ["110ms blocked 100"]);
    assert_eq!(story(&run, "server")[1..], ["320ms got 100", "320ms got 108"]);
    assert_eq!(fired(&run, 0), (true, 1));
}

#[test]
fn what_came_ahead_waits_for_all_that_is_missing_and_is_handed_over_one_by_one() {
    let mut world = world();
    // Closes at the second of the messages that have their turn at one instant.
    let server = world.add_server("server", |_boot| {
        let mut count = 0;
        acts(move |input, context| {
            if let Input::Message { connection, .. } = input {
                count += 1;
                if count == 2 {
                    context.close(connection);
                }
            }
        })
    });
    world.add_client("client", sends(server, &[100, 103, 106]));
    world.inject(vec![fault(109, 3, cut("client", "server"))]);
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(story(&run, "server")[1..], ["320ms got 100", "320ms got 103", "320ms closed"]);
    assert_eq!(only(&run, "client", "lost"), ["320ms lost 106: ConnectionGone"]);
}

#[test]
fn nothing_follows_what_waited_for_a_cut_when_the_power_went() {
    let faults = vec![fault(109, 3, cut("client", "server")), for_ever(115, power_loss("client"))];
    let run = run_pair(1000, &[100, 108], faults);
    assert_eq!(only(&run, "server", "got"), NOTHING);
    assert_eq!(
        only(&run, "client", "lost "),
        ["115ms lost 100: SenderLostPower", "118ms lost 108: SenderLostPower"]
    );
}

#[test]
fn what_had_come_ahead_is_lost_with_what_was_missing() {
    let faults = vec![fault(109, 3, cut("client", "server")), for_ever(125, power_loss("client"))];
    let run = run_pair(1000, &[100, 108], faults);
    assert_eq!(only(&run, "server", "got"), NOTHING);
    assert_eq!(
        only(&run, "client", "lost "),
        ["125ms lost 100: SenderLostPower", "125ms lost 108: SenderLostPower"]
    );
}

#[test]
fn nothing_follows_what_met_a_cut_after_its_sender_had_lost_its_power() {
    let faults = vec![for_ever(108, power_loss("client")), fault(109, 2, cut("client", "server"))];
    let run = run_pair(1000, &[100, 102], faults);
    assert_eq!(only(&run, "server", "got"), NOTHING);
    assert_eq!(
        only(&run, "client", "lost "),
        ["110ms lost 100: SenderLostPower", "112ms lost 102: SenderLostPower"]
    );
}

#[test]
fn nothing_comes_over_a_connection_that_was_never_complete() {
    let faults = vec![fault(29, 2, cut("client", "server")), for_ever(31, power_loss("client"))];
    let run = run_pair(1000, &[25], faults);
    assert_eq!(story(&run, "server"), NOTHING);
    assert_eq!(only(&run, "client", "lost "), ["35ms lost 25: SenderLostPower"]);
}

#[test]
fn nothing_follows_what_waited_for_a_cut_when_the_connection_was_reset() {
    let faults = vec![
        fault(109, 2, cut("server", "client")),
        fault(111, 100, pause("server")),
        for_ever(114, crash("server")),
    ];
    let run = run_talk(1000, &[100, 108], &[102], faults);
    assert_eq!(story(&run, "client")[2..], ["124ms reset"]);
    assert_eq!(
        story(&run, "server")[5..],
        [
            "112ms waiting 102",
            "114ms crashed",
            "114ms lost 102: ReceiverGone",
            "114ms lost 100: ConnectionGone",
            "118ms lost 108: ConnectionGone",
        ]
    );
}

#[test]
fn a_kernel_that_has_reset_a_connection_sends_nothing_again() {
    let faults = vec![
        fault(109, 991, cut("server", "client")),
        fault(111, 100, pause("server")),
        for_ever(114, crash("server")),
    ];
    let run = run_talk(10_000, &[100, 108], &[102], faults);
    assert_eq!(story(&run, "client")[1..], ["102ms sent 102"], "the reset met the cut as well");
    assert_eq!(only(&run, "server", "blocked"), ["110ms blocked 100"]);
    assert_eq!(only(&run, "server", "lost 108"), ["118ms lost 108: ConnectionGone"]);
    assert_eq!(fired(&run, 0), (true, 2), "a message and the reset");
}

#[test]
fn a_second_power_loss_lets_nothing_out_that_the_first_had_kept() {
    let loss = |at| fault(at, 10, power_loss("client"));
    let run = run_pair(1000, &[100], vec![fault(90, 30, delay(290)), loss(200), loss(300)]);
    assert_eq!(only(&run, "server", "got"), NOTHING);
    assert_eq!(only(&run, "client", "lost 100"), ["400ms lost 100: SenderLostPower"]);
}

#[test]
fn what_is_sent_again_leaves_its_host_then_and_not_when_it_was_first_sent() {
    for (sent, cut_from) in [(100, 95), (300, 900)] {
        let faults = vec![
            fault(cut_from, 100, cut("client", "server")),
            for_ever(301, power_loss("client")),
        ];
        let run = run_pair(1000, if sent == 100 { &[100] } else { &[300] }, faults);
        let lost = format!("310ms lost {sent}: SenderLostPower");
        assert_eq!(only(&run, "client", "lost "), [lost]);
        assert_eq!(only(&run, "server", "got"), NOTHING);
    }
}

#[test]
fn the_end_of_a_stream_arrives_if_it_had_left_the_host() {
    let close_at = |power_lost: u64| {
        let faults =
            vec![for_ever(100, crash("client")), for_ever(power_lost, power_loss("client"))];
        only(&run_pair(1000, &[], faults), "server", "closed")
    };
    assert_eq!(close_at(104), NOTHING);
    assert_eq!(close_at(106), ["110ms closed by the peer"]);
}

#[test]
fn a_message_is_late_twice_and_still_comes_first() {
    let faults = vec![
        fault(109, 2, cut("client", "server")),
        // Sent again at 310 ms, it meets another cut at 320 ms; and again at 520 ms.
        fault(319, 2, cut("client", "server")),
        fault(104, 1, delay(206)),
    ];
    let run = run_pair(2000, &[100, 104, 200], faults);
    assert_eq!(story(&run, "server")[1..], ["530ms got 100", "530ms got 104", "530ms got 200"]);
}

#[test]
fn what_came_ahead_of_a_sender_that_gave_up_never_has_its_turn() {
    let faults = vec![
        fault(104, 1, delay(206)),
        fault(109, 100, cut("client", "server")),
        for_ever(311, cut("client", "server")),
    ];
    // The second comes at 320 ms by a cut that begins before: it waits behind the first.
    let run = run_pair(1_000_000, &[100, 104], faults);
    assert_eq!(only(&run, "server", "got"), NOTHING);
    let lost = only(&run, "client", "lost ");
    assert_eq!(lost.len(), 2, "{lost:?}");
    assert!(lost.iter().all(|line| line.contains("GaveUp")), "{lost:?}");
}

#[test]
fn a_held_message_overtakes_nothing_that_was_sent_before_it() {
    let hold =
        Action::HoldMessage { from: "client".to_owned(), to: "server".to_owned(), message: None };
    // The first arrives at 160 ms; what holds the second ends before.
    let run = run_pair(1000, &[100, 115], vec![fault(99, 2, delay(50)), fault(110, 15, hold)]);
    assert_eq!(only(&run, "client", "held"), ["115ms held 115"]);
    assert_eq!(only(&run, "server", "got"), ["160ms got 100", "160ms got 115"]);
}
