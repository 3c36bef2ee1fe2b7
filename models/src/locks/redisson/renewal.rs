//! The watchdog: as long as a process holds a lock and runs, it gives the lock its whole lease again, every
//! third of the lease.
//!
//! * **One timer for the process**: it starts when the first lock is entered, and goes on for as long as
//!   there is a lock to renew when it fires. Whoever gives a lock back and takes one before it
//!   has fired starts another one beside it, and the first goes on too.
//! * **A renewal that says that the lock is gone**: the lock is not renewed any more. Nobody is told;
//!   the holder hears of it when it gives the lock back. One that had been entered twice loses one
//!   entry for each renewal.
//! * **A renewal without an answer**: it is logged, and the next one comes in its turn.
//! * **A process that does not run renews nothing**: that is what makes a pause longer than the
//!   lease dangerous. One that hangs in its critical section renews for ever.
//!
//! Source: `RenewalTask` (`schedule`, `run`, `add`, `cancelExpirationRenewal`), `LockTask.renew`,
//! `LockEntry`.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::commands::{Commands, Resend};
use crate::note::{Name, Note};
use crate::process::Host;
use crate::redis::client::ScriptCall;
use crate::redis::resp::Reply;

/// The lock of a process, as the watchdog knows it.
pub(super) struct Renewal {
    host: Host,
    commands: Rc<Commands>,
    lock: Name,
    renew: ScriptCall,
    /// A third of the watchdog's timeout.
    period: Duration,
    /// How often the lock has been entered and not left. Source: `LockEntry.threadId2counter`.
    entered: Cell<u32>,
    /// Source: `RenewalTask.running`.
    is_running: Cell<bool>,
}

impl Renewal {
    pub(super) const fn new(
        host: Host,
        commands: Rc<Commands>,
        lock: Name,
        renew: ScriptCall,
        period: Duration,
    ) -> Self {
        let (entered, is_running) = (Cell::new(0), Cell::new(false));
        Self { host, commands, lock, renew, period, entered, is_running }
    }

    /// The lock has been entered once more.
    pub(super) fn add(self: &Rc<Self>) {
        self.entered.set(self.entered.get() + 1);
        if self.entered.get() == 1 && !self.is_running.replace(true) {
            self.host.spawn(Rc::clone(self).watch());
        }
    }

    /// The lock has been left once, or is gone.
    pub(super) fn cancel(&self) {
        self.entered.set(self.entered.get().saturating_sub(1));
        if self.entered.get() == 0 {
            self.is_running.set(false);
        }
    }

    async fn watch(self: Rc<Self>) {
        loop {
            self.host.sleep(self.period).await;
            if self.entered.get() > 0 {
                self.renew().await;
            }
            if !self.is_running.get() {
                return;
            }
        }
    }

    async fn renew(&self) {
        let Ok(answer) = self.commands.eval(&self.renew, Resend::Again).await else { return };
        let is_gone = matches!(answer.reply, Reply::Array(items) if items[..] == [Reply::Int(0)]);
        if is_gone {
            let text = format!("the watchdog finds {} gone, and tells nobody", self.lock);
            self.host.note(Note::Remark { text });
            self.cancel();
        }
    }
}
