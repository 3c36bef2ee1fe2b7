//! `InterProcessMutex`: a queue of numbered nodes, of which the first holds the lock.
//!
//! Source: `InterProcessMutex`, `LockInternals`, `StandardLockInternalsDriver`.

use std::rc::Rc;

use super::create::{LOCK_NAME, Own, create_the_lock};
use super::deletes::{self, Deleted};
use super::framework::{self, Framework};
use super::retry::{RetryPolicy, call_with_retry};
use super::watch::Watch;
use super::{AFTER_EXCEPTION, CuratorSettings};
use crate::locks::zookeeper::Token;
use crate::locks::{Grant, Lock, Lost, Origin};
use crate::machine::{InputId, NodeId};
use crate::note::{Name, ReleaseOutcome};
use crate::process::Host;
use crate::zookeeper::client::ClientSettings;
use crate::zookeeper::protocol::{Answer, ErrorCode, Op, Path, Zxid};

/// A mutex, as one thread uses it, with a client of its own.
pub struct InterProcessMutex {
    settings: CuratorSettings,
    base: Path,
    framework: Framework,
    watch: Rc<Watch>,
    /// What this thread holds. Source: `InterProcessMutex.threadData`.
    held: Option<LockData>,
}

/// Source: `InterProcessMutex.LockData`.
struct LockData {
    path: Path,
    token: u64,
    /// How often the thread has entered.
    count: u32,
}

/// A node that is first in the queue.
struct First {
    own: Own,
    czxid: Zxid,
    /// What brought the list that says so.
    input: Option<InputId>,
}

impl InterProcessMutex {
    /// A mutex on the ensemble of these servers, whose client looks for one of them at once.
    pub fn new(host: Host, servers: &[NodeId], settings: CuratorSettings) -> Self {
        let framework_settings = framework::Settings {
            client: ClientSettings {
                servers: servers.to_vec(),
                session_timeout: settings.session_timeout,
            },
            connection_timeout: settings.connection_timeout,
            policy: RetryPolicy::new(settings.retry_base, settings.max_retries),
        };
        let watch = Rc::new(Watch::new(&settings));
        let listener = Rc::clone(&watch);
        let framework = Framework::start(&host, framework_settings, move |framework, state| {
            listener.state_changed(framework, state);
        });
        let base = Path::from(settings.path.to_string());
        Self { settings, base, framework, watch, held: None }
    }

    /// Queues up until it has a turn: again when its node is gone, for as long as the retry policy allows. Source:
    /// `LockInternals.attemptLock`.
    async fn attempt_lock(&self) -> Result<First, ErrorCode> {
        let mut retries = 0;
        loop {
            let own = create_the_lock(&self.framework, &self.base, self.settings.protection).await;
            let first = match own {
                Ok(own) => self.internal_lock_loop(own).await,
                Err(error) => Err(error),
            };
            let Err(ErrorCode::NoNode) = first else { return first };
            let host = self.framework.host();
            let Some(wait) = self.framework.policy().wait(host, retries) else { return first };
            retries += 1;
            host.sleep(wait).await;
        }
    }

    /// Waits for a turn; whatever goes wrong, the node is deleted. Source: `LockInternals.internalLockLoop`.
    async fn internal_lock_loop(&self, own: Option<Own>) -> Result<First, ErrorCode> {
        let Some(own) = own else {
            // It asks for the list before it looks at its `null`, and then has nothing to delete.
            self.sorted_children().await?;
            return Err(ErrorCode::BadArguments);
        };
        let queued = Queued { framework: &self.framework, path: Some(own.path.clone()) };
        let turn = self.wait_for_turn(&own).await;
        let path = queued.came_through();
        match turn {
            Ok((czxid, input)) => Ok(First { own, czxid, input }),
            Err(error) => {
                // What the deletion throws takes the first exception's place.
                deletes::guaranteed(&self.framework, &path).await?;
                Err(error)
            }
        }
    }

