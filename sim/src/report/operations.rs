//! A run as an operation history in JSON lines, as Jepsen's checkers understand one. What a history is, is described in
//! [the README of `jepsen.history`](https://github.com/jepsen-io/history#operation-structure); there it is written in
//! EDN, and what are keywords there are strings here.
//!
//! Each line is `{"index", "time", "process", "type", "f", "value", …}`:
//!
//! * `index`: 0, 1, 2, …; `time`: nanoseconds of true time.
//! * `process`: a number for who does one thing at a time, a thread of a client's process; `"nemesis"` for faults.
//!   Whoever has a number has it until it does not learn what became of an operation, or dies. Then it goes on under
//!   the next one, which is greater by the number of all threads, as Jepsen's workers do: `process` modulo that number
//!   is always the same thread, whose name is in `name`.
//! * `type`: `invoke`; then `ok`, `fail` when it certainly had no effect, or `info` when nobody can tell. What is still
//!   under way when the run ends has no second line.
//! * `error`, with `fail` and `info`: why.
//!
//! | `f` | `value` | begins | `ok` | `fail` | `info` |
//! |---|---|---|---|---|---|
//! | `acquire` | `{"lock", "token"}`, the token with `ok` | `acquiring` | `acquired`; `"reentered": true` where it was the client's already | | `gave-up`: a grant may still be under way |
//! | `release` | `{"lock", "token"}` | `releasing` | `released`, `removed` | `not-held` | `unknown` |
//! | `read` | `{"stock", "token"}`, the stock with `ok` | the request is sent | it is answered | refused for its token | no answer |
//! | `order` | `{"order", "stock", "token"}` | the request that puts an order in the books is sent | taken; `"repeated": true` where it was in the books | refused for its token; nothing left | no answer |
//! | `write` | the same | with the orders in a store of their own: the request about the stock alone | taken | the same | no answer |
//!
//! The lock's operations are what clients write down, those of the shop are the messages that they send and get: the
//! end of an operation is where the client learns of it. A request that is sent again is an operation of its own. The
//! `stock` of an order is what the client sets it to, `null` where the store takes one off by itself.
//!
//! The nemesis has `start-KIND` and `stop-KIND` for each fault, with whom it is about as `value`. It is `info` when it
//! begins and `info` when it is done, at the same moment, as Jepsen's is. Faults that are over at once do not stop.
//!
//! Nothing here says what servers did, that a hold was given up or lost without a release, or what a load and an
//! operator do. A thread whose name nobody wrote down is told by its connection, and has a process for it.

mod threads;

use std::collections::BTreeMap;
use std::io;

use fencepost_models::machine::{ConnectionId, NodeId};
use fencepost_models::message::Message;
use fencepost_models::note::{Name, Note, ReleaseOutcome};
use fencepost_models::shop::{Orders, ShopReply, ShopRequest};
use serde::Serialize;
use serde_json::{Value, json};

use self::threads::{Threads, Who};
use super::jsonl::line;
use super::words;
use crate::scenario::{Outcome, Scenario};
use crate::world::history::{Event, FaultId, MessageId, Record};
use crate::world::{Run, SimTime};

/// Writes a run as an operation history.
///
/// # Errors
///
/// What the writer says.
pub fn operations(
    scenario: &Scenario,
    outcome: &Outcome,
    out: &mut (impl io::Write + ?Sized),
) -> io::Result<()> {
    let run = &outcome.run;
    let mut told = Operations {
        run,
        orders: scenario.shop.buyer.orders,
        threads: Threads::of(&run.history),
        out,
        index: 0,
        lives: BTreeMap::new(),
        open: BTreeMap::new(),
        holds: BTreeMap::new(),
    };
    run.history.records().iter().try_for_each(|record| told.enter(record))
}

/// What somebody is about.
struct Open {
    f: &'static str,
    value: Value,
    /// The lock that is given back.
    releases: Option<Name>,
    /// The connection on which the answer will come.
    connection: Option<ConnectionId>,
}

/// How an operation ends.
struct End {
    kind: &'static str,
    /// What the value says then and did not say before.
    learned: Option<(&'static str, Value)>,
    error: Option<Value>,
    remark: Option<&'static str>,
}

impl End {
    const OK: Self = Self { kind: "ok", learned: None, error: None, remark: None };

    fn fail(error: Value) -> Self {
        Self { kind: "fail", error: Some(error), ..Self::OK }
    }

