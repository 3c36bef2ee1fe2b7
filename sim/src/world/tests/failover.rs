//! Failover: an operator says at a node what the world was told to say there.

use super::*;

/// Writes down what an operator says.
fn told(_boot: Boot) -> impl Machine {
    acts(|input, context| {
        if let Input::Operator { message: Message::Number(number) } = input {
            context.note(remark(number));
        }
    })
}

fn failover(node: &str) -> Action {
    Action::Failover { node: node.to_owned() }
}

/// Runs two servers under these faults. At `watcher` an operator has something to say, and at `server`
/// nothing.
fn run_with(faults: Vec<Fault>) -> Run {
    let mut world = world();
    world.add_server("server", told);
    let watcher = world.add_server("watcher", told);
    world.set_failover(watcher, Message::Number(42));
    world.inject(faults);
    world.run(ms(1000)).unwrap()
}

#[test]
fn a_process_that_is_up_is_told_at_once() {
    let run =
        run_with(vec![for_ever(100, failover("watcher")), for_ever(200, failover("watcher"))]);
    assert_eq!(story(&run, "watcher"), ["100ms told", "100ms 42", "200ms told", "200ms 42"]);
    assert_eq!(story(&run, "server"), [""; 0]);
    assert_eq!([fired(&run, 0), fired(&run, 1)], [(true, 1); 2]);
}

#[test]
fn what_it_brings_about_is_caused_by_the_fault() {
    let run = run_with(vec![for_ever(100, failover("watcher"))]);
    let (_, noted, _) = run.history.notes().next().unwrap();
    let told = run.history.record(noted.cause.unwrap()).unwrap();
    assert_eq!(told.event, Event::OperatorAsked);
    let began = run.history.record(told.cause.unwrap()).unwrap();
    assert!(matches!(began.event, Event::FaultBegan(_)), "{began:?}");
}

#[test]
fn a_paused_process_is_told_when_it_goes_on() {
    let run = run_with(vec![fault(50, 100, pause("watcher")), for_ever(100, failover("watcher"))]);
    let story = story(&run, "watcher");
    assert_eq!(story, ["50ms paused", "150ms resumed", "150ms told", "150ms 42"]);
    assert_eq!([fired(&run, 0), fired(&run, 1)], [(true, 1); 2], "and the pause has held it up");
}

#[test]
fn nobody_is_told_where_there_is_no_process() {
    for down in [crash("watcher"), power_loss("watcher")] {
        let run = run_with(vec![fault(50, 100, down), for_ever(100, failover("watcher"))]);
        assert_eq!(only(&run, "watcher", "told"), [""; 0], "not after the restart either");
        assert_eq!(fired(&run, 1), (false, 0));
    }
}

#[test]
fn who_dies_before_it_goes_on_has_not_been_told() {
    let run = run_with(vec![
        fault(50, 100, pause("watcher")),
        for_ever(100, failover("watcher")),
        fault(120, 10, crash("watcher")),
    ]);
    assert_eq!(only(&run, "watcher", "told"), [""; 0]);
    assert_eq!(fired(&run, 1), (false, 0));
}

#[test]
fn a_node_that_has_nothing_to_be_told_is_told_nothing() {
    let run = run_with(vec![for_ever(100, failover("server"))]);
    assert_eq!(story(&run, "server"), [""; 0]);
    assert_eq!(fired(&run, 0), (false, 0));
}
