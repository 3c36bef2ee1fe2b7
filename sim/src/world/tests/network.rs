//! Delays, held messages, connections that are dropped, and what no machine may do.

use super::*;

fn delay(by_ms: u64) -> Action {
    Action::Delay { groups: groups("client", "server"), by: ms(by_ms) }
}

fn hold(message: Option<&str>) -> Action {
    Action::HoldMessage {
        from: "client".to_owned(),
        to: "server".to_owned(),
        message: message.map(str::to_owned),
    }
}

fn drop_connection() -> Action {
    Action::DropConnection(groups("client", "server"))
}

#[test]
fn a_delay_slows_what_is_sent_while_it_lasts_and_overtakes_nothing() {
    let run = run_pair(1000, &[99, 150, 205, 400], vec![fault(100, 100, delay(100))]);
    assert_eq!(
        only(&run, "server", "got"),
        ["109ms got 99", "260ms got 150", "260ms got 205", "410ms got 400"],
        "the third was not slowed, but keeps its place"
    );
    assert_eq!(fired(&run, 0), (true, 1));
}

#[test]
fn delays_add_up_and_slow_both_ways() {
    let mut world = world();
    let server = world.add_server("server", echo);
    world.add_client("client", sends(server, &[150]));
    world.inject(vec![fault(100, 500, delay(30)), for_ever(100, delay(5))]);
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(only(&run, "client", "got"), ["240ms got 150"]);
    assert_eq!((fired(&run, 0), fired(&run, 1)), ((true, 2), (true, 2)));
}

#[test]
fn a_delay_slows_the_making_of_connections_too() {
    let run = run_pair(1000, &[], vec![fault(0, 500, delay(100))]);
    assert_eq!(story(&run, "client"), ["220ms connected"]);
    assert_eq!(story(&run, "server"), ["330ms accepted"]);
    assert_eq!(fired(&run, 0), (true, 3));
}

#[test]
fn a_delay_of_nothing_has_not_fired() {
    let run = run_pair(1000, &[99, 201], vec![fault(100, 100, delay(100))]);
    assert_eq!(fired(&run, 0), (false, 0));
}

#[test]
fn a_held_message_arrives_when_its_fault_ends_and_holds_up_its_own_connection_only() {
    let mut world = world();
    let server = world.add_server("server", sink);
    // Two connections from one client.
    world.add_client("client", move |_boot| {
        let mut connections = Vec::new();
        acts(move |input, context| match input {
            Input::Started => {
                connections = vec![context.connect(server), context.connect(server)];
                for at in [150, 160, 170] {
                    context.set_timer(TimerId(at), ms(u64::from(at)));
                }
            }
            Input::Timer(TimerId(at)) => {
                let connection = connections[usize::from(at == 160)];
                context.send(connection, Message::Number(u64::from(at)));
            }
            _ => {}
        })
    });
    world.inject(vec![fault(100, 900, hold(None))]);
    let run = world.run(ms(5000)).unwrap();
    assert_eq!(only(&run, "server", "got"), ["170ms got 160", "1s got 150", "1s got 170"]);
    assert_eq!(only(&run, "client", "held"), ["150ms held 150"]);
    assert_eq!(fired(&run, 0), (true, 1));
}

#[test]
fn a_held_write_lands_after_everything_else() {
    let mut world = world();
    let server = world.add_server("server", sink);
    world.add_client("client", sends(server, &[150]));
    world.add_client("other", sends(server, &[200, 20_000]));
    world.inject(vec![fault(100, 29_900, hold(None)), fault(1000, 1000, pause("client"))]);
    let run = world.run(ms(60_000)).unwrap();
    assert_eq!(only(&run, "server", "got").last().unwrap(), "30s got 150");
}

#[test]
fn a_message_that_is_held_for_ever_never_arrives_and_nothing_behind_it() {
    let run = run_pair(100_000, &[150, 5000], vec![for_ever(100, hold(None))]);
    assert_eq!(only(&run, "server", "got"), Vec::<String>::new());
    assert_eq!(fired(&run, 0), (true, 1));
}

#[test]
fn a_message_is_held_by_its_name() {
    let run = run_pair(1000, &[150], vec![fault(100, 500, hold(Some("bytes")))]);
    assert_eq!(only(&run, "server", "got"), ["160ms got 150"]);
    assert_eq!(fired(&run, 0), (false, 0));
    let run = run_pair(1000, &[150], vec![fault(100, 500, hold(Some("NUMBER")))]);
    assert_eq!(only(&run, "server", "got"), ["600ms got 150"]);
}

