//! The command table, and what all commands share: how they are found, how arguments are read,
//! what is answered when something is wrong. One file per family.
//!
//! Source of names, arities and flags: Redis 7.0.15, `src/commands/*.json`.

mod arguments;
mod expiry;
mod flags;
mod hashes;
mod keys;
mod scripting;
mod server;
mod strings;

use bytes::Bytes;
pub(crate) use flags::Flags;

use self::arguments::{INT_RANGE, NOT_AN_INTEGER, float, integer, integer_in, is_option, printed};
use super::engine::{Data, Engine};
use super::resp::Reply;

/// What carries out a command that works on the data alone.
pub(crate) type DataHandler = fn(&mut Data, &[Bytes]) -> Reply;

/// What carries a command out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handler {
    /// Works on the data alone, so that a script may call it.
    Data(DataHandler),
    /// Works on the scripts as well, so that no script may call it: Redis's flag `noscript`.
    Engine(fn(&mut Engine, &[Bytes]) -> Reply),
}

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Command {
    /// The name as a client sends it, made a number by [`key`].
    key: u128,
    /// The name as error texts give it: with its container.
    pub(crate) full_name: &'static str,
    /// How many arguments, the name included; at least so many when it is negative.
    arity: i32,
    /// What the server has to know before it carries the command out.
    pub(crate) flags: Flags,
    pub(crate) handler: Handler,
    /// What the next argument may be, in the order of the names; none for a plain command.
    subcommands: &'static [Command],
}

impl Command {
    fn takes(&self, arguments: usize) -> bool {
        let wanted = self.arity.unsigned_abs() as usize;
        if self.arity < 0 { arguments >= wanted } else { arguments == wanted }
    }
}

const fn data(name: &'static str, arity: i32, run: fn(&mut Data, &[Bytes]) -> Reply) -> Command {
    Command {
        key: key(name.as_bytes()),
        full_name: name,
        arity,
        flags: Flags::of(name),
        handler: Handler::Data(run),
        subcommands: &[],
    }
}

const fn engine(
    name: &'static str,
    full_name: &'static str,
    arity: i32,
    run: fn(&mut Engine, &[Bytes]) -> Reply,
) -> Command {
    Command {
        key: key(name.as_bytes()),
        full_name,
        arity,
        flags: Flags::of(full_name),
        handler: Handler::Engine(run),
        subcommands: &[],
    }
}

/// A subcommand that works on the data alone.
const fn data_part(
    name: &'static str,
    full_name: &'static str,
    arity: i32,
    run: DataHandler,
) -> Command {
    Command {
        key: key(name.as_bytes()),
        full_name,
        arity,
        flags: Flags::of(full_name),
        handler: Handler::Data(run),
        subcommands: &[],
    }
}

/// A command that is nothing without a subcommand.
const fn container(name: &'static str, subcommands: &'static [Command]) -> Command {
    Command {
        key: key(name.as_bytes()),
        full_name: name,
        arity: -2,
        flags: Flags::of(name),
        handler: Handler::Engine(|_, arguments| unknown_command(arguments)),
        subcommands,
    }
}

