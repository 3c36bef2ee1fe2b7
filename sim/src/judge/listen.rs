//! How a history is gone through: once, from its begin to its end.

use fencepost_models::note::Note;

use crate::world::history::{History, Record, RecordId};

/// Somebody to whom a history is told.
pub trait Listener<'h> {
    /// A node has written something down.
    fn noted(&mut self, id: RecordId, record: &'h Record, note: &'h Note);

    /// A node's process is gone.
    fn died(&mut self, id: RecordId, record: &'h Record);
}

/// Tells every note and every death, in order. All else that happened is found through these.
pub fn tell<'h>(history: &'h History, listener: &mut impl Listener<'h>) {
    let mut deaths = history.deaths();
    let mut next_death = deaths.next();
    for (id, record, note) in history.notes() {
        while let Some((death, record)) = next_death.filter(|(death, _)| *death < id) {
            listener.died(death, record);
            next_death = deaths.next();
        }
        listener.noted(id, record, note);
    }
    for (death, record) in next_death.into_iter().chain(deaths) {
        listener.died(death, record);
    }
}
