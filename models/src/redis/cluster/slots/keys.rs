//! Which arguments of a command are keys.
//!
//! Source: Redis 7.0.15, `src/commands/*.json`, `key_specs`; as `COMMAND INFO` gives them.

use bytes::Bytes;

use crate::redis::commands::listed::{Groups, listed};

/// Which arguments of a command are keys, or channels of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeySpec {
    /// None.
    None,
    /// From the first to the last, which is counted from the end when it is negative, at each step.
    Range { first: usize, last: isize, step: usize },
    /// As many as an argument says, after it: scripts.
    Counted { number_at: usize },
    /// The one at that place, or all after the word `KEYS`: `MIGRATE`.
    OneOrListed { at: usize },
}

/// Commands with keys. All others have none.
const LISTED: Groups<KeySpec> = &[
    (
        range(1, 1, 1),
        &[
            "append",
            "decr",
            "decrby",
            "dump",
            "expire",
            "expireat",
            "expiretime",
            "get",
            "getbit",
            "getdel",
            "getex",
            "getrange",
            "getset",
            "hdel",
            "hexists",
            "hget",
            "hgetall",
            "hincrby",
            "hincrbyfloat",
            "hkeys",
            "hlen",
            "hmget",
            "hmset",
            "hrandfield",
            "hscan",
            "hset",
            "hsetnx",
            "hstrlen",
            "hvals",
            "incr",
            "incrby",
            "incrbyfloat",
            "move",
            "persist",
            "pexpire",
            "pexpireat",
            "pexpiretime",
            "psetex",
            "pttl",
            "restore",
            "restore-asking",
            "set",
            "setbit",
            "setex",
            "setnx",
            "setrange",
            "spublish",
            "strlen",
            "substr",
            "ttl",
            "type",
        ],
    ),
    (
        range(1, -1, 1),
        &["del", "exists", "mget", "ssubscribe", "sunsubscribe", "touch", "unlink", "watch"],
    ),
    (range(1, -1, 2), &["mset", "msetnx"]),
    (range(1, 2, 1), &["copy", "lcs", "rename", "renamenx"]),
    (
        range(2, 2, 1),
        &["memory|usage", "object|encoding", "object|freq", "object|idletime", "object|refcount"],
    ),
    (KeySpec::OneOrListed { at: 3 }, &["migrate"]),
    (KeySpec::Counted { number_at: 2 }, &["eval", "eval_ro", "evalsha", "evalsha_ro"]),
];

const fn range(first: usize, last: isize, step: usize) -> KeySpec {
    KeySpec::Range { first, last, step }
}

impl KeySpec {
    /// The keys of a command or a subcommand: `set`, `object|freq`. For a table that is made when
    /// fencepost is built.
    pub(crate) const fn of(full_name: &str) -> Self {
        match listed(LISTED, full_name) {
            Some(spec) => spec,
            None => Self::None,
        }
    }

    /// The keys among the arguments, the command's name included. Where a number of keys is none, or
    /// too great, there are no keys: the command itself will say so. Source: `db.c`,
    /// `getKeysFromCommand`.
    pub(crate) fn keys(self, arguments: &[Bytes]) -> impl Iterator<Item = &[u8]> {
        let (first, end, step) = match self {
            Self::None => (0, 0, 1),
            Self::Range { first, last, step } => {
                let last = match usize::try_from(last) {
                    Ok(last) => last,
                    Err(_) => arguments.len().saturating_sub(last.unsigned_abs()),
                };
                (first, last + 1, step)
            }
            Self::OneOrListed { at } => one_or_listed(arguments, at),
            Self::Counted { number_at } => {
                let number = arguments.get(number_at).and_then(|word| number(word)).unwrap_or(0);
                (number_at + 1, (number_at + 1).saturating_add(number), 1)
            }
        };
        let is_whole = end <= arguments.len();
        let range = if is_whole { first.min(end)..end } else { 0..0 };
        arguments[range].iter().step_by(step).map(|key| &key[..])
    }
}

/// Source: `db.c`, `migrateGetKeys`; a key beside a list is an error, which the command itself will tell.
fn one_or_listed(arguments: &[Bytes], at: usize) -> (usize, usize, usize) {
    let options = arguments.iter().skip(at + 3);
    let list = options.clone().position(|word| word.eq_ignore_ascii_case(b"keys"));
    match list.map(|place| at + 3 + place + 1) {
        None => (at, at + 1, 1),
        Some(first) if arguments[at].is_empty() => (first, arguments.len(), 1),
        Some(_) => (0, 0, 1),
    }
}

fn number(word: &[u8]) -> Option<usize> {
    crate::redis::number::parse_i64(word).and_then(|number| usize::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::commands::lookup;

    fn keys(line: &str) -> Vec<String> {
        let words: Vec<Bytes> =
            line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        let name = lookup(&words).map_or_else(
            || line.split(' ').next().unwrap_or_default().to_lowercase(),
            |row| row.full_name.to_owned(),
        );
        let keys = KeySpec::of(&name).keys(&words);
        keys.map(|key| String::from_utf8_lossy(key).into_owned()).collect()
    }

    /// As Redis 7.0.15 answers `COMMAND GETKEYS`, or that there are none.
    #[test]
    fn keys_are_where_redis_finds_them() {
        for (line, expected) in [
            ("SET k v NX PX 5", "k"),
            ("DEL a b c", "a b c"),
            ("MSET a 1 b 2", "a b"),
            ("RENAME a b", "a b"),
            ("COPY a b DB 1", "a b"),
            ("OBJECT FREQ k", "k"),
            ("EVAL script 2 a b c", "a b"),
            ("EVALSHA sha 0 c", ""),
            ("EVALSHA sha 3 a b", ""),
            ("EVALSHA sha x a b", ""),
            ("EVALSHA sha -1 a b", ""),
            ("SSUBSCRIBE x y", "x y"),
            ("SUBSCRIBE x y", ""),
            ("PUBLISH x y", ""),
            ("PING", ""),
            ("SET", ""),
            ("MIGRATE h p k 0 100", "k"),
            ("MIGRATE h p k 0 100 COPY", "k"),
            ("MIGRATE h p  0 100 REPLACE KEYS a b", "a b"),
            ("MIGRATE h p k 0 100 KEYS a b", ""),
        ] {
            assert_eq!(keys(line).join(" "), expected, "{line}");
        }
    }

    #[test]
    fn no_command_is_listed_twice() {
        let mut names: Vec<_> = LISTED.iter().flat_map(|(_, names)| names.iter()).collect();
        let listed = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), listed);
    }
}
