//! Calls that are made again when their connection is lost.
//!
//! Source: `ExponentialBackoffRetry`, `SleepingRetry`, `RetryPolicy`, `RetryLoop`, `RetryLoopImpl`,
//! `ThreadLocalRetryLoop`.

use std::cell::Cell;
use std::time::Duration;

use super::framework::Framework;
use crate::process::Host;
use crate::zookeeper::protocol::ErrorCode;

/// More retries than that are not made, whatever is asked for. Source: `ExponentialBackoffRetry`,
/// `MAX_RETRIES_LIMIT`.
pub const MAX_RETRIES_LIMIT: u32 = 29;
/// No wait is longer. Source: `ExponentialBackoffRetry`, `DEFAULT_MAX_SLEEP_MS`: Java's greatest `int`.
const MAX_SLEEP: Duration = Duration::from_millis(i32::MAX as u64);

/// How often a call is made again, and after how long: `ExponentialBackoffRetry`.
#[derive(Clone, Copy, Debug)]
pub(super) struct RetryPolicy {
    base: Duration,
    max_retries: u32,
}

impl RetryPolicy {
    pub(super) fn new(base: Duration, max_retries: u32) -> Self {
        Self { base, max_retries: max_retries.min(MAX_RETRIES_LIMIT) }
    }

    /// Whether a call that fails takes any time, since it is made again after a wait.
    pub(super) const fn takes_time(&self) -> bool {
        self.max_retries > 0 && !self.base.is_zero()
    }

    /// How long to wait before the next call, after so many retries; nothing when there is none. Source:
    /// `SleepingRetry.allowRetry`, `ExponentialBackoffRetry.getSleepTimeMs`.
    pub(super) fn wait(&self, host: &Host, retries: u32) -> Option<Duration> {
        (retries < self.max_retries).then(|| {
            let times = host.random(|random| random.below(1 << (retries + 1))).max(1);
            let times = u32::try_from(times).unwrap_or(u32::MAX);
            self.base.saturating_mul(times).min(MAX_SLEEP)
        })
    }
}

/// Whether a call that has failed like that may be made again. Source: `RetryPolicy.allowRetry`.
pub(super) const fn is_retryable(error: ErrorCode) -> bool {
    matches!(error, ErrorCode::ConnectionLoss | ErrorCode::SessionMoved | ErrorCode::SessionExpired)
}

/// A call, and how often it has been made. A call within a call shares the outer one's loop, as a thread's calls do.
pub(super) struct RetryLoop<'a> {
    framework: &'a Framework,
    retries: Cell<u32>,
    is_done: Cell<bool>,
    gave_up: Cell<Option<ErrorCode>>,
}

impl<'a> RetryLoop<'a> {
    pub(super) const fn new(framework: &'a Framework) -> Self {
        let (retries, is_done, gave_up) = (Cell::new(0), Cell::new(false), Cell::new(None));
        Self { framework, retries, is_done, gave_up }
    }

    /// Waits for a connection, not for ever, and calls until it is answered.
    ///
    /// `None` is Java's `null`: a call within this one has been answered, which ends the loop that they share, and
    /// then this one has failed once more. Source: `RetryLoop.callWithRetry`; `ThreadLocalRetryLoop`,
    /// `WrappedRetryLoop.markComplete`.
    pub(super) async fn call<T>(
        &self,
        mut call: impl AsyncFnMut() -> Result<T, ErrorCode>,
    ) -> Result<Option<T>, ErrorCode> {
        self.framework.block_until_connected().await;
        while !self.is_done.get() && self.gave_up.get().is_none() {
            match call().await {
                Ok(answer) => {
                    self.is_done.set(true);
                    return Ok(Some(answer));
                }
                Err(error) => self.take(error).await?,
            }
        }
        Ok(None)
    }

    /// Waits for the next call, or gives up. Source: `RetryLoopImpl.takeException`; `ThreadLocalRetryLoop`,
    /// `WrappedRetryLoop.takeException`.
    async fn take(&self, error: ErrorCode) -> Result<(), ErrorCode> {
        if let Some(first) = self.gave_up.get() {
            return Err(first);
        }
        let retries = self.retries.get();
        let host = self.framework.host();
        let wait = is_retryable(error).then(|| self.framework.policy().wait(host, retries));
        let Some(wait) = wait.flatten() else {
            self.gave_up.set(Some(error));
            return Err(error);
        };
        self.retries.set(retries + 1);
        host.sleep(wait).await;
        Ok(())
    }
}

/// A call that is made by itself. Source: `RetryLoop.callWithRetry`.
pub(super) async fn call_with_retry<T>(
    framework: &Framework,
    call: impl AsyncFnMut() -> Result<T, ErrorCode>,
) -> Result<T, ErrorCode> {
    let answer = RetryLoop::new(framework).call(call).await?;
    // A loop that nobody shares ends with an answer or with an error.
    answer.ok_or(ErrorCode::RuntimeInconsistency)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::machine::{Input, NodeId};
    use crate::process::testing::Driven;

    /// What the waits are times the base, after so many retries, in a thousand draws.
    fn waits(policy: RetryPolicy, retries: u32) -> BTreeSet<Option<Duration>> {
        let drawn = std::rc::Rc::new(std::cell::RefCell::new(BTreeSet::new()));
        let draws = std::rc::Rc::clone(&drawn);
        let mut process = Driven::new(NodeId(1), move |host| async move {
            draws.borrow_mut().extend((0..1000).map(|_| policy.wait(&host, retries)));
        });
        process.handle(Input::Started);
        let drawn = drawn.borrow().clone();
        assert!(!drawn.is_empty());
        drawn
    }

    #[test]
    fn waits_are_longer_each_time_and_come_to_an_end() {
        let policy = RetryPolicy::new(Duration::from_millis(100), 3);
        let up_to = |times: u64| (1..=times).map(|times| Some(Duration::from_millis(times * 100)));
        // Nothing below 1 is drawn, and 0 counts as 1.
        assert_eq!(waits(policy, 0), up_to(1).collect());
        assert_eq!(waits(policy, 1), up_to(3).collect());
        assert_eq!(waits(policy, 2), up_to(7).collect());
        assert_eq!(waits(policy, 3), BTreeSet::from([None]));
    }

    #[test]
    fn there_are_29_retries_at_most_and_no_wait_is_longer_than_javas_greatest_int() {
        let policy = RetryPolicy::new(Duration::from_secs(100), 1000);
        let longest = *waits(policy, 28).last().unwrap();
        assert_eq!(longest, Some(Duration::from_millis(2_147_483_647)));
        assert_eq!(waits(policy, 29), BTreeSet::from([None]));
    }
}
