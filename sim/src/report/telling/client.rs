//! What one client is about: the process of a node, with all its threads.

use std::collections::BTreeSet;

use fencepost_models::note::{Name, Note};

/// What a client is about.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// The threads that wait for the lock.
    waiting: BTreeSet<u32>,
    /// It has read the stock; its order is still open.
    has_read: bool,
    held: Vec<Held>,
}

/// A lock that a client believes it holds.
#[derive(Clone, Debug)]
struct Held {
    lock: Name,
    hold: u32,
    thread: u32,
}

impl Client {
    /// Whether one of its threads waits for the lock.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether it has read the stock, and its order is still open.
    pub const fn has_read(&self) -> bool {
        self.has_read
    }

    /// The locks that it believes it holds, each as often as it acquired it.
    pub fn locks(&self) -> impl Iterator<Item = &Name> {
        self.held.iter().map(|held| &held.lock)
    }

    /// The lock that it got last of those that it believes it holds.
    pub fn held_last(&self) -> Option<&Name> {
        self.locks().last()
    }

    /// Whether it believes that it holds that lock.
    pub fn holds(&self, lock: &Name) -> bool {
        self.locks().any(|held| held == lock)
    }

    /// The thread that has a hold of that number.
    pub fn thread_of(&self, hold: u32) -> Option<u32> {
        self.held.iter().find(|held| held.hold == hold).map(|held| held.thread)
    }

    /// Takes in what it has written down.
    pub fn enter(&mut self, note: &Note) {
        match note {
            Note::GaveUp { thread, .. } => {
                self.waiting.remove(thread);
            }
            Note::Acquiring { thread, .. } => {
                self.waiting.insert(*thread);
            }
            Note::Acquired { lock, hold, thread, .. } => {
                self.waiting.remove(thread);
                self.held.push(Held { lock: lock.clone(), hold: *hold, thread: *thread });
            }
            Note::Releasing { hold, .. } | Note::Abandoned { hold, .. } => {
                self.held.retain(|held| held.hold != *hold);
            }
            Note::LockLost { lock, hold, .. } => {
                let is_other = |held: &Held| hold.is_some_and(|hold| held.hold != hold);
                self.held.retain(|held| held.lock != *lock || is_other(held));
            }
            Note::StockSeen { .. } => self.has_read = true,
            Note::OrderPlaced { .. }
            | Note::OrderRefused { .. }
            | Note::OrderUnknown { .. }
            | Note::LeaseOver { .. }
            | Note::SoldOut { .. } => self.has_read = false,
            _ => {}
        }
    }
}
