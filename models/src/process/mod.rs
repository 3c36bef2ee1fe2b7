//! Futures as machines. A recipe is `async` Rust over a [`Host`]; a [`Process`] runs such
//! futures and is a [`Machine`], so that the world knows machines only.
//!
//! ```
//! use std::time::Duration;
//! use fencepost_models::machine::NodeId;
//! use fencepost_models::message::Message;
//! use fencepost_models::process::Host;
//!
//! /// Asks a server once a second, and waits half a second at most for each answer.
//! async fn poll(host: Host, server: NodeId) {
//!     let Ok(connection) = host.connect(server).await else { return };
//!     loop {
//!         connection.send(Message::Number(1));
//!         if host.timeout(Duration::from_millis(500), connection.receive()).await.is_err() {
//!             return;
//!         }
//!         host.sleep(Duration::from_secs(1)).await;
//!     }
//! }
//! ```

mod host;
mod mailbox;
mod task;
#[cfg(test)]
pub(crate) mod testing;

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

pub use self::host::{Connection, Host, Sleep, TimedOut};
use self::mailbox::Mailbox;
use self::task::Task;
use crate::machine::{Boot, ConnectionId, Context, Input, Machine, TimerId};
use crate::time::LocalClock;

/// The one timer that a process sets, always to its earliest deadline.
const EARLIEST_DEADLINE: TimerId = TimerId(0);

/// A future of a process.
pub type BoxedFuture = Pin<Box<dyn Future<Output = ()>>>;

/// A machine made of futures. They share one [`Host`] and run one at a time. A future is polled when
/// something has come that it waits for, be it from its host or from whoever wakes it; one that is alone,
/// whatever comes, since that takes no longer than to look.
pub struct Process {
    host: Host,
    tasks: Vec<Task>,
}

impl Process {
    /// A process whose `main` is polled for the first time when the machine starts.
    pub fn new<F>(boot: Boot, main: impl FnOnce(Host) -> F) -> Self
    where
        F: Future<Output = ()> + 'static,
    {
        let host = Host::new(Mailbox::new(boot));
        let tasks = vec![Task::new(Box::pin(main(host.clone())))];
        Self { host, tasks }
    }

    /// True when every future has come to its end.
    pub fn is_finished(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Polls the futures that are due, in turn, for as long as one of them has woken another (or itself:
    /// time stands still meanwhile, so one that does nothing else never comes to an end). When one has
    /// spawned another or has ended, all are due: that may have changed what they wait for.
    fn poll_tasks(&mut self) {
        loop {
            let before = self.tasks.len();
            self.host.mailbox().keeps_waits = before > 1;
            let mut place = 0;
            while let Some(task) = self.tasks.get_mut(place) {
                if task.is_due() && task.poll(&self.host, before == 1).is_ready() {
                    drop(self.tasks.remove(place));
                } else {
                    place += 1;
                }
            }
            let has_ended = self.tasks.len() < before;
            let mut mailbox = self.host.mailbox();
            if has_ended || mailbox.has_spawned() {
                self.tasks.iter().for_each(Task::wake);
                self.tasks.extend(mailbox.take_spawned().into_iter().map(Task::new));
            }
            drop(mailbox);
            if !self.tasks.iter().any(Task::is_woken) {
                return;
            }
        }
    }
}

impl Machine for Process {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        self.host.mailbox().enter(input, context);
        match &self.tasks[..] {
            [alone] => alone.wake(),
            tasks => tasks.iter().for_each(|task| task.hear(input, context.clock.mono)),
        }
        self.poll_tasks();
        self.host.mailbox().leave(context);
    }
}

/// What stands outside a process whose futures somebody else polls.
pub trait Outside {
    /// The host's clocks at this moment.
    fn clock(&self) -> LocalClock;

    /// The number of the next connection that is opened anywhere.
    fn next_connection(&self) -> ConnectionId;

    /// The process has put something into its outbox.
    fn has_effects(&self);

    /// Runs a future of the process beside those that it has.
    fn spawn(&self, future: BoxedFuture);
}

/// The machine half of a process whose futures run elsewhere: on an executor, beside the loop.
///
/// An input only lands in the mailbox and wakes whoever waits for it. Whatever the futures have
/// asked for since is in the outbox at the next input, or at [`Hosted::collect`].
pub struct Hosted {
    host: Host,
}

impl Hosted {
    /// A mailbox for futures that run elsewhere, and the [`Host`] to give to them.
    pub fn new(boot: Boot, outside: Rc<dyn Outside>) -> (Self, Host) {
        let host = Host::new(Mailbox::new(boot).watched_from(outside));
        (Self { host: host.clone() }, host)
    }

    /// Moves what the futures have asked for into the outbox.
    pub fn collect(&mut self, context: &mut Context<'_>) {
        let (_, outbox) = context.parts();
        self.host.mailbox().collect_into(outbox);
    }
}

impl Machine for Hosted {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        let wakers = {
            let mut mailbox = self.host.mailbox();
            mailbox.accept(input, context);
            mailbox.take_wakers()
        };
        for waker in wakers {
            waker.wake();
        }
        self.collect(context);
    }
}

/// A mailbox as its process and its futures share it.
type Shared = Rc<RefCell<Mailbox>>;

#[cfg(test)]
mod tests;
