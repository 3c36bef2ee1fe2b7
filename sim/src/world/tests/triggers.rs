//! When faults begin.

use fencepost_faults::Trigger;

use super::super::{RunError, UnknownNode};
use super::*;

/// A node that makes a remark every 100 ms.
fn remarks(_boot: Boot) -> impl Machine {
    acts(|input, context| match input {
        Input::Started => context.set_timer(TimerId(1), ms(100)),
        Input::Timer(_) => {
            context.note(remark("here"));
            context.set_timer(TimerId(1), ms(100));
        }
        _ => {}
    })
}

fn when(node: Option<&str>, event: &str, nth: u32, after_ms: u64) -> Fault {
    let trigger = Trigger {
        node: node.map(str::to_owned),
        event: event.to_owned(),
        nth,
        after: ms(after_ms),
    };
    Fault { start: Start::When(trigger), length: Some(ms(30)), action: pause("one") }
}

/// When the faults began, in milliseconds, where two nodes make remarks: each at 100 ms, 200 ms…
fn begins(faults: Vec<Fault>) -> Vec<Option<u64>> {
    let mut world = world();
    world.add_client("one", remarks);
    world.add_client("other", remarks);
    world.inject(faults);
    let run = world.run(ms(1000)).unwrap();
    run.faults.iter().map(|fault| fault.began_at.map(|at| at.as_millis())).collect()
}

#[test]
fn a_trigger_waits_for_the_nth_note_and_then_a_while() {
    let one = Some("one");
    let faults = vec![
        when(one, "remark", 1, 0),
        when(one, "remark", 3, 0),
        when(one, "remark", 3, 25),
        when(Some("other"), "remark", 2, 10),
    ];
    assert_eq!(begins(faults), [Some(100), Some(300), Some(325), Some(210)]);
}

#[test]
fn a_trigger_for_anybody_counts_the_notes_of_all() {
    assert_eq!(begins(vec![when(None, "remark", 3, 0)]), [Some(200)]);
    assert_eq!(begins(vec![when(None, "remark", 0, 0)]), [Some(100)], "0 is the first as well");
}

#[test]
fn a_trigger_that_is_never_pulled_leaves_its_fault_undone() {
    let faults = vec![
        when(Some("one"), "acquired", 1, 0),
        when(Some("one"), "remark", 1000, 0),
        when(Some("one"), "remark", 9, 500),
    ];
    let mut world = world();
    world.add_client("one", remarks);
    world.inject(faults);
    let run = world.run(ms(1000)).unwrap();
    for fault in &run.faults {
        assert_eq!((fault.began_at, fault.fired, fault.hits), (None, false, 0));
    }
    assert_eq!(only(&run, "one", "paused"), Vec::<String>::new());
}

#[test]
fn a_triggered_fault_does_what_one_at_a_fixed_time_does_and_once() {
    let mut world = world();
    world.add_client("one", remarks);
    world.inject(vec![when(Some("one"), "remark", 2, 90)]);
    let run = world.run(ms(550)).unwrap();
    assert_eq!(
        story(&run, "one"),
        [
            "100ms here",
            "200ms here",
            "290ms paused",
            "320ms resumed",
            "320ms here",
            "420ms here",
            "520ms here",
        ]
    );
    assert_eq!(fired(&run, 0), (true, 1));
}

#[test]
fn what_a_node_did_in_the_same_moment_comes_before_the_fault_that_it_triggered() {
    let mut world = world();
    let server = world.add_server("server", sink);
    world.add_client("one", move |_boot| {
        acts(move |input, context| match input {
            Input::Started => {
                context.connect(server);
            }
            Input::Connected { connection } => {
                context.note(remark("connected"));
                context.send(connection, Message::Number(1));
            }
            _ => {}
        })
    });
    let fault = when(Some("one"), "remark", 1, 0);
    world.inject(vec![Fault { length: None, action: crash("one"), ..fault }]);
    let run = world.run(ms(1000)).unwrap();
    assert_eq!(story(&run, "server"), ["30ms accepted", "30ms got 1", "30ms closed by the peer"]);
}

#[test]
fn a_fault_names_a_node_that_is_not_there() {
    for fault in [
        for_ever(100, pause("nobody")),
        when(Some("nobody"), "remark", 1, 0),
        for_ever(100, Action::Partition(groups("one", "nobody"))),
    ] {
        let mut world = world();
        world.add_client("one", remarks);
        world.inject(vec![fault.clone()]);
        let error = world.run(ms(1000)).unwrap_err();
        let RunError::UnknownNode(UnknownNode { node, known, .. }) = &error else {
            panic!("{error}");
        };
        assert_eq!((node.as_str(), known.as_str()), ("nobody", "one"));
        let says = format!("`{fault}`: there is no node `nobody` (there are: one)");
        assert_eq!(error.to_string(), says);
    }
}

#[test]
fn faults_of_the_same_moment_begin_in_the_order_of_the_plan() {
    let faults = vec![fault(100, 0, pause("server")), fault(100, 0, crash("server"))];
    let run = run_pair(200, &[], faults);
    assert_eq!(story(&run, "server")[1..], ["100ms paused", "100ms crashed", "100ms restarted 1"]);
}