/// The table, in the order of the names.
pub(crate) static COMMANDS: &[Command] = &[
    data("append", 3, strings::append),
    data("copy", -3, keys::copy),
    data("dbsize", 1, keys::dbsize),
    data("decr", 2, strings::decr),
    data("decrby", 3, strings::decrby),
    data("del", -2, keys::del),
    data("echo", 2, server::echo),
    engine("eval", "eval", -3, scripting::eval),
    engine("evalsha", "evalsha", -3, scripting::evalsha),
    data("exists", -2, keys::exists),
    data("expire", -3, expiry::expire),
    data("expireat", -3, expiry::expireat),
    data("expiretime", 2, expiry::expiretime),
    data("flushall", -1, keys::flush),
    data("flushdb", -1, keys::flush),
    data("get", 2, strings::get),
    data("getdel", 2, strings::getdel),
    data("getex", -2, strings::getex),
    data("getrange", 4, strings::getrange),
    data("getset", 3, strings::getset),
    data("hdel", -3, hashes::hdel),
    data("hexists", 3, hashes::hexists),
    data("hget", 3, hashes::hget),
    data("hgetall", 2, hashes::hgetall),
    data("hincrby", 4, hashes::hincrby),
    data("hincrbyfloat", 4, hashes::hincrbyfloat),
    data("hkeys", 2, hashes::hkeys),
    data("hlen", 2, hashes::hlen),
    data("hmget", -3, hashes::hmget),
    data("hmset", -4, hashes::hmset),
    data("hrandfield", -2, hashes::hrandfield),
    data("hscan", -3, keys::hscan),
    data("hset", -4, hashes::hset),
    data("hsetnx", 4, hashes::hsetnx),
    data("hstrlen", 3, hashes::hstrlen),
    data("hvals", 2, hashes::hvals),
    data("incr", 2, strings::incr),
    data("incrby", 3, strings::incrby),
    data("incrbyfloat", 3, strings::incrbyfloat),
    data("keys", 2, keys::keys),
    data("lcs", -3, strings::lcs),
    data("mget", -2, strings::mget),
    data("mset", -3, strings::mset),
    data("msetnx", -3, strings::msetnx),
    container(
        "object",
        &[
            data_part("encoding", "object|encoding", 3, keys::encoding),
            data_part("freq", "object|freq", 3, keys::freq),
            data_part("help", "object|help", 2, keys::help),
            data_part("idletime", "object|idletime", 3, keys::idletime),
            data_part("refcount", "object|refcount", 3, keys::refcount),
        ],
    ),
    data("persist", 2, expiry::persist),
    data("pexpire", -3, expiry::pexpire),
    data("pexpireat", -3, expiry::pexpireat),
    data("pexpiretime", 2, expiry::pexpiretime),
    data("ping", -1, server::ping),
    data("psetex", 4, strings::psetex),
    data("pttl", 2, expiry::pttl),
    data("randomkey", 1, keys::randomkey),
    data("rename", 3, keys::rename),
    data("renamenx", 3, keys::renamenx),
    data("scan", -2, keys::scan),
    container(
        "script",
        &[
            engine("exists", "script|exists", -3, scripting::exists),
            engine("flush", "script|flush", -2, scripting::flush),
            engine("help", "script|help", 2, scripting::help),
            engine("kill", "script|kill", 2, scripting::kill),
            engine("load", "script|load", 3, scripting::load),
        ],
    ),
    data("select", 2, server::select),
    data("set", -3, strings::set),
    data("setex", 4, strings::setex),
    data("setnx", 3, strings::setnx),
    data("setrange", 4, strings::setrange),
    data("strlen", 2, strings::strlen),
    data("substr", 4, strings::getrange),
    data("time", 1, server::time),
    data("touch", -2, keys::touch),
    data("ttl", 2, expiry::ttl),
    data("type", 2, keys::type_of),
    data("unlink", -2, keys::del),
];

/// A command that a script called and that it cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotForScripts {
    /// An argument is neither a string nor a number.
    Arguments,
    /// There is none of that name.
    Unknown,
    /// It takes another number of arguments.
    Arity,
    /// It is flagged `noscript`, or needs more than the data.
    Forbidden,
}

/// Finds a client's command.
///
/// # Errors
///
/// The reply to give when there is no such command or it takes another number of arguments.
pub(crate) fn find(arguments: &[Bytes]) -> Result<&'static Command, Reply> {
    let Some(command) = lookup(arguments) else {
        return Err(unknown_command(arguments));
    };
    if !command.takes(arguments.len()) {
        return Err(wrong_arity(command.full_name));
    }
    Ok(command)
}

/// Finds what carries out a command that a script called.
///
/// # Errors
///
/// Why the script cannot have it. Source of the order: `script.c`, `scriptCall`.
pub(crate) fn find_for_script(arguments: &[Bytes]) -> Result<DataHandler, NotForScripts> {
    let command = lookup(arguments).ok_or(NotForScripts::Unknown)?;
    if !command.takes(arguments.len()) {
        return Err(NotForScripts::Arity);
    }
    match command.handler {
        Handler::Data(run) if !command.flags.any_of(Flags::NOSCRIPT) => Ok(run),
        _ => Err(NotForScripts::Forbidden),
    }
}

/// True when there is such a command, whatever its arguments.
pub(crate) fn is_known(arguments: &[Bytes]) -> bool {
    lookup(arguments).is_some()
}

/// The row of a command, or of its subcommand. A container stands for itself only when nothing
/// follows it.
fn lookup(arguments: &[Bytes]) -> Option<&'static Command> {
    let (name, rest) = arguments.split_first()?;
    let command = row(COMMANDS, name)?;
    match rest.first() {
        Some(name) if !command.subcommands.is_empty() => row(command.subcommands, name),
        _ => Some(command),
    }
}

