//! The names of things: servers, transactions, sessions, znodes.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;

/// A server's number, `myid`: 1 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ServerId(pub u8);

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A transaction's number: the epoch of the leader that proposed it, then a counter. They grow without
/// end, over all leaders, which is what makes the one that created a lock's node a fencing token.
///
/// Source: `ZxidUtils.java`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Zxid(pub u64);

impl Zxid {
    /// The transaction of an epoch that has this number in it.
    pub const fn new(epoch: u32, counter: u32) -> Self {
        Self((epoch as u64) << 32 | counter as u64)
    }

    /// The epoch: the upper half.
    pub const fn epoch(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The counter within the epoch: the lower half, and 0 for no transaction but the epoch's beginning.
    pub const fn counter(self) -> u32 {
        self.0 as u32
    }

    /// The one after it.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// In hexadecimal, as ZooKeeper's log has it.
impl fmt::Display for Zxid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// As it is written: `0x100000004`.
///
/// ```
/// use fencepost_models::zookeeper::protocol::Zxid;
///
/// let zxid = Zxid::new(1, 4);
/// assert_eq!(zxid.to_string().parse(), Ok(zxid));
/// assert!("4".parse::<Zxid>().is_err());
/// ```
impl FromStr for Zxid {
    type Err = NoZxid;

    fn from_str(text: &str) -> Result<Self, NoZxid> {
        let digits = text.strip_prefix("0x").ok_or(NoZxid)?;
        u64::from_str_radix(digits, 16).map(Self).map_err(|_| NoZxid)
    }
}

/// A text is no transaction's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no transaction's number: expected 0x and hexadecimal digits, such as 0x100000004")]
pub struct NoZxid;

/// A session's number: the server that gave it is its highest byte. 0 is no session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct SessionId(pub u64);

impl SessionId {
    /// No session: the owner of a node that is not ephemeral, the name of who has none yet.
    pub const NONE: Self = Self(0);

    /// The password that lets a client take up this session at any server.
    ///
    /// It follows from the number, since no server asks another for it: `java.util.Random`, seeded with the
    /// number and a constant that every server has.
    /// Source: `ZooKeeperServer.java`, `generatePasswd`, `superSecret`; the documentation of
    /// `java.util.Random`, `setSeed`, `next`, `nextBytes`.
    pub fn password(self) -> Password {
        const SUPER_SECRET: u64 = 0xB341_5C00;
        const MULTIPLIER: u64 = 0x5_DEEC_E66D;
        const MASK: u64 = (1 << 48) - 1;
        let mut seed = (self.0 ^ SUPER_SECRET ^ MULTIPLIER) & MASK;
        let mut password = [0; 16];
        for word in password.chunks_exact_mut(4) {
            seed = seed.wrapping_mul(MULTIPLIER).wrapping_add(0xB) & MASK;
            let [b0, b1, b2, b3, ..] = (seed >> 16).to_le_bytes();
            word.copy_from_slice(&[b0, b1, b2, b3]);
        }
        Password(password)
    }
}

/// In hexadecimal, as ZooKeeper's log has it.
impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// What a client shows to take up its session again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Password(pub [u8; 16]);

/// A znode's path.
pub type Path = Arc<str>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zxid_is_an_epoch_and_a_counter() {
        let zxid = Zxid::new(3, 7);
        assert_eq!((zxid.epoch(), zxid.counter()), (3, 7));
        assert!(Zxid::new(4, 0) > Zxid::new(3, u32::MAX));
        assert_eq!(zxid.to_string(), "0x300000007");
    }

    /// `new Random(seed).nextBytes(…)`, run on OpenJDK 17 for the seed `0x100000000000000L ^ 0xB3415C00L`.
    #[test]
    fn a_password_is_what_java_draws() {
        let expected = [
            0xf2, 0x2a, 0xcd, 0x4a, 0x97, 0xe6, 0x9d, 0x6d, 0x20, 0xa4, 0x9b, 0xb6, 0x38, 0xea,
            0xdb, 0x38,
        ];
        assert_eq!(SessionId(0x0100_0000_0000_0000).password().0, expected);
        // As an ensemble of ZooKeeper 3.8.0 gave it.
        let real = SessionId(72_061_603_439_509_504).password().0;
        assert_eq!(&real, b"\xc1\x02'^\xba\xc3\x96\xd7\x07>\x83\xa2\x93\xfb\xb1\xf1");
        assert_ne!(SessionId(1).password(), SessionId(2).password());
    }
}