#[test]
fn each_of_two_holds_takes_one_message_in_the_order_in_which_they_began() {
    let faults = vec![fault(100, 500, hold(None)), fault(101, 1000, hold(None))];
    let run = run_pair(5000, &[150, 160, 170], faults);
    assert_eq!(only(&run, "server", "got"), ["600ms got 150", "1101ms got 160", "1101ms got 170"]);
    assert_eq!((fired(&run, 0), fired(&run, 1)), ((true, 1), (true, 1)));
}

#[test]
fn a_hold_that_has_ended_takes_nothing() {
    let run = run_pair(1000, &[99, 250], vec![fault(100, 100, hold(None))]);
    assert_eq!(only(&run, "server", "got"), ["109ms got 99", "260ms got 250"]);
    assert_eq!(fired(&run, 0), (false, 0));
}

#[test]
fn a_dropped_connection_is_news_to_both_sides_at_once_and_takes_what_is_under_way() {
    let run = run_pair(1000, &[80, 95, 150], vec![fault(100, 500, drop_connection())]);
    assert_eq!(story(&run, "server")[1..], ["90ms got 80", "100ms reset"]);
    assert_eq!(
        story(&run, "client")[3..],
        [
            "100ms reset",
            "105ms lost 95: ConnectionGone",
            "150ms sent 150",
            "150ms lost 150: ConnectionGone",
        ]
    );
    assert_eq!(fired(&run, 0), (true, 1), "one connection");
}

#[test]
fn a_connection_that_is_opened_after_the_drop_works() {
    let mut world = world();
    let server = world.add_server("server", sink);
    world.add_client("client", opens(server, 150, &[300]));
    world.inject(vec![fault(100, 500, drop_connection())]);
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(only(&run, "server", "got"), ["310ms got 300"]);
    assert_eq!(fired(&run, 0), (false, 0));
}

#[test]
fn a_connection_that_is_dropped_while_it_opens_is_never_accepted() {
    for at in [5, 15] {
        let run = run_pair(1000, &[], vec![for_ever(at, drop_connection())]);
        assert_eq!(story(&run, "client"), [format!("{at}ms reset")]);
        assert_eq!(story(&run, "server"), Vec::<String>::new());
        assert_eq!(fired(&run, 0), (true, 1));
    }
    let run = run_pair(1000, &[], vec![for_ever(25, drop_connection())]);
    assert_eq!(story(&run, "client"), ["20ms connected", "25ms reset"]);
    assert_eq!(story(&run, "server"), Vec::<String>::new());
}

#[test]
fn a_paused_process_hears_of_a_dropped_connection_at_resume() {
    let faults = vec![fault(100, 200, pause("server")), for_ever(150, drop_connection())];
    let run = run_pair(1000, &[120], faults);
    assert_eq!(
        story(&run, "server")[2..],
        ["130ms waiting 120", "300ms resumed", "300ms got 120", "300ms reset"]
    );
}

#[test]
fn nobody_is_at_home_at_a_node_that_is_not_there_nor_at_ones_own() {
    let mut world = world();
    world.add_client("stray", sends(NodeId(99), &[]));
    world.add_server("self", sends(NodeId(1), &[]));
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(story(&run, "stray"), ["0s refused"]);
    assert_eq!(story(&run, "self"), ["0s refused"]);
}

#[test]
fn a_connection_of_others_cannot_be_used() {
    let mut world = world();
    let server = world.add_server("server", sink);
    world.add_client("client", sends(server, &[100]));
    world.add_client("thief", |_boot| {
        acts(|input, context| match input {
            Input::Started => context.set_timer(TimerId(1), ms(50)),
            Input::Timer(_) => {
                for connection in [0, 1, u32::MAX] {
                    context.send(ConnectionId(connection), Message::Number(666));
                    context.close(ConnectionId(connection));
                }
            }
            _ => {}
        })
    });
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(story(&run, "server"), ["30ms accepted", "110ms got 100"]);
}

#[test]
fn an_opener_that_gave_up_leaves_no_trace_at_the_listener() {
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
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(story(&run, "client"), ["15ms closed"]);
    assert_eq!(story(&run, "server"), Vec::<String>::new());
}

#[test]
fn the_server_may_speak_first() {
    let mut world = world();
    let server = world.add_server("server", |_boot| {
        acts(|input, context| {
            if let Input::Accepted { connection, .. } = input {
                context.send(connection, Message::Number(1));
            }
        })
    });
    world.add_client("client", sends(server, &[]));
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(story(&run, "client"), ["20ms connected", "40ms got 1"]);
}
