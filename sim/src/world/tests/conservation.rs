//! Laws that hold in every run: random small worlds under random faults.

use std::collections::{BTreeMap, BTreeSet};

use fencepost_faults::{Plan, Trigger};
use fencepost_models::machine::{DiskOperation, DiskToken};
use fencepost_models::process::{Host, Process};
use proptest::prelude::*;

use super::super::SimTime;
use super::super::history::{LossReason, MessageId, Record};
use super::*;

const NODES: [&str; 5] = ["one", "two", "a", "b", "c"];
const LENGTH_MS: u64 = 4000;
const MAX_LATENCY_MS: u64 = 20;

fn node() -> impl Strategy<Value = String> {
    proptest::sample::select(&NODES[..]).prop_map(str::to_owned)
}

fn two_groups() -> impl Strategy<Value = Groups> {
    let group = |size| proptest::sample::subsequence(&NODES[..], size);
    let named = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    (group(1..3), group(0..3))
        .prop_map(move |(one, other)| Groups { one: named(one), other: named(other) })
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        node().prop_map(|node| Action::Pause { node }),
        node().prop_map(|node| Action::Crash { node }),
        node().prop_map(|node| Action::PowerLoss { node }),
        two_groups().prop_map(Action::Partition),
        two_groups().prop_map(Action::OneWayPartition),
        two_groups().prop_map(Action::DropConnection),
        (two_groups(), 1..300_u64).prop_map(|(groups, by)| Action::Delay { groups, by: ms(by) }),
        (node(), node()).prop_map(|(from, to)| Action::HoldMessage { from, to, message: None }),
        (node(), any::<i32>())
            .prop_map(|(node, by)| Action::ClockJump { node, by_nanos: i64::from(by) }),
        (node(), -900_000..900_000_i32).prop_map(|(node, ppm)| Action::ClockDrift { node, ppm }),
        (node(), 1..300_u64).prop_map(|(node, by)| Action::SlowDisk { node, by: ms(by) }),
    ]
}

