//! Redis as code written against the `redis` crate knows it: [`Connection`] is one of its
//! [`ConnectionLike`]s, on the simulated network.
//!
//! A connection stays broken once it is: whoever wants another opens one, as with the crate's own
//! `MultiplexedConnection`. A [`ConnectionManager`] does so by itself, as the crate's does. Commands, pipelines,
//! transactions and scripts go out as the crate has packed them, and answers are read by the crate's own parser. RESP2
//! is spoken, without pushes: for pub/sub use [`Node::connect`] and the messages themselves.
//!
//! ```
//! use std::time::Duration;
//! use fencepost::claim::Claims as _;
//! use fencepost::judge::ViolationKind::TwoHolders;
//! use fencepost::own::redis::ConnectionManager;
//! use fencepost::own::{Node, OwnLock, ReleaseOutcome, recipe};
//! use fencepost::scenario::{FaultKind, Scenario};
//!
//! struct Naive(Node, ConnectionManager);
//!
//! impl OwnLock for Naive {
//!     type Guard = ();
//!
//!     async fn acquire(&self) {
//!         let mut set = redis::cmd("SET");
//!         set.arg("lock:stock").arg(self.0.name()).arg("NX").arg("PX").arg(500);
//!         while set.query_async::<Option<String>>(&mut self.1.clone()).await.ok().flatten().is_none() {
//!             self.0.host().sleep(Duration::from_millis(20)).await;
//!         }
//!     }
//!
//!     async fn release(&self, (): &()) -> ReleaseOutcome {
//!         redis::cmd("DEL").arg("lock:stock").exec_async(&mut self.1.clone()).await.into()
//!     }
//! }
//!
//! let naive = Scenario::default().but(|s| {
//!     let make = async |node: Node| Naive(node.clone(), node.redis_manager("redis", Duration::from_millis(200)));
//!     s.lock = recipe("lock:stock", make).lease(Duration::from_millis(500)).into();
//! });
//! naive.under(&[FaultKind::Pause], 3).sweep(0..100).must_find(TwoHolders).shrunk_to(1);
//! ```

mod manager;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ::redis::aio::ConnectionLike;
use ::redis::{
    Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult, Value, parse_redis_value,
};
use fencepost_models::machine::CloseReason;
use fencepost_models::message::Message;
use fencepost_models::process;
use fencepost_models::redis::resp::{CommandDecoder, Reply};
use send_wrapper::SendWrapper;

pub use self::manager::ConnectionManager;
use super::{Host, Node};

/// A connection to one server. All clones share it, and answers come in the order of the questions.
///
/// The crate's traits, [`AsyncCommands`](::redis::AsyncCommands) among them, want connections that may go to another
/// thread. This one may in name: it belongs to its run's, and panics when it is used on another.
#[derive(Clone)]
pub struct Connection {
    of_thread: SendWrapper<OfThread>,
    /// How long it waits for an answer; for ever without one.
    timeout: Option<Duration>,
}

/// What never leaves its thread.
#[derive(Clone)]
struct OfThread {
    host: Host,
    shared: Rc<Shared>,
}

struct Shared {
    connection: process::Connection,
    state: RefCell<State>,
}

/// Who waits for which answer.
#[derive(Default)]
struct State {
    /// The number of the next question.
    asked: u64,
    /// The answers that are to come or have come, the one with the number `taken` in front.
    answers: VecDeque<Answer>,
    taken: u64,
    broken: Option<CloseReason>,
    waiting: Vec<Waker>,
}

#[derive(Default)]
struct Answer {
    reply: Option<Reply>,
    is_unwanted: bool,
}

impl Node {
    /// Opens a connection to the Redis of that name. Requests wait for their answers for ever: limit them with
    /// [`Connection::with_timeout`], as the crate's connections are by their `response_timeout`.
    ///
    /// # Errors
    ///
    /// There is no such node, or the connection could not be opened.
    pub async fn redis(&self, name: &str) -> RedisResult<Connection> {
        let connection = self.connect(name).await.map_err(|error| {
            RedisError::from(io::Error::new(io::ErrorKind::ConnectionRefused, error.to_string()))
        })?;
        let shared = Rc::new(Shared { connection, state: RefCell::default() });
        let of_thread = SendWrapper::new(OfThread { host: self.host().clone(), shared });
        Ok(Connection { of_thread, timeout: None })
    }
}

impl Connection {
    /// The same connection, with requests that wait for their answers for no longer than that.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Whether its host knows that it is broken: nothing can be asked on it any more.
    pub fn is_broken(&self) -> bool {
        // Whoever waits for an answer reads by itself, and must not be forgotten.
        let shared = &self.of_thread.shared;
        if shared.state.borrow().waiting.is_empty() {
            shared.read(&mut Context::from_waker(Waker::noop()));
        }
        shared.state.borrow().broken.is_some()
    }

