//! How the lock's node is created, so that it is found again when the answer is lost.
//!
//! Source: `StandardLockInternalsDriver.createsTheLock`; `CreateBuilderImpl`, `protectedPathInForeground`,
//! `pathInForeground`, `findProtectedNodeInForeground`; `ProtectedMode`, `ProtectedUtils`; `ZKPaths.mkdirs`.

use bytes::Bytes;

use super::deletes;
use super::framework::Framework;
use super::retry::RetryLoop;
use crate::locks::zookeeper::make_path;
use crate::random::Random;
use crate::zookeeper::protocol::{Answer, CreateMode, ErrorCode, Op, Path, SessionId, Zxid};

/// What every lock's node is called, before its number. Source: `InterProcessMutex`, `LOCK_NAME`.
pub(super) const LOCK_NAME: &str = "lock-";

/// A client's node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) path: Path,
    /// The transaction that created it, when it was its creation that was answered and not a list that had it.
    pub(super) czxid: Option<Zxid>,
}

impl Own {
    /// Its name, below its parent.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// Creates a node below the parent; `None` where Curator has a `null` for its path: see [`RetryLoop::call`].
pub(super) async fn create_the_lock(
    framework: &Framework,
    parent: &Path,
    is_protected: bool,
) -> Result<Option<Own>, ErrorCode> {
    let protection = is_protected.then(|| Protection::new(framework, parent));
    let prefix = protection.as_ref().map_or("", |protection| &protection.prefix);
    let path = Path::from(format!("{parent}/{prefix}{LOCK_NAME}"));
    let unknown = Unknown(protection.as_ref());
    let created = path_in_foreground(framework, &path, protection.as_ref()).await;
    if !matches!(created, Err(ErrorCode::ConnectionLoss)) {
        unknown.settle();
    }
    created
}

/// A creation of which nobody knows whether it was carried out: when it stays like that, or when its maker is
/// interrupted, its node is looked for and deleted. Source: `CreateBuilderImpl.protectedPathInForeground`.
struct Unknown<'a>(Option<&'a Protection<'a>>);

impl Unknown<'_> {
    fn settle(mut self) {
        self.0 = None;
    }
}

impl Drop for Unknown<'_> {
    fn drop(&mut self) {
        if let Some(Protection { framework, parent, prefix }) = self.0 {
            deletes::find_and_delete(framework, Path::clone(parent), prefix.clone());
        }
    }
}

async fn path_in_foreground(
    framework: &Framework,
    path: &Path,
    protection: Option<&Protection<'_>>,
) -> Result<Option<Own>, ErrorCode> {
    let retry = RetryLoop::new(framework);
    let mut is_first = true;
    let mut session = SessionId::NONE;
    let call = retry.call(async || {
        if session == SessionId::NONE {
            session = framework.session();
        }
        if !std::mem::replace(&mut is_first, false)
            && let Some(protection) = protection
            && let Some(found) = protection.find(&retry, &mut session).await?
        {
            return Ok(Own { path: found, czxid: None });
        }
        match create(framework, path).await {
            Err(ErrorCode::NoNode) => {
                // `ZKPaths.mkdirs`.
                let (parent, _) = path.rsplit_once('/').unwrap_or_default();
                make_path(parent, |op| framework.request(op)).await?;
                create(framework, path).await
            }
            created => created,
        }
    });
    call.await
}

async fn create(framework: &Framework, path: &Path) -> Result<Own, ErrorCode> {
    let create = Op::Create {
        path: path.clone(),
        // Curator writes the client's address into it, for people to read.
        data: Bytes::new(),
        mode: CreateMode::EPHEMERAL_SEQUENTIAL,
        with_stat: true,
    };
    let Answer::Created { path, stat } = framework.request(create).await.result? else {
        return Err(ErrorCode::RuntimeInconsistency);
    };
    Ok(Own { path, czxid: stat.map(|stat| stat.czxid) })
}

/// What a creation is known by.
struct Protection<'a> {
    framework: &'a Framework,
    parent: &'a Path,
    /// What the name begins with, and no other.
    prefix: String,
}

impl<'a> Protection<'a> {
    fn new(framework: &'a Framework, parent: &'a Path) -> Self {
        // `ProtectedMode.resetProtectedId`, `UUID.randomUUID`.
        let id = framework.host().random(Random::uuid);
        Self { framework, parent, prefix: format!("_c_{id}-") }
    }

    /// The node, if it was created. One that was created in a session which is not this one's any more is deleted.
    async fn find(
        &self,
        retry: &RetryLoop<'_>,
        session: &mut SessionId,
    ) -> Result<Option<Path>, ErrorCode> {
        let call = retry.call(async || {
            let path = self.parent.clone();
            let list = Op::GetChildren { path, watch: false, with_stat: false };
            match self.framework.request(list).await.result {
                Ok(Answer::Children { names, .. }) => Ok(self.validate(&names, session)),
                Ok(_) => Err(ErrorCode::RuntimeInconsistency),
                Err(ErrorCode::NoNode) => Ok(None),
                Err(error) => Err(error),
            }
        });
        Ok(call.await?.flatten())
    }

    /// Source: `CreateBuilderImpl.findNode`, `ProtectedMode.validateFoundNode`.
    fn validate(&self, names: &[Path], session: &mut SessionId) -> Option<Path> {
        let found = names.iter().find(|name| name.starts_with(&self.prefix));
        let found = found.map(|name| Path::from(format!("{}/{name}", self.parent)));
        let now = self.framework.session();
        if std::mem::replace(session, now) == now {
            return found;
        }
        if let Some(path) = found {
            deletes::in_background(self.framework, path);
        }
        None
    }
}
