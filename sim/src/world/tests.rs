//! What the world does to machines, shown through what it lets them see.

mod clocks;
mod conservation;
mod crash;
mod digest;
mod disk;
mod failover;
mod foreign;
mod fork;
mod history;
mod latency;
mod limits;
mod live;
mod network;
mod order;
mod partition;
mod pause;
mod power_loss;
mod reset;
mod traces;
mod triggers;

use std::time::Duration;

use fencepost_faults::{Action, Fault, Groups, Start, show};
use fencepost_models::machine::{Boot, ConnectionId, Context, Input, Machine, NodeId, TimerId};
use fencepost_models::message::Message;
use fencepost_models::note::Note;

use super::history::Event;
use super::{FaultOutcome, Latency, Run, World};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A world in which every message takes 10 ms: a connection asked for at 0 is open for its opener
/// at 20 ms, and for its listener at 30 ms.
fn world() -> World {
    World::new(7, Latency::Fixed(ms(10)))
}

/// A fault from one moment on, for so many milliseconds.
fn fault(at_ms: u64, for_ms: u64, action: Action) -> Fault {
    Fault { length: Some(ms(for_ms)), ..for_ever(at_ms, action) }
}

fn for_ever(at_ms: u64, action: Action) -> Fault {
    Fault { start: Start::At(ms(at_ms)), length: None, action }
}

fn pause(node: &str) -> Action {
    Action::Pause { node: node.to_owned() }
}

fn crash(node: &str) -> Action {
    Action::Crash { node: node.to_owned() }
}

fn power_loss(node: &str) -> Action {
    Action::PowerLoss { node: node.to_owned() }
}

/// Between one node and another; with `"*"`, everybody else.
fn groups(one: &str, other: &str) -> Groups {
    let other = if other == "*" { Vec::new() } else { vec![other.to_owned()] };
    Groups { one: vec![one.to_owned()], other }
}

/// A machine that is one function.
struct Acts<F>(F);

impl<F: FnMut(Input<'_>, &mut Context<'_>)> Machine for Acts<F> {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        (self.0)(input, context);
    }
}

/// Lets the compiler see that a closure takes inputs of any lifetime.
fn acts<F: FnMut(Input<'_>, &mut Context<'_>)>(act: F) -> Acts<F> {
    Acts(act)
}

/// A machine that is some function.
type AnyActs = Acts<Box<dyn FnMut(Input<'_>, &mut Context<'_>)>>;

/// Takes what comes and says nothing.
fn sink(_boot: Boot) -> impl Machine {
    acts(|_, _| {})
}

/// Sends back whatever it gets.
fn echo(_boot: Boot) -> impl Machine {
    acts(|input, context| {
        if let Input::Message { connection, message } = input {
            context.send(connection, message.clone());
        }
    })
}

/// Opens a connection when it first starts, and sends its own times in milliseconds over it at
/// these times. Does nothing after a restart.
fn sends(to: NodeId, at_ms: &'static [u64]) -> impl Fn(Boot) -> AnyActs {
    opens(to, 0, at_ms)
}

/// The same, with a connection that is opened later.
fn opens(to: NodeId, open_ms: u32, at_ms: &'static [u64]) -> impl Fn(Boot) -> AnyActs {
    move |boot| {
        let mut connection = ConnectionId(u32::MAX);
        Acts(Box::new(move |input: Input<'_>, context: &mut Context<'_>| match input {
            Input::Started if boot.incarnation == 0 => {
                context.set_timer(TimerId(u32::MAX), ms(u64::from(open_ms)));
                for &at in at_ms {
                    context.set_timer(TimerId(at as u32), ms(at));
                }
            }
            Input::Timer(TimerId(u32::MAX)) => connection = context.connect(to),
            Input::Timer(TimerId(at)) => context.send(connection, Message::Number(u64::from(at))),
            _ => {}
        }))
    }
}

fn remark(text: impl ToString) -> Note {
    Note::Remark { text: text.to_string() }
}

/// Runs a world with one server, `server`, and one client, `client`, that sends at these times.
fn run_pair(for_ms: u64, client_sends: &'static [u64], faults: Vec<Fault>) -> Run {
    let mut world = world();
    let server = world.add_server("server", sink);
    world.add_client("client", sends(server, client_sends));
    world.inject(faults);
    world.run(ms(for_ms)).unwrap()
}

/// What happened at a node, a line each: when, and what. Timers and requests for connections are
/// left out, and so is what is not the node's own (that a fault began).
fn story(run: &Run, node: &str) -> Vec<String> {
    let history = &run.history;
    let number = |id| match &history.message(id).message {
        Message::Number(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let records = history.records().iter().filter(|record| history.name(record.node) == node);
    let lines = records.filter_map(|record| {
        let what = match record.event {
            Event::Started { incarnation: 0 } => return None,
            Event::Started { incarnation } => format!("restarted {incarnation}"),
            Event::Sent(id) => format!("sent {}", number(id)),
            Event::Delivered(id) => format!("got {}", number(id)),
            Event::Waiting(id) => format!("waiting {}", number(id)),
            Event::Blocked(id) => format!("blocked {}", number(id)),
            Event::Held(id) => format!("held {}", number(id)),
            Event::Lost { message, reason } => format!("lost {}: {reason:?}", number(message)),
            Event::Connected(_) => "connected".to_owned(),
            Event::Accepted(_) => "accepted".to_owned(),
            Event::Closed(_) => "closed".to_owned(),
            Event::ConnectionLost { reason, .. } => reason.to_string(),
            Event::DiskDone => "disk done".to_owned(),
            Event::OperatorAsked => "told".to_owned(),
            Event::Noted(id) => match history.note(id) {
                Note::Remark { text } => text.clone(),
                other => other.kind().to_owned(),
            },
            Event::Paused => "paused".to_owned(),
            Event::Resumed => "resumed".to_owned(),
            Event::Crashed => "crashed".to_owned(),
            Event::PowerLost => "power lost".to_owned(),
            Event::ClockJumped { by_nanos } => format!("clock set by {} ns", i64::from(by_nanos)),
            Event::ClockDrifts { ppm } => format!("clock drifts {ppm}"),
            Event::Connecting { .. }
            | Event::TimerFired
            | Event::TasksRan
            | Event::FaultBegan(_)
            | Event::FaultEnded(_) => return None,
        };
        Some(format!("{} {what}", show(record.at.elapsed())))
    });
    lines.collect()
}

/// The lines of a story that contain a word.
fn only(run: &Run, node: &str, word: &str) -> Vec<String> {
    story(run, node).into_iter().filter(|line| line.contains(word)).collect()
}

/// Whether a fault fired, and how often it hit something.
fn fired(run: &Run, fault: usize) -> (bool, u64) {
    let FaultOutcome { fired, hits, .. } = run.faults[fault];
    (fired, hits)
}

/// Runs something on a thread of its own, whose hash seeds and caches nobody has used.
#[expect(clippy::disallowed_methods, reason = "that a run does not depend on its thread is shown")]
fn fresh_thread<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::spawn(run).join().unwrap()
}
