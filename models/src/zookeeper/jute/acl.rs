//! Who may do what with a new node. Here everybody may do everything with every node; but what a real server refuses
//! is refused.
//!
//! Source: `PrepRequestProcessor.java`, `fixupACL`; `DigestAuthenticationProvider.java` and
//! `IPAuthenticationProvider.java`, `isValid`.

use std::net::Ipv4Addr;

use super::super::codec::{Reader, Writer};
use super::records::{announced, nullable};
use super::{INVALID_ACL, MARSHALLING_ERROR};

/// What everybody may do, and who everybody is. Source: `ZooDefs.java`, `Ids.OPEN_ACL_UNSAFE`.
const EVERYTHING: i32 = 31;
const SCHEME: &str = "world";
const ANYONE: &str = "anyone";

/// What becomes of a list of who may do what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acl {
    /// It is taken.
    Taken,
    /// It is taken from a client that has proved who it is (`Ids.CREATOR_ALL_ACL`).
    OfCreator,
    /// It is refused, with this error.
    Refused(i32),
}

impl Acl {
    /// Reads a list, the first entry of which that is not taken decides.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let count = announced(reader)?;
        let mut list = if count == 0 { Self::Refused(INVALID_ACL) } else { Self::Taken };
        for _ in 0..count {
            let (_permissions, scheme, id) = (reader.i32()?, nullable(reader)?, nullable(reader)?);
            let entry = Self::of_entry(scheme.as_deref(), id.as_deref());
            list = match list {
                Self::Refused(_) => list,
                Self::OfCreator if entry == Self::Taken => list,
                _ => entry,
            };
        }
        Some(list)
    }

    fn of_entry(scheme: Option<&[u8]>, id: Option<&[u8]>) -> Self {
        let taken_if = |is_valid| if is_valid { Self::Taken } else { Self::Refused(INVALID_ACL) };
        match (scheme, id) {
            (Some(b"auth"), _) => Self::OfCreator,
            // Java finds nothing where it looks for a name.
            (Some(b"world" | b"digest" | b"ip"), None) => Self::Refused(MARSHALLING_ERROR),
            (Some(b"world"), Some(id)) => taken_if(id == ANYONE.as_bytes()),
            (Some(b"digest"), Some(id)) => taken_if(is_user_and_hash(id)),
            (Some(b"ip"), Some(id)) => taken_if(is_network(id)),
            _ => Self::Refused(INVALID_ACL),
        }
    }
}

/// `user:hash`. Java's `split` leaves out what is empty at the end.
fn is_user_and_hash(id: &[u8]) -> bool {
    let parts = id.iter().filter(|byte| **byte == b':').count() + 1;
    parts == 2 && !id.ends_with(b":")
}

/// `192.168.0.0/16`: an address, and of how many bits it consists.
fn is_network(id: &[u8]) -> bool {
    const BITS: std::ops::RangeInclusive<i32> = 0..=32;
    let Ok(id) = std::str::from_utf8(id) else { return false };
    let (address, bits) = id.split_once('/').unwrap_or((id, "32"));
    let bits: Option<i32> = bits.parse().ok();
    address.parse::<Ipv4Addr>().is_ok() && bits.is_some_and(|bits| BITS.contains(&bits))
}

/// Everybody may do everything.
pub(super) fn write_open(writer: &mut Writer) {
    writer.count(1);
    writer.i32(EVERYTHING);
    writer.path(SCHEME);
    writer.path(ANYONE);
}