fn row(table: &'static [Command], name: &[u8]) -> Option<&'static Command> {
    let key = key(name);
    table.binary_search_by_key(&key, |command| command.key).ok().map(|at| &table[at])
}

/// A name as a number, in small letters, in the order of the names: every command is looked up,
/// and numbers compare faster than text. What is longer than any name is 0.
const fn key(name: &[u8]) -> u128 {
    const NAME_MAX: usize = 15;
    if name.len() > NAME_MAX {
        return 0;
    }
    let mut text = [0; NAME_MAX + 1];
    text.split_at_mut(name.len()).0.copy_from_slice(name);
    text.make_ascii_lowercase();
    // The length tells a name from the same one with zero bytes behind it.
    text[NAME_MAX] = name.len() as u8;
    u128::from_be_bytes(text)
}

/// The reply to a key that holds the wrong kind of value.
pub(crate) const WRONG_TYPE: Reply =
    Reply::error("WRONGTYPE Operation against a key holding the wrong kind of value");

const SYNTAX_ERROR: Reply = Reply::error("ERR syntax error");

/// The two integers that stand for no and yes.
fn yes_or_no(yes: bool) -> Reply {
    Reply::Int(i64::from(yes))
}

/// A string, or that there is none.
fn bulk_or_nil(string: Option<Bytes>) -> Reply {
    string.map_or(Reply::Nil, Reply::Bulk)
}

/// Runs a command that may end with an error; the one or the other is the reply.
fn attempt(run: impl FnOnce() -> Result<Reply, Reply>) -> Reply {
    run().unwrap_or_else(|error| error)
}

/// How many there are, as a reply counts them.
fn count(number: usize) -> Reply {
    Reply::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// An error with text that is not known beforehand. Line breaks become spaces.
///
/// Source: `networking.c`, `addReplyErrorFormatInternal`.
pub(crate) fn error(text: impl AsRef<[u8]>) -> Reply {
    let mut line = b"ERR ".to_vec();
    line.extend_from_slice(text.as_ref());
    for byte in &mut line {
        if matches!(*byte, b'\r' | b'\n') {
            *byte = b' ';
        }
    }
    Reply::Error(Bytes::from(line))
}

fn wrong_arity(full_name: &str) -> Reply {
    error(format!("wrong number of arguments for '{full_name}' command"))
}

fn invalid_expire_time(name: &str) -> Reply {
    error(format!("invalid expire time in '{name}' command"))
}

/// The reply to a command that is not in the table.
///
/// Source: `server.c`, `commandCheckExistence`.
fn unknown_command(arguments: &[Bytes]) -> Reply {
    const SHOWN_MAX_BYTES: usize = 128;
    let name = arguments.first().map_or(&b""[..], |name| name);
    let is_container = row(COMMANDS, name).is_some_and(|row| !row.subcommands.is_empty());
    if let (true, Some(subcommand)) = (is_container, arguments.get(1)) {
        let subcommand = printed(subcommand, SHOWN_MAX_BYTES);
        let upper = name.to_ascii_uppercase();
        return error(
            [b"unknown subcommand '", subcommand, b"'. Try ", &upper, b" HELP."].concat(),
        );
    }
    let mut shown = Vec::new();
    for argument in arguments.iter().skip(1) {
        if shown.len() >= SHOWN_MAX_BYTES {
            break;
        }
        let room = SHOWN_MAX_BYTES - shown.len();
        shown.extend([b"'", printed(argument, room), b"' "].concat());
    }
    let name = printed(name, SHOWN_MAX_BYTES);
    error([b"unknown command '", name, b"', with args beginning with: ", &shown].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_so_that_it_can_be_searched() {
        let in_order = |table: &[Command]| table.is_sorted_by(|one, next| one.key < next.key);
        assert!(in_order(COMMANDS));
        for command in COMMANDS {
            let found = row(COMMANDS, command.full_name.to_uppercase().as_bytes());
            assert_eq!(found.map(|found| found.full_name), Some(command.full_name));
            assert!(in_order(command.subcommands));
        }
        for unknown in [&b""[..], b"get\0", b"ge", b"gett", b"0123456789abcdef"] {
            assert!(row(COMMANDS, unknown).is_none());
        }
    }
}
