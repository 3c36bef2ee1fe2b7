//! Backends: the servers that a lock lives on, with their settings.

use fencepost_models::redis::server::RedisSettings;

/// The servers that a lock lives on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// One Redis: the node `redis`.
    Redis(RedisSettings),
    /// No server: the memory of the buyers' own processes. The buyers are threads of the nodes `jvm-1`,
    /// `jvm-2`, …, dealt out to them in turn.
    Memory {
        /// How many processes there are; no more than buyers.
        processes: u16,
    },
}

impl Backend {
    /// Every backend, as it is by default.
    pub fn all() -> [Self; 2] {
        [Self::Redis(RedisSettings::default()), Self::Memory { processes: 1 }]
    }

    /// The backend's name in scenario files.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Redis(_) => "redis",
            Self::Memory { .. } => "memory",
        }
    }

    /// The names of its servers, in the order of their numbers.
    pub fn node_names(&self) -> Vec<String> {
        match self {
            Self::Redis(_) => vec!["redis".to_owned()],
            Self::Memory { .. } => Vec::new(),
        }
    }

    /// Whether there is a server, which others than the lock's clients can use too.
    pub const fn has_server(&self) -> bool {
        !matches!(self, Self::Memory { .. })
    }
}
