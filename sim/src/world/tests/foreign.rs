//! A user's own async code on madsim's executor, in one world with machines.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use fencepost_faults::Trigger;
use fencepost_models::process::{Host, Process};

use super::super::Digest;
use super::*;

/// madsim lets each poll of a task take up to 100 ns. Between an event of the world and the code
/// that it wakes there are a few polls at most.
const TOLERANCE: Duration = Duration::from_micros(2);

fn is_about(time: Duration, expected: Duration) -> bool {
    time >= expected && time < expected + TOLERANCE
}

/// The times of the notes of a node, and their texts.
fn notes(run: &Run) -> Vec<(Duration, String)> {
    let notes = run.history.notes().map(|(_, record, note)| match note {
        Note::Remark { text } => (record.at.elapsed(), text.clone()),
        other => (record.at.elapsed(), other.kind().to_owned()),
    });
    notes.collect()
}

/// Asserts what was noted and when, to within the tolerance.
fn assert_notes(run: &Run, expected: &[(u64, &str)]) {
    let noted = notes(run);
    let texts: Vec<&str> = noted.iter().map(|(_, text)| text.as_str()).collect();
    let wanted: Vec<&str> = expected.iter().map(|(_, text)| *text).collect();
    assert_eq!(texts, wanted, "{noted:?}");
    for ((at, text), (expected, _)) in noted.iter().zip(expected) {
        assert!(is_about(*at, ms(*expected)), "{text} at {at:?}, not {expected} ms");
    }
}

fn run_foreign<F: Future<Output = ()> + 'static>(
    faults: Vec<Fault>,
    main: impl FnMut(Host, NodeId) -> F + Clone + 'static,
) -> Run {
    let mut world = world();
    let server = world.add_server("server", echo);
    let mut main = main.clone();
    world.add_foreign("user", move |host| main(host, server));
    world.inject(faults);
    world.run(ms(2000)).unwrap()
}

#[test]
fn users_code_talks_to_machines_and_sleeps_timeouts_and_intervals_are_exact() {
    let run = run_foreign(Vec::new(), |host, server| async move {
        let connection = host.connect(server).await.unwrap();
        host.note(remark("connected"));
        connection.send(Message::Number(1));
        assert_eq!(connection.receive().await, Ok(Message::Number(1)));
        host.note(remark("answered"));
        madsim::time::sleep(ms(10)).await;
        host.note(remark("slept"));
        connection.send(Message::Number(2));
        let late = madsim::time::timeout(ms(15), connection.receive()).await;
        assert!(late.is_err());
        host.note(remark("timed out"));
        let mut interval = madsim::time::interval(ms(100));
        for _ in 0..3 {
            interval.tick().await;
            host.note(remark("tick"));
        }
        host.sleep(ms(5)).await;
        host.note(remark("slept on the host's clock"));
    });
    assert_notes(
        &run,
        &[
            (20, "connected"),
            (40, "answered"),
            (50, "slept"),
            (65, "timed out"),
            (66, "tick"), // madsim never waits for less than 1 ms
            (166, "tick"),
            (266, "tick"),
            (271, "slept on the host's clock"),
        ],
    );
}

#[test]
fn the_clocks_of_std_of_madsim_and_of_the_host_agree() {
    #[expect(clippy::disallowed_methods, reason = "inside a run they show simulated time")]
    let run = run_foreign(Vec::new(), |host, server| async move {
        let (instant, system) = (std::time::Instant::now(), std::time::SystemTime::now());
        let (mono, wall) = (host.mono(), host.wall());
        let connection = host.connect(server).await.unwrap();
        for number in 0..20 {
            madsim::time::sleep(ms(7)).await;
            connection.send(Message::Number(number));
            connection.receive().await.unwrap();
            let by_mono = host.mono().saturating_since(mono);
            assert_eq!(host.wall().saturating_since(wall), by_mono);
            assert_eq!(instant.elapsed(), by_mono);
            assert_eq!(system.elapsed().unwrap(), by_mono);
        }
        host.note(remark("done"));
    });
    // 20 ms to connect, and twenty times 7 ms of sleep and 20 ms for the answer. The polls of
    // every turn add up, for each sleep begins where the last one was seen to end.
    let (at, text) = &notes(&run)[0];
    assert_eq!(text, "done");
    assert!(*at >= ms(560) && *at < ms(560) + TOLERANCE * 40, "{at:?}");
}

#[test]
fn the_world_hands_over_on_time_whatever_the_tasks_do() {
    let mut world = world();
    let server = world.add_server("server", sink);
    world.add_client("client", sends(server, &[100, 200, 300]));
    world.add_foreign("busy", |_host| async {
        loop {
            madsim::time::sleep(Duration::from_micros(1500)).await;
        }
    });
    let run = world.run(ms(1000)).unwrap();
    let times: Vec<Duration> = run
        .history
        .records()
        .iter()
        .filter(|record| matches!(record.event, Event::Delivered(_)))
        .map(|record| record.at.elapsed())
        .collect();
    assert_eq!(times, [ms(110), ms(210), ms(310)], "machines' time is exact");
}

