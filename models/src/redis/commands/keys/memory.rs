//! `MEMORY`: what a key weighs. Source: `object.c`, `memoryCommand`.

use bytes::Bytes;

use crate::redis::commands::{SYNTAX_ERROR, attempt, integer, is_option};
use crate::redis::engine::Data;
use crate::redis::memory::usage_bytes;
use crate::redis::resp::Reply;

/// `MEMORY USAGE key [SAMPLES count]`: what a key weighs that nobody has removed yet, be its time over or not.
///
/// Source: `object.c`, `memoryCommand`, `OBJ_COMPUTE_SIZE_DEF_SAMPLES`.
pub(crate) fn memory_usage(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let mut samples = 5;
        let (options, rest) = arguments[3..].as_chunks::<2>();
        for [name, count] in options {
            if !is_option(name, "samples") {
                return Err(SYNTAX_ERROR);
            }
            samples = match usize::try_from(integer(count)?) {
                Ok(0) => usize::MAX,
                Ok(count) => count,
                Err(_) => return Err(SYNTAX_ERROR),
            };
        }
        if !rest.is_empty() {
            return Err(SYNTAX_ERROR);
        }
        let key = &arguments[2];
        let found = data.keyspace.get(key).zip(data.keyspace.origin(key));
        let Some((value, origin)) = found else { return Ok(Reply::Nil) };
        let bytes = usage_bytes(key, value, origin, samples);
        Ok(Reply::Int(i64::try_from(bytes).unwrap_or(i64::MAX)))
    })
}

/// `MEMORY HELP`
pub(crate) fn memory_help(_: &mut Data, _: &[Bytes]) -> Reply {
    const LINES: [&str; 14] = [
        "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "DOCTOR",
        "    Return memory problems reports.",
        "MALLOC-STATS",
        "    Return internal statistics report from the memory allocator.",
        "PURGE",
        "    Attempt to purge dirty pages for reclamation by the allocator.",
        "STATS",
        "    Return information about the memory usage of the server.",
        "USAGE <key> [SAMPLES <count>]",
        "    Return memory in bytes used by <key> and its value. Nested values are",
        "    sampled up to <count> times (default: 5, 0 means sample all).",
        "HELP",
        "    Prints this help.",
    ];
    Reply::Array(LINES.into_iter().map(Reply::status).collect())
}
