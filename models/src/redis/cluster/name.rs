//! Names of nodes: forty hexadecimal digits.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::machine::NodeId;
use crate::random::Random;

/// A node's name: `clusterNode.name`. Names are ordered as their hexadecimal digits are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName([u8; Self::BYTES]);

impl NodeName {
    /// Half of `CLUSTER_NAMELEN` of `cluster.h`: two digits are a byte.
    const BYTES: usize = 20;

    /// The name that a node gives itself.
    ///
    /// Redis draws it at random when it finds no `nodes.conf` (`createClusterNode`). Here it follows
    /// from the node, so that others may know it beforehand.
    pub fn of(node: NodeId) -> Self {
        Self(sha1_smol::Sha1::from(format!("cluster {}", node.0)).digest().bytes())
    }

    /// A name for a node that has not told its own yet. Source: `cluster.c`, `clusterStartHandshake`.
    pub(super) fn drawn(random: &mut Random) -> Self {
        let mut name = [0; Self::BYTES];
        name.chunks_mut(8)
            .for_each(|part| part.copy_from_slice(&random.bits().to_le_bytes()[..part.len()]));
        Self(name)
    }

    /// Reads forty digits, small letters only. Source: `cluster.c`, `verifyClusterNodeId`.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        if text.len() != 2 * Self::BYTES {
            return None;
        }
        let mut name = [0; Self::BYTES];
        for (byte, digits) in name.iter_mut().zip(text.chunks(2)) {
            *byte = digit(digits[0])? << 4 | digit(digits[1])?;
        }
        Some(Self(name))
    }
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for NodeName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        let name = NodeName::of(NodeId(7));
        assert_eq!(name.to_string().len(), 40);
        assert_eq!(NodeName::parse(name.to_string().as_bytes()), Some(name));
        assert_ne!(name, NodeName::of(NodeId(8)));
        for bad in ["", "abc", &name.to_string().to_uppercase(), &"g".repeat(40)] {
            assert_eq!(NodeName::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn names_are_ordered_as_their_digits_are() {
        let mut random = Random::new(1, 1);
        for _ in 0..100 {
            let (one, other) = (NodeName::drawn(&mut random), NodeName::drawn(&mut random));
            assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
        }
    }
}
