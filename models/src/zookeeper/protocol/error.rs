//! Why a request was refused.

use serde::Serialize;

/// What a reply says instead of an answer. Source: `KeeperException.java`, `Code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// In a `multi` that failed elsewhere: this part would have been carried out.
    #[error("ok")]
    Ok,
    /// In a `multi` that failed before: this part was not looked at.
    #[error("runtime inconsistency")]
    RuntimeInconsistency,
    /// The client's own: the connection is gone, and whether the request was carried out is unknown.
    #[error("connection loss")]
    ConnectionLoss,
    /// The path is none, or may not be touched.
    #[error("bad arguments")]
    BadArguments,
    /// There is no such node, or no parent for it.
    #[error("no node")]
    NoNode,
    /// The node has another version than the one that was named.
    #[error("bad version")]
    BadVersion,
    /// An ephemeral node can have no children.
    #[error("no children for ephemerals")]
    NoChildrenForEphemerals,
    /// There is such a node already.
    #[error("node exists")]
    NodeExists,
    /// The node has children.
    #[error("not empty")]
    NotEmpty,
    /// The session is over.
    #[error("session expired")]
    SessionExpired,
    /// The session has moved to another server.
    #[error("session moved")]
    SessionMoved,
}

impl ErrorCode {
    /// Every code, in the order in which they are declared.
    const ALL: [Self; 11] = [
        Self::Ok,
        Self::RuntimeInconsistency,
        Self::ConnectionLoss,
        Self::BadArguments,
        Self::NoNode,
        Self::BadVersion,
        Self::NoChildrenForEphemerals,
        Self::NodeExists,
        Self::NotEmpty,
        Self::SessionExpired,
        Self::SessionMoved,
    ];

    /// The number that stands for it on the wire.
    pub const fn code(self) -> i32 {
        match self {
            Self::Ok => 0,
            Self::RuntimeInconsistency => -2,
            Self::ConnectionLoss => -4,
            Self::BadArguments => -8,
            Self::NoNode => -101,
            Self::BadVersion => -103,
            Self::NoChildrenForEphemerals => -108,
            Self::NodeExists => -110,
            Self::NotEmpty => -111,
            Self::SessionExpired => -112,
            Self::SessionMoved => -118,
        }
    }

    /// The error that a number stands for.
    pub fn from_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_a_number_of_its_own() {
        for error in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_code(error.code()), Some(error));
        }
        assert_eq!(ErrorCode::from_code(-1), None);
    }
}
