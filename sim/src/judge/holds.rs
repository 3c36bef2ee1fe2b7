//! Who believed when that it held a lock.

use fencepost_models::machine::NodeId;
use fencepost_models::note::{Name, Note};

use crate::world::SimTime;
use crate::world::history::{Event, History, RecordId};

/// How a hold came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldEnd {
    /// The client called `release`.
    Released,
    /// The client learned that it had lost the lock.
    Lost,
    /// The client's process, or its host, was gone.
    Died,
    /// The run was over first.
    Open,
}

/// One client's belief that it held a lock: from the moment at which `acquire` returned until it
/// called `release`, knew that it had lost the lock, or was no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Who.
    pub node: NodeId,
    /// Which lock.
    pub lock: Name,
    /// The fencing token that came with it.
    pub token: Option<u64>,
    /// The record of its begin.
    pub begin: RecordId,
    /// When it began.
    pub from: SimTime,
    /// The record of its end; where it has none, one past the last record.
    pub end: RecordId,
    /// When it ended.
    pub until: SimTime,
    /// Why.
    pub ended_by: HoldEnd,
}

impl Hold {
    /// Whether the two were believed at the same instant, as the order of the records has it: a
    /// hold that ends and one that begins at the same time do not overlap.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.begin < other.end && other.begin < self.end
    }
}

/// Every hold of a history, in the order in which they began.
pub fn holds(history: &History) -> Vec<Hold> {
    let mut holds: Vec<Hold> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for (place, record) in history.records().iter().enumerate() {
        let id = RecordId(place as u32);
        let mut end = |concerns: &dyn Fn(&Hold) -> bool, ended_by| {
            open.retain(|place| {
                let hold = &mut holds[*place];
                let ends = hold.node == record.node && concerns(hold);
                if ends {
                    (hold.end, hold.until, hold.ended_by) = (id, record.at, ended_by);
                }
                !ends
            });
        };
        match record.event {
            Event::Crashed | Event::PowerLost => end(&|_| true, HoldEnd::Died),
            Event::Noted(note) => match history.note(note) {
                Note::Releasing { lock } => end(&|hold| hold.lock == *lock, HoldEnd::Released),
                Note::LockLost { lock, .. } => end(&|hold| hold.lock == *lock, HoldEnd::Lost),
                Note::Acquired { lock, token } => {
                    open.push(holds.len());
                    holds.push(Hold {
                        node: record.node,
                        lock: lock.clone(),
                        token: *token,
                        begin: id,
                        from: record.at,
                        end: RecordId(history.records().len() as u32),
                        until: history.end(),
                        ended_by: HoldEnd::Open,
                    });
                }
                _ => {}
            },
            _ => {}
        }
    }
    holds
}
