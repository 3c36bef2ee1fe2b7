//! Backends: the servers that a lock lives on, with their settings.

/// The servers that a lock lives on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// One Redis: the node `redis`.
    Redis,
}

impl Backend {
    /// Every backend, as it is by default.
    pub const fn all() -> [Self; 1] {
        [Self::Redis]
    }

    /// The backend's name in scenario files.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Redis => "redis",
        }
    }

    /// The names of its nodes, in the order of their numbers.
    pub fn node_names(&self) -> Vec<String> {
        match self {
            Self::Redis => vec!["redis".to_owned()],
        }
    }
}
