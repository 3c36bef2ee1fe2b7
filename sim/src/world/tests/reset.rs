//! Resets: whom they reach, what they destroy, and what counts as having been hit.

use super::*;

fn drop_connections() -> Action {
    Action::DropConnection(groups("client", "server"))
}

fn hold(from: &str, to: &str) -> Action {
    Action::HoldMessage { from: from.to_owned(), to: to.to_owned(), message: None }
}

/// A client that connects, sends one message and closes at once, at 20 ms.
fn run_hasty(faults: Vec<Fault>) -> Run {
    let mut world = world();
    let server = world.add_server("server", sink);
    world.add_client("client", move |_boot| {
        acts(move |input, context| match input {
            Input::Started => {
                context.connect(server);
            }
            Input::Connected { connection } => {
                context.send(connection, Message::Number(1));
                context.close(connection);
            }
            _ => {}
        })
    });
    world.inject(faults);
    world.run(ms(1000)).unwrap()
}

#[test]
fn a_drop_that_destroys_data_has_fired_though_nobody_is_told() {
    let run = run_hasty(Vec::new());
    assert_eq!(story(&run, "server"), ["30ms accepted", "30ms got 1", "30ms closed by the peer"]);
    let run = run_hasty(vec![fault(25, 0, drop_connections())]);
    assert_eq!(story(&run, "server"), [""; 0]);
    assert_eq!(only(&run, "client", "lost"), ["30ms lost 1: ConnectionGone"]);
    assert_eq!(fired(&run, 0), (true, 1));
}

#[test]
fn a_drop_of_connections_that_are_over_has_not_fired() {
    let run = run_hasty(vec![fault(100, 0, drop_connections())]);
    assert_eq!(only(&run, "server", "got"), ["30ms got 1"]);
    assert_eq!(fired(&run, 0), (false, 0));
}

/// Opens two connections; when it loses the first, closes the second and opens a third.
fn run_nervous(action: Action) -> Run {
    let mut world = world();
    let server = world.add_server("server", sink);
    world.add_client("client", move |_boot| {
        let mut other = ConnectionId(0);
        acts(move |input, context| match input {
            Input::Started => {
                context.connect(server);
                other = context.connect(server);
            }
            Input::Closed { connection, .. } => {
                context.note(remark(format!("told of {}", connection.0)));
                context.close(other);
                other = context.connect(server);
            }
            _ => {}
        })
    });
    world.inject(vec![fault(100, 0, action)]);
    world.run(ms(1000)).unwrap()
}

#[test]
fn nobody_is_told_of_the_loss_of_what_he_has_closed_nor_loses_what_he_opens_then() {
    for action in [drop_connections(), Action::DropConnection(groups("client", "*"))] {
        let run = run_nervous(action);
        assert_eq!(
            story(&run, "client")[2..],
            ["100ms reset", "100ms told of 0", "100ms closed", "120ms connected"]
        );
        assert_eq!(only(&run, "server", "reset"), ["100ms reset", "100ms reset"]);
        assert_eq!(only(&run, "server", "accepted").len(), 3);
        assert_eq!(fired(&run, 0), (true, 2));
    }
}

#[test]
fn a_reset_does_not_wait_behind_a_message_that_is_held() {
    let mut world = world();
    let server = world.add_server("server", echo);
    world.add_client("client", sends(server, &[80, 500, 600]));
    world.inject(vec![
        for_ever(50, hold("server", "client")),
        fault(200, 100, power_loss("server")),
    ]);
    let run = world.run(ms(5000)).unwrap();
    assert_eq!(
        story(&run, "client")[2..],
        [
            "500ms sent 500",
            "510ms lost 500: ConnectionGone",
            "520ms reset",
            "600ms sent 600",
            "600ms lost 600: ConnectionGone",
        ]
    );
}

#[test]
fn what_came_ahead_of_a_held_message_is_lost_in_a_reset() {
    let mut world = world();
    let server = world.add_server("server", echo);
    world.add_client("client", sends(server, &[80, 90, 500]));
    world.inject(vec![
        for_ever(50, hold("server", "client")),
        fault(200, 100, power_loss("server")),
    ]);
    let run = world.run(ms(5000)).unwrap();
    assert_eq!(only(&run, "client", "got"), [""; 0]);
    assert_eq!(only(&run, "client", "reset"), ["520ms reset"]);
    assert_eq!(only(&run, "server", "lost "), ["520ms lost 90: ConnectionGone"]);
}

#[test]
fn a_cut_around_a_dark_host_makes_no_difference() {
    for (from, to) in [("server", "client"), ("client", "server")] {
        let cut = Action::OneWayPartition(groups(from, to));
        let faults = vec![for_ever(50, power_loss("server")), for_ever(85, cut)];
        let run = run_pair(5000, &[80], faults);
        assert_eq!(only(&run, "client", "blocked"), ["90ms blocked 80"]);
        assert_eq!(fired(&run, 1), (false, 0), "{from} to {to}");
    }
    // Nor one on the way of an answer that nobody gives.
    let cut = Action::OneWayPartition(groups("server", "client"));
    let run = run_pair(5000, &[], vec![for_ever(0, power_loss("server")), for_ever(5, cut)]);
    assert_eq!(fired(&run, 1), (false, 0));
}
