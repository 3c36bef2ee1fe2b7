//! What there is to say of a fault, and of what it did to a process.

use fencepost_faults::{Action, show};
use fencepost_models::machine::NodeId;

use super::glyph::Glyph;
use super::state::State;
use crate::report::words;
use crate::world::history::{Event, FaultId, Record, RecordId};

/// The begin of a fault.
pub fn begin_of(state: &State<'_>, place: NodeId, fault: FaultId) -> String {
    let Some(outcome) = state.run.faults.get(fault.0 as usize) else {
        return "a fault".to_owned();
    };
    let action = &outcome.fault.action;
    let length = outcome.fault.length.map(show);
    let length = match length {
        _ if outcome.fault.is_instant() => String::new(),
        Some(length) => format!(" for {length}"),
        None => " for good".to_owned(),
    };
    let is_about_process =
        matches!(action, Action::Pause { .. } | Action::Crash { .. } | Action::PowerLoss { .. });
    let belief = match state.held_by(place).filter(|_| is_about_process) {
        Some(lock) => format!(", while it believes that it holds {lock}"),
        None if is_about_process && state.is_down(place) => ", while it is down already".to_owned(),
        None => String::new(),
    };
    format!("{action}{length}{belief}")
}

/// The end of a fault; none where the node's own record tells it.
pub fn end_of(state: &State<'_>, id: RecordId, record: &Record, action: &Action) -> Option<String> {
    match action {
        Action::Pause { .. } | Action::Crash { .. } | Action::PowerLoss { .. } => {
            let next = (id.0 + 1..).map_while(|next| state.history().record(RecordId(next)));
            let runs_again = next.take_while(|next| next.at == record.at).any(|next| {
                next.node == record.node
                    && matches!(next.event, Event::Resumed | Event::Started { .. })
            });
            let stays = match state.failure(record.node) {
                Some(Glyph::Down) => ", which stays down",
                Some(_) => ", which stays paused",
                None => "",
            };
            (!runs_again).then(|| format!("over: {action}{stays}"))
        }
        action if action.kind().is_instant() => None,
        Action::ClockJump { node, .. } => Some(format!("the clock of {node} is set back again")),
        other => Some(format!("over: {other}")),
    }
}

/// A process that was paused is scheduled again.
pub fn resumption(state: &State<'_>, record: &Record) -> String {
    let name = state.name(record.node);
    let away = state.paused_since(record.node).map(|since| record.at.saturating_since(since));
    let away = away.map_or_else(String::new, |away| format!(" after {}", words::seconds(away)));
    match state.held_by(record.node) {
        Some(lock) => format!("{name} runs on{away}, still believing that it holds {lock}"),
        None => format!("{name} runs on{away}"),
    }
}
