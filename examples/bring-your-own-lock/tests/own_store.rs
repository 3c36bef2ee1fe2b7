//! Lock, protected thing and law are all the test's own: a counter that only whoever holds the lock may count up, read
//! and written in two steps, on a store that checks tokens, or does not.

mod numbers;

use std::collections::BTreeMap;
use std::time::Duration;

use fencepost::claim::Claims as _;
use fencepost::judge::{Breach, Invariant, Moment, Watch};
use fencepost::own::machine::{Context, Input, Machine};
use fencepost::own::{Message, Node, Note, OwnServers, worker};
use fencepost::scenario::FaultKind::{Delay, Pause};
use fencepost::scenario::Scenario;
use fencepost::world::history::History;

use self::numbers::NumberedLease;

const LEASE: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_millis(300);

/// Grants a lease to whoever asks first, and counts.
#[derive(Default)]
struct Registry {
    ends_ms: u64,
    grants: u64,
}

impl Machine for Registry {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        let Input::Message { connection, message: Message::Number(asked) } = input else { return };
        let now_ms = context.clock.mono.as_millis();
        let answer = match asked {
            0 if now_ms < self.ends_ms => 0,
            0 => {
                self.grants += 1;
                self.ends_ms = now_ms + LEASE.as_millis() as u64;
                self.grants
            }
            token => {
                let is_own = *token == self.grants;
                if is_own {
                    self.ends_ms = 0;
                }
                u64::from(is_own)
            }
        };
        context.send(connection, Message::Number(answer));
    }
}

/// A counter. A read is its token; a write is the token and the value, one after the other.
struct Counter {
    checks: bool,
    value: u64,
    highest_token: u64,
    /// The token of a write whose value is to come, by connection.
    writing: BTreeMap<u32, u64>,
}

impl Machine for Counter {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        match input {
            Input::Message { connection, message: Message::Number(token) } => {
                let is_old = self.checks && *token < self.highest_token;
                self.highest_token = self.highest_token.max(*token);
                self.writing.insert(connection.0, if is_old { u64::MAX } else { *token });
                let answer = if is_old { u64::MAX } else { self.value };
                context.send(connection, Message::Number(answer));
            }
            Input::Message { connection, message: Message::Bytes(value) } => {
                let token = self.writing.get(&connection.0).copied().unwrap_or(u64::MAX);
                if token == u64::MAX || self.checks && token < self.highest_token {
                    return;
                }
                let value = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                self.value = value.unwrap_or(self.value);
                context.note(Note::Remark { text: format!("counts {}", self.value) });
                context.send(connection, Message::Number(self.value));
            }
            _ => {}
        }
    }
}

async fn lease(node: Node) -> NumberedLease {
    NumberedLease { node, server: "registry", patience: PATIENCE, poll: Duration::from_millis(20) }
}

/// Reads the counter and writes one more.
async fn count_up(node: Node, token: Option<u64>) {
    let Ok(connection) = node.connect("counter").await else { return };
    connection.send(Message::Number(token.unwrap_or_default()));
    let Ok(Message::Number(value)) = connection.receive().await else { return };
    if value == u64::MAX {
        return;
    }
    let work = Duration::from_millis(1)..=Duration::from_millis(20);
    node.host().work(work).await;
    connection.send(Message::Bytes((value + 1).to_string().into()));
    // Nothing comes where the write was refused.
    let _ = node.host().timeout(PATIENCE, connection.receive()).await;
}

/// Every write counts one more than the last: nobody's is lost.
fn nothing_is_lost() -> Invariant {
    Invariant::new("nothing-is-lost", || {
        let mut last = 0;
        move |moment: &Moment<'_>| {
            let counted = moment.remark().and_then(|text| text.strip_prefix("counts "));
            let Some(value) = counted.and_then(|value| value.parse::<u64>().ok()) else {
                return Ok(());
            };
            if value != last + 1 {
                return Err(Breach::new(format!("{last} are counted, and then {value}")));
            }
            last = value;
            Ok(())
        }
    })
}

/// The clients get on with it, whatever goes wrong.
#[derive(Default)]
struct Progress(u32);

impl Watch for Progress {
    fn see(&mut self, moment: &Moment<'_>) -> Result<(), Breach> {
        self.0 += u32::from(moment.remark().is_some());
        Ok(())
    }

    fn end(&mut self, _: &History) -> Result<(), Breach> {
        let counted = self.0;
        if counted > 50 { Ok(()) } else { Err(Breach::new(format!("only {counted} were counted"))) }
    }
}

fn counting(checks: bool) -> Scenario {
    let servers = OwnServers::new().server("registry", |_| Registry::default()).server(
        "counter",
        move |_| Counter { checks, value: 0, highest_token: 0, writing: BTreeMap::new() },
    );
    let counting = Scenario::default().but(|s| {
        s.title = "A counter of my own".to_owned();
        s.backend = Some(servers.into());
        s.lock = worker("registry", lease, count_up).lease(LEASE).into();
        s.duration = Duration::from_secs(10);
        s.invariants = vec![nothing_is_lost(), Invariant::new("progress", Progress::default)];
    });
    counting.under(&[Pause, Delay], 4)
}

#[test]
fn without_a_check_of_the_token_writes_are_lost_for_want_of_one_fault() {
    let found = counting(false).sweep(0..200).must_find("nothing-is-lost").shrunk_to(1);
    assert_eq!(found.scenario.faults.len(), 1);
    assert!(found.timeline().contains("VIOLATION nothing-is-lost: "), "{}", found.timeline());
}

#[test]
fn with_it_none_is_and_the_work_is_done() {
    counting(true).sweep(0..200).must_never("nothing-is-lost");
    counting(true).sweep(0..200).must_never("progress");
}
