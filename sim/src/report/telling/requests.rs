//! When requests for a connection come to their end.

use std::collections::BTreeMap;

use fencepost_models::machine::{ConnectionId, NodeId};

use crate::world::SimTime;
use crate::world::history::{Event, History};

/// When each request for a connection was granted, refused, given up, or ended with its process.
pub fn answers(history: &History) -> BTreeMap<ConnectionId, SimTime> {
    let mut open: BTreeMap<ConnectionId, NodeId> = BTreeMap::new();
    let mut answers = BTreeMap::new();
    for record in history.records() {
        match record.event {
            Event::Connecting { connection, .. } => {
                open.insert(connection, record.node);
            }
            Event::Connected(connection)
            | Event::Closed(connection)
            | Event::ConnectionLost { connection, .. }
                if open.get(&connection) == Some(&record.node) =>
            {
                open.remove(&connection);
                answers.insert(connection, record.at);
            }
            Event::Crashed | Event::PowerLost => open.retain(|connection, opener| {
                let goes_on = *opener != record.node;
                if !goes_on {
                    answers.insert(*connection, record.at);
                }
                goes_on
            }),
            _ => {}
        }
    }
    answers
}
