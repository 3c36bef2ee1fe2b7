//! What a server finds in its configuration file, and what `CONFIG REWRITE` writes to it: whom it
//! follows. Sentinel has servers do so when it promotes or reconfigures them, so that a restart brings
//! nobody back to an old master.

use bytes::Bytes;

use crate::machine::{Boot, Context, DiskOperation, DiskToken, NodeId};
use crate::redis::address;
use crate::redis::settings::RedisSettings;

const FILE: &str = "redis.conf";

/// Beside the numbers that the append-only file's requests have.
const WRITE: DiskToken = DiskToken(8);
const SYNC: DiskToken = DiskToken(9);

/// Whom the server follows when it starts: as it was told last, or else as its settings have it.
pub(super) fn master(boot: &mut Boot, settings: &RedisSettings) -> Option<NodeId> {
    match boot.files.remove(FILE) {
        Some(text) => read(&text),
        None => settings.replica_of,
    }
}

fn read(text: &[u8]) -> Option<NodeId> {
    let mut words = text.split(u8::is_ascii_whitespace);
    if words.next()? != b"replicaof" {
        return None;
    }
    address::node(words.next()?, words.next()?)
}

/// `CONFIG REWRITE`: the file takes the place of the old one when it is synced. Source: `config.c`,
/// `rewriteConfigOverwriteFile`.
pub(super) fn write(master: Option<NodeId>, context: &mut Context<'_>) {
    let text = master
        .map(|node| format!("replicaof {} {}\n", address::host(node), address::redis_port(node)));
    let bytes = Bytes::from(text.unwrap_or_else(|| "# replicaof no one\n".to_owned()));
    context.disk(WRITE, DiskOperation::Replace { file: FILE, bytes });
    context.disk(SYNC, DiskOperation::Sync { file: FILE });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_whom_to_follow() {
        assert_eq!(read(b"replicaof 10.0.0.4 6379\n"), Some(NodeId(4)));
        assert_eq!(read(b"# replicaof no one\n"), None);
    }
}
