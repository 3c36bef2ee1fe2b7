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
#[cfg(test)]
pub(crate) mod testing;

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as TaskContext, Wake, Waker};

pub use self::host::{Connection, Host, Sleep, TimedOut};
use self::mailbox::Mailbox;
use crate::machine::{Boot, ConnectionId, Context, Input, Machine, TimerId};
use crate::time::LocalClock;

/// The one timer that a process sets, always to its earliest deadline.
const EARLIEST_DEADLINE: TimerId = TimerId(0);

/// A future of a process.
pub type Task = Pin<Box<dyn Future<Output = ()>>>;

/// A machine made of futures. They share one [`Host`] and run one at a time.
pub struct Process {
    host: Host,
    tasks: Vec<Task>,
    woken: Arc<Woken>,
    /// The waker of all futures: it sets `woken`.
    waker: Waker,
}

/// Whether a future has been woken since it was polled. One flag for all: they are few, and each
/// is polled at every input anyway.
#[derive(Default)]
struct Woken(AtomicBool);

impl Woken {
    fn take(&self) -> bool {
        // Read first: it is hardly ever set, and a read costs nothing.
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::Relaxed)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Process {
    /// A process whose `main` is polled for the first time when the machine starts.
    pub fn new<F>(boot: Boot, main: impl FnOnce(Host) -> F) -> Self
    where
        F: Future<Output = ()> + 'static,
    {
        let host = Host::new(Mailbox::new(boot));
        let tasks: Vec<Task> = vec![Box::pin(main(host.clone()))];
        let woken = Arc::<Woken>::default();
        Self { host, tasks, waker: Waker::from(woken.clone()), woken }
    }

    /// True when every future has come to its end.
    pub fn is_finished(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Polls the futures, once more for as long as one of them has woken another (or itself: time
    /// stands still meanwhile, so one that does nothing else never comes to an end), has spawned
    /// one or has ended, which may have changed what the others wait for.
    fn poll_tasks(&mut self) {
        let mut context = TaskContext::from_waker(&self.waker);
        loop {
            let before = self.tasks.len();
            self.tasks.retain_mut(|task| task.as_mut().poll(&mut context).is_pending());
            let ended = before - self.tasks.len();
            let woken = self.woken.take();
            let spawned = self.host.mailbox().take_spawned();
            if spawned.is_empty() && (self.tasks.is_empty() || ended == 0 && !woken) {
                return;
            }
            self.tasks.extend(spawned);
        }
    }
}

impl Machine for Process {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        self.host.mailbox().enter(input, context);
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
    fn spawn(&self, task: Task);
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
