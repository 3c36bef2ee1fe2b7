//! From a command that has changed the data to the one that is passed on.

use std::sync::Arc;

use bytes::Bytes;

use super::deletion;
use crate::redis::commands::is_option;
use crate::redis::keyspace::Keyspace;
use crate::redis::number::Decimal;
use crate::redis::resp::Reply;

/// What is passed on of a command that has just changed the data. `name` is its name in the command
/// table, `reply` its reply, `keyspace` the keys as it has left them. What is not listed here is
/// passed on as it came.
///
/// Source: the calls of `rewriteClientCommandVector`, `rewriteClientCommandArgument` and
/// `replaceClientCommandVector` in `t_string.c`, `t_hash.c` and `expire.c`.
pub(crate) fn rewritten(
    name: &str,
    arguments: &[Bytes],
    reply: &Reply,
    keyspace: &Keyspace,
) -> Arc<[Bytes]> {
    let [_, key, rest @ ..] = arguments else {
        return arguments.into();
    };
    match (name, rest, reply) {
        ("set", [value, options @ ..], _) => set(arguments, key, value, options, keyspace),
        ("setex" | "psetex", [_, value], _) => set_until(key, value, keyspace),
        ("getset", [value], _) => Arc::new([word("SET"), key.clone(), value.clone()]),
        ("getdel", ..) => deletion(key),
        ("getex", ..) => match expiry(key, keyspace) {
            Some(at) => Arc::new([word("PEXPIREAT"), key.clone(), at]),
            None if keyspace.get(key).is_some() => Arc::new([word("PERSIST"), key.clone()]),
            None => deletion(key),
        },
        ("expire" | "pexpire" | "expireat" | "pexpireat", [_, conditions @ ..], _) => {
            expire(name, arguments, key, conditions, keyspace)
        }
        ("restore" | "restore-asking", [_, _, ..], _) => restore(arguments, key, keyspace),
        ("incrbyfloat", [_], Reply::Bulk(sum)) => {
            Arc::new([word("SET"), key.clone(), sum.clone(), word("KEEPTTL")])
        }
        ("hincrbyfloat", [field, _], Reply::Bulk(sum)) => {
            Arc::new([word("HSET"), key.clone(), field.clone(), sum.clone()])
        }
        _ => arguments.into(),
    }
}

/// With a date in place of a time to live. Source: `cluster.c`, `restoreCommand`.
fn restore(arguments: &[Bytes], key: &Bytes, keyspace: &Keyspace) -> Arc<[Bytes]> {
    let is_dated = arguments[4..].iter().any(|option| is_option(option, "absttl"));
    match expiry(key, keyspace) {
        Some(at) if !is_dated => {
            let (head, rest) = arguments.split_at(2);
            let rest = rest[1..].iter().cloned().chain([word("ABSTTL")]);
            head.iter().cloned().chain([at]).chain(rest).collect()
        }
        _ => arguments.into(),
    }
}

/// With a date if it was given a time, without `GET` in any case; `NX` and `XX` stay where no time
/// was given. Source: `t_string.c`, `setGenericCommand`.
fn set(
    arguments: &[Bytes],
    key: &Bytes,
    value: &Bytes,
    options: &[Bytes],
    keyspace: &Keyspace,
) -> Arc<[Bytes]> {
    let is = |option: &Bytes, names: &[&str]| names.iter().any(|name| is_option(option, name));
    if options.iter().any(|option| is(option, &["ex", "px", "exat", "pxat"])) {
        set_until(key, value, keyspace)
    } else if options.iter().any(|option| is(option, &["get"])) {
        let kept = options.iter().filter(|option| !is(option, &["get"]));
        arguments[..3].iter().chain(kept).cloned().collect()
    } else {
        arguments.into()
    }
}

fn set_until(key: &Bytes, value: &Bytes, keyspace: &Keyspace) -> Arc<[Bytes]> {
    match expiry(key, keyspace) {
        Some(at) => Arc::new([word("SET"), key.clone(), value.clone(), word("PXAT"), at]),
        None => Arc::new([word("SET"), key.clone(), value.clone()]),
    }
}

/// A date that is over has deleted the key. `PEXPIREAT` stays as it is spelt. Source: `expire.c`,
/// `expireGenericCommand`.
fn expire(
    name: &str,
    arguments: &[Bytes],
    key: &Bytes,
    conditions: &[Bytes],
    keyspace: &Keyspace,
) -> Arc<[Bytes]> {
    match expiry(key, keyspace) {
        None => deletion(key),
        Some(_) if name == "pexpireat" => arguments.into(),
        Some(at) => {
            let start = [word("PEXPIREAT"), key.clone(), at];
            start.into_iter().chain(conditions.iter().cloned()).collect()
        }
    }
}

/// When a key expires, in Unix milliseconds.
fn expiry(key: &Bytes, keyspace: &Keyspace) -> Option<Bytes> {
    keyspace.expiry(key).map(|at_ms| Decimal::new(at_ms).to_bytes())
}

const fn word(word: &'static str) -> Bytes {
    Bytes::from_static(word.as_bytes())
}
