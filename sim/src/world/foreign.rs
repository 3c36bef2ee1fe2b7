//! Foreign tasks: a user's own async code, which sleeps with `madsim::time::sleep` and spawns with
//! `madsim::task::spawn`, on madsim's executor beside the loop.
//!
//! The loop keeps madsim's clock at its own time. While it handles events it advances that clock
//! itself; with foreign tasks about, it *sleeps* until the next event instead, so that madsim
//! wakes the tasks whose timers come first. madsim lets every poll of a task take 50 to 100 ns, so
//! the two clocks agree to within the polls that lie between two events of the world.
//!
//! What the loop has woken runs before the next event of the world, even one of the same instant:
//! madsim picks the next task at random, so the loop waits a turn of 1 µs on madsim's clock, which
//! is not over before ten polls if any task is ready. A chain of more than ten polls (a task that
//! wakes another that wakes another…) may be overtaken by an event of the same instant.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use fencepost_models::machine::{Boot, ConnectionId, Context, Input, Machine, NodeId};
use fencepost_models::process::{BoxedFuture, Host, Hosted, Outside};
use fencepost_models::time::LocalClock;
use madsim::runtime::{Handle, NodeHandle};
use madsim::task::NodeId as MadsimNodeId;
use madsim::time::TimeHandle;
use send_wrapper::SendWrapper;

use super::clock::NodeClock;
use super::history::RecordId;
use super::time::SimTime;

/// A future of a user's process.
type ForeignTask = Pin<Box<dyn Future<Output = ()>>>;

/// Makes the main future of a foreign process, at its first start and at each restart.
pub type ForeignSpawn = Box<dyn FnMut(Host) -> ForeignTask>;

/// A process on madsim's executor.
pub struct ForeignBody {
    spawn: ForeignSpawn,
    name: String,
    madsim_node: Option<MadsimNodeId>,
    hosted: Option<Rc<RefCell<Hosted>>>,
}

impl ForeignBody {
    pub fn new(name: String, spawn: ForeignSpawn) -> Self {
        Self { spawn, name, madsim_node: None, hosted: None }
    }

    /// Starts the process on a madsim node of its own; returns its machine half.
    pub fn start(
        &mut self,
        boot: Boot,
        clock: Rc<Cell<NodeClock>>,
        gate: Rc<Gate>,
    ) -> Rc<RefCell<Hosted>> {
        let watcher = Rc::new(Watcher { clock, gate });
        let (hosted, host) = Hosted::new(boot, watcher);
        let hosted = Rc::new(RefCell::new(hosted));
        self.hosted = Some(hosted.clone());
        let task = (self.spawn)(host);
        // It never leaves this thread; madsim's signature cannot know that.
        self.madsim_node().spawn(SendWrapper::new(task));
        hosted
    }

    /// The machine half of the running process.
    pub fn hosted(&self) -> Option<&Rc<RefCell<Hosted>>> {
        self.hosted.as_ref()
    }

    /// The tasks get no turn until [`ForeignBody::resume`].
    pub fn pause(&self) {
        if let Some(node) = self.madsim_node {
            Handle::current().pause(node);
        }
    }

    /// The tasks go on.
    pub fn resume(&self) {
        if let Some(node) = self.madsim_node {
            Handle::current().resume(node);
        }
    }

    /// All tasks are dropped.
    pub fn kill(&mut self) {
        self.hosted = None;
        if let Some(node) = self.madsim_node {
            Handle::current().kill(node);
        }
    }

    fn madsim_node(&mut self) -> NodeHandle {
        let handle = Handle::current();
        if let Some(id) = self.madsim_node {
            handle.restart(id);
            if let Some(node) = handle.get_node(id) {
                return node;
            }
        }
        let node = handle.create_node().name(&self.name).build();
        self.madsim_node = Some(node.id());
        node
    }
}

/// How long the tasks that the loop has woken have madsim's executor to themselves: ten polls of at
/// most 100 ns (madsim 0.2, `sim/task/mod.rs`, `run_all_ready`).
const TURN: Duration = Duration::from_micros(1);

/// Between the loop and the foreign tasks: who wants the loop's attention, and the counter of
/// connections that both draw from.
#[derive(Default)]
pub struct Gate {
    knocked: Cell<bool>,
    loop_waker: RefCell<Option<Waker>>,
    /// The processes whose tasks the loop has woken and that have yet to have their turn, with the
    /// record of what woke them.
    woken: RefCell<BTreeMap<NodeId, RecordId>>,
    pub next_connection: Cell<u32>,
}

impl Gate {
    fn knock(&self) {
        self.knocked.set(true);
        if let Some(waker) = self.loop_waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// The loop has woken a process's tasks, and this is why.
    pub fn has_woken(&self, node: NodeId, by: RecordId) {
        self.woken.borrow_mut().insert(node, by);
    }

    /// What woke the tasks that run now, if the loop did.
    pub fn woken_by(&self, node: NodeId) -> Option<RecordId> {
        self.woken.borrow().get(&node).copied()
    }

    /// Lets the tasks run until the moment comes, but those that the loop has woken at least for
    /// their turn, or until one of them wants something of the world. True in the last case.
    pub async fn wait_until(&self, at: SimTime) -> bool {
        if !self.woken.borrow().is_empty() {
            let turn = SimTime::after(TimeHandle::current().elapsed() + TURN);
            if self.sleep_until(turn).await {
                return true;
            }
            self.woken.borrow_mut().clear();
        }
        self.sleep_until(at).await
    }

    async fn sleep_until(&self, at: SimTime) -> bool {
        let time = TimeHandle::current();
        let start = time.now_instant() - time.elapsed();
        // `sleep` itself never waits for less than a millisecond; a reset deadline is exact.
        let mut sleep = Box::pin(time.sleep(Duration::ZERO));
        sleep.as_mut().reset(start + at.elapsed());
        let mut has_yielded = false;
        poll_fn(|context| {
            if self.knocked.take() {
                return Poll::Ready(true);
            }
            *self.loop_waker.borrow_mut() = Some(context.waker().clone());
            if !has_yielded {
                // Who is late already lets the tasks in between.
                has_yielded = true;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            sleep.as_mut().poll(context).map(|()| false)
        })
        .await
    }
}

/// What one foreign process sees of the world.
struct Watcher {
    clock: Rc<Cell<NodeClock>>,
    gate: Rc<Gate>,
}

impl Outside for Watcher {
    fn clock(&self) -> LocalClock {
        let elapsed = TimeHandle::current().elapsed();
        self.clock.get().read(SimTime::after(elapsed))
    }

    fn next_connection(&self) -> ConnectionId {
        let number = self.gate.next_connection.get();
        self.gate.next_connection.set(number + 1);
        ConnectionId(number)
    }

    fn has_effects(&self) {
        self.gate.knock();
    }

    fn spawn(&self, task: BoxedFuture) {
        // The process's own task asks for it, so it is one of the same madsim node, and ends with it.
        madsim::task::spawn_local(task);
    }
}

/// The machine half of a foreign process, as the loop runs it.
pub struct Shared(pub Rc<RefCell<Hosted>>);

impl Machine for Shared {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        self.0.borrow_mut().handle(input, context);
    }
}
