//! What a future of a process can ask of its host.

use std::cell::{RefCell, RefMut};
use std::future::{Future, poll_fn};
use std::ops::RangeInclusive;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use super::Shared;
use super::mailbox::{Mailbox, Stage};
use super::task::Wait;
use crate::machine::{CloseReason, ConnectionId, Effect, InputId, NodeId};
use crate::message::Message;
use crate::note::Note;
use crate::random::Random;
use crate::time::{Mono, Wall};

/// A process's handle to the host it runs on: its clocks, sockets and randomness. Cheap to clone.
#[derive(Clone)]
pub struct Host {
    shared: Shared,
    /// The thread that this handle was given to.
    thread: u32,
}

/// A wait came to its end before what was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("timed out")]
pub struct TimedOut;

impl Host {
    pub(super) fn new(mailbox: Mailbox) -> Self {
        Self { shared: Rc::new(RefCell::new(mailbox)), thread: 0 }
    }

    pub(super) fn mailbox(&self) -> RefMut<'_, Mailbox> {
        self.shared.borrow_mut()
    }

    /// The node that this process runs on.
    pub fn node(&self) -> NodeId {
        self.mailbox().node
    }

    /// How often the process has been restarted.
    pub fn incarnation(&self) -> u32 {
        self.mailbox().incarnation
    }

    /// The thread of the process that this handle belongs to: 0 for the process's `main`, and
    /// for whatever it spawns; 1, 2, … for those that [`Host::spawn_thread`] has started.
    pub const fn thread(&self) -> u32 {
        self.thread
    }

    /// The host's wall clock.
    pub fn wall(&self) -> Wall {
        self.mailbox().local_clock().wall
    }

    /// The host's monotonic clock.
    pub fn mono(&self) -> Mono {
        self.mailbox().local_clock().mono
    }

    /// Draws from the process's own stream of random numbers. While it does, nothing else of the host may be asked.
    pub fn random<T>(&self, draw: impl FnOnce(&mut Random) -> T) -> T {
        draw(&mut self.mailbox().random)
    }

    /// Writes something down for the judge and the reader.
    #[inline]
    pub fn note(&self, note: Note) {
        self.mailbox().effect(Effect::Note(note));
    }

    /// Runs a future beside this one, in the same process. It is polled when something comes from this
    /// host that it waits for, and when it is woken: futures that share something wake each other when they
    /// have changed it. One that waits for nothing here, and has left its waker with nobody, is polled
    /// whatever comes.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.mailbox().spawn(Box::pin(task));
    }

    /// Starts a thread of the process: a future beside this one that is somebody of its own, for a
    /// lock as for the judge. What [`Host::spawn`] starts acts on behalf of who spawned it.
    pub fn spawn_thread<F: Future<Output = ()> + 'static>(&self, main: impl FnOnce(Self) -> F) {
        let thread = self.mailbox().number_thread();
        let host = Self { shared: Rc::clone(&self.shared), thread };
        self.spawn(main(host));
    }

    /// Waits on the host's monotonic clock.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        let deadline = self.mono() + duration;
        Sleep { host: self.clone(), deadline, registered: false }
    }

    /// Waits for a random time: the work that code does between two requests. Without it no
    /// pause could fall between a check and the act that the check guards.
    pub fn work(&self, range: RangeInclusive<Duration>) -> Sleep {
        let duration = self.random(|random| random.duration(range));
        self.sleep(duration)
    }

    /// Waits for a future, but no longer than `limit`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] when the limit was reached first; the future is dropped then.
    pub async fn timeout<F: Future>(
        &self,
        limit: Duration,
        future: F,
    ) -> Result<F::Output, TimedOut> {
        let mut future = pin!(future);
        let mut limit = self.sleep(limit);
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            Pin::new(&mut limit).poll(context).map(|()| Err(TimedOut))
        })
        .await
    }

    /// Waits for a future and finds the message that brought its result about: the last that it
    /// took itself; where it took none, the last that the process took meanwhile, for a future of
    /// its own may read for all the others.
    pub(crate) async fn traced<F: Future>(&self, future: F) -> (F::Output, Option<InputId>) {
        let mut future = pin!(future);
        let before = self.mailbox().taken;
        let mut own = None;
        let output = poll_fn(|context| {
            let others = self.mailbox().taken.take();
            let poll = future.as_mut().poll(context);
            let mut mailbox = self.mailbox();
            own = mailbox.taken.or(own);
            mailbox.taken = mailbox.taken.or(others);
            poll
        })
        .await;
        let meanwhile = self.mailbox().taken.filter(|taken| Some(*taken) != before);
        (output, own.or(meanwhile))
    }

    /// The input that brought the message which the process took last.
    pub(crate) fn last_taken(&self) -> Option<InputId> {
        self.mailbox().taken
    }

    /// Goes on with a future until `is_over` says so, which is asked again whatever comes: nobody wakes who
    /// waits for it. `None` then.
    pub(crate) async fn unless<F: Future>(
        &self,
        is_over: impl Fn() -> bool,
        future: F,
    ) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|context| {
            if is_over() {
                return Poll::Ready(None);
            }
            self.mailbox().wait(Wait::Anything, context.waker());
            future.as_mut().poll(context).map(Some)
        })
        .await
    }

    /// The number of the process's next hold of a lock.
    pub(crate) fn number_hold(&self) -> u32 {
        self.mailbox().number_hold()
    }

    /// Opens a connection. Waits as long as the kernel does: limit it with [`Host::timeout`].
    ///
    /// # Errors
    ///
    /// Why the connection could not be opened.
    pub async fn connect(&self, peer: NodeId) -> Result<Connection, CloseReason> {
        let id = self.mailbox().connect(peer);
        let connection = Connection { host: self.clone(), id };
        poll_fn(|context| {
            let mut mailbox = connection.host.mailbox();
            let stage = mailbox.socket(id).map(|socket| socket.stage);
            match stage {
                Some(Stage::Opening) => {
                    mailbox.wait(Wait::Connection(id), context.waker());
                    Poll::Pending
                }
                Some(Stage::Open) => Poll::Ready(Ok(())),
                Some(Stage::Closed(reason)) => Poll::Ready(Err(reason)),
                None => Poll::Ready(Err(CloseReason::Reset)),
            }
        })
        .await?;
        Ok(connection)
    }

    /// Waits until a peer opens a connection to this node.
    pub async fn accept(&self) -> (Connection, NodeId) {
        poll_fn(|context| {
            let mut mailbox = self.mailbox();
            match mailbox.accepted.pop_front() {
                Some((id, peer)) => Poll::Ready((Connection { host: self.clone(), id }, peer)),
                None => {
                    mailbox.wait(Wait::Anything, context.waker());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

/// An open connection; dropping it closes it.
pub struct Connection {
    host: Host,
    id: ConnectionId,
}

impl Connection {
    /// The connection's number, the same on both sides.
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    /// Writes a message. That says nothing about whether it will arrive.
    #[inline]
    pub fn send(&self, message: Message) {
        self.host.mailbox().effect(Effect::Send { connection: self.id, message });
    }

    /// Waits for the next message.
    ///
    /// # Errors
    ///
    /// Why the connection is gone, once all that had arrived before has been taken.
    pub fn receive(&self) -> impl Future<Output = Result<Message, CloseReason>> {
        poll_fn(|context| {
            let mut mailbox = self.host.mailbox();
            if let Some(message) = mailbox.take(self.id) {
                return Poll::Ready(Ok(message));
            }
            let Some(socket) = mailbox.socket(self.id) else {
                return Poll::Ready(Err(CloseReason::Reset));
            };
            if let Stage::Closed(reason) = socket.stage {
                return Poll::Ready(Err(reason));
            }
            mailbox.wait(Wait::Connection(self.id), context.waker());
            Poll::Pending
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.host.mailbox().close(self.id);
    }
}

/// A wait on the host's monotonic clock; made by [`Host::sleep`].
#[must_use = "a sleep does nothing until it is awaited"]
pub struct Sleep {
    host: Host,
    deadline: Mono,
    registered: bool,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<()> {
        let Self { host, deadline, registered } = &mut *self;
        let mut mailbox = host.mailbox();
        if mailbox.local_clock().mono >= *deadline {
            return Poll::Ready(());
        }
        if !*registered {
            *registered = true;
            mailbox.add_deadline(*deadline);
        }
        mailbox.wait(Wait::Until(*deadline), context.waker());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if self.registered {
            self.host.mailbox().remove_deadline(self.deadline);
        }
    }
}
