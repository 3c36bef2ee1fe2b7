//! Backends: the servers that a lock lives on, with their settings.

use fencepost_models::redis::server::RedisSettings;

/// The servers that a lock lives on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// One Redis: the node `redis`.
    Redis(RedisSettings),
}

impl Backend {
    /// Every backend, as it is by default.
    pub fn all() -> [Self; 1] {
        [Self::Redis(RedisSettings::default())]
    }

    /// The backend's name in scenario files.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Redis(_) => "redis",
        }
    }

    /// The names of its nodes, in the order of their numbers.
    pub fn node_names(&self) -> Vec<String> {
        match self {
            Self::Redis(_) => vec!["redis".to_owned()],
        }
    }
}
