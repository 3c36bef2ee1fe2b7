//! What a client is about, as its own notes tell.

use fencepost_models::note::{Name, Note};

/// What a client does and believes at a moment of the run.
#[derive(Clone, Debug, Default)]
pub struct Client {
    pub is_waiting: bool,
    /// It has read the stock; its order is still open.
    pub has_read: bool,
    /// The locks that it believes it holds, each as often as it acquired it.
    pub held: Vec<Name>,
}

impl Client {
    /// Follows a note of the client's.
    pub fn enter(&mut self, note: &Note) {
        match note {
            Note::Acquiring { .. } => self.is_waiting = true,
            Note::Acquired { lock, .. } => {
                self.is_waiting = false;
                self.held.push(lock.clone());
            }
            Note::Releasing { lock, .. } | Note::Abandoned { lock, .. } => {
                if let Some(place) = self.held.iter().rposition(|held| held == lock) {
                    self.held.remove(place);
                }
            }
            Note::LockLost { lock, .. } => self.held.retain(|held| held != lock),
            Note::StockSeen { .. } => self.has_read = true,
            Note::OrderPlaced { .. }
            | Note::OrderRefused { .. }
            | Note::OrderUnknown { .. }
            | Note::LeaseOver { .. }
            | Note::SoldOut => self.has_read = false,
            _ => {}
        }
    }
}
