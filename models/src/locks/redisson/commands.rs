//! How Redisson has a script carried out: on a connection of its pool, with retries, and with replicas that
//! have to acknowledge it.
//!
//! * **Nothing could be sent** (no connection), or the server has refused for now (`LOADING`,
//!   `READONLY`, `CLUSTERDOWN`, …): it is tried again, [`RETRY_ATTEMPTS`] times, with a wait before each.
//! * **No answer to what was sent**: on a single server a lock and an unlock fail then, since a second one
//!   would count twice (`evalWriteNoRetryAsync`). A renewal is sent again.
//! * **With replicas** every script travels in a batch with a `WAIT`, and a batch is sent again whatever
//!   is in it: a lock whose answer was lost is then entered twice, and has to be left twice.
//!   (`syncedEval` makes a `CommandBatchService`, which hands its batch on with `noRetry = false`.)
//!   The `WAIT` asks for as many replicas as the master had when it was last asked (`INFO`).
//!
//! Here script and `WAIT` go one after the other over one connection, not in one write, and `INFO` is
//! asked for after the first script, not before it.
//!
//! Source: `RedisExecutor` (`scheduleResponseTimeout`, `scheduleRetryTimeout`, `checkAttemptPromise`),
//! `CommandAsyncService.syncedEval`, `CommandBatchService.executeAsync`, `RedisCommonBatchExecutor`.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use bytes::Bytes;

use super::RedissonSettings;
use crate::machine::{InputId, NodeId};
use crate::process::Host;
use crate::redis::client::{
    Address, CallError, Client, ClientSettings, Discovery, PubSub, ScriptCall,
};
use crate::redis::resp::Reply;

/// How often a command is tried again. Source: `BaseConfig.retryAttempts = 4`.
pub(super) const RETRY_ATTEMPTS: u32 = 4;

/// The least and the most that Redisson waits between two attempts, before it draws. Source:
/// `BaseConfig.retryDelay = new EqualJitterDelay(Duration.ofMillis(1000), Duration.ofSeconds(2))`.
const RETRY_DELAY_MS: (u64, u64) = (1_000, 2_000);

/// Why a method of a lock throws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// There was no connection, or the server refused: nothing was done.
    NotDone,
    /// What was sent got no answer: `RedisResponseTimeoutException`.
    NoAnswer,
    /// The server answered with an error.
    Error,
    /// It was done, and no replica has it: `NoSyncedSlavesException`.
    NoSyncedSlaves,
    /// No subscription was to be had in time.
    NoSubscription,
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NotConnected | CallError::Refused => Self::NotDone,
            CallError::TimedOut | CallError::Closed(_) => Self::NoAnswer,
        }
    }
}

/// Whether a script is sent again when it got no answer, on a single server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resend {
    Never,
    Again,
}

/// What a script has answered.
pub(super) struct Answer {
    pub reply: Reply,
    /// The input that brought it.
    pub brought_by: Option<InputId>,
}

/// The connections of one Redisson object.
pub(super) struct Commands {
    host: Host,
    settings: RedissonSettings,
    has_replicas: bool,
    /// Sharded channels are used where there are shards. Source:
    /// `PublishSubscribeService.getPublishCommand`.
    pub pub_sub: PubSub,
    /// The clients without a command under way. Redisson opens many connections at the start, and takes
    /// the one that has been idle for longest; here it is the one that was used last.
    idle: RefCell<Vec<Client>>,
    first: Client,
    /// How many replicas the master has, if that is known.
    replicas: Cell<Option<i64>>,
}

impl Commands {
    pub(super) fn new(host: Host, address: Address, settings: RedissonSettings) -> Self {
        let (has_replicas, pub_sub) = match &address {
            Address::Server(_) => (false, PubSub::Plain),
            Address::Sentinels { .. } => (true, PubSub::Plain),
            Address::Cluster { .. } => (true, PubSub::Sharded),
        };
        let client = ClientSettings {
            timeout: settings.timeout,
            discovery: Discovery::Scanning,
            checks_role: false,
        };
        Self {
            first: Client::new(host.clone(), address, client),
            idle: RefCell::default(),
            replicas: Cell::new(None),
            host,
            settings,
            has_replicas,
            pub_sub,
        }
    }

    /// Has a script carried out.
    pub(super) async fn eval(&self, call: &ScriptCall, resend: Resend) -> Result<Answer, Failure> {
        let may_resend = self.has_replicas || resend == Resend::Again;
        let mut attempt = 0;
        loop {
            let error = match self.on_some_connection(call).await {
                Ok(answer) => return answer,
                Err(error) => error,
            };
            let failure = Failure::from(error);
            if attempt == RETRY_ATTEMPTS || failure == Failure::NoAnswer && !may_resend {
                return Err(failure);
            }
            self.host.sleep(self.retry_delay(attempt)).await;
            attempt += 1;
        }
    }