    /// Waits until the node is the first.
    async fn wait_for_turn(&self, own: &Own) -> Result<(Zxid, Option<InputId>), ErrorCode> {
        loop {
            let (names, input) = self.sorted_children().await?;
            let place = names.iter().position(|name| **name == *own.name());
            let place = place.ok_or(ErrorCode::NoNode)?;
            let Some(previous) = place.checked_sub(1).and_then(|place| names.get(place)) else {
                let czxid = match own.czxid {
                    Some(czxid) => czxid,
                    None => czxid_of(&self.framework, &own.path).await?,
                };
                return Ok((czxid, input));
            };
            let path = Path::from(format!("{}/{previous}", self.base));
            let watched = call_with_retry(&self.framework, async || {
                let get_data = Op::GetData { path: path.clone(), watch: true };
                self.framework.request(get_data).await.result
            });
            match watched.await {
                // What happens from now on is heard of by the watch, be it about the connection.
                Ok(_) => self.framework.event_after(self.framework.events()).await,
                // It is gone already.
                Err(ErrorCode::NoNode) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The queue, in order. Source: `LockInternals.getSortedChildren`.
    async fn sorted_children(&self) -> Result<(Vec<Path>, Option<InputId>), ErrorCode> {
        let listed = call_with_retry(&self.framework, async || {
            let path = self.base.clone();
            let list = Op::GetChildren { path, watch: false, with_stat: false };
            let reply = self.framework.request(list).await;
            match reply.result? {
                Answer::Children { names, .. } => Ok((names, reply.input)),
                _ => Err(ErrorCode::RuntimeInconsistency),
            }
        });
        match listed.await {
            Ok((mut names, input)) => {
                names.sort_by(|one, other| number(one).cmp(number(other)));
                Ok((names, input))
            }
            Err(ErrorCode::NoNode) => Ok((Vec::new(), None)),
            Err(error) => Err(error),
        }
    }

    fn token(&self, first: &First) -> u64 {
        match self.settings.token {
            Token::Czxid => first.czxid.0,
            Token::Sequence => number(first.own.name()).parse().unwrap_or(u64::MAX),
        }
    }
}

impl Lock for InterProcessMutex {
    fn name(&self) -> Option<Name> {
        Some(self.settings.path.clone())
    }

    /// Calls `acquire()` again whenever it throws.
    async fn acquire(&mut self) -> Grant {
        if let Some(held) = &mut self.held {
            held.count += 1;
            let grant = Grant::new(Some(held.token));
            return Grant { origin: Origin::Memory, reentered: true, ..grant };
        }
        let first = loop {
            match self.attempt_lock().await {
                Ok(first) => break first,
                Err(_) => self.framework.host().sleep(AFTER_EXCEPTION).await,
            }
        };
        let token = self.token(&first);
        let path = first.own.path;
        self.watch.granted(path.clone(), first.czxid);
        self.held = Some(LockData { path, token, count: 1 });
        Grant { origin: Origin::Message(first.input), ..Grant::new(Some(token)) }
    }

    async fn release(&mut self, _grant: Grant) -> ReleaseOutcome {
        // An `IllegalMonitorStateException`.
        let Some(held) = &mut self.held else { return ReleaseOutcome::NotHeld };
        held.count -= 1;
        if held.count > 0 {
            return ReleaseOutcome::Removed;
        }
        let path = held.path.clone();
        self.held = None;
        self.watch.given_back();
        match deletes::guaranteed(&self.framework, &path).await {
            Ok(Deleted::Now) => ReleaseOutcome::Removed,
            Ok(Deleted::Before) => ReleaseOutcome::NotHeld,
            Ok(Deleted::Sometime) | Err(_) => ReleaseOutcome::Unknown,
        }
    }

    fn lost(&self) -> Lost {
        self.watch.lost()
    }
}

/// The transaction that created a node.
pub(super) async fn czxid_of(framework: &Framework, path: &Path) -> Result<Zxid, ErrorCode> {
    call_with_retry(framework, async || {
        let exists = Op::Exists { path: path.clone(), watch: false };
        match framework.request(exists).await.result? {
            Answer::Stat(stat) => Ok(stat.czxid),
            _ => Err(ErrorCode::RuntimeInconsistency),
        }
    })
    .await
}

/// What a name is sorted by: all that stands behind the lock's. Source:
/// `StandardLockInternalsDriver.standardFixForSorting`.
fn number(name: &str) -> &str {
    name.rsplit_once(LOCK_NAME).map_or(name, |(_, number)| number)
}

/// A node in the queue. Who stops waiting for its turn, as an interrupted thread does, leaves it to be deleted.
/// Source: `LockInternals.internalLockLoop`; `DeleteBuilderImpl.pathInForeground`, `InterruptedException`.
struct Queued<'a> {
    framework: &'a Framework,
    path: Option<Path>,
}

impl Queued<'_> {
    fn came_through(mut self) -> Path {
        self.path.take().unwrap_or_else(|| Path::from(""))
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            deletes::in_background(self.framework, path);
        }
    }
}
