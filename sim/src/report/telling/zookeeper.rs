//! What servers of an ensemble write down, as lines of the timeline.

use fencepost_models::note::{Name, Note};
use fencepost_models::zookeeper::protocol::SessionId;

use super::glyph::Glyph;
use super::sentence::{Sentence, Weight, sentence};
use super::state::State;
use crate::znodes;

/// The line for a note of a server's; `None` for any other note.
pub fn ensemble_line(state: &State<'_>, name: &str, note: &Note) -> Option<Sentence> {
    if !state.ensemble().is_news(note) {
        return None;
    }
    let (weight, mark, text) = match note {
        Note::ZnodeCreated { path, session, .. } => {
            let text = match queued(state, path, Some(*session)) {
                Some((lock, number, whose)) => {
                    format!("{name} takes {whose} into the queue for {lock}, as {number}")
                }
                None => format!("{name} creates {path}"),
            };
            (Weight::Quiet, None, text)
        }
        Note::ZnodeDeleted { path, .. } => {
            let text = match queued(state, path, None) {
                Some((lock, number, whose)) => {
                    format!("{name} strikes {whose} off the queue for {lock}: {number} is gone")
                }
                None => format!("{name} deletes {path}"),
            };
            (Weight::Quiet, None, text)
        }
        Note::ZooKeeper { event: "session-expired", detail } => {
            let whose = state.ensemble().client_of(detail).map(|client| state.name(client));
            let whose = whose
                .map_or_else(|| format!("session {detail}"), |it| format!("the session of {it}"));
            (
                Weight::Telling,
                Some(Glyph::Expired),
                format!("{name} ends {whose}: nothing was heard of it"),
            )
        }
        Note::ZooKeeper { event, detail } => {
            let (weight, text) = match *event {
                "looking" => (Weight::Quiet, format!("{name} looks for a leader; {detail}")),
                "elected" => (Weight::Quiet, format!("{name} knows that it is elected")),
                "epoch-established" => (Weight::Telling, format!("{name} leads {detail}")),
                "follows" => (Weight::Ordinary, format!("{name} follows, {detail}")),
                "steps-down" => (Weight::Telling, format!("{name} leads no longer: {detail}")),
                "leaves" => (Weight::Telling, format!("{name} follows no longer: {detail}")),
                "sync-diff" => (Weight::Quiet, format!("{name} sends what is missing to {detail}")),
                "sync-trunc" => {
                    (Weight::Ordinary, format!("{name} has transactions taken back: {detail}"))
                }
                "sync-snap" => (Weight::Ordinary, format!("{name} sends everything to {detail}")),
                event => (Weight::Ordinary, format!("{name}: {event} {detail}")),
            };
            (weight, None, text)
        }
        _ => return None,
    };
    Some(sentence(weight, mark, text))
}

/// Of a node in a lock's queue: the lock, its number, and whose it is: who has that session, if it is no part of the
/// queue yet.
fn queued(
    state: &State<'_>,
    path: &Name,
    session: Option<SessionId>,
) -> Option<(Name, u64, String)> {
    let (lock, name) = znodes::split(path)?;
    let number = znodes::number(&name).filter(|_| state.cast.locks.contains(&lock))?;
    let ensemble = state.ensemble();
    let session = session.or_else(|| ensemble.session(&lock, &name));
    let whose =
        session.and_then(|session| ensemble.client(session)).map(|it| state.name(it).to_owned());
    Some((lock, number, whose.unwrap_or_else(|| "somebody".to_owned())))
}