    /// Sends packed commands, and waits for as many answers.
    async fn ask(&self, packed: Vec<u8>) -> RedisResult<Vec<Value>> {
        let OfThread { host, shared } = &*self.of_thread;
        let mut decoder = CommandDecoder::default();
        decoder.feed(&packed);
        let mut numbers = Vec::new();
        while let Some(arguments) = decoder.next_command().map_err(not_packed)? {
            shared.connection.send(Message::Redis(arguments.into()));
            numbers.push(shared.number_question());
        }
        let answers = Answers { shared, numbers };
        let Some(timeout) = self.timeout else { return answers.take().await };
        let limited = host.timeout(timeout, answers.take()).await;
        limited.unwrap_or_else(|_| Err(timed_out()))
    }
}

fn timed_out() -> RedisError {
    io::Error::from(io::ErrorKind::TimedOut).into()
}

fn not_packed(error: impl std::fmt::Display) -> RedisError {
    RedisError::from((ErrorKind::Client, "not a packed command", error.to_string()))
}

impl Shared {
    fn number_question(&self) -> u64 {
        let mut state = self.state.borrow_mut();
        state.answers.push_back(Answer::default());
        state.asked += 1;
        state.asked - 1
    }

    /// Reads what has come, whoever it is for, and wakes them.
    fn read(&self, context: &mut Context<'_>) {
        let mut has_read = false;
        while let Poll::Ready(received) = pin!(self.connection.receive()).poll(context) {
            let mut state = self.state.borrow_mut();
            has_read = true;
            match received {
                Ok(Message::RedisReply(reply)) => {
                    if let Some(answer) = state.answers.iter_mut().find(|one| one.reply.is_none()) {
                        answer.reply = Some(reply);
                    }
                }
                // Nothing else comes from a Redis.
                Ok(_) => {}
                Err(reason) => {
                    state.broken = Some(reason);
                    break;
                }
            }
        }
        // Whoever is woken for nothing wakes the others for nothing, and nobody sleeps again.
        if has_read {
            let mut state = self.state.borrow_mut();
            state.forget_unwanted();
            state.waiting.drain(..).for_each(Waker::wake);
        }
    }
}

impl State {
    /// Lets go of the answers in front that nobody waits for.
    fn forget_unwanted(&mut self) {
        while self.answers.front().is_some_and(|one| one.is_unwanted && one.reply.is_some()) {
            self.answers.pop_front();
            self.taken += 1;
        }
    }
}

/// The answers to some questions.
struct Answers<'a> {
    shared: &'a Shared,
    numbers: Vec<u64>,
}

impl Answers<'_> {
    async fn take(self) -> RedisResult<Vec<Value>> {
        poll_fn(|context| {
            self.shared.read(context);
            let mut state = self.shared.state.borrow_mut();
            let place = |state: &State, number: u64| (number - state.taken) as usize;
            let is_there = |number: &u64| state.answers[place(&state, *number)].reply.is_some();
            if !self.numbers.iter().all(is_there) {
                if let Some(reason) = state.broken {
                    return Poll::Ready(Err(broken(reason)));
                }
                if !state.waiting.iter().any(|one| one.will_wake(context.waker())) {
                    state.waiting.push(context.waker().clone());
                }
                return Poll::Pending;
            }
            let replies: Vec<Reply> = self
                .numbers
                .iter()
                .filter_map(|number| {
                    let place = place(&state, *number);
                    state.answers[place].reply.clone()
                })
                .collect();
            Poll::Ready(replies.iter().map(value).collect())
        })
        .await
    }
}

impl Drop for Answers<'_> {
    /// Nobody waits for them any more, taken or not.
    fn drop(&mut self) {
        let mut state = self.shared.state.borrow_mut();
        for number in &self.numbers {
            let place = (number - state.taken) as usize;
            state.answers[place].is_unwanted = true;
        }
        state.forget_unwanted();
    }
}

fn broken(reason: CloseReason) -> RedisError {
    let kind = match reason {
        CloseReason::Refused => io::ErrorKind::ConnectionRefused,
        CloseReason::TimedOut => io::ErrorKind::TimedOut,
        CloseReason::Reset => io::ErrorKind::ConnectionReset,
        CloseReason::ByPeer => io::ErrorKind::BrokenPipe,
    };
    io::Error::new(kind, format!("the connection was {reason}")).into()
}

/// A reply as the crate reads it from the wire.
fn value(reply: &Reply) -> RedisResult<Value> {
    let mut bytes = Vec::new();
    reply.encode(&mut bytes);
    parse_redis_value(&bytes)
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        let packed = cmd.get_packed_command();
        // It never leaves its thread; the crate's signature cannot know that.
        let asked = SendWrapper::new(async move {
            let mut answers = self.ask(packed).await?;
            answers.pop().unwrap_or_default().extract_error()
        });
        Box::pin(asked)
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        let packed = pipeline.get_packed_pipeline();
        let asked = SendWrapper::new(async move {
            let answers = self.ask(packed).await?;
            if pipeline.is_transaction() {
                // The crate's own connections say which commands were not even queued, in an error that only
                // the crate can make: here it is the first of theirs.
                for answer in &answers[..offset.min(answers.len())] {
                    answer.clone().extract_error()?;
                }
            }
            // Other errors are left in their places: the pipeline knows which of them it wants to ignore.
            Ok(answers.into_iter().skip(offset).take(count).collect())
        });
        Box::pin(asked)
    }

    fn get_db(&self) -> i64 {
        0
    }
}
