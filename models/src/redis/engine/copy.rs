//! All keys as commands: what an RDB file holds, and what an append-only file begins with.

use std::sync::Arc;

use bytes::Bytes;

use crate::redis::keyspace::{Database, Databases, Keyspace, Value};

/// The commands that set all keys of all databases, in the order of their names.
pub(super) fn commands(databases: &Databases) -> Vec<Arc<[Bytes]>> {
    let mut commands = Vec::new();
    for database in Database::all() {
        let keyspace = databases.of(database);
        if !keyspace.is_empty() {
            commands.push(Arc::from([word("SELECT"), Bytes::from(database.number().to_string())]));
        }
        for key in keyspace.keys() {
            commands.extend(set(keyspace, key));
            if let Some(at_ms) = keyspace.expiry(key) {
                let at_ms = Bytes::from(at_ms.to_string());
                commands.push(Arc::from([word("PEXPIREAT"), key.clone(), at_ms]));
            }
        }
    }
    commands
}

fn set(keyspace: &Keyspace, key: &Bytes) -> Option<Arc<[Bytes]>> {
    Some(match keyspace.get(key)? {
        Value::String(value) => Arc::from([word("SET"), key.clone(), value.clone()]),
        Value::Hash(hash) => {
            let fields = hash.iter().flat_map(|(field, value)| [field.clone(), value.clone()]);
            [word("HSET"), key.clone()].into_iter().chain(fields).collect()
        }
    })
}

const fn word(word: &'static str) -> Bytes {
    Bytes::from_static(word.as_bytes())
}
