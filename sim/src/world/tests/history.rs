//! The history: what points at what.

use fencepost_faults::FaultKind;
use fencepost_models::process::Process;

use super::super::history::{FaultId, History, Record, RecordId};
use super::*;

fn run_asking() -> Run {
    let mut world = world();
    let server = world.add_server("server", echo);
    world.add_client("client", move |boot| {
        Process::new(boot, move |host| async move {
            let connection = host.connect(server).await.unwrap();
            for number in 0..5 {
                connection.send(Message::Number(number));
                host.note(remark("asked"));
                let _ = connection.receive().await;
                host.sleep(ms(5)).await;
            }
        })
    });
    world.inject(vec![fault(60, 100, pause("server")), fault(200, 10, crash("client"))]);
    world.run(ms(1000)).unwrap()
}

fn record(history: &History, id: RecordId) -> &Record {
    &history.records()[id.0 as usize]
}

#[test]
fn a_cause_lies_before_its_effect_at_the_same_node_and_moment() {
    let run = run_asking();
    let mut effects = 0;
    for (place, one) in run.history.records().iter().enumerate() {
        let Some(cause) = one.cause else { continue };
        assert!((cause.0 as usize) < place);
        let cause = record(&run.history, cause);
        assert_eq!(cause.node, one.node);
        let is_end_of_fault = matches!(one.event, Event::FaultEnded(_));
        assert!(cause.at == one.at || is_end_of_fault, "{one:?} by {cause:?}");
        effects += 1;
    }
    assert!(effects > 20);
}

#[test]
fn what_a_process_does_is_caused_by_the_input_that_it_handles() {
    let run = run_asking();
    let caused_by = |one: &Record| one.cause.map(|id| record(&run.history, id).event);
    for one in run.history.records() {
        match one.event {
            Event::Sent(id) if run.history.name(one.node) == "server" => {
                let asked = run.history.message(id);
                let Some(Event::Delivered(question)) = caused_by(one) else {
                    panic!("{one:?}");
                };
                assert_eq!(run.history.message(question).message, asked.message);
            }
            Event::Sent(_) => {
                assert!(matches!(caused_by(one), Some(Event::Connected(_) | Event::TimerFired)))
            }
            Event::Connecting { .. } => {
                assert!(matches!(caused_by(one), Some(Event::Started { .. })));
            }
            Event::Paused => {
                assert!(matches!(caused_by(one), Some(Event::FaultBegan(id)) if id.0 == 0))
            }
            Event::Resumed => {
                assert!(matches!(caused_by(one), Some(Event::FaultEnded(id)) if id.0 == 0))
            }
            Event::Crashed => {
                assert!(matches!(caused_by(one), Some(Event::FaultBegan(id)) if id.0 == 1))
            }
            Event::Started { incarnation: 1 } => {
                assert!(matches!(caused_by(one), Some(Event::FaultEnded(id)) if id.0 == 1));
            }
            Event::FaultEnded(id) => assert_eq!(caused_by(one), Some(Event::FaultBegan(id))),
            _ => {}
        }
    }
}

#[test]
fn every_send_can_be_found_and_says_what_its_message_says() {
    let run = run_asking();
    assert!(run.history.messages().len() >= 10);
    for (number, envelope) in run.history.messages().iter().enumerate() {
        let id = super::super::history::MessageId(number as u32);
        let send = record(&run.history, envelope.sent);
        assert_eq!(send.event, Event::Sent(id));
        assert_eq!((send.node, send.at), (envelope.from, run.history.sent_at(envelope)));
    }
}

#[test]
fn a_delivery_is_at_the_node_that_the_message_was_for() {
    let run = run_asking();
    let mut delivered = 0;
    for one in run.history.records() {
        if let Event::Delivered(id) = one.event {
            let envelope = run.history.message(id);
            assert_eq!(one.node, envelope.to);
            assert!(one.at >= run.history.sent_at(envelope) + ms(10));
            delivered += 1;
        }
    }
    assert_eq!(delivered, run.history.delivered());
}

#[test]
fn the_history_ends_when_the_run_does_and_knows_its_names_faults_and_size() {
    let run = run_asking();
    assert!(run.history.records().last().unwrap().at < run.history.end());
    assert_eq!(run.history.end(), super::super::SimTime::after(run.simulated));
    assert_eq!(run.history.faults, [FaultKind::Pause, FaultKind::Crash]);
    assert_eq!(run.history.name(NodeId(0)), "server");
    assert_eq!(run.history.name(NodeId(77)), "?");
    let notes = run.history.notes().count();
    assert_eq!(notes, only(&run, "client", "asked").len());
    let records = size_of_val(run.history.records());
    assert!(run.history.memory() > records as u64);
    assert_eq!(History::default().end().as_nanos(), 0);
}

#[test]
fn incidents_are_the_begins_and_ends_of_faults_and_the_deaths_and_nothing_else() {
    let run = run_asking();
    let events: Vec<Event> = run.history.incidents().map(|(_, one)| one.event).collect();
    let (pause, crash) = (FaultId(0), FaultId(1));
    assert_eq!(
        events,
        [
            Event::FaultBegan(pause),
            Event::FaultEnded(pause),
            Event::FaultBegan(crash),
            Event::Crashed,
            Event::FaultEnded(crash),
        ]
    );
    let deaths: Vec<RecordId> = run.history.deaths().map(|(id, _)| id).collect();
    assert_eq!(deaths.len(), 1);
    assert_eq!(record(&run.history, deaths[0]).event, Event::Crashed);
}

#[test]
fn a_run_says_its_seed_its_length_and_its_work() {
    let run = run_asking();
    assert_eq!((run.seed, run.simulated), (7, ms(1000)));
    assert!(run.events as usize >= run.history.messages().len() * 2);
}
