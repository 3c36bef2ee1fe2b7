//! Somebody's own lock as one of a scenario's recipes.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use fencepost_models::locks::own::{Own, OwnLock, work_under};
use fencepost_models::note::Name;
use fencepost_models::shop::buyer::{BuyerSettings, ShopAddress, buy_under};

use super::Node;
use crate::scenario::Recipe;

/// A client of the shop, from its start to its end.
type Client = Pin<Box<dyn Future<Output = ()>>>;

/// Somebody's own lock, made by [`recipe`].
#[derive(Clone)]
pub struct OwnRecipe {
    pub(crate) name: Name,
    pub(crate) lease: Option<Duration>,
    pub(crate) gives_tokens: bool,
    start: Arc<dyn Fn(Node, ShopAddress, BuyerSettings) -> Client + Send + Sync>,
}

/// Makes a recipe of a lock and of what is done under it: clients do `work` again and again, each time under the lock,
/// with the token of the grant. What the lock protects is then somebody's own too: a server of theirs, with a fencing
/// check of its own, or nothing at all. The shop is left alone.
///
/// `work` is dropped when the lock says that it is lost; a rest of [`BuyerSettings::browse`] is taken after each.
///
/// ```
/// use std::time::Duration;
/// use fencepost::claim::Claims as _;
/// use fencepost::own::{Node, Note, OwnLock, ReleaseOutcome, worker};
/// use fencepost::judge::{Invariant, Moment};
/// use fencepost::scenario::Scenario;
///
/// /// Lets everybody in.
/// struct Open(Node);
///
/// impl OwnLock for Open {
///     type Guard = ();
///     async fn acquire(&self) {
///         self.0.host().sleep(Duration::from_millis(5)).await;
///     }
///     async fn release(&self, (): &()) -> ReleaseOutcome {
///         ReleaseOutcome::Removed
///     }
/// }
///
/// let work = async |node: Node, _token: Option<u64>| {
///     node.host().note(Note::Remark { text: "in".to_owned() });
///     node.host().work(Duration::from_millis(1)..=Duration::from_millis(9)).await;
///     node.host().note(Note::Remark { text: "out".to_owned() });
/// };
/// let alone = Invariant::new("alone", || {
///     let mut inside = 0;
///     move |moment: &Moment<'_>| {
///         match moment.remark() {
///             Some("in") => inside += 1,
///             Some("out") => inside -= 1,
///             _ => {}
///         }
///         if inside < 2 { Ok(()) } else { Err("two are in".into()) }
///     }
/// });
/// let room = Scenario::default().but(|s| {
///     s.lock = worker("room", async |node| Open(node), work).into();
///     s.duration = Duration::from_secs(5);
///     s.invariants.push(alone);
/// });
/// room.sweep(0..10).must_find("alone");
/// ```
pub fn worker<L, F, W>(name: &str, make: F, work: W) -> OwnRecipe
where
    L: OwnLock + 'static,
    L::Guard: 'static,
    F: AsyncFn(Node) -> L + Clone + Send + Sync + 'static,
    W: AsyncFn(Node, Option<u64>) + Clone + Send + Sync + 'static,
{
    let lock_name = Name::from(name);
    let start = {
        let name = lock_name.clone();
        move |node: Node, _: ShopAddress, settings: BuyerSettings| -> Client {
            let (name, make, work) = (name.clone(), make.clone(), work.clone());
            Box::pin(async move {
                let host = node.host().clone();
                let lock = Own::new(host.clone(), name, make(node.clone()).await);
                let work = async |token| work(node.clone(), token).await;
                work_under(host, lock, settings.browse, work).await;
            })
        }
    };
    OwnRecipe { name: lock_name, lease: None, gives_tokens: true, start: Arc::new(start) }
}

/// Makes a recipe of a lock: `make` is called by each client when it starts, and again after each restart.
///
/// The name is that of the lock. Where it is also the key, or the path of the znode, under which a server keeps it,
/// timelines show whose the lock is on each server, and `foreign-release` is judged. The
/// [module's documentation](super) has an example.
pub fn recipe<L, F>(name: &str, make: F) -> OwnRecipe
where
    L: OwnLock + 'static,
    L::Guard: 'static,
    F: AsyncFn(Node) -> L + Clone + Send + Sync + 'static,
{
    let lock_name = Name::from(name);
    let start = {
        let name = lock_name.clone();
        move |node: Node, shop: ShopAddress, settings: BuyerSettings| -> Client {
            let (name, make) = (name.clone(), make.clone());
            Box::pin(async move {
                let host = node.host().clone();
                let lock = make(node).await;
                buy_under(host.clone(), Own::new(host, name, lock), shop, settings).await;
            })
        }
    };
    OwnRecipe { name: lock_name, lease: None, gives_tokens: true, start: Arc::new(start) }
}

impl OwnRecipe {
    /// How long a grant lasts unless it is extended. Faults are drawn so that they outlast it, and a lock counts as
    /// stuck only after it is over.
    #[must_use]
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = Some(lease);
        self
    }

    /// It gives no tokens, so that nothing can be fenced with it.
    #[must_use]
    pub const fn without_tokens(mut self) -> Self {
        self.gives_tokens = false;
        self
    }

    pub(crate) fn start(&self, node: Node, shop: ShopAddress, settings: BuyerSettings) -> Client {
        (self.start)(node, shop, settings)
    }
}

impl From<OwnRecipe> for Recipe {
    fn from(own: OwnRecipe) -> Self {
        Self::Own(own)
    }
}

impl fmt::Debug for OwnRecipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, lease, gives_tokens, start: _ } = self;
        let mut shown = f.debug_struct("OwnRecipe");
        shown.field("name", name).field("lease", lease).field("gives_tokens", gives_tokens);
        shown.finish_non_exhaustive()
    }
}

/// The same code, under the same name.
impl PartialEq for OwnRecipe {
    fn eq(&self, other: &Self) -> bool {
        let same_code = Arc::ptr_eq(&self.start, &other.start);
        let settings = |own: &Self| (own.name.clone(), own.lease, own.gives_tokens);
        same_code && settings(self) == settings(other)
    }
}

impl Eq for OwnRecipe {}
