//! Memory for the next run's history. A history is megabytes of vectors that grow, and a hunt makes
//! one per seed: handed back to the allocator each time, their pages are unmapped and faulted in
//! again, which took 40 % of a run of 30,000 requests.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use fencepost_models::note::Note;

use super::history::{Envelope, Record, RecordId};

/// How much memory a thread keeps for its next run, at most. Larger histories are single ones,
/// not a hunt's.
const MAX_SPARE_BYTES: usize = 64 * 1024 * 1024;

/// What a history is made of, each in order.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    pub records: Vec<Record>,
    pub messages: Vec<Envelope>,
    pub notes: Vec<Note>,
    /// The record of each note.
    pub noted: Vec<RecordId>,
    /// The records of faults that begin or end, and of processes that are gone.
    pub incidents: Vec<RecordId>,
}

impl Lists {
    /// How much memory there is room for, without what messages and notes point to.
    const fn capacity_bytes(&self) -> usize {
        self.records.capacity() * size_of::<Record>()
            + self.messages.capacity() * size_of::<Envelope>()
            + self.notes.capacity() * size_of::<Note>()
            + self.noted.capacity() * size_of::<RecordId>()
            + self.incidents.capacity() * size_of::<RecordId>()
    }

    /// Empties them; their memory stays.
    pub fn clear(&mut self) {
        self.records.clear();
        self.messages.clear();
        self.notes.clear();
        self.noted.clear();
        self.incidents.clear();
    }
}

thread_local! {
    /// Empty lists: nothing of a run reaches the next one but their capacity.
    static SPARE: RefCell<Lists> = const {
        RefCell::new(Lists {
            records: Vec::new(),
            messages: Vec::new(),
            notes: Vec::new(),
            noted: Vec::new(),
            incidents: Vec::new(),
        })
    };
}

/// Lists whose memory goes to the thread's next run when they are dropped.
#[derive(Clone, Debug, Default)]
pub struct Recycled(Lists);

impl Recycled {
    /// Empty lists, in the memory of a run that this thread has finished with.
    pub fn new() -> Self {
        Self(SPARE.try_with(RefCell::take).unwrap_or_default())
    }
}

impl Deref for Recycled {
    type Target = Lists;

    #[inline]
    fn deref(&self) -> &Lists {
        &self.0
    }
}

impl DerefMut for Recycled {
    #[inline]
    fn deref_mut(&mut self) -> &mut Lists {
        &mut self.0
    }
}

impl Drop for Recycled {
    /// Keeps the larger of these lists and those kept already. A thread that is ending keeps none.
    fn drop(&mut self) {
        self.0.clear();
        let bytes = self.0.capacity_bytes();
        if bytes > MAX_SPARE_BYTES {
            return;
        }
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if bytes > spare.capacity_bytes() {
                std::mem::swap(&mut *spare, &mut self.0);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::history::Event;
    use crate::world::time::SimTime;
    use fencepost_models::machine::NodeId;

    fn filled(records: usize) -> Recycled {
        let mut lists = Recycled::new();
        let record =
            Record { at: SimTime::ZERO, cause: None, node: NodeId(0), event: Event::DiskDone };
        lists.records.resize(records, record);
        lists
    }

    #[test]
    fn the_next_run_gets_the_memory_and_nothing_else() {
        let first = filled(5000);
        let place = first.records.as_ptr();
        drop(first);
        let second = Recycled::new();
        assert!(second.records.is_empty());
        assert_eq!(second.records.as_ptr(), place);
        assert_eq!(Recycled::new().records.capacity(), 0, "it can be taken only once");
    }

    #[test]
    fn the_larger_is_kept_unless_it_is_too_large() {
        let (small, large) = (filled(10), filled(1000));
        let too_large = filled(MAX_SPARE_BYTES / size_of::<Record>() + 1);
        drop(large);
        drop(small);
        drop(too_large);
        let capacity = Recycled::new().records.capacity();
        assert!((1000..2000).contains(&capacity), "{capacity}");
    }
}