#[test]
fn tasks_of_one_process_run_beside_each_other() {
    let run = run_foreign(Vec::new(), |host, _server| async move {
        let inner = host.clone();
        let task = madsim::task::spawn(send_wrapper::SendWrapper::new(async move {
            madsim::time::sleep(ms(30)).await;
            inner.note(remark("spawned"));
        }));
        madsim::time::sleep(ms(20)).await;
        host.note(remark("main"));
        task.await.unwrap();
        host.note(remark("joined"));
    });
    assert_notes(&run, &[(20, "main"), (30, "spawned"), (30, "joined")]);
}

#[test]
fn machines_can_connect_to_users_code() {
    let mut world = world();
    let user = world.add_foreign("user", |host| async move {
        let (connection, peer) = host.accept().await;
        assert_eq!(peer, NodeId(1));
        while let Ok(message) = connection.receive().await {
            madsim::time::sleep(ms(50)).await;
            connection.send(message);
        }
    });
    world.add_client("client", move |boot| {
        Process::new(boot, move |host| async move {
            let connection = host.connect(user).await.unwrap();
            connection.send(Message::Number(7));
            assert_eq!(connection.receive().await, Ok(Message::Number(7)));
            host.note(remark("answered"));
        })
    });
    let run = world.run(ms(1000)).unwrap();
    assert_notes(&run, &[(90, "answered")]);
}

async fn beat(host: Host, _server: NodeId) {
    loop {
        madsim::time::sleep(ms(100)).await;
        host.note(remark(host.incarnation()));
    }
}

#[test]
fn a_paused_process_gets_no_turn_and_goes_on_afterwards() {
    let run = run_foreign(vec![fault(150, 275, pause("user"))], beat);
    let noted = notes(&run);
    assert!(is_about(noted[0].0, ms(100)));
    assert!(is_about(noted[1].0, ms(425)), "the sleep was over at 200 ms: {:?}", noted[1]);
    assert!(is_about(noted[2].0, ms(525)), "{:?}", noted[2]);
}

#[test]
fn what_comes_to_a_paused_process_waits() {
    let run = run_foreign(vec![fault(35, 300, pause("user"))], |host, server| async move {
        let connection = host.connect(server).await.unwrap();
        connection.send(Message::Number(1));
        connection.receive().await.unwrap();
        host.note(remark("answered"));
    });
    assert_notes(&run, &[(335, "answered")]);
    assert_eq!(
        only(&run, "user", "waiting"),
        ["40ms waiting 1"].map(|_| only(&run, "user", "waiting")[0].clone())
    );
    assert_eq!(fired(&run, 0), (true, 1));
}

#[test]
fn a_crash_drops_every_task_and_a_restart_begins_anew() {
    let dropped = Rc::new(Cell::new(0));
    let seen = dropped.clone();
    struct Guard(Rc<Cell<u32>>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let run = run_foreign(vec![fault(150, 275, crash("user"))], move |host, server| {
        let guard = Guard(seen.clone());
        async move {
            let _guard = guard;
            let _connection = host.connect(server).await;
            beat(host, server).await;
        }
    });
    let texts: Vec<String> = notes(&run).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts[..3], ["0", "1", "1"]);
    assert!(is_about(notes(&run)[1].0, ms(425 + 20 + 100)), "{:?}", notes(&run)[1]);
    assert_eq!(dropped.get(), 2, "the first at the crash, the second with the world");
    assert_eq!(only(&run, "server", "closed by the peer").len(), 1, "as its kernel closes");
}

#[test]
fn a_power_loss_is_silent_for_users_code_too() {
    let run = run_foreign(vec![fault(150, 275, power_loss("user"))], |host, server| async move {
        let _connection = host.connect(server).await;
        std::future::pending::<()>().await;
    });
    assert_eq!(only(&run, "server", "closed"), Vec::<String>::new());
    assert_eq!(only(&run, "server", "accepted").len(), 2);
}

#[test]
fn a_process_may_end_and_the_world_goes_on() {
    let run = run_foreign(Vec::new(), |host, server| async move {
        let connection = host.connect(server).await.unwrap();
        connection.send(Message::Number(1));
    });
    assert_eq!(only(&run, "server", "got").len(), 1);
    assert_eq!(only(&run, "server", "closed").len(), 1);
    assert_eq!(run.simulated, ms(2000));
}

