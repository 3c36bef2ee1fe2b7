//! A connection that opens another when it is broken.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use ::redis::aio::ConnectionLike;
use ::redis::{Cmd, Pipeline, RedisFuture, RedisResult, Value};
use send_wrapper::SendWrapper;

use super::{Connection, Node, timed_out};

/// A connection to one server that opens another when it is broken, as the crate's `ConnectionManager` does: the
/// requests that were under way fail, and the next one connects anew. It tries once for each request; how often and
/// after which waits, the lock decides. All clones share it.
///
/// A request that takes too long fails, and leaves the connection as it is.
#[derive(Clone)]
pub struct ConnectionManager {
    of_thread: SendWrapper<OfThread>,
    timeout: Duration,
}

/// What never leaves its thread.
#[derive(Clone)]
struct OfThread {
    node: Node,
    server: Rc<str>,
    connection: Rc<RefCell<Option<Connection>>>,
}

impl Node {
    /// A connection to the Redis of that name that is opened when it is first used, and again when it is broken.
    /// Connecting, and each request, may take no longer than `timeout`.
    pub fn redis_manager(&self, server: &str, timeout: Duration) -> ConnectionManager {
        let (server, connection) = (Rc::from(server), Rc::default());
        let of_thread = SendWrapper::new(OfThread { node: self.clone(), server, connection });
        ConnectionManager { of_thread, timeout }
    }
}

impl ConnectionManager {
    /// The connection that there is, or another.
    async fn current(&self) -> RedisResult<Connection> {
        let OfThread { node, server, connection } = &*self.of_thread;
        let current = connection.borrow().clone();
        if let Some(current) = current.filter(|connection| !connection.is_broken()) {
            return Ok(current);
        }
        let opening = node.redis(server);
        let opened = node.host().timeout(self.timeout, opening).await;
        let opened = opened.unwrap_or_else(|_| Err(timed_out()))?.with_timeout(self.timeout);
        *connection.borrow_mut() = Some(opened.clone());
        Ok(opened)
    }
}

impl ConnectionLike for ConnectionManager {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        // It never leaves its thread; the crate's signature cannot know that.
        Box::pin(SendWrapper::new(
            async move { self.current().await?.req_packed_command(cmd).await },
        ))
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(SendWrapper::new(async move {
            self.current().await?.req_packed_commands(pipeline, offset, count).await
        }))
    }

    fn get_db(&self) -> i64 {
        0
    }
}
