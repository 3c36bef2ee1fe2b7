//! What the tests of connections have in common.

use std::time::Duration;

use fencepost_models::note::{Note, ReleaseOutcome};

use super::{Node, OwnLock};
use crate::world::history::History;

/// A lock of a client that has nothing more to do.
pub struct Nothing(pub Node);

impl OwnLock for Nothing {
    type Guard = ();

    async fn acquire(&self) {
        self.0.host().sleep(Duration::from_secs(1)).await;
    }

    async fn release(&self, (): &()) -> ReleaseOutcome {
        ReleaseOutcome::Removed
    }
}

/// What clients and servers have said in their own words.
pub fn remarks(history: &History) -> Vec<String> {
    let remark = |note: &Note| match note {
        Note::Remark { text } => Some(text.clone()),
        _ => None,
    };
    history.notes().filter_map(|(_, _, note)| remark(note)).collect()
}
