//! Recipes: how the buyers lock, with their settings.

use std::time::Duration;

use fencepost_models::locks::jvm::JvmLockSettings;
use fencepost_models::locks::redis::RedisLockSettings;

use super::Backend;

/// How the buyers lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipe {
    /// Not at all: the race itself.
    None,
    /// Not at all either: the store's own conditional update.
    ConditionalUpdate,
    /// A lock in the memory of each process.
    Jvm(JvmLockSettings),
    /// `SET NX PX` with compare-and-delete.
    SetNx(RedisLockSettings),
    /// `SET NX PX` with a bare `DEL`.
    SetNxPlainDel(RedisLockSettings),
    /// `SETNX`, then `EXPIRE`, with compare-and-delete. The time to live is whole seconds.
    SetnxExpire(RedisLockSettings),
}

impl Recipe {
    /// Every recipe, as it is by default.
    pub fn all() -> [Self; 6] {
        let redis = RedisLockSettings::default;
        [
            Self::None,
            Self::ConditionalUpdate,
            Self::Jvm(JvmLockSettings::default()),
            Self::SetNx(redis()),
            Self::SetNxPlainDel(redis()),
            Self::SetnxExpire(redis()),
        ]
    }

    /// The recipe's name in scenario files.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ConditionalUpdate => "conditional-update",
            Self::Jvm(_) => "jvm",
            Self::SetNx(_) => "set-nx",
            Self::SetNxPlainDel(_) => "set-nx-plain-del",
            Self::SetnxExpire(_) => "setnx-expire",
        }
    }

    /// Whether it locks anything at all.
    pub const fn is_lock(&self) -> bool {
        !matches!(self, Self::None | Self::ConditionalUpdate)
    }

    /// How long a grant of the lock lasts unless it is renewed; `None` for what is no lock, and for
    /// a lock that nothing but its holder can end.
    pub const fn lease(&self) -> Option<Duration> {
        match self {
            Self::None | Self::ConditionalUpdate | Self::Jvm(_) => None,
            Self::SetNx(settings) | Self::SetNxPlainDel(settings) | Self::SetnxExpire(settings) => {
                Some(settings.ttl)
            }
        }
    }

    /// Whether the recipe can lock on that backend. What needs no lock server fits any.
    pub const fn fits(&self, backend: Option<&Backend>) -> bool {
        match self {
            Self::None | Self::ConditionalUpdate => true,
            Self::Jvm(_) => matches!(backend, Some(Backend::Memory { .. })),
            Self::SetNx(_) | Self::SetNxPlainDel(_) | Self::SetnxExpire(_) => {
                matches!(backend, Some(Backend::Redis))
            }
        }
    }
}