    fn info(error: &str) -> Self {
        Self { kind: "info", error: Some(json!(error)), ..Self::OK }
    }
}

/// The operations so far.
struct Operations<'a, W: ?Sized> {
    run: &'a Run,
    orders: Orders,
    threads: Threads,
    out: &'a mut W,
    index: u64,
    /// How many processes each thread has been before the one that it is; an entry once it has done anything as that.
    lives: BTreeMap<Who, Life>,
    open: BTreeMap<Who, Open>,
    /// Whose each hold is, and its token.
    holds: BTreeMap<(NodeId, u32), (Who, Option<u64>)>,
}

#[derive(Clone, Copy, Default)]
struct Life {
    number: u64,
    has_begun: bool,
}

impl<W: io::Write + ?Sized> Operations<'_, W> {
    fn enter(&mut self, record: &Record) -> io::Result<()> {
        let Record { node, event, .. } = *record;
        match event {
            Event::Noted(note) => self.note(record, self.run.history.note(note)),
            Event::Sent(message) => self.send(record, message),
            Event::Delivered(message) => self.deliver(record, message),
            Event::Closed(connection) | Event::ConnectionLost { connection, .. } => {
                let waits = |(who, open): (&Who, &Open)| {
                    (who.node() == node && open.connection == Some(connection)).then_some(*who)
                };
                match self.open.iter().find_map(waits) {
                    Some(who) => self.complete(record.at, who, End::info("no answer")),
                    None => Ok(()),
                }
            }
            Event::Crashed => self.die(record, "the process crashed"),
            Event::PowerLost => self.die(record, "the host lost its power"),
            Event::FaultBegan(fault) => self.strike(record.at, "start", fault),
            Event::FaultEnded(fault) => self.strike(record.at, "stop", fault),
            _ => Ok(()),
        }
    }

    fn note(&mut self, record: &Record, note: &Note) -> io::Result<()> {
        let (at, node) = (record.at, record.node);
        let own = Who::Thread(node, note.thread());
        match note {
            Note::Acquiring { lock, .. } => {
                let value = json!({ "lock": lock, "token": null });
                self.invoke(at, own, Open { f: "acquire", value, releases: None, connection: None })
            }
            Note::Acquired { hold, token, reentered, .. } => {
                self.holds.insert((node, *hold), (own, *token));
                let remark = reentered.then_some("reentered");
                let learned = Some(("token", json!(token)));
                self.complete(at, own, End { learned, remark, ..End::OK })
            }
            Note::GaveUp { .. } => self.complete(at, own, End::info("gave up")),
            Note::Releasing { lock, hold } => {
                let Some((who, token)) = self.holds.remove(&(node, *hold)) else { return Ok(()) };
                let value = json!({ "lock": lock, "token": token });
                let releases = Some(lock.clone());
                self.invoke(at, who, Open { f: "release", value, releases, connection: None })
            }
            Note::Released { lock, outcome } => {
                // It does not say which thread's: no model's threads give one lock back at the same time.
                let is_it = |(who, open): (&Who, &Open)| {
                    (who.node() == node && open.releases.as_ref() == Some(lock)).then_some(*who)
                };
                let Some(who) = self.open.iter().find_map(is_it) else { return Ok(()) };
                let end = match outcome {
                    ReleaseOutcome::Removed => End::OK,
                    ReleaseOutcome::NotHeld => End::fail(json!("not held")),
                    ReleaseOutcome::Unknown => End::info("no answer"),
                };
                self.complete(at, who, end)
            }
            _ => Ok(()),
        }
    }

    fn send(&mut self, record: &Record, message: MessageId) -> io::Result<()> {
        let sent = self.run.history.message(message);
        let Message::Shop(request) = sent.message else { return Ok(()) };
        let (f, value) = match request {
            ShopRequest::Read { token } => ("read", json!({ "stock": null, "token": token })),
            ShopRequest::Write { order, stock, token } => {
                (self.books(), json!({ "order": order, "stock": stock, "token": token }))
            }
            ShopRequest::Take { order } => {
                (self.books(), json!({ "order": order, "stock": null, "token": null }))
            }
            ShopRequest::Record { order } => {
                ("order", json!({ "order": order, "stock": null, "token": null }))
            }
        };
        let who = self.threads.of_connection(sent.from, sent.connection);
        let connection = Some(sent.connection);
        self.invoke(record.at, who, Open { f, value, releases: None, connection })
    }

    /// What a request that changes the stock does: whether it puts the order in the books.
    fn books(&self) -> &'static str {
        match self.orders {
            Orders::WithStock => "order",
            Orders::AfterStock | Orders::BeforeStock => "write",
        }
    }

    fn deliver(&mut self, record: &Record, message: MessageId) -> io::Result<()> {
        let sent = self.run.history.message(message);
        let Message::ShopReply(reply) = sent.message else { return Ok(()) };
        let who = self.threads.of_connection(sent.to, sent.connection);
        if self.open.get(&who).is_none_or(|open| open.connection != Some(sent.connection)) {
            return Ok(());
        }
        let end = match reply {
            ShopReply::Stock { stock } => End { learned: Some(("stock", json!(stock))), ..End::OK },
            ShopReply::Taken => End::OK,
            ShopReply::TakenBefore => End { remark: Some("repeated"), ..End::OK },
            ShopReply::SoldOut => End::fail(json!("sold out")),
            ShopReply::Fenced { mark } => End::fail(json!({ "fenced": mark })),
        };
        self.complete(record.at, who, end)
    }

    /// A node's process is gone, and whatever its threads were about.
    fn die(&mut self, record: &Record, why: &str) -> io::Result<()> {
        let threads = self.threads.all.iter().filter(|who| who.node() == record.node);
        for who in threads.copied().collect::<Vec<_>>() {
            self.complete(record.at, who, End::info(why))?;
            self.retire(who);
        }
        Ok(())
    }

    fn strike(&mut self, at: SimTime, what: &str, fault: FaultId) -> io::Result<()> {
        let Some(outcome) = self.run.faults.get(fault.0 as usize) else { return Ok(()) };
        if what == "stop" && outcome.fault.is_instant() {
            return Ok(());
        }
        let action = &outcome.fault.action;
        let f = format!("{what}-{}", action.kind());
        // One line for its begin, one for its end.
        for _ in 0..2 {
            let line = Line {
                time: at,
                process: json!("nemesis"),
                kind: "info",
                f: &f,
                value: json!(words::target(action)),
                ..Line::default()
            };
            self.write(line)?;
        }
        Ok(())
    }

    fn invoke(&mut self, at: SimTime, who: Who, open: Open) -> io::Result<()> {
        // Whoever does something else has dropped what it was about.
        self.complete(at, who, End::info("dropped"))?;
        self.lives.entry(who).or_default().has_begun = true;
        let (process, name) = self.process(who);
        let (f, value) = (open.f, open.value.clone());
        self.open.insert(who, open);
        self.write(Line { time: at, process, kind: "invoke", f, value, name, ..Line::default() })
    }

    /// Ends what somebody is about, if anything.
    fn complete(&mut self, at: SimTime, who: Who, end: End) -> io::Result<()> {
        let Some(Open { f, mut value, .. }) = self.open.remove(&who) else { return Ok(()) };
        let (process, name) = self.process(who);
        let End { kind, learned, error, remark } = end;
        if let Some((key, learned)) = learned {
            value[key] = learned;
        }
        if kind == "info" {
            self.retire(who);
        }
        let (reentered, repeated) = (remark == Some("reentered"), remark == Some("repeated"));
        self.write(Line {
            time: at,
            process,
            kind,
            f,
            value,
            error,
            name,
            reentered,
            repeated,
            index: 0,
        })
    }

    /// A thread is another process from here on.
    fn retire(&mut self, who: Who) {
        let life = self.lives.entry(who).or_default();
        if life.has_begun {
            *life = Life { number: life.number + 1, has_begun: false };
        }
    }

    fn process(&self, who: Who) -> (Value, String) {
        let number = self.lives.get(&who).map_or(0, |life| life.number);
        let place = self.threads.all.binary_search(&who).unwrap_or_else(|place| place) as u64;
        let thread = match who {
            Who::Thread(_, thread) => thread,
            Who::Connection(..) => 0,
        };
        let name = self.run.history.thread_name(who.node(), thread);
        (json!(place + number * self.threads.all.len() as u64), name)
    }

    fn write(&mut self, told: Line<'_>) -> io::Result<()> {
        line(self.out, &Line { index: self.index, ..told })?;
        self.index += 1;
        Ok(())
    }
}

/// One operation's begin or end.
#[derive(Default, Serialize)]
struct Line<'a> {
    index: u64,
    time: SimTime,
    process: Value,
    #[serde(rename = "type")]
    kind: &'static str,
    f: &'a str,
    value: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "is_false")]
    reentered: bool,
    #[serde(skip_serializing_if = "is_false")]
    repeated: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a field over by reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests;
