//! The nodes of a RedLock: each has a client with a connection of its own, and is asked one thing after the
//! other, in order. Their answers are votes.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use bytes::Bytes;

use super::settings::{AskNodes, RedlockSettings, WaitFor};
use crate::machine::{InputId, NodeId};
use crate::process::Host;
use crate::redis::client::{
    CallError, Client, ClientSettings, Discovery, ScriptCall, unless_refused,
};
use crate::redis::resp::Reply;

/// What every node is asked.
#[derive(Clone)]
pub(super) enum Question {
    Command(Arc<[Bytes]>),
    Script(ScriptCall),
}

/// The nodes, as one client knows them.
pub(super) struct Nodes {
    desks: Vec<Rc<Desk>>,
    ask: AskNodes,
    wait: WaitFor,
}

/// What lies before a node's client: it takes one thing after the other.
#[derive(Default)]
struct Desk {
    jobs: RefCell<VecDeque<(Question, Rc<Ballot>)>>,
    waker: Cell<Option<Waker>>,
}

/// What came of a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Votes {
    /// How many nodes there are.
    nodes: usize,
    /// How many have done what they were asked.
    yes: usize,
    /// How many have answered that they have not.
    no: usize,
    /// How many have given no answer, or an error.
    lost: usize,
    /// What brought the answer that made a majority for it complete.
    pub(super) decided_by: Option<InputId>,
}

impl Votes {
    const fn quorum(&self) -> usize {
        self.nodes / 2 + 1
    }

    /// A majority has done it.
    pub(super) const fn are_for(&self) -> bool {
        self.yes >= self.quorum()
    }

    /// So many have answered no that there can be no majority.
    pub(super) const fn are_against(&self) -> bool {
        self.nodes - self.no < self.quorum()
    }

    /// So many have not done it, whatever they said, that there will be no majority.
    const fn have_failed(&self) -> bool {
        self.nodes - self.no - self.lost < self.quorum()
    }

    const fn are_complete(&self) -> bool {
        self.yes + self.no + self.lost == self.nodes
    }
}

/// The votes on one question, as they come in.
struct Ballot {
    votes: Cell<Votes>,
    waker: Cell<Option<Waker>>,
}

impl Ballot {
    fn of(nodes: usize) -> Self {
        let votes = Votes { nodes, ..Votes::default() };
        Self { votes: Cell::new(votes), waker: Cell::new(None) }
    }

    fn cast(&self, answer: &Result<Reply, CallError>, brought_by: Option<InputId>) {
        let mut votes = self.votes.get();
        match answer {
            Ok(Reply::Status(_) | Reply::Int(1)) => {
                votes.yes += 1;
                if votes.yes == votes.quorum() {
                    votes.decided_by = brought_by;
                }
            }
            Ok(_) => votes.no += 1,
            Err(_) => votes.lost += 1,
        }
        self.votes.set(votes);
        wake(&self.waker);
    }

    /// Waits until the votes are as they are wanted.
    async fn until(&self, is_enough: impl Fn(&Votes) -> bool) -> Votes {
        poll_fn(|context| {
            let votes = self.votes.get();
            if is_enough(&votes) {
                return Poll::Ready(votes);
            }
            self.waker.set(Some(context.waker().clone()));
            Poll::Pending
        })
        .await
    }
}

impl Nodes {
    pub(super) fn new(host: &Host, servers: &[NodeId], settings: &RedlockSettings) -> Self {
        let desk = |server: &NodeId| {
            let timeout = settings.timeout;
            let client =
                ClientSettings { timeout, discovery: Discovery::OnConnect, checks_role: false };
            let client = Client::new(host.clone(), (*server).into(), client);
            let desk = Rc::<Desk>::default();
            host.spawn(serve(host.clone(), client, timeout, Rc::clone(&desk)));
            desk
        };
        let desks = servers.iter().map(desk).collect();
        Self { desks, ask: settings.ask, wait: settings.wait }
    }

    /// Asks every node the same.
    pub(super) async fn ask(&self, question: &Question) -> Votes {
        let ballot = Rc::new(Ballot::of(self.desks.len()));
        match self.ask {
            AskNodes::InParallel => {
                for desk in &self.desks {
                    desk.put(question.clone(), &ballot);
                }
            }
            AskNodes::InTurn => {
                for (place, desk) in self.desks.iter().enumerate() {
                    desk.put(question.clone(), &ballot);
                    ballot.until(|votes| votes.yes + votes.no + votes.lost > place).await;
                }
            }
        }
        let is_enough: fn(&Votes) -> bool = match self.wait {
            WaitFor::All => |votes| votes.are_complete(),
            WaitFor::Majority => |votes| votes.are_for() || votes.have_failed(),
        };
        ballot.until(is_enough).await
    }
}

impl Drop for Nodes {
    /// Those who serve the desks see that nobody is left.
    fn drop(&mut self) {
        self.desks.iter().for_each(|desk| wake(&desk.waker));
    }
}

impl Desk {
    fn put(&self, question: Question, ballot: &Rc<Ballot>) {
        self.jobs.borrow_mut().push_back((question, Rc::clone(ballot)));
        wake(&self.waker);
    }

    /// The next thing to ask; `None` when nobody is left who could want anything.
    async fn next(self: &Rc<Self>) -> Option<(Question, Rc<Ballot>)> {
        poll_fn(|context| {
            let job = self.jobs.borrow_mut().pop_front();
            if job.is_some() || Rc::strong_count(self) == 1 {
                return Poll::Ready(job);
            }
            self.waker.set(Some(context.waker().clone()));
            Poll::Pending
        })
        .await
    }
}

/// Asks one node whatever it is to be asked. What has no answer in time is given up with its connection:
/// whether the node has done it nobody knows.
async fn serve(host: Host, mut client: Client, timeout: Duration, desk: Rc<Desk>) {
    while let Some((question, ballot)) = desk.next().await {
        // Pinned here: it is large, and would be moved at each step on its way to where it is polled.
        let asking = pin!(async {
            match question {
                Question::Command(words) => client.call(words).await,
                Question::Script(call) => client.run(&call).await,
            }
        });
        let answer = host.timeout(timeout, asking).await;
        let answer = answer.map_err(CallError::from).flatten();
        ballot.cast(&unless_refused(answer), host.last_taken());
    }
}

pub(super) fn wake(waker: &Cell<Option<Waker>>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
