//! What there is to tell of a run, whoever draws it: who believes and does what at each moment, and a sentence for
//! each record that is worth one.
//!
//! ```text
//! glyph      every sign and its meaning       select     which lines a long run is cut down to
//! state      who believes and does what       client     one process and its threads
//! sentence   a record in words                ensemble   who leads, and whose the lock is there
//! connection one about a connection           requests   when requests for connections end
//! ```

mod client;
mod connection;
mod ensemble;
mod fault;
mod glyph;
mod requests;
pub mod select;
mod sentence;
mod state;
mod zookeeper;

use std::collections::BTreeMap;

pub use self::glyph::Glyph;
use self::sentence::say;
pub use self::sentence::{Sentence, Weight};
pub use self::state::{Cell, State};
use super::cast::Cast;
use crate::judge::ViolationKind;
use crate::scenario::Outcome;
use crate::world::history::{Record, RecordId};

/// Goes through a run: each record with the state after it and what there is to say of it.
///
/// # Errors
///
/// What `visit` says.
pub fn walk<'o, E>(
    outcome: &'o Outcome,
    cast: &'o Cast,
    mut visit: impl FnMut(&State<'o>, RecordId, &'o Record, &[Sentence]) -> Result<(), E>,
) -> Result<(), E> {
    let history = &outcome.run.history;
    let mut state = State::new(&outcome.run, cast);
    let mut violations = outcome.verdict.violations.iter().peekable();
    let mut seen: BTreeMap<ViolationKind, u32> = BTreeMap::new();
    let mut sentences = Vec::new();
    for (place, record) in history.records().iter().enumerate() {
        let id = RecordId(place as u32);
        sentences.clear();
        sentences.extend(say(&state, id, record));
        while let Some(violation) = violations.next_if(|violation| violation.record <= id) {
            let number = seen.entry(violation.kind).or_default();
            *number += 1;
            let (weight, text) = match *number {
                1 => (
                    Weight::Violation,
                    format!("VIOLATION {}: {}", violation.kind, violation.detail),
                ),
                again => (Weight::Ordinary, format!("{} again, no. {again}", violation.kind)),
            };
            sentences.push(Sentence { weight, mark: Some(Glyph::Violation), text });
        }
        state.apply(record);
        visit(&state, id, record, &sentences)?;
    }
    Ok(())
}
