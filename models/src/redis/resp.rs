//! Placeholder.
use bytes::Bytes;
use serde::Serialize;
/// Reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Reply {
    /// x
    Status(Bytes),
    /// x
    Error(Bytes),
    /// x
    Int(i64),
    /// x
    Bulk(Bytes),
    /// x
    Nil,
    /// x
    NilArray,
    /// x
    Array(Vec<Reply>),
}
