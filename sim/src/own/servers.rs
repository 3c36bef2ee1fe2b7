//! Somebody's own servers, as the backend of a scenario.

use std::fmt;
use std::sync::Arc;

use fencepost_models::machine::{Boot, Context, Input, Machine};

use crate::scenario::Backend;

/// A process of a server, at its start.
type Process = Box<dyn Machine>;

/// Servers that are somebody's own state machines: a database with a row for a lease, a lock service.
///
/// Each is a [`Machine`]: it is told what happens, with the time on its own clocks, and says what is to be done about
/// it. It is made anew at each restart, with what is left on its disk ([`Boot::files`]): pauses, crashes, power
/// losses, cuts, wrong clocks and slow disks befall it as they do the servers that come with fencepost.
///
/// ```
/// use fencepost::own::machine::{Context, Input, Machine};
/// use fencepost::own::{Message, OwnServers};
/// use fencepost::scenario::Scenario;
///
/// /// Says to each in turn how many have asked.
/// struct Counter(u64);
///
/// impl Machine for Counter {
///     fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
///         if let Input::Message { connection, .. } = input {
///             self.0 += 1;
///             context.send(connection, Message::Number(self.0));
///         }
///     }
/// }
///
/// let scenario = Scenario::default()
///     .but(|s| s.backend = Some(OwnServers::new().server("counter", |_boot| Counter(0)).into()));
/// assert!(scenario.node_names().contains(&"counter".to_owned()));
/// ```
#[derive(Clone, Default)]
pub struct OwnServers(Vec<OwnServer>);

/// One of them.
#[derive(Clone)]
pub struct OwnServer {
    name: String,
    start: Arc<dyn Fn(Boot) -> Process + Send + Sync>,
}

impl OwnServers {
    /// None yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// One more. `start` makes its process, at its first start and at each restart.
    #[must_use]
    pub fn server<M: Machine + 'static>(
        mut self,
        name: &str,
        start: impl Fn(Boot) -> M + Send + Sync + 'static,
    ) -> Self {
        let start = Arc::new(move |boot| Box::new(start(boot)) as Process);
        self.0.push(OwnServer { name: name.to_owned(), start });
        self
    }

    /// Their names.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.iter().map(|server| server.name.clone()).collect()
    }

    /// Each of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &OwnServer> {
        self.0.iter()
    }
}

impl OwnServer {
    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Starts its process.
    pub(crate) fn start(&self, boot: Boot) -> impl Machine + use<> {
        Started((self.start)(boot))
    }
}

/// A process that has been started.
struct Started(Process);

impl Machine for Started {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        self.0.handle(input, context);
    }

    fn takes_sockets_first(&self) -> bool {
        self.0.takes_sockets_first()
    }
}

impl From<OwnServers> for Backend {
    fn from(servers: OwnServers) -> Self {
        Self::Own(servers)
    }
}

impl fmt::Debug for OwnServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnServers").field(&self.names()).finish()
    }
}

/// The same code under the same names.
impl PartialEq for OwnServers {
    fn eq(&self, other: &Self) -> bool {
        let same = |(one, other): (&OwnServer, &OwnServer)| {
            one.name == other.name && Arc::ptr_eq(&one.start, &other.start)
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(same)
    }
}

impl Eq for OwnServers {}