#[test]
fn the_hosts_clock_drifts_and_the_executors_does_not() {
    let drift = Action::ClockDrift { node: "user".to_owned(), ppm: 500_000 };
    let run = run_foreign(vec![for_ever(0, drift)], |host, _server| async move {
        let mono = host.mono();
        madsim::time::sleep(ms(100)).await;
        let shown = host.mono().saturating_since(mono);
        assert!(shown >= ms(150) && shown < ms(150) + TOLERANCE, "{shown:?}");
        host.sleep(ms(150)).await;
        host.note(remark("both"));
    });
    assert_notes(&run, &[(200, "both")]);
}

/// Two users and a server under faults, with all that can be drawn.
fn digest(seed: u64) -> Digest {
    let mut world = World::new(seed, Latency::Uniform { min: ms(1), max: ms(9) });
    let server = world.add_server("server", echo);
    for name in ["user", "other"] {
        world.add_foreign(name, move |host| async move {
            let log = Rc::new(RefCell::new(Vec::new()));
            loop {
                let Ok(connection) = host.connect(server).await else { continue };
                for number in 0..10 {
                    let pause = ms(host.random(|random| random.below(20)));
                    madsim::time::sleep(pause).await;
                    connection.send(Message::Number(number));
                    match madsim::time::timeout(ms(30), connection.receive()).await {
                        Ok(Ok(answer)) => log.borrow_mut().push(answer),
                        Ok(Err(_)) => break,
                        Err(_) => {}
                    }
                    host.note(remark(log.borrow().len()));
                }
            }
        });
    }
    world.inject(vec![
        fault(100, 200, pause("user")),
        fault(400, 100, crash("user")),
        fault(300, 300, power_loss("server")),
        fault(700, 100, Action::Partition(groups("other", "*"))),
    ]);
    world.run(ms(1500)).unwrap().history.digest()
}

#[test]
fn a_world_with_users_code_is_as_deterministic_as_one_without() {
    let here: Vec<Digest> = (0..4).map(digest).collect();
    assert_eq!(here, (0..4).map(digest).collect::<Vec<_>>());
    assert_eq!(here, fresh_thread(|| (0..4).map(digest).collect::<Vec<_>>()));
    assert!(here[0] != here[1] && here[1] != here[2]);
}

/// A user that is killed 10 ms after the server's answer was sent: in the instant of its delivery.
fn killed_at_delivery(seed: u64) -> Run {
    let mut world = World::new(seed, Latency::Fixed(ms(10)));
    let server = world.add_server("server", |_boot| {
        acts(|input, context| {
            if let Input::Message { connection, .. } = input {
                context.send(connection, Message::Number(1));
                context.note(remark("now"));
            }
        })
    });
    world.add_foreign("user", move |host| async move {
        let connection = host.connect(server).await.unwrap();
        connection.send(Message::Number(7));
        connection.receive().await.unwrap();
        connection.send(Message::Number(8));
        std::future::pending::<()>().await;
    });
    let trigger = Trigger { node: None, event: "remark".to_owned(), nth: 1, after: ms(10) };
    world.inject(vec![Fault { start: Start::When(trigger), length: None, action: crash("user") }]);
    world.run(ms(1000)).unwrap()
}

#[test]
fn what_was_delivered_is_acted_upon_before_a_crash_of_the_same_instant() {
    let answered = |seed| only(&killed_at_delivery(seed), "user", "sent 8").len();
    assert_eq!((0..100).map(answered).sum::<usize>(), 100);
}

#[test]
fn what_tasks_do_is_caused_by_what_woke_them_or_by_nothing() {
    let run = run_foreign(vec![fault(100, 100, pause("user"))], |host, server| async move {
        let connection = host.connect(server).await.unwrap();
        madsim::time::sleep(ms(50)).await;
        connection.send(Message::Number(1));
        connection.receive().await.unwrap();
        host.note(remark("answered"));
        madsim::time::sleep(ms(60)).await;
        host.note(remark("slept"));
    });
    let records = run.history.records();
    let event = |id: super::super::history::RecordId| records[id.0 as usize].event;
    let cause_of_note = |text: &str| {
        let (_, record, _) = run
            .history
            .notes()
            .find(|(_, _, note)| matches!(note, Note::Remark { text: one } if one == text))
            .unwrap();
        let ran = record.cause.unwrap();
        assert_eq!(event(ran), Event::TasksRan);
        records[ran.0 as usize].cause.map(event)
    };
    assert!(matches!(cause_of_note("answered"), Some(Event::Delivered(_))));
    assert_eq!(cause_of_note("slept"), Some(Event::Resumed), "it was over in the pause");
    let by_itself = |record: &&super::super::history::Record| {
        record.event == Event::TasksRan && record.cause.is_none()
    };
    assert_eq!(records.iter().filter(by_itself).count(), 1, "the send after the first sleep");
}
