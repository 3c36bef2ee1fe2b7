//! What a server says of its commands: `COMMAND`, `COMMAND INFO`, `COMMAND GETKEYS`.
//!
//! A client of a cluster asks which arguments are keys. Left out are flags that the model does not look at (`fast`), the
//! categories of access control, the hints for clients and the newer way to say where keys are: their lists are empty.
//! To RESP3 flags are a list here and a set there. Source: `server.c`, `addReplyCommandInfo`,
//! `getKeysSubcommand`.

use bytes::Bytes;

use super::{COMMANDS, Command, Flags, KeySpec, count, lookup, row};
use crate::redis::engine::Data;
use crate::redis::resp::Reply;

/// The words for flags, as far as the model has them.
const WORDS: [(Flags, &str); 10] = [
    (Flags::WRITE, "write"),
    (Flags::READONLY, "readonly"),
    (Flags::DENYOOM, "denyoom"),
    (Flags::NOSCRIPT, "noscript"),
    (Flags::LOADING, "loading"),
    (Flags::STALE, "stale"),
    (Flags::NO_AUTH, "no_auth"),
    (Flags::MAY_REPLICATE, "may_replicate"),
    (Flags::NO_MULTI, "no_multi"),
    (Flags::TOUCHES_ARBITRARY_KEYS, "touches_arbitrary_keys"),
];

/// `COMMAND`
pub(super) fn command(_: &mut Data, _: &[Bytes]) -> Reply {
    Reply::Array(COMMANDS.iter().map(described).collect())
}

/// `COMMAND INFO [command …]`
pub(super) fn info(data: &mut Data, arguments: &[Bytes]) -> Reply {
    if arguments.len() == 2 {
        return command(data, arguments);
    }
    let one = |name: &Bytes| row(COMMANDS, name).map_or(Reply::NilArray, described);
    Reply::Array(arguments[2..].iter().map(one).collect())
}

/// `COMMAND GETKEYS command argument …`
pub(super) fn get_keys(_: &mut Data, arguments: &[Bytes]) -> Reply {
    let asked = &arguments[2..];
    let Some(command) = lookup(asked) else {
        return Reply::error("ERR Invalid command specified");
    };
    if command.keys == KeySpec::None {
        return Reply::error("ERR The command has no key arguments");
    }
    if !command.takes(asked.len()) {
        return Reply::error("ERR Invalid number of arguments specified for command");
    }
    let keys = command.keys.keys(asked).map(|key| Reply::Bulk(Bytes::copy_from_slice(key)));
    let keys: Vec<Reply> = keys.collect();
    // A script may have none: `no_mandatory_keys`.
    if keys.is_empty() && !matches!(command.keys, KeySpec::Counted { .. }) {
        return Reply::error("ERR Invalid arguments specified for command");
    }
    Reply::Array(keys)
}

fn described(command: &Command) -> Reply {
    let set = WORDS.iter().filter(|(flag, _)| command.flags.any_of(*flag));
    let mut flags: Vec<Reply> = set.map(|(_, word)| Reply::status(word)).collect();
    let (first, last, step) = match command.keys {
        KeySpec::Range { first, last, step } => (first, last as i64, step),
        KeySpec::OneOrListed { at } => (at, at as i64, 1),
        KeySpec::None | KeySpec::Counted { .. } => (0, 0, 0),
    };
    if matches!(command.keys, KeySpec::Counted { .. } | KeySpec::OneOrListed { .. }) {
        flags.push(Reply::status("movablekeys"));
    }
    Reply::Array(vec![
        Reply::Bulk(Bytes::from_static(command.full_name.as_bytes())),
        Reply::Int(i64::from(command.arity)),
        Reply::Array(flags),
        count(first),
        Reply::Int(last),
        count(step),
        Reply::Array(Vec::new()),
        Reply::Array(Vec::new()),
        Reply::Array(Vec::new()),
        Reply::Array(command.subcommands.iter().map(described).collect()),
    ])
}
