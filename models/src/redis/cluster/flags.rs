//! What a node is, and what is thought of it.

use std::fmt;

use serde::Serialize;

/// A node's flags, with the bits of `cluster.h`.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Flags(u16);

impl Flags {
    /// A master.
    pub const MASTER: Self = Self(1);
    /// A replica.
    pub const REPLICA: Self = Self(1 << 1);
    /// Has not answered one node for the node timeout: it may have failed.
    pub const PFAIL: Self = Self(1 << 2);
    /// Has not answered most masters: it has failed.
    pub const FAIL: Self = Self(1 << 3);
    /// The node itself.
    pub const MYSELF: Self = Self(1 << 4);
    /// Has not told its name yet.
    pub const HANDSHAKE: Self = Self(1 << 5);
    /// Its address is not known.
    pub const NOADDR: Self = Self(1 << 6);
    /// Is to be met: the first message asks to be taken in.
    pub const MEET: Self = Self(1 << 7);
    /// A master to which replicas of others may go when its own are gone.
    pub const MIGRATE_TO: Self = Self(1 << 8);
    /// A replica that never replaces its master by itself.
    pub const NOFAILOVER: Self = Self(1 << 9);

    /// The names that `CLUSTER NODES` and `nodes.conf` give. Source: `cluster.c`,
    /// `redisNodeFlagsTable`.
    const NAMES: [(Self, &'static str); 8] = [
        (Self::MYSELF, "myself"),
        (Self::MASTER, "master"),
        (Self::REPLICA, "slave"),
        (Self::PFAIL, "fail?"),
        (Self::FAIL, "fail"),
        (Self::HANDSHAKE, "handshake"),
        (Self::NOADDR, "noaddr"),
        (Self::NOFAILOVER, "nofailover"),
    ];

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This set without the other's flags.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// True when at least one flag of `other` is set.
    pub const fn any_of(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Of these flags those that say master or replica.
    pub(super) const fn role(self) -> Self {
        Self(self.0 & (Self::MASTER.0 | Self::REPLICA.0))
    }

    pub(super) const fn set(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(super) const fn clear(&mut self, other: Self) {
        self.0 &= !other.0;
    }

    /// Reads what [`Flags`] writes; `None` when there is a word that it does not know.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut flags = Self::default();
        for word in text.split(',').filter(|word| *word != "noflags") {
            let (flag, _) = Self::NAMES.iter().find(|(_, name)| *name == word)?;
            flags.set(*flag);
        }
        Some(flags)
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut set = Self::NAMES.iter().filter(|(flag, _)| self.any_of(*flag));
        let Some((_, first)) = set.next() else { return f.write_str("noflags") };
        f.write_str(first)?;
        set.try_for_each(|(_, name)| write!(f, ",{name}"))
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_as_they_are_written() {
        let all = Flags::MYSELF.with(Flags::MASTER).with(Flags::PFAIL);
        for (flags, text) in [(Flags::default(), "noflags"), (all, "myself,master,fail?")] {
            assert_eq!(flags.to_string(), text);
            assert_eq!(Flags::parse(text), Some(flags));
        }
        assert_eq!(Flags::parse("master,king"), None);
        assert_eq!(Flags::MEET.to_string(), "noflags", "not all have a name");
    }
}
