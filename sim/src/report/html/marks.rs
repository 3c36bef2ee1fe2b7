//! What happens at one moment and has a sign of its own in a lane.

use fencepost_faults::show_signed;
use fencepost_models::note::Note;
use serde::Serialize;

use crate::report::telling::State;
use crate::world::history::{Event, Record, RecordId, SignedNanos};

/// A sign: at which record, of which kind, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mark(RecordId, &'static str, String);

/// The sign of a record, if it has one.
pub fn mark(state: &State<'_>, id: RecordId, record: &Record) -> Option<Mark> {
    let (kind, text) = match record.event {
        Event::Noted(note) => of_note(state, state.history().note(note))?,
        Event::Crashed => ("died", "crashes".to_owned()),
        Event::PowerLost => ("died", "loses power".to_owned()),
        Event::ClockJumped { by_nanos: SignedNanos(by) } => {
            ("jumped", format!("clock {}", show_signed(by)))
        }
        _ => return None,
    };
    Some(Mark(id, kind, text))
}

fn of_note(state: &State<'_>, note: &Note) -> Option<(&'static str, String)> {
    let token = |token: &Option<u64>| token.map(|token| format!("token {token}"));
    Some(match note {
        Note::Acquired { token: with, .. } => {
            ("granted", token(with).unwrap_or_else(|| "gets it".to_owned()))
        }
        Note::LockLost { .. } => ("lost", "knows that it lost it".to_owned()),
        Note::WriteTaken { before, after, token: with, .. }
        | Note::StockWritten { before, after, token: with, .. } => {
            let with = token(with).map(|token| format!("{token}: ")).unwrap_or_default();
            ("taken", format!("{with}{before}→{after}"))
        }
        Note::Fenced { token: with, mark, .. } => {
            let with = with.map_or_else(|| "no token".to_owned(), |token| token.to_string());
            ("refused", format!("{with} < {mark}"))
        }
        Note::KeyExpired { key } if state.cast.locks.contains(key) => {
            ("expired", format!("{key} expires"))
        }
        Note::KeyEvicted { key } if state.cast.locks.contains(key) => {
            ("expired", format!("{key} is evicted"))
        }
        Note::ZooKeeper { event: "session-expired", .. } => {
            ("expired", "a session expires".to_owned())
        }
        _ => return None,
    })
}
