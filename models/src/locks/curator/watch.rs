//! What the lock's user makes of the news of its connection: a `ConnectionStateListener`, as Curator's documentation
//! tells users of its recipes to have one.
//!
//! Source: Curator's documentation, "Error Handling" and "Shared Reentrant Lock", "Error Handling".

use std::cell::RefCell;
use std::rc::Rc;

use super::framework::{ConnectionState, Framework};
use super::mutex::czxid_of;
use super::{CuratorSettings, OnReconnected, Reaction};
use crate::locks::Lost;
use crate::locks::standing::Standing;
use crate::note::{Name, Note};
use crate::process::Host;
use crate::zookeeper::protocol::{ErrorCode, Path, Zxid};

/// Whether the lock is held, and what ends that.
pub(super) struct Watch {
    lock: Name,
    on_suspended: Reaction,
    on_lost: Reaction,
    on_reconnected: OnReconnected,
    standing: Standing,
    /// The node that the lock is held by.
    node: RefCell<Option<(Path, Zxid)>>,
}

impl Watch {
    pub(super) fn new(settings: &CuratorSettings) -> Self {
        Self {
            lock: settings.path.clone(),
            on_suspended: settings.on_suspended,
            on_lost: settings.on_lost,
            on_reconnected: settings.on_reconnected,
            standing: Standing::default(),
            node: RefCell::new(None),
        }
    }

    /// The lock is held by that node.
    pub(super) fn granted(&self, path: Path, czxid: Zxid) {
        *self.node.borrow_mut() = Some((path, czxid));
        self.standing.grant();
    }

    /// The lock is about to be given back.
    pub(super) fn given_back(&self) {
        *self.node.borrow_mut() = None;
        self.standing.give_back();
    }

    pub(super) fn lost(&self) -> Lost {
        self.standing.lost()
    }

    pub(super) fn state_changed(self: &Rc<Self>, framework: &Framework, state: ConnectionState) {
        let host = framework.host();
        match state {
            ConnectionState::Suspended if self.on_suspended == Reaction::Stops => {
                self.lose(host, "its connection is suspended");
            }
            ConnectionState::Lost if self.on_lost == Reaction::Stops => {
                self.lose(host, "its connection is lost");
            }
            ConnectionState::Reconnected if self.on_reconnected == OnReconnected::Checks => {
                host.spawn(Rc::clone(self).check(framework.clone()));
            }
            _ => {}
        }
    }

    /// Looks whether the node is still there. Who gets no answer knows as much as before, and looks again when it is
    /// connected again.
    async fn check(self: Rc<Self>, framework: Framework) {
        let Some(node) = self.node.borrow().clone() else { return };
        let is_gone = match czxid_of(&framework, &node.0).await {
            Ok(czxid) => czxid != node.1,
            Err(ErrorCode::NoNode) => true,
            Err(_) => false,
        };
        if is_gone && *self.node.borrow() == Some(node) {
            self.lose(framework.host(), "its node is gone");
        }
    }

    fn lose(&self, host: &Host, reason: &'static str) {
        if self.standing.lose() {
            host.note(Note::LockLost { lock: self.lock.clone(), hold: None, reason });
        }
    }
}
