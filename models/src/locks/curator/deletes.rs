//! What is deleted however long it takes.
//!
//! Source: `DeleteBuilderImpl`, `FailedDeleteManager`, `FailedOperationManager`,
//! `FindAndDeleteProtectedNodeInBackground`; `CuratorFrameworkImpl`, `performBackgroundOperation`,
//! `processBackgroundOperation`, `checkBackgroundRetry`.

use std::time::Duration;

use super::framework::Framework;
use super::retry::{RetryLoop, is_retryable};
use crate::time::Wall;
use crate::zookeeper::protocol::{Answer, ErrorCode, Op, Path};

/// An operation in the background that has no connection is put off for so long, or until there is one. Source:
/// `CuratorFrameworkImpl`, `sleepAndQueueOperationSeconds`, `unSleepBackgroundOperations`.
const PUT_OFF: Duration = Duration::from_secs(1);

/// What a deletion has found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deleted {
    /// It was there.
    Now,
    /// It was not.
    Before,
    /// It was not there when it was asked for once more: the first request may have deleted it, or not.
    Sometime,
}

/// Deletes a node. When that fails for want of a connection, it goes on in the background. Source:
/// `DeleteBuilderImpl.pathInForeground`; `LockInternals.deleteOurPath`, to which a node that is gone is as good.
pub(super) async fn guaranteed(framework: &Framework, path: &Path) -> Result<Deleted, ErrorCode> {
    let retry = RetryLoop::new(framework);
    let mut calls = 0_u32;
    let call = retry.call(async || {
        calls += 1;
        framework.request(deletion(path)).await.result
    });
    match call.await {
        Ok(_) => Ok(Deleted::Now),
        Err(ErrorCode::NoNode) if calls > 1 => Ok(Deleted::Sometime),
        Err(ErrorCode::NoNode) => Ok(Deleted::Before),
        Err(error) => {
            if is_retryable(error) {
                in_background(framework, path.clone());
            }
            Err(error)
        }
    }
}

/// Deletes a node beside whatever else is done. Source: `FailedDeleteManager.executeGuaranteedOperationInBackground`.
pub(super) fn in_background(framework: &Framework, path: Path) {
    let framework = framework.clone();
    framework.host().clone().spawn(async move {
        let deletion = deletion(&path);
        // An operation that gives up is followed by a new one. A node that is gone, too, has had its answer.
        while operation(&framework, &deletion, framework.host().wall()).await.is_none() {}
    });
}

/// Looks for the node that a creation may have made which was never answered, and deletes it. Source:
/// `FindAndDeleteProtectedNodeInBackground`.
pub(super) fn find_and_delete(framework: &Framework, parent: Path, prefix: String) {
    let framework = framework.clone();
    framework.host().clone().spawn(async move {
        let list = Op::GetChildren { path: parent.clone(), watch: false, with_stat: false };
        let mut began = framework.host().wall();
        let answered = loop {
            if let Some(answered) = operation(&framework, &list, began).await {
                break answered;
            }
            // An operation that gives up counts its retries anew, and not its age. Without any waits the real one would
            // do so at the same instant, without end.
            if !framework.policy().takes_time() {
                began = framework.host().wall();
            }
        };
        let Ok(Answer::Children { names, .. }) = answered else { return };
        if let Some(name) = names.iter().find(|name| name.starts_with(&prefix)) {
            in_background(&framework, Path::from(format!("{parent}/{name}")));
        }
    });
}

fn deletion(path: &Path) -> Op {
    Op::Delete { path: path.clone(), version: -1 }
}

/// An operation in the background that began then, with its retries, each after a wait; `None` when they are used up
/// and no server has answered.
async fn operation(
    framework: &Framework,
    op: &Op,
    began: Wall,
) -> Option<Result<Answer, ErrorCode>> {
    let host = framework.host();
    let mut retries = 0;
    loop {
        if framework.is_connected() {
            let result = framework.request(op.clone()).await.result;
            if !result.as_ref().is_err_and(|error| is_retryable(*error)) {
                return Some(result);
            }
        } else if host.wall().saturating_since(began) < framework.connection_timeout() {
            put_off(framework).await;
            continue;
        }
        host.sleep(framework.policy().wait(host, retries)?).await;
        retries += 1;
    }
}

/// Waits until there is a connection, but no longer than a second.
async fn put_off(framework: &Framework) {
    let connected = async {
        while !framework.is_connected() {
            framework.event_after(framework.events()).await;
        }
    };
    // Whether it came or not: it is looked for again.
    let _ = framework.host().timeout(PUT_OFF, connected).await;
}
