//! What happened: an append-only list of typed records, cheap to write, formatted only when
//! somebody looks. Judge, report and digest read nothing else.
//!
//! ```
//! use fencepost::models::note::Note;
//! use fencepost::scenario::Scenario;
//!
//! let history = Scenario::default().record(3)?.history;
//! let is_grant = |note: &Note| matches!(note, Note::Acquired { .. });
//! let (id, grant, _) = history.notes().find(|(_, _, note)| is_grant(note)).expect("somebody gets the lock");
//! println!("{}: {} gets it", grant.at, history.name(grant.node));
//!
//! // It has a cause, which came before it: here the message with the answer.
//! let answer = history.message(history.brought_by(grant).expect("a message"));
//! assert!(grant.cause < Some(id) && history.sent_at(answer) < grant.at);
//! # Ok::<(), fencepost::scenario::Failure>(())
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fencepost_faults::FaultKind;
use fencepost_models::list::push;
use fencepost_models::machine::{CloseReason, ConnectionId, NodeId};
use fencepost_models::message::Message;
use fencepost_models::note::Note;
use serde::Serialize;

use super::recycled::Recycled;
use super::time::SimTime;

/// The place of a record in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RecordId(pub u32);

/// A message that was sent; its number is its place among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct MessageId(pub u32);

/// The place of a note among all notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct NoteId(pub u32);

/// The place of a fault in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct FaultId(pub u32);

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// When, in true time.
    pub at: SimTime,
    /// What brought it about: the record of the input that the node was handling, or the fault.
    pub cause: Option<RecordId>,
    /// Where.
    pub node: NodeId,
    /// What.
    pub event: Event,
}

/// Nanoseconds, forwards or backwards. Aligned to four bytes: so an [`Event`] takes 12 bytes and a
/// [`Record`] 32, where they would take 16 and 40.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[repr(Rust, packed(4))]
#[serde(into = "i64")]
pub struct SignedNanos(pub i64);

impl From<SignedNanos> for i64 {
    fn from(nanos: SignedNanos) -> Self {
        nanos.0
    }
}

const _: () = assert!(size_of::<Record>() == 32, "most of a history's memory is records");

/// Why a message never arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LossReason {
    /// The connection was closed or reset before it came.
    ConnectionGone,
    /// The sender's host lost its power before it was out.
    SenderLostPower,
    /// The kernel gave up retransmitting.
    GaveUp,
    /// The receiving process ended before it read it.
    ReceiverGone,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// The process started.
    Started {
        /// How often it had been restarted.
        incarnation: u32,
    },
    /// The process wrote a message to a connection.
    Sent(MessageId),
    /// The process was given a message.
    Delivered(MessageId),
    /// A message came to the host of a paused process, and waits.
    Waiting(MessageId),
    /// A message met a cut and will be retransmitted.
    Blocked(MessageId),
    /// A message is held by a fault.
    Held(MessageId),
    /// A message will never arrive.
    Lost {
        /// Which one.
        message: MessageId,
        /// Why.
        reason: LossReason,
    },
    /// The process asked for a connection.
    Connecting {
        /// Its number.
        connection: ConnectionId,
        /// To whom.
        peer: NodeId,
    },
    /// The process learned that its connection is open.
    Connected(ConnectionId),
    /// The process got a new connection from a peer.
    Accepted(ConnectionId),
    /// The process closed a connection.
    Closed(ConnectionId),
    /// The process learned that a connection is gone.
    ConnectionLost {
        /// Which one.
        connection: ConnectionId,
        /// Why.
        reason: CloseReason,
    },
    /// A timer of the process fired.
    TimerFired,
    /// A disk operation of the process was carried out.
    DiskDone,
    /// The process wrote something down.
    Noted(NoteId),
    /// A fault began.
    FaultBegan(FaultId),
    /// A fault ended.
    FaultEnded(FaultId),
    /// The process stopped being scheduled.
    Paused,
    /// The process is scheduled again.
    Resumed,
    /// The process is gone; its kernel is not.
    Crashed,
    /// The host is gone.
    PowerLost,
    /// The wall clock was set.
    ClockJumped {
        /// By how much.
        by_nanos: SignedNanos,
    },
    /// The rate of both clocks was changed.
    ClockDrifts {
        /// Parts in a million too fast.
        ppm: i32,
    },
    /// The process's own tasks, on the executor beside the loop, have asked for something. Caused
    /// by what woke them, unless they woke by themselves (after a sleep, say).
    TasksRan,
    /// An operator at the host has asked the process for something.
    OperatorAsked,
}

