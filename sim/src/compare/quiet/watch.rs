//! What a run without faults costs, from its history alone.

use std::collections::BTreeMap;
use std::time::Duration;

use fencepost_models::machine::NodeId;
use fencepost_models::message::Message;
use fencepost_models::note::Note;
use fencepost_models::redis::resp::Reply;
use fencepost_models::zookeeper::protocol::Packet;

use crate::world::SimTime;
use crate::world::history::{Envelope, Event, History, Record, RecordId};

/// Who waits or holds: a thread of a node's process.
type Client = (NodeId, u32);

/// What a run has cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// How often each client was granted the lock.
    pub grants: BTreeMap<Client, u64>,
    /// From when each grant's client had begun to wait until it had the lock, in nanoseconds.
    pub waits: Vec<u64>,
    /// The longest that anybody waited, whether it was granted the lock in the end or not.
    pub longest_wait: Duration,
    /// How many grants there were while others waited.
    pub contended: u64,
    /// How many of those went to whoever had waited longest.
    pub in_turn: u64,
    /// How many orders were confirmed.
    pub orders: u64,
    /// How many messages reached a process, but for the shop's.
    pub messages: u64,
    /// When a client that waited was woken and asked again.
    pub wake_ups: Vec<SimTime>,
}

/// A client that waits.
#[derive(Clone, Copy)]
struct Wait {
    since: SimTime,
    /// What had it begin: the messages which that brings about are the first look, no second one.
    cause: Option<RecordId>,
    /// The last input that woke it.
    woken_by: Option<RecordId>,
}

/// What a run has cost from that moment on, when the shop has opened. The stores' nodes are the first ones.
pub fn cost(history: &History, opens: SimTime, stores: &[NodeId]) -> Cost {
    let mut watch = Watch { history, stores, waiting: BTreeMap::new(), cost: Cost::default() };
    for record in history.records() {
        match record.event {
            Event::Noted(id) => watch.note(record, history.note(id)),
            Event::Sent(id) => watch.sent(record, history.message(id)),
            Event::Delivered(id) if record.at >= opens => {
                let is_shops = watch.is_shops(history.message(id));
                watch.cost.messages += u64::from(!is_shops);
            }
            _ => {}
        }
    }
    let end = history.end();
    let unfinished = watch.waiting.values().map(|wait| end.saturating_since(wait.since)).max();
    let mut cost = watch.cost;
    cost.longest_wait = cost.longest_wait.max(unfinished.unwrap_or_default());
    cost
}

struct Watch<'h> {
    history: &'h History,
    stores: &'h [NodeId],
    waiting: BTreeMap<Client, Wait>,
    cost: Cost,
}

impl Watch<'_> {
    fn is_shops(&self, message: &Envelope) -> bool {
        self.stores.contains(&message.from) || self.stores.contains(&message.to)
    }

    fn note(&mut self, record: &Record, note: &Note) {
        match note {
            Note::Acquiring { thread, .. } => {
                let wait = Wait { since: record.at, cause: record.cause, woken_by: None };
                self.waiting.insert((record.node, *thread), wait);
            }
            Note::Acquired { thread, reentered: false, .. } => self.grant(record, *thread),
            Note::OrderPlaced { .. } => self.cost.orders += 1,
            _ => {}
        }
    }

    fn grant(&mut self, record: &Record, thread: u32) {
        let client = (record.node, thread);
        *self.cost.grants.entry(client).or_default() += 1;
        let Some(wait) = self.waiting.remove(&client) else { return };
        let waited = record.at.saturating_since(wait.since);
        self.cost.waits.push(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX));
        self.cost.longest_wait = self.cost.longest_wait.max(waited);
        if !self.waiting.is_empty() {
            self.cost.contended += 1;
            let is_first = self.waiting.values().all(|other| wait.since <= other.since);
            self.cost.in_turn += u64::from(is_first);
        }
    }

    /// A client that waits has said something. That counts once for each timer and each message that came
    /// unasked; an answer that is answered is part of the look that asked, and who says that it is still
    /// there has not looked.
    fn sent(&mut self, record: &Record, message: &Envelope) {
        if self.is_shops(message) || message.message.name().eq_ignore_ascii_case("ping") {
            return;
        }
        let Some(cause) = record.cause else { return };
        let woke = match self.history.record(cause).map(|record| record.event) {
            Some(Event::TimerFired) => true,
            Some(Event::Delivered(id)) => is_unasked(&self.history.message(id).message),
            _ => false,
        };
        // A process whose lock lives on servers has one thread.
        let Some(wait) = self.waiting.get_mut(&(record.node, 0)).filter(|_| woke) else { return };
        if wait.cause != Some(cause) && wait.woken_by != Some(cause) {
            wait.woken_by = Some(cause);
            self.cost.wake_ups.push(record.at);
        }
    }
}

/// Whether a message is none that its receiver had asked for: one of a channel, or a watch that fires.
fn is_unasked(message: &Message) -> bool {
    match message {
        Message::RedisReply(Reply::Array(items)) => {
            matches!(items.as_slice(), [Reply::Bulk(kind), ..] if kind.ends_with(b"message"))
        }
        Message::ZooKeeper(packet) => matches!(**packet, Packet::Event(_)),
        _ => false,
    }
}

/// From when a holder was gone until somebody else had the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aftermath {
    /// When it was gone.
    pub from: SimTime,
    /// When somebody else was granted the lock; `None` if nobody was any more.
    pub until: Option<SimTime>,
}

/// What the first crash was followed by.
pub fn aftermath(history: &History) -> Option<Aftermath> {
    let (death, crash) = history.deaths().next()?;
    let granted = history.notes().find(|(id, record, note)| {
        *id > death && record.node != crash.node && matches!(note, Note::Acquired { .. })
    });
    Some(Aftermath { from: crash.at, until: granted.map(|(_, record, _)| record.at) })
}