fn start() -> impl Strategy<Value = Start> {
    let trigger = (proptest::option::of(node()), 1..10_u32, 0..50_u64);
    prop_oneof![
        3 => (0..LENGTH_MS).prop_map(|at| Start::At(ms(at))),
        1 => trigger.prop_map(|(node, nth, after)| {
            Start::When(Trigger { node, event: "remark".to_owned(), nth, after: ms(after) })
        }),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    let length = proptest::option::weighted(0.8, (0..1500_u64).prop_map(ms));
    let fault = (start(), length, action()).prop_map(|(start, length, action)| Fault {
        start,
        length,
        action,
    });
    proptest::collection::vec(fault, 0..10)
}

/// Answers every message but each fourth, which makes it hang up; syncs now and then.
fn moody(_boot: Boot) -> impl Machine {
    let mut count = 0;
    acts(move |input, context| {
        if let Input::Message { connection, message } = input {
            count += 1;
            context.send(connection, message.clone());
            if count % 4 == 0 {
                context.close(connection);
                context.disk(DiskToken(1), DiskOperation::Sync { file: "log" });
            }
        }
    })
}

/// Asks, waits for an answer if it has the patience, connects anew when it is told off.
async fn ask(host: Host, servers: [NodeId; 2]) {
    loop {
        let server = servers[host.random(|random| random.below(2)) as usize];
        let opened = host.timeout(ms(700), host.connect(server)).await;
        if let Ok(Ok(connection)) = opened {
            for number in 0..20 {
                connection.send(Message::Number(number));
                if host.random(|random| random.ratio(1, 3)) {
                    connection.send(Message::Number(1000 + number));
                }
                host.note(remark(number));
                if let Ok(Err(_)) = host.timeout(ms(60), connection.receive()).await {
                    break;
                }
                host.work(ms(1)..=ms(40)).await;
            }
        }
        host.sleep(ms(10)).await;
    }
}

fn run(seed: u64, plan: Plan) -> Run {
    let max = ms(MAX_LATENCY_MS);
    let mut world = World::new(seed, Latency::Uniform { min: Duration::ZERO, max });
    let servers = [world.add_server(NODES[0], moody), world.add_server(NODES[1], moody)];
    for name in &NODES[2..] {
        world.add_client(name, move |boot| Process::new(boot, move |host| ask(host, servers)));
    }
    world.inject(plan);
    world.run(ms(LENGTH_MS)).unwrap()
}

/// What can be told about a node from the records so far.
#[derive(Default)]
struct Seen {
    is_down: bool,
    is_paused: bool,
    /// The connections that the process has, and those that it had asked for.
    open: BTreeSet<ConnectionId>,
    asked: BTreeSet<ConnectionId>,
}

/// Reads the records one by one and holds each against what came before.
#[derive(Default)]
struct Witness {
    nodes: BTreeMap<NodeId, Seen>,
    /// The last thing that happened to each message.
    fate: BTreeMap<MessageId, Event>,
    delivered: BTreeMap<(ConnectionId, NodeId), Vec<MessageId>>,
    last: SimTime,
}

impl Witness {
    fn see(&mut self, run: &Run, place: usize, record: &Record) {
        assert!(record.at >= self.last, "time goes backwards: {record:?}");
        self.last = record.at;
        assert!(record.cause.is_none_or(|cause| (cause.0 as usize) < place));
        let node = self.nodes.entry(record.node).or_default();
        let by_process = matches!(
            record.event,
            Event::Sent(_)
                | Event::Delivered(_)
                | Event::Connecting { .. }
                | Event::Connected(_)
                | Event::Accepted(_)
                | Event::Closed(_)
                | Event::ConnectionLost { .. }
                | Event::TimerFired
                | Event::TasksRan
                | Event::DiskDone
                | Event::Noted(_)
        );
        assert!(!by_process || !(node.is_down || node.is_paused), "{record:?}");
        match record.event {
            Event::Started { .. } => *node = Seen::default(),
            Event::Paused => node.is_paused = true,
            Event::Resumed => node.is_paused = false,
            Event::Crashed | Event::PowerLost => {
                *node = Seen { is_down: true, ..Seen::default() };
            }
            Event::Connecting { connection, .. } => assert!(node.asked.insert(connection)),
            Event::Connected(connection) => {
                assert!(node.asked.remove(&connection) && node.open.insert(connection));
            }
            Event::Accepted(connection) => assert!(node.open.insert(connection)),
            Event::Closed(connection) | Event::ConnectionLost { connection, .. } => {
                let knew = node.open.remove(&connection) | node.asked.remove(&connection);
                assert!(knew, "{record:?}");
            }
            Event::Delivered(id) => {
                let envelope = run.history.message(id);
                assert_eq!(envelope.to, record.node);
                assert!(node.open.contains(&envelope.connection), "{record:?}: not open");
                let stream = (envelope.connection, envelope.from);
                self.delivered.entry(stream).or_default().push(id);
            }
            _ => {}
        }
        if let Some(id) = message_of(record.event) {
            let before = self.fate.insert(id, record.event);
            assert_eq!(before.is_none(), matches!(record.event, Event::Sent(_)), "{record:?}");
            assert!(!before.is_some_and(is_final), "{before:?}, and then {record:?}");
        }
    }

    /// Of each stream, what was delivered is the begin of what was sent.
    fn check_order(&self, run: &Run) {
        for ((connection, from), delivered) in &self.delivered {
            let sent = run.history.messages().iter().enumerate();
            let sent: Vec<MessageId> = sent
                .filter(|(_, one)| one.connection == *connection && one.from == *from)
                .map(|(number, _)| MessageId(number as u32))
                .collect();
            assert!(sent.starts_with(delivered), "{delivered:?} of {sent:?}");
        }
    }

    /// A message that has neither arrived nor been lost waits somewhere, or is on its way.
    fn check_fates(&self, run: &Run, most_under_way: Duration) {
        let mut open = BTreeSet::new();
        for (id, fate) in &self.fate {
            if is_final(*fate) {
                continue;
            }
            let envelope = run.history.message(*id);
            let is_behind = !open.insert((envelope.connection, envelope.from));
            let waits = matches!(fate, Event::Blocked(_) | Event::Waiting(_) | Event::Held(_));
            let is_young =
                run.history.sent_at(envelope) + most_under_way >= SimTime::after(run.simulated);
            assert!(is_behind || waits || is_young, "{id:?}: {envelope:?}");
        }
        assert_eq!(self.fate.len(), run.history.messages().len());
    }
}

fn message_of(event: Event) -> Option<MessageId> {
    match event {
        Event::Sent(id)
        | Event::Delivered(id)
        | Event::Waiting(id)
        | Event::Blocked(id)
        | Event::Held(id)
        | Event::Lost { message: id, .. } => Some(id),
        _ => None,
    }
}

fn is_final(event: Event) -> bool {
    matches!(event, Event::Delivered(_) | Event::Lost { .. })
}

/// What happened, without the faults themselves.
fn without_faults(run: &Run) -> Vec<(SimTime, NodeId, Event)> {
    let is_fault = |event| {
        matches!(
            event,
            Event::FaultBegan(_)
                | Event::FaultEnded(_)
                | Event::Paused
                | Event::Resumed
                | Event::ClockJumped { .. }
                | Event::ClockDrifts { .. }
        )
    };
    let records = run.history.records().iter();
    records.filter(|one| !is_fault(one.event)).map(|one| (one.at, one.node, one.event)).collect()
}

proptest! {
    // PROPTEST_CASES sets how many. What fails becomes a test of its own.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_message_is_made_up_doubled_reordered_or_forgotten(seed: u64, plan in plan()) {
        let delays = plan.iter().filter_map(|fault| match fault.action {
            Action::Delay { by, .. } => Some(by),
            _ => None,
        });
        let most_under_way = ms(MAX_LATENCY_MS) + delays.sum::<Duration>();
        let run = run(seed, plan);
        let mut witness = Witness::default();
        for (place, record) in run.history.records().iter().enumerate() {
            witness.see(&run, place, record);
        }
        witness.check_order(&run);
        witness.check_fates(&run, most_under_way);
    }

    #[test]
    fn the_same_seed_and_plan_give_the_same_run(seed: u64, plan in plan()) {
        let (one, other) = (run(seed, plan.clone()), run(seed, plan));
        prop_assert_eq!(one.history.digest(), other.history.digest());
        prop_assert_eq!(one.faults, other.faults);
        prop_assert_eq!(one.events, other.events);
    }

    /// What shrinking rests upon.
    #[test]
    fn a_fault_that_did_not_fire_made_no_difference(seed: u64, plan in plan()) {
        let full = run(seed, plan.clone());
        let fired = plan.into_iter().zip(&full.faults);
        let fired: Plan =
            fired.filter(|(_, outcome)| outcome.fired).map(|(fault, _)| fault).collect();
        if fired.len() < full.faults.len() {
            let lean = run(seed, fired);
            prop_assert_eq!(without_faults(&full), without_faults(&lean));
        }
    }
}

#[test]
fn the_random_worlds_are_worth_looking_at() {
    // The laws above would hold in an empty world too.
    let actions = [
        power_loss("one"),
        Action::Partition(groups("two", "*")),
        Action::DropConnection(groups("one", "a")),
    ];
    let plan = actions.into_iter().zip(1..).map(|(action, at)| fault(at * 700, 500, action));
    let run = run(1, plan.collect());
    let count = |is_one: fn(Event) -> bool| {
        run.history.records().iter().filter(|record| is_one(record.event)).count()
    };
    assert!(run.history.delivered() > 100, "{}", run.history.delivered());
    assert!(count(|event| matches!(event, Event::Accepted(_))) > 20);
    assert!(count(|event| matches!(event, Event::Blocked(_))) > 0);
    assert!(count(|event| matches!(event, Event::ConnectionLost { .. })) > 10);
    let gone = LossReason::ConnectionGone;
    assert!(
        run.history
            .records()
            .iter()
            .any(|record| matches!(record.event, Event::Lost { reason, .. } if reason == gone))
    );
}