impl Event {
    /// What it is called in reports, as serde calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Sent(_) => "sent",
            Self::Delivered(_) => "delivered",
            Self::Waiting(_) => "waiting",
            Self::Blocked(_) => "blocked",
            Self::Held(_) => "held",
            Self::Lost { .. } => "lost",
            Self::Connecting { .. } => "connecting",
            Self::Connected(_) => "connected",
            Self::Accepted(_) => "accepted",
            Self::Closed(_) => "closed",
            Self::ConnectionLost { .. } => "connection-lost",
            Self::TimerFired => "timer-fired",
            Self::DiskDone => "disk-done",
            Self::OperatorAsked => "operator-asked",
            Self::Noted(_) => "noted",
            Self::FaultBegan(_) => "fault-began",
            Self::FaultEnded(_) => "fault-ended",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Crashed => "crashed",
            Self::PowerLost => "power-lost",
            Self::ClockJumped { .. } => "clock-jumped",
            Self::ClockDrifts { .. } => "clock-drifts",
            Self::TasksRan => "tasks-ran",
        }
    }
}

/// A message, and how it went out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// What it says.
    pub message: Message,
    /// Who wrote it.
    pub from: NodeId,
    /// For whom.
    pub to: NodeId,
    /// On which connection.
    pub connection: ConnectionId,
    /// The record that sent it: the begin of its arrow.
    pub sent: RecordId,
}

/// The whole of what happened in a run.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The nodes' names, by their number.
    pub nodes: Vec<String>,
    /// The kinds of the planned faults, by their number.
    pub faults: Vec<FaultKind>,
    /// Until when the run went on, with or without records.
    ended: SimTime,
    /// Until when faults keep what they have slowed, over or not.
    slowed_until: BTreeMap<FaultId, SimTime>,
    lists: Recycled,
    delivered: u64,
    payload_bytes: u64,
    forgotten: Forgotten,
}

/// What a history that goes on for days has let go of.
#[derive(Clone, Debug, Default)]
struct Forgotten {
    /// How many there were of each. The numbers begin anew after 2^32.
    records: u32,
    messages: u32,
    notes: u32,
    /// Messages of that time that are still under way.
    kept: BTreeMap<MessageId, Envelope>,
}

impl History {
    /// A history of these nodes under these faults, still empty.
    pub fn new(nodes: Vec<String>, faults: Vec<FaultKind>) -> Self {
        Self { nodes, faults, lists: Recycled::new(), ..Self::default() }
    }

    /// Every record, in order.
    pub fn records(&self) -> &[Record] {
        &self.lists.records
    }

    /// Every message that was sent, in order.
    pub fn messages(&self) -> &[Envelope] {
        &self.lists.messages
    }

    /// A message.
    pub fn message(&self, id: MessageId) -> &Envelope {
        let place = id.0.wrapping_sub(self.forgotten.messages) as usize;
        self.lists.messages.get(place).unwrap_or_else(|| &self.forgotten.kept[&id])
    }

    /// A record, unless it is forgotten.
    pub fn record(&self, id: RecordId) -> Option<&Record> {
        self.lists.records.get(self.place(id))
    }

    #[inline]
    fn place(&self, id: RecordId) -> usize {
        id.0.wrapping_sub(self.forgotten.records) as usize
    }

    /// What the record's node wrote down, if that is what the record is about.
    pub fn note_of(&self, record: &Record) -> Option<&Note> {
        match record.event {
            Event::Noted(id) => Some(self.note(id)),
            _ => None,
        }
    }

