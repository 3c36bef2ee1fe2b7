//! What every part of the world works on: the time, the queue of what is to happen, and the
//! history of what did.

use fencepost_faults::FaultKind;
use fencepost_models::machine::NodeId;

use super::history::{Event, FaultId, History, LossReason, MessageId, RecordId};
use super::queue::{Queue, Segment};
use super::time::SimTime;

pub struct Kernel {
    pub now: SimTime,
    pub queue: Queue,
    pub history: History,
    /// How often each fault has hit something.
    pub hits: Vec<u64>,
}

impl Kernel {
    pub fn new(nodes: Vec<String>, faults: Vec<FaultKind>) -> Self {
        Self {
            now: SimTime::ZERO,
            queue: Queue::default(),
            hits: vec![0; faults.len()],
            history: History::new(nodes, faults),
        }
    }

    #[inline(always)]
    pub fn record(&mut self, cause: Option<RecordId>, node: NodeId, event: Event) -> RecordId {
        self.history.push(self.now, cause, node, event)
    }

    /// There is one more fault, of that kind.
    pub fn add_fault(&mut self, kind: FaultKind) {
        self.history.faults.push(kind);
        self.hits.push(0);
    }

    /// Counts a hit for each of the faults.
    #[inline]
    pub fn hit(&mut self, faults: &[FaultId]) {
        for fault in faults {
            if let Some(hits) = self.hits.get_mut(fault.0 as usize) {
                *hits += 1;
            }
        }
    }

    /// A fault has slowed something, which will be done then.
    pub fn slow(&mut self, fault: FaultId, done: SimTime) {
        self.hit(&[fault]);
        self.history.slow_until(fault, done);
    }

    pub fn lose(&mut self, node: NodeId, message: MessageId, reason: LossReason) {
        self.record(None, node, Event::Lost { message, reason });
    }

    pub fn lose_all(
        &mut self,
        node: NodeId,
        segments: impl IntoIterator<Item = Segment>,
        reason: LossReason,
    ) {
        for segment in segments {
            if let Segment::Message(message) = segment {
                self.lose(node, message, reason);
            }
        }
    }
}
