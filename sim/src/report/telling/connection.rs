//! Sentences about connections: a request that is not granted at once, and what came of it; an end.

use std::time::Duration;

use fencepost_faults::Action;
use fencepost_models::machine::{CloseReason, ConnectionId, NodeId};

use super::sentence::{LATE, Sentence, Weight, sentence};
use super::state::State;
use crate::report::words;
use crate::world::history::{Event, Record};
use crate::world::{FaultOutcome, SimTime};

/// What there is to say of a record about a connection; `state` is that before it.
pub fn say(state: &State<'_>, record: &Record) -> Option<Sentence> {
    let said = |weight, text| Some(sentence(weight, None, text));
    let name = state.name(record.node);
    let peer = |connection: ConnectionId| {
        state.peer(record.node, connection).map_or("a peer", |peer| state.name(peer))
    };
    let waited = |connection: ConnectionId| {
        Some(record.at.saturating_since(state.asked_since(record.node, connection)?))
    };
    match record.event {
        Event::Connecting { connection, peer } => {
            let answered = state.answered_at(connection);
            if answered.is_some_and(|at| at.saturating_since(record.at) < LATE) {
                return None;
            }
            // Clients that poll ask again and again.
            let is_known = state.is_unanswered(record.node, peer) || state.is_watcher(record.node);
            let weight = if is_known { Weight::Quiet } else { Weight::Telling };
            let why = obstacle(state, record, peer);
            said(weight, format!("{name} asks {} for a connection{why}", state.name(peer)))
        }
        Event::Connected(connection) => {
            let waited = waited(connection).filter(|waited| *waited >= LATE)?;
            let (peer, waited) = (peer(connection), words::seconds(waited));
            let weight = match state.is_watcher(record.node) {
                true => Weight::Quiet,
                false => Weight::Telling,
            };
            said(weight, format!("{name} is connected to {peer} after {waited}"))
        }
        Event::Closed(connection) => {
            let (peer, waited) = (peer(connection), words::seconds(waited(connection)?));
            said(Weight::Quiet, format!("{name} gives up asking {peer} after {waited}"))
        }
        Event::ConnectionLost { reason: CloseReason::ByPeer, .. } => None,
        Event::ConnectionLost { connection, reason } => {
            let peer = peer(connection);
            let waited = waited(connection);
            let what = match waited {
                Some(_) => "gets no connection to",
                None => "loses its connection to",
            };
            let after = waited.filter(|waited| *waited >= LATE);
            let after =
                after.map_or_else(String::new, |it| format!(" after {}", words::seconds(it)));
            let weight = match reason {
                CloseReason::Refused => Weight::Quiet,
                _ => Weight::Ordinary,
            };
            said(weight, format!("{name} {what} {peer}: {reason}{after}"))
        }
        _ => None,
    }
}

/// Why a request is not granted at once, as far as the plan tells.
fn obstacle(state: &State<'_>, record: &Record, peer: NodeId) -> String {
    let faults = &state.run.faults;
    let mut near = faults.iter().filter(|fault| is_in_force(fault, record.at));
    let mut cuts =
        near.clone().filter(|fault| state.cuts(&fault.fault.action, record.node, peer)).peekable();
    if cuts.peek().is_some() {
        let meets = match cuts.any(|fault| fault.began_at <= Some(record.at)) {
            true => "meets",
            false => "is about to meet",
        };
        return format!(": the request {meets} the cut");
    }
    let name = state.name(peer);
    let is_its_power =
        |action: &Action| matches!(action, Action::PowerLoss { node } if node == name);
    if near.any(|fault| is_its_power(&fault.fault.action)) {
        return format!(" and reaches nobody: {name} is without power");
    }
    ", and waits for it".to_owned()
}

/// Whether a fault is in force when a request is made, or soon enough after it to be in its way.
fn is_in_force(fault: &FaultOutcome, at: SimTime) -> bool {
    let Some(began) = fault.began_at else { return false };
    let is_over = fault.fault.length.is_some_and(|length: Duration| began + length <= at);
    began < at + LATE && !is_over
}
