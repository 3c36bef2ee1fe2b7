//! Commands as they travel in a master's stream.

use std::sync::Arc;

use bytes::Bytes;

use crate::redis::keyspace::Database;

/// The `SELECT` of a database.
pub(super) fn select(database: Database) -> Arc<[Bytes]> {
    Arc::new([Bytes::from_static(b"SELECT"), Bytes::from(database.number().to_string())])
}
