//! Recipes: how the buyers lock, with their settings.

use std::time::Duration;

use fencepost_models::locks::set_nx::SetNxSettings;

use super::Backend;

/// How the buyers lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipe {
    /// Not at all: the race itself.
    None,
    /// Not at all either: the store's own conditional update.
    ConditionalUpdate,
    /// `SET NX PX` with compare-and-delete.
    SetNx(SetNxSettings),
}

impl Recipe {
    /// Every recipe, as it is by default.
    pub fn all() -> [Self; 3] {
        [Self::None, Self::ConditionalUpdate, Self::SetNx(SetNxSettings::default())]
    }

    /// The recipe's name in scenario files.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ConditionalUpdate => "conditional-update",
            Self::SetNx(_) => "set-nx",
        }
    }

    /// How long a grant of the lock lasts unless it is renewed; `None` for what is no lock.
    pub const fn lease(&self) -> Option<Duration> {
        match self {
            Self::None | Self::ConditionalUpdate => None,
            Self::SetNx(settings) => Some(settings.ttl),
        }
    }

    /// Whether the recipe can lock on that backend. What needs no lock server fits any.
    pub const fn fits(&self, backend: Option<&Backend>) -> bool {
        match self {
            Self::None | Self::ConditionalUpdate => true,
            Self::SetNx(_) => matches!(backend, Some(Backend::Redis(_))),
        }
    }
}