    /// Sends a command and does not look at what comes of it.
    pub(super) async fn tell(&self, command: &[Bytes]) {
        let mut client = self.take();
        // Whoever is told waits for nothing.
        let _ = client.call(command.into()).await;
        self.put(client);
    }

    /// The server that has the key just now, for a connection of somebody else's.
    pub(super) async fn home(&self, key: &[u8]) -> Result<NodeId, CallError> {
        let mut client = self.take();
        let home = client.home(key).await;
        self.put(client);
        home
    }

    /// The master that Sentinels have named last.
    pub(super) fn heard(&self) -> Option<NodeId> {
        self.first.heard()
    }

    /// A server is not what it was: it is asked for anew by all.
    pub(super) fn forget(&self) {
        self.idle.borrow_mut().iter_mut().for_each(Client::forget_slots);
    }

    /// How long Redisson waits before the next attempt.
    pub(super) fn retry_delay(&self, attempt: u32) -> Duration {
        equal_jitter(&self.host, RETRY_DELAY_MS, attempt)
    }

    async fn on_some_connection(
        &self,
        call: &ScriptCall,
    ) -> Result<Result<Answer, Failure>, CallError> {
        let mut client = self.take();
        let answer = self.on(&mut client, call).await;
        self.put(client);
        answer
    }

    async fn on(
        &self,
        client: &mut Client,
        call: &ScriptCall,
    ) -> Result<Result<Answer, Failure>, CallError> {
        let reply = client.run(call).await?;
        let brought_by = self.host.last_taken();
        match &reply {
            Reply::Error(text) if is_for_now(text) => return Err(CallError::Refused),
            Reply::Error(_) => return Ok(Err(Failure::Error)),
            _ => {}
        }
        if self.has_replicas && !self.is_synced(client).await? {
            return Ok(Err(Failure::NoSyncedSlaves));
        }
        Ok(Ok(Answer { reply, brought_by }))
    }

    /// Waits until all replicas have what was done, but not for too long; false when none has it, and that
    /// matters.
    async fn is_synced(&self, client: &mut Client) -> Result<bool, CallError> {
        let replicas = match self.replicas.get() {
            Some(replicas) => replicas,
            None => connected_replicas(client).await?,
        };
        self.replicas.set(Some(replicas));
        if replicas == 0 {
            return Ok(true);
        }
        let timeout_ms = self.settings.slaves_sync_timeout.as_millis().to_string();
        let wait = ["WAIT".to_owned(), replicas.to_string(), timeout_ms].map(Bytes::from);
        let synced = match client.call_on_same(wait.into()).await? {
            Reply::Int(synced) => synced,
            _ => 0,
        };
        if synced != replicas {
            self.replicas.set(None);
        }
        Ok(synced > 0 || !self.settings.check_synced_slaves)
    }

    fn take(&self) -> Client {
        self.idle.borrow_mut().pop().unwrap_or_else(|| self.first.sibling())
    }

    fn put(&self, client: Client) {
        self.idle.borrow_mut().push(client);
    }
}

/// How many replicas the server says that it has.
async fn connected_replicas(client: &mut Client) -> Result<i64, CallError> {
    let info = ["INFO", "ALL"].map(|word| Bytes::from_static(word.as_bytes()));
    let Reply::Bulk(text) = client.call_on_same(info.into()).await? else { return Ok(0) };
    let text = std::str::from_utf8(&text).unwrap_or_default();
    let number = text.lines().find_map(|line| line.strip_prefix("connected_slaves:"));
    Ok(number.and_then(|number| number.trim().parse().ok()).unwrap_or(0))
}

/// Whether an error is one after which Redisson tries again. Source: the subclasses of
/// `RedisRetryException`, and `RedisReadonlyException`.
fn is_for_now(error: &[u8]) -> bool {
    const CODES: [&[u8]; 7] = [
        b"LOADING",
        b"READONLY",
        b"MASTERDOWN",
        b"CLUSTERDOWN",
        b"TRYAGAIN",
        b"BUSY",
        b"NOREPLICAS",
    ];
    CODES.iter().any(|code| error.starts_with(code))
}

/// Half of a delay that doubles with each attempt up to the most, and up to as much again at random. Source:
/// `EqualJitterDelay.calcDelay`.
pub(super) fn equal_jitter(host: &Host, (base_ms, most_ms): (u64, u64), attempt: u32) -> Duration {
    let doubled = base_ms.saturating_mul(1_u64.checked_shl(attempt).unwrap_or(u64::MAX));
    let half = doubled.min(most_ms) / 2;
    Duration::from_millis(half + host.random(|random| random.range(0..=half)))
}