    /// A note.
    pub fn note(&self, id: NoteId) -> &Note {
        &self.lists.notes[id.0.wrapping_sub(self.forgotten.notes) as usize]
    }

    /// Every note with its record and that record's place, in order. Most records are about
    /// messages and timers: who reads notes alone passes over them.
    pub fn notes(&self) -> impl Iterator<Item = (RecordId, &Record, &Note)> {
        let noted = self.lists.noted.iter().zip(&self.lists.notes);
        noted.map(|(id, note)| (*id, &self.lists.records[self.place(*id)], note))
    }

    /// Every record that says that a fault begins or ends, or that a process is gone, in order.
    pub fn incidents(&self) -> impl Iterator<Item = (RecordId, &Record)> {
        self.lists.incidents.iter().map(|id| (*id, &self.lists.records[self.place(*id)]))
    }

    /// Every record that says that a process is gone, in order.
    pub fn deaths(&self) -> impl Iterator<Item = (RecordId, &Record)> {
        let is_death = |record: &Record| matches!(record.event, Event::Crashed | Event::PowerLost);
        self.incidents().filter(move |(_, record)| is_death(record))
    }

    /// A node's name.
    pub fn name(&self, node: NodeId) -> &str {
        self.nodes.get(usize::from(node.0)).map_or("?", String::as_str)
    }

    /// What a thread of a node's process is called: `buyer-1`, or `thread 2 of jvm-1`.
    pub fn thread_name(&self, node: NodeId, thread: u32) -> String {
        let node = self.name(node);
        if thread == 0 { node.to_owned() } else { format!("thread {thread} of {node}") }
    }

    /// How many messages have reached a process.
    pub const fn delivered(&self) -> u64 {
        self.delivered
    }

    /// About how much memory the history takes, in bytes.
    pub fn memory(&self) -> u64 {
        let records = self.lists.records.len() * size_of::<Record>();
        let messages = self.lists.messages.len() + self.forgotten.kept.len();
        let messages = messages * size_of::<Envelope>();
        let notes = self.lists.notes.len() * (size_of::<Note>() + size_of::<RecordId>());
        (records + messages + notes) as u64 + self.payload_bytes
    }

    /// When a message was sent.
    pub fn sent_at(&self, envelope: &Envelope) -> SimTime {
        self.lists.records[self.place(envelope.sent)].at
    }

    /// The message whose delivery brought a record about, if one did.
    pub fn brought_by(&self, record: &Record) -> Option<MessageId> {
        match self.record(record.cause?)?.event {
            Event::Delivered(message) => Some(message),
            _ => None,
        }
    }

    /// How long a message was under way, if it was delivered at `at`.
    pub fn under_way(&self, envelope: &Envelope, at: SimTime) -> Duration {
        at.saturating_since(self.sent_at(envelope))
    }

    /// The last moment of the history: that of its last record, or that until which the run went on
    /// in silence.
    pub fn end(&self) -> SimTime {
        let last = self.lists.records.last().map_or(SimTime::ZERO, |record| record.at);
        last.max(self.ended)
    }

    /// Until when something is slow because of a fault, which may be over by then: an fsync under way on a disk that
    /// was slow when it was asked for, a message that left while its link was slow.
    pub fn slowed_until(&self, fault: FaultId) -> SimTime {
        self.slowed_until.get(&fault).copied().unwrap_or_default()
    }

    /// A fault has slowed something, which will be done then.
    pub(crate) fn slow_until(&mut self, fault: FaultId, done: SimTime) {
        let last = self.slowed_until.entry(fault).or_default();
        *last = done.max(*last);
    }

    /// Lets go of everything so far but these messages, which are still under way: a run that goes on for days
    /// must not grow for days. What comes has the numbers that it would have had.
    pub(crate) fn forget(&mut self, under_way: &BTreeSet<MessageId>) {
        let kept = under_way.iter().map(|id| (*id, self.message(*id).clone())).collect();
        let forgotten = &mut self.forgotten;
        forgotten.kept = kept;
        let add = |count: &mut u32, more: usize| *count = count.wrapping_add(more as u32);
        add(&mut forgotten.records, self.lists.records.len());
        add(&mut forgotten.messages, self.lists.messages.len());
        add(&mut forgotten.notes, self.lists.notes.len());
        let kept = forgotten.kept.values();
        self.payload_bytes = kept.map(|envelope| payload_bytes(&envelope.message)).sum();
        self.lists.clear();
    }

    /// The run has come to its end, then.
    pub(crate) const fn close(&mut self, at: SimTime) {
        self.ended = at;
    }

    /// Inlined whatever its size, as [`History::push_sent`] is: a record that is built somewhere
    /// else and copied from there makes the processor wait for its single fields to be written.
    #[inline(always)]
    pub(crate) fn push(
        &mut self,
        at: SimTime,
        cause: Option<RecordId>,
        node: NodeId,
        event: Event,
    ) -> RecordId {
        let id = self.next_record();
        if let Event::Delivered(_) = event {
            self.delivered += 1;
        }
        if let Event::FaultBegan(_) | Event::FaultEnded(_) | Event::Crashed | Event::PowerLost =
            event
        {
            self.lists.incidents.push(id);
        }
        if tracing::enabled!(tracing::Level::DEBUG) {
            self.trace(at, node, event);
        }
        push(&mut self.lists.records, Record { at, cause, node, event });
        id
    }

    #[inline]
    fn next_record(&self) -> RecordId {
        RecordId((self.lists.records.len() as u32).wrapping_add(self.forgotten.records))
    }

    /// A message on its way `from` one node `to` another.
    #[inline(always)]
    pub(crate) fn push_sent(
        &mut self,
        at: SimTime,
        cause: Option<RecordId>,
        [from, to]: [NodeId; 2],
        connection: ConnectionId,
        message: Message,
    ) -> MessageId {
        let messages = self.lists.messages.len() as u32;
        let id = MessageId(messages.wrapping_add(self.forgotten.messages));
        let sent = self.next_record();
        self.payload_bytes += payload_bytes(&message);
        push(&mut self.lists.messages, Envelope { message, from, to, connection, sent });
        self.push(at, cause, from, Event::Sent(id));
        id
    }

    #[inline]
    pub(crate) fn push_note(
        &mut self,
        at: SimTime,
        cause: Option<RecordId>,
        node: NodeId,
        note: Note,
    ) -> RecordId {
        let id = NoteId((self.lists.notes.len() as u32).wrapping_add(self.forgotten.notes));
        let record = self.next_record();
        push(&mut self.lists.notes, note);
        push(&mut self.lists.noted, record);
        self.push(at, cause, node, Event::Noted(id))
    }

    /// Says the same through `tracing`, for whoever listens. The history is the truth, not this.
    #[cold]
    fn trace(&self, at: SimTime, node: NodeId, event: Event) {
        let node = self.name(node);
        match event {
            Event::Noted(id) => tracing::debug!(sim_time = %at, node, note = ?self.note(id)),
            Event::Sent(id) | Event::Delivered(id) => {
                tracing::trace!(sim_time = %at, node, ?event, message = ?self.message(id).message);
            }
            Event::TimerFired => tracing::trace!(sim_time = %at, node, ?event),
            _ => tracing::debug!(sim_time = %at, node, ?event),
        }
    }
}

fn command_bytes(arguments: &[bytes::Bytes]) -> u64 {
    arguments.iter().map(|argument| (size_of_val(argument) + argument.len()) as u64).sum()
}

/// About how much memory a message points to; a number and the shop's requests point nowhere.
#[inline]
fn payload_bytes(message: &Message) -> u64 {
    match message {
        Message::Bytes(bytes) => bytes.len() as u64,
        Message::Redis(arguments) => command_bytes(arguments),
        Message::RedisStream(commands) | Message::RedisSnapshot(commands) => {
            commands.iter().map(|command| command_bytes(command)).sum()
        }
        _ => 0,
    }
}
